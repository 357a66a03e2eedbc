//! Whose a model is that is named, of the vendors that are not configured.

use std::sync::Arc;

use exai_core::{provider::Provider, secret::SecretString};
use exai_engine::routing::{Maker, Makers};
use exai_providers::{EndpointSettings, HttpSettings};

use super::{
    endpoints::Endpoints,
    vendors::{KNOWN, Known},
};

/// Finds vendors for the endpoints that are configured.
#[must_use]
pub fn makers(endpoints: &Endpoints) -> Makers {
    let absent: Vec<&'static Known> = absent(endpoints).collect();
    Makers::new(move |name| maker(name, &absent))
}

/// The vendors that are not configured.
pub(super) fn absent(endpoints: &Endpoints) -> impl Iterator<Item = &'static Known> {
    let is_configured = |known: &Known| endpoints.settings.iter().any(|one| one.id.as_str() == known.id);
    KNOWN.iter().filter(move |known| !is_configured(known))
}

fn maker(name: &str, absent: &[&'static Known]) -> Option<Maker> {
    let prefix = name.split_once('/').map(|(provider, _)| provider);
    let named = prefix.and_then(|prefix| absent.iter().find(|known| known.id.eq_ignore_ascii_case(prefix)));
    let (vendor, is_named) = match named {
        Some(vendor) => (vendor, true),
        None => (absent.iter().find(|known| has(known, name))?, false),
    };
    let title = vendor.title.split(" (").next().unwrap_or(vendor.title);
    Some(Maker { is_named, missing: format!("{title} is not configured: {}", vendor.how()) })
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
