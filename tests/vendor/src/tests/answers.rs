//! What a well-behaved vendor says, and which answer is chosen.

use serde_json::{Value, json};

use super::client::{Client, plain, streamed};
use crate::{Answer, Usage, UsagePlace, Vendor};

#[tokio::test]
async fn without_a_script_the_prompt_is_echoed() {
    let vendor = Vendor::start().await;
    let mut client = Client::connect(&vendor).await;
    let reply = client.ask(&plain("mock-model", &"x".repeat(50))).await;
    let body = reply.json();
    assert_eq!((reply.status, reply.complete), (200, true));
    assert_eq!(body["choices"][0]["message"]["content"], format!("ok: {}", "x".repeat(40)));
    assert_eq!(body["choices"][0]["finish_reason"], "stop");
    assert_eq!(body["model"], "mock-model");
    assert_eq!(body["usage"]["total_tokens"], 15);
}

#[tokio::test]
async fn a_stream_carries_every_part() {
    let vendor = Vendor::start().await;
    let answer = Answer::text("the answer is long enough for pieces").reasoning("thinking about it");
    vendor.then(answer.model("served-model").finish_reason("length").usage(Usage::new(7, 3)));
    let reply = Client::connect(&vendor).await.ask(&streamed("asked-model", "hi")).await;
    assert!(reply.complete);
    assert_eq!(reply.header("content-type"), Some("text/event-stream; charset=utf-8"));
    assert_eq!(reply.deltas("reasoning_content"), "thinking about it");
    assert_eq!(reply.deltas("content"), "the answer is long enough for pieces");
    let events = reply.events();
    assert!(events.len() > 5, "{events:?}");
    assert!(events.iter().all(|event| event["model"] == "served-model"));
    let last = &events[events.len() - 1];
    assert_eq!((&last["choices"], &last["usage"]["total_tokens"]), (&json!([]), &json!(10)));
    assert_eq!(events[events.len() - 2]["choices"][0]["finish_reason"], "length");
    assert_eq!(reply.data().last().unwrap(), "[DONE]");
}

#[tokio::test]
async fn given_pieces_are_streamed_or_joined() {
    let vendor = Vendor::start().await;
    vendor.script(vec![Answer::pieces(["a", "", "bc"]), Answer::pieces(["a", "", "bc"])]);
    let mut client = Client::connect(&vendor).await;
    let deltas: Vec<Value> = client.ask(&streamed("m", "hi")).await.events()[1..4]
        .iter()
        .map(|event| event["choices"][0]["delta"]["content"].clone())
        .collect();
    assert_eq!(deltas, ["a", "", "bc"]);
    assert_eq!(client.ask(&plain("m", "hi")).await.json()["choices"][0]["message"]["content"], "abc");
}

#[tokio::test]
async fn usage_stands_where_the_test_puts_it() {
    let vendor = Vendor::start().await;
    let mut client = Client::connect(&vendor).await;
    let mut not_asked = streamed("m", "hi");
    not_asked["stream_options"] = Value::Null;
    let mut seen = Vec::new();
    for place in [
        UsagePlace::WhenAsked,
        UsagePlace::LastChunk,
        UsagePlace::EveryChunk,
        UsagePlace::InChoice,
        UsagePlace::Absent,
    ] {
        vendor.then(Answer::pieces(["a", "b"]).usage_place(place));
        let events = client.ask(&not_asked).await.events();
        let top: Vec<u64> = events.iter().filter_map(|e| e["usage"]["completion_tokens"].as_u64()).collect();
        let in_choice = events.iter().filter(|e| e["choices"][0]["usage"].is_object()).count();
        seen.push((top, in_choice));
    }
    let expected = [(vec![], 0), (vec![5], 0), (vec![0, 2, 5, 5], 0), (vec![], 1), (vec![], 0)];
    assert_eq!(seen, expected);
    vendor.then(Answer::text("a").usage_place(UsagePlace::Absent));
    assert_eq!(client.ask(&plain("m", "hi")).await.json()["usage"], Value::Null);
}

/// The script comes first, then the chooser, then the default.
#[tokio::test]
async fn the_script_comes_before_the_chooser() {
    let vendor = Vendor::start().await;
    vendor.then(Answer::text("scripted"));
    vendor.answer_with(|request| (request.json["model"] == "chosen").then(|| Answer::text("by request")));
    vendor.default_answer(Answer::text("default").think("hm"));
    let mut client = Client::connect(&vendor).await;
    let mut contents = Vec::new();
    for model in ["chosen", "chosen", "other"] {
        let body = client.ask(&plain(model, "hi")).await.json();
        contents.push(body["choices"][0]["message"]["content"].as_str().unwrap().to_owned());
    }
    assert_eq!(contents, ["scripted", "by request", "<think>hm</think>default"]);
}

#[tokio::test]
async fn a_model_name_asks_for_failures() {
    let vendor = Vendor::start().await;
    let mut client = Client::connect(&vendor).await;
    assert_eq!(client.ask(&streamed("mock-words=3", "hi")).await.deltas("content"), "word0 word1 word2 ");
    for (status, code) in [
        (400, "context_length_exceeded"),
        (401, "invalid_api_key"),
        (404, "model_not_found"),
        (429, "rate_limit_exceeded"),
        (500, "server_error"),
        (503, "server_is_overloaded"),
        (418, "mock_error"),
    ] {
        let reply = client.ask(&plain(&format!("fail={status}"), "hi")).await;
        assert_eq!((reply.status, reply.json()["error"]["code"].as_str()), (status, Some(code)));
        assert_eq!(reply.header("retry-after"), (status == 429).then_some("1"));
    }
    assert_eq!(client.ask(&json!(["no chat request"])).await.status, 400);
}

#[tokio::test]
async fn the_model_list_is_the_tests() {
    let vendor = Vendor::start().await;
    let mut client = Client::connect(&vendor).await;
    assert_eq!(client.get("/v1/models").await.json()["data"][0]["id"], "mock-model");
    vendor.models(&["a", "b"]);
    assert_eq!(client.get("/v1/models").await.json()["data"][1]["id"], "b");
    vendor.models_answer(Answer::invalid_key());
    assert_eq!(client.get("/v1/models").await.status, 401);
    assert_eq!(client.get("/v1/nothing").await.status, 404);
}
