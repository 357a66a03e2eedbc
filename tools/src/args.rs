//! Arguments as models really send them.
//!
//! Models send numbers as strings, lists as a single string, and fields under the names of other servers. All of that is accepted.
//! The rest is reported: an unknown name as a note in the answer, a wrong value as an error that names the field.

pub(crate) mod coerce;
pub(crate) mod schema;
pub(crate) mod time_arg;
pub(crate) mod workflow;

use std::sync::Arc;

use rmcp::{
    ErrorData,
    handler::server::{common::FromContextPart, tool::ToolCallContext},
    model::JsonObject,
};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

/// Fields that name something that is there already.
const NAMES: [&str; 1] = ["continuation_id"];
/// What models write there when they have nothing to name.
const NO_NAME: [&str; 4] = ["null", "none", "undefined", "nil"];

/// An arguments type of a tool.
pub(crate) trait ToolArgs: DeserializeOwned + Send {
    /// Other names for fields: `(accepted, canonical)`.
    const ALIASES: &'static [(&'static str, &'static str)] = &[];
    /// Fields that are accepted without being published: each is rare, and every byte of the published list costs every client.
    const HIDDEN: &'static [&'static [&'static str]] = &[];
    /// Names of other servers that have no meaning here, with the reason.
    const WITHOUT_EFFECT: &'static [(&'static str, &'static str)] = &[];

    /// The schema of everything that is accepted, built once.
    fn schema() -> Arc<JsonObject>;

    /// The schema that clients see, without [`Self::HIDDEN`] and without bounds. A client that misses a bound gets an error that names
    /// it, while every client that reads the list would pay for it.
    fn published() -> Arc<JsonObject> {
        let mut schema = Self::schema();
        if let Some(Value::Object(properties)) = Arc::make_mut(&mut schema).get_mut("properties") {
            properties.retain(|name, _| !Self::HIDDEN.iter().any(|names| names.contains(&name.as_str())));
            for property in properties.values_mut().filter_map(Value::as_object_mut) {
                property.remove("minimum");
                property.remove("maximum");
            }
        }
        schema
    }
}

/// Decoded arguments with notes on what was unusual, or what is wrong with them.
pub(crate) struct Args<T> {
    /// The arguments, or one sentence for each mistake.
    pub value: Result<T, Vec<String>>,
    /// Unknown and alias names, for the answer's metadata.
    pub notes: Vec<String>,
}

impl<S, T: ToolArgs> FromContextPart<ToolCallContext<'_, S>> for Args<T> {
    fn from_context_part(context: &mut ToolCallContext<'_, S>) -> Result<Self, ErrorData> {
        Ok(decode(context.arguments.take().unwrap_or_default()))
    }
}

/// Decodes an argument object leniently.
pub(crate) fn decode<T: ToolArgs>(arguments: Map<String, Value>) -> Args<T> {
    let schema = T::schema();
    let properties = schema.get("properties").and_then(Value::as_object);
    let mut notes = Vec::new();
    let mut problems = Vec::new();
    let mut accepted = Map::new();
    for (name, value) in arguments {
        if value.is_null() {
            continue;
        }
        let canonical = T::ALIASES.iter().find(|(alias, _)| *alias == name).map(|(_, canonical)| *canonical);
        let shape = properties.and_then(|properties| properties.get(canonical.unwrap_or(&name)));
        if let Some(canonical) = canonical {
            notes.push(format!("`{name}` was read as `{canonical}`"));
            if accepted.contains_key(canonical) {
                continue;
            }
        }
        let key = canonical.unwrap_or(&name).to_owned();
        if let Some(shape) = shape {
            if coerce::says_nothing(&value, shape) || (NAMES.contains(&key.as_str()) && is_no_name(&value)) {
                continue;
            }
            match coerce::to_schema(value, shape) {
                Ok(value) => drop(accepted.insert(key, value)),
                Err(problem) => problems.push(format!("{key}: {problem}")),
            }
        } else if let Some((_, reason)) = T::WITHOUT_EFFECT.iter().find(|(known, _)| *known == name) {
            notes.push(format!("`{name}` has no effect: {reason}"));
        } else {
            notes.push(format!("`{}` is not a field of this tool and was ignored", clip(&name)));
        }
    }
    let required =
        schema.get("required").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str);
    for field in required {
        if !accepted.contains_key(field)
            && !problems.iter().any(|problem| problem.starts_with(&format!("{field}:")))
        {
            problems.push(missing(field, properties));
        }
    }
    if !problems.is_empty() {
        return Args { value: Err(problems), notes };
    }
    let value = serde_json::from_value(Value::Object(accepted)).map_err(|error| vec![error.to_string()]);
    Args { value, notes }
}

/// Whether a name is a word for the lack of one.
fn is_no_name(value: &Value) -> bool {
    value.as_str().is_some_and(|name| {
        let name = name.trim();
        name.is_empty() || NO_NAME.iter().any(|word| name.eq_ignore_ascii_case(word))
    })
}

fn missing(field: &str, properties: Option<&Map<String, Value>>) -> String {
    let published = properties.and_then(|properties| properties.get(field));
    let about =
        published.and_then(|schema| schema.get("description")).and_then(Value::as_str).unwrap_or_default();
    let kind = published.and_then(|schema| schema.get("type")).and_then(Value::as_str).unwrap_or("value");
    format!("{field}: is required ({kind}). {about}")
}

fn clip(name: &str) -> String {
    name.chars().take(60).collect()
}
