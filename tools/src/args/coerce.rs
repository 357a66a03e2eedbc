//! Converts a value to the type that a published schema asks for, when its meaning is clear.

use serde_json::{Value, json};

/// The value in the schema's type, or what is wrong with it.
pub(crate) fn to_schema(value: Value, schema: &Value) -> Result<Value, String> {
    let kind = schema.get("type").and_then(Value::as_str).unwrap_or_default();
    let value = match kind {
        "integer" => integer(&value, schema)?,
        "number" => number(&value, schema)?,
        "boolean" => boolean(value)?,
        "string" => string(value)?,
        "array" => array(value, schema)?,
        "object" => object(value, schema)?,
        _ => value,
    };
    one_of(value, schema)
}

/// Whether a text in the place of a list, a number, a flag or one of several words stands for a value that was left out.
pub(super) fn says_nothing(value: &Value, schema: &Value) -> bool {
    let kind = schema.get("type").and_then(Value::as_str).unwrap_or_default();
    let is_closed = ["integer", "number", "boolean", "array"].contains(&kind) || schema.get("enum").is_some();
    let is_empty =
        |text: &str| matches!(text.trim().to_ascii_lowercase().as_str(), "" | "null" | "undefined");
    is_closed && value.as_str().is_some_and(is_empty)
}

fn integer(value: &Value, schema: &Value) -> Result<Value, String> {
    let whole = match value {
        Value::Number(number) => number.as_i64().or_else(|| number.as_f64().and_then(exact_integer)),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    };
    let whole = whole.ok_or_else(|| format!("expected an integer, got {}", shown(value)))?;
    let least = schema.get("minimum").and_then(Value::as_i64).unwrap_or(0);
    if whole < least || whole > i64::from(u32::MAX) {
        return Err(format!("expected an integer from {least}, got {whole}"));
    }
    Ok(json!(whole))
}

#[expect(clippy::cast_possible_truncation, reason = "checked to be a whole number of moderate size")]
fn exact_integer(number: f64) -> Option<i64> {
    (number.fract() == 0.0 && number.abs() < 1e15).then_some(number as i64)
}

fn number(value: &Value, schema: &Value) -> Result<Value, String> {
    let number = match value {
        Value::Number(number) => number.as_f64(),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    };
    let number = number
        .filter(|n: &f64| n.is_finite())
        .ok_or_else(|| format!("expected a number, got {}", shown(value)))?;
    let bound = |key: &str| schema.get(key).and_then(Value::as_f64);
    if bound("maximum").is_some_and(|most| number > most) || bound("minimum").unwrap_or(0.0) > number {
        return Err(format!(
            "expected a number from {} to {}, got {number}",
            bound("minimum").unwrap_or(0.0),
            bound("maximum").unwrap_or(f64::MAX)
        ));
    }
    Ok(json!(number))
}

fn boolean(value: Value) -> Result<Value, String> {
    match &value {
        Value::Bool(_) => Ok(value),
        Value::String(text) if text.trim().eq_ignore_ascii_case("true") => Ok(json!(true)),
        Value::String(text) if text.trim().eq_ignore_ascii_case("false") => Ok(json!(false)),
        Value::Number(number) if number.as_i64() == Some(1) => Ok(json!(true)),
        Value::Number(number) if number.as_i64() == Some(0) => Ok(json!(false)),
        _ => Err(format!("expected true or false, got {}", shown(&value))),
    }
}

fn string(value: Value) -> Result<Value, String> {
    match value {
        Value::String(_) => Ok(value),
        Value::Number(number) => Ok(json!(number.to_string())),
        Value::Bool(flag) => Ok(json!(flag.to_string())),
        Value::Array(parts) if parts.iter().all(Value::is_string) => {
            let lines: Vec<&str> = parts.iter().filter_map(Value::as_str).collect();
            Ok(json!(lines.join("\n")))
        }
        // A message's content in parts.
        Value::Array(parts) if !parts.is_empty() && parts.iter().all(|part| part_text(part).is_some()) => {
            let texts: Vec<&str> = parts.iter().filter_map(part_text).collect();
            Ok(json!(texts.join("\n")))
        }
        other => Err(format!("expected a string, got {}", shown(&other))),
    }
}

fn part_text(part: &Value) -> Option<&str> {
    part.as_str().or_else(|| part.get("text").and_then(Value::as_str))
}

fn array(value: Value, schema: &Value) -> Result<Value, String> {
    let items = schema.get("items").cloned().unwrap_or_else(|| json!({}));
    let list = match value {
        Value::Array(list) => list,
        Value::String(text) => from_text(&text),
        Value::Object(_) if items.get("type") == Some(&json!("object")) => vec![value],
        other => return Err(format!("expected a list, got {}", shown(&other))),
    };
    let mut coerced = Vec::with_capacity(list.len());
    for (index, item) in list.into_iter().enumerate() {
        coerced.push(to_schema(item, &items).map_err(|problem| format!("entry {}: {problem}", index + 1))?);
    }
    Ok(Value::Array(coerced))
}

/// A list that the model sent as text: as JSON, or as its one entry.
fn from_text(text: &str) -> Vec<Value> {
    let trimmed = text.trim();
    if trimmed.is_empty() {
        return Vec::new();
    }
    if trimmed.starts_with('[')
        && let Ok(Value::Array(list)) = serde_json::from_str(trimmed)
    {
        return list;
    }
    vec![json!(trimmed)]
}

fn object(value: Value, schema: &Value) -> Result<Value, String> {
    let parsed = match value {
        Value::Object(object) => Some(object),
        Value::String(text) if text.trim_start().starts_with('{') => serde_json::from_str(&text).ok(),
        // Agents write an issue as a plain sentence; it goes into the first text field that is not an enum.
        Value::String(text) => {
            main_text_field(schema).map(|field| [(field, json!(text))].into_iter().collect())
        }
        _ => None,
    };
    let mut object = parsed.ok_or_else(|| "expected an object".to_owned())?;
    if let Some(properties) = schema.get("properties").and_then(Value::as_object) {
        for (name, property) in properties {
            if let Some(field) =
                object.remove(name).filter(|field| !field.is_null() && !says_nothing(field, property))
            {
                object.insert(
                    name.clone(),
                    to_schema(field, property).map_err(|problem| format!("{name}: {problem}"))?,
                );
            }
        }
    }
    Ok(Value::Object(object))
}

fn main_text_field(schema: &Value) -> Option<String> {
    let properties = schema.get("properties")?.as_object()?;
    let is_free_text =
        |property: &Value| property.get("type") == Some(&json!("string")) && property.get("enum").is_none();
    properties.iter().find(|(_, property)| is_free_text(property)).map(|(name, _)| name.clone())
}

fn one_of(value: Value, schema: &Value) -> Result<Value, String> {
    let Some(allowed) = schema.get("enum").and_then(Value::as_array) else { return Ok(value) };
    if allowed.contains(&value) {
        return Ok(value);
    }
    let folded = value.as_str().unwrap_or_default().trim().to_ascii_lowercase().replace([' ', '-'], "_");
    let found =
        allowed.iter().find(|word| word.as_str().is_some_and(|word| word.eq_ignore_ascii_case(&folded)));
    found.cloned().ok_or_else(|| {
        let words: Vec<&str> = allowed.iter().filter_map(Value::as_str).collect();
        format!("expected one of {}, got {}", words.join(", "), shown(&value))
    })
}

/// The beginning of a value, for messages.
fn shown(value: &Value) -> String {
    let text = value.to_string();
    if text.chars().count() <= 60 {
        text
    } else {
        format!("{}…", text.chars().take(60).collect::<String>())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ok(value: Value, schema: &Value) -> Value {
        to_schema(value, schema).unwrap()
    }

    #[test]
    fn clear_meanings_are_accepted() {
        assert_eq!(ok(json!("3"), &json!({"type": "integer", "minimum": 1})), json!(3));
        assert_eq!(ok(json!(2.0), &json!({"type": "integer"})), json!(2));
        assert_eq!(ok(json!("FALSE"), &json!({"type": "boolean"})), json!(false));
        assert_eq!(
            ok(json!("a.rs"), &json!({"type": "array", "items": {"type": "string"}})),
            json!(["a.rs"])
        );
        assert_eq!(
            ok(json!("[\"a\",\"b\"]"), &json!({"type": "array", "items": {"type": "string"}})),
            json!(["a", "b"])
        );
        assert_eq!(
            ok(json!("Very High"), &json!({"type": "string", "enum": ["very_high"]})),
            json!("very_high")
        );
        assert_eq!(ok(json!(7), &json!({"type": "string"})), json!("7"));
    }

    #[test]
    fn a_sentence_becomes_an_issue() {
        let issue = json!({"type": "object", "properties": {
            "severity": {"type": "string", "enum": ["high", "low"]}, "description": {"type": "string"}}});
        let list = json!({"type": "array", "items": issue});
        assert_eq!(ok(json!(["it leaks"]), &list), json!([{"description": "it leaks"}]));
        assert_eq!(
            ok(json!({"severity": "HIGH", "description": "x"}), &list),
            json!([{"severity": "high", "description": "x"}])
        );
    }

    #[test]
    fn empty_words_are_left_out() {
        let word = json!({"type": "string", "enum": ["a"]});
        for schema in
            [&word, &json!({"type": "integer"}), &json!({"type": "boolean"}), &json!({"type": "array"})]
        {
            for empty in ["", "  ", "null", "Undefined"] {
                assert!(says_nothing(&json!(empty), schema), "{empty} {schema}");
            }
            assert!(!says_nothing(&json!("none"), schema), "a word that is not known is an error");
        }
        assert!(!says_nothing(&json!(""), &json!({"type": "string"})), "a free text may be empty");
        let issue =
            json!({"type": "object", "properties": {"severity": word, "description": {"type": "string"}}});
        assert_eq!(ok(json!({"severity": "", "description": "x"}), &issue), json!({"description": "x"}));
    }

    #[test]
    fn wrong_values_are_named() {
        let table = [
            (json!("soon"), json!({"type": "integer"}), "expected an integer, got \"soon\""),
            (json!(0), json!({"type": "integer", "minimum": 1}), "expected an integer from 1, got 0"),
            (json!(3), json!({"type": "number", "maximum": 2}), "expected a number from 0 to 2, got 3"),
            (json!("x"), json!({"type": "string", "enum": ["a", "b"]}), "expected one of a, b, got \"x\""),
            (json!({"a": 1}), json!({"type": "string"}), "expected a string, got {\"a\":1}"),
        ];
        for (value, schema, message) in table {
            assert_eq!(to_schema(value, &schema).unwrap_err(), message);
        }
    }
}
