//! Ordinary good answers: a gate that fails them is switched off by its users.

use exai_answers::{Rules, Understood, read, says_clean, severity::SeverityWords};
use exai_core::Severity;

/// What models say when little or nothing is wrong.
const GOOD: [&str; 36] = [
    r#"{"status":"code_review_complete","summary":"I didn't find any critical issues.","findings":[]}"#,
    r#"{"status":"code_review_complete","summary":"I don't see any critical or serious problems.","findings":[]}"#,
    r#"{"status":"code_review_complete","summary":"I couldn't find any high severity issues.","findings":[]}"#,
    r#"{"status":"code_review_complete","summary":"Não há problemas críticos.","findings":[]}"#,
    r#"{"status":"code_review_complete","summary":"Nessun problema critico.","findings":[]}"#,
    r#"{"status":"code_review_complete","summary":"One remark.","findings":[{"severity":"low","path":"a.rs","line":3,"title":"Typo"}],"counts":{"critical":0,"high":0,"medium":0,"low":1}}"#,
    r#"{"status":"code_review_complete","summary":"The change is small and correct.","findings":[]}"#,
    r#"{"status":"code_review_complete","summary":"No issues found. The retry logic is bounded, errors are propagated, and the tests cover the new branch.","findings":[]}"#,
    r#"{"status":"code_review_complete","summary":"Clean refactoring; behaviour is preserved.","findings":[],"positives":["Good names","Errors are wrapped with context"],"next_steps":["Merge."]}"#,
    r#"{"status":"code_review_complete","summary":"High-level: the module is well structured and easy to follow.","findings":[]}"#,
    r#"{"status":"code_review_complete","summary":"The critical section is now guarded by the mutex, which fixes the race described in the task.","findings":[]}"#,
    r#"{"status":"code_review_complete","summary":"One cosmetic remark, otherwise ready to merge.","findings":[{"severity":"low","path":"src/a.rs","line":3,"quote":"let x = 1;","title":"Unclear name","detail":"`x` says nothing.","fix":"Call it `retries`."}]}"#,
    r#"{"status":"code_review_complete","summary":"Two minor points.","findings":[{"severity":"low","path":"a.py","line":1,"title":"Unused import"},{"severity":"info","path":"a.py","line":9,"title":"Comment is out of date"}],"positives":["Input is validated before use"]}"#,
    r#"{"status":"code_review_complete","summary":"No security issues found; the token comparison is constant-time.","findings":[]}"#,
    r#"{"status":"code_review_complete","summary":"I found no critical or high severity problems.","findings":[{"severity":"medium","path":"a.go","line":12,"title":"Error is ignored"}]}"#,
    r#"{"status":"code_review_complete","summary":"Medium risk: one ignored error.","findings":[{"severity":"medium","path":"a.go","line":12,"title":"Error is ignored"}]}"#,
    "Here is my review:\n```json\n{\"status\":\"code_review_complete\",\"summary\":\"All good.\",\"findings\":[]}\n```",
    "```json\n{\"status\":\"code_review_complete\",\"summary\":\"All good.\",\"findings\":[]}\n```\nLet me know if you have any questions!",
    "I've reviewed the changes. Here are my findings:\n\n```json\n{\"status\":\"code_review_complete\",\"summary\":\"One nit.\",\"findings\":[{\"severity\":\"nit\",\"path\":\"a.rs\",\"line\":3,\"title\":\"Typo\"}]}\n```",
    r#"{"summary":"Looks good to me.","findings":[],"status":"code_review_complete","confidence":"high"}"#,
    r#"{"status":"code_review_complete","summary":"Approved.","findings":[],"approved":true,"risk_level":"low"}"#,
    r#"{"status":"code_review_complete","summary":"Nothing to report.","findings":[],"stats":{"critical":0,"high":0,"medium":0,"low":0}}"#,
    r#"{"status":"code_review_complete","summary":"Keine Probleme gefunden.","findings":[]}"#,
    r#"{"status":"code_review_complete","summary":"Aucun problème trouvé.","findings":[]}"#,
    r#"{"status":"code_review_complete","summary":"没有发现问题。","findings":[]}"#,
    r#"{"status":"code_review_complete","summary":"問題は見つかりませんでした。","findings":[]}"#,
    r#"{"status":"code_review_complete","summary":"No se encontraron problemas.","findings":[]}"#,
    r#"{"status":"validation_complete","summary":"The change does what the message says.","findings":[],"ready_to_commit":true,"commit_message":"Guard the cache with a mutex"}"#,
    r#"{"status":"validation_complete","summary":"Ready to commit. The critical path is covered by tests.","findings":[],"ready_to_commit":true}"#,
    r#"{"status":"security_analysis_complete","summary":"No vulnerabilities found in the reviewed files. Authentication is delegated to the framework.","findings":[]}"#,
    r#"{"status":"security_analysis_complete","summary":"No exploitable issue found.","findings":[{"severity":"info","path":"a.py","title":"Consider a rate limit","detail":"Not exploitable today."}]}"#,
    r#"{"status":"code_review_complete","summary":"The parser handles errors well.","findings":[{"severity":"low","path":"p.rs","line":4,"title":"Error message could name the field","detail":"An error without the field is hard to read.","fix":"Add the name."}]}"#,
    r#"{"status":"code_review_complete","summary":"The code is correct. The failure path returns early and the lock is released.","findings":[]}"#,
    r#"{"status":"code_review_complete","summary":"Important invariants are documented and tested.","findings":[]}"#,
    r#"{"status":"code_review_complete","summary":"Small, focused change with tests. No blocking issues.","findings":[{"severity":"low","path":"a.ts","line":2,"title":"Prefer const"}],"next_steps":["Rename the variable if you like."]}"#,
    r#"{"status":"code_review_complete","summary":"No problems found. Not reviewed: generated files.","findings":[{"severity":"unknown","path":"x","title":"y"}]}"#,
];

/// The same in running text, which has no list of findings: a further attempt makes one of it.
const PROSE: [&str; 3] = ["No issues found.", "LGTM", "I reviewed all files and found no problems."];

#[test]
fn good_answers_pass_a_gate() {
    let words = SeverityWords::default();
    let failed: Vec<String> = GOOD
        .iter()
        .filter_map(|text| {
            let reading = read(text, Rules { words: &words, without_findings: &[], for_gate: true });
            let severe = reading.answer.iter().flat_map(|answer| &answer.findings);
            let severe = severe.filter(|finding| finding.said.severity <= Severity::High).count();
            (reading.understood != Understood::Whole || severe > 0)
                .then(|| format!("{:?} {severe}: {text}", reading.understood))
        })
        .collect();
    assert!(failed.is_empty(), "{} of {}:\n{}", failed.len(), GOOD.len(), failed.join("\n"));
}

#[test]
fn good_prose_is_known_to_be_clean() {
    for text in PROSE {
        assert!(says_clean(text), "{text}");
    }
}
