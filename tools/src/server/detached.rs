//! Calls whose work may outlive their request: it becomes a task, or its client goes away and the answer is kept.

use std::{panic::AssertUnwindSafe, sync::Arc};

use exai_core::{
    AnswerId,
    answer::{AnswerState, KeptAnswer},
};
use exai_engine::{Call, inference::scope::CallScope};
use futures::FutureExt as _;
use rmcp::{
    ErrorData, RoleServer,
    handler::server::tool::ToolCallContext,
    model::{CallToolRequestParams, CallToolResponse},
    service::RequestContext,
};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};
use tokio_util::sync::CancellationToken;
use tracing::Instrument as _;

use super::{
    ExaiServer, OnDisconnect,
    answers::{self, Underway},
    call::panic_text,
    deadline,
    heartbeat::Heartbeat,
    tasks,
};
use crate::reply;

/// How the work ended.
enum Ended {
    Answered(Box<Result<CallToolResponse, ErrorData>>),
    Late,
    Cancelled,
    Interrupted,
}

impl ExaiServer {
    /// Runs the work in a task of its own and waits for it as long as somebody does.
    pub(crate) async fn outliving_call(
        &self,
        request: CallToolRequestParams,
        mut context: RequestContext<RoleServer>,
        call: Call,
        beat: Option<Heartbeat>,
        as_task: bool,
        in_flight: OwnedSemaphorePermit,
    ) -> Result<CallToolResponse, ErrorData> {
        let (id, cancel) = (AnswerId::new(), CancellationToken::new());
        let scope = CallScope { cancel: cancel.clone(), ..call.scope };
        let call = Call { scope, ..call };
        context.extensions.insert(call.clone());
        let (gone, who) = (context.ct.clone(), self.requester(&context));
        let events = call.progress.subscribe();
        self.outliving.begin(id, Underway { cancel: cancel.clone(), progress: events.clone() });
        self.explicit.begin(&who, cancel.clone());
        let (answers, mut answered) = oneshot::channel();
        let tool = request.name.to_string();
        let places = (in_flight, self.session_calls.of_this_session());
        let work = self.clone().work(id, request, context, call.clone(), answers, places);
        tokio::spawn(work.in_current_span());
        let finish = self.parts.on_disconnect == OnDisconnect::Finish;
        // On a door where work ends with its client, it also ends when this future is dropped.
        let leaving = (!finish).then(|| cancel.clone().drop_guard());
        let alive = async {
            match beat {
                Some(beat) => beat.beat(events).await,
                None => std::future::pending().await,
            }
        };
        let slow = async {
            if as_task {
                tokio::time::sleep(self.parts.task_after).await;
            } else {
                std::future::pending::<()>().await;
            }
        };
        let result = tokio::select! {
            biased;
            answer = &mut answered => answer.unwrap_or_else(|_closed| Ok(reply::interrupted(&tool, &call))),
            () = self.parts.closing.cancelled() => Ok(reply::interrupted(&tool, &call)),
            () = gone.cancelled() => Ok(reply::cancelled(&tool, &call)),
            () = alive => Ok(reply::cancelled(&tool, &call)),
            () = slow => {
                let row = self.awaited(id, &tool, &call);
                self.keep(&call.principal.identity, row.clone());
                answered.close();
                match answered.try_recv() {
                    // It came at the last moment; the row must not say otherwise.
                    Ok(answer) => {
                        if let Some(text) = answer.as_ref().ok().and_then(answers::text_of) {
                            self.keep_text(id, &tool, text, &call);
                        }
                        answer
                    }
                    Err(_closed) => {
                        drop(leaving.map(tokio_util::sync::DropGuard::disarm));
                        self.explicit.end(&who);
                        return Ok(tasks::handed_out(&row));
                    }
                }
            }
        };
        // Whoever cancels explicitly is heard a moment after the request has ended.
        if finish && gone.is_cancelled() {
            return result;
        }
        drop(leaving.map(tokio_util::sync::DropGuard::disarm));
        self.explicit.end(&who);
        result
    }

    async fn work(
        self,
        id: AnswerId,
        request: CallToolRequestParams,
        context: RequestContext<RoleServer>,
        call: Call,
        answers: oneshot::Sender<Result<CallToolResponse, ErrorData>>,
        (in_flight, session): (OwnedSemaphorePermit, Arc<Semaphore>),
    ) {
        let (tool, who) = (request.name.to_string(), self.requester(&context));
        let work = AssertUnwindSafe(async {
            let _turn = session.acquire().await;
            self.router.call(ToolCallContext::new(&self, request, context)).await
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
            () = self.parts.closing.cancelled() => Ended::Interrupted,
        };
        drop(in_flight);
        self.outliving.end(id);
        let (state, answer) = match ended {
            // What was taken back may still answer, with words to that effect.
            Ended::Answered(answer) if call.cancel.is_cancelled() => (AnswerState::Cancelled, *answer),
            Ended::Answered(answer) => (AnswerState::Done, *answer),
            // Whoever comes for the answer learns why there is no better one.
            Ended::Late => (AnswerState::Done, Ok(reply::late(&tool, &call))),
            Ended::Cancelled => (AnswerState::Cancelled, Ok(reply::cancelled(&tool, &call))),
            Ended::Interrupted => (AnswerState::Interrupted, Ok(reply::interrupted(&tool, &call))),
        };
        let Err(unheard) = answers.send(answer) else { return };
        self.explicit.end(&who);
        match (state, unheard.as_ref().ok().and_then(answers::text_of)) {
            (AnswerState::Done, Some(text)) => {
                tracing::info!(tool, answer = %id, "nobody waited for the answer any more; it is kept");
                self.keep_text(id, &tool, text, &call);
            }
            (state, _) => {
                let row = self.awaited(id, &tool, &call);
                self.keep(&call.principal.identity, KeptAnswer { state, ..row });
            }
        }
    }
}
