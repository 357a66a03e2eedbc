//! Models that the settings name and that nobody can be asked for.

use std::sync::Arc;

use exai_core::{model::Mark, provider::Provider, secret::SecretString};
use exai_engine::{
    Preferences,
    routing::{Allowed, Chosen, Models, OFFLINE, is_auto, is_unvouched},
};
use exai_providers::{EndpointSettings, HttpSettings};

use super::{
    endpoints::Endpoints,
    keys,
    problems::Problems,
    vendors::{KNOWN, Known},
};

/// Reports each model of the preferences whose provider is not configured, or that no provider has.
pub(super) fn check(
    preferences: &Preferences,
    endpoints: &Endpoints,
    allow_http: bool,
    problems: &mut Problems,
) {
    let named = named(preferences);
    if named.is_empty() {
        return;
    }
    let http = HttpSettings { allow_insecure: allow_http, ..HttpSettings::default() };
    // What cannot be built has been reported and left out before.
    let Ok(providers) = exai_providers::build(endpoints.settings.clone(), http) else { return };
    let models = Models::new(providers);
    for (place, name) in named {
        if let Some(why) = why_not(name, &models, endpoints) {
            problems.warn(format!("{place}: {why}"));
        }
    }
}

/// The names with their places.
fn named(preferences: &Preferences) -> Vec<(String, &str)> {
    let mut named = vec![
        (keys::DEFAULT_MODEL.path.to_owned(), preferences.default_model.as_deref()),
        (keys::ROUTING_SELECTOR.path.to_owned(), preferences.selector.as_deref()),
    ];
    named.extend(
        preferences.tools.iter().map(|(tool, own)| (format!("tools.{tool}.model"), own.model.as_deref())),
    );
    for rule in &preferences.rules {
        let models = rule.models.iter();
        named.extend(models.map(|model| (format!("rules, `{}`", rule.name), Some(model.as_str()))));
    }
    let is_model = |name: &&str| !is_auto(name) && !name.eq_ignore_ascii_case(OFFLINE);
    named.into_iter().filter_map(|(place, name)| Some((place, name.filter(is_model)?))).collect()
}

/// Why a name cannot be asked; `None` when it can.
fn why_not(name: &str, models: &Models, endpoints: &Endpoints) -> Option<String> {
    let is_configured = |known: &Known| endpoints.settings.iter().any(|one| one.id.as_str() == known.id);
    let found = match models.choose(Some(name), None, Mark::Deep, &Allowed::default()) {
        Ok(Chosen::Model(found)) => Some(found),
        Ok(Chosen::Offline { .. }) | Err(_) => None,
    };
    let prefix = name.split_once('/').map(|(provider, _)| provider);
    let of_vendor =
        prefix.and_then(|prefix| KNOWN.iter().find(|known| known.id.eq_ignore_ascii_case(prefix)));
    if let Some(vendor) = of_vendor.filter(|vendor| !is_configured(vendor)) {
        let (title, how) = (vendor.title, vendor.how());
        return match found {
            // A gateway's own models have such names too, when it is known to have them.
            Some(found) if !is_unvouched(&found.model) => None,
            Some(found) => {
                let taker = found.provider.id();
                Some(format!(
                    "`{name}` goes to {taker} as it is, because {title} is not configured; {how}, or write {taker}/{name}"
                ))
            }
            None => Some(format!("`{name}` cannot be asked: {title} is not configured; {how}")),
        };
    }
    if found.is_some() {
        return None;
    }
    let maker = KNOWN.iter().filter(|known| !is_configured(known)).find(|known| has(known, name));
    Some(match maker {
        Some(vendor) => {
            format!("`{name}` cannot be asked: {} is not configured; {}", vendor.title, vendor.how())
        }
        None => {
            format!("`{name}` is a model of no configured provider; `exai-mcp models` lists those that are")
        }
    })
}

/// Whether a vendor is known to have a model of this name.
fn has(vendor: &Known, name: &str) -> bool {
    let key = Some(SecretString::from("none".to_owned()));
    let settings = EndpointSettings { key, ..EndpointSettings::new(vendor.id.into(), vendor.kind) };
    let built = exai_providers::build(vec![settings], HttpSettings::default()).unwrap_or_default();
    let is_called =
        |provider: &Arc<dyn Provider>| provider.models().iter().any(|model| model.is_called(name));
    built.iter().any(is_called)
}
