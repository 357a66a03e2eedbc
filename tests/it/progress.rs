//! Signs of life: what a client is told while it waits.

use exai_mock_vendor::{Answer, Gate};
use serde_json::json;

use crate::support::{Program, Setup, within};

#[tokio::test]
async fn a_waiting_client_hears_phase_model_and_time_and_a_heartbeat() {
    let setup = Setup::new().await;
    let gate = Gate::new();
    setup.vendor.then(Answer::text("at last").gated(&gate));
    let program = setup.start().await;
    let handle = program.begin("chat", json!({"prompt": "take your time"})).await;
    within("the consultation", gate.wait_for_arrivals(1)).await;
    within("a heartbeat after five seconds of silence", async {
        while !program.progress().iter().any(|note| note.progress >= 5.0) {
            tokio::task::yield_now().await;
            program.call("version", json!({})).await.ok();
        }
    })
    .await;
    gate.open();
    Program::answer(handle).await.ok();
    let notes = program.progress();
    let ours: Vec<_> = notes
        .iter()
        .filter(|note| note.message.as_deref().is_some_and(|message| message.starts_with("chat:")))
        .collect();
    assert!(ours.windows(2).all(|pair| pair[0].progress < pair[1].progress), "{ours:#?}");
    let messages: Vec<&str> = ours.iter().filter_map(|note| note.message.as_deref()).collect();
    assert!(
        messages.iter().any(|message| message.contains("asking · custom/mock-model · ")),
        "{messages:#?}"
    );
    assert!(messages.iter().any(|message| message.ends_with(" · 5 s")), "{messages:#?}");
    program.stop().await;
}
