//! The end of an investigation: the one question to the expert.

use exai_answers::{
    ready::hold_back,
    shape::ExpertAnswer,
    status::{self as answer_status, AnswerStatus},
};
use exai_core::{
    Finding, Severity,
    run::Phase,
    thread::{Answer, TurnBody, UserMessage},
};
use futures::FutureExt as _;
use serde_json::{Map, Value};

use super::{
    End, ExpertEnd, StepOutcome, StoredStep,
    offline::{Filtered, filtered},
    read_answer::{ReadAnswer, read_answer},
    reread::Reread,
    spec::{ExpertRule, Promotion},
};
use crate::{
    call::Call,
    engine::Engine,
    error::EngineError,
    turn::{Asking, Turn},
};
use exai_inference::{
    delivery::Unwritten,
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
        let as_object = rule.prompt.answers_in_json();
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
            is_usable: if as_object {
                answer_status::is_usable_object
            } else {
                answer_status::is_usable_text
            },
            choice,
            rendered,
            render: &render,
        };
        let mut turn = self.ask(asking, call).await?;
        call.phase(Phase::Checking);
        let words = &self.settings.severity_words;
        let for_gate = stored.input.needs_findings;
        let read =
            read_answer(&turn.delivery.completion, &turn.gathered, words, rule, for_gate, call).await?;
        let Reread { read, delivery: reread } = self.reread(&stored, rule, &turn, read, call).await;
        let ReadAnswer { mut answer, status, understood, remarks, findings, hypotheses, mentions } = read;
        if let Some(answer) = &mut answer {
            hold_back_commit(&mut answer.rest, &findings, status);
        }
        let Filtered { findings, left_out: left_out_findings } = filtered(findings, &stored);
        let promoted = answer.as_ref().and_then(|answer| promotion(rule, answer));
        // An expert that asks for more or refuses has not ended the work: its steps must still count in the next call.
        let body = if status == AnswerStatus::Refused {
            TurnBody::Message(left_open("[the expert refused]", &turn))
        } else if promoted.is_some_and(|promoted| !promoted.answers) {
            TurnBody::Message(left_open("[the expert asked for more before answering]", &turn))
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
            status,
            understood,
            remarks,
            promoted,
            findings,
            hypotheses,
            mentions,
            reread,
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

/// Takes the expert's word that a change is ready back where something stands against it; what was not read might.
fn hold_back_commit(rest: &mut Map<String, Value>, findings: &[Finding], status: AnswerStatus) {
    let unread = (status != AnswerStatus::Complete).then_some(Severity::Unknown);
    let against = findings.iter().map(|finding| finding.severity).chain(unread);
    let mut held = Value::Object(std::mem::take(rest));
    hold_back(&mut held, against);
    if let Value::Object(held) = held {
        *rest = held;
    }
}

/// The status of an answer when it is one that becomes the caller's.
fn promotion(rule: &ExpertRule, answer: &ExpertAnswer) -> Option<Promotion> {
    let status = answer.status.as_deref()?;
    rule.promoted.iter().find(|promotion| promotion.status == status).copied()
}

/// A turn that leaves the work open.
fn left_open(what: &str, turn: &Turn) -> UserMessage {
    UserMessage {
        text: format!("{what}\n{}", turn.delivery.completion.reply.text.trim()),
        files: turn.gathered.file_refs(),
        request: turn.digest(),
        ..UserMessage::default()
    }
}
