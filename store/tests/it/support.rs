//! Values and files that the tests share.

use std::{path::Path, sync::Arc, time::Duration};

use crate::contract::Bench;
use exai_core::{
    AnswerId, Identity, ManualClock, ModelId, ProviderId, RequestHash, RunId, ThreadId, Timestamp,
    answer::{AnswerState, KeptAnswer},
    chat::{Finish, Usage},
    run::{Attempt, Run, RunOutcome, RunState, Source},
    store::{Store, StoreError, Write},
    thread::{Turn, TurnBody, UserMessage},
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
    let body = TurnBody::Message(UserMessage { text: text.into(), ..UserMessage::default() });
    Turn { seq, tool: "chat".into(), created_at: NOON, body }
}

pub(crate) fn append(thread: ThreadId, seq: u32, text: &str) -> Write {
    Write::AppendTurns { thread, turns: vec![message(seq, text)] }
}

pub(crate) fn run(thread: ThreadId) -> Run {
    Run {
        id: RunId::new(),
        thread: Some(thread),
        tool: "chat".into(),
        door: None,
        client: None,
        key_id: None,
        source: Source::Fresh,
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

/// A run of a moment, by its id as well: version 7 begins with its milliseconds.
pub(crate) fn run_at(moment: Timestamp, thread: ThreadId) -> Run {
    let millis = u64::try_from(moment.0).unwrap();
    let seconds = uuid::Timestamp::from_unix(
        uuid::NoContext,
        millis / 1_000,
        u32::try_from(millis % 1_000).unwrap() * 1_000_000,
    );
    Run { id: RunId::from_uuid(uuid::Uuid::new_v7(seconds)), started_at: moment, ..run(thread) }
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
        prompt_cut: None,
        first_token_ms: Some(250),
        error_kind: Some("rate_limited".into()),
    }
}

/// An attempt; the odd ones failed.
pub(crate) fn attempt(number: u32) -> Attempt {
    let failed = number % 2 == 1;
    Attempt {
        number,
        provider: ProviderId::from("glm"),
        model: ModelId::from("GLM-5.3"),
        started_at: NOON.plus_millis(i64::from(number) * 100),
        ended_at: NOON.plus_millis(i64::from(number) * 100 + 50),
        first_token_ms: (!failed).then_some(20),
        error_kind: failed.then(|| "unavailable".to_owned()),
        usage: (!failed).then(|| outcome().usage),
    }
}

/// The end of a run, 1.5 seconds after its start, with one attempt.
pub(crate) fn finish(run: &Run, state: RunState) -> Write {
    Write::RecordRun { run: ended(run.clone(), state), attempts: vec![attempt(1)] }
}

/// The run as [`finish`] leaves it.
pub(crate) fn ended(run: Run, state: RunState) -> Run {
    Run { state, ended_at: Some(run.started_at.plus_millis(1_500)), outcome: Some(outcome()), ..run }
}

/// An answer kept at [`NOON`] for 30 days.
pub(crate) fn kept(thread: Option<ThreadId>, state: AnswerState) -> KeptAnswer {
    KeptAnswer {
        id: AnswerId::new(),
        thread,
        tool: "codereview".into(),
        state,
        created_at: NOON,
        updated_at: NOON,
        deadline_at: NOON.plus_millis(1_000),
        expires_at: NOON.plus_millis(30 * DAY),
        text: "{\"status\":\"x\"}".into(),
        is_error: false,
    }
}

/// A new SQLite file for the contract.
pub(crate) fn sqlite() -> Bench {
    let folder = tempfile::tempdir().unwrap();
    let clock = ManualClock::at(NOON);
    let store = SqliteStore::open_lazily(settings(&folder.path().join("db")), Arc::new(clock.clone()));
    Bench { store, clock, _place: Box::new(folder) }
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
        TurnBody::Message(message) => message.text,
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
