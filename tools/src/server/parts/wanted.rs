//! The argument that asks for a part of an answer. No schema shows it, because answers that have parts say how to ask for them.

use exai_core::{AnswerId, ThreadId};
use rmcp::model::JsonObject;
use serde_json::Value;

const PART: &str = "part";
pub(super) const CONTINUATION: &str = "continuation_id";

/// A part of an answer.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::server) struct Wanted {
    pub(super) of: Of,
    pub(super) part: usize,
}

/// Which answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Of {
    Answer(AnswerId),
    /// The latest of a thread.
    Thread(ThreadId),
}

/// The part that a call asks for in place of the tool's work; a text says what is wrong with the wish.
pub(super) fn wanted(arguments: &JsonObject) -> Option<Result<Wanted, String>> {
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

/// The answer that a call names in place of a thread.
pub(super) fn named_answer(arguments: &JsonObject) -> Option<AnswerId> {
    match of(arguments.get(CONTINUATION)?.as_str()?.trim()) {
        Ok(Of::Answer(id)) => Some(id),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(arguments: &Value) -> Option<Result<Wanted, String>> {
        wanted(arguments.as_object()?)
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
