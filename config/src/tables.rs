//! The tables of the user's file as single values, for `config show`.

use super::layers::{Layers, TABLES};

/// Words in the name of a value that may be a secret, although none belongs into these tables. A name that ends with the last one is the
/// name of a variable.
const SECRET: [&str; 4] = ["key", "token", "secret", "password"];
const OF_A_VARIABLE: &str = "_env";

/// A value in a table.
#[derive(Debug, PartialEq, Eq)]
pub struct TableValue {
    /// Its name, such as `rules[1].models`.
    pub name: String,
    /// What stands there, as TOML.
    pub value: String,
    /// Whether it must not be shown.
    pub is_secret: bool,
}

/// Every value of every table, in the order of their names.
#[must_use]
pub fn values(layers: &Layers) -> Vec<TableValue> {
    let mut found = Vec::new();
    for name in TABLES {
        if let Some(value) = layers.user_table(name) {
            add(name.to_owned(), value, &mut found);
        }
    }
    found
}

fn add(name: String, value: &toml::Value, found: &mut Vec<TableValue>) {
    match value {
        toml::Value::Table(table) => {
            table.iter().for_each(|(inner, value)| add(format!("{name}.{inner}"), value, found));
        }
        toml::Value::Array(list) if list.iter().any(toml::Value::is_table) => {
            for (index, value) in list.iter().enumerate() {
                add(format!("{name}[{}]", index + 1), value, found);
            }
        }
        value => {
            let last = name.rsplit('.').next().unwrap_or_default().to_lowercase();
            let is_secret = !last.ends_with(OF_A_VARIABLE) && SECRET.iter().any(|word| last.contains(word));
            found.push(TableValue { name, value: value.to_string(), is_secret });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_value_has_its_name() {
        let table: toml::Table =
            "api_key = \"x\"\n[[models]]\nid = \"a\"\n[[models]]\nid = \"b\"\nwindow = 5\n\
                                  [deep.er]\ntoken_env = \"T\"\nlist = [\"a\", \"b\"]"
                .parse()
                .unwrap();
        let mut found = Vec::new();
        add("t".to_owned(), &toml::Value::Table(table), &mut found);
        let shown: Vec<String> = found
            .iter()
            .map(|value| {
                format!("{}={}{}", value.name, value.value, if value.is_secret { " secret" } else { "" })
            })
            .collect();
        for line in [
            "t.api_key=\"x\" secret",
            "t.models[1].id=\"a\"",
            "t.models[2].window=5",
            "t.deep.er.token_env=\"T\"",
            "t.deep.er.list=[\"a\", \"b\"]",
        ] {
            assert!(shown.iter().any(|shown| shown == line), "{line} is not in {shown:?}");
        }
    }
}
