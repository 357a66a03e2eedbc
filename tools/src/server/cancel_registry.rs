//! What a cancellation by the client reaches after its request has ended.

use std::{collections::HashMap, sync::Arc};

use exai_core::ConnectionId;
use parking_lot::Mutex;
use rmcp::model::RequestId;
use tokio_util::sync::CancellationToken;

/// A request by its connection and the number that the client gave it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct RequestKey {
    connection: ConnectionId,
    request: String,
}

impl RequestKey {
    pub(super) fn new(connection: ConnectionId, request: &RequestId) -> Self {
        Self { connection, request: request.to_string() }
    }
}

/// Requests whose client may still cancel them. The SDK cancels a request also when its connection ends, so that alone does not say
/// that the client wants the work to end; the notification does, and it may come a moment after the request has ended.
#[derive(Clone, Default)]
pub(crate) struct CancelRegistry(Arc<Mutex<HashMap<RequestKey, CancellationToken>>>);

impl CancelRegistry {
    pub(super) fn begin(&self, key: RequestKey, cancel: CancellationToken) {
        self.0.lock().insert(key, cancel);
    }

    pub(super) fn end(&self, key: &RequestKey) {
        self.0.lock().remove(key);
    }

    /// The client has sent a cancellation for this request.
    pub(super) fn cancel(&self, key: &RequestKey) {
        if let Some(cancel) = self.0.lock().remove(key) {
            cancel.cancel();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every client counts its requests from zero, so the number alone does not tell two clients apart.
    #[test]
    fn equal_numbers_of_other_connections_stay() {
        let registry = CancelRegistry::default();
        let key = || RequestKey::new(ConnectionId::new(), &RequestId::Number(1));
        let ((ours, our_cancel), (theirs, their_cancel)) =
            ((key(), CancellationToken::new()), (key(), CancellationToken::new()));
        registry.begin(ours.clone(), our_cancel.clone());
        registry.begin(theirs.clone(), their_cancel.clone());
        registry.cancel(&ours);
        assert!(our_cancel.is_cancelled() && !their_cancel.is_cancelled());
        registry.end(&theirs);
        registry.cancel(&theirs);
        assert!(!their_cancel.is_cancelled());
    }
}
