//! Calls that come too fast: which messages count, how they wait on a connection, and how one is refused.

use std::{collections::VecDeque, pin::pin, time::Duration};

use axum::body::Bytes;
use exai_core::{Identity, Kind};
use exai_server::Pace;
use serde::{Deserialize, Deserializer, de::IgnoredAny};
use serde_json::{Value, json, value::RawValue};
use tokio::{sync::mpsc, time::Instant};

use crate::message::id_scan::id_of;

/// The most messages of one connection that wait, and about the most of their bytes. No more is read meanwhile.
const MOST_WAITING: usize = 256;
const MOST_BYTES: usize = 1024 * 1024;
/// Of this server, in the range that JSON-RPC leaves to servers.
const SERVER_ERROR: i64 = -32_000;

/// Whether a message of MCP costs nothing: a notification, an answer, or a ping. What cannot be read has to be answered, and counts.
pub(super) fn is_free(message: &[u8]) -> bool {
    #[derive(Deserialize)]
    struct Head<'a> {
        #[serde(borrow, default)]
        method: Option<&'a RawValue>,
        #[serde(default, deserialize_with = "is_there")]
        id: bool,
        #[serde(default, deserialize_with = "is_there")]
        result: bool,
        #[serde(default, deserialize_with = "is_there")]
        error: bool,
    }
    serde_json::from_slice::<Head<'_>>(message).is_ok_and(|head| match head.method {
        Some(method) => !head.id || method.get() == r#""ping""#,
        None => head.result || head.error,
    })
}

/// Also when it is `null`.
fn is_there<'de, D: Deserializer<'de>>(value: D) -> Result<bool, D::Error> {
    IgnoredAny::deserialize(value).map(|_| true)
}

/// The `error` of an answer to a call that came too fast.
pub(super) fn error(retry_after: Duration) -> Value {
    let wait = u64::try_from(retry_after.as_millis()).unwrap_or(u64::MAX).max(1);
    json!({"code": SERVER_ERROR, "message": format!("too many calls; try again in {wait} ms"),
        "data": {"code": Kind::OverCapacity.code(), "retry_after_ms": wait}})
}

/// The whole answer to a message of MCP.
pub(super) fn refusal(message: &[u8], retry_after: Duration) -> Value {
    json!({"jsonrpc": "2.0", "id": id_of(message), "error": error(retry_after)})
}

/// What is next on a connection.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// This may go on.
    Message(Bytes),
    /// This came too fast.
    Refused { message: Bytes, retry_after: Duration },
}

/// The messages of one connection in their order, each held back until it may go on. Nothing overtakes a call that waits: what follows may
/// be its cancellation.
pub(super) struct Paced {
    frames: mpsc::Receiver<Bytes>,
    pace: Pace,
    who: Identity,
    is_free: fn(&[u8]) -> bool,
    waiting: VecDeque<(Instant, Bytes)>,
    bytes: usize,
    /// The client has gone.
    is_over: bool,
}

impl Paced {
    pub(super) fn new(
        frames: mpsc::Receiver<Bytes>,
        pace: Pace,
        who: Identity,
        is_free: fn(&[u8]) -> bool,
    ) -> Self {
        Self { frames, pace, who, is_free, waiting: VecDeque::new(), bytes: 0, is_over: false }
    }

    /// As if it had come now.
    pub(super) fn push(&mut self, message: Bytes) {
        self.bytes += message.len();
        self.waiting.push_back((Instant::now(), message));
    }

    /// The next message; none once the client has gone. Calls that would still have to wait then are refused: nobody waits for them.
    pub(super) async fn next(&mut self) -> Option<Next> {
        while self.waiting.is_empty() {
            match self.frames.recv().await {
                Some(message) => self.push(message),
                None => return None,
            }
        }
        let refused = self.first_waits().await.err();
        let (_, message) = self.waiting.pop_front()?;
        self.bytes -= message.len();
        Some(match refused {
            Some(retry_after) => Next::Refused { message, retry_after },
            None => Next::Message(message),
        })
    }

    /// Waits until the first may go on, and takes what comes meanwhile.
    async fn first_waits(&mut self) -> Result<(), Duration> {
        let Some((came, first)) = self.waiting.front() else { return Ok(()) };
        if (self.is_free)(first) {
            return Ok(());
        }
        let (pace, who) = (self.pace.clone(), self.who.clone());
        let mut entering = pin!(pace.enter(&who, *came));
        while !self.is_over {
            let has_room = self.waiting.len() < MOST_WAITING && self.bytes < MOST_BYTES;
            tokio::select! {
                biased;
                entered = &mut entering => return entered.map_err(exai_server::TooFast::retry_after),
                message = self.frames.recv(), if has_room => match message {
                    Some(message) => self.push(message),
                    None => self.is_over = true,
                },
            }
        }
        pace.enter_now(&who).await.map_err(exai_server::TooFast::retry_after)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use exai_server::{LocalRates, RateLimits};

    use super::*;

    fn paced(each: u32) -> (mpsc::Sender<Bytes>, Paced) {
        let (frames, incoming) = mpsc::channel(8);
        let pace = Pace::of_one_address(Arc::new(LocalRates::new(RateLimits { all: 0, each })));
        (frames, Paced::new(incoming, pace, Identity::local(), is_free))
    }

    fn call(id: u32) -> Bytes {
        format!(r#"{{"jsonrpc":"2.0","id":{id},"method":"tools/call","params":{{}}}}"#).into()
    }

    const CANCEL: Bytes = Bytes::from_static(br#"{"jsonrpc":"2.0","method":"notifications/cancelled"}"#);

    #[test]
    fn notifications_answers_and_pings_are_free() {
        for free in [
            r#"{"jsonrpc":"2.0","method":"notifications/cancelled"}"#,
            r#"{"jsonrpc":"2.0","id":1,"result":{"method":"x"}}"#,
            r#"{"method":"ping","id":"a"}"#,
        ] {
            assert!(is_free(free.as_bytes()), "{free}");
        }
        for counted in [
            r#"{"id":null,"method":"x"}"#,
            r#"{"id":1,"method":"tools/call"}"#,
            r#"{"id":1,"method":null}"#,
            "{}",
            "{",
            "[]",
            "",
        ] {
            assert!(!is_free(counted.as_bytes()), "{counted}");
        }
    }

    /// A cancellation does not overtake its call.
    #[tokio::test]
    async fn messages_stay_in_order() {
        let (frames, mut paced) = paced(1);
        for message in [call(1), call(2), CANCEL, call(3)] {
            frames.send(message).await.unwrap();
        }
        for message in [call(1), call(2), CANCEL, call(3)] {
            assert_eq!(paced.next().await, Some(Next::Message(message)));
        }
        drop(frames);
        assert_eq!(paced.next().await, None);
    }

    /// Whoever has gone waits for nothing, and its cancellations still count.
    #[tokio::test]
    async fn calls_of_the_gone_do_not_wait() {
        let (frames, mut paced) = paced(1);
        for message in [call(1), call(2), CANCEL] {
            frames.send(message).await.unwrap();
        }
        assert_eq!(paced.next().await, Some(Next::Message(call(1))));
        drop(frames);
        assert!(matches!(paced.next().await, Some(Next::Refused { message, .. }) if message == call(2)));
        assert_eq!(paced.next().await, Some(Next::Message(CANCEL)));
        assert_eq!(paced.next().await, None);
    }

    #[test]
    fn a_refusal_says_when_to_come_again() {
        let refusal = refusal(&call(7), Duration::from_millis(1_500));
        assert_eq!((&refusal["id"], &refusal["error"]["data"]["retry_after_ms"]), (&json!(7), &json!(1_500)));
        assert_eq!(refusal["error"]["data"]["code"], "over_capacity");
    }
}
