//! The models of one endpoint: those that the user configured, the catalogue's, those that it lists itself, and those that are passed
//! through by name.

use std::{
    sync::{Arc, OnceLock},
    time::Duration,
};

use arc_swap::ArcSwapOption;
use exai_core::{
    ModelId, ProviderId,
    model::{ModelOrigin, ModelSpec},
};
use tokio::time::Instant;

use crate::{
    catalogue,
    settings::ModelOverride,
    vendor::{Sampling, VendorKind},
};

/// The most models that are taken from an endpoint's own list.
const MAX_LISTED: usize = 5_000;

/// The endpoint's own list, behind what was known before.
struct Learnt {
    at: Instant,
    models: Arc<[ModelSpec]>,
}

pub(crate) struct Roster {
    provider: ProviderId,
    vendor: VendorKind,
    overrides: Vec<ModelOverride>,
    /// Filled at first use, because it needs the catalogue.
    known: OnceLock<Arc<[ModelSpec]>>,
    learnt: ArcSwapOption<Learnt>,
}

impl Roster {
    pub(crate) fn new(provider: ProviderId, vendor: VendorKind, overrides: Vec<ModelOverride>) -> Self {
        Self { provider, vendor, overrides, known: OnceLock::new(), learnt: ArcSwapOption::empty() }
    }

    /// Configured models first, then the catalogue's in its order, then those that only the endpoint lists. A custom endpoint has no
    /// catalogue.
    pub(crate) fn models(&self) -> Arc<[ModelSpec]> {
        let learnt = self.learnt.load();
        Arc::clone(learnt.as_ref().map_or_else(|| self.known(), |learnt| &learnt.models))
    }

    fn known(&self) -> &Arc<[ModelSpec]> {
        self.known.get_or_init(|| {
            let configured: Vec<ModelSpec> =
                self.overrides.iter().map(|model| self.configured(model)).collect();
            let known = catalogue::models_of(self.vendor)
                .filter(|known| !configured.iter().any(|model| model.id == known.id))
                .map(|known| ModelSpec { provider: self.provider.clone(), ..known.clone() })
                .collect::<Vec<_>>();
            configured.iter().cloned().chain(known).collect()
        })
    }

    /// Takes over what the endpoint lists itself.
    pub(crate) fn learn(&self, listed: &[ModelId]) {
        let known = self.known();
        let new = listed.iter().take(MAX_LISTED).filter(|id| !known.iter().any(|model| model.id == **id));
        let new =
            new.map(|id| ModelSpec { origin: ModelOrigin::Endpoint, ..self.passed_through(id.as_str()) });
        let models = known.iter().cloned().chain(new.collect::<Vec<_>>()).collect();
        self.learnt.store(Some(Arc::new(Learnt { at: Instant::now(), models })));
    }

    /// How long ago the endpoint's own list was taken over.
    pub(crate) fn list_age(&self) -> Option<Duration> {
        self.learnt.load().as_ref().map(|learnt| learnt.at.elapsed())
    }

    /// The model that `name` means here. Ids win over aliases, so that a user's alias cannot hide a model. A vendor's own endpoint
    /// passes a name through as long as it has not said itself which models it has.
    pub(crate) fn model(&self, name: &str) -> Option<ModelSpec> {
        let models = self.models();
        let found = models
            .iter()
            .find(|model| model.id.as_str() == name)
            .or_else(|| models.iter().find(|model| model.id.as_str().eq_ignore_ascii_case(name)))
            .or_else(|| models.iter().find(|model| model.is_called(name)));
        match found {
            Some(model) => Some(model.clone()),
            None if name.is_empty() => None,
            None if self.vendor.facts().is_open || self.list_age().is_none() => {
                Some(self.passed_through(name))
            }
            None => None,
        }
    }

    /// Which temperatures `model` takes. The rule travels with the model: a gateway hands a refusal through.
    pub(crate) fn sampling(&self, model: &ModelSpec) -> Sampling {
        let facts = self.vendor.facts();
        if !facts.is_open || facts.quirks.sampling != Sampling::Free {
            return facts.quirks.sampling;
        }
        let name = model.id.as_str();
        let base = name.rsplit_once('/').map_or(name, |(_, last)| last);
        catalogue::find(name)
            .or_else(|| catalogue::find(base))
            .and_then(|known| VendorKind::from_name(known.provider.as_str()))
            .map_or(Sampling::Free, |maker| match maker.facts().quirks.sampling {
                // The prefix is part of the maker's own id.
                Sampling::NotForPrefix(prefix) if base.starts_with(prefix) => Sampling::NotForPrefix(""),
                sampling => sampling,
            })
    }

    fn configured(&self, wanted: &ModelOverride) -> ModelSpec {
        let mut model = match self.vendor {
            vendor if vendor.facts().is_open => self.passed_through(&wanted.id),
            vendor => catalogue::models_of(vendor).find(|known| known.id.as_str() == wanted.id).map_or_else(
                || ModelSpec::unknown(self.provider.clone(), wanted.model_id(), None),
                |known| ModelSpec { provider: self.provider.clone(), ..known.clone() },
            ),
        };
        model.aliases.extend(wanted.aliases.iter().cloned());
        if let Some(window) = wanted.window {
            model.context_window = window;
            model.max_input = model.max_input.filter(|input| *input < window);
            model.window_known = true;
        }
        model.max_output = wanted.max_output.or(model.max_output);
        if let Some(capabilities) = &wanted.capabilities {
            model.capabilities.clone_from(capabilities);
        }
        model.price = wanted.price.unwrap_or(model.price);
        model.origin = ModelOrigin::Configuration;
        model
    }

    fn passed_through(&self, name: &str) -> ModelSpec {
        let known = if self.vendor.facts().is_open {
            catalogue::facts_for_custom(&self.provider, name)
        } else {
            None
        };
        known
            .map(|known| ModelSpec { origin: ModelOrigin::PassedThrough, ..known })
            .unwrap_or_else(|| ModelSpec::unknown(self.provider.clone(), name.into(), None))
    }
}

#[cfg(test)]
mod tests {
    use exai_core::model::Status;

    use super::*;

    fn roster(vendor: VendorKind, overrides: Vec<ModelOverride>) -> Roster {
        Roster::new(ProviderId::from("here"), vendor, overrides)
    }

    #[test]
    fn names_are_found_without_case() {
        let minimax = roster(VendorKind::MiniMax, Vec::new());
        for name in ["MiniMax-M2", "minimax-m2", "M2", "MINIMAX-M2-STABLE"] {
            let model = minimax.model(name).unwrap();
            assert_eq!((model.id.as_str(), model.provider.as_str()), ("MiniMax-M2", "here"), "{name}");
        }
        assert_eq!(minimax.model("gpt-6-luna").unwrap().origin, ModelOrigin::PassedThrough);
    }

    #[test]
    fn a_retired_model_carries_its_successor() {
        let kimi = roster(VendorKind::Kimi, Vec::new()).model("kimi-k2").unwrap();
        assert_eq!(kimi.status, Status::Retired);
        assert_eq!(kimi.successor.unwrap().as_str(), "kimi-k2.6");
    }

    #[test]
    fn a_list_ends_passing_names_through() {
        let openai = roster(VendorKind::OpenAi, Vec::new());
        let before = openai.model("gpt-99").unwrap();
        assert_eq!((before.origin, before.window_known), (ModelOrigin::PassedThrough, false));
        assert_eq!(openai.list_age(), None);
        openai.learn(&["gpt-98".into(), "gpt-6-luna".into()]);
        assert!(openai.model("gpt-99").is_none() && openai.list_age().is_some());
        assert_eq!(openai.model("GPT-98").unwrap().origin, ModelOrigin::Endpoint);
        let luna = openai.model("gpt-6-luna").unwrap();
        assert_eq!((luna.origin, luna.window_known), (ModelOrigin::Catalogue, true));
        assert_eq!(openai.models().iter().filter(|model| model.origin == ModelOrigin::Endpoint).count(), 1);
        let custom = roster(VendorKind::Custom, Vec::new());
        let model = custom.model("Llama-7").unwrap();
        assert_eq!((model.id.as_str(), model.window_known), ("Llama-7", false));
        assert!(custom.models().is_empty() && custom.model("").is_none());
    }

    #[test]
    fn the_users_word_wins_over_the_catalogue() {
        let corrected = ModelOverride {
            aliases: vec!["best".to_owned()],
            window: Some(50_000),
            ..ModelOverride::named("gpt-6.1-sol")
        };
        let openai = roster(VendorKind::OpenAi, vec![corrected, ModelOverride::named("gpt-7")]);
        let model = openai.model("BEST").unwrap();
        assert_eq!((model.id.as_str(), model.context_window, model.max_input), ("gpt-6.1-sol", 50_000, None));
        assert!(!model.effort.is_empty());
        assert_eq!(openai.models().iter().filter(|model| model.id.as_str() == "gpt-6.1-sol").count(), 1);
        assert!(!openai.model("gpt-7").unwrap().window_known);
    }

    #[test]
    fn temperature_rules_travel_through_gateways() {
        let custom = roster(VendorKind::Custom, Vec::new());
        let rule = |name: &str| custom.sampling(&custom.model(name).unwrap());
        assert_eq!(rule("openai/gpt-6-luna"), Sampling::NotWhenThinking);
        assert_eq!(rule("moonshotai/kimi-k3.1-pro"), Sampling::NotForPrefix(""));
        assert_eq!(rule("glm-5.3"), Sampling::Clamped(0.0, 1.0));
        assert_eq!(rule("llama3.2"), Sampling::Free);
    }
}
