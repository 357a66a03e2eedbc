//! What monitors are told, and the end that is asked for twice.

use std::time::{Duration, Instant};

use exai_core::run::RunState;
use exai_mock_vendor::{Answer, Gate};
use futures::future::join_all;
use serde_json::json;
use tokio::net::TcpStream;

use crate::support::{CLIENT, MODEL, Served, Setup, modern, read, tool_call, within};

/// Calls are answered without a database, so clients are not kept away; whoever watches the server learns of it.
#[tokio::test]
async fn a_missing_database_is_told() {
    let setup = Setup::new().await;
    std::fs::write(setup.home.path().join("data"), "a file in the place of the folder").unwrap();
    setup.vendor.default_answer(Answer::text("hello"));
    let served = Served::start(&setup).await;
    for (path, status, word) in
        [("/health/live", 200, "alive"), ("/health/ready", 200, "degraded"), ("/health", 503, "degraded")]
    {
        let answer = served.request("GET", path, &[], "").await;
        assert_eq!((answer.status, &answer.json()["status"]), (status, &json!(word)), "{path}");
        let why = answer.json()["trouble"].as_str().map(str::to_owned);
        assert!(path == "/health/live" || why.is_some_and(|why| why.contains("database")), "{answer:?}");
    }
    let answer = served.call("chat", &json!({"prompt": "hello", "model": MODEL}), &[]).await.tool();
    assert_eq!((&answer["content"], &answer["metadata"]["persisted"]), (&json!("hello"), &json!(false)));
    let (code, told, _) = setup.run(&["health", &format!("http://{}", served.address)]).await;
    assert!(code == 1 && told.contains("degraded"), "{code} {told}");
}

#[tokio::test]
async fn a_second_signal_ends_at_once() {
    let setup = Setup::new().await.with("EXAI_DRAIN_SECONDS", "600");
    setup.vendor.default_answer(Answer::never());
    for (signal, code) in [("-TERM", 143), ("-INT", 130)] {
        let served = Served::start(&setup).await;
        let headers: Vec<_> = CLIENT.iter().copied().chain(modern("chat")).collect();
        let call = tool_call("chat", &json!({"prompt": format!("wait {code}"), "model": MODEL})).to_string();
        let before = setup.vendor.calls().len();
        let _open = served.send("POST", "/mcp", &headers, &call).await;
        within("the call", setup.vendor.wait_for_calls(before + 1)).await;
        served.signal("-TERM");
        let going = async { while TcpStream::connect(served.address).await.is_ok() {} };
        within("the first signal", going).await;
        let begun = Instant::now();
        served.signal(signal);
        assert_eq!(served.ended().await.0, code);
        assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
    }
}

/// What finishes in time is answered while the server ends, the rest is told that it was interrupted, and all of it is stored.
#[tokio::test]
async fn the_end_answers_twenty_calls() {
    let setup = Setup::new().await.with("EXAI_DRAIN_SECONDS", "2").with("EXAI_UPSTREAM_LIMIT", "40");
    let gate = Gate::new();
    setup.vendor.answer_with({
        let gate = gate.clone();
        move |asked| {
            let finishes = asked.json.to_string().contains("finishes");
            Some(if finishes { Answer::text("late").gated(&gate) } else { Answer::never() })
        }
    });
    let served = Served::start(&setup).await;
    let headers: Vec<_> = CLIENT.iter().copied().chain(modern("chat")).collect();
    let mut open = Vec::new();
    for number in 0..20 {
        let question = format!("{} {number}", if number % 2 == 0 { "finishes" } else { "hangs" });
        let call = tool_call("chat", &json!({"prompt": question, "model": MODEL})).to_string();
        open.push(served.send("POST", "/mcp", &headers, &call).await);
    }
    within("the calls", setup.vendor.wait_for_calls(20)).await;
    served.terminate();
    within("the signal", async { while TcpStream::connect(served.address).await.is_ok() {} }).await;
    gate.open();
    let answers = within("every answer", join_all(open.into_iter().map(read))).await;
    for (number, answer) in answers.iter().enumerate() {
        let answer = answer.tool();
        if number % 2 == 0 {
            assert_eq!(answer["content"], "late", "{answer:#}");
        } else {
            assert!(answer["message"].as_str().unwrap().starts_with("interrupted"), "{answer:#}");
        }
    }
    assert_eq!(served.ended().await.0, 0);
    let runs = setup.stored_runs().await;
    let of = |state| runs.iter().filter(|run| run.state == state).count();
    assert_eq!((runs.len(), of(RunState::Done)), (20, 10));
}
