//! What consultations may cost. An estimate is made before, what it really cost is counted after; beyond a limit nobody is asked.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use exai_core::{
    Clock, Principal, ThreadId, Timestamp,
    chat::{Request, Usage},
    model::{ModelSpec, Status},
    store::{Store, StoreError},
};

use crate::{
    error::EngineError,
    inference::{
        attempt::estimated,
        routing::{Choice, Models},
    },
};

/// Tokens of an answer before it is there, where nobody has set a cap.
const USUAL_ANSWER: u32 = 4_096;
/// More runs than a day has are not summed up.
const MOST_RUNS: u32 = 100_000;
/// A day in milliseconds.
const DAY_MS: i64 = 24 * 60 * 60 * 1_000;

/// The most that consultations may cost, in US dollars. `None` sets no limit.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct BudgetSettings {
    /// One consultation.
    pub call: Option<f64>,
    /// All of an owner's on one day, UTC.
    pub day: Option<f64>,
    /// All of one thread.
    pub thread: Option<f64>,
}

/// Keeps to the limits; shared by all clones.
#[derive(Debug, Clone, Default)]
pub(crate) struct Budget {
    settings: BudgetSettings,
    reserved: Arc<Mutex<Reserved>>,
}

#[derive(Debug, Default)]
struct Reserved {
    owners: BTreeMap<String, f64>,
    threads: BTreeMap<ThreadId, f64>,
}

/// Money that a consultation under way may cost; free again on drop.
#[derive(Debug)]
pub(crate) struct Reservation {
    budget: Budget,
    owner: String,
    thread: ThreadId,
    usd: f64,
}

impl Budget {
    pub(crate) fn new(settings: BudgetSettings) -> Self {
        Self { settings, reserved: Arc::default() }
    }

    /// Sets aside what a consultation may cost. A model whose price is not known costs nothing here.
    pub(crate) async fn reserve(
        &self,
        (store, clock): (&dyn Store, &dyn Clock),
        (who, thread): (&Principal, ThreadId),
        (choice, request): (&Choice, &Request),
        models: &Models,
    ) -> Result<Option<Reservation>, EngineError> {
        if self.settings == BudgetSettings::default() {
            return Ok(None);
        }
        let Some(usd) = estimate(&choice.model, request) else { return Ok(None) };
        let owner = format!("{}/{}", who.tenant, who.owner);
        let refused = |which: &'static str, limit: f64, spent: f64| EngineError::Budget {
            which,
            limit,
            spent,
            needed: usd,
            offer: cheaper(models, request, usd, limit - spent),
        };
        if let Some(limit) = self.settings.call.filter(|limit| usd > *limit) {
            return Err(refused("call", limit, 0.0));
        }
        if let Some(limit) = self.settings.day {
            let spent = spent_today(store, clock, who).await?;
            let spent = spent + self.lock().owners.get(&owner).copied().unwrap_or_default();
            if spent + usd > limit {
                return Err(refused("day", limit, spent));
            }
        }
        if let Some(limit) = self.settings.thread {
            let runs = store.runs(who, thread).await?;
            let spent: f64 = runs.iter().filter_map(|run| run.outcome.as_ref()?.cost_usd).sum();
            let spent = spent + self.lock().threads.get(&thread).copied().unwrap_or_default();
            if spent + usd > limit {
                return Err(refused("thread", limit, spent));
            }
        }
        let mut reserved = self.lock();
        *reserved.owners.entry(owner.clone()).or_default() += usd;
        *reserved.threads.entry(thread).or_default() += usd;
        drop(reserved);
        Ok(Some(Reservation { budget: self.clone(), owner, thread, usd }))
    }

    fn lock(&self) -> MutexGuard<'_, Reserved> {
        self.reserved.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        let mut reserved = self.budget.lock();
        if let Some(usd) = reserved.owners.get_mut(&self.owner) {
            *usd = (*usd - self.usd).max(0.0);
        }
        if let Some(usd) = reserved.threads.get_mut(&self.thread) {
            *usd -= self.usd;
            if *usd <= 1e-9 {
                reserved.threads.remove(&self.thread);
            }
        }
    }
}

/// What the owner's consultations have cost since midnight, UTC.
pub(crate) async fn spent_today(
    store: &dyn Store,
    clock: &dyn Clock,
    who: &Principal,
) -> Result<f64, StoreError> {
    let now = clock.now();
    let midnight = Timestamp(now.0 - now.0.rem_euclid(DAY_MS));
    let records = store.usage(who, midnight, now.plus_millis(1_000), MOST_RUNS).await?;
    Ok(records.iter().filter_map(|record| record.cost_usd).sum())
}

/// What a request is likely to cost with a model; `None` when its price is not known.
pub(crate) fn estimate(model: &ModelSpec, request: &Request) -> Option<f64> {
    let answer = request.max_output_tokens.unwrap_or(USUAL_ANSWER).min(model.max_output.unwrap_or(u32::MAX));
    let usage = Usage { output_tokens: u64::from(answer), ..estimated(request, 0) };
    model.price.cost(&usage)
}

/// The most capable model that would fit, for the caller to choose.
fn cheaper(models: &Models, request: &Request, usd: f64, left: f64) -> String {
    let all = models.providers().iter().flat_map(|provider| provider.models().to_vec());
    let fitting = all
        .filter(|model| model.status == Status::Active)
        .filter_map(|model| estimate(&model, request).map(|cost| (model, cost)))
        .filter(|(_, cost)| *cost < usd && *cost <= left);
    fitting.max_by_key(|(model, _)| model.intelligence).map_or_else(
        || "No configured model fits".to_owned(),
        |(model, cost)| format!("{} would cost about ${cost:.4}", model.qualified()),
    )
}
