//! The end of an investigation: the one consultation.

use std::sync::Arc;

use exai_context::{
    citations,
    evidence::EvidenceFile,
    files::hash_of,
    json_repair::{self, ExpertAnswer},
};
use exai_core::{
    Finding, Verified,
    run::Phase,
    thread::{Answer, AnsweredBy, Body, UserMessage},
};

use futures::FutureExt as _;

use super::{
    Begun, End, ExpertEnd, StepOutcome,
    inspected::filtered,
    spec::{ExpertRule, Promotion},
};
use crate::{
    call::Call,
    engine::Engine,
    error::EngineError,
    gather::Gathered,
    inference::{
        expert::Answered,
        expert::Delivery,
        expert::Question,
        fallback::InTurn,
        routing::{Choice, Source},
    },
    round::Round,
};

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
        let question = Question {
            tool: begun.spec.name,
            prompt_version: self.settings.wording.version(rule.prompt),
            thread: begun.thread_id(),
            choice,
            request,
            fresh: begun.input.fresh,
            allow_stale: begun.input.allow_stale,
            is_last: true,
            prologue: Vec::new(),
        };
        let render = |choice: Choice| {
            let begun = &begun;
            async move { self.expert_request(begun, rule, &choice, call).await }.boxed()
        };
        let add_files = begun.input.add_files;
        let InTurn { round, choice, dropped_turns, passed_over } =
            self.consult_in_turn(question, (gathered, dropped_turns), add_files, render, call).await?;
        let without_web = begun.input.web_search && !choice.provider.searches_web(&choice.model);
        let told = choice.told(self.clock.now());
        let Round { answered: Answered { delivery, unwritten, .. }, gathered, first } = round;
        call.phase(Phase::Checking);
        let (answer, findings) = read_answer(&delivery, &gathered, call).await?;
        let (findings, left_out_findings) = filtered(findings, &begun);
        let citations = match answer {
            Some(_) => Vec::new(),
            None => citations::cite_text(&delivery.consulted.reply.text, &gathered.files),
        };
        let promoted = answer.as_ref().and_then(|answer| promotion(rule, answer));
        let body = Body::Answer(Answer {
            text: delivery.consulted.reply.text.clone(),
            model: Some(AnsweredBy {
                provider: delivery.consulted.provider.clone(),
                model: delivery.consulted.model.clone(),
            }),
            opaque: delivery.consulted.reply.opaque.clone(),
            run: Some(delivery.consulted.run),
            files: gathered.file_refs(),
            ..Answer::default()
        });
        // An expert that asks for more has not ended the work: its steps must still count in the next call.
        let body = if promoted.is_some_and(|promoted| !promoted.answers) {
            Body::Message(asked_for_more(&delivery, &gathered))
        } else {
            body
        };
        let persisted =
            self.threads.append_next(begun.appended, begun.spec.name, body, unwritten, call).await;
        let end = ExpertEnd {
            delivery,
            first,
            without_web,
            told,
            passed_over,
            answer,
            promoted,
            findings,
            citations,
            left_out_findings,
            files: gathered.report,
            dropped_turns,
        };
        Ok(begun.outcome(self, End::Expert(Box::new(end)), persisted, 1))
    }

    pub(super) async fn end_without_model(
        &self,
        begun: Begun<'_>,
        end: End,
        call: &Call,
    ) -> Result<StepOutcome, EngineError> {
        // An answer without text marks the end of this piece of work; it is never shown to a model.
        let persisted = self
            .threads
            .append_next(begun.appended, begun.spec.name, Body::Answer(Answer::default()), Vec::new(), call)
            .await;
        Ok(begun.outcome(self, end, persisted, 1))
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
            delivery.consulted.reply.text.trim()
        ),
        files: gathered.file_refs(),
        ..UserMessage::default()
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
        let mut answer = json_repair::parse(&consulted.reply.text).value.map(ExpertAnswer::from_value);
        let raw = answer.as_mut().map(|answer| std::mem::take(&mut answer.findings)).unwrap_or_default();
        let mut findings = citations::check_findings(raw, &files);
        // What is only staged or committed is not on disk, and has no hash to compare.
        let changed = |file: &EvidenceFile| {
            !file.hash.is_empty() && hash_of(&roots, &file.absolute).is_none_or(|hash| hash != file.hash)
        };
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
