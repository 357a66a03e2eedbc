//! Models that only the endpoints know of.

use exai_mock_vendor::{Answer, Vendor};
use serde_json::{Value, json};

use crate::support::{Program, Setup, within};

async fn kimi() -> (Setup, Vendor) {
    let kimi = Vendor::start().await;
    let setup =
        Setup::without_provider().await.with("KIMI_API_KEY", "key").with("KIMI_BASE_URL", &kimi.url());
    (setup, kimi)
}

fn lists(vendor: &Vendor) -> usize {
    vendor.requests().iter().filter(|request| request.path.ends_with("/models")).count()
}

fn ask(model: &str, prompt: &str) -> Value {
    json!({"prompt": prompt, "model": model})
}

async fn listed(program: &Program) -> String {
    program.call("listmodels", json!({})).await.ok()["content"].as_str().unwrap().to_owned()
}

/// A name that the catalogue lacks is looked for in the vendors' lists.
#[tokio::test]
async fn an_unknown_name_is_looked_up() {
    let (setup, kimi) = kimi().await;
    kimi.models(&["kimi-k3", "kimi-k9"]);
    let program = setup.start().await;
    program.call("chat", ask("kimi-k3", "known")).await.ok();
    assert_eq!(lists(&kimi), 0, "nobody lists anything at the start, or for a model that is known");
    for (model, prompt) in [("kimi/kimi-k9", "one"), ("KIMI-K9", "two")] {
        let answer = program.call("chat", ask(model, prompt)).await.ok();
        assert_eq!(answer["metadata"]["model_used"], "kimi-k9");
        assert!(answer["metadata"]["context_window"].as_str().unwrap().starts_with("assumed"), "{answer:#}");
        assert!(answer["metadata"].get("model_unlisted").is_none());
    }
    assert_eq!((lists(&kimi), kimi.stats().calls), (1, 3), "the list is kept");
    for model in ["kimi/kimi-k99", "kimi-k99"] {
        let failure = program.call("chat", ask(model, "three")).await.failure();
        assert_eq!(failure["code"], "model_not_found");
        assert!(failure["message"].as_str().unwrap().contains("kimi/kimi-k9"), "{failure}");
    }
    assert_eq!(kimi.stats().calls, 3, "what the vendor does not have is not asked for");
    program.stop().await;
}

/// Without a list a vendor's name is passed on with a warning.
#[tokio::test]
async fn without_a_list_names_are_passed_on() {
    let (setup, kimi) = kimi().await;
    kimi.models_answer(Answer::json(404, &json!({"error": {"message": "no such thing"}})));
    let program = setup.start().await;
    let answer = program.call("chat", ask("kimi/kimi-k9", "one")).await.ok();
    let unlisted = answer["metadata"]["model_unlisted"].as_str().unwrap();
    assert!(unlisted.contains("passed on as it is"), "{unlisted}");
    assert_eq!(kimi.calls()[0].json["model"], "kimi-k9");
    let failure = program.call("chat", ask("kimi-k9", "two")).await.failure();
    assert_eq!(failure["code"], "model_not_found", "whose it might be is not known");
    program.stop().await;
}

/// The list is read behind the call that wants it.
#[tokio::test]
async fn the_list_is_read_in_the_background() {
    let (setup, kimi) = kimi().await;
    kimi.models(&["kimi-k3", "kimi-k9"]);
    let program = setup.start().await;
    assert!(!listed(&program).await.contains("kimi-k9"), "nobody waits for it");
    let there = async {
        while !listed(&program).await.contains("also listed by the endpoint itself: `kimi-k9`\n") {}
    };
    within("the vendor's list", there).await;
    assert_eq!(lists(&kimi), 1, "it is read once for all who want it");
    program.stop().await;
}
