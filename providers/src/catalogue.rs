//! What is known of the vendors' models, from the table that is built into the program.
//!
//! The table is parsed once, at first use: a start that needs no model facts does not pay for them.

mod raw;

use std::sync::LazyLock;

use exai_core::{
    ModelId, ProviderId,
    model::{Capability, ModelSpec, Price, Status},
};

use crate::{catalogue::raw::RawCatalogue, vendor::VendorKind};

static CATALOGUE: LazyLock<Catalogue> = LazyLock::new(|| Catalogue::parse(include_str!("../models.toml")));

struct Catalogue {
    as_of: String,
    models: Vec<ModelSpec>,
}

impl Catalogue {
    fn parse(text: &str) -> Self {
        match toml::from_str::<RawCatalogue>(text) {
            Ok(raw) => Self {
                as_of: raw.as_of,
                models: raw
                    .providers
                    .into_iter()
                    .flat_map(|(vendor, table)| {
                        let provider = VendorKind::from_name(&vendor)
                            .map_or_else(|| ProviderId::new(vendor.as_str()), |kind| kind.name().into());
                        table.models.into_iter().filter_map(move |model| model.into_spec(&provider))
                    })
                    .collect(),
            },
            Err(error) => {
                // A test parses the built-in table, so this is a defect of the build; configured models still work.
                tracing::error!(%error, "the built-in model catalogue cannot be read");
                Self { as_of: String::new(), models: Vec::new() }
            }
        }
    }
}

/// Every model of the catalogue, also of vendors that no adapter speaks for; `provider` is the vendor's name (`glm`, not `zai`).
#[must_use]
pub fn known_models() -> &'static [ModelSpec] {
    &CATALOGUE.models
}

/// The catalogue's models of one vendor, in its order.
pub fn models_of(vendor: VendorKind) -> impl Iterator<Item = &'static ModelSpec> {
    known_models().iter().filter(move |model| model.provider.as_str() == vendor.name())
}

/// The day on which the facts were looked up, as `YYYY-MM-DD`.
#[must_use]
pub fn as_of() -> &'static str {
    &CATALOGUE.as_of
}

/// The model that `name` means at its own vendor: an id or alias, without case.
#[must_use]
pub fn find(name: &str) -> Option<&'static ModelSpec> {
    known_models().iter().find(|model| model.is_called(name))
}

/// What a custom endpoint's model is likely to be.
///
/// The same id or alias has the vendor's facts, price included. A gateway's `maker/model` has those of `model` without the price,
/// which is the gateway's own. What belongs to the vendor's service is left out: defaults, dates, successors and aliases, and that
/// the vendor serves the model on another interface only.
#[must_use]
pub fn facts_for_custom(provider: &ProviderId, name: &str) -> Option<ModelSpec> {
    let exact = find(name);
    let found = exact.or_else(|| name.rsplit_once('/').and_then(|(_, last)| find(last)))?;
    let mut capabilities = found.capabilities.clone();
    capabilities.remove(&Capability::ResponsesApiOnly);
    Some(ModelSpec {
        provider: provider.clone(),
        id: ModelId::new(name),
        aliases: Vec::new(),
        price: if exact.is_some() { found.price } else { Price::default() },
        capabilities,
        status: Status::Active,
        retires: None,
        successor: None,
        marks: Vec::new(),
        ..found.clone()
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use exai_core::model::Mark;

    use super::*;

    #[test]
    fn the_built_in_table_is_complete() {
        assert_eq!(as_of(), "2026-11-20");
        assert!(known_models().len() > 130, "{}", known_models().len());
        for vendor in VendorKind::NAMED.into_iter().filter(|vendor| !vendor.facts().is_open) {
            assert!(models_of(vendor).count() >= 3, "{}", vendor.name());
        }
        let mut names = BTreeSet::new();
        for model in known_models() {
            assert!(model.context_window > 0 && model.window_known, "{}", model.id);
            for name in model.aliases.iter().map(String::as_str).chain([model.id.as_str()]) {
                assert!(names.insert(name.to_lowercase()), "{name} twice");
            }
        }
    }

    #[test]
    fn every_vendor_has_one_active_default_each() {
        let marked = |vendor, mark| -> Vec<&str> {
            models_of(vendor)
                .filter(|model| model.marks.contains(&mark))
                .map(|model| model.id.as_str())
                .collect()
        };
        for (vendor, fast, deep) in [
            (VendorKind::OpenAi, "gpt-6-luna", "gpt-6.1-sol"),
            (VendorKind::Glm, "glm-5.3-flash", "glm-5.3"),
            (VendorKind::Kimi, "kimi-k3.1-pro", "kimi-k3.1-pro"),
            (VendorKind::MiniMax, "MiniMax-M3", "MiniMax-M3"),
            (VendorKind::Anthropic, "claude-haiku-5-5", "claude-opus-5-5"),
            (VendorKind::Gemini, "gemini-3.8-flash", "gemini-4-argon"),
            (VendorKind::XAi, "grok-4.3", "grok-4.7"),
            (VendorKind::DeepSeek, "deepseek-flash", "deepseek-v4-pro"),
            (VendorKind::Mistral, "mistral-small-2603", "mistral-large-4"),
            (VendorKind::Qwen, "qwen3.8-flash", "qwen3.8-max"),
        ] {
            assert_eq!(marked(vendor, Mark::Fast), [fast]);
            assert_eq!(marked(vendor, Mark::Deep), [deep]);
            assert_eq!(find(fast).unwrap().status, Status::Active);
            assert_eq!(find(deep).unwrap().status, Status::Active);
        }
    }

    #[test]
    fn retired_models_name_existing_successors() {
        for vendor in VendorKind::NAMED {
            for model in models_of(vendor) {
                if let Some(successor) = &model.successor {
                    assert!(find(successor.as_str()).is_some(), "{} -> {successor}", model.id);
                }
                assert!(model.status != Status::Retired || model.successor.is_some(), "{}", model.id);
            }
        }
        let kimi = find("kimi-k2-0905-preview").unwrap();
        assert_eq!(kimi.retires.as_deref(), Some("2026-05-25"));
    }

    #[test]
    fn custom_endpoints_get_facts_without_dates() {
        let home = ProviderId::from("home");
        let exact = facts_for_custom(&home, "GLM-5.2").unwrap();
        assert_eq!((exact.id.as_str(), exact.context_window), ("GLM-5.2", 1_048_576));
        assert!(exact.price.input.is_some() && exact.successor.is_none());

        let prefixed = facts_for_custom(&home, "openai/gpt-5.5-pro").unwrap();
        assert_eq!(prefixed.id.as_str(), "openai/gpt-5.5-pro");
        assert!(prefixed.price.input.is_none() && !prefixed.can(Capability::ResponsesApiOnly));
        assert!(facts_for_custom(&home, "my-own-model").is_none());
    }
}
