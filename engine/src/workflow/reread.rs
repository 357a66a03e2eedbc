//! One further attempt at an answer that a program has to read: a model puts its own text into the form that was asked for.
//!
//! It is shown the text and nothing else. What it adds to the text is not taken, so that a gate opens for the answer only, never for what was
//! made of it.

use exai_answers::{
    decides, is_inert, left_unsaid, rates, said_in, says_clean,
    status::{AnswerStatus, is_usable_object},
};
use exai_core::{
    Severity,
    chat::{Message, Request, Thinking},
};

use super::{
    StoredStep,
    read_answer::{ReadAnswer, read_answer},
    spec::ExpertRule,
};
use crate::{call::Call, engine::Engine, turn::Turn, window};
use exai_answers::Understood;
use exai_inference::{delivery::Delivery, question::Question, routing::Choice};

/// Stands before and behind the text.
const MARK: &str = "==========";

/// What the further attempt came to.
pub(super) struct Reread {
    pub(super) read: ReadAnswer,
    /// How the attempt was answered; `None` when there was none.
    pub(super) delivery: Option<Delivery>,
}

impl Engine {
    /// Asks the model once more where the caller is a program and its answer was not read. A failure leaves what was read before.
    pub(super) async fn reread(
        &self,
        stored: &StoredStep<'_>,
        rule: &'static ExpertRule,
        turn: &Turn,
        read: ReadAnswer,
        call: &Call,
    ) -> Reread {
        let is_unread = matches!(read.status, AnswerStatus::PartlyRead | AnswerStatus::Unreadable);
        if !stored.input.needs_findings || !is_unread || !rule.prompt.answers_in_json() {
            return Reread { read, delivery: None };
        }
        let text = &turn.delivery.completion.reply.text;
        let system = exai_prompts::texts::reread();
        if window::remaining(&turn.choice.model, &[system, text]).is_err() {
            return Reread { read, delivery: None };
        }
        let asked = Message::user(format!("{MARK}\n{}\n{MARK}", text.trim()));
        let request = Request {
            system: system.into(),
            json: true,
            thinking: Some(Thinking::Minimal),
            ..Request::asking(turn.choice.model.id.clone(), asked)
        };
        let choice = Choice { others: Vec::new(), ..turn.choice.clone() };
        let question = Question {
            thread: Some(stored.appended.thread),
            fresh: false,
            is_usable: is_usable_object,
            ..Question::alone(stored.spec.name, choice, request)
        };
        let answered = match self.inference.complete(question, call).await {
            Ok(answered) => answered,
            Err(failure) => {
                tracing::info!(request_id = %call.request_id, "the answer could not be put into its form: {failure}");
                return Reread { read, delivery: None };
            }
        };
        let delivery = answered.delivery;
        let words = &self.settings.severity_words;
        let again = read_answer(&delivery.completion, &turn.gathered, words, rule, true, call).await;
        let read = match again {
            Ok(again) => accepted(again, read, text),
            Err(_) => read,
        };
        Reread { read, delivery: Some(delivery) }
    }
}

/// The second reading, without what the first text does not say. It is the whole only when nothing was invented and nothing fell away: each
/// line of the text is in a finding or reports nothing.
fn accepted(mut again: ReadAnswer, before: ReadAnswer, text: &str) -> ReadAnswer {
    if again.status != AnswerStatus::Complete {
        return before;
    }
    let found = again.findings.len();
    again.findings.retain(|finding| said_in(text, finding));
    if again.findings.len() < before.findings.len() {
        return before;
    }
    for finding in again.findings.iter_mut().filter(|finding| !rates(text, finding)) {
        finding.severity_word.get_or_insert_with(|| finding.severity.as_str().to_owned());
        finding.severity = Severity::Unknown;
    }
    let is_decided = again.findings.iter().any(|finding| decides(finding.severity));
    let is_whole = if again.findings.is_empty() {
        says_clean(text)
    } else {
        is_decided || is_inert(&left_unsaid(text, &again.findings), true)
    };
    if again.findings.len() < found || !is_whole {
        again.status = AnswerStatus::PartlyRead;
        again.understood = Understood::Partly;
    }
    // What only the first reading has, such as the tests of a tool, stays.
    if let (Some(again), Some(before)) = (&mut again.answer, before.answer) {
        again.rest.extend(before.rest);
        again.status = before.status.or(again.status.take());
    }
    again.hypotheses.extend(before.hypotheses);
    again
}
