//! Five vendors that fail at random under load: every call ends once, in time, and everything is given back.
//!
//! The long form is not part of the ordinary tests: `scripts/stress`.

use std::{
    collections::BTreeSet,
    sync::atomic::{AtomicU64, Ordering},
    time::{Duration, Instant},
};

use exai_mock_vendor::{Answer, Vendor};
use futures::{StreamExt as _, stream};
use serde_json::{Value, json};

use crate::support::{Program, Setup};

const CALLS: usize = 400;
/// How long the long form lasts.
const LONG: Duration = Duration::from_secs(60);
const AT_ONCE: usize = 40;
/// The call's own limit, and what the machine may add to it.
const LIMIT_SECONDS: u64 = 4;
const SLACK_SECONDS: u64 = 8;

/// What happens next, by a counter that is stirred: the same in every run, and without a pattern that a retry could follow.
fn misfortune(number: u64) -> Answer {
    let stirred =
        number.wrapping_mul(0x9E37_79B9_7F4A_7C15).rotate_left(29).wrapping_mul(0xBF58_476D_1CE4_E5B9) >> 40;
    match stirred % 16 {
        0 => Answer::server_error(),
        1 => Answer::hang_up(),
        2 => Answer::rate_limited("0"),
        3 => Answer::text("half of an answer that breaks off").cut_after_pieces(1),
        4 => Answer::raw_stream(["data: {broken\n\n"]),
        5 => Answer::proxy_page(),
        6 => Answer::never(),
        7 => Answer::text(""),
        8 => Answer::overloaded(),
        _ => Answer::text(format!("answer {number}")),
    }
}

async fn unlucky() -> (Setup, Vec<Vendor>) {
    let mut vendors = Vec::new();
    let mut config = String::new();
    for number in 0..5 {
        let vendor = Vendor::start().await;
        let counter = AtomicU64::new(number * 1_000_003);
        vendor.answer_with(move |_| Some(misfortune(counter.fetch_add(1, Ordering::Relaxed))));
        vendor.record_bodies(false);
        config.push_str(&format!(
            "[[endpoints]]\nname = \"v{number}\"\nbase_url = \"{}\"\nmodels = [\"m{number}\"]\n",
            vendor.url()
        ));
        vendors.push(vendor);
    }
    let setup = Setup::without_provider()
        .await
        .with("EXAI_CACHE_SECONDS", "0")
        .with("EXAI_CALL_SECONDS", &LIMIT_SECONDS.to_string())
        .with("EXAI_CONSENSUS_SECONDS", "3")
        .with("EXAI_CONNECT_SECONDS", "1")
        .with("EXAI_FIRST_BYTE_SECONDS", "2")
        .with("EXAI_IDLE_SECONDS", "2")
        .with("EXAI_PERMIT_WAIT_SECONDS", "3")
        .with("EXAI_BREAKER_SECONDS", "1")
        .with("EXAI_ROUTING_STRATEGY", "round_robin")
        .with("EXAI_LOG", "error");
    let folder = setup.home.path().join("config");
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join("config.toml"), config).unwrap();
    (setup, vendors)
}

/// The answer or the code of the one error.
fn ended(reply: &Value, is_error: bool) -> String {
    if !is_error {
        assert!(reply["content"].as_str().is_some_and(|text| text.starts_with("answer ")), "{reply:#}");
        return "answer".to_owned();
    }
    for key in ["code", "message", "hint", "retryable"] {
        assert!(reply.get(key).is_some(), "{reply:#}");
    }
    reply["code"].as_str().expect("a code").to_owned()
}

/// Every call ends once and in time and everything is given back.
#[tokio::test]
async fn every_call_ends_once() {
    storm(|number, _| number < CALLS).await;
}

/// For a minute every call ends once and in time and everything is given back.
#[tokio::test]
#[ignore = "lasts a minute: scripts/stress"]
async fn for_a_minute_every_call_ends_once() {
    println!("{}", storm(|_, begun| begun.elapsed() < LONG).await);
}

/// Calls, many at once, while `goes_on` says so for the next one; how they ended.
async fn storm(goes_on: impl Fn(usize, Instant) -> bool) -> String {
    let (setup, vendors) = unlucky().await;
    let program = setup.start().await;
    let storm_begun = Instant::now();
    let outcomes: Vec<(String, u64)> = stream::iter((0..).take_while(|number| goes_on(*number, storm_begun)))
        .map(|number| {
            let program = &program;
            async move {
                let begun = Instant::now();
                let handle = program.begin("chat", json!({"prompt": format!("question {number}")})).await;
                let reply = Program::answer(handle).await;
                (ended(&reply.json, reply.is_error), begun.elapsed().as_secs())
            }
        })
        .buffer_unordered(AT_ONCE)
        .collect()
        .await;
    let calls = outcomes.len();
    assert!(calls >= CALLS, "{calls} calls");
    let slowest = outcomes.iter().map(|(_, seconds)| *seconds).max().unwrap_or_default();
    assert!(slowest <= LIMIT_SECONDS + SLACK_SECONDS, "one call took {slowest} s");
    let known: BTreeSet<&str> = [
        "answer",
        "unavailable",
        "unreachable",
        "protocol",
        "rate_limited",
        "timeout",
        "over_capacity",
        "upstream_rejected",
    ]
    .into();
    let codes: BTreeSet<&str> = outcomes.iter().map(|(code, _)| code.as_str()).collect();
    assert!(codes.is_subset(&known), "{codes:?}");
    let answered = outcomes.iter().filter(|(code, _)| code == "answer").count();
    assert!(
        answered * 2 >= calls,
        "with five to ask, more than half are answered on a busy machine too: {answered} of {calls}"
    );

    let status = program.call("status", json!({})).await.ok();
    let queue = &status["queue"];
    assert_eq!(
        (&queue["upstream_attempts"]["under_way"], &queue["consultations"]),
        (&json!(0), &json!(0)),
        "{queue:#}"
    );
    assert_eq!(queue["calls"]["under_way"], 0, "status asks no model");
    for vendor in &vendors {
        crate::support::within("the end of every request", async {
            while vendor.stats().in_flight > 0 {
                tokio::task::yield_now().await;
            }
        })
        .await;
    }
    program.stop().await;
    // Each call left one thread, and no run is open.
    let told = format!(
        "{answered} of {calls} calls were answered, the rest ended in {codes:?}; the slowest took {slowest} s"
    );
    let threads = setup.stored_threads().await;
    assert!(threads.len() >= answered.min(1_000), "{} threads of {answered} answers", threads.len());
    told
}
