//! Failures in the middle of an answer, in every format: a part is never delivered as a whole.

use std::sync::Arc;

use exai_core::{Kind, chat::Finish};
use serde_json::{Value, json};

use super::{Whole, read};
use crate::{
    vendor::VendorKind,
    wire::{chat_completions, generate_content, messages, responses},
};

/// One format: how its answer begins, and how it ends well.
struct Format {
    vendor: VendorKind,
    begin: Value,
    end: Value,
}

fn formats() -> [Format; 4] {
    [
        Format {
            vendor: VendorKind::Custom,
            begin: json!({"choices": [{"delta": {"content": "half"}}]}),
            end: json!({"choices": [{"delta": {}, "finish_reason": "stop"}]}),
        },
        Format {
            vendor: VendorKind::OpenAi,
            begin: json!({"type": "response.output_text.delta", "delta": "half"}),
            end: json!({"type": "response.completed", "response": {"status": "completed"}}),
        },
        Format {
            vendor: VendorKind::Anthropic,
            begin: json!({"type": "content_block_delta", "delta": {"type": "text_delta", "text": "half"}}),
            end: json!({"type": "message_delta", "delta": {"stop_reason": "end_turn"}}),
        },
        Format {
            vendor: VendorKind::Gemini,
            begin: json!({"candidates": [{"content": {"parts": [{"text": "half"}]}}]}),
            end: json!({"candidates": [{"finishReason": "STOP"}]}),
        },
    ]
}

impl Format {
    fn read(&self, body: &str) -> Whole {
        let asked = || "asked".to_owned();
        match self.vendor {
            VendorKind::OpenAi => {
                read(self.vendor, |origin| responses::Decoder::new(Arc::new(origin), asked()), body)
            }
            VendorKind::Anthropic => {
                read(self.vendor, |origin| messages::Decoder::new(Arc::new(origin), asked()), body)
            }
            VendorKind::Gemini => {
                read(self.vendor, |origin| generate_content::Decoder::new(Arc::new(origin), asked()), body)
            }
            _ => read(self.vendor, |origin| chat_completions::Decoder::new(Arc::new(origin), asked()), body),
        }
    }
}

#[test]
fn a_failure_of_any_shape_fails() {
    for (event, kind) in [
        ("data: {\"detail\":\"the worker died\"}", Kind::Unavailable),
        ("data: {\"code\":429,\"message\":\"slow down\"}", Kind::RateLimited),
        ("data: {\"status\":\"error\",\"code\":\"invalid_api_key\"}", Kind::Auth),
        ("data: {\"statusCode\":500}", Kind::Unavailable),
        ("data: {\"fault\":{\"faultstring\":\"no\"}}", Kind::Unavailable),
        ("data: {\"err\":\"insufficient balance\"}", Kind::Quota),
        ("data: Internal Server Error", Kind::Unavailable),
        ("data: \"upstream timeout\"", Kind::Unavailable),
        ("data: 503", Kind::Unavailable),
        ("data: [{\"error\":{\"code\":429}}]", Kind::RateLimited),
        ("data: {\"type\":\"error\",\"error\":{\"type\":\"overloaded_error\"}}", Kind::Unavailable),
        ("{\"error\":{\"code\":\"context_length_exceeded\"}}", Kind::ContextTooLong),
        ("  {\"error\":\"oops\"}", Kind::Unavailable),
        ("event: error\ndata:", Kind::Unavailable),
        ("event: exception\ndata: {\"text\":\"insufficient balance\"}", Kind::Quota),
        ("event: error\ndata: insufficient balance", Kind::Quota),
    ] {
        for format in formats() {
            for end in ["", "data: [DONE]\n\n"] {
                let body = format!("data: {}\n\n{event}\n\n{end}", format.begin);
                let whole = format.read(&body);
                assert_eq!((whole.error, whole.text.as_str()), (Some(kind), "half"), "{body}");
            }
        }
    }
}

#[test]
fn what_is_no_failure_passes() {
    for event in [
        ": a comment that says error",
        "data: still here",
        "data: {}",
        "data: []",
        "data: null",
        "data: {\"usage\":{\"total_tokens\":500}}",
        "event: ping\ndata: {\"message\":\"still here\"}",
        "data: {\"type\":\"progress\",\"message\":\"searching\"}",
        "data: {\"error\":{\"code\":null,\"message\":null}}",
        "id: 500",
    ] {
        for format in formats() {
            let body = format!("data: {}\n\n{event}\n\ndata: {}\n\n", format.begin, format.end);
            let whole = format.read(&body);
            assert_eq!((whole.text.as_str(), whole.finish), ("half", Some(Finish::Stop)), "{body}");
        }
    }
}

#[test]
fn unread_words_are_no_good_end() {
    for format in formats() {
        let body = format!("data: {}\n\ndata: good bye\n\ndata: [DONE]\n\n", format.begin);
        let whole = format.read(&body);
        let is_whole = whole.finish.as_ref().is_none_or(Finish::is_complete);
        assert!(!is_whole, "{body} {whole:?}");
    }
}

#[test]
fn words_that_keep_alive_cost_nothing() {
    for words in ["ping", "keep-alive", "PROXY PROCESSING", "Heartbeat 3", "...", "17", "still here"] {
        let [format, ..] = formats();
        let body = format!("data: {}\n\ndata: {words}\n\ndata: [DONE]\n\n", format.begin);
        assert_eq!(format.read(&body).finish, Some(Finish::Stop), "{body}");
    }
}

#[test]
fn what_follows_the_end_costs_nothing() {
    let mut cases = vec![
        "data: {broken".to_owned(),
        "data: {\"error\":{\"message\":\"no usage\"}}".to_owned(),
        "event: error\ndata: it broke".to_owned(),
        "data: Internal Server Error".to_owned(),
        "{\"detail\":\"late\"}".to_owned(),
        "<html>502</html>".to_owned(),
    ];
    cases.push(format!("data: {}", "x".repeat(super::LIMITS.event_bytes + 1)));
    for late in cases {
        for format in formats() {
            let body = format!("data: {}\n\ndata: {}\n\n{late}\n\n", format.begin, format.end);
            let whole = format.read(&body);
            assert_eq!((whole.text.as_str(), whole.finish), ("half", Some(Finish::Stop)), "{late:.60}");
        }
    }
    let counted = "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":3,\"completion_tokens\":2}}\n\n";
    let [format, ..] = formats();
    let whole =
        format.read(&format!("data: {}\n\ndata: {}\n\ndata: {{oops\n\n{counted}", format.begin, format.end));
    assert_eq!(whole.usage.map(|usage| usage.output_tokens), Some(2), "counts behind garbage are read");
}
