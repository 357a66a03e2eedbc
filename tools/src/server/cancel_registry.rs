//! What a cancellation by the client reaches after its request has ended.

use std::{collections::HashMap, sync::Arc};

use exai_core::ConnectionId;
use parking_lot::Mutex;
use rmcp::model::RequestId;
use tokio_util::sync::CancellationToken;

/// A request by its connection and the id that the client gave it. The number 1 and the text "1" are two ids.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct RequestKey {
    connection: ConnectionId,
    request: RequestId,
}

impl RequestKey {
    pub(super) fn new(connection: ConnectionId, request: &RequestId) -> Self {
        Self { connection, request: request.clone() }
    }
}

/// Requests whose client may still cancel them. The SDK cancels a request also when its connection ends, so that alone does not say
/// that the client wants the work to end; the notification does, and it may come a moment after the request has ended.
#[derive(Clone, Default)]
pub(crate) struct CancelRegistry(Arc<Mutex<Begun>>);

#[derive(Default)]
struct Begun {
    next: u64,
    by_key: HashMap<RequestKey, Entry>,
}

struct Entry {
    number: u64,
    cancel: CancellationToken,
}

/// A request that has begun. A client may use an id again, so the key alone does not say which of two requests ends.
#[derive(Debug, Clone)]
pub(super) struct BegunRequest {
    key: RequestKey,
    number: u64,
}

impl CancelRegistry {
    pub(super) fn begin(&self, key: RequestKey, cancel: CancellationToken) -> BegunRequest {
        let mut begun = self.0.lock();
        begun.next += 1;
        let number = begun.next;
        begun.by_key.insert(key.clone(), Entry { number, cancel });
        BegunRequest { key, number }
    }

    /// Forgets the request, unless another has its key by now.
    pub(super) fn end(&self, request: &BegunRequest) {
        let mut begun = self.0.lock();
        if begun.by_key.get(&request.key).is_some_and(|entry| entry.number == request.number) {
            begun.by_key.remove(&request.key);
        }
    }

    /// The client has sent a cancellation for this request.
    pub(super) fn cancel(&self, key: &RequestKey) {
        if let Some(entry) = self.0.lock().by_key.remove(key) {
            entry.cancel.cancel();
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
        let begun = registry.begin(theirs.clone(), their_cancel.clone());
        registry.cancel(&ours);
        assert!(our_cancel.is_cancelled() && !their_cancel.is_cancelled());
        registry.end(&begun);
        registry.cancel(&theirs);
        assert!(!their_cancel.is_cancelled());
    }

    #[test]
    fn a_number_is_not_its_text() {
        let (registry, connection) = (CancelRegistry::default(), ConnectionId::new());
        let number = RequestKey::new(connection, &RequestId::Number(1));
        let text = RequestKey::new(connection, &RequestId::String("1".into()));
        let (by_number, by_text) = (CancellationToken::new(), CancellationToken::new());
        registry.begin(number, by_number.clone());
        registry.begin(text.clone(), by_text.clone());
        registry.cancel(&text);
        assert!(by_text.is_cancelled() && !by_number.is_cancelled());
    }

    /// Work that ends late must not take the cancellation away from a newer request with the same id.
    #[test]
    fn a_late_end_leaves_newer_requests() {
        let registry = CancelRegistry::default();
        let key = RequestKey::new(ConnectionId::new(), &RequestId::Number(1));
        let late = registry.begin(key.clone(), CancellationToken::new());
        let newer = CancellationToken::new();
        registry.begin(key.clone(), newer.clone());
        registry.end(&late);
        registry.cancel(&key);
        assert!(newer.is_cancelled());
    }
}
