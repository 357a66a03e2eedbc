//! The answer of a step that an expert answered.

use exai_core::chat::Finish;
use exai_engine::{
    AnswerStatus, Call, Understood,
    workflow::{ExpertEnd, StepOutcome},
};
use exai_prompts::FILES_REQUIRED;
use serde_json::{Map, Value, json};

use super::{complete, position, thread};
use crate::reply::{
    Answer,
    metadata::{self, Asked},
};

/// The most characters of a free text's first line.
const MAX_OPENING: usize = 300;
/// What is said of a free text or of one that was not read.
const WHOLE_TEXT: &str = "the whole text is in expert_analysis.raw_analysis";

pub(super) fn expert(
    answer: &mut Answer,
    outcome: &StepOutcome,
    end: &ExpertEnd,
    metadata: &mut Map<String, Value>,
    call: &Call,
) {
    let text = end.delivery.completion.reply.text.as_str();
    let asks = end.promoted.is_some_and(|promoted| !promoted.answers);
    answer.put("status", status(end));
    let next_steps = if asks {
        let asked = end.answer.as_ref().map_or_else(|| text.to_owned(), |read| read.value.to_string());
        answer.put("content", asked).put("content_type", "json");
        wanting(end)
    } else {
        answered(answer, outcome, end, text)
    };
    if !asks {
        answer.put("read", end.understood.as_str());
        answer.put("expert_analysis", analysis(end, text));
        if end.status != AnswerStatus::Refused {
            complete::add(answer, outcome);
        }
    }
    answer.put("next_steps", next_steps).put("expert_called", true);
    position(answer, outcome);
    thread(answer, outcome);
    if let Some(reread) = &end.reread {
        metadata.insert("put_into_form_by".to_owned(), metadata::short(reread));
    }
    if end.left_out_findings > 0 {
        metadata.insert("findings_below_filter".to_owned(), json!(end.left_out_findings));
    }
    metadata::add_asked(
        metadata,
        &Asked {
            delivery: &end.delivery,
            first: end.first.as_ref(),
            without_web: end.without_web,
            provenance: &end.provenance,
            passed_over: &end.passed_over,
            dropped_turns: end.dropped_turns,
            files: &end.files,
            call,
        },
    );
}

fn status(end: &ExpertEnd) -> &'static str {
    match end.status {
        AnswerStatus::Complete | AnswerStatus::PartlyRead if end.promoted.is_some() => {
            end.promoted.map_or("", |promoted| promoted.status)
        }
        AnswerStatus::Complete => "calling_expert_analysis",
        unwanted => unwanted.as_str(),
    }
}

/// Puts summary, findings and hypotheses; returns what to do next.
fn answered(answer: &mut Answer, outcome: &StepOutcome, end: &ExpertEnd, text: &str) -> String {
    let after = outcome.spec.after;
    let said = end.answer.as_ref().map(|read| read.summary.trim()).unwrap_or_default();
    answer.put("summary", summary(end, said, text));
    answer.put("findings", json!(end.findings));
    if !end.hypotheses.is_empty() {
        answer.put("hypotheses", json!(end.hypotheses));
    }
    if !end.mentions.is_empty() {
        answer.put("citations", json!(end.mentions));
    }
    let steps = end.answer.as_ref().map(|read| read.next_steps.as_slice()).unwrap_or_default();
    match end.status {
        AnswerStatus::Refused => {
            "Rephrase the request, or name a model of another vendor, with this continuation_id: the work so far is kept."
                .to_owned()
        }
        AnswerStatus::Unreadable | AnswerStatus::PartlyRead => {
            joined(&format!("Read expert_analysis.raw_analysis: what it says is not all in findings. {after}"), steps)
        }
        AnswerStatus::Truncated => joined(
            &format!("The answer broke off: ask for the rest with this continuation_id, or give fewer files. {after}"),
            steps,
        ),
        AnswerStatus::Complete => joined(after, steps),
    }
}

fn summary(end: &ExpertEnd, said: &str, text: &str) -> String {
    let opening = || format!("{} ({WHOLE_TEXT})", opening(text));
    match end.status {
        AnswerStatus::Complete if end.answer.is_none() => opening(),
        AnswerStatus::Complete => said.to_owned(),
        AnswerStatus::Refused => format!(
            "The model refused to answer: {}",
            self::opening(if said.is_empty() { text } else { said })
        ),
        AnswerStatus::Truncated => {
            let reason = match &end.delivery.completion.reply.finish {
                Finish::Length => "at the limit of its length".to_owned(),
                other => format!("before its end ({other})"),
            };
            let rest = if said.is_empty() { opening() } else { said.to_owned() };
            format!("INCOMPLETE: the answer was cut off {reason}, so that findings may be missing. {rest}")
        }
        AnswerStatus::Unreadable => {
            format!("The expert's answer could not be read as findings; {WHOLE_TEXT}.")
        }
        AnswerStatus::PartlyRead => {
            let note =
                format!("Not everything in the expert's answer could be read as findings; {WHOLE_TEXT}.");
            if said.is_empty() { note } else { format!("{said} ({note})") }
        }
    }
}

/// Instructions to the agent when the expert wants more before it answers.
fn wanting(end: &ExpertEnd) -> String {
    let more = "The expert needs more: give it the files or the narrower scope it asks for, with this continuation_id.";
    let by_itself = "Or send the same step again with add_files: true, and the server adds the files that lie under the \
        allowed folders and asks once more.";
    let wants_files = end.promoted.is_some_and(|promoted| promoted.status == FILES_REQUIRED);
    if wants_files && end.first.is_none() { format!("{more} {by_itself}") } else { more.to_owned() }
}

/// What the expert said beside what is at the top already, and its whole text where that is not all that it said.
fn analysis(end: &ExpertEnd, text: &str) -> Value {
    let mut analysis = Map::new();
    let status = end.answer.as_ref().and_then(|read| read.status.as_deref());
    analysis.insert("status".to_owned(), json!(status.unwrap_or("analysis_complete")));
    analysis.insert("format".to_owned(), json!(if end.answer.is_some() { "json" } else { "text" }));
    if let Some(read) = &end.answer {
        analysis.extend(read.rest.iter().map(|(key, value)| (unreserved(key), value.clone())));
    }
    if !end.remarks.is_empty() {
        analysis.insert("remarks".to_owned(), json!(end.remarks));
    }
    if end.answer.is_none()
        || end.understood != Understood::Whole
        || end.reread.is_some()
        || end.status == AnswerStatus::Truncated
    {
        analysis.insert("raw_analysis".to_owned(), json!(text));
    }
    Value::Object(analysis)
}

/// A name that hides none of ours.
fn unreserved(key: &str) -> String {
    if ["status", "format", "remarks", "raw_analysis"].contains(&key) {
        format!("model_{key}")
    } else {
        key.to_owned()
    }
}

/// The first line of a free text that has words, for readers who read no further.
fn opening(text: &str) -> String {
    let line = text
        .lines()
        .map(|line| line.trim_start_matches(['#', '*', ' ']).trim())
        .find(|line| !line.is_empty())
        .unwrap_or_default();
    let Some((end, _)) = line.char_indices().nth(MAX_OPENING) else { return line.to_owned() };
    let head = line.get(..end).unwrap_or_default();
    format!("{}…", head.rsplit_once(' ').map_or(head, |(words, _)| words))
}

fn joined(after: &str, steps: &[String]) -> String {
    if steps.is_empty() {
        return after.to_owned();
    }
    let list: Vec<String> =
        steps.iter().enumerate().map(|(index, step)| format!("{}. {step}", index + 1)).collect();
    format!("{after}\nThe expert suggests:\n{}", list.join("\n"))
}
