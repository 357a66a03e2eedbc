//! The end of an investigation: the one question to the expert.

use std::sync::Arc;

use exai_answers::{
    citations,
    json_repair::{self, ExpertAnswer},
};
use exai_context::{evidence::EvidenceFile, files::hash_of};
use exai_core::{
    Finding, Verified,
    run::Phase,
    thread::{Answer, TurnBody, UserMessage},
};
use futures::FutureExt as _;

use super::{
    End, ExpertEnd, StepOutcome, StoredStep,
    offline::{Filtered, filtered},
    spec::{ExpertRule, Promotion},
};
use crate::{call::Call, engine::Engine, error::EngineError, prompt_files::Gathered, turn::Asking};
use exai_inference::{
    delivery::{Delivery, Unwritten},
    routing::{Choice, Chosen},
};

impl Engine {
    pub(super) async fn consult_at_end(
        &self,
        stored: StoredStep<'_>,
        rule: &'static ExpertRule,
        chosen: Chosen,
        call: &Call,
    ) -> Result<StepOutcome, EngineError> {
        match chosen {
            Chosen::Model(choice) => self.ask_expert(stored, rule, *choice, call).await,
            Chosen::Offline { by_request } => self.inspect(stored, by_request, call).await,
        }
    }

    async fn ask_expert(
        &self,
        stored: StoredStep<'_>,
        rule: &'static ExpertRule,
        choice: Choice,
        call: &Call,
    ) -> Result<StepOutcome, EngineError> {
        let rendered = self.expert_request(&stored, rule, &choice, call).await?;
        let render = |choice: Choice| {
            let stored = &stored;
            async move { self.expert_request(stored, rule, &choice, call).await }.boxed()
        };
        let asking = Asking {
            tool: stored.spec.name,
            prompt_version: self.settings.wording.version(rule.prompt),
            appended: stored.appended,
            prologue: Vec::new(),
            fresh: stored.input.fresh,
            allow_stale: stored.input.allow_stale,
            add_files: stored.input.add_files,
            web_search: stored.input.web_search,
            choice,
            rendered,
            render: &render,
        };
        let mut turn = self.ask(asking, call).await?;
        call.phase(Phase::Checking);
        let Read { answer, findings } = read_answer(&turn.delivery, &turn.gathered, call).await?;
        let Filtered { findings, left_out: left_out_findings } = filtered(findings, &stored);
        let citations = match answer {
            Some(_) => Vec::new(),
            None => citations::cite_text(&turn.delivery.completion.reply.text, &turn.gathered.files),
        };
        let promoted = answer.as_ref().and_then(|answer| promotion(rule, answer));
        // An expert that asks for more has not ended the work: its steps must still count in the next call.
        let body = if promoted.is_some_and(|promoted| !promoted.answers) {
            TurnBody::Message(asked_for_more(&turn.delivery, &turn.gathered))
        } else {
            TurnBody::Answer(Answer { files: turn.gathered.file_refs(), ..turn.answer() })
        };
        let kept = self.keep(&mut turn, body, call).await;
        let end = ExpertEnd {
            delivery: turn.delivery,
            first: turn.first,
            without_web: turn.without_web,
            provenance: turn.provenance,
            passed_over: turn.passed_over,
            answer,
            promoted,
            findings,
            citations,
            left_out_findings,
            files: turn.gathered.report,
            dropped_turns: turn.dropped_turns,
        };
        Ok(stored.outcome(self, End::Expert(Box::new(end)), kept.persisted, 1))
    }

    pub(super) async fn end_without_model(
        &self,
        stored: StoredStep<'_>,
        end: End,
        call: &Call,
    ) -> Result<StepOutcome, EngineError> {
        // An answer without text marks the end of this piece of work; it is never shown to a model.
        let persisted = self
            .threads
            .append_next(
                stored.appended,
                stored.spec.name,
                TurnBody::Answer(Answer::default()),
                Unwritten::default(),
                call,
            )
            .await;
        Ok(stored.outcome(self, end, persisted, 1))
    }
}

/// The status of an answer when it is one that becomes the caller's.
fn promotion(rule: &ExpertRule, answer: &ExpertAnswer) -> Option<Promotion> {
    let status = answer.status.as_deref()?;
    rule.promoted.iter().find(|promotion| promotion.status == status).copied()
}

fn asked_for_more(delivery: &Delivery, gathered: &Gathered) -> UserMessage {
    UserMessage {
        text: format!(
            "[the expert asked for more before answering]\n{}",
            delivery.completion.reply.text.trim()
        ),
        files: gathered.file_refs(),
        ..UserMessage::default()
    }
}

/// An answer as it was read, without its findings, which were checked.
struct Read {
    answer: Option<ExpertAnswer>,
    findings: Vec<Finding>,
}

/// Parses the answer, checks what it cites, and marks what has changed on disk since.
async fn read_answer(delivery: &Delivery, gathered: &Gathered, call: &Call) -> Result<Read, EngineError> {
    let completion = Arc::clone(&delivery.completion);
    let files = Arc::clone(&gathered.files);
    let roots = call.roots.roots().await;
    tokio::task::spawn_blocking(move || {
        let mut answer = json_repair::parse(&completion.reply.text).value.map(ExpertAnswer::from_value);
        let raw = answer.as_mut().map(|answer| std::mem::take(&mut answer.findings)).unwrap_or_default();
        let mut findings = citations::check_findings(raw, &files);
        // What is only staged or committed is not on disk, and has no hash to compare.
        let changed = |file: &EvidenceFile| {
            !file.hash.is_empty() && hash_of(&roots, &file.absolute).is_none_or(|hash| hash != file.hash)
        };
        if findings.iter().any(|finding| finding.verified == Verified::Yes) {
            citations::mark_stale(&mut findings, &files, &changed);
        }
        Read { answer, findings }
    })
    .await
    .map_err(|error| EngineError::Internal {
        what: "reading the answer failed".to_owned(),
        source: Some(Box::new(error)),
    })
}
