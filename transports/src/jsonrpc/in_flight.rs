//! The requests that were handed to the handler and have no answer yet.

use std::collections::{HashMap, hash_map};

use parking_lot::{Mutex, MutexGuard};
use rmcp::model::{ClientRequest, JsonRpcRequest, RequestId};

/// Table of open requests.
#[derive(Debug)]
pub(super) struct InFlight {
    limit: usize,
    open: Mutex<Open>,
}

#[derive(Debug, Default)]
struct Open {
    requests: HashMap<RequestId, Entry>,
    /// How many are pings.
    pings: usize,
    /// How many are neither pings nor cancelled nor endless by nature.
    owed: usize,
}

#[derive(Debug)]
struct Entry {
    class: Class,
    /// The client does not want the answer any more, and the protocol loop drops it.
    cancelled: bool,
    /// The handler has returned.
    finished: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Class {
    Ping,
    /// `subscriptions/listen` is open as long as the connection is.
    Subscription,
    Call,
}

/// Whether a request may go to the handler.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Admission {
    Admitted,
    /// An open request has the same id.
    Duplicate,
    /// As many are open as may be.
    Full,
}

impl InFlight {
    pub(super) fn new(limit: usize) -> Self {
        Self { limit, open: Mutex::default() }
    }

    /// The most requests, pings not counted, that are open at a time.
    pub(super) fn limit(&self) -> usize {
        self.limit
    }

    /// Opens the request when it may be. Pings are always let in: [`Self::is_congested`] slows them down.
    pub(super) fn admit(&self, request: &JsonRpcRequest<ClientRequest>) -> Admission {
        let class = match &request.request {
            ClientRequest::PingRequest(_) => Class::Ping,
            ClientRequest::SubscriptionsListenRequest(_) => Class::Subscription,
            _ => Class::Call,
        };
        let mut open = self.lock();
        let others = open.requests.len() - open.pings;
        match open.requests.entry(request.id.clone()) {
            hash_map::Entry::Occupied(_) => Admission::Duplicate,
            hash_map::Entry::Vacant(_) if class != Class::Ping && others >= self.limit => Admission::Full,
            hash_map::Entry::Vacant(entry) => {
                entry.insert(Entry { class, cancelled: false, finished: false });
                match class {
                    Class::Ping => open.pings += 1,
                    Class::Call => open.owed += 1,
                    Class::Subscription => {}
                }
                Admission::Admitted
            }
        }
    }

    /// The answer was written: the id is free.
    pub(super) fn answered(&self, id: &RequestId) {
        self.lock().close(id);
    }

    /// The client cancelled. The id stays taken while the handler runs: its late answer would otherwise be given to the
    /// next request with this id.
    pub(super) fn cancelled(&self, id: &RequestId) {
        let mut open = self.lock();
        let Some(entry) = open.requests.get_mut(id) else { return };
        let was_owed = entry.class == Class::Call && !entry.cancelled;
        entry.cancelled = true;
        let finished = entry.finished;
        if was_owed {
            open.owed -= 1;
        }
        if finished {
            open.close(id);
        }
    }

    /// The handler has returned; the answer is still on its way, unless the request was cancelled.
    pub(super) fn finished(&self, id: &RequestId) {
        let mut open = self.lock();
        let Some(entry) = open.requests.get_mut(id) else { return };
        entry.finished = true;
        if entry.cancelled {
            open.close(id);
        }
    }

    /// How many answers the client waits for. Pings count: they are only exempt from the limit.
    pub(super) fn owed(&self) -> usize {
        let open = self.lock();
        open.owed + open.pings
    }

    /// Whether so many pings are open that reading has to wait for them.
    pub(super) fn is_congested(&self) -> bool {
        self.lock().pings >= self.limit.max(1)
    }

    fn lock(&self) -> MutexGuard<'_, Open> {
        self.open.lock()
    }
}

impl Open {
    fn close(&mut self, id: &RequestId) {
        match self.requests.remove(id) {
            Some(Entry { class: Class::Ping, .. }) => self.pings -= 1,
            Some(Entry { class: Class::Call, cancelled: false, .. }) => self.owed -= 1,
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use rmcp::model::JsonRpcMessage;
    use serde_json::json;

    use super::*;

    fn request(id: i64, method: &str) -> JsonRpcRequest<ClientRequest> {
        let params = if method == "tools/call" { json!({"name": "x"}) } else { json!({}) };
        let message = json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params});
        match serde_json::from_value::<rmcp::model::ClientJsonRpcMessage>(message).unwrap() {
            JsonRpcMessage::Request(request) => request,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn an_id_is_taken_until_its_answer() {
        let table = InFlight::new(10);
        assert_eq!(table.admit(&request(1, "tools/call")), Admission::Admitted);
        assert_eq!(table.admit(&request(1, "ping")), Admission::Duplicate);
        table.finished(&RequestId::Number(1));
        assert_eq!((table.admit(&request(1, "ping")), table.owed()), (Admission::Duplicate, 1));
        table.answered(&RequestId::Number(1));
        assert_eq!((table.admit(&request(1, "ping")), table.owed()), (Admission::Admitted, 1));
    }

    /// A cancelled request is not owed but keeps its id while it runs.
    #[test]
    fn a_cancelled_request_keeps_its_id() {
        let table = InFlight::new(10);
        for finish_first in [true, false] {
            assert_eq!(table.admit(&request(1, "tools/call")), Admission::Admitted);
            if finish_first {
                table.finished(&RequestId::Number(1));
            }
            table.cancelled(&RequestId::Number(1));
            assert_eq!(table.owed(), 0);
            if !finish_first {
                assert_eq!(table.admit(&request(1, "tools/call")), Admission::Duplicate);
                table.cancelled(&RequestId::Number(1));
                table.finished(&RequestId::Number(1));
            }
        }
        assert!(table.lock().requests.is_empty());
    }

    #[test]
    fn the_limit_spares_pings() {
        let table = InFlight::new(2);
        assert_eq!(table.admit(&request(1, "tools/call")), Admission::Admitted);
        assert_eq!(table.admit(&request(2, "subscriptions/listen")), Admission::Admitted);
        assert_eq!(table.admit(&request(3, "tools/list")), Admission::Full);
        assert_eq!(table.admit(&request(4, "ping")), Admission::Admitted);
        assert!(!table.is_congested());
        assert_eq!(table.admit(&request(5, "ping")), Admission::Admitted);
        assert!(table.is_congested());
        table.answered(&RequestId::Number(1));
        assert_eq!(table.admit(&request(3, "tools/list")), Admission::Admitted);
    }
}
