//! What the tests of reading share.

use std::{fs, path::PathBuf};

use exai_answers::{
    json_repair::parse,
    severity::SeverityWords,
    shape::{ExpertAnswer, RawFinding},
};

/// The committed texts whose file name starts with `prefix`, by name. They are also the seeds of the fuzz target.
pub(crate) fn corpus(prefix: &str) -> Vec<(String, String)> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/corpus/json_repair");
    let mut files: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .map(|path| {
            (path.file_name().unwrap().to_str().unwrap().to_owned(), fs::read_to_string(&path).unwrap())
        })
        .filter(|(name, _)| name.starts_with(prefix))
        .collect();
    files.sort();
    assert!(!files.is_empty(), "no corpus files called {prefix}*");
    files
}

/// The findings that are read from `text`.
pub(crate) fn findings(text: &str) -> Vec<RawFinding> {
    parse(text).value.map(|value| from_value(value).findings).unwrap_or_default()
}

/// The answer that is read from `text`.
pub(crate) fn answer(text: &str) -> ExpertAnswer {
    from_value(parse(text).value.unwrap_or_else(|| panic!("nothing read from {text}")))
}

/// The answer in a value, read with the built-in words.
pub(crate) fn from_value(value: serde_json::Value) -> ExpertAnswer {
    ExpertAnswer::from_value(value, &SeverityWords::default())
}
