//! The HTTP+SSE transport of revision 2024-11-05: answers as events of `/sse`, messages to `/messages`. Deprecated by the specification;
//! for clients that know nothing else.

use std::{collections::HashMap, convert::Infallible, sync::Arc, time::Duration};

use axum::{
    Extension,
    body::Body,
    extract::{Query, State},
    http::StatusCode,
    response::{
        IntoResponse as _, Response,
        sse::{Event, KeepAlive, Sse},
    },
};
use exai_core::{Identity, Principal, run::Door};
use exai_server::{BodyLimits, SessionPlace, SessionPlaces, StaysOpen, TooFast, problem, read_body};
use futures::stream;
use parking_lot::Mutex;
use serde::Deserialize;
use tokio::{
    io::{AsyncBufReadExt as _, BufReader, DuplexStream, ReadHalf, WriteHalf},
    sync::{Mutex as AsyncMutex, mpsc},
    time::timeout,
};
use uuid::Uuid;

use super::{
    duplex_session::{Attach, write_line},
    pacing,
};

/// How long a message waits for a connection whose answers are not read.
const PATIENCE: Duration = Duration::from_secs(10);
/// Between comments that keep proxies from closing the stream.
const COMMENTS: Duration = Duration::from_secs(15);

/// Refusals that wait to be sent.
const REFUSALS: usize = 16;

type Input = Arc<AsyncMutex<WriteHalf<DuplexStream>>>;

/// A client that reads its answers, and where its messages go.
#[derive(Clone)]
struct Client {
    owner: Identity,
    input: Input,
    /// Answers to calls that came too fast.
    refusals: mpsc::Sender<String>,
}

/// The connections by their names.
#[derive(Clone)]
pub(super) struct Connections {
    attach: Attach,
    open: Arc<Mutex<HashMap<String, Client>>>,
    places: SessionPlaces,
    limits: BodyLimits,
}

impl Connections {
    pub(super) fn new(attach: Attach, places: SessionPlaces, limits: BodyLimits) -> Self {
        Self { attach, open: Arc::default(), places, limits }
    }

    fn client(&self, id: &str, who: &Identity) -> Option<Client> {
        self.open.lock().get(id).filter(|client| client.owner == *who).cloned()
    }
}

/// Takes the connection away when its stream is dropped.
struct Named {
    id: String,
    connections: Connections,
    _place: SessionPlace,
}

impl Drop for Named {
    fn drop(&mut self) {
        self.connections.open.lock().remove(&self.id);
    }
}

struct Answers {
    lines: BufReader<ReadHalf<DuplexStream>>,
    /// What was read of the next line.
    begun: Vec<u8>,
    refusals: mpsc::Receiver<String>,
    first: Option<Event>,
    _named: Named,
}

impl Answers {
    async fn next(&mut self) -> Option<Event> {
        if let Some(first) = self.first.take() {
            return Some(first);
        }
        let message = Event::default().event("message");
        tokio::select! {
            read = self.lines.read_until(b'\n', &mut self.begun) => {
                if matches!(read, Ok(0) | Err(_)) {
                    return None;
                }
                let line = std::mem::take(&mut self.begun);
                Some(message.data(String::from_utf8_lossy(line.trim_ascii_end())))
            }
            Some(refusal) = self.refusals.recv() => Some(message.data(refusal)),
        }
    }
}

pub(super) async fn open(
    State(connections): State<Connections>,
    Extension(who): Extension<Principal>,
) -> Response {
    let id = Uuid::new_v4().to_string();
    let Some(place) = connections.places.take(&who.identity) else {
        let text = "too many connections are open; end one, or try again later";
        return problem(StatusCode::SERVICE_UNAVAILABLE, "too_many_sessions", text);
    };
    let owner = who.identity.clone();
    let (read, write) = tokio::io::split(connections.attach.begin(who, Door("sse")));
    let (refusing, refusals) = mpsc::channel(REFUSALS);
    let client = Client { owner, input: Arc::new(AsyncMutex::new(write)), refusals: refusing };
    connections.open.lock().insert(id.clone(), client);
    let first = Event::default().event("endpoint").data(format!("/messages?sessionId={id}"));
    let answers = Answers {
        lines: BufReader::new(read),
        begun: Vec::new(),
        refusals,
        first: Some(first),
        _named: Named { id, connections, _place: place },
    };
    let events = stream::unfold(answers, |mut answers| async move {
        let event = answers.next().await?;
        Some((Ok::<_, Infallible>(event), answers))
    });
    let events = Sse::new(events).keep_alive(KeepAlive::new().interval(COMMENTS));
    (Extension(StaysOpen), events).into_response()
}

#[derive(Deserialize)]
pub(super) struct Addressed {
    #[serde(rename = "sessionId", alias = "session_id")]
    session: String,
}

pub(super) async fn message(
    State(connections): State<Connections>,
    Extension(who): Extension<Principal>,
    Query(addressed): Query<Addressed>,
    too_fast: Option<Extension<TooFast>>,
    body: Body,
) -> Response {
    let Some(client) = connections.client(&addressed.session, &who.identity) else {
        let text = "there is no such connection; open /sse anew";
        return problem(StatusCode::NOT_FOUND, "no_session", text);
    };
    let body = match read_body(body, connections.limits).await {
        Ok(body) => body,
        Err(refusal) => return *refusal,
    };
    if let Some(Extension(too_fast)) = too_fast.filter(|_| !pacing::is_free(&body)) {
        // The client waits for an answer on its stream, and nowhere else.
        let refusal = pacing::refusal(&body, too_fast.retry_after()).to_string();
        return match client.refusals.try_send(refusal) {
            Ok(()) => StatusCode::ACCEPTED.into_response(),
            Err(_unread) => not_read(),
        };
    }
    let written = timeout(PATIENCE, async { write_line(&mut *client.input.lock().await, &body).await }).await;
    match written {
        Ok(Ok(())) => StatusCode::ACCEPTED.into_response(),
        Ok(Err(_)) => problem(StatusCode::GONE, "ended", "the connection has ended; open /sse anew"),
        Err(_elapsed) => not_read(),
    }
}

fn not_read() -> Response {
    let text = "the answers of this connection are not read, so nothing more is taken";
    problem(StatusCode::SERVICE_UNAVAILABLE, "not_read", text)
}
