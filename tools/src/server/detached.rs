//! Calls whose work may go on after their request: it becomes a task, or its client goes away and the answer is kept.

pub(super) mod work;

use std::panic::AssertUnwindSafe;

use exai_clients::fit::PartCall;
use exai_core::{AnswerId, answer::AnswerState, run::RunEvent};
use exai_engine::{Call, answers::NewAnswer, inference::scope::CallScope};
use futures::FutureExt as _;
use rmcp::{
    ErrorData, RoleServer,
    handler::server::tool::ToolCallContext,
    model::{CallToolRequestParams, CallToolResponse},
    service::RequestContext,
};
use tokio::sync::{oneshot, watch};
use tokio_util::sync::{CancellationToken, DropGuard};
use tracing::Instrument as _;

use self::work::Work;
use super::{
    admission::{Entrance, NotAdmitted},
    answers::AnswerText,
    cancel_registry::{BegunRequest, RequestKey},
    deadline,
    heartbeat::{Heartbeat, beat_or_wait},
    panics::panic_text,
    state::{ExaiServer, OnDisconnect},
    tasks,
};
use crate::reply;

/// What becomes of a request whose answer is slow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Slow {
    /// It waits.
    Waits,
    /// It is answered with a task.
    Task,
    /// It is told that the work goes on, and how to get the answer.
    Announced,
}

/// A call whose work may go on after its request.
pub(super) struct Detachable {
    pub request: CallToolRequestParams,
    pub context: RequestContext<RoleServer>,
    pub call: Call,
    /// Where its progress goes, when the client wants it.
    pub beat: Option<Heartbeat>,
    /// What its client gets when the answer is slow.
    pub slow: Slow,
    /// The tool's name as the client called it.
    pub asked: String,
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
    entrance: Entrance,
    /// Cancelled when its client is gone, where that ends a call that still waits for its turn.
    gone: CancellationToken,
    /// Dropped at its very end.
    ending: DropGuard,
}

/// The request that waits for the work.
struct Waiting<'a> {
    server: &'a ExaiServer,
    id: AnswerId,
    begun: BegunRequest,
    tool: String,
    asked: String,
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
        let Detachable { request, mut context, call, beat, slow, asked } = detachable;
        let (id, cancel, ended) = (AnswerId::new(), CancellationToken::new(), CancellationToken::new());
        let scope = CallScope { cancel: cancel.clone(), ..call.scope };
        let call = Call { scope, ..call };
        context.extensions.insert(call.clone());
        let key = RequestKey::new(self.own_connection.of(&context.extensions), &context.id);
        let events = call.progress.subscribe();
        self.detached.begin(
            id,
            Work {
                who: call.principal.identity.clone(),
                cancel: cancel.clone(),
                progress: events.clone(),
                ended: ended.clone(),
            },
        );
        let begun = self.cancels.begin(key, cancel.clone());
        let (answers, answered) = oneshot::channel();
        let waiting = Waiting {
            server: self,
            id,
            begun: begun.clone(),
            tool: request.name.to_string(),
            asked,
            call: call.clone(),
            answered,
            gone: context.ct.clone(),
            leaving: (self.parts.on_disconnect == OnDisconnect::Interrupt).then(|| cancel.drop_guard()),
        };
        let (server, entrance) = (self.clone(), self.admission.entrance());
        // Who was told to come back has not gone away with its request.
        let gone = if slow == Slow::Waits { context.ct.clone() } else { CancellationToken::new() };
        let ending = ended.drop_guard();
        let job = Job { server, id, begun, request, context, call, answers, entrance, gone, ending };
        tokio::spawn(job.run().in_current_span());
        waiting.answer(beat, events, slow).await
    }
}

impl Waiting<'_> {
    async fn answer(
        mut self,
        beat: Option<Heartbeat>,
        events: watch::Receiver<RunEvent>,
        slow: Slow,
    ) -> Result<CallToolResponse, ErrorData> {
        let parts = &self.server.parts;
        let too_slow = async {
            match slow {
                Slow::Waits => std::future::pending().await,
                Slow::Task => tokio::time::sleep(parts.task_after).await,
                Slow::Announced => tokio::time::sleep(parts.hurried_after).await,
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
            () = too_slow => return self.go_on_without(slow),
        };
        if parts.on_disconnect == OnDisconnect::Finish && self.gone.is_cancelled() {
            // A cancellation by the client arrives a moment after its request has ended, and must still find the work.
            return result;
        }
        self.release();
        result
    }

    /// Gives the client a way to the answer in place of it.
    fn go_on_without(mut self, slow: Slow) -> Result<CallToolResponse, ErrorData> {
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
            Err(_closed) if slow == Slow::Task => Ok(tasks::handed_out(&row)),
            Err(_closed) => Ok(self.server.announced(self.id, &self.asked, &self.call)),
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
        let Self { server, id, begun, request, context, call, answers, entrance, gone, ending } = self;
        let _ending = ending;
        let tool = request.name.to_string();
        let work = AssertUnwindSafe(async {
            let _admitted = match entrance.admit(&call.principal.identity, &gone).await {
                Ok(admitted) => admitted,
                Err(why) => {
                    // Nothing was asked, so there is nothing to come back for.
                    if why == NotAdmitted::Gone {
                        call.cancel.cancel();
                    }
                    return Ok(server.not_admitted(why, &tool, &call));
                }
            };
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
        let unsent = answers.send(answer).err();
        if let Some(unsent) = unsent {
            server.keep_unsent(id, &tool, state, &unsent, &call);
        }
        // Whoever waits for the end looks for the kept answer then.
        server.detached.end(id);
    }
}

impl ExaiServer {
    /// Keeps an answer that no request waits for any more.
    fn keep_unsent(
        &self,
        id: AnswerId,
        tool: &str,
        state: AnswerState,
        unsent: &Result<CallToolResponse, ErrorData>,
        call: &Call,
    ) {
        match (state, unsent.as_ref().ok().and_then(AnswerText::of)) {
            (AnswerState::Done, Some(said)) => {
                tracing::info!(tool, answer = %id, "no request waits for the answer any more; it is kept");
                self.keep_text(id, tool, said, call);
            }
            (state, _) => drop(self.engine().keep_answer(NewAnswer::empty(id, tool, state), call)),
        }
    }

    /// Tells a client that the work goes on, and how to get the answer.
    pub(super) fn announced(&self, id: AnswerId, asked: &str, call: &Call) -> CallToolResponse {
        self.detached.announce(id);
        let progress = self.detached.get(id).map(|work| work.progress.borrow().phase.as_str());
        let id = id.to_string();
        let again = PartCall { tool: asked, id: &id, demanded: self.tools.demanded(asked) };
        reply::running(again, progress, self.parts.hurried_after, call)
    }
}
