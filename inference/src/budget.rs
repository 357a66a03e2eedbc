//! What runs may cost. An estimate is held before, what a run really cost is counted after; beyond a limit no model is asked.

use std::{sync::Arc, time::Duration};

use exai_core::{
    Clock, HoldId, Identity, ThreadId, Timestamp,
    chat::Request,
    model::Status,
    store::{Hold, SpendingLimits, Store, StoreError, Write},
};

use crate::{
    cost::{estimate, estimate_uncapped},
    error::InferenceError,
    routing::{Choice, Models},
};

/// A day in milliseconds.
const DAY_MS: i64 = 24 * 60 * 60 * 1_000;
/// How long a call waits for the database to hold its money.
const WAIT: Duration = Duration::from_secs(10);
/// How much longer than a run its hold lasts: its record may have to wait for the database.
const GRACE: Duration = Duration::from_secs(600);

/// The most that runs may cost, in US dollars. `None` sets no limit.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct BudgetSettings {
    /// One run.
    pub call: Option<f64>,
    /// All of an owner's on one day, UTC.
    pub day: Option<f64>,
    /// All of one thread.
    pub thread: Option<f64>,
    /// All of all owners that share the database, on one day, UTC.
    pub server_day: Option<f64>,
}

impl BudgetSettings {
    fn limits(&self) -> SpendingLimits {
        SpendingLimits { day: self.day, thread: self.thread, server_day: self.server_day }
    }
}

/// Keeps to the limits. What is held is in the database, so that all processes that share it keep to them together.
pub(crate) struct Budget {
    settings: BudgetSettings,
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    /// The longest that a hold lasts.
    lifetime: Duration,
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

/// Money that a run under way may cost. Its record frees it; on drop it is freed at the next write.
pub(crate) struct Reservation {
    holds: Vec<Hold>,
    store: Arc<dyn Store>,
    who: Identity,
}

impl Budget {
    pub(crate) fn new(
        settings: BudgetSettings,
        store: Arc<dyn Store>,
        clock: Arc<dyn Clock>,
        call_limit: Duration,
    ) -> Self {
        Self { settings, store, clock, lifetime: call_limit + GRACE }
    }

    /// Holds what a run may cost. A model whose price is not known costs nothing here.
    pub(crate) async fn reserve(
        &self,
        bill: Bill<'_>,
        models: &Models,
    ) -> Result<Option<Reservation>, InferenceError> {
        if self.settings == BudgetSettings::default() {
            return Ok(None);
        }
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
        let limits = self.settings.limits();
        if !limits.any() {
            return Ok(None);
        }
        let now = self.clock.now();
        let lifetime = i64::try_from(self.lifetime.as_millis()).unwrap_or(i64::MAX);
        let (since, expires_at) = (midnight(now), now.plus_millis(lifetime));
        let hold = Hold { id: HoldId::new(), thread, usd, limits, since, expires_at };
        let mut commit = self.store.write(who, vec![Write::Hold(hold.clone())]);
        // From here on, so that a caller that leaves while it waits frees what it is given later.
        let reservation = Reservation { holds: vec![hold], store: Arc::clone(&self.store), who: who.clone() };
        match commit.within(WAIT).await {
            Ok(true) => Ok(Some(reservation)),
            Ok(false) => Err(InferenceError::Store(StoreError::Unavailable {
                reason: "it did not say in time what has been spent, and a budget is set".to_owned(),
                hint: "Try again in a moment, or take the budget out of the configuration.".to_owned(),
                source: None,
            })),
            Err(StoreError::OverBudget { which, limit, spent }) => {
                reservation.keep();
                Err(refused(which.as_str(), limit, spent))
            }
            Err(error) => Err(error.into()),
        }
    }

    /// What the owner's runs have cost since midnight, UTC.
    pub(crate) async fn spent_today(&self, who: &Identity) -> Result<f64, StoreError> {
        self.store.spent_since(who, midnight(self.clock.now())).await
    }
}

impl Reservation {
    /// What was held last.
    pub(crate) fn latest(&self) -> Option<&Hold> {
        self.holds.last()
    }

    /// Both as one; of the same owner.
    pub(crate) fn with(mut self, mut more: Self) -> Self {
        self.holds.append(&mut more.holds);
        self
    }

    /// What frees the money, to be stored together with what it was spent on.
    pub(crate) fn release(mut self) -> Vec<Write> {
        std::mem::take(&mut self.holds).into_iter().map(|hold| Write::Release(hold.id)).collect()
    }

    /// Frees nothing.
    fn keep(mut self) {
        self.holds.clear();
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        let freed: Vec<Write> = self.holds.iter().map(|hold| Write::Release(hold.id)).collect();
        if !freed.is_empty() {
            // Nobody waits for it, and it expires by itself if it cannot be written.
            drop(self.store.write(&self.who, freed));
        }
    }
}

/// Looks again whether held money is still there, just before a model is asked: others may have cost more than was held for them while
/// this run waited. What was held later does not count against it.
///
/// # Errors
/// [`InferenceError::Budget`], and failures of the database.
pub(crate) async fn check(store: &dyn Store, who: &Identity, hold: &Hold) -> Result<(), InferenceError> {
    let spent = store.spent_before(who, hold).await?;
    let Some((which, limit, spent)) = hold.limits.exceeded(spent, hold.usd) else { return Ok(()) };
    let offer = "Other calls have cost more than was expected of them".to_owned();
    Err(InferenceError::Budget { which: which.as_str(), limit, spent, needed: hold.usd, offer })
}

fn midnight(now: Timestamp) -> Timestamp {
    Timestamp(now.0 - now.0.rem_euclid(DAY_MS))
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
