//! Calls and their results: every call is answered before the conversation goes on, in the thread as in the request.

use std::collections::HashMap;

use exai_core::{
    ProviderId,
    chat::{Message, Part, Role},
    function_calling::ToolCall,
    thread::{Answer, Thread, TurnBody, UserMessage},
};

use super::TOOL;
use crate::{
    error::EngineError,
    history::{self, Asking},
};

/// What was said before and what is said now.
#[derive(Debug)]
pub(super) struct Spoken {
    pub(super) before: Vec<Message>,
    /// Results know the function that they are of.
    pub(super) new: Vec<Message>,
}

/// The thread's messages and the new ones, with every result next to its call.
///
/// # Errors
/// A call without a result, or a result without a call.
pub(super) fn joined(thread: Option<&Thread>, new: &[Message]) -> Result<Spoken, EngineError> {
    let before = before(thread, &ProviderId::from(""));
    let mut waiting: HashMap<String, ToolCall> = HashMap::new();
    let mut checked = Vec::with_capacity(new.len());
    for (place, message) in before.iter().chain(new).enumerate() {
        let mut message = message.clone();
        let is_new = place >= before.len();
        let gives = message.parts.iter().any(|part| matches!(part, Part::ToolResult(_)));
        if !gives && is_new && !waiting.is_empty() {
            return Err(unanswered(&waiting));
        }
        for part in &mut message.parts {
            match part {
                Part::ToolCall(call) => drop(waiting.insert(call.id.clone(), call.clone())),
                Part::ToolResult(result) => match waiting.remove(&result.id) {
                    Some(call) => result.name = call.name,
                    None if is_new => return Err(uncalled(&result.id, &waiting)),
                    None => {}
                },
                _ => {}
            }
        }
        if is_new {
            checked.push(message);
        }
    }
    if waiting.is_empty() { Ok(Spoken { before, new: checked }) } else { Err(unanswered(&waiting)) }
}

fn names(waiting: &HashMap<String, ToolCall>) -> String {
    let mut names: Vec<String> =
        waiting.values().map(|call| format!("`{}` ({})", call.id, call.name)).collect();
    names.sort();
    names.join(", ")
}

fn unanswered(waiting: &HashMap<String, ToolCall>) -> EngineError {
    EngineError::invalid(
        "messages",
        format!(
            "these calls have no result: {}; add a message with role tool, tool_call_id and content for each",
            names(waiting)
        ),
    )
}

fn uncalled(id: &str, waiting: &HashMap<String, ToolCall>) -> EngineError {
    let open =
        if waiting.is_empty() { "none does".to_owned() } else { format!("these do: {}", names(waiting)) };
    let id: String = id.chars().take(80).collect();
    EngineError::invalid("messages", format!("no call `{id}` waits for a result; {open}"))
}

/// The thread as this tool's model has seen it; what other tools said comes in words.
pub(super) fn before(thread: Option<&Thread>, provider: &ProviderId) -> Vec<Message> {
    let turns = thread.map(|thread| thread.turns.as_slice()).unwrap_or_default();
    turns
        .iter()
        .filter_map(|turn| match &turn.body {
            TurnBody::Message(message) if turn.tool == TOOL => {
                let results = message.tool_results.iter().cloned().map(Part::ToolResult);
                let text = Some(Part::text(message.text.as_str())).filter(|_| !message.text.is_empty());
                Some(Message { role: Role::User, parts: results.chain(text).collect() })
            }
            TurnBody::Answer(answer) if turn.tool == TOOL => {
                let text = Some(Part::text(answer.text.as_str())).filter(|_| !answer.text.is_empty());
                let own = answer
                    .opaque
                    .iter()
                    .filter(|part| matches!(part, Part::Opaque { provider: from, .. } if from == provider));
                let calls = answer.tool_calls.iter().cloned().map(Part::ToolCall);
                Some(Message {
                    role: Role::Assistant,
                    parts: own.cloned().chain(text).chain(calls).collect(),
                })
            }
            body => history::message_of(&turn.tool, body, Asking::Prompt(""), provider),
        })
        .collect()
}

/// Whether a function was called.
pub(super) fn has_calls(messages: &[Message]) -> bool {
    messages.iter().flat_map(|message| &message.parts).any(|part| matches!(part, Part::ToolCall(_)))
}

/// Messages that fit.
#[derive(Debug, PartialEq)]
pub(super) struct Fitting {
    pub messages: Vec<Message>,
    /// How many earlier ones do not.
    pub dropped: usize,
}

/// The latest messages that fit, from words of the caller on: a result without its call is refused.
pub(super) fn fitting(mut messages: Vec<Message>, room: u32) -> Fitting {
    let mut left = room;
    let mut first = messages.len();
    for (place, message) in messages.iter().enumerate().rev() {
        let Some(rest) = left.checked_sub(cost(message)) else { break };
        left = rest;
        let gives = message.parts.iter().any(|part| matches!(part, Part::ToolResult(_)));
        if message.role == Role::User && !gives {
            first = place;
        }
    }
    let kept = messages.split_off(first);
    Fitting { messages: kept, dropped: messages.len() }
}

/// Estimated tokens.
pub(super) fn cost(message: &Message) -> u32 {
    history::cost_of(message)
}

/// Joins the results of one round of calls: some vendors want them in one message.
pub(super) fn joining_results(messages: Vec<Message>) -> Vec<Message> {
    history::alternate(messages)
}

/// A message as a turn.
pub(super) fn body(message: &Message) -> TurnBody {
    let mut text = String::new();
    let (mut tool_calls, mut tool_results) = (Vec::new(), Vec::new());
    for part in &message.parts {
        match part {
            Part::Text { text: more } => {
                if !text.is_empty() {
                    text.push_str("\n\n");
                }
                text.push_str(more);
            }
            Part::ToolCall(call) => tool_calls.push(call.clone()),
            Part::ToolResult(result) => tool_results.push(result.clone()),
            Part::Image { .. } | Part::Opaque { .. } | Part::File { .. } => {}
        }
    }
    match message.role {
        Role::User => TurnBody::Message(UserMessage { text, tool_results, ..UserMessage::default() }),
        Role::Assistant => TurnBody::Answer(Answer { text, tool_calls, ..Answer::default() }),
    }
}

#[cfg(test)]
mod tests {
    use exai_core::function_calling::ToolResult;

    use super::*;

    fn called(id: &str) -> Message {
        let call = ToolCall { id: id.to_owned(), name: "read".to_owned(), arguments: "{}".to_owned() };
        Message { role: Role::Assistant, parts: vec![Part::ToolCall(call)] }
    }

    fn gave(id: &str) -> Message {
        let result = ToolResult { id: id.to_owned(), content: "x".to_owned(), ..ToolResult::default() };
        Message { role: Role::User, parts: vec![Part::ToolResult(result)] }
    }

    #[test]
    fn every_call_has_its_result() {
        let spoken = joined(None, &[Message::user("look"), called("a"), gave("a")]).unwrap();
        let Some(Part::ToolResult(result)) = spoken.new.last().and_then(|last| last.parts.first()) else {
            panic!("a result")
        };
        assert_eq!(result.name, "read", "some vendors want the name again");
        for (messages, words) in [
            (
                vec![Message::user("look"), called("a"), Message::user("?")],
                "these calls have no result: `a` (read)",
            ),
            (vec![Message::user("look"), called("a"), called("b"), gave("b")], "no result"),
            (vec![gave("a")], "no call `a` waits for a result; none does"),
            (vec![Message::user("look"), called("a"), gave("b")], "these do: `a` (read)"),
        ] {
            let error = joined(None, &messages).unwrap_err().to_string();
            assert!(error.contains(words), "{error}");
        }
    }

    #[test]
    fn an_exchange_is_dropped_as_a_whole() {
        let messages = vec![
            Message::user("one"),
            called("a"),
            gave("a"),
            Message::user("two"),
            Message::assistant("yes"),
        ];
        let all: u32 = messages.iter().map(cost).sum();
        assert_eq!(fitting(messages.clone(), all).dropped, 0);
        let Fitting { messages: kept, dropped } = fitting(messages.clone(), all - 1);
        assert_eq!((kept.len(), dropped), (2, 3), "a call without its question is no conversation");
        assert_eq!(fitting(messages, 3), Fitting { messages: Vec::new(), dropped: 5 });
    }
}
