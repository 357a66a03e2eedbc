//! The fuzzer's entry: any bytes as a vendor's answer, in every format, cut into chunks anywhere.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use exai_core::{chat::Delta, provider::ReplyStream};
use futures::{StreamExt as _, executor::block_on, stream::iter};

use crate::{
    http::Limits,
    models_list,
    origin::Origin,
    vendor::VendorKind,
    wire::{self, chat_completions, generate_content, messages, responses},
};

const LIMITS: Limits = Limits {
    first_byte: Duration::from_secs(1),
    idle: Duration::from_secs(1),
    event_bytes: 4 * 1024,
    answer_bytes: 64 * 1024,
};

/// What an answer came to: its words, and how it ended.
#[derive(Debug, Default, PartialEq)]
pub struct Read {
    /// The text.
    pub text: String,
    /// Calls of functions, by name and arguments.
    pub calls: Vec<(String, String)>,
    /// The end in words; never missing.
    pub end: String,
}

/// Reads chunks in one of the four formats.
///
/// # Panics
/// The answer has no end, or more than one.
#[must_use]
pub fn read(format: u8, chunks: &[&[u8]]) -> Read {
    let vendor = match format % 4 {
        0 => [VendorKind::Custom, VendorKind::MiniMax, VendorKind::Kimi, VendorKind::Mistral]
            [usize::from(format / 4 % 4)],
        1 => VendorKind::OpenAi,
        2 => VendorKind::Anthropic,
        _ => VendorKind::Gemini,
    };
    let origin = Arc::new(Origin {
        provider: vendor.name().into(),
        vendor: vendor.facts(),
        key: None,
        key_origin: "KEY".to_owned(),
        secrets: crate::secrets::Secrets::default(),
    });
    let chunks: Vec<_> = chunks.iter().map(|chunk| Ok(Bytes::copy_from_slice(chunk))).collect();
    let (chunks, asked) = (iter(chunks).boxed(), "asked".to_owned());
    folded(match format % 4 {
        0 => wire::read(chunks, chat_completions::Decoder::new(origin, asked), LIMITS),
        1 => wire::read(chunks, responses::Decoder::new(origin, asked), LIMITS),
        2 => wire::read(chunks, messages::Decoder::new(origin, asked), LIMITS),
        _ => wire::read(chunks, generate_content::Decoder::new(origin, asked), LIMITS),
    })
}

/// Reads any bytes as an endpoint's list of models.
pub fn read_list(bytes: &[u8]) {
    if let Ok(list) = serde_json::from_slice(bytes) {
        let _ = models_list::ids(&list);
    }
}

fn folded(reply: ReplyStream) -> Read {
    let mut read = Read::default();
    for item in block_on(reply.collect::<Vec<_>>()) {
        assert!(read.end.is_empty(), "something follows the end");
        match item {
            Ok(Delta::Text(text)) => read.text.push_str(&text),
            Ok(Delta::ToolCall(call)) => read.calls.push((call.name, call.arguments.to_string())),
            Ok(Delta::Finished(reason)) => read.end = format!("{reason:?}"),
            Ok(_) => {}
            Err(error) => read.end = format!("{:?}", error.kind),
        }
    }
    assert!(!read.end.is_empty(), "no end");
    read
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_seed_has_one_end() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/corpus/answers");
        let mut ends = Vec::new();
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let seed = std::fs::read(&path).unwrap();
            let [format, _, body @ ..] = seed.as_slice() else { panic!("{}", path.display()) };
            let whole = read(*format, &[body]);
            for size in [1, 2, 7, 64, 101] {
                assert_eq!(
                    read(*format, &body.chunks(size).collect::<Vec<_>>()),
                    whole,
                    "{}",
                    path.display()
                );
            }
            ends.push((path.file_name().unwrap().to_str().unwrap().to_owned(), whole.text, whole.end));
        }
        ends.sort();
        let told: Vec<(&str, &str, &str)> =
            ends.iter().map(|(name, text, end)| (name.as_str(), text.as_str(), end.as_str())).collect();
        assert_eq!(
            told,
            [
                ("an_event_that_ends_with_the_next_chunk", "👋", "Protocol"),
                ("bytes_that_are_no_text", "Grüße ", "Protocol"),
                ("chat_completions", "Grüße 👋", "Stop"),
                ("failure_within", "", "Quota"),
                ("generate_content", "answer", "ToolCalls"),
                ("messages", "hi", "Stop"),
                ("responses", "hello", "Stop"),
                ("space_before_the_first_event", "", "Protocol"),
                ("think_tags", "b", "Length"),
                ("tool_calls", "", "ToolCalls"),
                ("web_page", "", "Protocol"),
                ("whole", "x", "Stop"),
            ]
        );
    }
}
