//! Models that the settings name and that nobody can be asked for.

use exai_core::model::Mark;
use exai_engine::{
    Preferences,
    routing::{Allowed, Chosen, Makers, Models, OFFLINE, is_auto},
};
use exai_providers::HttpSettings;

use super::{endpoints::Endpoints, keys, makers::makers, problems::Problems};

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
    let makers = makers(endpoints);
    let models = Models::new(providers).with_makers(makers.clone());
    for (place, name) in named {
        if let Some(why) = why_not(name, &models, &makers) {
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
fn why_not(name: &str, models: &Models, makers: &Makers) -> Option<String> {
    match models.choose(Some(name), None, Mark::Deep, &Allowed::default()) {
        Ok(Chosen::Model(_) | Chosen::Offline { by_request: true }) => None,
        Ok(Chosen::Offline { by_request: false }) | Err(_) => Some(match makers.of(name) {
            Some(maker) => format!("`{name}` cannot be asked: {}", maker.missing),
            None => {
                format!(
                    "`{name}` is a model of no configured provider; `exai-mcp models` lists those that are"
                )
            }
        }),
    }
}
