//! Answers in other forms than the JSON object that was asked for.

mod fullwidth;
mod markdown;

use std::borrow::Cow;

use serde_json::Value;

use crate::{
    severity::SeverityWords,
    shape::{finding_list, has_answer_keys, looks_like_finding, marked},
};

pub(crate) use fullwidth::half_width;
pub(crate) use markdown::read as markdown;

/// The fewest lines that make JSON lines.
const FEWEST_LINES: usize = 2;
/// Longest text that is read as YAML, in bytes: a reader of YAML does far more for each.
const LONGEST_YAML: usize = 512 * 1024;

/// One finding a line, as one list.
pub(crate) fn json_lines(text: &str) -> Option<String> {
    let lines: Vec<&str> = text
        .trim_start_matches('\u{feff}')
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty() && !line.starts_with("```"))
        .collect();
    if lines.len() < FEWEST_LINES {
        return None;
    }
    let values: Vec<Value> = lines
        .iter()
        .map(|line| serde_json::from_str(line.trim_end_matches(',')))
        .collect::<Result<_, _>>()
        .ok()?;
    values.iter().any(looks_like_finding).then(|| Value::Array(values).to_string())
}

/// JSON whose quotes were written as HTML entities.
pub(crate) fn unescaped(text: &str) -> Option<String> {
    let is_escaped =
        ["&quot;", "&#34;", "&#x22;"].iter().any(|entity| text.contains(entity)) && !text.contains("\":");
    match html_escape::decode_html_entities(text) {
        Cow::Owned(plain) if is_escaped => Some(plain),
        _ => None,
    }
}

/// A document in YAML.
pub(crate) struct Yaml {
    pub(crate) value: Value,
    /// What stands around its fence.
    pub(crate) remarks: String,
    /// Whether it ends with a name that has no value: the rest was cut off.
    pub(crate) is_cut: bool,
}

/// The YAML document that the text, or the fenced block in it, is.
pub(crate) fn yaml(text: &str) -> Option<Yaml> {
    let (bare, remarks) = fenced(text).unwrap_or_else(|| (text, String::new()));
    let bare = bare.trim();
    if bare.len() > LONGEST_YAML || bare.starts_with(['{', '[']) || !bare.contains(':') {
        return None;
    }
    let value: Value = serde_saphyr::from_str(bare).ok()?;
    // Any line with a colon is YAML; an answer has names of one.
    let is_answer = value.as_object().is_some_and(has_answer_keys) || finding_list(&value).is_some();
    is_answer.then(|| Yaml { value, remarks, is_cut: bare.ends_with(':') })
}

/// The only fenced block of a text, when it says that it is YAML, and what stands around it.
fn fenced(text: &str) -> Option<(&str, String)> {
    let (before, rest) = text.split_once("```yaml").or_else(|| text.split_once("```yml"))?;
    let (inner, after) = rest.split_once("```")?;
    Some((inner, format!("{}\n\n{}", before.trim(), after.trim()).trim().to_owned()))
}

/// Whether a text that was not read may report something: it has a severity at the beginning of a line, JSON, or a place in a file.
pub(crate) fn may_hold_findings(text: &str, words: &SeverityWords) -> bool {
    let has_json = text.contains("{\"") || text.contains("\":");
    has_json
        || !crate::citations::cite_text(text, &[]).is_empty()
        || text.lines().any(|line| is_marked(line, words))
}

fn is_marked(line: &str, words: &SeverityWords) -> bool {
    let (said, rest) = marked(line, words);
    said.severity <= exai_core::Severity::Low
        && said != crate::severity::Said::nothing()
        && !rest.is_empty()
        && (line.trim_start().starts_with(['[', '*', '-', '#', '(']) || line.contains(':'))
}
