//! Thoughts within the text of an answer, in every format and in every way that it arrives.

use std::sync::Arc;

use exai_core::chat::Finish;
use serde_json::{Value, json};

use super::{Whole, read};
use crate::{
    origin::Origin,
    vendor::VendorKind,
    wire::{chat_completions, generate_content, messages, responses},
};

const FORMATS: [VendorKind; 4] =
    [VendorKind::Custom, VendorKind::OpenAi, VendorKind::Anthropic, VendorKind::Gemini];

/// The answer to a body in a vendor's format.
fn answer(vendor: VendorKind, body: &str) -> Whole {
    let asked = || "asked".to_owned();
    match vendor {
        VendorKind::OpenAi => read(vendor, |by: Origin| responses::Decoder::new(Arc::new(by), asked()), body),
        VendorKind::Anthropic => {
            read(vendor, |by: Origin| messages::Decoder::new(Arc::new(by), asked()), body)
        }
        VendorKind::Gemini => {
            read(vendor, |by: Origin| generate_content::Decoder::new(Arc::new(by), asked()), body)
        }
        _ => read(vendor, |by: Origin| chat_completions::Decoder::new(Arc::new(by), asked()), body),
    }
}

/// A stream that says the pieces, one an event.
fn streamed(vendor: VendorKind, pieces: &[&str]) -> String {
    let event = |piece: &&str| match vendor {
        VendorKind::OpenAi => json!({"type": "response.output_text.delta", "delta": piece}),
        VendorKind::Anthropic => {
            json!({"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": piece}})
        }
        VendorKind::Gemini => json!({"candidates": [{"content": {"parts": [{"text": piece}]}}]}),
        _ => json!({"choices": [{"delta": {"content": piece}}]}),
    };
    let message = json!({"type": "message", "content": [{"type": "output_text", "text": pieces.concat()}]});
    let ends: Vec<Value> = match vendor {
        VendorKind::OpenAi => vec![
            json!({"type": "response.output_item.done", "item": message}),
            json!({"type": "response.completed", "response": {"status": "completed"}}),
        ],
        VendorKind::Anthropic => vec![
            json!({"type": "message_delta", "delta": {"stop_reason": "end_turn"}}),
            json!({"type": "message_stop"}),
        ],
        VendorKind::Gemini => vec![json!({"candidates": [{"finishReason": "STOP"}]})],
        _ => vec![json!({"choices": [{"delta": {}, "finish_reason": "stop"}]})],
    };
    pieces.iter().map(event).chain(ends).map(|event| format!("data: {event}\n\n")).collect()
}

/// One reply that says all of it.
fn whole(vendor: VendorKind, text: &str) -> String {
    let reply = match vendor {
        VendorKind::OpenAi => json!({"status": "completed", "output": [{"type": "message",
            "content": [{"type": "output_text", "text": text}]}]}),
        VendorKind::Anthropic => {
            json!({"content": [{"type": "text", "text": text}], "stop_reason": "end_turn"})
        }
        VendorKind::Gemini => {
            json!({"candidates": [{"content": {"parts": [{"text": text}]}, "finishReason": "STOP"}]})
        }
        _ => json!({"choices": [{"message": {"content": text}, "finish_reason": "stop"}]}),
    };
    reply.to_string()
}

#[test]
fn no_format_shows_a_thought() {
    for vendor in FORMATS {
        for (pieces, text, thought) in [
            (&["<think>hm</think>", "\n\nyes"][..], "yes", "hm"),
            (&["hm</thi", "nk>yes"], "yes", "hm"),
            (&["[THINK]h", "m[/THINK]yes"], "yes", "hm"),
            (&["<thinking>only"], "", "only"),
            (&["Write `</think>`", " to end it.<th"], "Write `</think>` to end it.<th", ""),
        ] {
            let name = vendor.name();
            for body in [streamed(vendor, pieces), whole(vendor, &pieces.concat())] {
                let answer = answer(vendor, &body);
                assert_eq!(
                    (answer.text.as_str(), answer.thought.as_str()),
                    (text, thought),
                    "{name}: {body}"
                );
                assert_eq!((answer.finish, answer.error), (Some(Finish::Stop), None), "{name}: {body}");
            }
        }
    }
}

/// What follows an open tag in a line may be a thought or the answer's own words: it is not shown, and not lost without a word.
#[test]
fn a_doubtful_end_is_no_success() {
    let failed = || Finish::Unknown("it ends within a thought".into());
    for (text, reason, shown, finish) in [
        ("yes <think>hm", "stop", "yes ", failed()),
        ("yes <think>hm", "length", "yes ", Finish::Length),
        ("yes\n<think>hm", "stop", "yes\n", Finish::Stop),
        ("<think>hm</thinking>yes", "stop", "yes", Finish::Stop),
        ("<think>hm</thinking>hm", "length", "", Finish::Length),
    ] {
        let reply = json!({"choices": [{"message": {"content": text}, "finish_reason": reason}]});
        let answer = answer(VendorKind::Custom, &reply.to_string());
        assert_eq!((answer.text.as_str(), answer.finish), (shown, Some(finish)), "{text} {reason}");
    }
}

/// Parts that are thoughts by their type, with their words where those of a text are.
#[test]
fn parts_may_be_thoughts_by_type() {
    for (vendor, reply) in [
        (
            VendorKind::Custom,
            json!({"choices": [{"message": {"content": [{"type": "reasoning", "text": "hm"}, {"type": "text", "text": "yes"}]},
                "finish_reason": "stop"}]}),
        ),
        (
            VendorKind::Anthropic,
            json!({"content": [{"type": "thinking", "text": "hm"}, {"type": "text", "text": "yes"}], "stop_reason": "end_turn"}),
        ),
        (
            VendorKind::OpenAi,
            json!({"status": "completed", "output": [{"type": "message",
                "content": [{"type": "reasoning_text", "text": "hm"}, {"type": "output_text", "text": "yes"}]}]}),
        ),
        (
            VendorKind::Gemini,
            json!({"candidates": [{"content": {"parts": [{"thought": true, "text": "hm"}, {"text": "yes"}]}, "finishReason": "STOP"}]}),
        ),
    ] {
        assert_eq!(answer(vendor, &reply.to_string()).text, "yes", "{reply}");
    }
}
