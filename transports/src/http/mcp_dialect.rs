//! MCP as it is: one message a text frame.

use async_trait::async_trait;
use axum::body::Bytes;
use exai_core::{Principal, run::Door};
use exai_server::dialect::{Dialect, Goodbye, Link, Outgoing, UNAUTHORIZED};
use memchr::memmem;
use serde::{Deserialize, de::IgnoredAny};
use serde_json::json;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};

use super::{
    duplex_session::{Attach, write_line},
    pacing::{self, Next, Paced},
};

/// Room for one read of answers; most connections are idle.
const READ: usize = 2 * 1024;

/// Messages of the protocol, passed on as they are.
pub(super) struct Mcp {
    attach: Attach,
}

impl Mcp {
    pub(super) fn new(attach: Attach) -> Self {
        Self { attach }
    }
}

/// The key that every message of JSON-RPC has.
#[derive(Deserialize)]
struct Marked {
    #[expect(dead_code, reason = "only its presence counts")]
    jsonrpc: IgnoredAny,
}

/// Whether a connection that begins like this speaks MCP. What is broken, or several messages at once, is answered here when it names the
/// protocol: other dialects would not know the id.
pub(super) fn claims(first: &[u8]) -> bool {
    let is_object =
        serde_json::from_slice::<IgnoredAny>(first).is_ok() && !first.trim_ascii_start().starts_with(b"[");
    match is_object {
        true => serde_json::from_slice::<Marked>(first).is_ok(),
        false => memmem::find(first, br#""jsonrpc""#).is_some(),
    }
}

#[async_trait]
impl Dialect for Mcp {
    fn claims(&self, first: &[u8]) -> bool {
        claims(first)
    }

    /// Each direction goes on while the other waits: a client whose answers pile up must not keep itself from reading them.
    async fn run(&self, first: Bytes, link: Link, who: Option<Principal>) {
        let Link { frames, answers: to_client, pace } = link;
        let Some(who) = who else {
            let error = json!({"code": -32_000, "message": "a key is needed: send it as `Authorization: Bearer KEY` or `X-API-Key: KEY`"});
            let refusal = json!({"jsonrpc": "2.0", "id": null, "error": error}).to_string();
            drop(to_client.send(Outgoing::Text(refusal)).await);
            drop(to_client.send(Outgoing::Close(Goodbye::new(UNAUTHORIZED, "a key is needed"))).await);
            return;
        };
        let mut paced = Paced::new(frames, pace, who.identity.clone(), pacing::is_free);
        paced.push(first);
        let (answers, mut messages) = tokio::io::split(self.attach.begin(who, Door("websocket")));
        let hear = async {
            while let Some(next) = paced.next().await {
                let is_taken = match next {
                    Next::Message(frame) => write_line(&mut messages, &frame).await.is_ok(),
                    Next::Refused { message, retry_after } => {
                        let refusal = pacing::refusal(&message, retry_after).to_string();
                        to_client.send(Outgoing::Text(refusal)).await.is_ok()
                    }
                };
                if !is_taken {
                    // The service is over; its last answers are still being sent.
                    std::future::pending::<()>().await;
                }
            }
            // The service reads to this end, so that a cancellation right before it counts, and then ends itself.
            drop(messages.shutdown().await);
            std::future::pending::<()>().await;
        };
        let say = async {
            let (mut answers, mut answer) = (BufReader::with_capacity(READ, answers), Vec::new());
            while !matches!(answers.read_until(b'\n', &mut answer).await, Ok(0) | Err(_)) {
                let text = String::from_utf8_lossy(answer.trim_ascii_end()).into_owned();
                // The room of a long answer is not kept for as long as its client is idle.
                answer = Vec::new();
                if to_client.send(Outgoing::Text(text)).await.is_err() {
                    return;
                }
            }
        };
        tokio::select! {
            () = hear => {}
            () = say => {}
        }
    }
}
