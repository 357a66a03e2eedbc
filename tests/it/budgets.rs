//! What may be spent, by calls one after the other, at once, and in several processes.

use std::sync::Arc;

use exai_mock_vendor::{Answer, Gate, Usage};
use futures::{StreamExt as _, stream::FuturesUnordered};
use serde_json::{Value, json};

use crate::{
    routing::{ask, two},
    support::{Program, within},
};

/// Beyond the budget no model is asked, and a cheaper model is offered.
#[tokio::test]
async fn beyond_the_budget_no_model_is_asked() {
    let two = two().await;
    let setup = two.setup.with("EXAI_BUDGET_CALL_USD", "0.01");
    let program = setup.start().await;
    // Four thousand tokens of answer at 4.4 dollars a million.
    let refused = program.call("chat", json!({"prompt": "hi", "model": "glm-5.3"})).await.failure();
    assert_eq!((&refused["code"], &refused["retryable"]), (&json!("budget_exceeded"), &json!(false)));
    let message = refused["message"].as_str().unwrap();
    assert!(
        message.contains("of the $0.01 that one call may cost")
            && message.contains("glm/glm-5.3-flashx would cost about"),
        "{message}"
    );
    assert_eq!(two.glm.stats().calls + two.kimi.stats().calls, 0, "and nobody else is asked instead");
    ask(&program, &json!({"model": "glm-5.3-flash"})).await;
    program.stop().await;
}

/// What was spent counts for the day and the thread also after a restart.
#[tokio::test]
async fn spending_counts_after_a_restart() {
    for (setting, words, other) in
        [("EXAI_BUDGET_DAY_USD", "one day", false), ("EXAI_BUDGET_THREAD_USD", "one thread", true)]
    {
        let two = two().await;
        // An answer that costs two cents, and room for two of the estimates.
        let usage = exai_mock_vendor::Usage { prompt: 10_000, completion: 1_400, ..Default::default() };
        two.glm.default_answer(Answer::text("dear").usage(usage));
        let setup = two.setup.with(setting, "0.037");
        let program = setup.start().await;
        let thread = program.call("chat", json!({"prompt": "hi", "model": "glm-5.3"})).await.thread();
        program.stop().await;
        let program = setup.start().await;
        let again = json!({"prompt": "and?", "model": "glm-5.3", "continuation_id": thread});
        let refused = program.call("chat", again).await.failure();
        assert_eq!(refused["code"], "budget_exceeded");
        assert!(refused["message"].as_str().unwrap().contains(words), "{refused:#}");
        let budget = &program.call("status", json!({})).await.ok()["budget"];
        assert!(
            budget["spent_today_usd"].as_f64().is_some_and(|spent| (0.02..0.03).contains(&spent)),
            "{budget}"
        );
        assert_eq!(budget["day_usd"].is_null(), other);
        let fresh = program.call("chat", json!({"prompt": "another", "model": "glm-5.3"})).await;
        assert_eq!(fresh.is_error, !other, "{words}");
        program.stop().await;
    }
}

/// Calls with questions of their own, all at once; what each came to.
async fn at_once(
    programs: &[Arc<Program>],
    count: usize,
) -> FuturesUnordered<tokio::task::JoinHandle<Value>> {
    let calls = FuturesUnordered::new();
    for number in 0..count {
        let program = Arc::clone(&programs[number % programs.len()]);
        calls.push(tokio::spawn(async move {
            let call = json!({"prompt": format!("question {number}"), "model": "glm-5.3"});
            program.call("chat", call).await.json
        }));
    }
    calls
}

fn is_refused(answer: &Value) -> bool {
    answer["code"] == "budget_exceeded"
}

/// Two processes with one database let no more through than their money is enough for.
#[tokio::test]
async fn processes_share_one_budget() {
    for setting in ["EXAI_BUDGET_DAY_USD", "EXAI_BUDGET_SERVER_DAY_USD"] {
        let two = two().await;
        let setup = two.setup.with(setting, "0.11");
        let gate = Gate::new();
        two.glm.default_answer(Answer::text("fine").gated(&gate));
        let programs = [Arc::new(setup.start().await), Arc::new(setup.start().await)];
        let mut calls = at_once(&programs, 50).await;
        let refused = within("a refusal", calls.next()).await.unwrap().unwrap();
        let message = refused["message"].as_str().unwrap();
        let (_, estimate) = message.split_once("would cost about $").unwrap_or_else(|| panic!("{message}"));
        let estimate: f64 = estimate.split(',').next().unwrap().parse().unwrap();
        let fit = (0.11 / estimate).floor() as usize;
        assert!((4..=8).contains(&fit), "{message}");
        for _ in 1..50 - fit {
            let answer = within("a refusal", calls.next()).await.unwrap().unwrap();
            assert!(is_refused(&answer), "{answer:#}");
        }
        gate.open();
        while let Some(answer) = within("an answer", calls.next()).await {
            assert_eq!(answer.unwrap()["content"], "fine");
        }
        assert_eq!(two.glm.stats().calls, fit, "{setting}");
        for program in programs {
            Arc::into_inner(program).unwrap().stop().await;
        }
    }
}

/// What calls cost beyond their estimate is seen by those that wait for their turn.
#[tokio::test]
async fn waiting_calls_are_checked_again() {
    let two = two().await;
    // All fifty fit by their estimates, and eighteen by what they cost.
    let setup = two.setup.with("EXAI_BUDGET_DAY_USD", "0.95").with("EXAI_UPSTREAM_LIMIT", "1");
    two.glm.default_answer(Answer::text("dear").usage(Usage {
        prompt: 1_000,
        completion: 11_700,
        ..Usage::default()
    }));
    let program = Arc::new(setup.start().await);
    let answers: Vec<Value> =
        within("all", at_once(&[Arc::clone(&program)], 50).await.map(Result::unwrap).collect()).await;
    let refused = answers.iter().filter(|answer| is_refused(answer)).count();
    let made = two.glm.stats().calls;
    assert_eq!(made + refused, 50);
    // Those that are on their way to the database when the next one looks are missed.
    assert!((18..=30).contains(&made), "{made}");
    let program = Arc::into_inner(program).unwrap();
    program.stop().await;
}
