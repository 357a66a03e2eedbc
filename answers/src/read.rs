//! Reads an expert's answer, whatever its form, and says how far it was understood.

use serde_json::Value;

use crate::{
    coverage, doubt, forms,
    json_repair::{self, Parsed, Repair},
    reading::{Reading, Understood},
    severity::SeverityWords,
    shape::ExpertAnswer,
};

/// Lists that are a tool's result beside or instead of findings.
const RESULTS: [&str; 2] = ["hypotheses", "tests"];

/// How answers are read.
#[derive(Debug, Clone, Copy)]
pub struct Rules<'a> {
    /// The words for severities.
    pub words: &'a SeverityWords,
    /// Statuses of answers that have no list of findings.
    pub without_findings: &'a [&'a str],
    /// Whether a program decides by the findings: then what stands beside them must certainly report nothing more. A person reads it.
    pub for_gate: bool,
}

/// Reads an answer that was asked for as one JSON object: as JSON, as damaged, escaped or full-width JSON, as JSON lines, as YAML, as a
/// Markdown table or list.
#[must_use]
pub fn read(text: &str, rules: Rules<'_>) -> Reading {
    let words = rules.words;
    let json = as_json(text, rules);
    if json.understood == Understood::Whole {
        return json;
    }
    let others = [forms::json_lines(text), forms::unescaped(text), forms::half_width(text)];
    let again = others.into_iter().flatten().map(|text| as_json(&text, rules));
    let best = again.fold(json, |best, other| if is_better(&other, &best) { other } else { best });
    let best = inside(&best).map_or(best.clone(), |inner| inner_reading(&inner, text, &best, rules));
    if best.understood == Understood::Whole {
        return best;
    }
    let yaml = forms::yaml(text).map(|yaml| of_yaml(yaml, text, rules));
    let best = yaml.into_iter().fold(best, |best, yaml| if is_better(&yaml, &best) { yaml } else { best });
    let has_findings = best.answer.as_ref().is_some_and(|answer| !answer.findings.is_empty());
    let markdown = if has_findings { None } else { forms::markdown(text, words) };
    markdown.unwrap_or(best)
}

/// The longest text in an answer of which no finding was read, when it may be the answer: `{"choices": [{"message": {"content": …}}]}`.
fn inside(reading: &Reading) -> Option<String> {
    let answer =
        reading.answer.as_ref().filter(|answer| answer.findings.is_empty() && !answer.has_findings)?;
    fn longest(value: &Value) -> Option<&str> {
        match value {
            Value::String(text) => Some(text),
            Value::Array(elements) => elements.iter().filter_map(longest).max_by_key(|text| text.len()),
            Value::Object(members) => members.values().filter_map(longest).max_by_key(|text| text.len()),
            Value::Null | Value::Bool(_) | Value::Number(_) => None,
        }
    }
    longest(&answer.value).filter(|text| text.contains('{')).map(str::to_owned)
}

/// The answer inside another one. What is around it is not in its parts, so that it is never the whole.
fn inner_reading(inner: &str, text: &str, outer: &Reading, rules: Rules<'_>) -> Reading {
    let mut reading = as_json(inner, rules);
    if !is_better(&reading, outer) {
        return outer.clone();
    }
    if reading
        .answer
        .as_ref()
        .is_some_and(|answer| coverage::misses(text, answer, &reading.remarks, rules.words))
    {
        reading.understood = Understood::Partly;
    }
    reading
}

/// Whether one reading says more than another.
fn is_better(one: &Reading, other: &Reading) -> bool {
    let worth = |reading: &Reading| {
        let findings = reading.answer.as_ref().map_or(0, |answer| answer.findings.len());
        (reading.answer.is_some(), findings, reading.understood == Understood::Whole)
    };
    worth(one) > worth(other)
}

fn as_json(text: &str, rules: Rules<'_>) -> Reading {
    let Parsed { value, repaired, span } = json_repair::parse(text);
    let Some(value) = value else { return Reading::NOTHING };
    let remarks = remarks(text, &span);
    let mut reading = of_value(value, remarks, text, rules);
    if repaired == Repair::Salvaged && reading.understood == Understood::Whole {
        reading.understood = Understood::Partly;
    }
    reading
}

fn of_yaml(yaml: forms::Yaml, text: &str, rules: Rules<'_>) -> Reading {
    let mut reading = of_value(yaml.value, yaml.remarks, text, rules);
    if yaml.is_cut && reading.understood == Understood::Whole {
        reading.understood = Understood::Partly;
    }
    reading
}

fn of_value(value: Value, remarks: String, text: &str, rules: Rules<'_>) -> Reading {
    let words = rules.words;
    let answer = ExpertAnswer::from_value(value, words);
    let status = answer.status.as_deref();
    let needs_no_list = status.is_some_and(|status| rules.without_findings.contains(&status));
    let has_result =
        needs_no_list || answer.has_findings || RESULTS.iter().any(|name| answer.rest.contains_key(*name));
    let says_nothing =
        answer.summary.trim().is_empty() && answer.findings.is_empty() && !has_text(&answer.rest);
    let understood = if says_nothing {
        Understood::Nothing
    } else if answer.is_partial
        || !has_result
        || forms::may_hold_findings(&remarks, words)
        || coverage::misses(text, &answer, &remarks, words)
        || (rules.for_gate && doubt::hides_something(&answer, &remarks, words))
    {
        Understood::Partly
    } else {
        Understood::Whole
    };
    Reading { answer: Some(answer), understood, remarks }
}

fn has_text(rest: &serde_json::Map<String, Value>) -> bool {
    rest.values().any(|value| match value {
        Value::String(text) => !text.trim().is_empty(),
        Value::Array(elements) => !elements.is_empty(),
        Value::Object(members) => !members.is_empty(),
        Value::Null | Value::Bool(_) | Value::Number(_) => false,
    })
}

/// What stands around the answer, without the fence and the words that name its language.
fn remarks(text: &str, span: &std::ops::Range<usize>) -> String {
    if span.is_empty() {
        return String::new();
    }
    let part = |part: Option<&str>| {
        let bare =
            part.unwrap_or_default().trim().trim_matches(|c: char| matches!(c, '`' | '~' | ';' | '"')).trim();
        let bare = bare.strip_suffix("json").or_else(|| bare.strip_suffix("JSON")).unwrap_or(bare);
        bare.trim().trim_matches('`').trim().to_owned()
    };
    let parts = [part(text.get(..span.start)), part(text.get(span.end..))];
    parts.into_iter().filter(|part| part.chars().any(char::is_alphanumeric)).collect::<Vec<_>>().join("\n\n")
}
