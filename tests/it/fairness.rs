//! Clients of one server beside each other: none takes the places of the others.

use std::time::{Duration, Instant};

use exai_mock_vendor::{Answer, Gate};
use futures::future::join_all;
use serde_json::json;
use tokio::net::TcpStream;

use crate::{
    routing::two,
    support::{CLIENT, MODEL, Program, Served, Setup, modern, peak_memory, read, tool_call, within},
};

const GREEDY: (&str, &str) = ("x-api-key", "the-key-of-the-greedy-one");
const MODEST: (&str, &str) = ("x-api-key", "the-key-of-the-modest-one");

/// A server with a key for each of two clients and no limit of calls a second.
async fn two_clients(setup: Setup) -> Setup {
    let folder = setup.home.path().join("config");
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join("config.toml"), "[[clients]]\nname = \"modest\"\ntoken_env = \"MODEST\"\n")
        .unwrap();
    setup
        .with("EXAI_TOKEN", GREEDY.1)
        .with("MODEST", MODEST.1)
        .with("EXAI_RATE", "0")
        .with("EXAI_CLIENT_RATE", "0")
}

/// Sends a question and leaves its answer unread.
async fn sent(served: &Served, question: &str, key: (&str, &str)) -> TcpStream {
    let call = tool_call("chat", &json!({"prompt": question, "model": MODEL}));
    let headers: Vec<(&str, &str)> = CLIENT.iter().chain(&modern("chat")).chain(&[key]).copied().collect();
    served.send("POST", "/mcp", &headers, &call.to_string()).await
}

/// Hanging calls of one client take three quarters of the places, over as many connections as it likes.
#[tokio::test]
async fn a_greedy_client_leaves_room() {
    let setup = two_clients(Setup::new().await.with("EXAI_UPSTREAM_LIMIT", "8")).await;
    let gate = Gate::new();
    setup.vendor.answer_with({
        let gate = gate.clone();
        move |asked| asked.json.to_string().contains("greedy").then(|| Answer::text("late").gated(&gate))
    });
    let served = Served::start(&setup).await;
    let mut hanging = Vec::new();
    for number in 0..40 {
        hanging.push(sent(&served, &format!("greedy {number}"), GREEDY).await);
    }
    within("its share", setup.vendor.wait_for_calls(6)).await;
    for number in 0..4 {
        let call = json!({"prompt": format!("modest {number}"), "model": MODEL});
        let answer = served.call("chat", &call, &[MODEST]).await.tool();
        assert!(answer["content"].is_string(), "{answer:#}");
    }
    assert_eq!(setup.vendor.stats().in_flight, 6);
    // What asks no model is outside of all that.
    for tool in ["version", "status", "listmodels", "threads"] {
        let answer = served.call(tool, &json!({}), &[GREEDY]).await.tool();
        assert_ne!(answer["status"], "error", "{answer:#}");
    }
    gate.open();
    drop(hanging);
}

/// More calls than may run at once wait for their turn; none is refused.
#[tokio::test]
async fn four_hundred_at_once_are_answered() {
    let setup = two_clients(Setup::new().await).await;
    let served = Served::start(&setup).await;
    let calls = (0..400).map(|number| {
        let served = &served;
        async move {
            let call = json!({"prompt": format!("question {number}"), "model": MODEL});
            served.call("chat", &call, &[GREEDY]).await.tool()
        }
    });
    let answers = join_all(calls).await;
    let failed: Vec<_> = answers.iter().filter(|answer| answer["status"] == "error").collect();
    assert!(failed.is_empty(), "{} failed: {:#}", failed.len(), failed[0]);
    assert_eq!(setup.vendor.stats().calls, 400);
}

/// A call that waits for its turn when its client goes away is never made; one that runs is finished.
#[tokio::test]
async fn waiting_calls_go_with_their_client() {
    let setup = Setup::new().await.with("EXAI_IN_FLIGHT_LIMIT", "1");
    let gate = Gate::new();
    setup.vendor.default_answer(Answer::text("late").gated(&gate));
    let served = Served::start(&setup).await;
    let running = sent(&served, "runs", GREEDY).await;
    within("the first", setup.vendor.wait_for_calls(1)).await;
    let waiting = sent(&served, "waits", GREEDY).await;
    let last = sent(&served, "comes last", GREEDY).await;
    within("all three", async { while served.figure("exai_active_connections").await < 4.0 {} }).await;
    drop(running);
    drop(waiting);
    within("two have gone", async { while served.figure("exai_active_connections").await > 2.0 {} }).await;
    gate.open();
    let answer = within("the last", read(last)).await.tool();
    assert_eq!(answer["content"], "late", "{answer:#}");
    let asked: Vec<String> = setup.vendor.calls().iter().map(|call| call.json.to_string()).collect();
    assert_eq!(asked.len(), 2);
    assert!(asked[0].contains("runs") && asked[1].contains("comes last"), "{asked:?}");
}

/// A vendor that does not answer has its own places, and no others.
#[tokio::test]
async fn a_hanging_vendor_delays_no_other() {
    let two = two().await;
    let gate = Gate::new();
    two.glm.default_answer(Answer::text("late").gated(&gate));
    two.kimi.default_answer(Answer::text("soon"));
    let program = two.setup.start().await;
    let mut hanging = Vec::new();
    for number in 0..10 {
        let call = json!({"prompt": format!("question {number}"), "model": "glm-5.3"});
        hanging.push(program.begin("chat", call).await);
    }
    within("its places", two.glm.wait_for_calls(4)).await;
    for number in 0..10 {
        let begun = Instant::now();
        let call = json!({"prompt": format!("question {number}"), "model": "kimi-k3.1-pro"});
        assert_eq!(program.call("chat", call).await.ok()["content"], "soon");
        assert!(begun.elapsed() < Duration::from_secs(2), "{:?}", begun.elapsed());
    }
    assert_eq!(two.glm.stats().in_flight, 4);
    gate.open();
    for call in hanging {
        assert_eq!(Program::answer(call).await.ok()["content"], "late");
    }
    assert_eq!(two.glm.stats().peak_in_flight, 4);
    program.stop().await;
}

/// Sessions that are opened and never used take the places of their own client alone, and those beyond them cost nothing.
#[tokio::test]
async fn a_flood_of_sessions_is_bounded() {
    let setup = two_clients(Setup::new().await.with("EXAI_CLIENT_SESSIONS", "20")).await;
    let served = Served::start(&setup).await;
    let hello = json!({"jsonrpc": "2.0", "id": 0, "method": "initialize", "params": {
        "protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "raw", "version": "1"}}});
    let opened = async || {
        let answers = join_all((0..100).map(|_| served.post(&hello, &[GREEDY]))).await;
        assert!(answers.iter().all(|answer| matches!(answer.status, 200 | 503)));
        answers.iter().filter(|answer| answer.status == 200).count()
    };
    assert_eq!(opened().await, 20);
    let process = served.child.id().expect("it runs");
    let before = peak_memory(process);
    for _ in 0..20 {
        assert_eq!(opened().await, 0);
    }
    let cost = peak_memory(process) - before;
    assert!(cost <= 16, "{cost} MiB");
    served.session(&[MODEST]).await;
}
