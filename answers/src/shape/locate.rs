//! Finds the findings of an answer wherever a model puts them, and takes out those that it reads.
//!
//! What is not understood stays where it was, so that the caller can deliver it.

use exai_core::Severity;
use serde_json::{Map, Value};

use super::{
    finding::{Hints, RawFinding, is_empty},
    looks::{has_answer_keys, looks_like_finding},
    names::{FINDINGS, FINDINGS_PERHAPS, OWN_LISTS, PATH, SEVERITY, fold, is},
};
use crate::severity::{Said, SeverityWords, bare_score};

/// Most findings that are taken from one answer; those beyond stay in the rest.
const MAX_FINDINGS: usize = 1_000;
/// Deepest nesting of lists and groups.
const DEPTH: u8 = 6;
/// Texts in the place of a list that say that there is nothing.
const NOTHING: [&str; 9] = [
    "none",
    "no findings",
    "no issues",
    "no issues found",
    "no findings found",
    "keine",
    "aucun",
    "ninguno",
    "无",
];

/// The findings that were taken out of an answer.
#[derive(Debug, Default)]
pub(super) struct Taken {
    pub(super) findings: Vec<RawFinding>,
    /// Whether the answer has a list of findings, even an empty one.
    pub(super) has_list: bool,
    /// Whether something in the place of a finding was not understood.
    pub(super) is_partial: bool,
}

/// Takes the findings out of an answer.
pub(super) fn take(answer: &mut Value, words: &SeverityWords) -> Taken {
    let mut locator = Locator { words, taken: Taken::default() };
    locator.answer(answer, 0);
    rate_scores(&mut locator.taken.findings);
    locator.taken
}

/// A bare score above five tells on which scale the others of its answer stand.
fn rate_scores(findings: &mut [RawFinding]) {
    let bare = |finding: &RawFinding| finding.said.word.as_deref().and_then(bare_score);
    if !findings.iter().any(|finding| finding.said.severity != Severity::Unknown && bare(finding).is_some()) {
        return;
    }
    for finding in findings.iter_mut().filter(|finding| finding.said.severity == Severity::Unknown) {
        finding.said.severity = bare(finding).unwrap_or(Severity::Unknown);
    }
}

struct Locator<'w> {
    words: &'w SeverityWords,
    taken: Taken,
}

impl Locator<'_> {
    fn answer(&mut self, answer: &mut Value, depth: u8) {
        match answer {
            Value::Array(elements)
                if elements.iter().any(|element| looks_like_finding(element) || is_group(element)) =>
            {
                self.list(answer, &Hints::default(), depth);
            }
            Value::Object(_) if looks_like_finding(answer) && !is_group(answer) => {
                self.taken.has_list = true;
                self.element(answer, &Hints::default(), depth);
            }
            Value::Object(members) => self.members(members, depth),
            _ => {}
        }
    }

    /// Looks at each member of the answer's object; a single one that is an answer itself is looked into.
    fn members(&mut self, members: &mut Map<String, Value>, depth: u8) {
        let before = self.taken.has_list;
        for (key, value) in members.iter_mut() {
            if let Some(hints) = self.list_name(key, value) {
                self.list(value, &hints, depth);
            } else if is_list_of_groups(value) {
                self.groups(value, depth);
            } else if !is(key, OWN_LISTS) && is_list_of_certain_findings(value) {
                self.list(value, &Hints::default(), depth);
            }
        }
        if self.taken.has_list == before && depth < DEPTH {
            for (key, inner) in members.iter_mut() {
                self.wrapped(key, inner, depth + 1);
            }
        }
        members.retain(|key, value| !(is_emptied(value) && (self.is_list_key(key) || value.is_null())));
    }

    /// An answer inside a member, also as JSON in a text: `{"name": …, "arguments": "{…}"}`.
    fn wrapped(&mut self, key: &str, inner: &mut Value, depth: u8) {
        if let Some(read) = inner.as_str().and_then(json_in) {
            let mut read = read;
            let before = self.taken.findings.len();
            self.answer(&mut read, depth);
            if self.taken.findings.len() > before || read.as_object().is_some_and(has_answer_keys) {
                *inner = read;
            }
            return;
        }
        let is_inside = match inner {
            Value::Object(members) => !is(key, OWN_LISTS) && !members.is_empty(),
            Value::Array(elements) => {
                elements.iter().any(|one| one.as_object().is_some_and(|one| one.len() < 8))
                    && !is(key, OWN_LISTS)
            }
            _ => false,
        };
        if !is_inside {
            return;
        }
        let hints = self.hint_of(key);
        match inner {
            Value::Object(members) if has_list_inside(members) => {
                let known = self.taken.findings.len();
                self.members(members, depth);
                self.add_hints(known, &hints);
            }
            Value::Object(members) => members.iter_mut().for_each(|(key, value)| {
                if depth < DEPTH {
                    self.wrapped(key, value, depth + 1);
                }
            }),
            Value::Array(elements) => elements.iter_mut().for_each(|element| {
                if let Value::Object(members) = element
                    && depth < DEPTH
                {
                    self.members(members, depth + 1);
                }
            }),
            _ => {}
        }
    }

    /// What a member's name says when it is the name of a list of findings: `critical_issues`, `findings`.
    fn list_name(&self, key: &str, value: &Value) -> Option<Hints> {
        let folded = fold(key);
        if FINDINGS.contains(&folded.as_str()) {
            return Some(Hints::default());
        }
        let looks = || match value {
            Value::Array(elements) => {
                !elements.is_empty() && elements.iter().all(|one| looks_like_finding(one) || is_group(one))
            }
            Value::Object(_) => looks_like_finding(value),
            _ => false,
        };
        if FINDINGS_PERHAPS.contains(&folded.as_str()) {
            return looks().then(Hints::default);
        }
        let head = self
            .severity_before(&folded, FINDINGS)
            .or_else(|| self.severity_before(&folded, FINDINGS_PERHAPS));
        if let Some(said) = head {
            return Some(Hints { said: Some(said), path: None });
        }
        // `{"critical": [...], "high": [...]}` at the top.
        let is_list =
            value.as_array().is_some_and(|list| list.iter().all(|one| one.is_object() || one.is_string()));
        let said = self.words.said(&Value::String(key.to_owned()));
        let is_named =
            said.severity != Severity::Unknown && (looks() || value.as_array().is_some_and(Vec::is_empty));
        (is_list && is_named).then_some(Hints { said: Some(said), path: None })
    }

    fn severity_before(&self, folded: &str, names: &[&str]) -> Option<Said> {
        let head = names.iter().find_map(|name| folded.strip_suffix(name).filter(|head| !head.is_empty()))?;
        let said = self.words.said(&Value::String(head.to_owned()));
        (said.severity != Severity::Unknown).then_some(said)
    }

    fn is_list_key(&self, key: &str) -> bool {
        let folded = fold(key);
        FINDINGS.contains(&folded.as_str())
            || FINDINGS_PERHAPS.contains(&folded.as_str())
            || self.severity_before(&folded, FINDINGS).is_some()
            || self.words.read(key).is_some()
    }

    /// The value in the place of a list of findings.
    fn list(&mut self, value: &mut Value, hints: &Hints, depth: u8) {
        self.taken.has_list = true;
        match value {
            Value::Array(elements) => {
                // The form of a finding without its words is none.
                self.taken.is_partial |= elements.iter().any(|one| one.is_object() && is_empty(one));
                elements.iter_mut().for_each(|element| self.element(element, hints, depth));
                elements.retain(|element| !is_emptied(element));
                self.taken.is_partial |= !elements.is_empty();
            }
            Value::Object(_) if looks_like_finding(value) && !is_group(value) => {
                self.element(value, hints, depth);
            }
            Value::Object(members) => {
                for (key, value) in members.iter_mut() {
                    self.keyed(key, value, hints, depth);
                }
                members.retain(|_, value| !is_emptied(value));
                self.taken.is_partial |= !members.is_empty();
            }
            Value::String(text) => match json_in(text) {
                Some(mut read) if depth < DEPTH => {
                    self.list(&mut read, hints, depth + 1);
                    *value = if is_empty(&read) { Value::Null } else { read };
                }
                _ if NOTHING.contains(&text.trim().trim_end_matches('.').to_lowercase().as_str())
                    || text.trim().is_empty() =>
                {
                    *value = Value::Null;
                }
                _ => self.taken.is_partial = true,
            },
            Value::Null => {}
            Value::Bool(_) | Value::Number(_) => self.taken.is_partial = true,
        }
    }

    /// A member of an object in the place of a list: by severity, by file, or by a number.
    fn keyed(&mut self, key: &str, value: &mut Value, hints: &Hints, depth: u8) {
        let own = self.hint_of(key);
        let is_known = own.said.is_some() || own.path.is_some() || is_id(key);
        let hints = Hints {
            said: own.said.or_else(|| hints.said.clone()),
            path: own.path.or_else(|| hints.path.clone()),
        };
        match value {
            Value::Array(elements) => {
                let is_findings = is_known || elements.iter().all(looks_like_finding);
                if is_findings && depth < DEPTH {
                    self.list(value, &hints, depth + 1);
                }
            }
            Value::Object(_) if is_group(value) || looks_like_finding(value) || is_known => {
                self.element(value, &hints, depth + 1);
            }
            Value::String(_) if is_known => self.element(value, &hints, depth),
            _ => {}
        }
    }

    fn hint_of(&self, key: &str) -> Hints {
        let said = self.words.said(&Value::String(key.to_owned()));
        let said = (said.severity != Severity::Unknown).then_some(said);
        let path = (said.is_none() && is_path(key)).then(|| key.to_owned());
        Hints { said, path }
    }

    /// One element of a list: a finding, a group of findings, a list in the list, or JSON in a text.
    fn element(&mut self, element: &mut Value, hints: &Hints, depth: u8) {
        if self.taken.findings.len() >= MAX_FINDINGS || depth > DEPTH {
            return;
        }
        match element {
            Value::Array(_) => self.list(element, hints, depth + 1),
            Value::Object(_) if is_group(element) => self.group(element, hints, depth),
            Value::String(text) => match json_in(text) {
                Some(mut read) => {
                    self.element(&mut read, hints, depth + 1);
                    *element = read;
                }
                None => self.finding(element, hints),
            },
            _ => self.finding(element, hints),
        }
    }

    fn finding(&mut self, element: &mut Value, hints: &Hints) {
        if let Some(finding) = RawFinding::with_hints(element, hints, self.words) {
            self.taken.findings.push(finding);
            *element = Value::Null;
        }
    }

    fn groups(&mut self, value: &mut Value, depth: u8) {
        self.taken.has_list = true;
        if let Value::Array(elements) = value {
            elements.iter_mut().for_each(|element| self.group(element, &Hints::default(), depth));
            elements.retain(|element| !is_emptied(element));
        }
    }

    /// `{"path": "a.rs", "findings": [...]}`: what names the group holds for each of its findings.
    fn group(&mut self, group: &mut Value, hints: &Hints, depth: u8) {
        let Value::Object(members) = group else { return };
        let path = members.iter().find(|(key, value)| is(key, PATH) && value.is_string());
        let path =
            path.and_then(|(_, value)| value.as_str()).map(str::to_owned).or_else(|| hints.path.clone());
        let said = members.iter().find(|(key, value)| is(key, SEVERITY) && value.is_string());
        let said = said.map(|(_, value)| self.words.said(value)).or_else(|| hints.said.clone());
        let hints = Hints { said, path };
        let before = self.taken.findings.len();
        for (key, value) in members.iter_mut() {
            if let Some(own) = self.list_name(key, value) {
                let hints = Hints { said: own.said.or_else(|| hints.said.clone()), path: hints.path.clone() };
                self.list(value, &hints, depth + 1);
            }
        }
        members.retain(|key, value| !(is_emptied(value) && self.is_list_key(key)));
        // The group's own name says nothing more when each of its findings has it.
        let only_names = members.keys().all(|key| is(key, PATH) || is(key, SEVERITY));
        if only_names && (self.taken.findings.len() > before || members.is_empty() || hints.path.is_some()) {
            *group = Value::Null;
        }
    }

    fn add_hints(&mut self, from: usize, hints: &Hints) {
        for finding in self.taken.findings.iter_mut().skip(from) {
            if finding.path.is_empty()
                && let Some(path) = &hints.path
            {
                finding.path.clone_from(path);
            }
        }
    }
}

/// Whether an object names a group of findings rather than one.
fn is_group(value: &Value) -> bool {
    let Some(members) = value.as_object() else { return false };
    members.iter().any(|(key, list)| {
        is_findings_name(key) && (list.is_array() || list.is_object() && !looks_like_text_holder(key))
    }) && !members.iter().any(|(key, value)| is(key, super::names::QUOTE) && value.is_string())
}

/// `problem` and `issue` may be a text of one finding; their plurals are lists.
fn looks_like_text_holder(key: &str) -> bool {
    is(key, super::names::SUBJECT)
}

fn is_findings_name(key: &str) -> bool {
    is(key, FINDINGS) || is(key, FINDINGS_PERHAPS)
}

fn is_list_of_groups(value: &Value) -> bool {
    value.as_array().is_some_and(|elements| !elements.is_empty() && elements.iter().all(is_group))
}

/// Whether every element says how severe it is, where it is and what it is: no other list does.
fn is_list_of_certain_findings(value: &Value) -> bool {
    let certain = |element: &Value| {
        looks_like_finding(element)
            && element.as_object().is_some_and(|one| one.keys().any(|key| is(key, SEVERITY)))
    };
    value.as_array().is_some_and(|elements| !elements.is_empty() && elements.iter().all(certain))
}

fn has_list_inside(members: &Map<String, Value>) -> bool {
    has_answer_keys(members) || members.keys().any(|key| is_findings_name(key))
}

/// Whether everything in it was taken out.
fn is_emptied(value: &Value) -> bool {
    is_empty(value)
}

/// `F1`, `2`, `SEC-001`, `finding_3`.
fn is_id(key: &str) -> bool {
    let digits = key.chars().filter(char::is_ascii_digit).count();
    digits > 0
        && key.chars().count() <= 16
        && key.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '#' | '.'))
}

/// A name with a folder or an extension.
fn is_path(key: &str) -> bool {
    let name = key.rsplit(['/', '\\']).next().unwrap_or(key);
    let name = name.split(':').next().unwrap_or(name);
    let has_extension = name.rsplit_once('.').is_some_and(|(stem, extension)| {
        !stem.is_empty()
            && (1..=10).contains(&extension.len())
            && extension.chars().all(|c| c.is_ascii_alphanumeric())
    });
    !key.contains(' ') && (has_extension || key.contains('/') && !key.starts_with("//"))
}

/// The JSON object or array that a text is.
fn json_in(text: &str) -> Option<Value> {
    let text = text.trim();
    if !text.starts_with(['{', '[']) {
        return None;
    }
    serde_json::from_str(text).ok()
}
