//! The end of an investigation without a model: the offline inspection of the same evidence.

use std::sync::Arc;

use exai_context::files::{Origin, Wanted};
use exai_core::{
    Finding, Severity,
    thread::{Answer, TurnBody},
};

use super::{End, InspectedEnd, StepOutcome, StoredStep, changes::always_reads, request::wanted_files};
use crate::{
    call::Call, engine::Engine, error::EngineError, named_files::check_readable, prompt_files::gather,
};
use exai_inference::delivery::Unwritten;

/// Tokens of files that the inspection reads; it has no window, only patience.
const INSPECTION_TOKENS: u32 = 8_000_000;

impl Engine {
    /// Inspects the evidence with the rules that need no model.
    pub(super) async fn inspect(
        &self,
        stored: StoredStep<'_>,
        by_request: bool,
        call: &Call,
    ) -> Result<StepOutcome, EngineError> {
        let changes = self.packed_changes(&stored, INSPECTION_TOKENS, true, call).await?;
        let mut wanted = wanted_files(&stored);
        wanted.extend(changes.on_disk.iter().map(|path| Wanted { path: path.clone(), from: Origin::Call }));
        let gathered = gather(call, wanted, INSPECTION_TOKENS, None).await?;
        let changed = stored.changes.filter(|changes| changes.tells_lines()).map(|_| changes.added.clone());
        let only_changes = always_reads(stored.spec);
        let gathered = gathered.beside(changes);
        check_readable("relevant_files", !stored.step.relevant_files.is_empty(), &gathered)?;
        let files = Arc::clone(&gathered.files);
        let inspection =
            tokio::task::spawn_blocking(move || exai_inspect::inspect(&files)).await.map_err(|error| {
                EngineError::Internal {
                    what: "the inspection failed".to_owned(),
                    source: Some(Box::new(error)),
                }
            })?;
        let mut findings: Vec<Finding> =
            inspection.findings.into_iter().map(|located| located.finding).collect();
        if let Some(changed) = changed {
            // What stood there before is not what the check is about.
            findings.retain(|finding| match changed.get(&finding.path) {
                Some(lines) => lines.contains(&finding.line),
                None => !only_changes,
            });
        }
        findings.extend(exai_inspect::keys_in(&gathered.report));
        findings.sort_by_key(|finding| finding.severity);
        let text = serde_json::json!({ "findings": findings }).to_string();
        let answer = TurnBody::Answer(Answer { text, files: gathered.file_refs(), ..Answer::default() });
        let persisted = self
            .threads
            .append_next(stored.appended, stored.spec.name, answer, Unwritten::default(), call)
            .await;
        let Filtered { findings, left_out: left_out_findings } = filtered(findings, &stored);
        let end = InspectedEnd {
            by_request,
            hint: self.settings.hints.configure.clone(),
            findings,
            left_out_findings,
            facts: inspection.facts,
            notes: inspection.notes,
            files: gathered.report,
        };
        Ok(stored.outcome(self, End::Inspected(Box::new(end)), persisted, 1))
    }
}

/// The findings that the caller asked for.
pub(super) struct Filtered {
    pub findings: Vec<Finding>,
    /// How many are below the severity that the caller asked for.
    pub left_out: usize,
}

/// Leaves out what is below the severity that the caller asked for, and counts it.
pub(super) fn filtered(findings: Vec<Finding>, stored: &StoredStep<'_>) -> Filtered {
    let set = stored.work.iter().rev().find_map(|step| step.extra.get("severity_filter"));
    let Some(least) = set.and_then(serde_json::Value::as_str).and_then(Severity::parse) else {
        return Filtered { findings, left_out: 0 };
    };
    let before = findings.len();
    let kept: Vec<Finding> = findings.into_iter().filter(|finding| finding.severity.reaches(least)).collect();
    let left_out = before - kept.len();
    Filtered { findings: kept, left_out }
}
