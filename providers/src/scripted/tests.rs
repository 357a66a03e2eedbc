//! The scripted provider itself.

use std::time::Duration;

use exai_core::chat::{Delta, Finish, Message};
use futures::StreamExt;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::*;

fn request() -> Request {
    Request {
        model: "m".into(),
        system: "".into(),
        messages: vec![Message::user("hi")],
        temperature: None,
        thinking: None,
        max_output_tokens: None,
        json: false,
        web_search: false,
        tools: exai_core::function_calling::Tooling::default(),
    }
}

fn call() -> CallCtx {
    CallCtx {
        request_id: "r".into(),
        deadline: Instant::now() + Duration::from_secs(3600),
        cancel: CancellationToken::new(),
    }
}

#[tokio::test]
async fn it_follows_the_script_then_its_default() {
    let provider = ScriptedProvider::new("a", "m");
    provider.then(Script::fail(Kind::RateLimited));
    provider.then(Script::new().say(Delta::Text("x".into())).then_fail(Kind::Unavailable, None));
    assert_eq!(provider.chat(&request(), &call()).await.err().unwrap().kind, Kind::RateLimited);
    let items: Vec<_> = provider.chat(&request(), &call()).await.unwrap().collect().await;
    assert_eq!(items.len(), 2);
    assert_eq!(items[1].as_ref().unwrap_err().kind, Kind::Unavailable);
    let last = provider.chat(&request(), &call()).await.unwrap().collect::<Vec<_>>().await.pop();
    assert_eq!(last.unwrap().unwrap(), Delta::Finished(Finish::Stop));
    assert_eq!(provider.requests().len(), 3);
    assert_eq!(provider.stats(), Stats { calls: 3, in_flight: 0, most_in_flight: 1, given_up: 0 });
}

#[tokio::test]
async fn gates_hold_and_cancellations_count() {
    let provider = Arc::new(ScriptedProvider::new("a", "m"));
    let gate = Gate::new();
    provider.default_answer(Script::text("late").gated(&gate));
    let (first, second) = (call(), call());
    let ask = |call: CallCtx| {
        let provider = Arc::clone(&provider);
        tokio::spawn(async move { provider.chat(&request(), &call).await.map(|_| ()) })
    };
    let cancelled = ask(first.clone());
    let answered = ask(second);
    provider.wait_for(|stats| stats.in_flight == 2).await;
    first.cancel.cancel();
    assert_eq!(cancelled.await.unwrap().unwrap_err().kind, Kind::Cancelled);
    gate.open();
    answered.await.unwrap().unwrap();
    provider.wait_for(|stats| stats.in_flight == 0).await;
    // The second stream was dropped after its first delta.
    assert_eq!(provider.stats().given_up, 2);
}
