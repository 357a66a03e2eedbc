//! Who sent a message, over which connection, and what that client understands.

use exai_core::{ConnectionId, Principal};
use rmcp::{
    RoleServer,
    model::{Extensions, ProtocolVersion},
    service::RequestContext,
};

/// What the transport says of a message. Over HTTP that is in the head of the request that carried it.
pub(super) fn of_transport<T: Clone + Send + Sync + 'static>(extensions: &Extensions) -> Option<T> {
    let head = || extensions.get::<http::request::Parts>();
    extensions.get::<T>().or_else(|| head()?.extensions.get::<T>()).cloned()
}

/// Who asks; the user of this process where no transport says otherwise.
pub(super) fn principal(context: &RequestContext<RoleServer>) -> Principal {
    of_transport(&context.extensions).unwrap_or_else(Principal::local)
}

/// The connection of this instance of the server, for programs that serve it without our transports. A clone is another connection,
/// because each connection is served by a clone.
#[derive(Debug)]
pub(crate) struct OwnConnection(ConnectionId);

impl OwnConnection {
    pub(super) fn new() -> Self {
        Self(ConnectionId::new())
    }

    /// The connection of a request or notification, as the transport names it.
    pub(super) fn of(&self, extensions: &Extensions) -> ConnectionId {
        of_transport(extensions).unwrap_or(self.0)
    }
}

impl Clone for OwnConnection {
    fn clone(&self) -> Self {
        Self::new()
    }
}

/// Clients that give up a call after a minute and ask for no progress, which would keep them waiting; by the beginning of their names.
/// Measured with Cline CLI 3.0 and Kimi Code 2.1 as they are installed.
const HURRIED: [&str; 2] = ["@cline/core", "kimi-code"];

/// Whether the client of a call gives it up after a minute.
pub(super) fn is_hurried(context: &RequestContext<RoleServer>) -> bool {
    let name = context.client_info().map(|client| client.name.to_ascii_lowercase()).unwrap_or_default();
    context.meta.get_progress_token().is_none() && HURRIED.iter().any(|client| name.starts_with(client))
}

/// Whether the client speaks a revision without sessions: it says with every request what it can do, and is asked nothing.
pub(super) fn is_modern(context: &RequestContext<RoleServer>) -> bool {
    context.protocol_version().is_some_and(|version| version >= ProtocolVersion::V_2026_07_28)
}
