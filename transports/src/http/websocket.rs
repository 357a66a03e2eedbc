//! WebSockets at `/ws`: MCP with the subprotocol `mcp`, and the dialects that the first frame chooses.

pub(in crate::http) mod dialect;
pub(in crate::http) mod mcp;

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use axum::{
    Extension,
    body::Bytes,
    extract::{
        State, WebSocketUpgrade,
        ws::{CloseFrame, Message, WebSocket, close_code},
    },
    http::StatusCode,
    response::{IntoResponse as _, Response},
};
use exai_core::Principal;
use futures::{
    SinkExt as _, StreamExt as _,
    stream::{SplitSink, SplitStream},
};
use tokio::{
    sync::{Semaphore, mpsc},
    time::{Instant, MissedTickBehavior, interval, sleep_until, timeout},
};

use self::dialect::{Dialect, FRAMES, Goodbye, Link, NOT_UNDERSTOOD, Outgoing, TOO_LATE};
use super::{auth::Caller, guard};

/// How often the other side is asked whether it is still there.
const PING: Duration = Duration::from_secs(30);
/// How long it may be silent, pings included.
const SILENCE: Duration = Duration::from_secs(90);
/// How long the last frame may take.
const GOODBYE: Duration = Duration::from_secs(1);
/// Room for one read or write. The usual one is 128 KB for each of thousands of connections that are idle.
const ROOM: usize = 4 * 1024;
/// The name of the protocol within the protocol.
const SUBPROTOCOL: &str = "mcp";
/// What a client is told whose service has ended.
const ENDED: Goodbye = (close_code::AWAY, "the server has ended this connection");

/// What a WebSocket needs to know.
#[derive(Clone)]
pub(super) struct Sockets {
    /// Asked in this order.
    pub(super) dialects: Arc<[Arc<dyn Dialect>]>,
    pub(super) max_bytes: usize,
    /// How long the first frame may take.
    pub(super) first_wait: Duration,
    /// A connection that has become a WebSocket is no longer one of HTTP, so it has a place here.
    pub(super) places: Arc<Semaphore>,
}

pub(super) async fn upgrade(
    State(sockets): State<Sockets>,
    Extension(caller): Extension<Caller>,
    request: WebSocketUpgrade,
) -> Response {
    let Ok(place) = Arc::clone(&sockets.places).try_acquire_owned() else {
        let text = "too many connections are open; try again later";
        return guard::problem(StatusCode::SERVICE_UNAVAILABLE, "too_many_connections", text).into_response();
    };
    request
        .protocols([SUBPROTOCOL])
        .max_message_size(sockets.max_bytes)
        .max_frame_size(sockets.max_bytes)
        .read_buffer_size(ROOM)
        .write_buffer_size(ROOM)
        .on_upgrade(async move |socket| {
            carry(socket, &sockets, caller.into_principal()).await;
            drop(place);
        })
}

/// Carries frames until one side ends; then the other is ended too.
async fn carry(socket: WebSocket, sockets: &Sockets, who: Option<Principal>) {
    let (mut out, mut frames) = socket.split();
    let first = match timeout(sockets.first_wait, first_of(&mut frames)).await {
        Ok(Some(first)) => first,
        Ok(None) => return,
        Err(_elapsed) => return say_goodbye(&mut out, (TOO_LATE, "nothing was said in time")).await,
    };
    let Some(dialect) = sockets.dialects.iter().find(|dialect| dialect.claims(&first)) else {
        return say_goodbye(&mut out, (NOT_UNDERSTOOD, "the first frame is no message of MCP")).await;
    };
    let (heard, incoming) = mpsc::channel(FRAMES);
    let (answers, outgoing) = mpsc::channel(FRAMES);
    let last_heard = Mutex::new(Instant::now());
    let speaking = async {
        dialect.run(first, Link { frames: incoming, answers }, who).await;
        std::future::pending::<()>().await;
    };
    let goodbye = tokio::select! {
        () = listen(frames, heard, &last_heard) => None,
        goodbye = speak(&mut out, outgoing) => goodbye,
        () = silence(&last_heard) => Some(ENDED),
        () = speaking => None,
    };
    if let Some(goodbye) = goodbye {
        say_goodbye(&mut out, goodbye).await;
    }
}

async fn first_of(frames: &mut SplitStream<WebSocket>) -> Option<Bytes> {
    loop {
        if let Some(said) = said(frames.next().await?.ok()?)? {
            return Some(said);
        }
    }
}

/// What a frame says: nothing within the connection's own affairs, `None` at its end.
fn said(frame: Message) -> Option<Option<Bytes>> {
    match frame {
        Message::Text(text) => Some(Some(text.into())),
        Message::Binary(bytes) => Some(Some(bytes)),
        Message::Ping(_) | Message::Pong(_) => Some(None),
        Message::Close(_) => None,
    }
}

async fn say_goodbye(out: &mut SplitSink<WebSocket, Message>, (code, reason): Goodbye) {
    let close = Message::Close(Some(CloseFrame { code, reason: reason.into() }));
    // Somebody who does not read is not waited for.
    drop(timeout(GOODBYE, out.send(close)).await);
}

/// From the client, until it has ended.
async fn listen(mut frames: SplitStream<WebSocket>, heard: mpsc::Sender<Bytes>, last: &Mutex<Instant>) {
    while let Some(Ok(frame)) = frames.next().await {
        *last.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
        match said(frame) {
            Some(Some(said)) => {
                if heard.send(said).await.is_err() {
                    // The dialect has come to its end; its last answers are still being sent.
                    std::future::pending::<()>().await;
                }
            }
            Some(None) => {}
            None => return,
        }
    }
}

/// To the client, with a ping now and then. How to say goodbye; nothing when the client is gone.
async fn speak(
    out: &mut SplitSink<WebSocket, Message>,
    mut answers: mpsc::Receiver<Outgoing>,
) -> Option<Goodbye> {
    let mut pings = interval(PING);
    pings.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        let message = tokio::select! {
            answer = answers.recv() => match answer {
                Some(Outgoing::Text(text)) => Message::Text(text.into()),
                Some(Outgoing::Close(goodbye)) => return Some(goodbye),
                None => return Some(ENDED),
            },
            _ = pings.tick() => Message::Ping(Bytes::new()),
        };
        if out.send(message).await.is_err() {
            return None;
        }
    }
}

/// Until nothing was heard for too long.
async fn silence(last: &Mutex<Instant>) {
    loop {
        let until = *last.lock().unwrap_or_else(PoisonError::into_inner) + SILENCE;
        if until <= Instant::now() {
            return;
        }
        sleep_until(until).await;
    }
}
