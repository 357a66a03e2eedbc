//! What a tool's entry may contain so that every client reads it the same way: pure functions that return complaints.
//!
//! The rules are the common ground of the clients' own limits: one object root, one type a property, string enums, typed list
//! items, nothing that has to be resolved or that only says what is the default already.

use serde_json::{Map, Value};

/// Keywords that some client refuses or misreads, wherever they stand.
const FORBIDDEN: [&str; 18] = [
    "$ref",
    "$defs",
    "definitions",
    "$schema",
    "$id",
    "oneOf",
    "anyOf",
    "allOf",
    "not",
    "if",
    "const",
    "format",
    "title",
    "examples",
    "nullable",
    "patternProperties",
    "prefixItems",
    "default",
];
/// Keywords that may stand in a schema; anything else is either a mistake or needs a thought about clients first.
const KNOWN: [&str; 9] = [
    "type",
    "properties",
    "required",
    "description",
    "enum",
    "items",
    "minimum",
    "maximum",
    "additionalProperties",
];
/// The types of JSON Schema 2020-12 without `null`, which only occurs in unions.
const TYPES: [&str; 6] = ["object", "array", "string", "integer", "number", "boolean"];
/// The longest description that every client shows whole.
const MAX_DESCRIPTION_BYTES: usize = 2_048;

/// What is wrong with a tool's entry.
pub(super) fn tool(tool: &Value) -> Vec<String> {
    let name = tool["name"].as_str().unwrap_or_default();
    let mut complaints: Vec<String> = Vec::new();
    if !is_portable_name(name) {
        complaints.push(format!("the name `{name}` is not understood by every client"));
    }
    match tool["description"].as_str() {
        None | Some("") => complaints.push("no description".to_owned()),
        Some(text) if text.len() > MAX_DESCRIPTION_BYTES => {
            complaints.push(format!("{} bytes of description", text.len()));
        }
        Some(_) => {}
    }
    if tool["annotations"]["title"].as_str().is_none_or(str::is_empty) {
        complaints.push("no title".to_owned());
    }
    if tool.get("outputSchema").is_some() {
        complaints.push("an outputSchema promises structured content, which is never sent".to_owned());
    }
    complaints.extend(root(&tool["inputSchema"]));
    complaints.into_iter().map(|complaint| format!("{name}: {complaint}")).collect()
}

/// `^[a-z][a-z0-9_]{0,31}$`
pub(super) fn is_portable_name(name: &str) -> bool {
    let mut letters = name.chars();
    letters.next().is_some_and(|first| first.is_ascii_lowercase())
        && name.len() <= 32
        && letters.all(|letter| letter.is_ascii_lowercase() || letter.is_ascii_digit() || letter == '_')
}

/// What is wrong with an input schema.
pub(super) fn root(schema: &Value) -> Vec<String> {
    let mut complaints = Vec::new();
    if schema["type"] != "object" || !schema["properties"].is_object() {
        complaints.push("the root is not a plain object with properties".to_owned());
    }
    at("", schema, &mut complaints);
    complaints
}

fn at(place: &str, schema: &Value, complaints: &mut Vec<String>) {
    let mut complain =
        |text: String| complaints.push(format!("{}: {text}", if place.is_empty() { "root" } else { place }));
    let Value::Object(object) = schema else {
        complain(format!("{schema} is no schema object"));
        return;
    };
    for keyword in object.keys() {
        if FORBIDDEN.contains(&keyword.as_str()) {
            complain(format!("`{keyword}` is not portable"));
        } else if !KNOWN.contains(&keyword.as_str()) {
            complain(format!("`{keyword}` is not among the keywords that are known to be portable"));
        }
    }
    for fault in wrong_shapes(object) {
        complain(fault);
    }
    let kind = match &object.get("type") {
        Some(Value::String(kind)) if TYPES.contains(&kind.as_str()) => kind.as_str(),
        other => {
            complain(format!("the type is {other:?}, not one plain type"));
            ""
        }
    };
    if let Some(Value::Array(values)) = object.get("enum") {
        if kind != "string" || !values.iter().all(Value::is_string) {
            complain("an enum of something else than strings".to_owned());
        }
        if values.is_empty() {
            complain("an enum without values".to_owned());
        }
    }
    if kind == "array" && object.get("items").is_none() {
        complain("a list without items".to_owned());
    }
    if let Some(items) = object.get("items") {
        at(&format!("{place}[]"), items, complaints);
    }
    for (name, property) in object.get("properties").and_then(Value::as_object).into_iter().flatten() {
        at(&format!("{place}.{name}"), property, complaints);
    }
}

/// Keywords whose values have a shape that JSON Schema 2020-12 does not allow.
fn wrong_shapes(object: &Map<String, Value>) -> Vec<String> {
    let properties = object.get("properties").and_then(Value::as_object);
    let mut faults = Vec::new();
    for (keyword, value) in object {
        let right = match keyword.as_str() {
            "properties" | "items" => value.is_object(),
            "description" | "type" => value.is_string(),
            "enum" => value.is_array(),
            "minimum" | "maximum" => value.is_number(),
            "additionalProperties" => value == &Value::Bool(false),
            "required" => value.as_array().is_some_and(|names| {
                let is_property = |name: &Value| {
                    name.as_str().is_some_and(|name| properties.is_some_and(|all| all.contains_key(name)))
                };
                names.iter().all(is_property)
            }),
            _ => true,
        };
        if !right {
            faults.push(format!("`{keyword}` cannot be {value}"));
        }
    }
    faults
}

#[test]
fn every_rule_catches_its_broken_schema() {
    use serde_json::json;
    let of = |property: Value| json!({"type": "object", "properties": {"x": property}});
    assert_eq!(root(&of(json!({"type": "string", "description": "fine"}))), [""; 0]);
    for bad in [
        json!({"type": "object"}),
        json!({"properties": {}}),
        json!(true),
        json!({"type": "object", "properties": {}, "anyOf": []}),
        json!({"type": "object", "properties": {}, "$defs": {}}),
        json!({"type": "object", "properties": {}, "required": ["missing"]}),
        of(json!(true)),
        of(json!({})),
        of(json!({"$ref": "#/$defs/X"})),
        of(json!({"type": ["string", "null"]})),
        of(json!({"type": "null"})),
        of(json!({"oneOf": [{"type": "string"}]})),
        of(json!({"type": "integer", "enum": [1, 2]})),
        of(json!({"type": "string", "enum": ["a", null]})),
        of(json!({"type": "array"})),
        of(json!({"type": "array", "items": {}})),
        of(json!({"type": "array", "items": true})),
        of(json!({"type": "integer", "format": "uint32"})),
        of(json!({"type": "string", "title": "X"})),
        of(json!({"type": "string", "default": null})),
        of(json!({"type": "string", "examples": ["a"]})),
        of(json!({"type": "number", "minimum": "0"})),
        of(json!({"type": "object", "properties": {"y": {"type": ["string", "null"]}}})),
    ] {
        assert!(!root(&bad).is_empty(), "not caught: {bad}");
    }
    for name in ["Chat", "1chat", "chat-ws", "chat.x", "", "a2345678901234567890123456789012x"] {
        assert!(!is_portable_name(name), "{name}");
    }
}
