//! Answers in every shape that a vendor streams them.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use exai_core::chat::{Finish, Usage};
use exai_mock_vendor::{Answer, Usage as Counts, UsagePlace, Vendor};
use exai_providers::{HttpSettings, VendorKind};
use serde_json::json;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
};

use super::{ask, custom, provider};

#[tokio::test]
async fn every_stream_gives_the_same_answer() {
    let vendor = Vendor::start().await;
    let provider = custom(&vendor);
    let text = "Grüße, 世界 🦀: a\nb \"c\"";
    let counts = Counts { prompt: 100, completion: 20, cached: 30, reasoning: 5 };
    let base = || Answer::text(text).reasoning("hm").model("real-model").usage(counts);
    for (name, answer) in [
        ("plain", base()),
        ("letters", base().piece_chars(1)),
        ("bytes", base().split_every(1)),
        ("crlf", base().crlf().split_every(3)),
        ("comments", base().comments().split_every(7)),
        ("no done", base().without_done()),
        ("garbage", base().garbage("still here")),
        ("usage last", base().usage_place(UsagePlace::LastChunk)),
        ("usage everywhere", base().usage_place(UsagePlace::EveryChunk)),
        ("usage in choice", base().usage_place(UsagePlace::InChoice)),
        ("other key", base().reasoning_as("reasoning", "hm")),
        ("tags", Answer::text(text).think("hm").model("real-model").usage(counts).split_every(2)),
    ] {
        vendor.then(answer);
        let answer = ask(&provider, "m").await;
        assert!(answer.error.is_none(), "{name}: {:?}", answer.error);
        assert_eq!((answer.text.as_str(), answer.thought.as_str()), (text, "hm"), "{name}");
        assert_eq!((answer.model.as_str(), answer.finish), ("real-model", Some(Finish::Stop)), "{name}");
        let expected = Usage {
            input_tokens: 100,
            output_tokens: 20,
            cached_input_tokens: 30,
            reasoning_tokens: 5,
            estimated: false,
        };
        assert_eq!(answer.usage, Some(expected), "{name}");
    }
    vendor.then(base().usage_place(UsagePlace::Absent));
    assert_eq!(ask(&provider, "m").await.usage, None);
    assert_eq!(vendor.stats().disconnects, 0);
}

#[tokio::test]
async fn plain_replies_to_streamed_requests_are_answers() {
    let vendor = Vendor::start().await;
    let body = json!({"choices": [{"message": {"content": "whole"}, "finish_reason": "length"}]});
    vendor.then(Answer::json(200, &body));
    let answer = ask(&custom(&vendor), "m").await;
    assert_eq!((answer.text.as_str(), answer.finish), ("whole", Some(Finish::Length)));
}

#[tokio::test]
async fn a_vendor_gets_its_own_thoughts_back() {
    let vendor = Vendor::start().await;
    let kimi = provider(VendorKind::Kimi, &vendor);
    vendor.then(Answer::text("a").reasoning("because"));
    assert_eq!(ask(&kimi, "kimi-k3").await.opaque, [json!({"reasoning_content": "because"})]);
}

#[tokio::test]
async fn each_vendor_has_its_own_path() {
    let vendor = Vendor::start().await;
    for (kind, model, path) in [
        (VendorKind::OpenAi, "gpt-6-luna", "/v1/chat/completions"),
        (VendorKind::Glm, "glm-5.3", "/api/paas/v4/chat/completions"),
        (VendorKind::Kimi, "kimi-k3", "/v1/chat/completions"),
        (VendorKind::MiniMax, "minimax-m3", "/v1/chat/completions"),
    ] {
        let provider = super::provider_with(kind, &vendor.origin(), HttpSettings::default());
        assert!(!provider.is_vendor_endpoint());
        assert!(!ask(&provider, model).await.text.is_empty());
        let sent = vendor.requests().pop().unwrap();
        assert_eq!(sent.path, path);
        assert_eq!(sent.json["model"], provider.model(model).unwrap().id.as_str());
    }
}

/// Answers every request on every connection with a small stream, in one write or in three, and counts the connections.
async fn counting_vendor(pieces: usize, connections: Arc<AtomicUsize>) -> String {
    const HEAD: &str =
        "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n";
    let event = "data: {\"choices\":[{\"delta\":{\"content\":\"x\"},\"finish_reason\":\"stop\"}]}\n\ndata: [DONE]\n\n";
    let body = format!("{:x}\r\n{event}\r\n", event.len());
    let parts: Vec<String> = match pieces {
        1 => vec![format!("{HEAD}{body}0\r\n\r\n")],
        _ => vec![HEAD.to_owned(), body, "0\r\n\r\n".to_owned()],
    };
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((mut line, _)) = listener.accept().await {
            connections.fetch_add(1, Ordering::SeqCst);
            let parts = parts.clone();
            tokio::spawn(async move {
                let mut seen = Vec::new();
                while line.read_buf(&mut seen).await.is_ok_and(|read| read > 0) {
                    // The body of these requests ends with its only closing bracket at the top.
                    if !seen.ends_with(b"}") {
                        continue;
                    }
                    seen.clear();
                    for part in &parts {
                        line.write_all(part.as_bytes()).await.unwrap();
                        line.flush().await.unwrap();
                        tokio::task::yield_now().await;
                    }
                }
            });
        }
    });
    address
}

#[tokio::test]
async fn connections_are_reused_after_complete_answers() {
    for pieces in [1, 3] {
        let connections = Arc::new(AtomicUsize::new(0));
        let address = counting_vendor(pieces, Arc::clone(&connections)).await;
        let provider = super::provider_with(VendorKind::Custom, &address, HttpSettings::default());
        for _ in 0..10 {
            assert_eq!(ask(&provider, "m").await.finish, Some(Finish::Stop));
            // The connection's own task puts it back.
            for _ in 0..20 {
                tokio::task::yield_now().await;
            }
        }
        assert_eq!(connections.load(Ordering::SeqCst), 1, "{pieces} writes");
    }
}
