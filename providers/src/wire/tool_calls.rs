//! Calls of functions, put together from the pieces in which they are streamed.

use std::collections::VecDeque;

use exai_core::{chat::Delta, function_calling::ToolCall};
use serde_json::Value;

/// More calls than any answer has; a server that sends more is out of order.
const MAX_CALLS: usize = 256;

/// What one event says of a call; everything may be missing.
#[derive(Debug, Default, Clone, Copy)]
pub(super) struct Piece<'a> {
    pub(super) index: Option<u64>,
    pub(super) id: Option<&'a str>,
    pub(super) name: Option<&'a str>,
    /// A text that is the next piece, or a whole object.
    pub(super) arguments: Option<&'a Value>,
}

/// The calls of one answer, in the order in which they began.
#[derive(Debug, Default)]
pub(super) struct ToolCalls(Vec<(Option<u64>, ToolCall)>);

impl ToolCalls {
    /// Adds a piece to its call. Without an index, a new id begins a new call, and everything else belongs to the last one. `false` says
    /// that it would begin one call too many.
    #[must_use]
    pub(super) fn add(&mut self, piece: Piece<'_>) -> bool {
        let id = piece.id.filter(|id| !id.is_empty());
        let is_of = |(index, call): &(Option<u64>, ToolCall)| match piece.index {
            Some(wanted) => *index == Some(wanted) && id.is_none_or(|id| call.id.is_empty() || call.id == id),
            None => id.is_none_or(|id| call.id == id),
        };
        let place = self.0.iter().rposition(is_of).or_else(|| {
            if self.0.len() >= MAX_CALLS {
                return None;
            }
            self.0.push((piece.index, ToolCall::default()));
            Some(self.0.len() - 1)
        });
        let Some((_, call)) = place.and_then(|place| self.0.get_mut(place)) else { return false };
        if let Some(id) = id {
            id.clone_into(&mut call.id);
        }
        // Some repeat the name with every piece, none cuts it.
        if let Some(name) = piece.name.filter(|name| !name.is_empty()) {
            name.clone_into(&mut call.name);
        }
        match piece.arguments {
            Some(Value::String(more)) => call.arguments.push_str(more),
            Some(Value::Null) | None => {}
            Some(whole) => call.arguments = whole.to_string(),
        }
        true
    }

    /// Whether there is a call that can be made.
    pub(super) fn is_empty(&self) -> bool {
        self.0.iter().all(|(_, call)| call.name.is_empty())
    }

    /// Hands all calls on. One without an id gets one: the result has to name it.
    pub(super) fn hand_on(&mut self, out: &mut VecDeque<Delta>) {
        let named = std::mem::take(&mut self.0).into_iter().filter(|(_, call)| !call.name.is_empty());
        out.extend(named.enumerate().map(|(place, (_, mut call))| {
            if call.id.is_empty() {
                call.id = format!("call_{place}");
            }
            Delta::ToolCall(call)
        }));
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn call(id: &str, name: &str, arguments: &str) -> Delta {
        Delta::ToolCall(ToolCall {
            id: id.to_owned(),
            name: name.to_owned(),
            arguments: arguments.to_owned(),
        })
    }

    fn joined(pieces: &[Value]) -> Vec<Delta> {
        let mut calls = ToolCalls::default();
        for piece in pieces {
            let is_kept = calls.add(Piece {
                index: piece["index"].as_u64(),
                id: piece["id"].as_str(),
                name: piece["name"].as_str(),
                arguments: piece.get("arguments"),
            });
            assert!(is_kept, "{piece}");
        }
        let mut out = VecDeque::new();
        calls.hand_on(&mut out);
        out.into()
    }

    #[test]
    fn pieces_of_parallel_calls_find_their_call() {
        let pieces = [
            json!({"index": 0, "id": "a", "name": "read", "arguments": ""}),
            json!({"index": 1, "id": "b", "name": "grep", "arguments": "{\"q\""}),
            json!({"index": 0, "arguments": "{\"p\":1}"}),
            json!({"index": 1, "name": "grep", "arguments": ":2}"}),
        ];
        assert_eq!(joined(&pieces), [call("a", "read", "{\"p\":1}"), call("b", "grep", "{\"q\":2}")]);
    }

    #[test]
    fn one_call_too_many_is_refused() {
        let mut calls = ToolCalls::default();
        let ids: Vec<String> = (0..=MAX_CALLS).map(|id| id.to_string()).collect();
        let kept =
            ids.iter().filter(|id| calls.add(Piece { id: Some(id), name: Some("read"), ..Piece::default() }));
        assert_eq!(kept.count(), MAX_CALLS);
    }

    #[test]
    fn what_is_missing_is_made_up_for() {
        // No index: a new id is a new call. An object in the place of a text. No id at all. No name: no call.
        let pieces = [
            json!({"id": "a", "name": "read", "arguments": {"p": 1}}),
            json!({"id": "b", "name": "grep"}),
            json!({"arguments": "{}"}),
        ];
        assert_eq!(joined(&pieces), [call("a", "read", "{\"p\":1}"), call("b", "grep", "{}")]);
        assert_eq!(joined(&[json!({"index": 3, "name": "read"})]), [call("call_0", "read", "")]);
        assert_eq!(joined(&[json!({"index": 0, "id": "a", "arguments": "{}"})]), []);
        // The same index twice with two ids is two calls.
        let twice =
            [json!({"index": 0, "id": "a", "name": "x"}), json!({"index": 0, "id": "b", "name": "y"})];
        assert_eq!(joined(&twice), [call("a", "x", ""), call("b", "y", "")]);
    }
}
