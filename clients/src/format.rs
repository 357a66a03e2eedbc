//! The files of clients, read as strictly as each client reads its own.

use std::{fs, path::Path};

use jsonc_parser::ParseOptions;
use serde_json::Value;

/// What a client takes for a configuration.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// JSON and nothing else.
    Strict,
    /// JSON with comments.
    Comments,
    /// JSON with comments and with commas at the end of a list.
    Lenient,
    /// JSON; whether comments are taken is nowhere documented.
    Unsure,
    /// TOML.
    Toml,
    /// YAML, of which JSON is a part.
    Yaml,
}

/// A file that was read.
pub(crate) struct Read {
    pub document: Value,
    /// What the client might stumble over.
    pub doubt: Option<String>,
}

/// Why a file was not read.
pub(crate) enum Unread {
    /// The client cannot read it either.
    Wrong(String),
    /// The client may well read it, and this program does not.
    Foreign(String),
}

/// Reads a file as its client does.
pub(crate) fn read(file: &Path, format: Format) -> Result<Read, Unread> {
    let text = fs::read_to_string(file).map_err(|error| Unread::Wrong(error.to_string()))?;
    let read = |document| Read { document, doubt: None };
    let format = match file.extension().and_then(|extension| extension.to_str()) {
        Some("toml") => Format::Toml,
        Some("yaml" | "yml") => Format::Yaml,
        _ => format,
    };
    match format {
        Format::Toml => toml::from_str(&text)
            .map(read)
            .map_err(|error| Unread::Wrong(toml::de::Error::message(&error).to_owned())),
        Format::Strict => strict(&text).map(read).map_err(|why| {
            Unread::Wrong(match loose(&text, true, true) {
                Ok(_) => format!("{why}; this client takes no comments and no comma behind the last entry"),
                Err(_) => why,
            })
        }),
        Format::Comments => loose(&text, true, false).map(read).map_err(Unread::Wrong),
        Format::Lenient => loose(&text, true, true).map(read).map_err(Unread::Wrong),
        Format::Yaml => strict(&text).map(read).map_err(|_| {
            Unread::Foreign(
                "only YAML that is JSON as well is read here, so its entries are not tried".to_owned(),
            )
        }),
        Format::Unsure => strict(&text).map(read).or_else(|why| {
            let document = loose(&text, true, true).map_err(|_| Unread::Wrong(why.clone()))?;
            Ok(Read { document, doubt: Some(why) })
        }),
    }
}

/// Reads a file whose client is not known yet.
pub(crate) fn peek(file: &Path) -> Option<Value> {
    read(file, Format::Unsure).ok().map(|read| read.document)
}

fn strict(text: &str) -> Result<Value, String> {
    serde_json::from_str(text).map_err(|error| error.to_string())
}

fn loose(text: &str, allow_comments: bool, allow_trailing_commas: bool) -> Result<Value, String> {
    let options = ParseOptions {
        allow_comments,
        allow_trailing_commas,
        allow_loose_object_property_names: false,
        allow_missing_commas: false,
        allow_single_quoted_strings: false,
        allow_hexadecimal_numbers: false,
        allow_unary_plus_numbers: false,
        allow_bare_decimal_point_numbers: false,
        allow_non_finite_numbers: false,
        allow_extended_string_escapes: false,
    };
    jsonc_parser::parse_to_serde_value::<Value>(text, &options).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_client_has_its_own_strictness() {
        let folder = std::env::temp_dir().join(format!("exai-doctor-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let file = folder.join("entry.json");
        for (text, strict, comments, lenient) in [
            ("{\"a\": 1}", true, true, true),
            ("{\"a\": 1 // one\n}", false, true, true),
            ("{\"a\": [1, 2,],}", false, false, true),
            ("{a: 1}", false, false, false),
            ("{\"a\": 'x'}", false, false, false),
            ("{\"a\": 1 \"b\": 2}", false, false, false),
        ] {
            fs::write(&file, text).unwrap();
            let takes = |format| read(&file, format).is_ok();
            assert_eq!(
                (takes(Format::Strict), takes(Format::Comments), takes(Format::Lenient)),
                (strict, comments, lenient),
                "{text}"
            );
            let unsure = read(&file, Format::Unsure).ok().map(|read| read.doubt.is_some());
            assert_eq!(unsure, lenient.then_some(!strict), "{text}");
        }
        fs::remove_dir_all(&folder).unwrap();
    }
}
