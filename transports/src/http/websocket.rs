//! MCP over WebSocket at `/ws`, subprotocol `mcp`: one message a text frame.

use std::time::Duration;

use axum::{
    Extension,
    body::Bytes,
    extract::{
        State, WebSocketUpgrade,
        ws::{CloseFrame, Message, WebSocket, close_code},
    },
    response::Response,
};
use exai_core::Principal;
use futures::{SinkExt as _, StreamExt as _};
use tokio::{
    io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader},
    time::{Instant, MissedTickBehavior, interval},
};

use super::lines::{Attach, line};

/// How often the other side is asked whether it is still there.
const PING: Duration = Duration::from_secs(30);
/// How long it may be silent, pings included.
const SILENCE: Duration = Duration::from_secs(90);
/// The name of the protocol within the protocol.
const SUBPROTOCOL: &str = "mcp";

pub(super) async fn upgrade(
    State((attach, max_bytes)): State<(Attach, usize)>,
    Extension(who): Extension<Principal>,
    request: WebSocketUpgrade,
) -> Response {
    request
        .protocols([SUBPROTOCOL])
        .max_message_size(max_bytes)
        .max_frame_size(max_bytes)
        .on_upgrade(async move |socket| carry(socket, &attach, who).await)
}

/// Carries messages until one side ends; then the other is ended too.
async fn carry(socket: WebSocket, attach: &Attach, who: Principal) {
    let (mut out, mut frames) = socket.split();
    let (read, mut write) = tokio::io::split(attach.begin(who));
    let mut answers = BufReader::new(read);
    let (mut pings, mut heard, mut answer) = (interval(PING), Instant::now(), Vec::new());
    pings.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let close = loop {
        tokio::select! {
            frame = frames.next() => {
                heard = Instant::now();
                let message = match frame {
                    Some(Ok(Message::Text(text))) => line(text.as_bytes()),
                    Some(Ok(Message::Binary(bytes))) => line(&bytes),
                    Some(Ok(Message::Ping(_) | Message::Pong(_))) => continue,
                    Some(Ok(Message::Close(_)) | Err(_)) | None => break None,
                };
                if write.write_all(&message).await.is_err() {
                    break None;
                }
            }
            read = answers.read_until(b'\n', &mut answer) => {
                match read {
                    Ok(0) | Err(_) => break Some(close_code::AWAY),
                    Ok(_) => {}
                }
                let text = String::from_utf8_lossy(answer.trim_ascii_end()).into_owned();
                answer.clear();
                if out.send(Message::Text(text.into())).await.is_err() {
                    break None;
                }
            }
            _ = pings.tick() => {
                if heard.elapsed() > SILENCE || out.send(Message::Ping(Bytes::new())).await.is_err() {
                    break Some(close_code::AWAY);
                }
            }
        }
    };
    if let Some(code) = close {
        let frame = CloseFrame { code, reason: "the server has ended this connection".into() };
        drop(out.send(Message::Close(Some(frame))).await);
    }
}
