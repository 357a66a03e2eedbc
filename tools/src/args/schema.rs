//! Schemas that every client reads the same way.
//!
//! Some clients drop a tool, or refuse the whole list, because of references, unions with null, `oneOf` of constants or an unknown
//! `format`. A published schema has only what all of them understand: a plain object at the root, one `type` for each property, enums
//! of strings, and arrays with typed items. It leaves out what is the default anyway.

use std::sync::Arc;

use rmcp::model::JsonObject;
use schemars::{JsonSchema, generate::SchemaSettings};
use serde_json::{Map, Value, json};

/// Keywords that carry no meaning for a caller.
const NOISE: [&str; 7] =
    ["$schema", "$defs", "title", "format", "default", "examples", "additionalProperties"];

/// The published schema of an arguments type.
pub(crate) fn portable<T: JsonSchema>() -> Arc<JsonObject> {
    let generator =
        SchemaSettings::draft2020_12().with(|settings| settings.inline_subschemas = true).into_generator();
    let mut root = Value::from(generator.into_root_schema_for::<T>());
    simplify(&mut root);
    let mut root = match root {
        Value::Object(object) => object,
        _ => Map::new(),
    };
    root.remove("description");
    root.insert("type".to_owned(), json!("object"));
    root.entry("properties").or_insert_with(|| json!({}));
    Arc::new(root)
}

/// The schema with other choices for one of its properties.
pub(crate) fn with_choices(mut schema: Arc<JsonObject>, property: &str, choices: &[&str]) -> Arc<JsonObject> {
    let found = Arc::make_mut(&mut schema).get_mut("properties").and_then(|all| all.get_mut(property));
    if let Some(Value::Object(property)) = found {
        property.insert("enum".to_owned(), json!(choices));
    }
    schema
}

fn simplify(schema: &mut Value) {
    let Value::Object(object) = schema else { return };
    if let Some(only) = without_null_branch(object) {
        let description = object.remove("description");
        *object = only;
        if let Some(text) = description {
            object.insert("description".to_owned(), text);
        }
    }
    for key in NOISE {
        object.remove(key);
    }
    if object.get("minimum").and_then(Value::as_f64) == Some(0.0) {
        object.remove("minimum");
    }
    if let Some(Value::Array(types)) = object.get("type") {
        let kept = types.iter().find(|name| *name != "null").cloned();
        object.insert("type".to_owned(), kept.unwrap_or_else(|| json!("string")));
    }
    if let Some(Value::Array(values)) = object.get_mut("enum") {
        values.retain(|value| !value.is_null());
    }
    if let Some(Value::Object(properties)) = object.get_mut("properties") {
        properties.values_mut().for_each(simplify);
    }
    if let Some(items) = object.get_mut("items") {
        simplify(items);
    }
}

/// `anyOf [X, null]` is how an optional X is written; X alone says the same to a reader.
fn without_null_branch(object: &Map<String, Value>) -> Option<Map<String, Value>> {
    let branches = object.get("anyOf").or_else(|| object.get("oneOf"))?.as_array()?;
    let mut real = branches.iter().filter(|branch| branch.get("type") != Some(&json!("null")));
    match (real.next(), real.next()) {
        (Some(Value::Object(only)), None) => Some(only.clone()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(serde::Deserialize, JsonSchema)]
    #[expect(dead_code, reason = "only its schema is looked at")]
    struct Sample {
        /// What to ask.
        prompt: String,
        #[serde(default)]
        count: Option<u32>,
        #[serde(default)]
        nested: Vec<Inner>,
    }

    #[derive(serde::Deserialize, JsonSchema)]
    #[expect(dead_code, reason = "only its schema is looked at")]
    struct Inner {
        level: Option<Level>,
    }

    #[derive(serde::Deserialize, JsonSchema)]
    #[serde(rename_all = "lowercase")]
    enum Level {
        High,
        Low,
    }

    #[test]
    fn options_lose_null_and_references_are_inlined() {
        let schema = Value::Object((*portable::<Sample>()).clone());
        let expected = json!({
            "type": "object",
            "properties": {
                "prompt": { "type": "string", "description": "What to ask." },
                "count": { "type": "integer" },
                "nested": {
                    "type": "array",
                    "items": { "type": "object", "properties": { "level": { "type": "string", "enum": ["high", "low"] } } }
                }
            },
            "required": ["prompt"]
        });
        assert_eq!(schema, expected);
    }
}
