//! What an answer means for a pipeline. Whatever is not known to be good fails.

use exai_core::{Severity, humanize::counted};
use serde_json::Value;

use crate::{cli::RunArgs, exit};

/// Statuses of answers that are no result.
const NO_RESULT: [&str; 4] = ["refused", "unreadable", "truncated", "running"];

/// Why a command does not end with 0.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Verdict {
    /// The exit code.
    pub code: u8,
    /// What is wrong; empty where the answer itself says it.
    pub reasons: Vec<String>,
}

impl Verdict {
    /// The verdict on an answer.
    pub(super) fn of(answer: &Value, is_error: bool, args: &RunArgs) -> Self {
        if is_error {
            let code = answer.get("code").and_then(Value::as_str).unwrap_or_default();
            return Self { code: exit::of_failure(code), reasons: Vec::new() };
        }
        let mut reasons = no_result(answer);
        let Some(least) = args.fail_on.map(Severity::from) else {
            let code = if reasons.is_empty() { 0 } else { exit::NOT_MADE };
            return Self { code, reasons };
        };
        reasons.extend(not_reviewed(answer, args));
        let severe = findings_at_least(answer, least);
        if reasons.is_empty() && severe > 0 {
            let (findings, are) = (counted(severe, "finding"), if severe == 1 { "is" } else { "are" });
            let reason = format!("{findings} {are} {} or worse, or of unknown severity", least.as_str());
            return Self { code: exit::FINDINGS, reasons: vec![reason] };
        }
        let code = if reasons.is_empty() { 0 } else { exit::NOT_MADE };
        Self { code, reasons }
    }
}

/// What makes an answer none, whoever asked for it.
fn no_result(answer: &Value) -> Vec<String> {
    let status = text(answer, "/status");
    NO_RESULT.iter().filter(|word| **word == status).map(|word| format!("the answer is {word}")).collect()
}

/// What keeps an answer from being a review of everything that was asked for.
fn not_reviewed(answer: &Value, args: &RunArgs) -> Vec<String> {
    let mut reasons = Vec::new();
    if nothing_changed(answer) {
        return reasons;
    }
    match text(answer, "/read") {
        "whole" => {}
        "" => reasons.push(format!("no review was made (status {})", text(answer, "/status"))),
        read => reasons.push(format!("the answer was not read as findings ({read})")),
    }
    let by_offline = text(answer, "/metadata/answered_by") == "offline inspection";
    if by_offline && args.model.as_deref() != Some("offline") {
        reasons.push(
            "no model was asked: none is configured; --model offline accepts the local inspection".to_owned(),
        );
    }
    if !answer.get("findings").is_some_and(Value::is_array) {
        reasons.push("the answer has no list of findings".to_owned());
    }
    if answer.pointer("/metadata/findings_below_filter").and_then(Value::as_u64).unwrap_or(0) > 0
        && filter_hides(args)
    {
        reasons.push("severity_filter hides findings that --fail-on looks for".to_owned());
    }
    if !args.allow_partial {
        reasons.extend(unseen(answer));
    }
    reasons
}

/// A change that has no content is made and clean: there is nothing to review.
fn nothing_changed(answer: &Value) -> bool {
    text(answer, "/status") == "local_work_complete"
        && answer.pointer("/changes/files_changed").and_then(Value::as_u64) == Some(0)
        && answer.get("findings").is_none()
}

/// What was named or has changed, and was not shown whole.
fn unseen(answer: &Value) -> Option<String> {
    let unseen = answer.pointer("/metadata/files_summary/unseen").and_then(Value::as_u64).unwrap_or(0);
    let unlisted = answer.pointer("/changes/not_listed").and_then(Value::as_u64).unwrap_or(0);
    if let Some(cut) = answer.pointer("/metadata/prompt_cut").and_then(Value::as_str) {
        return Some(cut.to_owned());
    }
    let files = unseen + unlisted;
    let files = (files > 0).then(|| counted(files, "file"))?;
    Some(format!("{files} not shown to the model, or not whole; --allow-partial accepts that"))
}

fn findings_at_least(answer: &Value, least: Severity) -> usize {
    let findings = answer.get("findings").and_then(Value::as_array);
    let is_severe = |finding: &&Value| {
        let word = finding.get("severity").and_then(Value::as_str);
        word.and_then(Severity::parse).unwrap_or(Severity::Unknown).reaches(least)
    };
    findings.into_iter().flatten().filter(is_severe).count()
}

/// Whether the filter of the call leaves out what the gate looks for.
fn filter_hides(args: &RunArgs) -> bool {
    let set = args
        .arguments
        .iter()
        .filter_map(|pair| pair.split_once('='))
        .find(|(name, _)| name.trim() == "severity_filter");
    let filter = set.and_then(|(_, word)| Severity::parse(word.trim().trim_matches('"')));
    match (filter, args.fail_on.map(Severity::from)) {
        (Some(filter), Some(least)) => filter < least,
        _ => false,
    }
}

fn text<'v>(answer: &'v Value, pointer: &str) -> &'v str {
    answer.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;
    use serde_json::json;

    use super::*;

    /// The arguments of `run`, as the command line reads them.
    #[derive(clap::Parser)]
    struct Line {
        #[command(flatten)]
        run: RunArgs,
    }

    fn args(line: &[&str]) -> RunArgs {
        Line::parse_from(["run", "codereview"].iter().chain(line)).run
    }

    fn code(answer: &Value, line: &[&str]) -> u8 {
        Verdict::of(answer, answer["status"] == "error", &args(line)).code
    }

    fn review(severities: &[&str]) -> Value {
        let findings: Vec<Value> = severities.iter().map(|severity| json!({"severity": severity})).collect();
        json!({"status": "calling_expert_analysis", "read": "whole", "findings": findings,
            "metadata": {"answered_by": "glm/x", "files_summary": {"included": 2, "unseen": 0}, "prompt_cut": null}})
    }

    fn with(mut answer: Value, pointer: &str, value: Value) -> Value {
        *answer.pointer_mut(pointer).unwrap() = value;
        answer
    }

    #[test]
    fn findings_close_the_gate() {
        let gate = ["--fail-on", "high"];
        for (severities, expected) in [
            (&["low", "medium"][..], 0),
            (&[][..], 0),
            (&["low", "high"][..], 1),
            (&["critical"][..], 1),
            (&["unknown"][..], 1),
            (&["a word of tomorrow"][..], 1),
        ] {
            assert_eq!(code(&review(severities), &gate), expected, "{severities:?}");
            assert_eq!(code(&review(severities), &[]), 0, "{severities:?}");
        }
    }

    #[test]
    fn what_was_not_reviewed_closes_it() {
        let gate = ["--fail-on", "critical"];
        let good = review(&["low"]);
        for status in ["refused", "unreadable", "truncated"] {
            let bad = with(good.clone(), "/status", json!(status));
            assert_eq!((code(&bad, &gate), code(&bad, &[])), (3, 3), "{status}");
        }
        for (pointer, value) in [
            ("/read", json!("partly")),
            ("/read", json!("nothing")),
            ("/read", Value::Null),
            ("/findings", json!("none")),
            ("/findings", Value::Null),
            ("/metadata/answered_by", json!("offline inspection")),
            ("/metadata/files_summary/unseen", json!(1)),
            ("/metadata/prompt_cut", json!("the provider has cut the prompt")),
        ] {
            let bad = with(good.clone(), pointer, value.clone());
            assert_eq!(code(&bad, &gate), 3, "{pointer} {value}");
            assert_eq!(code(&bad, &[]), 0, "{pointer} {value}");
        }
        let waiting = json!({"status": "files_required_to_continue", "content": "{}"});
        assert_eq!(code(&waiting, &gate), 3);
        assert_eq!(code(&json!({}), &gate), 3);
        // It is worse not to know than to know of findings.
        let both = with(review(&["critical"]), "/read", json!("partly"));
        assert_eq!(code(&both, &gate), 3);
    }

    #[test]
    fn what_is_accepted_opens_it() {
        let partial = with(review(&[]), "/metadata/files_summary/unseen", json!(7));
        assert_eq!(code(&partial, &["--fail-on", "low", "--allow-partial"]), 0);
        let offline = with(review(&[]), "/metadata/answered_by", json!("offline inspection"));
        assert_eq!(code(&offline, &["--fail-on", "low", "--model", "offline"]), 0);
        let nothing = json!({"status": "local_work_complete", "changes": {"files_changed": 0}});
        assert_eq!(code(&nothing, &["--fail-on", "low"]), 0);
        let hidden = json!({"status": "calling_expert_analysis", "read": "whole", "findings": [],
            "metadata": {"answered_by": "a/b", "findings_below_filter": 2}});
        assert_eq!(code(&hidden, &["--fail-on", "high", "-a", "severity_filter=critical"]), 3);
        assert_eq!(code(&hidden, &["--fail-on", "critical", "-a", "severity_filter=high"]), 0);
    }

    #[test]
    fn failures_have_their_codes() {
        for (failure, expected) in [
            ("invalid_input", 2),
            ("model_not_found", 2),
            ("auth", 3),
            ("file_not_found", 3),
            ("no_model_configured", 3),
            ("", 3),
        ] {
            assert_eq!(code(&json!({"status": "error", "code": failure}), &[]), expected, "{failure}");
        }
    }
}
