//! What runs may cost. An estimate is made before, what a run really cost is counted after; beyond a limit no model is asked.

use std::{collections::BTreeMap, sync::Arc};

use exai_core::{
    Clock, Identity, ThreadId, Timestamp,
    chat::Request,
    model::Status,
    store::{Store, StoreError},
};
use parking_lot::Mutex;

use crate::{
    cost::{estimate, estimate_uncapped},
    error::InferenceError,
    routing::{Choice, Models},
};

/// More runs than a day has are not summed up.
const MOST_RUNS: u32 = 100_000;
/// A day in milliseconds.
const DAY_MS: i64 = 24 * 60 * 60 * 1_000;

/// The most that runs may cost, in US dollars. `None` sets no limit.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct BudgetSettings {
    /// One run.
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
    owners: BTreeMap<Identity, f64>,
    threads: BTreeMap<ThreadId, f64>,
}

/// What other runs under way had set aside before this one.
#[derive(Debug, Clone, Copy)]
struct Before {
    owner: f64,
    thread: f64,
}

/// Where it is read what was spent.
#[derive(Clone, Copy)]
pub(crate) struct Ledger<'a> {
    pub store: &'a dyn Store,
    pub clock: &'a dyn Clock,
}

/// What is about to be spent, and by whom.
#[derive(Clone, Copy)]
pub(crate) struct Bill<'a> {
    pub who: &'a Identity,
    pub thread: Option<ThreadId>,
    pub choice: &'a Choice,
    pub request: &'a Request,
    /// What the same call has cost already, in US dollars, and is not stored yet.
    pub so_far: f64,
}

/// Money that a run under way may cost; free again on drop.
#[derive(Debug)]
pub struct Reservation {
    budget: Budget,
    owner: Identity,
    thread: Option<ThreadId>,
    usd: f64,
}

impl Budget {
    pub(crate) fn new(settings: BudgetSettings) -> Self {
        Self { settings, reserved: Arc::default() }
    }

    /// Sets aside what a run may cost. A model whose price is not known costs nothing here.
    pub(crate) async fn reserve(
        &self,
        ledger: Ledger<'_>,
        bill: Bill<'_>,
        models: &Models,
    ) -> Result<Option<Reservation>, InferenceError> {
        if self.settings == BudgetSettings::default() {
            return Ok(None);
        }
        let Ledger { store, clock } = ledger;
        let Bill { who, thread, choice, request, so_far } = bill;
        let is_capped = choice.provider.takes_output_cap(&choice.model);
        let estimate = if is_capped { estimate } else { estimate_uncapped };
        let Some(usd) = estimate(&choice.model, request) else { return Ok(None) };
        let refused = |which: &'static str, limit: f64, spent: f64| InferenceError::Budget {
            which,
            limit,
            spent,
            needed: usd,
            offer: cheaper(models, request, usd, limit - spent),
        };
        if let Some(limit) = self.settings.call.filter(|limit| so_far + usd > *limit) {
            return Err(refused("call", limit, so_far));
        }
        // First, so that of two calls at once the second one counts the first, whichever reads the database sooner.
        let (reservation, before) = self.set_aside(who, thread, usd);
        if let Some(limit) = self.settings.day {
            let spent = spent_today(store, clock, who).await? + before.owner;
            if spent + usd > limit {
                return Err(refused("day", limit, spent));
            }
        }
        if let (Some(limit), Some(thread)) = (self.settings.thread, thread) {
            let runs = store.runs(who, thread).await?;
            let spent: f64 = runs.iter().filter_map(|run| run.outcome.as_ref()?.cost_usd).sum();
            let spent = spent + before.thread;
            if spent + usd > limit {
                return Err(refused("thread", limit, spent));
            }
        }
        Ok(Some(reservation))
    }

    fn set_aside(&self, who: &Identity, thread: Option<ThreadId>, usd: f64) -> (Reservation, Before) {
        fn add(sum: &mut f64, usd: f64) -> f64 {
            let before = *sum;
            *sum += usd;
            before
        }
        let mut reserved = self.reserved.lock();
        let before = Before {
            owner: add(reserved.owners.entry(who.clone()).or_default(), usd),
            thread: thread.map_or(0.0, |thread| add(reserved.threads.entry(thread).or_default(), usd)),
        };
        (Reservation { budget: self.clone(), owner: who.clone(), thread, usd }, before)
    }
}

impl Reservation {
    /// Both as one; of the same owner and thread.
    pub(crate) fn with(mut self, mut more: Self) -> Self {
        self.usd += std::mem::take(&mut more.usd);
        self
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        let mut reserved = self.budget.reserved.lock();
        if let Some(usd) = reserved.owners.get_mut(&self.owner) {
            *usd -= self.usd;
            if *usd <= 1e-9 {
                reserved.owners.remove(&self.owner);
            }
        }
        let Some(thread) = self.thread else { return };
        if let Some(usd) = reserved.threads.get_mut(&thread) {
            *usd -= self.usd;
            if *usd <= 1e-9 {
                reserved.threads.remove(&thread);
            }
        }
    }
}

/// What the owner's runs have cost since midnight, UTC.
pub(crate) async fn spent_today(
    store: &dyn Store,
    clock: &dyn Clock,
    who: &Identity,
) -> Result<f64, StoreError> {
    let now = clock.now();
    let midnight = Timestamp(now.0 - now.0.rem_euclid(DAY_MS));
    let records = store.usage(who, midnight, now.plus_millis(1_000), MOST_RUNS).await?;
    Ok(records.iter().filter_map(|record| record.cost_usd).sum())
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
