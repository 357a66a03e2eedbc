//! Who may answer a call that names no model, and in which order they are asked.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use exai_core::{
    Kind,
    model::{Mark, ModelSpec, Status},
    provider::Provider,
    thread::{Thread, TurnBody},
};

use super::{Allowed, Choice, Models, Needs, Router, choice, is_unvouched, succeed};
use crate::health::Health;

/// How those that may answer are put in order.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Strategy {
    /// As the vendors are listed in the documentation.
    #[default]
    Listed,
    /// The most capable model first.
    Quality,
    /// The one that has answered fastest, and failed least.
    Performance,
    /// The provider with the fewest calls under way.
    Load,
    /// In turns.
    RoundRobin,
    /// The cheapest first.
    Cost,
}

impl Strategy {
    /// Every strategy with its word.
    pub const WORDS: [(&'static str, Self); 6] = [
        ("listed", Self::Listed),
        ("quality", Self::Quality),
        ("performance", Self::Performance),
        ("load", Self::Load),
        ("round_robin", Self::RoundRobin),
        ("cost", Self::Cost),
    ];
}

impl Models {
    /// Each configured vendor's model for the purpose, one behind the other, then the first model of each endpoint of the user's own.
    #[must_use]
    pub fn of_each(&self, purpose: Mark, allowed: &Allowed) -> Option<Choice> {
        let mut vendors: Vec<_> =
            self.providers().iter().filter_map(|provider| Some((provider.rank()?, provider))).collect();
        vendors.sort_by_key(|(rank, _)| *rank);
        let marked = vendors.into_iter().filter_map(|(_, provider)| {
            let models = provider.models();
            let marked = |model: &&ModelSpec| model.marks.contains(&purpose) && allowed.check(model).is_ok();
            let model = models.iter().find(marked)?;
            Some(choice(provider, model.clone()))
        });
        // An endpoint of the user's own has no marks: its first configured model is the one meant.
        let is_own =
            |provider: &&Arc<dyn Provider>| !provider.is_vendor_endpoint() && provider.rank().is_none();
        let own = self.providers().iter().filter(is_own);
        let own = own.filter_map(|provider| {
            let model = provider
                .models()
                .first()
                .filter(|model| model.marks.is_empty() && !is_unvouched(model))?
                .clone();
            Some(choice(provider, model))
        });
        let may =
            |found: &Choice| found.model.status != Status::Retired && allowed.check(&found.model).is_ok();
        let mut all: Vec<Choice> = marked.chain(own).map(succeed).filter(may).collect();
        all.sort_by_key(|one| one.provider.is_last_resort());
        let mut all = all.into_iter();
        let first = all.next()?;
        Some(Choice { others: all.collect(), ..first })
    }
}

impl Models {
    /// The first model that each endpoint of the user's own lists itself, in the order of configuration. Only for those that name none:
    /// what merely stands in a list comes behind what a user has named.
    pub(super) fn of_lists(&self, allowed: &Allowed) -> Option<Choice> {
        let open = self.providers().iter().filter(|provider| provider.accepts_unknown_models());
        let mut all = open.filter_map(|provider| {
            let models = provider.models();
            let answers =
                |model: &&ModelSpec| is_unvouched(model) && talks(model) && allowed.check(model).is_ok();
            let model = models.iter().find(answers)?;
            Some(choice(provider, model.clone()))
        });
        let first = all.next()?;
        Some(Choice { others: all.collect(), ..first })
    }
}

/// Whether a model answers in words, as far as its name tells. Lists also have those that only turn text into numbers.
fn talks(model: &ModelSpec) -> bool {
    let name = model.id.as_str().to_ascii_lowercase();
    !["embed", "rerank"].iter().any(|word| name.contains(word))
}

/// Turns for [`Strategy::RoundRobin`].
#[derive(Debug, Default)]
pub(crate) struct RoundRobin(AtomicUsize);

impl Router {
    /// Puts those that may answer in order: by the user's strategy, and who cannot be had now behind the rest.
    pub(crate) fn in_order(&self, mut chosen: Choice, strategy: Strategy, needs: &Needs) -> Choice {
        if chosen.others.is_empty() {
            return chosen;
        }
        let preferences = self.preferences();
        let mut all = std::mem::take(&mut chosen.others);
        all.insert(0, chosen);
        let health = &self.health;
        sort(&mut all, strategy, health, &self.round_robin);
        all.sort_by_key(|one| one.provider.is_last_resort());
        let objection = |one: &Choice| health.objection(one.provider.id(), &one.model.id);
        let before = all.first().map(|first| first.model.qualified());
        let lacking = |one: &Choice| {
            let searches = !needs.web_search || one.provider.searches_web(&one.model);
            (!needs.fits(&one.model), !searches)
        };
        let reason = all.first().and_then(|first| {
            let wanting =
                || lacking(first).0.then_some("window").or_else(|| lacking(first).1.then_some("web_search"));
            objection(first).map(Kind::code).or_else(wanting)
        });
        let is_possible = all.iter().any(|one| objection(one).is_none());
        // Stable: among those who are alike in this, the order stays.
        all.sort_by_key(|one| (objection(one).is_some(), one.provider.is_last_resort(), lacking(one)));
        let mut first = all.remove(0);
        if is_possible && before != Some(first.model.qualified()) {
            first.fallback_reason = first.fallback_reason.or(reason);
        }
        first.others = if preferences.falls_back { all } else { Vec::new() };
        first
    }

    /// Keeps a conversation with the model that has answered in it last, when that one may answer and can be had; else the choice as
    /// it was. Says whether it was kept.
    pub(super) fn stay(&self, chosen: Choice, thread: Option<&Thread>) -> (Choice, bool) {
        let last = thread.and_then(|thread| {
            thread.turns.iter().rev().find_map(|turn| match &turn.body {
                TurnBody::Answer(answer) => answer.model.as_ref(),
                _ => None,
            })
        });
        let is_last = |one: &Choice| {
            last.is_some_and(|last| last.provider == *one.provider.id() && last.model == one.model.id)
        };
        if is_last(&chosen) {
            return (chosen, true);
        }
        let health = &self.health;
        let place = chosen
            .others
            .iter()
            .position(|one| is_last(one) && health.objection(one.provider.id(), &one.model.id).is_none());
        let Some(place) = place else { return (chosen, false) };
        let mut before = chosen;
        let mut others = std::mem::take(&mut before.others);
        let stayed = others.remove(place);
        before.fallback_reason = None;
        others.insert(0, before);
        (Choice { others, ..stayed }, true)
    }
}

fn sort(all: &mut [Choice], strategy: Strategy, health: &Health, round_robin: &RoundRobin) {
    match strategy {
        Strategy::Listed => {}
        Strategy::Quality => all.sort_by_key(|one| u8::MAX - one.model.intelligence),
        Strategy::Cost => all.sort_by(|one, other| price(&one.model).total_cmp(&price(&other.model))),
        Strategy::Load => all.sort_by_key(|one| health.under_way(one.provider.id())),
        Strategy::Performance => all.sort_by(|one, other| {
            let cost = |one: &Choice| {
                let (latency, error_rate) = health.averages(one.provider.id(), &one.model.id);
                // Who was never asked is tried first; a failure costs about as much as ten answers.
                latency.map_or(0.0, |latency| latency * (1.0 + 10.0 * error_rate))
            };
            cost(one).total_cmp(&cost(other))
        }),
        Strategy::RoundRobin => {
            let turn = round_robin.0.fetch_add(1, Ordering::Relaxed);
            all.rotate_left(turn % all.len().max(1));
        }
    }
}

/// What a usual consultation costs: eight tokens in for each one out. Unknown is dearest.
fn price(model: &ModelSpec) -> f64 {
    match (model.price.input, model.price.output) {
        (Some(input), Some(output)) => input.mul_add(8.0, output),
        _ => f64::INFINITY,
    }
}
