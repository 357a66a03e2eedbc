//! Critique and synthesis: asked for, counted, and with every word under its author's name.

use exai_mock_vendor::Answer;
use serde_json::json;

use super::{QUESTION, model_of};
use crate::support::{Setup, Upstream};

/// A critique shows the others without names and a synthesis names all.
#[tokio::test]
async fn a_critique_hides_names() {
    let setup = Setup::new().await;
    let program = setup.start().await;
    setup.vendor.answer_with(|request| {
        let name = model_of(request);
        let prompt = request.json.to_string();
        Some(if prompt.contains("Put the answers together") {
            Answer::text(
                json!({"status": "synthesis_complete", "summary": "Both keep it.", "recommendation": "Keep it.",
                    "agreement": [{"point": "keep", "who": ["custom/alpha", "custom/beta"]}], "disagreement": [],
                    "dissent": [], "no_vote": [{"who": "custom/gamma", "why": "evasive"}], "risks": [], "next_steps": []})
                .to_string(),
            )
        } else if prompt.contains("Look at the others' answers") {
            Answer::text(format!("Verdict: {name} keeps it after all. (changed)\nConfidence: 6/10"))
        } else if name == "gamma" {
            Answer::text("Verdict: cannot judge.")
        } else {
            Answer::text(format!("Verdict: {name} says keep it.\nreason-of-{name}\nConfidence: 8/10"))
        })
    });
    let arguments = json!({
        "step": QUESTION, "critique": true, "synthesis": "omega",
        "models": [{"model": "alpha", "stance": "for"}, {"model": "beta", "stance": "against"},
            {"model": "gamma", "stance_prompt": "Speak for whoever is on call."}],
    });
    let reply = program.call("consensus", arguments).await;
    let thread = reply.thread();
    let answer = reply.ok();
    assert_eq!(
        setup.vendor.stats().calls,
        3 + 2 + 1,
        "opinions, critiques of those who voted, one synthesis"
    );
    assert_eq!(answer["metadata"]["consultations"], 6);
    assert_eq!(answer["synthesis"]["by"], "custom/omega");
    assert_eq!(answer["synthesis"]["recommendation"], "Keep it.");
    assert_eq!(answer["votes"][0]["verdict"], "alpha keeps it after all. (changed)");
    assert_eq!(answer["votes"][0]["verdict_before_critique"], "alpha says keep it.");
    assert_eq!(answer["votes"][2]["status"], "evasive");

    let all = Upstream::all(&setup.vendor);
    let of = |name: &str, words: &str| {
        all.iter()
            .find(|sent| {
                sent.rendered().contains(&format!("\"model\": \"{name}\"")) && sent.question().contains(words)
            })
            .unwrap_or_else(|| panic!("{name} was asked about {words}"))
    };
    assert!(of("alpha", QUESTION).system.contains("argue for the proposal"));
    assert!(of("beta", QUESTION).system.contains("argue against"));
    assert!(of("gamma", QUESTION).system.contains("Speak for whoever is on call."));
    let critique = of("alpha", "# The others");
    assert!(critique.question().contains("reason-of-beta") && critique.question().contains("Consultant B"));
    assert!(!critique.question().contains("custom/beta"), "{}", critique.question());
    let synthesis = of("omega", "# Answers");
    for named in [
        "custom/alpha (stance: for)",
        "custom/beta (stance: against)",
        "custom/gamma (stance: neutral): no vote, evasive",
    ] {
        assert!(synthesis.question().contains(named), "{named}: {}", synthesis.question());
    }
    insta::assert_snapshot!("consensus_critique_request", critique.rendered());
    insta::assert_snapshot!("consensus_synthesis_request", synthesis.rendered());

    let ended = setup.ended_runs(&thread).await;
    assert_eq!(ended, ["done"; 6]);
    program.stop().await;
}
