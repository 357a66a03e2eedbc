//! Adapters to model vendors: who they are, how they are asked, what their answers and failures mean.
//!
//! Knows HTTP, the four formats that vendors speak and one short file of facts per vendor. Makes exactly one attempt per call: retries,
//! permits and fallbacks are the engine's. Knows no environment variable: keys and addresses come in as [`EndpointSettings`].

pub mod catalogue;
#[cfg(any(test, fuzzing))]
pub mod fuzzing;
pub mod ollama;

mod base_url;
mod classify;
mod endpoint;
mod error;
mod files;
mod http;
mod keyring;
mod models_list;
mod optional;
mod origin;
mod roster;
mod search;
mod secrets;
mod settings;
mod start;
mod unreached;
mod vendor;
mod wait;
mod wire;

use std::{collections::BTreeSet, sync::Arc};

use exai_core::{SystemClock, provider::Provider};

use crate::{endpoint::Endpoint, http::Http};
pub use crate::{
    error::BuildError,
    settings::{EndpointSettings, HttpSettings, ModelOverride},
    vendor::VendorKind,
};

/// Makes a provider of every configured endpoint, in the given order. Opens no connection and parses no catalogue: both happen
/// at first use, so that a program with many endpoints starts at once.
///
/// # Errors
/// An address that may not be used, two endpoints of one name, or a custom endpoint without an address.
pub fn build(
    settings: Vec<EndpointSettings>,
    http: HttpSettings,
) -> Result<Vec<Arc<dyn Provider>>, BuildError> {
    let most_parallel = settings.iter().filter_map(|endpoint| endpoint.max_concurrency).max().unwrap_or(0);
    let http = Arc::new(Http::new(http, most_parallel, Arc::new(SystemClock)));
    let mut names = BTreeSet::new();
    let mut providers: Vec<Arc<dyn Provider>> = Vec::with_capacity(settings.len());
    for endpoint in settings {
        if !names.insert(endpoint.id.clone()) {
            return Err(BuildError::DuplicateId { id: endpoint.id });
        }
        providers.push(Arc::new(Endpoint::new(endpoint, Arc::clone(&http))?));
    }
    Ok(providers)
}
