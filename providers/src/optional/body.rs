//! A body without some of its fields. Messages are not read on the way: they reach megabytes.

use std::collections::BTreeMap;

use serde_json::{Value, value::RawValue};

use super::{Omission, Omissions};

type Fields = BTreeMap<String, Box<RawValue>>;

/// The two names of the cap on the answer in chat completions.
const CAPS: [&str; 2] = ["max_completion_tokens", "max_tokens"];
/// What caps the answer in any format.
const ALL_CAPS: [&str; 4] = ["max_completion_tokens", "max_tokens", "max_output_tokens", "maxOutputTokens"];
/// An object of optional fields.
const CONFIG: &str = "generationConfig";

/// Marks what the vendor keeps of a prompt, at its parts.
const CACHE: &str = "cache_control";
/// Where parts are that have such a mark.
const MARKED: [&str; 3] = ["system", "messages", "tools"];
/// The least that a thought may be allowed.
const LEAST_BUDGET: u64 = 1_024;

/// All fields, those of an object of optional fields among them, and the value of those that are whole numbers.
pub(super) fn fields(body: &[u8]) -> BTreeMap<String, Option<u64>> {
    let Ok(fields) = serde_json::from_slice::<Fields>(body) else { return BTreeMap::new() };
    let inner = fields.get(CONFIG).and_then(|config| serde_json::from_str::<Fields>(config.get()).ok());
    let is_marked = MARKED.iter().filter_map(|name| fields.get(*name)).any(|part| has_mark(part));
    let mark = is_marked.then(|| (CACHE.to_owned(), None));
    let all = fields.into_iter().chain(inner.into_iter().flatten());
    all.map(|(name, value)| (name, value.get().parse().ok())).chain(mark).collect()
}

/// Within a text the quotation marks would be escaped.
fn has_mark(part: &RawValue) -> bool {
    part.get().contains("\"cache_control\":")
}

/// Takes the marks off the parts, and leaves the words and schemas in them alone.
fn unmark(value: &mut Value, depth: u8) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(|item| unmark(item, depth)),
        Value::Object(fields) => {
            fields.remove(CACHE);
            if depth > 0
                && let Some(content) = fields.get_mut("content")
            {
                unmark(content, depth - 1);
            }
        }
        _ => {}
    }
}

fn without_marks(fields: &mut Fields) {
    for name in MARKED {
        let Some(part) = fields.get(name).filter(|part| has_mark(part)) else { continue };
        let Ok(mut value) = serde_json::from_str::<Value>(part.get()) else { continue };
        unmark(&mut value, 2);
        if let Ok(raw) = serde_json::value::to_raw_value(&value) {
            fields.insert(name.to_owned(), raw);
        }
    }
    fields.remove(CACHE);
}

/// Lowers the cap, and what may be thought beneath it.
fn lower(fields: &mut Fields, most: u64) {
    let number = |raw: &RawValue| raw.get().parse::<u64>().ok();
    for name in ALL_CAPS {
        if fields.get(name).and_then(|raw| number(raw)).is_some_and(|sent| sent > most)
            && let Ok(raw) = serde_json::value::to_raw_value(&most)
        {
            fields.insert(name.to_owned(), raw);
        }
    }
    let Some(mut thinking) =
        fields.get("thinking").and_then(|raw| serde_json::from_str::<Value>(raw.get()).ok())
    else {
        return;
    };
    let Some(budget) = thinking.get_mut("budget_tokens").filter(|budget| budget.as_u64() >= Some(most))
    else {
        return;
    };
    if most / 2 < LEAST_BUDGET {
        fields.remove("thinking");
        return;
    }
    *budget = Value::from(most / 2);
    if let Ok(raw) = serde_json::value::to_raw_value(&thinking) {
        fields.insert("thinking".to_owned(), raw);
    }
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
            Omission::Field(CACHE) => without_marks(fields),
            Omission::CapAt(most) => lower(fields, *most),
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
