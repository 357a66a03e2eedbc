//! Which model answers.
//!
//! A name is looked for in this order: `provider/model`; a provider that lists it; the vendor whose catalogue has it; the only
//! endpoint that passes names through. Without a name: the configured default, else the first configured vendor's model that is
//! marked for the purpose, and the others' behind it in case that it cannot be had.

mod allowed;
mod candidates;
mod capable;
mod explain;
mod rules;
mod selector;
mod task;
mod told;

use std::sync::Arc;

use exai_core::{
    model::{Mark, ModelOrigin, ModelSpec, Status},
    provider::Provider,
};

pub use allowed::Allowed;
pub use candidates::Strategy;
pub(crate) use candidates::Turns;
pub(crate) use capable::may_see;
pub use explain::{Candidate, PreviewOutcome, Route, RouteQuery};
pub use rules::Rule;
pub(crate) use selector::Verdicts;
pub(crate) use task::bytes_of;
pub use task::{Facts, Needs};
pub use told::{Told, ends};

use crate::error::EngineError;

/// The name that asks for the inspection without a model.
pub const OFFLINE: &str = "offline";
/// The name that leaves the choice to the server.
pub const AUTO: &str = "auto";

/// How many near names an error offers.
const NEAREST: usize = 5;

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

/// Where an answer comes from.
pub enum Source {
    /// A model.
    Model(Box<Choice>),
    /// No model: either none is configured or `offline` was asked for.
    Offline {
        /// Whether a model could have been asked.
        by_request: bool,
    },
}

/// The configured providers.
#[derive(Clone)]
pub struct Models {
    providers: Arc<[Arc<dyn Provider>]>,
}

impl Models {
    /// The providers in the order of configuration.
    #[must_use]
    pub fn new(providers: Vec<Arc<dyn Provider>>) -> Self {
        Self { providers: providers.into() }
    }

    /// The configured providers.
    #[must_use]
    pub fn providers(&self) -> &[Arc<dyn Provider>] {
        &self.providers
    }

    /// Whether somebody is known to have what a name means.
    pub(crate) fn knows(&self, name: &str) -> bool {
        is_auto(name) || name.eq_ignore_ascii_case(OFFLINE) || self.vouched(name).is_some()
    }

    /// Chooses for a purpose: the model that is `requested`, else the `preferred` one, else the one that is marked for the purpose.
    ///
    /// # Errors
    /// [`EngineError::UnknownModel`] with near names.
    pub fn choose(
        &self,
        requested: Option<&str>,
        preferred: Option<&str>,
        purpose: Mark,
        allowed: &Allowed,
    ) -> Result<Source, EngineError> {
        let requested = requested.map(str::trim).filter(|name| !name.is_empty());
        if requested.is_some_and(|name| name.eq_ignore_ascii_case(OFFLINE)) {
            return Ok(Source::Offline { by_request: true });
        }
        if self.providers.is_empty() {
            return Ok(Source::Offline { by_request: false });
        }
        let named = requested.filter(|name| !is_auto(name));
        let found = match named.or(preferred) {
            Some(name) => self.named(name)?,
            None => self.of_each(purpose, allowed).ok_or_else(|| self.nothing_to_choose())?,
        };
        let found = succeed(found);
        if let Err(why) = allowed.check(&found.model) {
            return Err(EngineError::ModelNotAllowed { model: found.model.qualified(), why });
        }
        Ok(Source::Model(Box::new(Choice { requested: named.unwrap_or(AUTO).to_owned(), ..found })))
    }

    fn named(&self, name: &str) -> Result<Choice, EngineError> {
        self.vouched(name)
            .or_else(|| self.unlisted(name))
            .ok_or_else(|| EngineError::UnknownModel { requested: name.to_owned(), hint: self.near(name) })
    }

    fn vouched(&self, name: &str) -> Option<Choice> {
        self.qualified(name).or_else(|| self.listed(name)).or_else(|| self.passed_through(name))
    }

    fn qualified(&self, name: &str) -> Option<Choice> {
        let (provider, model) = name.split_once('/')?;
        let provider =
            self.providers.iter().find(|candidate| candidate.id().as_str().eq_ignore_ascii_case(provider))?;
        let model = provider.model(model)?;
        // What its vendor may not have is looked for before it is passed through.
        let is_vouched = model.origin != ModelOrigin::PassedThrough || provider.accepts_unknown_models();
        is_vouched.then(|| choice(provider, model))
    }

    /// `provider/model` of a vendor that does not say which models it has.
    fn unlisted(&self, name: &str) -> Option<Choice> {
        let (provider, model) = name.split_once('/')?;
        let named = |candidate: &&Arc<dyn Provider>| candidate.id().as_str().eq_ignore_ascii_case(provider);
        let provider = self.providers.iter().find(named)?;
        Some(choice(provider, provider.model(model)?))
    }

    fn listed(&self, name: &str) -> Option<Choice> {
        self.providers.iter().find_map(|provider| {
            let models = provider.models();
            models.iter().find(|model| model.is_called(name)).map(|model| choice(provider, model.clone()))
        })
    }

    fn passed_through(&self, name: &str) -> Option<Choice> {
        let mut open = self.providers.iter().filter(|provider| provider.accepts_unknown_models());
        match (open.next(), open.next()) {
            (Some(only), None) => Some(choice(only, only.model(name)?)),
            _ => None,
        }
    }

    fn nothing_to_choose(&self) -> EngineError {
        EngineError::UnknownModel {
            requested: AUTO.to_owned(),
            hint: "The configured endpoints name no model that models.allow and models.deny let through: pass `model`, or set \
                   `default_model` in the configuration (EXAI_DEFAULT_MODEL)."
                .to_owned(),
        }
    }

    fn near(&self, name: &str) -> String {
        let wanted = name.rsplit('/').next().unwrap_or(name).to_ascii_lowercase();
        let mut known: Vec<(usize, String)> = self
            .providers
            .iter()
            .flat_map(|provider| provider.models().iter().cloned().collect::<Vec<_>>())
            .filter(|model| model.status != Status::Retired)
            .map(|model| (edit_distance(&wanted, &model.id.as_str().to_ascii_lowercase()), model.qualified()))
            .collect();
        known.sort();
        let names: Vec<_> = known.into_iter().take(NEAREST).map(|(_, name)| name).collect();
        if names.is_empty() {
            return "The configured endpoints list no models; write `provider/model`, or run `exai-mcp models`.".to_owned();
        }
        format!("Nearest: {}. `listmodels` shows all of them.", names.join(", "))
    }
}

/// Whether a name leaves the choice to the server.
pub(crate) fn is_auto(name: &str) -> bool {
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

/// Levenshtein distance over characters; names are short, so one row is enough.
#[must_use]
pub fn edit_distance(left: &str, right: &str) -> usize {
    let right: Vec<char> = right.chars().collect();
    let mut row: Vec<usize> = (0..=right.len()).collect();
    for (index, from) in left.chars().enumerate() {
        let mut diagonal = index;
        let mut before = index + 1;
        for (cell, to) in row.iter_mut().skip(1).zip(&right) {
            let cost = diagonal + usize::from(from != *to);
            diagonal = *cell;
            before = cost.min(before + 1).min(*cell + 1);
            *cell = before;
        }
        if let Some(first) = row.first_mut() {
            *first = index + 1;
        }
    }
    row.last().copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distance_counts_edits() {
        assert_eq!(edit_distance("kitten", "sitting"), 3);
        assert_eq!(edit_distance("", "abc"), 3);
        assert_eq!(edit_distance("same", "same"), 0);
    }

    #[test]
    fn auto_is_recognised_in_any_case() {
        assert!(is_auto(" Auto ") && is_auto("") && !is_auto("gpt-6-luna"));
    }
}
