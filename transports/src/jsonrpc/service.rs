//! Puts a guard around every call of the handler: whatever the handler does, the request is answered and closed.

use std::{borrow::Cow, panic::AssertUnwindSafe, sync::Arc};

use exai_core::{ConnectionId, Principal, run::Door};
use futures::FutureExt as _;
use rmcp::{
    RoleServer, ServerHandler, Service,
    model::{
        ClientNotification, ClientRequest, ErrorData, Extensions, ProtocolVersion, RequestId, ServerConfig,
        ServerResult,
    },
    service::{NotificationContext, RequestContext},
};

use super::{
    Lifecycle,
    connection::{Connection, interrupted},
};

/// A handler whose requests are tracked.
#[derive(Debug)]
pub(super) struct Guarded<H> {
    handler: H,
    connection: Arc<Connection>,
    name: ConnectionId,
    identity: Option<Principal>,
    door: Option<Door>,
}

impl<H> Guarded<H> {
    pub(super) fn new(handler: H, connection: Arc<Connection>, lifecycle: &Lifecycle) -> Self {
        let (identity, door) = (lifecycle.identity.clone(), lifecycle.door);
        Self { handler, connection, name: ConnectionId::new(), identity, door }
    }

    /// Puts into a message what the handler may know of its sender.
    fn mark(&self, extensions: &mut Extensions) {
        extensions.insert(self.name);
        if let Some(who) = &self.identity {
            extensions.insert(who.clone());
        }
        if let Some(door) = self.door {
            extensions.insert(door);
        }
    }
}

/// Notes that the handler has returned, also when it was dropped.
struct Finish<'a> {
    connection: &'a Connection,
    id: RequestId,
}

impl Drop for Finish<'_> {
    fn drop(&mut self) {
        self.connection.in_flight.finished(&self.id);
        self.connection.changed.notify_one();
    }
}

impl<H: ServerHandler> Service<RoleServer> for Guarded<H> {
    async fn handle_request(
        &self,
        request: ClientRequest,
        mut context: RequestContext<RoleServer>,
    ) -> Result<ServerResult, ErrorData> {
        self.mark(&mut context.extensions);
        let finish = Finish { connection: &self.connection, id: context.id.clone() };
        // The protocol loop runs a handler in a task of its own and never answers when that task panics.
        let answer = AssertUnwindSafe(self.handler.handle_request(request, context)).catch_unwind();
        tokio::select! {
            biased;
            answer = answer => answer.unwrap_or_else(|_| {
                tracing::error!(id = %finish.id, "the handler of a request panicked");
                Err(ErrorData::internal_error("internal error: the request could not be completed", None))
            }),
            () = self.connection.abandon.cancelled() => Err(interrupted()),
        }
    }

    async fn handle_notification(
        &self,
        notification: ClientNotification,
        mut context: NotificationContext<RoleServer>,
    ) -> Result<(), ErrorData> {
        self.mark(&mut context.extensions);
        self.handler.handle_notification(notification, context).await
    }

    fn get_info(&self) -> ServerConfig {
        Service::get_info(&self.handler)
    }

    fn supported_protocol_versions(&self) -> Cow<'static, [ProtocolVersion]> {
        Service::supported_protocol_versions(&self.handler)
    }
}
