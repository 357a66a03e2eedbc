//! MCP over WebSocket at `/ws`, subprotocol `mcp`: one message a text frame.

use std::{
    sync::{Mutex, PoisonError},
    time::Duration,
};

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
use futures::{
    SinkExt as _, StreamExt as _,
    stream::{SplitSink, SplitStream},
};
use tokio::{
    io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, DuplexStream, ReadHalf, WriteHalf},
    time::{Instant, MissedTickBehavior, interval, sleep_until, timeout},
};

use super::lines::{Attach, line};

/// How often the other side is asked whether it is still there.
const PING: Duration = Duration::from_secs(30);
/// How long it may be silent, pings included.
const SILENCE: Duration = Duration::from_secs(90);
/// How long the last frame may take.
const GOODBYE: Duration = Duration::from_secs(1);
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

/// Carries messages until one side ends; then the other is ended too. Each direction goes on while the other waits: a client whose
/// answers pile up must not keep itself from reading them.
async fn carry(socket: WebSocket, attach: &Attach, who: Principal) {
    let (mut out, frames) = socket.split();
    let (answers, messages) = tokio::io::split(attach.begin(who));
    let heard = Mutex::new(Instant::now());
    let gone = tokio::select! {
        () = listen(frames, messages, &heard) => true,
        goes_on = speak(&mut out, answers) => !goes_on,
        () = silence(&heard) => false,
    };
    if !gone {
        let reason = "the server has ended this connection".into();
        let close = Message::Close(Some(CloseFrame { code: close_code::AWAY, reason }));
        // Somebody who does not read is not waited for.
        drop(timeout(GOODBYE, out.send(close)).await);
    }
}

/// From the client to the service, until the client has ended or the service takes no more.
async fn listen(
    mut frames: SplitStream<WebSocket>,
    mut messages: WriteHalf<DuplexStream>,
    heard: &Mutex<Instant>,
) {
    while let Some(Ok(frame)) = frames.next().await {
        *heard.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
        let message = match frame {
            Message::Text(text) => line(text.as_bytes()),
            Message::Binary(bytes) => line(&bytes),
            Message::Ping(_) | Message::Pong(_) => continue,
            Message::Close(_) => return,
        };
        if messages.write_all(&message).await.is_err() {
            // The service is over; its last answers are still being sent.
            std::future::pending::<()>().await;
        }
    }
}

/// From the service to the client, with a ping now and then. True when the service has ended, false when the client is gone.
async fn speak(out: &mut SplitSink<WebSocket, Message>, answers: ReadHalf<DuplexStream>) -> bool {
    let (mut answers, mut answer) = (BufReader::new(answers), Vec::new());
    let mut pings = interval(PING);
    pings.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        let message = tokio::select! {
            read = answers.read_until(b'\n', &mut answer) => {
                if matches!(read, Ok(0) | Err(_)) {
                    return true;
                }
                let text = String::from_utf8_lossy(answer.trim_ascii_end()).into_owned();
                answer.clear();
                Message::Text(text.into())
            }
            _ = pings.tick() => Message::Ping(Bytes::new()),
        };
        if out.send(message).await.is_err() {
            return false;
        }
    }
}

/// Until nothing was heard for too long.
async fn silence(heard: &Mutex<Instant>) {
    loop {
        let until = *heard.lock().unwrap_or_else(PoisonError::into_inner) + SILENCE;
        if until <= Instant::now() {
            return;
        }
        sleep_until(until).await;
    }
}
