//! A provider for tests of what is built on providers: answers what it was told to, records what it was asked, opens no connection.
//!
//! Nothing here waits for time: an answer is held back by a [`Gate`] that the test opens, and a test waits for counts.

mod script;

use std::{collections::VecDeque, sync::Arc};

use async_trait::async_trait;
use exai_core::{
    EndpointIdentity, Kind, ModelId, ProviderId,
    chat::Request,
    model::ModelSpec,
    provider::{CallCtx, Provider, ProviderError, ReplyStream},
};
use parking_lot::{Mutex, MutexGuard};
use tokio::sync::watch;

pub use self::script::{Gate, Script};
use crate::{start, vendor::VendorKind};

type Choose = Box<dyn Fn(&Request) -> Option<Script> + Send + Sync>;

/// What a provider has seen so far.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Stats {
    /// Calls that began.
    pub calls: usize,
    /// Calls whose answer is neither complete nor given up.
    pub in_flight: usize,
    /// The most that were in flight at once.
    pub most_in_flight: usize,
    /// Calls that were given up before their end: cancelled, past their deadline, or dropped.
    pub given_up: usize,
}

/// A provider that follows a script. Calls beyond the script get the default answer.
pub struct ScriptedProvider {
    id: ProviderId,
    models: Arc<[ModelSpec]>,
    accepts_unknown: bool,
    is_vendor: bool,
    plan: Mutex<Plan>,
    stats: Arc<watch::Sender<Stats>>,
}

struct Plan {
    queue: VecDeque<Script>,
    choose: Option<Choose>,
    default: Script,
    requests: Vec<Request>,
}

// === impl ScriptedProvider: setting it up ===

impl ScriptedProvider {
    /// A vendor's own endpoint with one model of this name, which answers `ok` to everything.
    #[must_use]
    pub fn new(id: &str, model: &str) -> Self {
        let spec = ModelSpec::unknown(id.into(), model.into(), None);
        Self::with_models(id, vec![spec])
    }

    /// The same with these models; they should name this provider.
    #[must_use]
    pub fn with_models(id: &str, models: Vec<ModelSpec>) -> Self {
        let plan =
            Plan { queue: VecDeque::new(), choose: None, default: Script::text("ok"), requests: Vec::new() };
        Self {
            id: id.into(),
            models: models.into(),
            accepts_unknown: false,
            is_vendor: true,
            plan: Mutex::new(plan),
            stats: Arc::new(watch::Sender::new(Stats::default())),
        }
    }

    /// Behaves as a custom endpoint: passes unknown models through and is no vendor's own.
    #[must_use]
    pub fn custom(mut self) -> Self {
        self.accepts_unknown = true;
        self.is_vendor = false;
        self
    }

    /// Appends an answer; each call takes the next one.
    pub fn then(&self, script: Script) {
        self.plan().queue.push_back(script);
    }

    /// Answers by the request when the queue is empty; `None` leaves it to the default answer.
    pub fn answer_with(&self, choose: impl Fn(&Request) -> Option<Script> + Send + Sync + 'static) {
        self.plan().choose = Some(Box::new(choose));
    }

    /// Replaces the answer to calls that no one scripted.
    pub fn default_answer(&self, script: Script) {
        self.plan().default = script;
    }
}

// === impl ScriptedProvider: what it saw ===

impl ScriptedProvider {
    /// Every request so far, oldest first.
    #[must_use]
    pub fn requests(&self) -> Vec<Request> {
        self.plan().requests.clone()
    }

    /// The counts so far.
    #[must_use]
    pub fn stats(&self) -> Stats {
        *self.stats.borrow()
    }

    /// Waits until the counts are as wanted. Has no limit of its own.
    pub async fn wait_for(&self, wanted: impl FnMut(&Stats) -> bool) {
        // The sender lives as long as `self`, so the wait can only end with the wanted counts.
        drop(self.stats.subscribe().wait_for(wanted).await);
    }

    fn plan(&self) -> MutexGuard<'_, Plan> {
        self.plan.lock()
    }

    fn take(&self, request: &Request) -> Script {
        let mut plan = self.plan();
        plan.requests.push(request.clone());
        if let Some(script) = plan.queue.pop_front() {
            return script;
        }
        plan.choose.as_ref().and_then(|choose| choose(request)).unwrap_or_else(|| plan.default.clone())
    }
}

#[async_trait]
impl Provider for ScriptedProvider {
    fn id(&self) -> &ProviderId {
        &self.id
    }

    fn identity(&self) -> EndpointIdentity {
        // There is no address and no key: every one of a name is the same.
        EndpointIdentity([0; 32])
    }

    fn models(&self) -> Arc<[ModelSpec]> {
        Arc::clone(&self.models)
    }

    fn accepts_unknown_models(&self) -> bool {
        self.accepts_unknown
    }

    fn is_vendor_endpoint(&self) -> bool {
        self.is_vendor
    }

    /// That of the vendor whose name it has.
    fn rank(&self) -> Option<u8> {
        VendorKind::from_name(self.id.as_str())?.rank()
    }

    fn model(&self, name: &str) -> Option<ModelSpec> {
        let known = self.models.iter().find(|model| model.is_called(name)).cloned();
        known.or_else(|| self.accepts_unknown.then(|| ModelSpec::unknown(self.id.clone(), name.into(), None)))
    }

    async fn chat(&self, request: &Request, call: &CallCtx) -> Result<ReplyStream, ProviderError> {
        let script = self.take(request);
        let flight = Flight::new(Arc::clone(&self.stats));
        let reply = script::play(script, self.id.clone(), call, flight);
        let empty = || Err(ProviderError::new(self.id.clone(), Kind::Protocol, "the script is empty"));
        start::begun(reply).await.unwrap_or_else(empty)
    }

    async fn live_models(&self, _: &CallCtx) -> Result<Vec<ModelId>, ProviderError> {
        Ok(self.models.iter().map(|model| model.id.clone()).collect())
    }
}

/// A call in flight; one that is dropped before its end was given up.
struct Flight {
    stats: Arc<watch::Sender<Stats>>,
    is_over: bool,
}

impl Flight {
    fn new(stats: Arc<watch::Sender<Stats>>) -> Self {
        stats.send_modify(|stats| {
            stats.calls += 1;
            stats.in_flight += 1;
            stats.most_in_flight = stats.most_in_flight.max(stats.in_flight);
        });
        Self { stats, is_over: false }
    }

    fn over(&mut self) {
        self.is_over = true;
    }
}

impl Drop for Flight {
    fn drop(&mut self) {
        self.stats.send_modify(|stats| {
            stats.in_flight = stats.in_flight.saturating_sub(1);
            stats.given_up += usize::from(!self.is_over);
        });
    }
}

#[cfg(test)]
mod tests;
