//! What a caller is told of an answer that is none, or not all of one; and what becomes of it.

use exai_mock_vendor::Answer;
use serde_json::{Value, json};

use crate::{
    routing::{answered_by, two},
    support::{Program, Setup, expert_answer, sample_project},
};

const REFUSAL: &str = "I'm sorry, but I can't assist with that request.";

/// A review in one call, different from every other with other words.
fn review(words: &str) -> Value {
    json!({"step": words, "step_number": 1, "total_steps": 1, "next_step_required": false, "relevant_files": ["src"]})
}

async fn begin() -> (Setup, Program) {
    let setup = Setup::new().await;
    sample_project(setup.project.path());
    let program = setup.start().await;
    (setup, program)
}

fn clean() -> Answer {
    Answer::text(expert_answer("code_review_complete", "Nothing is wrong.", json!([])))
}

#[tokio::test]
async fn a_refusal_ends_nothing() {
    let (setup, program) = begin().await;
    let in_form = expert_answer("code_review_complete", REFUSAL, json!([]));
    for said in [REFUSAL.to_owned(), in_form] {
        setup.vendor.then(Answer::text(&said));
        setup.vendor.then(clean());
        let refused = program.call("codereview", review(&said)).await.ok();
        assert_eq!(refused["status"], "refused", "{refused:#}");
        assert!(
            refused["summary"].as_str().unwrap().starts_with("The model refused to answer: "),
            "{refused:#}"
        );
        assert!(refused.get("code_review_complete").is_none(), "{refused:#}");
        // The same call asks again: a refusal is not kept as its answer.
        let again = program.call("codereview", review(&said)).await.ok();
        assert_eq!(
            (&again["status"], &again["read"]),
            (&json!("calling_expert_analysis"), &json!("whole")),
            "{again:#}"
        );
    }
    assert_eq!(setup.vendor.stats().calls, 4);
    program.stop().await;
}

#[tokio::test]
async fn a_refusal_moves_on_once() {
    let two = two().await;
    two.setup.file("a.py", "print(1)\n");
    let program = two.setup.start().await;
    let call = json!({"step": "look", "relevant_files": ["a.py"], "next_step_required": false});
    two.glm.then(Answer::text(REFUSAL));
    two.kimi.then(clean());
    let answer = program.call("codereview", call.clone()).await.ok();
    assert_eq!(
        (answered_by(&answer), &answer["status"]),
        ("kimi/kimi-k3.1-pro", &json!("calling_expert_analysis"))
    );
    assert_eq!(answer["metadata"]["passed_over"][0]["code"], "content_filtered", "{answer:#}");
    // A model that was named is not replaced, and says itself that it refused.
    two.glm.then(Answer::text(REFUSAL));
    let mut named = call;
    named["model"] = json!("glm/glm-5.3");
    named["step"] = json!("look again");
    let answer = program.call("codereview", named).await.ok();
    assert_eq!((answered_by(&answer), &answer["status"]), ("glm/glm-5.3", &json!("refused")));
    assert_eq!((two.glm.stats().calls, two.kimi.stats().calls), (2, 1));
    program.stop().await;
}

#[tokio::test]
async fn a_cut_answer_says_so_first() {
    let (setup, program) = begin().await;
    let finding = json!({"severity": "high", "path": "src/pages.py", "line": 4, "quote": "return total // size", "title": "Last page is not counted"});
    let whole = expert_answer("code_review_complete", "One bug.", json!([finding, finding]));
    let cut = &whole[..whole.rfind("Last page").unwrap()];
    for _ in 0..2 {
        setup.vendor.then(Answer::text(cut).finish_reason("length"));
        let answer = program.call("codereview", review("Review.")).await.ok();
        assert_eq!(answer["status"], "truncated", "{answer:#}");
        assert!(
            answer["summary"].as_str().unwrap().starts_with("INCOMPLETE: the answer was cut off"),
            "{answer:#}"
        );
        let cuts: Vec<bool> =
            answer["findings"].as_array().unwrap().iter().map(|one| one["cut"] == true).collect();
        assert_eq!(cuts, [false, true], "{answer:#}");
        assert_eq!(answer["expert_analysis"]["raw_analysis"], cut);
    }
    assert_eq!(setup.vendor.stats().calls, 2, "a cut answer is not given again");
    program.stop().await;
}

#[tokio::test]
async fn what_a_model_adds_arrives() {
    let (setup, program) = begin().await;
    let finding = json!({"severity": "spicy", "category": "A03 Injection", "cwe": "CWE-89", "exploitability": "easy",
        "path": "src/pages.py", "line": 1, "quote": "return total // size", "title": "Wrong", "references": ["https://cwe.example/89"]});
    let hypotheses = json!([
        {"name": "Floor division", "confidence": "high", "path": "src/pages.py", "line": 4, "quote": "return total // size"},
        {"name": "Rounding", "confidence": "low", "path": "src/pages.py", "line": 4, "quote": "return ceil(total)"}]);
    let said = json!({"status": "analysis_complete", "summary": "One cause.", "hypotheses": hypotheses, "findings": [finding], "surprise": {"words": "nobody asked for these"}});
    setup.vendor.then(Answer::text(format!("One caveat: I only saw half of it.\n{said}")));
    let mut call = review("Find the cause.");
    call["findings"] = json!("It is wrong.");
    let answer = program.call("debug", call).await.ok();
    let finding = &answer["findings"][0];
    assert_eq!((&finding["severity"], &finding["severity_word"]), (&json!("unknown"), &json!("spicy")));
    assert_eq!((&finding["line"], &finding["citation"]), (&json!(4), &json!("moved")));
    for (key, value) in [("category", "A03 Injection"), ("cwe", "CWE-89"), ("exploitability", "easy")] {
        assert_eq!(finding[key], value, "{answer:#}");
    }
    let causes: Vec<_> =
        answer["hypotheses"].as_array().unwrap().iter().map(|one| (&one["name"], &one["citation"])).collect();
    assert_eq!(causes, [(&json!("Floor division"), &json!("exact")), (&json!("Rounding"), &json!("absent"))]);
    assert_eq!(answer["expert_analysis"]["surprise"]["words"], "nobody asked for these");
    assert_eq!(answer["expert_analysis"]["remarks"], "One caveat: I only saw half of it.");
    program.stop().await;
}

#[tokio::test]
async fn a_missing_file_asks_nobody() {
    let (setup, program) = begin().await;
    let mut call = review("Review.");
    call["relevant_files"] = json!(["src/pages.py", "src/pagse.py"]);
    let failure = program.call("codereview", call).await.failure();
    assert_eq!(failure["code"], "file_not_found");
    let message = failure["message"].as_str().unwrap();
    assert!(message.contains("`src/pagse.py` does not exist; near it: src/pages.py"), "{message}");
    let failure = program
        .call("chat", json!({"prompt": "look", "absolute_file_paths": ["nowhere.txt"]}))
        .await
        .failure();
    assert_eq!(failure["code"], "file_not_found");
    let question = json!({"step": "Is it right?", "relevant_files": ["src/pagse.py"]});
    assert_eq!(program.call("consensus", question).await.failure()["code"], "file_not_found");
    setup.file("scan.pdf", "%PDF-1.7\n\u{0}\u{1}");
    let mut call = review("Review.");
    call["relevant_files"] = json!(["scan.pdf"]);
    let failure = program.call("codereview", call).await.failure();
    assert_eq!(failure["code"], "invalid_input");
    assert!(failure["message"].as_str().unwrap().contains("use file_query"), "{failure:#}");
    assert_eq!(setup.vendor.stats().calls, 0);
    program.stop().await;
}
