//! What the server is made of, and what its calls share. Knows nothing of requests.

use std::{sync::Arc, time::Duration};

use exai_engine::{Engine, inference::fair::FairLimit};
use rmcp::handler::server::router::tool::ToolRouter;
use tokio_util::sync::CancellationToken;

use super::{
    admission::Admission,
    caller::OwnConnection,
    cancel_registry::CancelRegistry,
    detached::work::DetachedWork,
    profile::Shown,
    roots::{RootPolicy, SessionRoots},
    tool_list::ToolList,
};

/// A provider as `listmodels` shows it, configured or not.
#[derive(Debug, Clone)]
pub struct VendorFact {
    /// Its id.
    pub id: String,
    /// Its name.
    pub title: String,
    /// Whether it can be asked.
    pub configured: bool,
    /// What to set to use it, or where its key came from.
    pub how: String,
}

/// What becomes of a call whose client goes away without cancelling it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum OnDisconnect {
    /// It ends, and its run is marked as interrupted: the client was the only one, and this process ends with it.
    #[default]
    Interrupt,
    /// It goes on to its end, and its answer is kept for the client to fetch later.
    Finish,
}

/// What the server is built from.
#[derive(Clone)]
pub struct ServerParts {
    /// The engine.
    pub engine: Engine,
    /// The readable folders.
    pub roots: RootPolicy,
    /// The providers, for `listmodels`.
    pub vendors: Vec<VendorFact>,
    /// The tools that are shown at the start.
    pub shown: Shown,
    /// This program's version.
    pub version: &'static str,
    /// Where threads are kept, for `version`.
    pub database: String,
    /// Time between two progress notifications of a call that has nothing new to report.
    pub heartbeat: Duration,
    /// How long a user may take to answer a question while a call waits.
    pub user_limit: Duration,
    /// What becomes of a call whose client goes away.
    pub on_disconnect: OnDisconnect,
    /// How long a call may take before a client that knows tasks gets one instead of its answer.
    pub task_after: Duration,
    /// How long a call may take before a client that would give it up after a minute is told that the work goes on.
    pub hurried_after: Duration,
    /// The most characters of an answer, whatever the client; 0 for any number.
    pub answer_chars: Option<usize>,
    /// The calls that ask models at once, shared out among their owners.
    pub consultations: FairLimit,
    /// How long a call waits for its place among them.
    pub admission_wait: Duration,
    /// The most calls of one session that ask models at once; more wait for their turn.
    pub session_consultations: usize,
    /// Cancelled when calls in flight must be answered now, because the process ends.
    pub closing: CancellationToken,
}

/// The server. Transports clone it for each session; clones share everything but what belongs to a session.
#[derive(Clone)]
pub struct ExaiServer {
    pub(crate) parts: Arc<ServerParts>,
    pub(crate) router: Arc<ToolRouter<Self>>,
    pub(crate) tools: Arc<ToolList>,
    pub(crate) roots: SessionRoots,
    pub(crate) admission: Admission,
    pub(crate) detached: DetachedWork,
    pub(crate) cancels: CancelRegistry,
    pub(crate) own_connection: OwnConnection,
}

impl ExaiServer {
    pub(crate) fn engine(&self) -> &Engine {
        &self.parts.engine
    }
}
