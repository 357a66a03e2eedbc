//! WebSockets, and the dialects between which the first frame chooses.

pub mod dialect;
#[cfg(any(test, fuzzing))]
pub mod fuzzing;
mod socket;

use std::{sync::Arc, time::Duration};

use axum::{
    Extension,
    body::{Body, Bytes},
    extract::{Request, State},
    http::{HeaderValue, StatusCode, header},
    response::Response,
};
use exai_core::{Identity, Principal, auth::Validity};
use futures::{
    SinkExt as _, StreamExt as _,
    stream::{self, SplitSink, SplitStream},
};
use hyper::upgrade::{OnUpgrade, Upgraded};
use hyper_util::rt::TokioIo;
use parking_lot::Mutex;
use tokio::{
    sync::{Semaphore, mpsc},
    time::{Instant, MissedTickBehavior, interval, sleep_until, timeout, timeout_at},
};
use tokio_tungstenite::tungstenite::{
    Message, handshake::server::create_response_with_body, protocol::frame::coding::CloseCode,
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use self::{
    dialect::{
        Dialect, FRAMES, Goodbye, Link, NOT_UNDERSTOOD, Outgoing, TOO_LATE, TRY_AGAIN_LATER, UNAUTHORIZED,
    },
    socket::{End, close, frames},
};
use super::{
    admission::Admission,
    auth::{Caller, Doorman},
    pace::Pace,
    places::{SessionPlace, SessionPlaces},
    problem,
    strangers::{Address, Stranger, Strangers},
};

/// How often the other side is asked whether it is still there.
const PING: Duration = Duration::from_secs(30);
/// How long it may be silent, pings included.
const SILENCE: Duration = Duration::from_secs(90);
/// How long a dialect may take with what its client said before it left.
const LAST_WORDS: Duration = Duration::from_secs(1);
/// How long the last frame may take.
const GOODBYE: Duration = Duration::from_secs(1);
/// The most bytes of the first message of a client that has shown no key yet.
const MOST_OF_A_STRANGER: usize = 64 * 1024;

type Socket = socket::Socket<TokioIo<Upgraded>>;

/// The goodbye to a client whose service has ended.
fn ended() -> Goodbye {
    Goodbye::new(CloseCode::Away.into(), "the server has ended this connection")
}

/// A path at which WebSockets are opened, and what is spoken there.
pub struct WebSocketRoute {
    /// The path.
    pub path: &'static str,
    /// Asked in this order which one a connection speaks: the first that claims it has it.
    pub dialects: Vec<Arc<dyn Dialect>>,
    /// The subprotocol that is confirmed to a client that asks for it.
    pub subprotocol: Option<&'static str>,
    /// What a client gets to read whose request is no handshake, behind the words that say so.
    pub hint: &'static str,
}

impl WebSocketRoute {
    /// The subprotocol, when a request asks for it.
    fn asked_for(&self, request: &Request) -> Option<&'static str> {
        let all = request.headers().get_all(header::SEC_WEBSOCKET_PROTOCOL).iter();
        let mut names =
            all.filter_map(|value| value.to_str().ok()).flat_map(|value| value.split(',')).map(str::trim);
        self.subprotocol.filter(|own| names.any(|name| name == *own))
    }
}

/// What a WebSocket needs to know.
#[derive(Clone)]
pub(super) struct Sockets {
    pub(super) route: Arc<WebSocketRoute>,
    /// The most bytes of a message of a client that is known.
    pub(super) max_bytes: usize,
    /// How long the first frame may take.
    pub(super) first_wait: Duration,
    /// A connection that has become a WebSocket is no longer one of HTTP, so it has a place here.
    pub(super) places: Arc<Semaphore>,
    /// How often callers may call.
    pub(super) admission: Admission,
    pub(super) doorman: Doorman,
    /// Those of each client.
    pub(super) each: SessionPlaces,
    /// Clients that have shown no key yet.
    pub(super) strangers: Strangers,
    /// Those that are open.
    pub(super) open: TaskTracker,
}

pub(super) async fn upgrade(
    State(sockets): State<Sockets>,
    Extension(caller): Extension<Caller>,
    Extension(address): Extension<Address>,
    mut request: Request,
) -> Response {
    let (Ok(mut response), Some(upgrade)) =
        (create_response_with_body(&request, Body::empty), request.extensions_mut().remove::<OnUpgrade>())
    else {
        let text = format!("this is no handshake of a WebSocket; {}", sockets.route.hint);
        return problem(StatusCode::BAD_REQUEST, "no_websocket", &text);
    };
    let stranger = match &caller {
        Caller::Known(..) => None,
        Caller::Silent | Caller::Refused | Caller::Unchecked => {
            let mut stranger = sockets.strangers.arrive(address);
            if !stranger.take_turn().await {
                return too_many_strangers();
            }
            Some(stranger)
        }
    };
    let Ok(place) = Arc::clone(&sockets.places).try_acquire_owned() else {
        let text = "too many connections are open; try again later";
        return problem(StatusCode::SERVICE_UNAVAILABLE, "too_many_connections", text);
    };
    if let Some(subprotocol) = sockets.route.asked_for(&request) {
        response.headers_mut().insert(header::SEC_WEBSOCKET_PROTOCOL, HeaderValue::from_static(subprotocol));
    }
    let Doorman { authenticator, wrong_keys, .. } = &sockets.doorman;
    let pace = Pace::new(sockets.admission.clone(), wrong_keys.clone(), address, authenticator.needs_key());
    let mut visitor = Visitor { who: None, validity: Validity::default(), place: None, pace };
    if let Some((who, validity)) = caller.known() {
        if !visitor.is_known(&who.identity, validity, &sockets.each) {
            return problem(StatusCode::SERVICE_UNAVAILABLE, "too_many_connections", TOO_MANY);
        }
        visitor.who = Some(who);
    }
    let open = sockets.open.clone();
    open.spawn(async move {
        if let Ok(upgraded) = upgrade.await {
            carry(TokioIo::new(upgraded), &sockets, visitor, stranger).await;
        }
        drop(place);
    });
    response
}

/// The client of a WebSocket.
struct Visitor {
    /// Absent until it has shown its key.
    who: Option<Principal>,
    validity: Validity,
    /// One of those that it may have.
    place: Option<SessionPlace>,
    pace: Pace,
}

impl Visitor {
    /// Notes who it is and how long it may stay. False when it has too many WebSockets.
    fn is_known(&mut self, who: &Identity, validity: Validity, each: &SessionPlaces) -> bool {
        self.validity = validity;
        self.place = each.take(&self.pace.counted(who));
        self.place.is_some()
    }
}

/// Why a client has to go whose key was replaced or removed.
const REVOKED: &str = "the key of this connection is no longer valid";

/// Why a client gets no further WebSocket; a goodbye has room for 123 bytes.
const TOO_MANY: &str = "too many WebSockets of this client are open; close one, or try again later";

/// Why a client has to go for another; a goodbye has room for 123 bytes.
const CROWDED: &str =
    "too many WebSockets have shown no key yet; send the key with the handshake, or try again later";

fn too_many_strangers() -> Response {
    problem(StatusCode::TOO_MANY_REQUESTS, "too_many_strangers", CROWDED)
}

/// Carries messages until one side ends; then the other is ended too.
async fn carry(
    upgraded: TokioIo<Upgraded>,
    sockets: &Sockets,
    mut visitor: Visitor,
    stranger: Option<Stranger>,
) {
    let who = visitor.who.take();
    let most = if who.is_some() { sockets.max_bytes } else { sockets.max_bytes.min(MOST_OF_A_STRANGER) };
    let mut socket = Socket::new(upgraded, most);
    // Pings and parts of a message do not make this longer.
    let deadline = Instant::now() + sockets.first_wait;
    let closed = stranger.as_ref().map(Stranger::closed);
    let first = tokio::select! {
        first = first_of(&mut socket) => first,
        end = has_to_go(closed.as_ref(), deadline) => Err(end),
        () = visitor.validity.over() => Err(End::Refused(Goodbye::new(UNAUTHORIZED, REVOKED))),
    };
    let first = match first {
        Ok(first) => first,
        Err(end) => return leave(socket, end).await,
    };
    let Some(dialect) = sockets.route.dialects.iter().find(|dialect| dialect.claims(&first)) else {
        let goodbye = Goodbye::new(NOT_UNDERSTOOD, "the first frame is no message of any dialect here");
        return leave(socket, End::Refused(goodbye)).await;
    };
    let (heard, incoming) = mpsc::channel(FRAMES);
    let (answers, mut outgoing) = mpsc::channel(FRAMES);
    let is_stranger = who.is_none();
    let link = Link { frames: incoming, answers, pace: visitor.pace.clone() };
    let over = CancellationToken::new();
    let mut speaking = std::pin::pin!(async {
        dialect.run(first, link, who).await;
        over.cancel();
        std::future::pending::<()>().await;
    });
    if is_stranger {
        let known = async {
            tokio::select! {
                known = introduce(&mut socket, &mut outgoing) => known,
                () = &mut speaking => Err(End::Gone),
                end = has_to_go(closed.as_ref(), deadline) => Err(end),
            }
        };
        let known = match known.await {
            Ok((who, validity)) => visitor.is_known(&who, validity, &sockets.each),
            Err(end) => return leave(socket, end).await,
        };
        if !known {
            return leave(socket, End::Refused(Goodbye::new(TRY_AGAIN_LATER, TOO_MANY))).await;
        }
        drop(stranger);
        socket.allow(sockets.max_bytes);
    }
    let (mut out, mut frames) = socket.split();
    let last_heard = Mutex::new(Instant::now());
    let end = tokio::select! {
        end = listen(&mut frames, heard, &last_heard) => {
            // What the client said right before, such as a cancellation, is still heard.
            let heard_out = async { tokio::select! { () = &mut speaking => {} () = over.cancelled() => {} } };
            drop(timeout(LAST_WORDS, heard_out).await);
            end
        }
        end = speak(&mut out, &mut outgoing) => end,
        () = silence(&last_heard) => End::Refused(ended()),
        () = &mut speaking => End::Gone,
        () = visitor.validity.over() => End::Refused(Goodbye::new(UNAUTHORIZED, REVOKED)),
    };
    if visitor.validity.is_over() {
        // What was said before, such as that the key was replaced, still goes out.
        drop(timeout(GOODBYE, say_the_rest(&mut out, &mut outgoing)).await);
    }
    if let Ok(socket) = out.reunite(frames) {
        leave(socket, end).await;
    }
}

/// The end of a client that says nothing in time, or has to go for another.
async fn has_to_go(closed: Option<&CancellationToken>, deadline: Instant) -> End {
    let closed = async {
        match closed {
            Some(closed) => closed.cancelled().await,
            None => std::future::pending().await,
        }
    };
    match timeout_at(deadline, closed).await {
        Ok(()) => End::Refused(Goodbye::new(TRY_AGAIN_LATER, CROWDED)),
        Err(_elapsed) => End::Refused(Goodbye::new(TOO_LATE, "nothing was said in time")),
    }
}

async fn first_of(socket: &mut Socket) -> Result<Bytes, End> {
    loop {
        if let Some(said) = said(socket.next().await.ok_or(End::Gone)??)? {
            return Ok(said);
        }
    }
}

/// Passes on what a dialect says until it knows its client. Nothing is read meanwhile.
async fn introduce(
    socket: &mut Socket,
    answers: &mut mpsc::Receiver<Outgoing>,
) -> Result<(Identity, Validity), End> {
    loop {
        match answers.recv().await {
            Some(Outgoing::Known(who, validity)) => return Ok((who, validity)),
            Some(Outgoing::Text(text)) => socket.send(Message::text(text)).await?,
            Some(Outgoing::Close(goodbye)) => return Err(End::Refused(goodbye)),
            None => return Err(End::Refused(ended())),
        }
    }
}

/// What a frame says: nothing within the connection's own affairs, an end when it is one.
fn said(frame: Message) -> Result<Option<Bytes>, End> {
    match frame {
        Message::Text(text) => Ok(Some(text.into())),
        Message::Binary(bytes) => Ok(Some(bytes)),
        Message::Ping(_) | Message::Pong(_) | Message::Frame(_) => Ok(None),
        Message::Close(_) => Err(End::Gone),
    }
}

/// Says goodbye. A client that does not read is not waited for, nor is one that goes on sending.
async fn leave(mut socket: Socket, end: End) {
    let End::Refused(goodbye) = end else {
        // The answer to the client's own goodbye may still have to be written.
        drop(timeout(GOODBYE, socket.flush()).await);
        return;
    };
    let parting = async {
        if socket.send(close(goodbye)).await.is_ok() {
            socket.drain().await;
        }
    };
    drop(timeout(GOODBYE, parting).await);
}

/// From the client, until it has ended.
async fn listen(frames: &mut SplitStream<Socket>, heard: mpsc::Sender<Bytes>, last: &Mutex<Instant>) -> End {
    loop {
        let frame = match frames.next().await {
            Some(Ok(frame)) => frame,
            Some(Err(end)) => return end,
            None => return End::Gone,
        };
        *last.lock() = Instant::now();
        match said(frame) {
            Ok(Some(said)) => {
                if heard.send(said).await.is_err() {
                    // The dialect has come to its end; its last answers are still being sent.
                    std::future::pending::<()>().await;
                }
            }
            Ok(None) => {}
            Err(end) => return end,
        }
    }
}

/// To the client, with a ping now and then. Why it has ended.
async fn speak(out: &mut SplitSink<Socket, Message>, answers: &mut mpsc::Receiver<Outgoing>) -> End {
    let mut pings = interval(PING);
    pings.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        let sent = tokio::select! {
            answer = answers.recv() => match answer {
                Some(Outgoing::Text(text)) => out.send_all(&mut stream::iter(frames(text).map(Ok))).await,
                Some(Outgoing::Known(..)) => Ok(()),
                Some(Outgoing::Close(goodbye)) => return End::Refused(goodbye),
                None => return End::Refused(ended()),
            },
            _ = pings.tick() => out.send(Message::Ping(Bytes::new())).await,
        };
        if let Err(end) = sent {
            return end;
        }
    }
}

/// To the client, what waits for it and nothing that comes later.
async fn say_the_rest(out: &mut SplitSink<Socket, Message>, answers: &mut mpsc::Receiver<Outgoing>) {
    while let Ok(Outgoing::Text(text)) = answers.try_recv() {
        if out.send_all(&mut stream::iter(frames(text).map(Ok))).await.is_err() {
            return;
        }
    }
}

/// Until nothing was heard for too long.
async fn silence(last: &Mutex<Instant>) {
    loop {
        let until = *last.lock() + SILENCE;
        if until <= Instant::now() {
            return;
        }
        sleep_until(until).await;
    }
}
