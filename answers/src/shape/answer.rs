//! The typed part of an expert's answer, taken leniently: models vary the names and types of fields.

use exai_core::Severity;
use serde_json::{Map, Value};

use super::field::{Location, lines, location, pick, text};

/// Most findings that are taken from one answer; the whole object is kept as well.
const MAX_FINDINGS: usize = 1_000;
/// Most next steps that are taken.
const MAX_STEPS: usize = 100;
/// Longest title that is made from the detail when there is none, in characters.
const TITLE_CHARS: usize = 120;

const FINDINGS: &[&str] = &["findings", "issues", "issuesfound", "problems", "bugs", "vulnerabilities"];
const PATH: &[&str] = &["path", "file", "filepath", "filename", "location"];
const LINE: &[&str] =
    &["line", "lines", "linenumber", "linenumbers", "startline", "linestart", "linerange", "range"];
const END_LINE: &[&str] = &["endline", "lineend", "toline"];
const QUOTE: &[&str] = &["quote", "snippet", "codesnippet", "code", "excerpt"];
const TITLE: &[&str] = &["title", "name", "headline", "heading", "summary"];
const DETAIL: &[&str] = &[
    "detail",
    "details",
    "description",
    "issue",
    "message",
    "explanation",
    "problem",
    "rootcause",
    "reason",
    "impact",
];
const FIX: &[&str] =
    &["fix", "suggestion", "suggestedfix", "recommendation", "recommendedfix", "minimalfix", "remediation"];
const SEVERITY: &[&str] = &["severity", "level", "priority", "risk"];
const STEPS: &[&str] = &["nextsteps", "nextstep", "nextactions", "actions", "steps"];

/// A finding as the model wrote it; nothing in it is checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RawFinding {
    /// How much it matters; `Medium` when the model's word is not known.
    pub severity: Severity,
    /// The file as the model names it; empty when it names none.
    pub path: String,
    /// First line, from 1, when the model gives one.
    pub line: Option<u32>,
    /// Last line, when the model gives a range.
    pub end_line: Option<u32>,
    /// The cited text.
    pub quote: String,
    /// One line; taken from the detail when the model gives none.
    pub title: String,
    /// Why it matters.
    pub detail: String,
    /// What to change.
    pub fix: String,
}

impl RawFinding {
    /// Reads one finding. A text alone becomes title and detail. `None` when nothing in it could be shown to anyone.
    #[must_use]
    pub fn from_value(value: &Value) -> Option<Self> {
        match value {
            Value::Object(object) => Self::from_object(object),
            Value::String(detail) if !detail.trim().is_empty() => Some(Self::from_text(detail.trim())),
            _ => None,
        }
    }

    fn from_object(object: &Map<String, Value>) -> Option<Self> {
        let field = |names| pick(object, names).map(text).unwrap_or_default();
        let Location { path, lines: place } = pick(object, PATH).map(place_of).unwrap_or_default();
        // `location` may hold the line where `path` has none.
        let beside = || pick(object, &["location"]).and_then(|location| place_of(location).lines);
        let range = pick(object, LINE).and_then(lines).or(place).or_else(beside);
        let line = range.map(|lines| lines.first);
        let end = pick(object, END_LINE)
            .and_then(lines)
            .map(|lines| lines.first)
            .or(range.and_then(|lines| lines.last));
        let detail = field(DETAIL);
        let title = Some(field(TITLE))
            .filter(|title| !title.trim().is_empty())
            .unwrap_or_else(|| title_from(&detail));
        let finding = Self {
            severity: pick(object, SEVERITY).and_then(Value::as_str).map_or(Severity::Medium, severity),
            path,
            line,
            end_line: end.filter(|end| line.is_some_and(|line| *end > line)),
            quote: field(QUOTE),
            title,
            detail,
            fix: field(FIX),
        };
        let says_something = [&finding.title, &finding.detail, &finding.quote, &finding.fix]
            .iter()
            .any(|text| !text.is_empty());
        says_something.then_some(finding)
    }

    fn from_text(detail: &str) -> Self {
        let Location { path, lines: place } =
            location(detail.split_whitespace().next().unwrap_or_default().trim_end_matches([':', ',']));
        let line = place.map(|lines| lines.first);
        Self {
            severity: Severity::Medium,
            path: if line.is_some() { path } else { String::new() },
            line,
            end_line: place.and_then(|lines| lines.last).filter(|end| line.is_some_and(|line| *end > line)),
            quote: String::new(),
            title: title_from(detail),
            detail: detail.to_owned(),
            fix: String::new(),
        }
    }
}

/// What an expert answered, as far as every tool shares it.
#[derive(Debug, Clone, PartialEq)]
pub struct ExpertAnswer {
    /// The status word, when there is one.
    pub status: Option<String>,
    /// The summary; empty when there is none.
    pub summary: String,
    /// The findings, in the model's order.
    pub findings: Vec<RawFinding>,
    /// What to do next.
    pub next_steps: Vec<String>,
    /// The whole answer, for what only one tool knows.
    pub value: Value,
}

impl ExpertAnswer {
    /// Takes what is there; a field of an unexpected type counts as missing. An answer inside one outer key is unwrapped.
    #[must_use]
    pub fn from_value(value: Value) -> Self {
        let list = finding_list(&value).unwrap_or_default();
        // A stray text among objects is no finding; a list of texts is one of findings.
        let has_objects = list.iter().any(Value::is_object);
        let findings = list
            .iter()
            .filter(|finding| finding.is_object() || !has_objects)
            .filter_map(RawFinding::from_value)
            .take(MAX_FINDINGS)
            .collect();
        let empty = Map::new();
        let object = unwrapped(&value).as_object().unwrap_or(&empty);
        let status = pick(object, &["status"]).and_then(Value::as_str).map(|status| status.trim().to_owned());
        let summary = pick(object, &["summary", "overview", "verdict"]).map(text).unwrap_or_default();
        let next_steps = pick(object, STEPS).map(steps).unwrap_or_default();
        Self { status: status.filter(|status| !status.is_empty()), summary, findings, next_steps, value }
    }
}

/// The list of findings of an answer, or the answer itself when it is such a list.
pub(super) fn finding_list(value: &Value) -> Option<&[Value]> {
    match unwrapped(value) {
        Value::Array(elements) => elements.iter().any(looks_like_finding).then_some(elements.as_slice()),
        Value::Object(object) => FINDINGS
            .iter()
            .find_map(|name| pick(object, &[name]).and_then(Value::as_array))
            .map(Vec::as_slice),
        _ => None,
    }
}

/// The answer inside `{"result": {...}}` and the like; the value itself when it has keys of an answer or is no such wrapper.
pub(super) fn unwrapped(value: &Value) -> &Value {
    let Some(object) = value.as_object().filter(|object| object.len() == 1) else { return value };
    let answer_keys = |object: &Map<String, Value>| {
        pick(object, &["status", "summary"]).is_some() || pick(object, FINDINGS).is_some_and(Value::is_array)
    };
    match object.values().next() {
        Some(inner @ Value::Object(members)) if !answer_keys(object) && answer_keys(members) => inner,
        _ => value,
    }
}

/// Whether an object says where something is and what it is.
pub(super) fn looks_like_finding(value: &Value) -> bool {
    let Some(object) = value.as_object() else { return false };
    let place = pick(object, PATH).or_else(|| pick(object, LINE)).or_else(|| pick(object, SEVERITY));
    place.is_some()
        && (pick(object, TITLE).or_else(|| pick(object, DETAIL)).or_else(|| pick(object, QUOTE))).is_some()
}

fn place_of(value: &Value) -> Location {
    match value {
        Value::String(text) => location(text),
        Value::Object(object) => {
            let path = pick(object, PATH).and_then(Value::as_str).map(location);
            let Location { path, lines: inline } = path.unwrap_or_default();
            let lines = lines(value).or_else(|| pick(object, LINE).and_then(lines)).or(inline);
            Location { path, lines }
        }
        _ => Location::default(),
    }
}

/// The first word of a phrase that is a severity: `High (CVSS 8.1)`.
fn severity(phrase: &str) -> Severity {
    Severity::parse(phrase)
        .or_else(|| phrase.split(|c: char| !c.is_alphanumeric()).find_map(Severity::parse))
        .unwrap_or(Severity::Medium)
}

fn title_from(detail: &str) -> String {
    detail.lines().next().unwrap_or_default().trim().chars().take(TITLE_CHARS).collect()
}

fn steps(value: &Value) -> Vec<String> {
    const STEP: &[&str] = &["step", "action", "description", "title", "text", "task"];
    let elements = match value {
        Value::Array(elements) => elements.as_slice(),
        other => std::slice::from_ref(other),
    };
    let step = |element: &Value| {
        element.as_object().and_then(|object| pick(object, STEP)).map_or_else(|| text(element), text)
    };
    elements.iter().map(step).filter(|step| !step.trim().is_empty()).take(MAX_STEPS).collect()
}
