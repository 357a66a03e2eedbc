//! A body without some of its fields. Messages are not read on the way: they reach megabytes.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::value::RawValue;

use super::{Omission, Omissions};

type Fields = BTreeMap<String, Box<RawValue>>;

/// The two names of the cap on the answer in chat completions.
const CAPS: [&str; 2] = ["max_completion_tokens", "max_tokens"];
/// What caps the answer in any format.
const ALL_CAPS: [&str; 4] = ["max_completion_tokens", "max_tokens", "max_output_tokens", "maxOutputTokens"];
/// An object of optional fields.
const CONFIG: &str = "generationConfig";

/// The names of all fields; those of an object of optional fields among them.
pub(super) fn names(body: &[u8]) -> BTreeSet<String> {
    let Ok(fields) = serde_json::from_slice::<Fields>(body) else { return BTreeSet::new() };
    let inner = fields.get(CONFIG).and_then(|config| serde_json::from_str::<Fields>(config.get()).ok());
    fields.into_keys().chain(inner.into_iter().flat_map(BTreeMap::into_keys)).collect()
}

/// The body without what is left out. One that cannot be read is sent as it is.
pub(super) fn without(body: Vec<u8>, omissions: &Omissions) -> Vec<u8> {
    let Ok(mut fields) = serde_json::from_slice::<Fields>(&body) else { return body };
    thin(&mut fields, omissions);
    if let Some(config) = fields.get(CONFIG)
        && let Ok(mut inner) = serde_json::from_str::<Fields>(config.get())
    {
        thin(&mut inner, omissions);
        if let Ok(thinned) = serde_json::value::to_raw_value(&inner) {
            fields.insert(CONFIG.to_owned(), thinned);
        }
    }
    serde_json::to_vec(&fields).unwrap_or(body)
}

fn thin(fields: &mut Fields, omissions: &Omissions) {
    for omission in &omissions.0 {
        match omission {
            Omission::Field(name) => drop(fields.remove(*name)),
            Omission::Cap => ALL_CAPS.iter().for_each(|name| drop(fields.remove(*name))),
            Omission::RenamedCap => {
                let Some(name) = CAPS.iter().find(|name| fields.contains_key(**name)) else { continue };
                let other = CAPS.iter().find(|other| *other != name);
                if let (Some(value), Some(other)) = (fields.remove(*name), other) {
                    fields.insert((*other).to_owned(), value);
                }
            }
            // The request was written so.
            Omission::System => {}
        }
    }
}
