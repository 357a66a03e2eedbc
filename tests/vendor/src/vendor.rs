//! The handle that a test holds: starts the server, scripts it, reads what it saw, and stops it when dropped.

use std::{
    io,
    net::{Ipv4Addr, SocketAddr},
    sync::Arc,
};

use tokio::{net::TcpListener, task::JoinHandle};

use crate::{
    Answer, Recorded, Stats, StoredFile,
    line::{Door, Line, Lines},
    server::{self, Plan, Shared},
};

/// A running vendor. Dropping it closes its port and every connection.
///
/// The waits have no deadline of their own: a test that may hang wraps them in `tokio::time::timeout`.
pub struct Vendor {
    address: SocketAddr,
    shared: Arc<Shared>,
    lines: Lines,
    server: JoinHandle<io::Result<()>>,
}

// === impl Vendor: life ===

impl Vendor {
    /// Starts a vendor on a free loopback port.
    ///
    /// # Panics
    ///
    /// When the machine has no free loopback port.
    #[expect(clippy::expect_used, reason = "a test whose vendor cannot start has nothing left to do")]
    pub async fn start() -> Self {
        Self::bind(0).await.expect("a free port on 127.0.0.1")
    }

    /// Starts a vendor on this loopback port; 0 means any free one.
    ///
    /// # Errors
    ///
    /// When the port cannot be bound.
    pub async fn bind(port: u16) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await?;
        let address = listener.local_addr()?;
        let shared = Arc::new(Shared::new());
        let lines = Lines::default();
        let door = Door::new(listener, lines.clone());
        let service = server::router(Arc::clone(&shared)).into_make_service_with_connect_info::<Line>();
        let server = tokio::spawn(async move { axum::serve(door, service).await });
        Ok(Self { address, shared, lines, server })
    }

    /// The base URL that a client is configured with: `http://127.0.0.1:PORT/v1`.
    #[must_use]
    pub fn url(&self) -> String {
        format!("{}/v1", self.origin())
    }

    /// The URL without a path, for vendors with another base: any `POST` path is a call.
    #[must_use]
    pub fn origin(&self) -> String {
        format!("http://{}", self.address)
    }
}

impl Drop for Vendor {
    fn drop(&mut self) {
        self.server.abort();
        self.lines.hang_up();
    }
}

// === impl Vendor: what it answers ===

impl Vendor {
    /// Appends answers to the queue; each call takes the next one.
    pub fn script(&self, answers: Vec<Answer>) {
        self.shared.with_plan(|plan| plan.script.extend(answers));
    }

    /// Appends one answer to the queue.
    pub fn then(&self, answer: Answer) {
        self.script(vec![answer]);
    }

    /// Chooses by the request when the queue is empty; `None` leaves it to the default answer.
    pub fn answer_with(&self, choose: impl Fn(&Recorded) -> Option<Answer> + Send + Sync + 'static) {
        self.shared.with_plan(|plan| plan.chooser = Some(Arc::new(Box::new(choose))));
    }

    /// Answers this whenever nothing else is chosen; at first it is [`Answer::by_model_name`].
    pub fn default_answer(&self, answer: Answer) {
        self.shared.with_plan(|plan| plan.default = answer);
    }

    /// Lists these models at `GET …/models`; at first `mock-model` only.
    pub fn models(&self, names: &[&str]) {
        self.models_answer(server::model_list(names.iter().copied()));
    }

    /// From now on `GET …/models` needs this key.
    pub fn models_need_key(&self, key: &str) {
        self.shared.with_plan(|plan| plan.models_key = Some(key.to_owned()));
    }

    /// Answers `GET …/models` with this, for a listing that fails or is slow.
    pub fn models_answer(&self, answer: Answer) {
        self.shared.with_plan(|plan| plan.models = answer);
    }
}

// === impl Vendor: its files ===

impl Vendor {
    /// Answers every request about files with this from now on.
    pub fn files_answer(&self, answer: Answer) {
        self.shared.with_plan(|plan| plan.files = Some(answer));
    }

    /// The files that lie here, oldest first.
    #[must_use]
    pub fn stored_files(&self) -> Vec<StoredFile> {
        self.shared.with_files(|files| files.clone())
    }

    /// Changes what lies here, as somebody else would.
    pub fn with_files<T>(&self, work: impl FnOnce(&mut Vec<StoredFile>) -> T) -> T {
        self.shared.with_files(work)
    }
}

// === impl Vendor: what it saw ===

impl Vendor {
    /// Every request in order of arrival, model lists included; the newest 10,000, and 512 MiB of bodies at most.
    #[must_use]
    pub fn requests(&self) -> Vec<Recorded> {
        self.shared.ledger.requests()
    }

    /// The requests that ask a model for something: every `POST`.
    #[must_use]
    pub fn calls(&self) -> Vec<Recorded> {
        let mut requests = self.requests();
        requests.retain(|request| request.method == "POST");
        requests
    }

    /// The counts so far.
    #[must_use]
    pub fn stats(&self) -> Stats {
        self.shared.ledger.stats()
    }

    /// Says whether bodies are kept; they are at first. Without them a long load test stays small.
    pub fn record_bodies(&self, keep: bool) {
        self.shared.ledger.keep_bodies(keep);
    }

    /// Forgets requests, counts, script and default answers. What is in flight goes on.
    pub fn reset(&self) {
        self.shared.with_plan(|plan| *plan = Plan::new());
        self.shared.ledger.reset();
    }

    /// Waits until `n` calls have arrived with their whole body.
    pub async fn wait_for_calls(&self, n: usize) {
        self.shared.ledger.wait_for(|stats| stats.calls >= n).await;
    }

    /// Waits until the client has left `n` calls before the end of their answer.
    pub async fn wait_for_disconnects(&self, n: usize) {
        self.shared.ledger.wait_for(|stats| stats.disconnects >= n).await;
    }

    /// Waits until no call is being answered.
    pub async fn wait_until_idle(&self) {
        self.shared.ledger.wait_for(|stats| stats.in_flight == 0).await;
    }
}
