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
use exai_server::{BodyLimits, StaysOpen, problem, read_body};
use futures::stream;
use parking_lot::Mutex;
use serde::Deserialize;
use tokio::{
    io::{AsyncBufReadExt as _, BufReader, DuplexStream, ReadHalf, WriteHalf},
    sync::Mutex as AsyncMutex,
    time::timeout,
};
use uuid::Uuid;

use super::duplex_session::{Attach, write_line};

/// How long a message waits for a connection whose answers are not read.
const PATIENCE: Duration = Duration::from_secs(10);
/// Between comments that keep proxies from closing the stream.
const COMMENTS: Duration = Duration::from_secs(15);

type Input = Arc<AsyncMutex<WriteHalf<DuplexStream>>>;

/// A client that reads its answers, and where its messages go.
struct Client {
    owner: Identity,
    input: Input,
}

/// The connections by their names.
#[derive(Clone)]
pub(super) struct Connections {
    attach: Attach,
    open: Arc<Mutex<HashMap<String, Client>>>,
    most: usize,
    limits: BodyLimits,
}

impl Connections {
    pub(super) fn new(attach: Attach, most: usize, limits: BodyLimits) -> Self {
        Self { attach, open: Arc::default(), most, limits }
    }

    fn input(&self, id: &str, who: &Identity) -> Option<Input> {
        let open = self.open.lock();
        let client = open.get(id).filter(|client| client.owner == *who);
        client.map(|client| Arc::clone(&client.input))
    }
}

/// Takes the connection away when its stream is dropped.
struct Named {
    id: String,
    connections: Connections,
}

impl Drop for Named {
    fn drop(&mut self) {
        self.connections.open.lock().remove(&self.id);
    }
}

struct Answers {
    lines: BufReader<ReadHalf<DuplexStream>>,
    first: Option<Event>,
    _named: Named,
}

pub(super) async fn open(
    State(connections): State<Connections>,
    Extension(who): Extension<Principal>,
) -> Response {
    let id = Uuid::new_v4().to_string();
    let read = {
        let mut open = connections.open.lock();
        if open.len() >= connections.most {
            let text = "too many connections are open; end one, or try again later";
            return problem(StatusCode::SERVICE_UNAVAILABLE, "too_many_sessions", text);
        }
        let owner = who.identity.clone();
        let (read, write) = tokio::io::split(connections.attach.begin(who, Door("sse")));
        open.insert(id.clone(), Client { owner, input: Arc::new(AsyncMutex::new(write)) });
        read
    };
    let first = Event::default().event("endpoint").data(format!("/messages?sessionId={id}"));
    let answers =
        Answers { lines: BufReader::new(read), first: Some(first), _named: Named { id, connections } };
    let events = stream::unfold(answers, |mut answers| async move {
        let event = match answers.first.take() {
            Some(first) => first,
            None => {
                let mut bytes = Vec::new();
                match answers.lines.read_until(b'\n', &mut bytes).await {
                    Ok(0) | Err(_) => return None,
                    Ok(_) => {}
                }
                Event::default().event("message").data(String::from_utf8_lossy(bytes.trim_ascii_end()))
            }
        };
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
    body: Body,
) -> Response {
    let Some(input) = connections.input(&addressed.session, &who.identity) else {
        let text = "there is no such connection; open /sse anew";
        return problem(StatusCode::NOT_FOUND, "no_session", text);
    };
    let body = match read_body(body, connections.limits).await {
        Ok(body) => body,
        Err(refusal) => return *refusal,
    };
    let written = timeout(PATIENCE, async { write_line(&mut *input.lock().await, &body).await }).await;
    match written {
        Ok(Ok(())) => StatusCode::ACCEPTED.into_response(),
        Ok(Err(_)) => problem(StatusCode::GONE, "ended", "the connection has ended; open /sse anew"),
        Err(_elapsed) => {
            let text = "the answers of this connection are not read, so nothing more is taken";
            problem(StatusCode::SERVICE_UNAVAILABLE, "not_read", text)
        }
    }
}
