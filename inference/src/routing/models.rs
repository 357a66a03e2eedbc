//! The configured providers, and what a name means among them.

use std::sync::Arc;

use exai_core::{
    model::{Mark, ModelOrigin, Status},
    provider::Provider,
};

use super::{
    AUTO, Allowed, Choice, Chosen, OFFLINE, choice, is_auto,
    makers::{Maker, Makers},
    succeed,
};
use crate::error::InferenceError;

/// How many near names an error offers.
const NEAREST: usize = 5;

/// The configured providers.
#[derive(Clone)]
pub struct Models {
    providers: Arc<[Arc<dyn Provider>]>,
    makers: Makers,
}

impl Models {
    /// The providers in the order of configuration.
    #[must_use]
    pub fn new(providers: Vec<Arc<dyn Provider>>) -> Self {
        Self { providers: providers.into(), makers: Makers::default() }
    }

    /// The same, where it is known of some names whose they are.
    #[must_use]
    pub fn with_makers(self, makers: Makers) -> Self {
        Self { makers, ..self }
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
    /// [`InferenceError::UnknownModel`] with near names.
    pub fn choose(
        &self,
        requested: Option<&str>,
        preferred: Option<&str>,
        purpose: Mark,
        allowed: &Allowed,
    ) -> Result<Chosen, InferenceError> {
        let requested = requested.map(str::trim).filter(|name| !name.is_empty());
        if requested.is_some_and(|name| name.eq_ignore_ascii_case(OFFLINE)) {
            return Ok(Chosen::Offline { by_request: true });
        }
        if self.providers.is_empty() {
            return Ok(Chosen::Offline { by_request: false });
        }
        let named = requested.filter(|name| !is_auto(name));
        let found = match named.or(preferred) {
            Some(name) => self.named(name)?,
            None => self.of_each(purpose, allowed).ok_or_else(|| self.nothing_to_choose(allowed))?,
        };
        let found = succeed(found);
        if let Err(why) = allowed.check(&found.model) {
            return Err(InferenceError::ModelNotAllowed { model: found.model.qualified(), why });
        }
        Ok(Chosen::Model(Box::new(Choice { requested: named.unwrap_or(AUTO).to_owned(), ..found })))
    }

    pub(super) fn named(&self, name: &str) -> Result<Choice, InferenceError> {
        self.vouched(name)
            .or_else(|| self.unlisted(name))
            .ok_or_else(|| InferenceError::UnknownModel { requested: name.to_owned(), hint: self.near(name) })
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

    /// A name that says whose it is goes to nobody else: the caller has chosen who reads the request.
    fn passed_through(&self, name: &str) -> Option<Choice> {
        if self.makers.of(name).is_some_and(|maker| maker.is_named) {
            return None;
        }
        let mut open = self.providers.iter().filter(|provider| provider.accepts_unknown_models());
        match (open.next(), open.next()) {
            (Some(only), None) => Some(choice(only, only.model(name)?)),
            _ => None,
        }
    }

    /// Why no model can be chosen although somebody is configured.
    pub(super) fn nothing_to_choose(&self, allowed: &Allowed) -> InferenceError {
        let kept_out = self.providers.iter().any(|provider| {
            provider
                .models()
                .iter()
                .any(|model| model.status != Status::Retired && allowed.check(model).is_err())
        });
        let why = if kept_out {
            "models.allow and models.deny let none of the known models through. Change them, or name a model that they let through"
        } else {
            "the configured endpoints name no model and list none themselves. Load a model there, pass `model`, or set `default_model` \
             in the configuration (EXAI_DEFAULT_MODEL)"
        };
        InferenceError::NothingToChoose { why: why.to_owned() }
    }

    fn near(&self, name: &str) -> String {
        if let Some(Maker { missing, is_named }) = self.makers.of(name) {
            let open = self.providers.iter().filter(|one| is_named && one.accepts_unknown_models());
            let taker =
                open.map(|one| format!("; or write {}/{name}, where that endpoint has it", one.id())).next();
            return format!("{missing}{}.", taker.unwrap_or_default());
        }
        let wanted = name.rsplit('/').next().unwrap_or(name).to_ascii_lowercase();
        let mut known: Vec<(usize, String)> = self
            .providers
            .iter()
            .flat_map(|provider| provider.models().iter().cloned().collect::<Vec<_>>())
            .filter(|model| model.status != Status::Retired)
            .map(|model| {
                (strsim::levenshtein(&wanted, &model.id.as_str().to_ascii_lowercase()), model.qualified())
            })
            .collect();
        known.sort();
        let names: Vec<_> = known.into_iter().take(NEAREST).map(|(_, name)| name).collect();
        if names.is_empty() {
            return "The configured endpoints list no models; write `provider/model`, or run `exai-mcp models`.".to_owned();
        }
        format!("Nearest: {}. `listmodels` shows all of them.", names.join(", "))
    }
}
