//! Reads what agents print: the answer, a failure that they report, and what the answer cost. Output in an unexpected form is taken as
//! plain text, so that no answer is lost.

mod events;
mod object;
mod usage;

use exai_core::chat::Usage;
use serde_json::Value;

/// How an agent's output is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Parser {
    /// As it is.
    Text,
    /// One JSON object with the answer in `result`, `response`, `content` or `text`; a list of such objects ends with it.
    Json,
    /// One JSON object a line, as `codex exec --json` and `opencode run --format json` print them; the last words of the agent are the
    /// answer.
    JsonLines,
}

/// What an agent said.
#[derive(Debug, Default, PartialEq)]
pub struct Read {
    /// The answer, or what was printed in its place.
    pub text: String,
    /// Whether the output had the expected form.
    pub parsed: bool,
    /// Whether it is text as it was printed, in which an agent cannot report a failure.
    pub is_plain: bool,
    /// Why there is no answer, as the agent reports it.
    pub failure: Option<String>,
    /// The tokens that it reports.
    pub usage: Option<Usage>,
    /// The price that it reports, in US dollars.
    pub cost_usd: Option<f64>,
}

impl Parser {
    /// The word of the setting.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Some(match word {
            "text" => Self::Text,
            "json" => Self::Json,
            "jsonl" => Self::JsonLines,
            _ => return None,
        })
    }

    /// The word in answers.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Json => "json",
            Self::JsonLines => "jsonl",
        }
    }

    /// What an agent said, by what it printed.
    #[must_use]
    pub fn read(self, output: &[u8]) -> Read {
        let text = String::from_utf8_lossy(output);
        let found = match self {
            Self::Text => None,
            Self::Json => object::read(&text),
            Self::JsonLines => events::read(&text),
        };
        let mut read = found.unwrap_or_else(|| Read {
            text: without_escapes(&text),
            parsed: self == Self::Text,
            is_plain: true,
            ..Read::default()
        });
        if read.failure.is_none() && is_error_in_place_of_answer(&read.text) {
            read.failure = Some(read.text.trim().to_owned());
        }
        read
    }
}

/// Whether a text is nothing but the report of a failed request, which Qwen Code and Gemini CLI print as their answer:
/// `[API Error: 401 …]`. An answer about such an error has more to say.
fn is_error_in_place_of_answer(text: &str) -> bool {
    let text = text.trim();
    text.starts_with("[API Error:") && text.ends_with(']') && !text.contains("\n\n")
}

/// The text of an error, wherever agents put it.
fn error_text(error: &Value) -> Option<String> {
    match error {
        Value::String(text) if !text.trim().is_empty() => Some(text.clone()),
        Value::Object(object) => {
            let inside = ["message", "data", "error", "name"].iter().filter_map(|key| object.get(*key));
            inside.filter_map(error_text).next()
        }
        _ => None,
    }
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
        let read = parser.read(output.as_bytes());
        assert_eq!(read.failure, None, "{output}");
        (read.text, read.parsed)
    }

    fn failure(parser: Parser, output: &str) -> String {
        parser.read(output.as_bytes()).failure.unwrap_or_else(|| panic!("an answer: {output}"))
    }

    #[test]
    fn each_agents_answer_is_found() {
        let yes = |text: &str| (text.to_owned(), true);
        assert_eq!(read(Parser::Json, r#"{"type":"result","result":"fine","is_error":false}"#), yes("fine"));
        assert_eq!(read(Parser::Json, "Loaded [1] {x}.\n{\"response\":\"fine\",\"stats\":{}}"), yes("fine"));
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
        assert_eq!(read(Parser::JsonLines, lines), yes("second"));
        let lines = concat!(
            "{\"type\":\"step_start\",\"part\":{}}\n{\"type\":\"text\",\"part\":{\"text\":\"I look.\"}}\n",
            "{\"type\":\"step_finish\",\"part\":{\"reason\":\"tool-calls\"}}\n{\"type\":\"step_start\",\"part\":{}}\n",
            "{\"type\":\"text\",\"part\":{\"text\":\"It is \"}}\n{\"type\":\"text\",\"part\":{\"text\":\"here.\"}}\n",
            "{\"type\":\"step_finish\",\"part\":{\"reason\":\"stop\"}}\n"
        );
        assert_eq!(read(Parser::JsonLines, lines), yes("It is here."));
        assert_eq!(read(Parser::Text, "\u{1b}[1mbold\u{1b}[0m text"), yes("bold text"));
    }

    #[test]
    fn unexpected_output_is_plain_text() {
        for output in ["plain words", "{broken", "{\"other\": 1}"] {
            assert_eq!(read(Parser::Json, output), (output.to_owned(), false));
            assert_eq!(read(Parser::JsonLines, output), (output.to_owned(), false));
        }
    }

    #[test]
    fn reported_failures_are_no_answers() {
        let of = failure;
        let json = Parser::Json;
        let told = of(
            json,
            r#"{"type":"result","subtype":"success","is_error":true,"result":"Not logged in · Please run /login"}"#,
        );
        assert_eq!(told, "Not logged in · Please run /login");
        assert_eq!(
            of(json, r#"{"type":"result","subtype":"error_max_turns","is_error":false}"#),
            "error_max_turns"
        );
        assert_eq!(
            of(json, r#"{"session_id":"1","error":{"type":"Error","message":"quota","code":429}}"#),
            "quota"
        );
        assert_eq!(
            of(
                json,
                r#"[{"type":"system"},{"type":"result","is_error":false,"result":"[API Error: 401 no key]"}]"#
            ),
            "[API Error: 401 no key]"
        );
        assert_eq!(of(json, r#"[{"type":"result","is_error":true,"error":{"message":"500"}}]"#), "500");
        let lines = Parser::JsonLines;
        let message = r#"{"type":"item.completed","item":{"type":"agent_message","text":"half"}}"#;
        let failed = r#"{"type":"turn.failed","error":{"message":"stream broke"}}"#;
        assert_eq!(of(lines, &format!("{message}\n{failed}\n")), "stream broke");
        let error = r#"{"type":"error","error":{"name":"APIError","data":{"message":"no credit"}}}"#;
        assert_eq!(of(lines, error), "no credit");
        assert_eq!(of(Parser::Text, "[API Error: 401 unauthorized]\n"), "[API Error: 401 unauthorized]");
    }

    /// Codex tries again after an error of the connection, and may succeed.
    #[test]
    fn an_error_that_passed_is_none() {
        let lines = concat!(
            "{\"type\":\"error\",\"message\":\"Reconnecting... 1/5\"}\n",
            "{\"type\":\"item.completed\",\"item\":{\"type\":\"agent_message\",\"text\":\"here\"}}\n",
            "{\"type\":\"turn.completed\",\"usage\":{}}\n"
        );
        assert_eq!(read(Parser::JsonLines, lines), ("here".to_owned(), true));
        let about = "[API Error: 401] means that the key is wrong.\n\nUse another [one]";
        assert_eq!(read(Parser::Text, about).0, about);
    }

    #[test]
    fn each_agents_tokens_are_counted() {
        let usage = |parser: Parser, output: &str| {
            let read = parser.read(output.as_bytes());
            let usage = read.usage.unwrap_or_else(|| panic!("{output}"));
            let tokens =
                (usage.input_tokens, usage.output_tokens, usage.cached_input_tokens, usage.reasoning_tokens);
            (tokens, read.cost_usd)
        };
        let claude = r#"{"type":"result","result":"x","is_error":false,"total_cost_usd":0.25,
            "usage":{"input_tokens":10,"cache_creation_input_tokens":20,"cache_read_input_tokens":30,"output_tokens":5}}"#;
        assert_eq!(usage(Parser::Json, claude), ((60, 5, 30, 0), Some(0.25)));
        let qwen = r#"[{"type":"result","result":"x","usage":{"input_tokens":60,"output_tokens":5,"cache_read_input_tokens":30,"total_tokens":65}}]"#;
        assert_eq!(usage(Parser::Json, qwen), ((60, 5, 30, 0), None));
        let gemini = r#"{"response":"x","stats":{"models":{
            "a":{"tokens":{"prompt":50,"candidates":4,"total":60,"cached":10,"thoughts":3,"tool":3}},
            "b":{"tokens":{"prompt":1,"candidates":1,"total":2,"cached":0,"thoughts":0,"tool":0}}}}}"#;
        assert_eq!(usage(Parser::Json, gemini), ((54, 8, 10, 3), None));
        let codex = "{\"type\":\"item.completed\",\"item\":{\"type\":\"agent_message\",\"text\":\"x\"}}\n\
            {\"type\":\"turn.completed\",\"usage\":{\"input_tokens\":60,\"cached_input_tokens\":30,\"output_tokens\":5,\"reasoning_output_tokens\":2}}";
        assert_eq!(usage(Parser::JsonLines, codex), ((60, 5, 30, 2), None));
        let step = r#"{"type":"step_finish","part":{"cost":0.5,"tokens":{"input":10,"output":3,"reasoning":2,"cache":{"read":30,"write":20}}}}"#;
        let opencode = format!("{{\"type\":\"text\",\"part\":{{\"text\":\"x\"}}}}\n{step}\n{step}");
        assert_eq!(usage(Parser::JsonLines, &opencode), ((120, 10, 60, 4), Some(1.0)));
        assert_eq!(Parser::Json.read(br#"{"result":"x"}"#).usage, None);
    }
}
