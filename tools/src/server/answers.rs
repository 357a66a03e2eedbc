//! Answers that are kept in the database: of tasks, of clients that have left, and of those who can only show a part.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use exai_core::{
    AnswerId, Identity, ThreadId, Timestamp,
    answer::{AnswerState, KeptAnswer},
    run::RunEvent,
    store::Write,
};
use exai_engine::Call;
use rmcp::{
    Peer, RoleServer,
    model::{CallToolResponse, CallToolResult},
    service::RequestContext,
};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::ExaiServer;

/// How long an answer is kept.
const LIFETIME: Duration = Duration::from_secs(30 * 24 * 60 * 60);
/// How much later than its call's deadline a task may still end.
const GRACE: Duration = Duration::from_secs(60);

/// The work of this process that outlives its request.
#[derive(Clone, Default)]
pub(crate) struct Outliving(Arc<Mutex<HashMap<AnswerId, Underway>>>);

/// One piece of it.
#[derive(Clone)]
pub(crate) struct Underway {
    /// Cancels it.
    pub cancel: CancellationToken,
    /// How far it is.
    pub progress: watch::Receiver<RunEvent>,
}

impl Outliving {
    fn lock(&self) -> MutexGuard<'_, HashMap<AnswerId, Underway>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn begin(&self, id: AnswerId, underway: Underway) {
        self.lock().insert(id, underway);
    }

    pub(crate) fn end(&self, id: AnswerId) {
        self.lock().remove(&id);
    }

    pub(crate) fn get(&self, id: AnswerId) -> Option<Underway> {
        self.lock().get(&id).cloned()
    }
}

/// A request as its own client numbers it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Requester {
    /// Tells one client's connection from another's.
    connection: usize,
    request: String,
}

/// What an explicit cancellation reaches after its request has ended: the SDK tells of it apart from the end of the connection.
#[derive(Clone, Default)]
pub(crate) struct Explicit(Arc<Mutex<HashMap<Requester, CancellationToken>>>);

impl Explicit {
    fn lock(&self) -> MutexGuard<'_, HashMap<Requester, CancellationToken>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn begin(&self, who: &Requester, cancel: CancellationToken) {
        self.lock().insert(who.clone(), cancel);
    }

    pub(crate) fn end(&self, who: &Requester) {
        self.lock().remove(who);
    }

    /// The client took its request back.
    pub(crate) fn cancel(&self, who: &Requester) {
        if let Some(cancel) = self.lock().remove(who) {
            cancel.cancel();
        }
    }
}

/// The text of an answer and whether it tells of an error.
pub(crate) fn text_of(answer: &CallToolResponse) -> Option<(String, bool)> {
    let CallToolResponse::Complete(result) = answer else { return None };
    Some((text_of_result(result), result.is_error.unwrap_or(false)))
}

pub(crate) fn text_of_result(result: &CallToolResult) -> String {
    result.content.iter().filter_map(|block| block.as_text()).map(|text| text.text.as_str()).collect()
}

impl ExaiServer {
    /// The name under which an explicit cancellation of this request comes.
    pub(crate) fn requester(&self, context: &RequestContext<RoleServer>) -> Requester {
        named(&context.peer, &context.id)
    }

    /// A row for an answer that is not there yet.
    pub(crate) fn awaited(&self, id: AnswerId, tool: &str, call: &Call) -> KeptAnswer {
        let now = self.engine().clock().now();
        let until = call.deadline.saturating_duration_since(tokio::time::Instant::now()) + GRACE;
        KeptAnswer {
            id,
            thread: call.thread.get().copied(),
            tool: tool.to_owned(),
            state: AnswerState::Working,
            created_at: now,
            updated_at: now,
            deadline_at: plus(now, until),
            expires_at: plus(now, LIFETIME),
            text: String::new(),
            is_error: false,
        }
    }

    /// Keeps an answer; the database takes it when it can.
    pub(crate) fn keep(&self, who: &Identity, kept: KeptAnswer) {
        drop(self.engine().store().write(who, vec![Write::KeepAnswer(kept)]));
    }

    /// Keeps a whole answer, for whoever comes for it.
    pub(crate) fn keep_text(&self, id: AnswerId, tool: &str, (text, is_error): (String, bool), call: &Call) {
        let thread: Option<ThreadId> = call.thread.get().copied();
        let row = self.awaited(id, tool, call);
        let kept = KeptAnswer { state: AnswerState::Done, thread, text, is_error, ..row };
        self.keep(&call.principal.identity, kept);
    }
}

/// The client's own description lives as long as its connection, so its place tells connections apart.
pub(crate) fn named(peer: &Peer<RoleServer>, request: &rmcp::model::RequestId) -> Requester {
    let connection = peer.peer_info().map_or(0, |info| Arc::as_ptr(&info).addr());
    Requester { connection, request: request.to_string() }
}

fn plus(moment: Timestamp, duration: Duration) -> Timestamp {
    moment.plus_millis(i64::try_from(duration.as_millis()).unwrap_or(i64::MAX))
}
