//! Who argues for what, who is who in the second round, and who puts the answers together.

use exai_mock_vendor::Answer;
use serde_json::{Value, json};

use super::{QUESTION, model_of, verdicts};
use crate::support::{Setup, Upstream};

fn notes(answer: &Value) -> String {
    answer["metadata"]["notes"].to_string()
}

/// A caller's words for a part are added to the stance, with the guard against harm around them.
#[tokio::test]
async fn own_words_keep_the_guard() {
    let setup = Setup::new().await;
    let program = setup.start().await;
    verdicts(&setup);
    let models = json!([
        {"model": "alpha", "stance": "for", "stance_prompt": "Say yes whatever it does."},
        {"model": "beta", "stance_prompt": "Speak for the users."},
    ]);
    program.call("consensus", json!({"step": QUESTION, "models": models})).await.ok();
    for upstream in Upstream::all(&setup.vendor) {
        let system = &upstream.system;
        assert!(
            system.contains("do harm") && system.contains("the verdict is your own judgement"),
            "{system}"
        );
        let is_for = system.contains("Say yes whatever it does.");
        assert_eq!(is_for, system.contains("argue for the proposal"), "{system}");
    }
    program.stop().await;
}

/// A question with options is refused with stances and asked without them; a proposal with a list is asked with them.
#[tokio::test]
async fn a_choice_takes_no_stances() {
    let setup = Setup::new().await;
    let program = setup.start().await;
    verdicts(&setup);
    let choice = "Where should sessions be stored?\nA) Redis\nB) Postgres";
    let plan = "Should we do this?\n1. freeze writes\n2. copy the rows";
    let models = |stance: &str| json!([{"model": "alpha", "stance": stance}, {"model": "beta"}]);
    let refused =
        program.call("consensus", json!({"step": choice, "models": models("against")})).await.failure();
    assert_eq!(refused["code"], "invalid_input");
    let message = refused["message"].as_str().expect("a message");
    assert!(message.starts_with("models: alpha has stance `against`"), "{message}");
    assert!(
        message.contains("proposal for yes or no") && message.contains("leave the stances out"),
        "{message}"
    );
    assert_eq!(setup.vendor.stats().calls, 0);
    assert_eq!(setup.stored_threads().await.len(), 0);
    for (question, stance) in [(choice, "neutral"), (plan, "for")] {
        program.call("consensus", json!({"step": question, "models": models(stance)})).await.ok();
    }
    assert_eq!(setup.vendor.stats().calls, 4);
    program.stop().await;
}

/// One letter means one model to all of them, and the answer says which.
#[tokio::test]
async fn letters_are_told_to_the_caller() {
    let setup = Setup::new().await;
    let program = setup.start().await;
    setup.vendor.answer_with(|request| {
        let name = model_of(request);
        Some(Answer::text(if name == "beta" {
            "Verdict: cannot judge.".to_owned()
        } else {
            format!("Verdict: {name} says keep it.\nreason-of-{name}")
        }))
    });
    let models = json!([{"model": "alpha"}, {"model": "beta"}, {"model": "gamma"}, {"model": "alpha", "stance": "for"}]);
    let call = json!({"step": QUESTION, "models": models, "critique": true, "synthesis": "omega"});
    let answer = program.call("consensus", call).await.ok();
    let letters = json!({"A": "custom/alpha (stance: neutral)", "C": "custom/gamma", "D": "custom/alpha (stance: for)"});
    assert_eq!(answer["letters"], letters, "{answer:#}");
    let all = Upstream::all(&setup.vendor);
    let mut critiques = 0;
    for sent in all.iter().filter(|sent| sent.question().contains("# The others")) {
        critiques += 1;
        let others = sent.question().split("# The others").nth(1).unwrap_or_default();
        let gamma = others.split("Consultant C").nth(1);
        // Gamma is C to whoever sees it.
        assert!(gamma.is_none_or(|text| text.contains("reason-of-gamma")), "{others}");
        assert_eq!(gamma.is_none(), !others.contains("reason-of-gamma"), "{others}");
    }
    assert_eq!(critiques, 3);
    let synthesis = all.last().expect("a synthesis").question().to_owned();
    assert!(synthesis.contains("C is custom/gamma"), "{synthesis}");
    // Without a second round nobody was anonymous.
    let blind =
        program.call("consensus", json!({"step": "And now?", "models": [{"model": "alpha"}]})).await.ok();
    assert_eq!(blind.get("letters"), None);
    program.stop().await;
}

fn made_by(name: &str) -> Answer {
    let who = ["alpha", "custom/beta", "BETA", "stranger"];
    Answer::text(
        json!({"status": "synthesis_complete", "summary": name, "agreement": [{"point": "keep", "who": who}]})
            .to_string(),
    )
}

/// The server's own choice for the synthesis has not voted, where there is another model.
#[tokio::test]
async fn no_voter_puts_answers_together() {
    let setup = Setup::new().await.with("EXAI_DEFAULT_MODEL", "alpha").with("CUSTOM_MODEL_NAME", "gamma");
    let program = setup.start().await;
    setup.vendor.answer_with(|request| {
        let name = model_of(request);
        let puts_together = request.json.to_string().contains("Put the answers together");
        Some(if puts_together { made_by(&name) } else { Answer::text(format!("Verdict: {name} keeps it.")) })
    });
    let ask = |models: Value, synthesis: &str| json!({"step": QUESTION, "models": models, "synthesis": synthesis, "fresh": true});
    let two = json!([{"model": "alpha"}, {"model": "beta"}]);
    let answer = program.call("consensus", ask(two.clone(), "auto")).await.ok();
    assert_eq!(answer["synthesis"]["by"], "custom/gamma", "{answer:#}");
    assert_eq!(answer["synthesis"].get("by_a_voter"), None);
    // Names without the provider are names all the same.
    let said = notes(&answer);
    assert!(said.contains("names voices that were not asked: stranger"), "{said}");
    assert!(!said.contains("alpha") && !said.to_lowercase().contains("beta"), "{said}");

    let three = json!([{"model": "alpha"}, {"model": "beta"}, {"model": "gamma"}]);
    for (models, wanted, by) in [(three, "auto", "custom/alpha"), (two, "beta", "custom/beta")] {
        let answer = program.call("consensus", ask(models, wanted)).await.ok();
        assert_eq!(answer["synthesis"]["by"], by, "{answer:#}");
        assert_eq!(answer["synthesis"]["by_a_voter"], true);
        let said = notes(&answer);
        assert!(said.contains(&format!("{by} put the answers together and is one of the voters")), "{said}");
    }
    program.stop().await;
}
