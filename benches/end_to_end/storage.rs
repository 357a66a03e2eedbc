//! How long a thread takes to load among a hundred thousand.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use exai_core::{
    Clock as _, Identity, SystemClock, ThreadId,
    store::{Store as _, Threads as _, Write},
    thread::{Turn, TurnBody, UserMessage},
};
use exai_store::{Settings, SqliteStore};

const THREADS: usize = 100_000;
const LOADED: usize = 1_000;
/// Longer than any write takes.
const PATIENCE: Duration = Duration::from_secs(120);

/// Fills a database and prints how fast single threads load.
pub(crate) async fn among_many() {
    let home = tempfile::tempdir().expect("a temporary folder");
    let store = SqliteStore::open_lazily(Settings::at(home.path().join("exai.db")), Arc::new(SystemClock));
    let (who, at) = (Identity::local(), SystemClock.now());
    let mut ids = Vec::with_capacity(THREADS);
    for _ in 0..THREADS / 100 {
        let mut batch = Vec::new();
        for _ in 0..100 {
            let id = ThreadId::new();
            ids.push(id);
            batch.push(Write::CreateThread {
                id,
                tool: "chat".to_owned(),
                title: "a question".to_owned(),
                at,
            });
            let body = TurnBody::Message(UserMessage {
                text: "a question of some length ".repeat(20),
                ..UserMessage::default()
            });
            let turn = Turn { seq: 0, tool: "chat".to_owned(), created_at: at, body };
            batch.push(Write::AppendTurns { thread: id, turns: vec![turn] });
        }
        assert!(store.write(&who, batch).within(PATIENCE).await.expect("written"), "in time");
    }
    let mut walls = Vec::with_capacity(LOADED);
    for at in 0..LOADED {
        let id = ids[at * 97 % THREADS];
        let begun = Instant::now();
        let thread = store.thread(&who, id).await.expect("readable").expect("there");
        walls.push(begun.elapsed().as_secs_f64() * 1e3);
        assert_eq!(thread.turns.len(), 1);
    }
    walls.sort_by(f64::total_cmp);
    println!(
        "a thread among {THREADS} loads in {:.2} ms median, {:.2} ms at the 99th percentile",
        walls[LOADED / 2],
        walls[LOADED * 99 / 100]
    );
}
