//! Whether an answer that was read says more than its findings: that something is severe, that the review was not made, or that it goes on
//! elsewhere. Such an answer contradicts itself, and a list of mild findings in it is not the whole.

mod phrases;

use exai_core::Severity;
use serde_json::{Map, Value};

use self::phrases::{
    APPROVALS, BENIGN, COMPLETE, CONTRADICTING_STATUSES, FAILURES, INCOMPLETE, REJECTIONS, TOTALS, UNMADE,
};
use crate::{
    inert,
    severity::SeverityWords,
    shape::{
        ExpertAnswer, looks_like_finding,
        names::{OWN_LISTS, SEVERITY, fold},
    },
};

/// Deepest nesting that is searched.
const DEPTH: u8 = 8;

/// Whether no gate would pass the findings, so that nothing beside them can change what a gate says.
pub(crate) fn is_decided(answer: &ExpertAnswer) -> bool {
    answer.findings.iter().any(|finding| decides(finding.said.severity))
}

/// Whether a finding of this severity fails a gate at any level.
#[must_use]
pub fn decides(severity: Severity) -> bool {
    matches!(severity, Severity::Critical | Severity::Unknown)
}

/// Whether the answer, or what stands around it, may report something worse than its findings do.
pub(crate) fn hides_something(answer: &ExpertAnswer, remarks: &str, words: &SeverityWords) -> bool {
    if is_decided(answer) {
        return false;
    }
    let search = Search {
        words,
        worst: answer.findings.iter().map(|finding| finding.said.severity).min(),
        count: answer.findings.len(),
    };
    let status = answer.status.as_deref().map(str::to_lowercase).unwrap_or_default();
    let said = std::iter::once(&answer.summary).chain(&answer.next_steps);
    !inert::is_inert(remarks, !answer.findings.is_empty())
        || CONTRADICTING_STATUSES.iter().any(|part| status.contains(part))
        || said.into_iter().any(|text| search.text(text))
        || says_nothing_was_made(&answer.summary)
        || answer.findings.is_empty() && !crate::citations::cite_text(&answer.summary, &[]).is_empty()
        || search.members(&answer.rest, 0)
        || answer.findings.iter().any(|finding| search.more(&finding.more))
}

struct Search<'w> {
    words: &'w SeverityWords,
    /// The worst of the findings.
    worst: Option<Severity>,
    count: usize,
}

impl Search<'_> {
    fn is_worse(&self, severity: Severity) -> bool {
        self.worst.is_none_or(|worst| severity < worst)
    }

    /// Whether a text speaks of something worse than the findings.
    fn text(&self, text: &str) -> bool {
        severe_in(text).is_some_and(|severity| self.is_worse(severity))
    }

    /// What the answer says beside the parts that every answer has.
    fn members(&self, members: &Map<String, Value>, depth: u8) -> bool {
        members.iter().any(|(key, value)| {
            !is_nothing(value) && self.member(key, value, depth) || self.denies(key, value)
        })
    }

    fn member(&self, key: &str, value: &Value, depth: u8) -> bool {
        let name = fold(key);
        let is_in = |names: &[&str]| names.contains(&name.as_str());
        let plain = key.replace(['_', '-'], " ");
        let is_mild = matches!(value, Value::Bool(false));
        let named = phrases::named_by(&plain);
        !is_mild && named.is_some_and(|severity| self.is_worse(severity))
            || is_in(FAILURES)
            || is_in(INCOMPLETE) && value.as_bool().unwrap_or(false)
            || is_in(TOTALS)
                && value
                    .as_u64()
                    .is_some_and(|total| usize::try_from(total).is_ok_and(|total| total > self.count))
            || self.value(value, OWN_LISTS.contains(&name.as_str()) || is_praise(&name), depth)
    }

    /// `"approved": false`, `"complete": "no"`
    fn denies(&self, key: &str, value: &Value) -> bool {
        let is_no = value.as_bool() == Some(false)
            || value
                .as_str()
                .is_some_and(|word| matches!(word.trim().to_lowercase().as_str(), "no" | "false"));
        let name = fold(key);
        is_no
            && (COMPLETE.contains(&name.as_str())
                || APPROVALS.contains(&name.as_str()) && self.is_worse(Severity::Medium))
    }

    fn value(&self, value: &Value, is_own: bool, depth: u8) -> bool {
        if depth > DEPTH {
            return true;
        }
        match value {
            Value::String(text) => {
                self.text(text) || !is_own && says_nothing_was_made(text) && self.count == 0
            }
            Value::Array(elements) => elements.iter().any(|element| self.value(element, is_own, depth + 1)),
            Value::Object(members) => {
                let rated = members.iter().find(|(key, _)| SEVERITY.contains(&fold(key).as_str()));
                let rated = rated.map(|(_, value)| self.words.said(value).severity);
                let severity =
                    rated.or_else(|| (!is_own && looks_like_finding(value)).then_some(Severity::Unknown));
                severity.is_some_and(|severity| self.is_worse(severity) && severity <= Severity::Unknown)
                    || if is_own {
                        members.values().any(|value| self.value(value, true, depth + 1))
                    } else {
                        self.members(members, depth + 1)
                    }
            }
            Value::Null | Value::Bool(_) | Value::Number(_) => false,
        }
    }

    /// What a finding says beside the parts that every finding has: other findings inside it, and sentences.
    fn more(&self, members: &Map<String, Value>) -> bool {
        members.values().any(|value| match value {
            Value::String(text) => text.split_whitespace().count() > 3 && self.text(text),
            Value::Array(_) | Value::Object(_) => self.value(value, false, 0),
            Value::Null | Value::Bool(_) | Value::Number(_) => false,
        })
    }
}

/// The severity of which a text speaks without denying it; `None` when it speaks of none above low.
pub(crate) fn severe_in(text: &str) -> Option<Severity> {
    let lower = text.to_lowercase().replace('’', "'");
    let clauses = || {
        lower
            .split(['.', ',', ';', '!', '?', '\n', '。', '，', '；', '！', '、'])
            .flat_map(|part| part.split(" but "))
    };
    let worst = clauses().filter_map(phrases::severity_of).min();
    let rejects = || REJECTIONS.iter().any(|phrase| lower.contains(phrase)).then_some(Severity::Medium);
    worst.or_else(rejects)
}

/// Whether a text says that no review, or not the whole, was made, or that it stands elsewhere.
fn says_nothing_was_made(text: &str) -> bool {
    let lower = text.trim().to_lowercase().replace('’', "'");
    if matches!(lower.trim_matches(['.', '-', ' ', '…']), "todo" | "tbd" | "n/a" | "placeholder" | "summary")
        || lower.starts_with('<') && lower.ends_with('>')
    {
        return true;
    }
    UNMADE.iter().any(|phrase| {
        lower.match_indices(phrase).any(|(at, _)| {
            let behind = lower.get(at + phrase.len()..).unwrap_or_default().trim_start();
            // "I could not find any problem" is good news.
            !BENIGN.iter().any(|verb| behind.starts_with(verb))
        })
    })
}

fn is_praise(name: &str) -> bool {
    ["positive", "strength", "good", "praise", "well"].iter().any(|part| name.contains(part))
        && !name.contains("negative")
}

/// Whether a value says nothing, or that there is nothing.
fn is_nothing(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Bool(_) => false,
        Value::Number(number) => number.as_f64() == Some(0.0),
        Value::String(text) => text.trim().is_empty() || inert::says_clean(text),
        Value::Array(elements) => elements.iter().all(is_nothing),
        Value::Object(members) => members.values().all(is_nothing),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn hides(value: &Value) -> bool {
        let words = SeverityWords::default();
        hides_something(&ExpertAnswer::from_value(value.clone(), &words), "", &words)
    }

    fn with_summary(summary: &str) -> Value {
        json!({"status": "code_review_complete", "summary": summary, "findings": []})
    }

    #[test]
    fn a_summary_may_be_worse_than_findings() {
        for summary in [
            "Critical: prices come from the client.",
            "There is no check of the price, which is critical.",
            "One serious problem in the cart.",
            "High risk: anyone can empty the cart.",
            "Looks fine, but the token check is exploitable.",
            "严重：未校验价格。",
            "価格を検証しない重大な欠陥があります。",
            "심각한 결함이 있습니다.",
            "Kritisch: Preise kommen vom Kunden.",
            "Do not merge this.",
            "The price at cart.rs:12 comes from the client.",
        ] {
            assert!(hides(&with_summary(summary)), "{summary}");
        }
        for summary in [
            "No critical issues.",
            "None of it is critical.",
            "Nothing critical; the tests could say more.",
            "No issues of critical or high severity were found.",
            "Critical issues: none.",
            "Well written, high quality code.",
            "The critical section is locked as it should be.",
            "没有发现严重问题。",
            "重大な問題はありません。",
            "심각한 문제는 없습니다.",
            "Keine kritischen Fehler gefunden.",
            "Aucun problème critique.",
            "No hay problemas críticos.",
            "I could not find anything wrong.",
            "I did not run the tests; the code does what it should.",
        ] {
            assert!(!hides(&with_summary(summary)), "{summary}");
        }
    }

    #[test]
    fn reviews_that_were_not_made_are_seen() {
        for summary in [
            "I cannot open these files.",
            "Please provide the source.",
            "I only looked at cart.rs.",
            "See the review above.",
            "The review is in the attachment.",
            "<one sentence>",
            "无法审查此代码。",
            "Leider konnte ich nicht alles lesen.",
            "No puedo revisar esto.",
        ] {
            assert!(hides(&with_summary(summary)), "{summary}");
        }
        for status in ["failed", "in_progress", "unable_to_review", "partial"] {
            assert!(hides(&json!({"status": status, "summary": "Fine.", "findings": []})), "{status}");
        }
    }

    #[test]
    fn other_members_may_be_worse_than_findings() {
        for (key, value) in [
            ("notes", json!(["Critical: the cart can be emptied by anyone."])),
            ("blockers", json!(["The cart can be emptied"])),
            ("must_fix", json!("The cart")),
            ("critical_count", json!(2)),
            ("counts", json!({"critical": 1})),
            ("strengths", json!([{"severity": "high", "title": "The cart can be emptied"}])),
            ("outlook", json!([{"file": "cart.rs", "line": 3, "description": "The cart can be emptied"}])),
            ("approved", json!(false)),
            ("verdict", json!({"by": "me", "approved": false})),
            ("truncated", json!(true)),
            ("review_complete", json!(false)),
            ("total_findings", json!(3)),
            ("error", json!({"message": "no files"})),
        ] {
            assert!(hides(&json!({"summary": "Fine.", "findings": [], key: value})), "{key}");
        }
        for (key, value) in [
            ("blockers", json!([])),
            ("blocking", json!(false)),
            ("critical_issues_found", json!("none")),
            ("counts", json!({"critical": 0, "high": 0, "low": 0})),
            ("strengths", json!(["Small functions at cart.rs:3"])),
            ("approved", json!(true)),
            ("error", json!(null)),
            ("confidence", json!("high")),
            ("total_findings", json!(0)),
        ] {
            assert!(!hides(&json!({"summary": "Fine.", "findings": [], key: value})), "{key}");
        }
    }
}
