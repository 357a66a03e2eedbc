//! Which model answers.
//!
//! A name is looked for in this order: `provider/model`; a provider that lists it; the vendor whose catalogue has it; the only
//! endpoint that passes names through. Without a name: the configured default, else the first configured vendor's model that is
//! marked for the purpose, and the others' behind it in case that it cannot be had.

mod allowed;
mod candidates;
mod capabilities;
mod choose;
mod explain;
mod live_lists;
mod makers;
mod models;
mod preferences;
mod provenance;
mod requirements;
mod rules;
mod selector;

use std::sync::Arc;

use arc_swap::ArcSwap;
use exai_core::{
    model::{ModelSpec, Status},
    provider::Provider,
};

pub(crate) use self::live_lists::Background;
pub(crate) use self::selector::{SELECTOR_LIMIT, SELECTOR_TOOL, SelectorQuestion};
pub use self::{
    allowed::Allowed,
    candidates::Strategy,
    explain::{Candidate, Route, RouteQuery},
    live_lists::is_unvouched,
    makers::{Maker, Makers},
    models::Models,
    preferences::{Preferences, ToolPreferences},
    provenance::{Provenance, ends},
    requirements::{Facts, Needs},
    rules::Rule,
    selector::Picking,
};
use self::{candidates::RoundRobin, live_lists::LiveLists, selector::SelectorCache};
use crate::health::Health;

/// The name that asks for the inspection without a model.
pub const OFFLINE: &str = "offline";
/// The name that leaves the choice to the server.
pub const AUTO: &str = "auto";

/// A model and who serves it.
#[derive(Clone)]
pub struct Choice {
    /// Who serves it.
    pub provider: Arc<dyn Provider>,
    /// What is known of it.
    pub model: ModelSpec,
    /// What the caller asked for, `auto` when nothing.
    pub requested: String,
    /// Why the model is not the one that was asked for, or would have come first.
    pub fallback_reason: Option<&'static str>,
    /// The user's rule or the selector that chose it.
    pub routed_by: Option<Arc<str>>,
    /// Who is asked instead when this one cannot be had, the next one first. Empty when the caller or the user has named the model.
    pub others: Vec<Choice>,
}

/// Who answers a call.
pub enum Chosen {
    /// A model.
    Model(Box<Choice>),
    /// No model: either none is configured or `offline` was asked for.
    Offline {
        /// Whether a model could have been asked.
        by_request: bool,
    },
}

/// Chooses the model of a call. The one room that knows the user's preferences, the models' health and the endpoints' own lists.
pub struct Router {
    models: Models,
    preferences: ArcSwap<Preferences>,
    health: Health,
    round_robin: RoundRobin,
    selector: SelectorCache,
    lists: LiveLists,
}

impl Router {
    /// A router over `models`.
    pub(crate) fn new(
        models: Models,
        preferences: Preferences,
        health: Health,
        background: Background,
    ) -> Self {
        Self {
            lists: LiveLists::new(models.clone(), background),
            models,
            preferences: ArcSwap::from_pointee(preferences),
            health,
            round_robin: RoundRobin::default(),
            selector: SelectorCache::default(),
        }
    }

    /// The configured models.
    #[must_use]
    pub fn models(&self) -> &Models {
        &self.models
    }

    /// The preferences in force now.
    #[must_use]
    pub fn preferences(&self) -> Arc<Preferences> {
        self.preferences.load_full()
    }

    /// Puts other preferences in force for the calls that begin from now on.
    pub fn prefer(&self, preferences: Preferences) {
        self.preferences.store(Arc::new(preferences));
    }

    /// Reads the endpoints' lists of models again where they are old or were never read. Returns at once; who asks next sees them.
    pub fn refresh_lists(&self) {
        self.lists.refresh();
    }
}

/// Whether a name leaves the choice to the server.
#[must_use]
pub fn is_auto(name: &str) -> bool {
    name.trim().is_empty() || name.trim().eq_ignore_ascii_case(AUTO)
}

fn choice(provider: &Arc<dyn Provider>, model: ModelSpec) -> Choice {
    Choice {
        provider: Arc::clone(provider),
        model,
        requested: AUTO.to_owned(),
        fallback_reason: None,
        routed_by: None,
        others: Vec::new(),
    }
}

/// Replaces a retired model by its successor, at the vendor's own endpoint only: elsewhere the name may still be served.
fn succeed(choice: Choice) -> Choice {
    if choice.model.status != Status::Retired || !choice.provider.is_vendor_endpoint() {
        return choice;
    }
    let successor = choice.model.successor.as_ref().and_then(|id| choice.provider.model(id.as_str()));
    match successor {
        Some(model) if model.status != Status::Retired => {
            Choice { model, fallback_reason: Some("retired"), ..choice }
        }
        _ => choice,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn auto_is_recognised_in_any_case() {
        assert!(is_auto(" Auto ") && is_auto("") && !is_auto("gpt-6-luna"));
    }
}
