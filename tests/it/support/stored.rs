//! What the program has stored, as its own command line tells it.

use std::sync::Arc;

use exai_core::{
    Identity, SystemClock,
    run::Run,
    store::{RunFilter, Runs as _},
};
use serde_json::Value;

use super::{Setup, within};

impl Setup {
    /// The latest threads.
    pub(crate) async fn stored_threads(&self) -> Vec<Value> {
        match self.told(&["threads", "list", "--limit", "1000", "--json"]).await {
            Value::Array(threads) => threads,
            other => panic!("a list of threads, not {other:#}"),
        }
    }

    /// One thread with its turns and runs.
    pub(crate) async fn stored_thread(&self, id: &str) -> Value {
        self.told(&["threads", "show", id, "--json"]).await
    }

    /// The runs of the user without a key and of the one whose key is configured, latest first.
    pub(crate) async fn stored_runs(&self) -> Vec<Run> {
        let settings = exai_store::Settings::at(self.database());
        let store = exai_store::SqliteStore::open_lazily(settings, Arc::new(SystemClock));
        let runs = store.recent_runs(&Identity::local(), &RunFilter::default(), 1_000).await;
        runs.expect("the database can be read")
    }

    /// Asserts that the latest run came through this entrance, from this client.
    pub(crate) async fn assert_latest_run(&self, door: &str, client: &str) {
        let runs = self.stored_runs().await;
        let latest = runs.first().expect("a run");
        assert_eq!((latest.door.as_deref(), latest.client.as_deref()), (Some(door), Some(client)));
    }

    /// Waits until so many threads are stored.
    pub(crate) async fn wait_for_threads(&self, count: usize) {
        let stored = async { while self.stored_threads().await.len() < count {} };
        within(&format!("the storing of {count} threads"), stored).await;
    }

    /// The states of a thread's runs, once none of them is under way.
    pub(crate) async fn ended_runs(&self, thread: &str) -> Vec<String> {
        let ended = async {
            loop {
                let runs = self.stored_thread(thread).await["runs"].take();
                let states =
                    runs.as_array().expect("runs").iter().map(|run| run["state"].as_str().expect("a state"));
                let states: Vec<String> = states.map(str::to_owned).collect();
                if !states.iter().any(|state| state == "running" || state == "queued") {
                    return states;
                }
            }
        };
        within("the end of the runs", ended).await
    }

    /// The id of the only thread, once it has so many turns.
    pub(crate) async fn only_thread_with_turns(&self, turns: u64) -> String {
        let stored = async {
            loop {
                if let [thread] = self.stored_threads().await.as_slice()
                    && thread["turns"].as_u64() >= Some(turns)
                {
                    return thread["continuation_id"].as_str().expect("an id").to_owned();
                }
            }
        };
        within("the storing of the turns", stored).await
    }

    async fn told(&self, arguments: &[&str]) -> Value {
        let (code, output, errors) = self.run(arguments).await;
        assert_eq!(code, 0, "{arguments:?}: {errors}");
        serde_json::from_str(&output)
            .unwrap_or_else(|error| panic!("{arguments:?} prints JSON ({error}): {output}"))
    }
}
