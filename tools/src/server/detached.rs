//! Calls whose work may go on after their request: it becomes a task, or its client goes away and the answer is kept.

pub(super) mod work;

use std::{panic::AssertUnwindSafe, sync::Arc};

use exai_core::{AnswerId, answer::AnswerState, run::RunEvent};
use exai_engine::{Call, answers::NewAnswer, inference::scope::CallScope};
use futures::FutureExt as _;
use rmcp::{
    ErrorData, RoleServer,
    handler::server::tool::ToolCallContext,
    model::{CallToolRequestParams, CallToolResponse},
    service::RequestContext,
};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot, watch};
use tokio_util::sync::{CancellationToken, DropGuard};
use tracing::Instrument as _;

use self::work::Work;
use super::{
    answers::AnswerText,
    cancel_registry::{BegunRequest, RequestKey},
    deadline,
    heartbeat::{Heartbeat, beat_or_wait},
    panics::panic_text,
    state::{ExaiServer, OnDisconnect},
    tasks,
};
use crate::reply;

/// A call whose work may go on after its request.
pub(super) struct Detachable {
    pub request: CallToolRequestParams,
    pub context: RequestContext<RoleServer>,
    pub call: Call,
    /// Where its progress goes, when the client wants it.
    pub beat: Option<Heartbeat>,
    /// Whether the client takes a task when the answer is slow.
    pub as_task: bool,
    /// Its place among the calls in flight.
    pub in_flight: OwnedSemaphorePermit,
}

/// The work itself, in a task of its own.
struct Job {
    server: ExaiServer,
    id: AnswerId,
    begun: BegunRequest,
    request: CallToolRequestParams,
    context: RequestContext<RoleServer>,
    call: Call,
    answers: oneshot::Sender<Result<CallToolResponse, ErrorData>>,
    in_flight: OwnedSemaphorePermit,
    session: Arc<Semaphore>,
}

/// The request that waits for the work.
struct Waiting<'a> {
    server: &'a ExaiServer,
    id: AnswerId,
    begun: BegunRequest,
    tool: String,
    call: Call,
    answered: oneshot::Receiver<Result<CallToolResponse, ErrorData>>,
    /// Cancelled when the request is cancelled or its connection ends.
    gone: CancellationToken,
    /// Cancels the work when the request is dropped; `None` where work goes on without its client.
    leaving: Option<DropGuard>,
}

/// How the work ended.
enum Ended {
    Answered(Box<Result<CallToolResponse, ErrorData>>),
    Late,
    Cancelled,
    Interrupted,
}

impl ExaiServer {
    /// Runs the work in a task of its own, and waits for it as long as the client does.
    pub(super) async fn detachable_call(
        &self,
        detachable: Detachable,
    ) -> Result<CallToolResponse, ErrorData> {
        let Detachable { request, mut context, call, beat, as_task, in_flight } = detachable;
        let (id, cancel) = (AnswerId::new(), CancellationToken::new());
        let scope = CallScope { cancel: cancel.clone(), ..call.scope };
        let call = Call { scope, ..call };
        context.extensions.insert(call.clone());
        let key = RequestKey::new(self.own_connection.of(&context.extensions), &context.id);
        let events = call.progress.subscribe();
        self.detached.begin(id, Work { cancel: cancel.clone(), progress: events.clone() });
        let begun = self.cancels.begin(key, cancel.clone());
        let (answers, answered) = oneshot::channel();
        let waiting = Waiting {
            server: self,
            id,
            begun: begun.clone(),
            tool: request.name.to_string(),
            call: call.clone(),
            answered,
            gone: context.ct.clone(),
            leaving: (self.parts.on_disconnect == OnDisconnect::Interrupt).then(|| cancel.drop_guard()),
        };
        let (server, session) = (self.clone(), self.session.places());
        let job = Job { server, id, begun, request, context, call, answers, in_flight, session };
        tokio::spawn(job.run().in_current_span());
        waiting.answer(beat, events, as_task).await
    }
}

impl Waiting<'_> {
    async fn answer(
        mut self,
        beat: Option<Heartbeat>,
        events: watch::Receiver<RunEvent>,
        as_task: bool,
    ) -> Result<CallToolResponse, ErrorData> {
        let parts = &self.server.parts;
        let slow = async {
            if as_task {
                tokio::time::sleep(parts.task_after).await;
            } else {
                std::future::pending::<()>().await;
            }
        };
        let result = tokio::select! {
            biased;
            answer = &mut self.answered => {
                answer.unwrap_or_else(|_closed| Ok(reply::interrupted(&self.tool, &self.call)))
            }
            () = parts.closing.cancelled() => Ok(reply::interrupted(&self.tool, &self.call)),
            () = self.gone.cancelled() => Ok(reply::cancelled(&self.tool, &self.call)),
            () = beat_or_wait(beat, events) => Ok(reply::cancelled(&self.tool, &self.call)),
            () = slow => return self.become_task(),
        };
        if parts.on_disconnect == OnDisconnect::Finish && self.gone.is_cancelled() {
            // A cancellation by the client arrives a moment after its request has ended, and must still find the work.
            return result;
        }
        self.release();
        result
    }

    /// Hands the client a task in place of the answer.
    fn become_task(mut self) -> Result<CallToolResponse, ErrorData> {
        let engine = self.server.engine();
        let row = engine.keep_answer(NewAnswer::empty(self.id, &self.tool, AnswerState::Working), &self.call);
        self.answered.close();
        let answer = match self.answered.try_recv() {
            // It came at the last moment; the row must not say otherwise.
            Ok(answer) => {
                if let Some(said) = answer.as_ref().ok().and_then(AnswerText::of) {
                    self.server.keep_text(self.id, &self.tool, said, &self.call);
                }
                answer
            }
            Err(_closed) => Ok(tasks::handed_out(&row)),
        };
        self.release();
        answer
    }

    /// The work no longer ends with its request.
    fn release(self) {
        drop(self.leaving.map(DropGuard::disarm));
        self.server.cancels.end(&self.begun);
    }
}

impl Job {
    async fn run(self) {
        let Self { server, id, begun, request, context, call, answers, in_flight, session } = self;
        let tool = request.name.to_string();
        let work = AssertUnwindSafe(async {
            let _place = session.acquire().await;
            server.router.call(ToolCallContext::new(&server, request, context)).await
        })
        .catch_unwind();
        let ended = tokio::select! {
            biased;
            answer = deadline::in_time(&call, work) => answer.map_or(Ended::Late, |answer| {
                Ended::Answered(Box::new(answer.unwrap_or_else(|panic| {
                    tracing::error!(tool, request_id = %call.request_id, "a tool panicked: {}", panic_text(&*panic));
                    Ok(reply::panicked(&tool, &call))
                })))
            }),
            () = call.cancel.cancelled() => Ended::Cancelled,
            () = server.parts.closing.cancelled() => Ended::Interrupted,
        };
        drop(in_flight);
        server.detached.end(id);
        server.cancels.end(&begun);
        let (state, answer) = match ended {
            // Cancelled work may still answer, and says then that it was cancelled.
            Ended::Answered(answer) if call.cancel.is_cancelled() => (AnswerState::Cancelled, *answer),
            Ended::Answered(answer) => (AnswerState::Done, *answer),
            // The client that fetches the answer learns why there is no better one.
            Ended::Late => (AnswerState::Done, Ok(reply::late(&tool, &call))),
            Ended::Cancelled => (AnswerState::Cancelled, Ok(reply::cancelled(&tool, &call))),
            Ended::Interrupted => (AnswerState::Interrupted, Ok(reply::interrupted(&tool, &call))),
        };
        let Err(unsent) = answers.send(answer) else { return };
        match (state, unsent.as_ref().ok().and_then(AnswerText::of)) {
            (AnswerState::Done, Some(said)) => {
                tracing::info!(tool, answer = %id, "no request waits for the answer any more; it is kept");
                server.keep_text(id, &tool, said, &call);
            }
            (state, _) => {
                server.engine().keep_answer(NewAnswer::empty(id, &tool, state), &call);
            }
        }
    }
}
