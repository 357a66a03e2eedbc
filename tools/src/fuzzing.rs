//! The fuzzer's entry: any JSON as the arguments of any tool.

use rmcp::model::JsonObject;
use serde_json::Value;

use crate::{
    accepted::{Accepted, all},
    args::coerce::to_schema,
};

/// The longest sentence about one mistake or one unusual name: its field, what is expected there with all its words, and the
/// beginning of what came, each letter of it escaped.
const LONGEST: usize = 1024;

/// Every tool, with its schema built once.
pub struct Tools(Vec<Accepted>);

impl Default for Tools {
    fn default() -> Self {
        Self(all())
    }
}

impl Tools {
    /// Decodes arguments for the tool of this number.
    ///
    /// # Panics
    /// A mistake names no field of the tool, a sentence quotes without a bound, a value is taken that its schema does not allow, or a
    /// value that was taken is understood otherwise when it is sent again.
    pub fn decode(&self, tool: usize, arguments: &JsonObject) {
        let Some(tool) = self.0.get(tool % self.0.len().max(1)) else { return };
        let (problems, notes) = (tool.decode)(arguments.clone());
        let properties = tool.schema.get("properties").and_then(Value::as_object);
        let schema_of = |name: &str| properties.and_then(|properties| properties.get(name));
        for problem in &problems {
            let field = problem.split_once(": ").map(|(field, _)| field);
            assert!(field.and_then(schema_of).is_some(), "{}: no field is named: {problem}", tool.name);
        }
        for sentence in problems.iter().chain(&notes) {
            assert!(sentence.len() <= LONGEST, "{}: {} bytes: {sentence}", tool.name, sentence.len());
        }
        assert!(notes.len() <= arguments.len(), "more notes than fields");
        let mut taken = JsonObject::new();
        for (name, value) in arguments.iter().filter(|(_, value)| !value.is_null()) {
            let Some(schema) = schema_of(name) else { continue };
            if let Ok(value) = to_schema(value.clone(), schema) {
                assert_fits(&value, schema);
                assert_eq!(to_schema(value.clone(), schema).as_ref(), Ok(&value), "understood otherwise");
                taken.insert(name.clone(), value);
            }
        }
        let has_aliases = arguments.keys().any(|name| tool.aliases.iter().any(|(alias, _)| alias == name));
        if problems.is_empty() && !has_aliases {
            let (problems, notes) = (tool.decode)(taken);
            assert_eq!((problems, notes), (Vec::new(), Vec::new()), "{}: taken once only", tool.name);
        }
    }
}

fn assert_fits(value: &Value, schema: &Value) {
    let fits = match schema.get("type").and_then(Value::as_str).unwrap_or_default() {
        "integer" => value.as_u64().is_some_and(|number| number <= u64::from(u32::MAX)),
        "number" => value.as_f64().is_some_and(f64::is_finite),
        "boolean" => value.is_boolean(),
        "string" => value.is_string(),
        "array" => value.is_array(),
        "object" => value.is_object(),
        _ => true,
    };
    assert!(fits, "{value} in the place of {schema}");
    if let Some(words) = schema.get("enum").and_then(Value::as_array) {
        assert!(words.contains(value), "{value} is none of {words:?}");
    }
    if let (Some(items), Some(schema)) = (value.as_array(), schema.get("items")) {
        items.iter().for_each(|item| assert_fits(item, schema));
    }
    if let (Some(members), Some(Value::Object(fields))) = (value.as_object(), schema.get("properties")) {
        for (name, schema) in fields {
            if let Some(member) = members.get(name) {
                assert_fits(member, schema);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_seed_suits_every_tool() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../fuzz/seeds/decode_arguments");
        let (tools, mut seeds) = (Tools::default(), 0);
        for entry in std::fs::read_dir(folder).unwrap() {
            let seed = std::fs::read(entry.unwrap().path()).unwrap();
            let arguments: JsonObject = serde_json::from_slice(&seed[1..]).unwrap();
            for tool in 0..tools.0.len() {
                tools.decode(tool, &arguments);
            }
            seeds += 1;
        }
        assert!(seeds >= 5, "{seeds} seeds");
    }
}
