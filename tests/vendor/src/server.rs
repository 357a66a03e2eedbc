//! The HTTP side: takes a request, records it, chooses the answer and plays it.

use std::{
    collections::VecDeque,
    future::pending,
    sync::{Arc, Mutex, PoisonError},
};

use axum::{
    Json, Router,
    body::to_bytes,
    extract::{ConnectInfo, Request, State},
    http::{Method, StatusCode, request::Parts},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use bytes::Bytes;
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::{
    Answer, Recorded,
    answer::What,
    ask::Ask,
    by_name,
    files::{self, StoredFile},
    ledger::{InFlight, Ledger},
    line::Line,
    reply::Reply,
};

/// Largest request body that is taken, in bytes.
const MAX_BODY: usize = 256 * 1024 * 1024;

/// Chooses an answer from the request itself.
pub(crate) type Chooser = Box<dyn Fn(&Recorded) -> Option<Answer> + Send + Sync>;

/// What the vendor remembers, shared by all connections.
pub(crate) struct Shared {
    pub(crate) ledger: Arc<Ledger>,
    plan: Mutex<Plan>,
    pub(crate) files: Mutex<Vec<StoredFile>>,
}

/// What the vendor will answer.
pub(crate) struct Plan {
    pub(crate) script: VecDeque<Answer>,
    pub(crate) chooser: Option<Arc<Chooser>>,
    pub(crate) default: Answer,
    pub(crate) models: Answer,
    /// The key that the list of models needs.
    pub(crate) models_key: Option<String>,
    /// Answers every request about files, in the place of what they would get.
    pub(crate) files: Option<Answer>,
}

pub(crate) fn router(shared: Arc<Shared>) -> Router {
    Router::new()
        .route("/stats", get(stats))
        .route("/reset", post(reset))
        // Vendors differ in their base paths, and a wrong path is for the test to see: any path is taken.
        .fallback(serve)
        .with_state(shared)
}

/// The list that `GET …/models` answers.
pub(crate) fn model_list<'a>(names: impl IntoIterator<Item = &'a str>) -> Answer {
    let list: Vec<Value> =
        names.into_iter().map(|name| json!({"id": name, "object": "model", "owned_by": "mock"})).collect();
    Answer::json(200, &json!({"object": "list", "data": list}))
}

async fn stats(State(shared): State<Arc<Shared>>) -> Json<Value> {
    let stats = shared.ledger.stats();
    Json(json!({
        "calls": stats.calls,
        "in_flight": stats.in_flight,
        "peak_inflight": stats.peak_in_flight,
        "max_body": stats.max_body,
        "disconnects": stats.disconnects,
    }))
}

async fn reset(State(shared): State<Arc<Shared>>) -> &'static str {
    shared.ledger.reset();
    "ok"
}

async fn serve(
    State(shared): State<Arc<Shared>>,
    ConnectInfo(line): ConnectInfo<Line>,
    request: Request,
) -> Response {
    let arrived = Instant::now();
    let (parts, body) = request.into_parts();
    let Ok(body) = to_bytes(body, MAX_BODY).await else {
        return StatusCode::PAYLOAD_TOO_LARGE.into_response();
    };
    let ask = Ask::parse(&body);
    let (answer, counted) = match files::answer(&shared, &parts, &body).await {
        Some(answer) => (answer, false),
        None => shared.choose(&parts, &body, arrived),
    };
    let (visit, call) = shared.ledger.enter(parts, body, arrived, counted);
    perform(answer, &ask, call, visit, line).await
}

/// Waits as the answer says, then sends it.
async fn perform(answer: Answer, ask: &Ask, call: usize, mut visit: InFlight, line: Line) -> Response {
    wait(&answer).await;
    let answer = if let What::ByModelName = answer.what {
        let named = by_name::answer(ask);
        wait(&named).await;
        Answer { what: named.what, headers: [named.headers, answer.headers].concat(), ..answer }
    } else {
        answer
    };
    if let What::HangUp = answer.what {
        visit.finish();
        line.hang_up();
    }
    match Reply::new(answer, ask, call) {
        Some(reply) => reply.into_response(visit, line),
        // Ends when the connection does: by the client, by the line above, or by the vendor's own end.
        None => pending().await,
    }
}

async fn wait(answer: &Answer) {
    if let Some(gate) = &answer.gate {
        gate.pass().await;
    }
    if !answer.latency.is_zero() {
        tokio::time::sleep(answer.latency).await;
    }
}

// === impl Shared ===

impl Shared {
    pub(crate) fn new() -> Self {
        Self { ledger: Arc::new(Ledger::new()), plan: Mutex::new(Plan::new()), files: Mutex::default() }
    }

    pub(crate) fn with_plan<T>(&self, work: impl FnOnce(&mut Plan) -> T) -> T {
        work(&mut self.plan.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// The answer to a request, and whether the request counts as a call.
    fn choose(&self, parts: &Parts, body: &Bytes, arrived: Instant) -> (Answer, bool) {
        // A proxy is asked for a connection to somewhere else.
        if parts.method == Method::CONNECT {
            return (Answer::proxy_wants_password(), false);
        }
        if parts.method != Method::POST {
            let models = parts.method == Method::GET && parts.uri.path().ends_with("/models");
            let answer = if models { self.with_plan(|plan| plan.list(parts)) } else { unknown_url(parts) };
            return (answer, false);
        }
        let chooser = match self.with_plan(Plan::next) {
            Ok(answer) => return (answer, true),
            Err(chooser) => chooser,
        };
        // Outside the lock: the test's function may use the vendor.
        let chosen = chooser.and_then(|choose| choose(&Recorded::new(parts, body.clone(), arrived, false)));
        (chosen.unwrap_or_else(|| self.with_plan(|plan| plan.default.clone())), true)
    }
}

fn unknown_url(parts: &Parts) -> Answer {
    let message = format!("Invalid URL ({} {})", parts.method, parts.uri.path());
    Answer::error(404, "invalid_request_error", "unknown_url", &message)
}

// === impl Plan ===

impl Plan {
    pub(crate) fn new() -> Self {
        Self {
            script: VecDeque::new(),
            chooser: None,
            default: Answer::by_model_name(),
            models: model_list(["mock-model"]),
            models_key: None,
            files: None,
        }
    }

    /// The list of models, for whoever has the key that it needs.
    fn list(&self, parts: &Parts) -> Answer {
        let shown = parts.headers.get("authorization").and_then(|value| value.to_str().ok());
        let is_let_in =
            self.models_key.as_ref().is_none_or(|key| shown == Some(format!("Bearer {key}").as_str()));
        if is_let_in { self.models.clone() } else { Answer::invalid_key() }
    }

    /// The next scripted answer, or the function to ask when the script is over.
    fn next(&mut self) -> Result<Answer, Option<Arc<Chooser>>> {
        self.script.pop_front().ok_or_else(|| self.chooser.clone())
    }
}
