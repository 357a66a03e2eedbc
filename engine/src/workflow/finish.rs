//! The end of an investigation: the one consultation, or what replaces it.

use std::sync::Arc;

use exai_core::{
    Finding, Severity, Verified,
    chat::{Message, Request, Thinking},
    run::Phase,
    thread::{Answer, AnsweredBy, Body},
};

use super::{Begun, Decision, End, ExpertEnd, InspectedEnd, StepOutcome, question, spec::ExpertRule};
use crate::{
    call::Call,
    citations,
    context::{Origin, Wanted, hash_of},
    engine::Engine,
    error::EngineError,
    evidence::EvidenceFile,
    expert::{Answered, Delivery, Question, history, window},
    gather::{Gathered, gather},
    inspect,
    parse::{self, ExpertAnswer},
    routing::{Choice, Source},
};

/// Tokens of files that the offline inspection reads; it has no window, only patience.
const INSPECTION_TOKENS: u32 = 8_000_000;

impl Engine {
    pub(super) async fn consult_at_end(
        &self,
        begun: Begun<'_>,
        rule: &'static ExpertRule,
        source: Source,
        call: &Call,
    ) -> Result<StepOutcome, EngineError> {
        match source {
            Source::Model(choice) => self.ask_expert(begun, rule, *choice, call).await,
            Source::Offline { by_request } => self.inspect(begun, by_request, call).await,
        }
    }

    async fn ask_expert(
        &self,
        begun: Begun<'_>,
        rule: &'static ExpertRule,
        choice: Choice,
        call: &Call,
    ) -> Result<StepOutcome, EngineError> {
        let (request, gathered, dropped_turns) = self.expert_request(&begun, rule, &choice, call).await?;
        let (requested, fallback_reason, window_known) =
            (choice.requested.clone(), choice.fallback_reason, choice.model.window_known);
        let question = Question {
            tool: begun.spec.name,
            prompt_version: rule.prompt.version(),
            thread: begun.thread_id(),
            choice,
            request,
            fresh: begun.input.fresh,
            prologue: Vec::new(),
        };
        let Answered { delivery, unwritten, .. } = self.expert.consult(question, call).await?;
        call.phase(Phase::Checking);
        let (answer, findings) = read_answer(&delivery, &gathered, call).await?;
        let (findings, left_out_findings) = filtered(findings, &begun);
        let promoted = answer
            .as_ref()
            .and_then(|answer| answer.status.clone())
            .filter(|status| rule.promoted.contains(&status.as_str()));
        let body = Body::Answer(Answer {
            text: delivery.consulted.reply.text.clone(),
            model: Some(AnsweredBy {
                provider: delivery.consulted.provider.clone(),
                model: delivery.consulted.model.clone(),
            }),
            opaque: delivery.consulted.reply.opaque.clone(),
            run: Some(delivery.consulted.run),
            files: gathered.file_refs(),
        });
        // An expert that asks for more has not ended the work: its steps must still count in the next call.
        let body = if promoted.as_deref().is_some_and(|status| status != "no_bug_found") {
            Body::Message(asked_for_more(&delivery, &gathered))
        } else {
            body
        };
        let persisted =
            self.threads.append_next(begun.appended, begun.spec.name, body, unwritten, call).await;
        let end = ExpertEnd {
            delivery,
            requested,
            fallback_reason,
            window_known,
            answer,
            promoted,
            findings,
            left_out_findings,
            files: gathered.report,
            dropped_turns,
        };
        Ok(begun.outcome(self, End::Expert(Box::new(end)), persisted, 1))
    }

    async fn expert_request(
        &self,
        begun: &Begun<'_>,
        rule: &ExpertRule,
        choice: &Choice,
        call: &Call,
    ) -> Result<(Request, Gathered, usize), EngineError> {
        let system = rule.prompt.system(self.settings.locale.as_deref());
        let question = question::text(begun);
        let room = window::remaining(&choice.model, &[&system, &question])?;
        let earlier = begun.thread.map(|thread| {
            let asking = history::Asking::Step { tool: begun.spec.name, step: begun.step, work: begun.work };
            let budget = self.history_room(&choice.model, room);
            let history = history::render(thread, asking, choice.provider.id(), budget);
            (history, history::files(thread, asking))
        });
        let (history, earlier_files) = earlier.unwrap_or_default();
        let mut wanted = wanted_files(begun);
        wanted.extend(
            earlier_files
                .into_iter()
                .filter(|file| !wanted.iter().any(|own| own.path == file.path))
                .collect::<Vec<_>>(),
        );
        let gathered =
            gather(call, wanted, room.saturating_sub(history.tokens), self.settings.file_tokens).await?;
        let mut last = String::with_capacity(gathered.text.len() + question.len() + 1);
        last.push_str(&gathered.text);
        if !last.is_empty() {
            last.push('\n');
        }
        last.push_str(&question);
        let mut messages = history.messages;
        messages.push(Message::user(last));
        let request = Request {
            model: choice.model.id.clone(),
            system: system.into(),
            messages: history::alternate(messages),
            temperature: begun.input.temperature,
            thinking: Some(begun.input.thinking.unwrap_or(Thinking::High)),
            max_output_tokens: None,
            json: true,
        };
        // The rendered text lives on in the request; the evidence itself is kept for checking citations.
        Ok((request, Gathered { text: String::new(), ..gathered }, history.dropped))
    }

    async fn inspect(
        &self,
        begun: Begun<'_>,
        by_request: bool,
        call: &Call,
    ) -> Result<StepOutcome, EngineError> {
        let gathered = gather(call, wanted_files(&begun), INSPECTION_TOKENS, None).await?;
        let files = Arc::clone(&gathered.files);
        let inspection =
            tokio::task::spawn_blocking(move || inspect::inspect(&files)).await.map_err(|error| {
                EngineError::Internal {
                    what: "the inspection failed".to_owned(),
                    source: Some(Box::new(error)),
                }
            })?;
        let findings: Vec<Finding> = inspection.findings.into_iter().map(|located| located.finding).collect();
        let text = serde_json::json!({ "findings": findings }).to_string();
        let answer = Body::Answer(Answer { text, files: gathered.file_refs(), ..Answer::default() });
        let persisted =
            self.threads.append_next(begun.appended, begun.spec.name, answer, Vec::new(), call).await;
        let (findings, left_out_findings) = filtered(findings, &begun);
        let end = InspectedEnd {
            by_request,
            findings,
            left_out_findings,
            facts: inspection.facts,
            notes: inspection.notes,
            files: gathered.report,
        };
        Ok(begun.outcome(self, End::Inspected(Box::new(end)), persisted, 1))
    }

    pub(super) async fn end_without_model(
        &self,
        begun: Begun<'_>,
        decision: Decision,
        call: &Call,
    ) -> Result<StepOutcome, EngineError> {
        let end = match decision {
            Decision::Skip => End::Skipped,
            Decision::Local(reason) => End::Local { reason },
            Decision::Plan | Decision::Pause | Decision::Consult(_) => End::Planned,
        };
        // An answer without text marks the end of this piece of work; it is never shown to a model.
        let persisted = self
            .threads
            .append_next(begun.appended, begun.spec.name, Body::Answer(Answer::default()), Vec::new(), call)
            .await;
        Ok(begun.outcome(self, end, persisted, 1))
    }
}

/// The files of the present work, latest mention first: they are the ones that the question is about.
fn wanted_files(begun: &Begun<'_>) -> Vec<Wanted> {
    let mut wanted: Vec<Wanted> = Vec::new();
    for path in begun.work.iter().rev().flat_map(|step| &step.relevant_files) {
        if !wanted.iter().any(|known| known.path == *path) {
            wanted.push(Wanted { path: path.clone(), from: Origin::Call });
        }
    }
    wanted
}

/// Leaves out what is below the severity that the caller asked for, and counts it.
fn filtered(findings: Vec<Finding>, begun: &Begun<'_>) -> (Vec<Finding>, usize) {
    let set = begun.work.iter().rev().find_map(|step| step.extra.get("severity_filter"));
    let Some(least) = set.and_then(serde_json::Value::as_str).and_then(Severity::parse) else {
        return (findings, 0);
    };
    let before = findings.len();
    let kept: Vec<Finding> = findings.into_iter().filter(|finding| finding.severity <= least).collect();
    let left_out = before - kept.len();
    (kept, left_out)
}

fn asked_for_more(delivery: &Delivery, gathered: &Gathered) -> exai_core::thread::UserMessage {
    exai_core::thread::UserMessage {
        text: format!(
            "[the expert asked for more before answering]\n{}",
            delivery.consulted.reply.text.trim()
        ),
        files: gathered.file_refs(),
    }
}

/// Parses the answer, checks what it cites, and marks what has changed on disk since.
async fn read_answer(
    delivery: &Delivery,
    gathered: &Gathered,
    call: &Call,
) -> Result<(Option<ExpertAnswer>, Vec<Finding>), EngineError> {
    let consulted = Arc::clone(&delivery.consulted);
    let files = Arc::clone(&gathered.files);
    let roots = call.roots.roots().await;
    tokio::task::spawn_blocking(move || {
        let mut answer = parse::parse(&consulted.reply.text).value.map(ExpertAnswer::from_value);
        let raw = answer.as_mut().map(|answer| std::mem::take(&mut answer.findings)).unwrap_or_default();
        let mut findings = citations::check_findings(raw, &files);
        let changed =
            |file: &EvidenceFile| hash_of(&roots, &file.absolute).is_none_or(|hash| hash != file.hash);
        if findings.iter().any(|finding| finding.verified == Verified::Yes) {
            citations::mark_stale(&mut findings, &files, &changed);
        }
        (answer, findings)
    })
    .await
    .map_err(|error| EngineError::Internal {
        what: "reading the answer failed".to_owned(),
        source: Some(Box::new(error)),
    })
}
