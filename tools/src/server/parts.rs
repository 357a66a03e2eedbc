//! The further parts of an answer that was longer than its client shows. Any tool gives them: the models of clients cannot read
//! resources, but they can call the tool again.

use exai_core::{
    AnswerId, Identity, ThreadId,
    answer::{AnswerState, KeptAnswer},
};
use exai_engine::{Call, EngineError, answers::AnswerQuery};
use rmcp::model::{CallToolResponse, CallToolResult, ContentBlock, JsonObject};
use serde_json::Value;

use super::{
    resources::{ANSWER_WAIT, answer_uri},
    state::ExaiServer,
};
use crate::reply::{
    self,
    truncate::{self, Pointer},
};

/// The argument that asks for a part. No schema shows it, because answers that have parts say how to ask for them.
const PART: &str = "part";
const CONTINUATION: &str = "continuation_id";
/// How many of a thread's kept answers are looked through for its latest whole one.
const LATEST: u32 = 8;

/// A part of an answer.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Wanted {
    of: Of,
    part: usize,
}

/// Which answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Of {
    Answer(AnswerId),
    /// The latest of a thread.
    Thread(ThreadId),
}

/// The part that a call asks for in place of the tool's work; a text says what is wrong with the wish.
pub(super) fn wanted(arguments: Option<&JsonObject>) -> Option<Result<Wanted, String>> {
    let arguments = arguments?;
    let part = arguments.get(PART).filter(|value| !value.is_null())?;
    let number = match part {
        Value::String(text) => text.trim().parse().ok(),
        number => number.as_u64().or_else(|| number.as_f64().and_then(whole)),
    };
    let Some(part) = number.and_then(|number| usize::try_from(number).ok()).filter(|number| *number > 0)
    else {
        return Some(Err(format!(
            "{PART}: must be the number of a part of an earlier answer, 2 for the second"
        )));
    };
    let id = arguments.get(CONTINUATION).and_then(Value::as_str).map(str::trim).unwrap_or_default();
    if id.is_empty() {
        return Some(Err(format!(
            "{CONTINUATION}: is required with {PART}; the answer names it in rest.call"
        )));
    }
    Some(of(id).map(|of| Wanted { of, part }))
}

/// A number that a model has written with a fraction of nothing.
fn whole(number: f64) -> Option<u64> {
    (number.fract() == 0.0).then(|| format!("{number:.0}").parse().ok()).flatten()
}

fn of(id: &str) -> Result<Of, String> {
    // Both are UUIDs; their versions tell them apart.
    let thread: ThreadId = id.parse().map_err(|error| format!("{CONTINUATION}: {error}"))?;
    Ok(if thread.as_uuid().get_version_num() == 7 {
        Of::Answer(AnswerId::from_uuid(thread.as_uuid()))
    } else {
        Of::Thread(thread)
    })
}

/// Who asks for a part, and as what.
pub(super) struct Asking<'a> {
    /// The tool's name as the client called it.
    pub tool: &'a str,
    /// How many characters its client shows.
    pub limit: Option<usize>,
    pub call: &'a Call,
}

impl ExaiServer {
    /// The part of an answer that this caller got.
    pub(super) async fn part(&self, wanted: Result<Wanted, String>, asking: &Asking<'_>) -> CallToolResponse {
        let (tool, call) = (asking.tool, asking.call);
        let wanted = match wanted {
            Ok(wanted) => wanted,
            Err(problem) => return reply::bad_arguments(tool, &[problem], &[], call),
        };
        match self.kept(wanted.of, &call.principal.identity).await {
            Ok(Some(kept)) if kept.state == AnswerState::Done => part_of(&kept, wanted.part, asking),
            Ok(Some(kept)) => {
                let message =
                    format!("there is no answer to have a part of: its call is {}", kept.state.as_str());
                reply::no_part(tool, &message, call)
            }
            Ok(None) => {
                let message = "no answer that has parts is known by this continuation_id: it was short enough to be shown whole, has \
                               expired, or belongs to someone else";
                reply::no_part(tool, message, call)
            }
            Err(failure) => reply::error(tool, &failure, &[], call),
        }
    }

    async fn kept(&self, of: Of, who: &Identity) -> Result<Option<KeptAnswer>, EngineError> {
        match of {
            Of::Answer(id) => self.engine().find_answer(who, AnswerQuery { id, wait: ANSWER_WAIT }).await,
            Of::Thread(thread) => {
                let answers = self.engine().answers_of_thread(who, thread, LATEST, ANSWER_WAIT).await?;
                Ok(answers.into_iter().find(|kept| kept.state == AnswerState::Done))
            }
        }
    }
}

fn part_of(kept: &KeptAnswer, part: usize, asking: &Asking<'_>) -> CallToolResponse {
    let id = kept.id.to_string();
    let pointer = Pointer { tool: asking.tool, id: &id, resource: &answer_uri(kept.id) };
    let parts = asking.limit.and_then(|limit| truncate::parts(&kept.text, limit, &pointer));
    let parts = parts.unwrap_or_else(|| vec![kept.text.clone()]);
    let Some(text) = part.checked_sub(1).and_then(|index| parts.get(index)) else {
        let has = match parts.len() {
            1 => "one part, which you have got".to_owned(),
            many => format!("{many} parts"),
        };
        return reply::no_part(
            asking.tool,
            &format!("there is no part {part}: this answer has {has}"),
            asking.call,
        );
    };
    let content = vec![ContentBlock::text(text.clone())];
    let mut result =
        if kept.is_error { CallToolResult::error(content) } else { CallToolResult::success(content) };
    result.meta = Some(reply::long_answer_meta());
    result.into()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(arguments: &Value) -> Option<Result<Wanted, String>> {
        wanted(arguments.as_object())
    }

    #[test]
    fn parts_are_asked_for_leniently() {
        let (answer, thread) = (AnswerId::new(), ThreadId::new());
        for part in [json!(2), json!("2"), json!(2.0), json!(" 2 ")] {
            let found = read(&json!({ "continuation_id": answer.to_string(), "part": part, "prompt": "x" }));
            assert_eq!(found, Some(Ok(Wanted { of: Of::Answer(answer), part: 2 })));
        }
        let found = read(&json!({ "continuation_id": thread.to_string(), "part": 3 }));
        assert_eq!(found, Some(Ok(Wanted { of: Of::Thread(thread), part: 3 })));
        assert_eq!(read(&json!({ "continuation_id": thread.to_string(), "part": null })), None);
        assert_eq!(read(&json!({ "prompt": "x" })), None);
    }

    #[test]
    fn other_wishes_say_what_is_wrong() {
        let id = ThreadId::new().to_string();
        for part in [json!(0), json!(-1), json!("two"), json!(1.5), json!([2]), json!(1e300)] {
            let problem = read(&json!({ "continuation_id": id, "part": part })).unwrap().unwrap_err();
            assert!(problem.starts_with("part: "), "{problem}");
        }
        for arguments in [json!({ "part": 2 }), json!({ "part": 2, "continuation_id": "x" })] {
            let problem = read(&arguments).unwrap().unwrap_err();
            assert!(problem.starts_with("continuation_id: "), "{problem}");
        }
    }
}
