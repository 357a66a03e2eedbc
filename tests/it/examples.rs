//! What the documentation prints of the tools: worked examples that are called, fields, error codes.

use std::os::unix::fs::PermissionsExt as _;

use exai_mock_vendor::{Answer, Recorded};
use serde_json::{Value, json};

use crate::support::{FULL, Setup, expert_answer};

const SESSION: &str = r#"import hashlib

SESSIONS = {}

def token_for(user, password):
    return hashlib.md5((user + password).encode()).hexdigest()

def login(user, password):
    token = token_for(user, password)
    SESSIONS[token] = user
    return token

def user_of(token):
    return SESSIONS[token]
"#;

/// What stands for anything in a printed answer, alone or within a text.
const ANYTHING: &str = "…";

/// The project of the examples: one committed file and one change.
async fn project() -> Setup {
    let setup =
        Setup::without_provider().await.with("EXAI_TOOL_PROFILE", "full").with("EXAI_ALLOW_HTTP", "true");
    let (glm, kimi) = (format!("{}/api/paas/v4", setup.vendor.origin()), setup.vendor.url());
    let setup = setup
        .with("GLM_API_KEY", "k")
        .with("GLM_BASE_URL", &glm)
        .with("KIMI_API_KEY", "k")
        .with("KIMI_BASE_URL", &kimi);
    let bin = setup.home.path().join("bin");
    let agent = "#!/bin/sh\ncat >/dev/null\nprintf '{\"type\":\"item.completed\",\"item\":{\"type\":\"agent_message\",\"text\":\"None: nothing calls it yet.\"}}'\n";
    std::fs::create_dir_all(&bin).unwrap();
    std::fs::write(bin.join("codex"), agent).unwrap();
    std::fs::set_permissions(bin.join("codex"), std::fs::Permissions::from_mode(0o755)).unwrap();
    let setup = setup.with("PATH", &format!("{}:/usr/bin:/bin", bin.display()));
    setup.file("src/session.py", SESSION);
    setup.file("docs/policy.pdf", b"%PDF-1.7\x00Allowed: SHA-256 and stronger.\n\x00\xff");
    setup.repository();
    setup.file("src/session.py", SESSION.replace("SESSIONS[token]\n", "SESSIONS.get(token)\n"));
    setup.vendor.answer_with(|request| Some(vendor_answer(request)));
    setup
}

/// What the vendor sends, where it is more than words.
fn vendor_answer(request: &Recorded) -> Answer {
    if request.path.ends_with("/web_search") {
        return Answer::json(
            200,
            &json!({"search_result": [{"title": "hashlib", "link": "https://docs.python.org/3/library/hashlib.html",
                "content": "MD5 has known weaknesses.", "media": "docs.python.org"}]}),
        );
    }
    if request.json.to_string().contains("Lend me your eyes") {
        let call = json!({"id": "call_1", "type": "function",
            "function": {"name": "read_file", "arguments": "{\"path\":\"src/session.py\"}"}});
        return Answer::json(
            200,
            &json!({"choices": [{"message": {"content": "", "tool_calls": [call]}, "finish_reason": "tool_calls"}]}),
        );
    }
    Answer::text(model_answer(request))
}

const MD5: &str = "return hashlib.md5((user + password).encode()).hexdigest()";

/// What the vendor says where an answer has one finding: words of the request, status, summary, severity, line, quote, title, fix.
type Finding =
    (&'static str, &'static str, &'static str, &'static str, u32, &'static str, &'static str, &'static str);

const FINDINGS: [Finding; 5] = [
    (
        "Review how sessions",
        "code_review_complete",
        "Tokens can be computed from the password.",
        "critical",
        6,
        MD5,
        "Token is derived from the password",
        "Use secrets.token_urlsafe(32).",
    ),
    (
        "user_of shall not fail",
        "validation_complete",
        "The change does what it says; callers must expect None.",
        "low",
        14,
        "return SESSIONS.get(token)",
        "None for unknown tokens",
        "Say so in the documentation.",
    ),
    (
        "Audit the login",
        "security_analysis_complete",
        "Session tokens are predictable.",
        "critical",
        6,
        MD5,
        "Predictable session token (A07)",
        "Use secrets.token_urlsafe(32).",
    ),
    (
        "How does this module keep",
        "analysis_complete",
        "State lives in one process.",
        "medium",
        3,
        "SESSIONS = {}",
        "Sessions are not shared",
        "Keep them outside of the process.",
    ),
    (
        "Make the session store",
        "refactor_analysis_complete",
        "One seam is enough: a store with put and get.",
        "medium",
        3,
        "SESSIONS = {}",
        "Global state",
        "Hand a store to login and user_of.",
    ),
];

/// What the vendor says to each example.
fn model_answer(request: &Recorded) -> String {
    let asked = request.json.to_string();
    let is = |words: &str| asked.contains(words);
    if let Some((words, status, summary, severity, line, quote, title, fix)) =
        FINDINGS.into_iter().find(|row| is(row.0))
    {
        let finding = json!([{"severity": severity, "path": "src/session.py", "line": line, "quote": quote, "title": title,
            "detail": "See the quoted line.", "fix": fix}]);
        let mut answer: Value = serde_json::from_str(&expert_answer(status, summary, finding)).expect("JSON");
        if words == "user_of shall not fail" {
            answer["ready_to_commit"] = json!(true);
            answer["commit_message"] = json!("session: unknown tokens have no user");
        }
        return answer.to_string();
    }
    if is("Can a token") {
        format!(
            "Yes. `src/session.py:6` (`{MD5}`) makes it from the password alone, so who guesses the password has the token."
        )
    } else if is("Which hashes does the policy") {
        "SHA-256 and stronger (line 1).".to_owned()
    } else if is("Should sessions move") {
        let verdict = if request.json["model"] == "kimi-k3" {
            "not yet; one process needs no second one beside it."
        } else {
            "move them; a restart must not log everybody out."
        };
        format!(
            "Verdict: {verdict}\n\n**Analysis**: `src/session.py:3` (`SESSIONS = {{}}`)\n\nConfidence: 7/10 - the load is not known"
        )
    } else if is("Write tests for login") {
        let code = "from src.session import user_of\n\ndef test_nobody_has_an_unknown_token():\n    assert user_of(\"none\") is None\n";
        json!({"status": "test_generation_complete", "summary": "One promise is untested: a token that nobody has.",
            "tests": [{"path": "tests/test_session.py", "framework": "pytest", "placement": "new_file", "code": code}]})
        .to_string()
    } else if is("Signed tokens") {
        "Signed tokens fit only with a short life or a list of the revoked; confidence: high.\n\n**Gap**: logout.".to_owned()
    } else {
        panic!("an example that the vendor does not know: {asked}")
    }
}

/// The call and the answer that `docs/tools.md` prints for a tool.
fn printed(document: &str, tool: &str) -> (Value, Value) {
    let section = document
        .split_once(&format!("\n## {tool}\n"))
        .and_then(|(_, rest)| rest.split("\n## ").next())
        .unwrap_or_else(|| panic!("docs/tools.md has no section on {tool}"));
    let mut blocks = section.split("```json\n").skip(1).map(|rest| {
        let block = rest.split("\n```").next().unwrap_or_default();
        serde_json::from_str(block).unwrap_or_else(|error| panic!("{tool}: {error} in {block}"))
    });
    let mut next = || blocks.next().unwrap_or_else(|| panic!("{tool}: a call and an answer are printed"));
    (next(), next())
}

/// Where an answer is not as printed. What the printed one leaves out may be anything.
fn differences(place: &str, printed: &Value, real: &Value) -> Vec<String> {
    match (printed, real) {
        (Value::Object(printed), Value::Object(real)) => printed
            .iter()
            .flat_map(|(key, value)| {
                differences(&format!("{place}.{key}"), value, real.get(key).unwrap_or(&Value::Null))
            })
            .collect(),
        (Value::Array(printed), Value::Array(real)) if printed.len() == real.len() => printed
            .iter()
            .zip(real)
            .enumerate()
            .flat_map(|(index, (printed, real))| differences(&format!("{place}[{index}]"), printed, real))
            .collect(),
        (Value::String(printed), Value::String(real)) if reads_like(printed, real) => Vec::new(),
        (printed, real) if printed == real => Vec::new(),
        _ => vec![format!("{place}: printed {printed}, answered {real}")],
    }
}

/// Whether a text is the printed one, whose dots stand for anything.
fn reads_like(printed: &str, real: &str) -> bool {
    let parts: Vec<&str> = printed.split(ANYTHING).collect();
    let [first, between @ .., last] = parts.as_slice() else { return printed == real };
    let Some(mut rest) = real.strip_prefix(first) else { return false };
    for part in between {
        let Some((_, after)) = rest.split_once(part) else { return false };
        rest = after;
    }
    rest.ends_with(last)
}

#[tokio::test]
async fn tools_answer_as_their_examples_say() {
    let setup = project().await;
    let program = setup.start().await;
    let document = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/tools.md")).unwrap();
    // The memory of the others' calls is told while there is only one.
    let first = ["chat", "activity", "usage", "threads", "status"];
    // What these upload, fetch and delete is not there yet when the others look.
    let last = ["file_query", "file_download", "file_manage"];
    let between = FULL.into_iter().filter(|tool| !first.contains(tool) && !last.contains(tool));
    let mut wrong = Vec::new();
    for tool in first.into_iter().chain(between).chain(last) {
        let (call, answer) = printed(&document, tool);
        let real = program.call(tool, call).await.ok();
        assert!(real["metadata"].get("notes").is_none(), "{tool}: {}", real["metadata"]["notes"]);
        wrong.extend(differences(tool, &answer, &real));
    }
    assert_eq!(wrong, [""; 0]);
    program.stop().await;
}

#[tokio::test]
async fn the_reference_is_what_the_program_prints() {
    let (code, printed, _) = Setup::without_provider().await.run(&["tools", "--markdown"]).await;
    assert_eq!(code, 0);
    let document = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/tools.md")).unwrap();
    let generated = document.split_once("<!-- reference -->\n").map_or("", |(_, rest)| rest);
    let differing = printed.lines().zip(generated.lines()).find(|(printed, there)| printed != there);
    assert_eq!(differing, None, "write what `exai-mcp tools --markdown` prints into docs/tools.md");
    assert_eq!(printed.lines().count(), generated.lines().count());
}

#[test]
fn error_codes_are_the_programs() {
    let document = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/errors.md")).unwrap();
    let table = document
        .split_once("<!-- error-codes -->\n")
        .and_then(|(_, rest)| rest.split_once("<!-- /error-codes -->"))
        .map(|(table, _)| table);
    assert_eq!(
        table,
        Some(exai_tools::error_reference().as_str()),
        "write the right side into docs/errors.md"
    );
}

#[test]
fn an_answer_that_differs_is_noticed() {
    let real = json!({"a": [1, "one two three"], "b": {"c": null}});
    for same in [json!({}), json!({"a": [1, "one … three"]}), json!({"a": [1, "…"], "b": {"c": null}})] {
        assert_eq!(differences("", &same, &real), [""; 0]);
    }
    for (other, told) in [
        (json!({"a": [1]}), ".a: printed [1], answered [1,\"one two three\"]"),
        (json!({"a": [1, "one … four"]}), ".a[1]: printed \"one … four\", answered \"one two three\""),
        (json!({"d": 1}), ".d: printed 1, answered null"),
    ] {
        assert_eq!(differences("", &other, &real), [told]);
    }
}
