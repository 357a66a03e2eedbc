//! The few facts of a chat request that decide how it is answered.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::value::RawValue;

/// Longest part of the last user message that is kept, in characters: what the echo answer repeats.
const ECHO_CHARS: usize = 40;

/// What a request asks for. A body that is not a chat request leaves `valid` false and the rest empty.
#[derive(Debug, Default)]
pub(crate) struct Ask {
    pub(crate) valid: bool,
    pub(crate) model: String,
    pub(crate) stream: bool,
    pub(crate) include_usage: bool,
    /// The first characters of the last user message.
    pub(crate) last_user: String,
}

// Borrowed from the body, message contents unparsed: prompts are large and only the last one matters.
#[derive(Deserialize)]
struct Body<'a> {
    #[serde(default, borrow)]
    model: Cow<'a, str>,
    #[serde(default)]
    stream: Option<bool>,
    #[serde(default)]
    stream_options: Option<StreamOptions>,
    #[serde(default, borrow)]
    messages: Vec<Message<'a>>,
}

#[derive(Deserialize)]
struct StreamOptions {
    #[serde(default)]
    include_usage: bool,
}

#[derive(Deserialize)]
struct Message<'a> {
    #[serde(default, borrow)]
    role: Cow<'a, str>,
    #[serde(default, borrow)]
    content: Option<&'a RawValue>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Content {
    Text(String),
    Parts(Vec<ContentPart>),
}

#[derive(Deserialize)]
struct ContentPart {
    #[serde(default)]
    text: String,
}

// === impl Ask ===

impl Ask {
    pub(crate) fn parse(body: &[u8]) -> Self {
        // serde would read an array as the fields in order: only an object is a chat request.
        if !body.trim_ascii_start().starts_with(b"{") {
            return Self::default();
        }
        let Ok(body) = serde_json::from_slice::<Body<'_>>(body) else {
            return Self::default();
        };
        Self {
            valid: true,
            last_user: last_user(&body.messages),
            model: body.model.into_owned(),
            stream: body.stream.unwrap_or(false),
            include_usage: body.stream_options.is_some_and(|options| options.include_usage),
        }
    }
}

fn last_user(messages: &[Message<'_>]) -> String {
    let content =
        messages.iter().rev().find(|message| message.role == "user").and_then(|message| message.content);
    let text = match content.map(|raw| serde_json::from_str(raw.get())) {
        Some(Ok(Content::Text(text))) => text,
        Some(Ok(Content::Parts(parts))) => {
            parts.into_iter().map(|part| part.text).find(|text| !text.is_empty()).unwrap_or_default()
        }
        Some(Err(_)) | None => String::new(),
    };
    text.chars().take(ECHO_CHARS).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_user_message_is_shortened() {
        let body = format!(
            r#"{{"model":"m","stream":true,"stream_options":{{"include_usage":true}},"messages":[
               {{"role":"user","content":"first"}},{{"role":"user","content":"{}"}},{{"role":"assistant","content":null}}]}}"#,
            "é".repeat(100)
        );
        let ask = Ask::parse(body.as_bytes());
        assert!(ask.valid && ask.stream && ask.include_usage);
        assert_eq!((ask.model.as_str(), ask.last_user.as_str()), ("m", "é".repeat(40).as_str()));
    }

    #[test]
    fn text_in_content_parts_counts_as_text() {
        let body = br#"{"model":"m","messages":[{"role":"user","content":[{"type":"image_url"},{"type":"text","text":"hi"}]}]}"#;
        assert_eq!(Ask::parse(body).last_user, "hi");
    }

    /// A body that is no JSON object is not valid.
    #[test]
    fn a_body_needs_a_json_object() {
        assert!(!Ask::parse(b"{").valid);
        assert!(!Ask::parse(br#"["model"]"#).valid);
        assert!(Ask::parse(b" {}").valid);
    }
}
