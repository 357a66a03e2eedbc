//! Values and files that the tests share.

use std::{path::Path, sync::Arc, time::Duration};

use exai_core::{
    Identity, ManualClock, ModelId, ProviderId, RequestHash, RunId, ThreadId, Timestamp,
    chat::{Finish, Usage},
    run::{Run, RunOutcome, RunState},
    store::{Store, StoreError, Write},
    thread::{Body, Turn, UserMessage},
};
use exai_store::{Retry, Settings, SqliteStore};
use sqlx::{ConnectOptions, Row, SqliteConnection, sqlite::SqliteConnectOptions};

/// Long enough for any commit on a slow machine; only a failing test waits so long.
pub(crate) const LONG: Duration = Duration::from_secs(60);
pub(crate) const NOON: Timestamp = Timestamp(1_767_268_800_000);
pub(crate) const DAY: i64 = 24 * 60 * 60 * 1_000;

pub(crate) fn settings(path: &Path) -> Settings {
    let retry = Retry { first: Duration::from_millis(5), cap: Duration::from_millis(20) };
    Settings { retry, ..Settings::at(path) }
}

/// Settings that give up on a lock at once.
pub(crate) fn impatient(path: &Path) -> Settings {
    Settings { busy_timeout: Duration::from_millis(5), read_wait: Duration::from_millis(5), ..settings(path) }
}

pub(crate) fn open(settings: Settings) -> Arc<SqliteStore> {
    SqliteStore::open_lazily(settings, Arc::new(ManualClock::at(NOON)))
}

pub(crate) fn creation(id: ThreadId) -> Write {
    Write::CreateThread { id, tool: "chat".into(), title: "hello".into(), at: NOON }
}

pub(crate) fn message(seq: u32, text: &str) -> Turn {
    let body = Body::Message(UserMessage { text: text.into(), ..UserMessage::default() });
    Turn { seq, tool: "chat".into(), created_at: NOON, body }
}

pub(crate) fn append(thread: ThreadId, seq: u32, text: &str) -> Write {
    Write::AppendTurns { thread, turns: vec![message(seq, text)] }
}

pub(crate) fn run(thread: ThreadId) -> Run {
    Run {
        id: RunId::new(),
        thread,
        tool: "chat".into(),
        request: RequestHash([7; 32]),
        provider: ProviderId::from("glm"),
        model: ModelId::from("GLM-5.3"),
        state: RunState::Running,
        started_at: NOON,
        deadline_at: NOON.plus_millis(900_000),
        ended_at: None,
        outcome: None,
    }
}

pub(crate) fn outcome() -> RunOutcome {
    RunOutcome {
        text: "four".into(),
        error: None,
        usage: Usage {
            input_tokens: 11,
            output_tokens: 22,
            cached_input_tokens: 3,
            reasoning_tokens: 4,
            estimated: true,
        },
        cost_usd: Some(0.0125),
        attempts: 2,
        duration_ms: 1_500,
        finish: Some(Finish::Stop),
        answered_as: "GLM-5.3-air".into(),
    }
}

/// Writes and waits until it is durable.
pub(crate) async fn commit(store: &dyn Store, who: &Identity, batch: Vec<Write>) -> Result<(), StoreError> {
    match store.write(who, batch).within(LONG).await {
        Ok(true) => Ok(()),
        Ok(false) => panic!("the commit took longer than {LONG:?}"),
        Err(error) => Err(error),
    }
}

/// The texts of a thread's messages; `None` when there is no such thread.
pub(crate) async fn texts(store: &dyn Store, who: &Identity, id: ThreadId) -> Option<Vec<String>> {
    let thread = store.thread(who, id).await.unwrap()?;
    let text = |turn: Turn| match turn.body {
        Body::Message(message) => message.text,
        other => panic!("{other:?}"),
    };
    Some(thread.turns.into_iter().map(text).collect())
}

/// A connection of somebody else.
pub(crate) async fn raw(path: &Path) -> SqliteConnection {
    SqliteConnectOptions::new().filename(path).create_if_missing(true).connect().await.unwrap()
}

pub(crate) async fn execute(conn: &mut SqliteConnection, sql: &'static str) {
    sqlx::query(sql).execute(conn).await.unwrap();
}

pub(crate) async fn number(conn: &mut SqliteConnection, sql: &'static str) -> i64 {
    sqlx::query(sql).fetch_one(conn).await.unwrap().get(0)
}
