//! Reads the expert's answer, checks what it cites, and marks what has changed on disk since.

use std::sync::Arc;

use exai_answers::{
    Rules, Understood,
    citations::{self, check_place},
    read, refusal,
    severity::SeverityWords,
    shape::ExpertAnswer,
    status::AnswerStatus,
};
use exai_context::{
    evidence::EvidenceFile,
    files::{Roots, hash_of},
};
use exai_core::{Citation, Finding, Mention, completion::Completion};
use serde_json::{Map, Value, json};

use super::spec::ExpertRule;
use crate::{call::Call, error::EngineError, prompt_files::Gathered};

/// The list of causes that `debug` asks for.
const HYPOTHESES: &str = "hypotheses";

/// An answer as it was read, without its findings and hypotheses, which were checked.
#[derive(Debug)]
pub(super) struct ReadAnswer {
    pub(super) answer: Option<ExpertAnswer>,
    pub(super) status: AnswerStatus,
    pub(super) understood: Understood,
    /// What the model wrote around its object.
    pub(super) remarks: String,
    pub(super) findings: Vec<Finding>,
    /// In the model's order.
    pub(super) hypotheses: Vec<Value>,
    /// Places in an answer in running text.
    pub(super) mentions: Vec<Mention>,
}

/// Reads an answer that was asked for as an object, or in running text.
pub(super) async fn read_answer(
    completion: &Arc<Completion>,
    gathered: &Gathered,
    words: &Arc<SeverityWords>,
    rule: &'static ExpertRule,
    for_gate: bool,
    call: &Call,
) -> Result<ReadAnswer, EngineError> {
    let (completion, files, words) = (Arc::clone(completion), Arc::clone(&gathered.files), Arc::clone(words));
    let roots = call.roots.roots().await;
    let work = tokio::task::spawn_blocking(move || {
        let promoted: Vec<&str> = rule.promoted.iter().map(|promotion| promotion.status).collect();
        let rules = Rules { words: &words, without_findings: &promoted, for_gate };
        if rule.prompt.answers_in_json() {
            object(&completion, &files, rules, &roots)
        } else {
            running_text(&completion, &files, rules)
        }
    });
    work.await.map_err(|error| EngineError::Internal {
        what: "reading the answer failed".to_owned(),
        source: Some(Box::new(error)),
    })
}

fn object(completion: &Completion, files: &[EvidenceFile], rules: Rules<'_>, roots: &Roots) -> ReadAnswer {
    let reply = &completion.reply;
    let exai_answers::Reading { mut answer, understood, remarks } = read(&reply.text, rules);
    let is_refused = refusal::is_refusal(&reply.text) || answer.as_ref().is_some_and(refusal::is_refused);
    let raw = answer.as_mut().map(|answer| std::mem::take(&mut answer.findings)).unwrap_or_default();
    let mut findings = citations::check_findings(raw, files);
    // What is only staged or committed is not on disk, and has no hash to compare.
    let changed = |file: &EvidenceFile| {
        !file.hash.is_empty() && hash_of(roots, &file.absolute).is_none_or(|hash| hash != file.hash)
    };
    citations::mark_stale(&mut findings, files, &changed);
    let hypotheses = answer.as_mut().and_then(|answer| take_hypotheses(&mut answer.rest)).unwrap_or_default();
    let hypotheses = hypotheses.into_iter().map(|hypothesis| checked(hypothesis, files)).collect();
    let mentions = if answer.is_none() { citations::cite_text(&reply.text, files) } else { Vec::new() };
    let status = AnswerStatus::of(reply, understood, is_refused);
    ReadAnswer { answer, status, understood, remarks, findings, hypotheses, mentions }
}

/// An answer in running text; a model may give the object of a request for files in its place.
fn running_text(completion: &Completion, files: &[EvidenceFile], rules: Rules<'_>) -> ReadAnswer {
    let reply = &completion.reply;
    let answer =
        reply.text.trim_start().starts_with(['{', '`']).then(|| read(&reply.text, rules).answer).flatten();
    ReadAnswer {
        answer: answer.filter(|answer| answer.status.is_some()),
        status: AnswerStatus::of_text(reply),
        understood: Understood::Whole,
        remarks: String::new(),
        findings: Vec::new(),
        hypotheses: Vec::new(),
        mentions: citations::cite_text(&reply.text, files),
    }
}

fn take_hypotheses(rest: &mut Map<String, Value>) -> Option<Vec<Value>> {
    match rest.shift_remove(HYPOTHESES)? {
        Value::Array(list) => Some(list),
        Value::Null => None,
        one @ Value::Object(_) => Some(vec![one]),
        // Anything else stays where the caller sees it as it is.
        other => {
            rest.insert(HYPOTHESES.to_owned(), other);
            None
        }
    }
}

/// A hypothesis with what was found where it cites something.
fn checked(mut hypothesis: Value, files: &[EvidenceFile]) -> Value {
    let Some(members) = hypothesis.as_object_mut() else { return hypothesis };
    let text = |name: &str| members.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
    let line = members.get("line").and_then(Value::as_u64).and_then(|line| u32::try_from(line).ok());
    let place = check_place(&text("path"), line, &text("quote"), files);
    if place.citation != Citation::NotGiven {
        members.insert("path".to_owned(), json!(place.path));
    }
    if place.citation.is_found() {
        members.insert("line".to_owned(), json!(place.line));
    }
    members.insert("citation".to_owned(), json!(place.citation));
    hypothesis
}
