//! Reads what agents print. Output in an unexpected form is taken as plain text, so that no answer is lost.

use serde_json::Value;

/// How an agent's output is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Parser {
    /// As it is.
    Text,
    /// One JSON object with the answer in `result`, `response`, `content` or `text`; a list of such objects ends with it.
    Json,
    /// One JSON object a line; the last message of the agent is the answer, as `codex exec --json` prints them.
    CodexLines,
}

/// An answer, and whether it had the expected form.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Read {
    pub text: String,
    pub parsed: bool,
}

/// The fields that hold the text of JSON answers.
const FIELDS: [&str; 5] = ["result", "response", "content", "text", "message"];

impl Parser {
    /// The word of the setting.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Some(match word {
            "text" => Self::Text,
            "json" => Self::Json,
            "jsonl" => Self::CodexLines,
            _ => return None,
        })
    }

    /// The word in answers.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Json => "json",
            Self::CodexLines => "jsonl",
        }
    }

    pub(super) fn read(self, output: &[u8]) -> Read {
        let text = String::from_utf8_lossy(output);
        let found = match self {
            Self::Text => return Read { text: without_escapes(&text), parsed: true },
            Self::Json => from_object(&text),
            Self::CodexLines => from_lines(&text),
        };
        match found {
            Some(text) => Read { text, parsed: true },
            None => Read { text: without_escapes(&text), parsed: false },
        }
    }
}

fn from_object(text: &str) -> Option<String> {
    // Some agents print notices before the object.
    let begin = text.find(['{', '['])?;
    let value = serde_json::Deserializer::from_str(text.get(begin..)?).into_iter::<Value>().next()?.ok()?;
    answer_in(&value)
}

fn answer_in(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Array(list) => list.iter().rev().find_map(answer_in),
        Value::Object(object) => FIELDS.iter().find_map(|field| match object.get(*field)? {
            Value::String(text) => Some(text.clone()),
            inner @ (Value::Array(_) | Value::Object(_)) => answer_in(inner),
            _ => None,
        }),
        _ => None,
    }
}

/// The last `agent_message`, in either place where events have it.
fn from_lines(text: &str) -> Option<String> {
    let events = text.lines().filter_map(|line| serde_json::from_str::<Value>(line.trim()).ok());
    let message = |event: Value| {
        let item = event.get("item").or_else(|| event.get("msg")).cloned().unwrap_or(event);
        let is_message =
            item.get("type").and_then(Value::as_str).is_some_and(|kind| kind.ends_with("agent_message"));
        if is_message { answer_in(&item) } else { None }
    };
    events.filter_map(message).next_back()
}

/// Without the escape sequences of terminals.
fn without_escapes(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut letters = text.chars().peekable();
    while let Some(letter) = letters.next() {
        if letter != '\u{1b}' {
            out.push(letter);
            continue;
        }
        if letters.next_if_eq(&'[').is_some() {
            // A control sequence ends with a letter or one of a few signs (ECMA-48, 5.4).
            for letter in letters.by_ref() {
                if ('\u{40}'..='\u{7e}').contains(&letter) {
                    break;
                }
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(parser: Parser, output: &str) -> (String, bool) {
        let Read { text, parsed } = parser.read(output.as_bytes());
        (text, parsed)
    }

    #[test]
    fn each_agents_answer_is_found() {
        let yes = |text: &str| (text.to_owned(), true);
        assert_eq!(read(Parser::Json, r#"{"type":"result","result":"fine","is_error":false}"#), yes("fine"));
        assert_eq!(read(Parser::Json, "Loaded.\n{\"response\":\"fine\",\"stats\":{}}"), yes("fine"));
        assert_eq!(
            read(Parser::Json, r#"[{"type":"system"},{"type":"result","result":"last"}]"#),
            yes("last")
        );
        let lines = concat!(
            "{\"type\":\"item.completed\",\"item\":{\"type\":\"agent_message\",\"text\":\"first\"}}\n",
            "not json\n",
            "{\"id\":\"0\",\"msg\":{\"type\":\"agent_message\",\"message\":\"second\"}}\n",
            "{\"type\":\"turn.completed\"}\n"
        );
        assert_eq!(read(Parser::CodexLines, lines), yes("second"));
        assert_eq!(read(Parser::Text, "\u{1b}[1mbold\u{1b}[0m text"), yes("bold text"));
    }

    #[test]
    fn unexpected_output_is_plain_text() {
        for output in ["plain words", "{broken", "{\"other\": 1}"] {
            assert_eq!(read(Parser::Json, output), (output.to_owned(), false));
            assert_eq!(read(Parser::CodexLines, output), (output.to_owned(), false));
        }
    }
}
