//! What is remembered and how it is told: threads, status, activity, usage; by tools and on the command line.

use exai_mock_vendor::{Answer, Gate};
use serde_json::{Value, json};

use crate::support::{MODEL, Program, Setup, within};

async fn used() -> Setup {
    let setup = Setup::new().await.with("EXAI_TOOL_PROFILE", "full").with("EXAI_RETRIES", "0");
    let program = setup.start().await;
    program.call("chat", json!({"prompt": "what is marzipan?"})).await.ok();
    program.call("chat", json!({"prompt": "what is nougat?"})).await.ok();
    setup.vendor.then(Answer::server_error());
    program.call("chat", json!({"prompt": "what is halva?"})).await.failure();
    program.stop().await;
    setup
}

#[tokio::test]
async fn threads_are_listed_shown_and_exported() {
    let setup = used().await;
    let program = setup.start().await;
    let listed = program.call("threads", json!({})).await.ok();
    assert_eq!(listed["threads"].as_array().unwrap().len(), 3);
    assert_eq!(listed["threads"][0]["title"], "what is halva?", "the latest first");
    let found = program.call("threads", json!({"query": "NOUGAT"})).await.ok();
    assert_eq!(found["threads"].as_array().unwrap().len(), 1);
    let id = found["threads"][0]["continuation_id"].as_str().unwrap();

    let shown = program.call("threads", json!({"continuation_id": id})).await.ok();
    assert_eq!(shown["turns"][0]["text"], "ok: what is nougat?", "the newest turn first, whole");
    assert_eq!(shown["runs"][0]["state"], "done");
    let exported = program.call("threads", json!({"action": "export", "continuation_id": id})).await.ok();
    assert!(exported["content"].as_str().unwrap().contains("ok: what is nougat?"));

    let halva = listed["threads"][0]["continuation_id"].as_str().unwrap();
    let resumed = program.call("threads", json!({"action": "resume", "continuation_id": halva})).await.ok();
    assert!(
        resumed["next_steps"]
            .as_str()
            .unwrap()
            .starts_with("The last question was not answered. Send it again with chat")
    );
    assert_eq!(resumed["last_request"]["text"], "what is halva?");

    for (bad, told) in [
        (json!({"action": "search"}), "query: say which words"),
        (json!({"action": "show"}), "continuation_id: say which thread"),
        (json!({"action": "show", "continuation_id": "x"}), "continuation_id x was not found"),
        (json!({"action": "delete"}), "action: expected one of list, search, show, resume, export"),
    ] {
        let refused = program.call("threads", bad.clone()).await.failure();
        assert!(refused["message"].as_str().unwrap().starts_with(told), "{bad}: {refused:#}");
    }
    program.stop().await;
}

/// An answer whose caller was gone is delivered by resume.
#[tokio::test]
async fn resume_delivers_an_abandoned_answer() {
    let setup = used().await;
    // The run is stored, its turn is not: the process was killed between the two.
    setup.sql("DELETE FROM turns WHERE body LIKE '%ok: what is nougat%'; UPDATE threads SET turns = 1 WHERE title = 'what is nougat?'");
    let program = setup.start().await;
    let found = program.call("threads", json!({"query": "nougat"})).await.ok();
    let id = found["threads"][0]["continuation_id"].as_str().unwrap();
    let resumed = program.call("threads", json!({"action": "resume", "continuation_id": id})).await.ok();
    assert_eq!(resumed["late_answer"]["text"], "ok: what is nougat?", "{resumed:#}");
    assert_eq!(setup.vendor.stats().calls, 3, "nobody was asked for it");
    program.stop().await;
}

#[tokio::test]
async fn activity_shows_and_filters_recent_runs() {
    let setup = used().await;
    let program = setup.start().await;
    let all = program.call("activity", json!({})).await.ok();
    let states: Vec<&str> =
        all["calls"].as_array().unwrap().iter().map(|call| call["state"].as_str().unwrap()).collect();
    assert_eq!(states, ["failed", "done", "done"]);
    assert!(all["calls"][0]["error"].as_str().unwrap().starts_with("unavailable:"));
    for (filter, count) in [
        (json!({"state": "failed"}), 1),
        (json!({"tool": "debug"}), 0),
        (json!({"model": "MOCK"}), 3),
        (json!({"lines": 2}), 2),
        (json!({"since": "1h"}), 3),
        (json!({"continuation_id": all["calls"][1]["continuation_id"]}), 1),
    ] {
        let found = program.call("activity", filter.clone()).await.ok();
        assert_eq!(found["calls"].as_array().unwrap().len(), count, "{filter}");
    }
    for (bad, told) in [
        (json!({"since": "soon"}), "since: `soon` is no moment"),
        (json!({"state": "odd"}), "state: expected one of running"),
        (json!({"continuation_id": "x"}), "continuation_id x was not found"),
    ] {
        let refused = program.call("activity", bad).await.failure();
        assert!(refused["message"].as_str().unwrap().starts_with(told), "{refused:#}");
    }
    program.stop().await;
}

/// A run is stored as running only when it has lasted a second; until then only memory knows it.
#[tokio::test]
async fn activity_shows_what_has_just_begun() {
    let setup = Setup::new().await.with("EXAI_TOOL_PROFILE", "full");
    let program = setup.start().await;
    let gate = Gate::new();
    setup.vendor.then(Answer::text("at last").gated(&gate));
    let call = program.begin("chat", json!({"prompt": "what is fudge?"})).await;
    within("the consultation", gate.wait_for_arrivals(1)).await;
    for (filter, count) in [
        (json!({}), 1),
        (json!({"state": "running"}), 1),
        (json!({"state": "done"}), 0),
        (json!({"tool": "debug"}), 0),
    ] {
        let found = program.call("activity", filter.clone()).await.ok();
        assert_eq!(found["calls"].as_array().unwrap().len(), count, "{filter}");
        assert!(count == 0 || found["calls"][0]["state"] == "running", "{found:#}");
    }
    gate.open();
    Program::answer(call).await.ok();
    let found = program.call("activity", json!({})).await.ok();
    assert_eq!((&found["calls"][0]["state"], &found["calls"][1]), (&json!("done"), &Value::Null));
    program.stop().await;
}

#[tokio::test]
async fn usage_is_summed_as_wanted() {
    let setup = used().await;
    let program = setup.start().await;
    for (by, key) in [("day", "day"), ("model", "model"), ("tool", "tool"), ("thread", "thread")] {
        let sums = program.call("usage", json!({"by": by})).await.ok();
        assert_eq!((&sums["total"]["calls"], &sums["total"]["failed"]), (&json!(3), &json!(1)), "{by}");
        assert!(sums["rows"][0][key].is_string(), "{by}: {sums:#}");
        assert_eq!(sums["total"]["calls_without_price"], 2, "a mock model has no price");
        assert!(sums["total"]["latency_ms"]["p95"].is_u64());
    }
    let model = program.call("usage", json!({"by": "model"})).await.ok();
    assert_eq!(model["rows"][0]["model"], format!("custom/{MODEL}"));
    let later = program.call("usage", json!({"since": "2999-01-01"})).await.ok();
    assert_eq!(later["total"]["calls"], 0);
    let refused = program.call("usage", json!({"by": "year"})).await.failure();
    assert!(refused["message"].as_str().unwrap().starts_with("by: expected one of day, model, tool, thread"));
    program.stop().await;
}

#[tokio::test]
async fn status_says_what_works() {
    let setup = used().await;
    let program = setup.start().await;
    let status = program.call("status", json!({"tail_lines": 30})).await.ok();
    assert_eq!(status["health"], "ready");
    assert_eq!(status["last_errors"].as_array().unwrap().len(), 1);
    assert!(status["next_steps"][0].as_str().unwrap().starts_with("The last failure, of custom/mock-model"));
    assert_eq!(status["queue"]["upstream_attempts"], json!({"under_way": 0, "limit": 24}));
    assert_eq!(status["database"]["ok"], true);
    program.stop().await;

    let nothing = Setup::without_provider().await;
    let program = nothing.start().await;
    let status = program.call("status", json!({})).await.ok();
    assert_eq!(status["health"], "no_model_configured");
    assert!(status["next_steps"][0].as_str().unwrap().contains("OPENAI_API_KEY"));
    program.stop().await;
}

#[tokio::test]
async fn status_reports_a_broken_database() {
    let setup = Setup::new().await;
    std::fs::create_dir_all(setup.database()).unwrap();
    let program = setup.start().await;
    let status = program.call("status", json!({})).await.ok();
    assert_eq!((&status["health"], &status["database"]["ok"]), (&json!("degraded"), &json!(false)));
    assert!(status["next_steps"][0].as_str().unwrap().starts_with("Mend the database"));
    program.stop().await;
}

#[tokio::test]
async fn the_command_line_manages_threads() {
    let setup = used().await;
    let (code, table, _) = setup.run(&["usage", "--by", "model"]).await;
    assert_eq!(code, 0);
    assert!(
        table.starts_with("model")
            && table.contains(&format!("custom/{MODEL}"))
            && table.contains("3 calls since"),
        "{table}"
    );
    let (code, table, _) = setup.run(&["activity", "--state", "failed"]).await;
    assert!(code == 0 && table.lines().count() == 2 && table.contains("unavailable"), "{table}");
    let (code, text, _) = setup.run(&["status"]).await;
    assert!(code == 0 && text.contains("1 provider is configured.") && text.contains("next\n- "), "{text}");

    let (_, found, _) = setup.run(&["threads", "search", "nougat", "--json"]).await;
    let found: Value = serde_json::from_str(&found).unwrap();
    let id = found[0]["continuation_id"].as_str().unwrap();
    let (code, markdown, _) = setup.run(&["threads", "export", id]).await;
    assert!(code == 0 && markdown.starts_with("# Thread "), "{markdown}");

    let (code, _, complaint) = setup.run(&["threads", "delete", id]).await;
    assert!(code == 2 && complaint.contains("pass --yes"), "{complaint}");
    let (code, told, complaint) = setup.run(&["threads", "delete", id, "--yes"]).await;
    assert!(code == 0 && told.contains("with 2 turns"), "{told} {complaint}");
    assert_eq!(setup.stored_threads().await.len(), 2);
    let (code, _, complaint) = setup.run(&["threads", "delete", id, "--yes"]).await;
    assert!(code == 2 && complaint.contains("does not exist"), "{complaint}");
    let (code, _, complaint) = setup.run(&["usage", "--since", "soon"]).await;
    assert!(code == 2 && complaint.contains("`soon` is no moment"), "{complaint}");
}

/// Prompts of the user are used and wrong ones reported.
#[tokio::test]
async fn own_prompts_are_used() {
    let setup = Setup::new().await;
    let folder = setup.home.path().join("config/prompts");
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join("chat.md"), "Answer in rhymes.\n{{more_files}}\n").unwrap();
    std::fs::write(folder.join("debug.md"), "Guess.\n").unwrap();
    std::fs::write(folder.join("sing.md"), "La.\n").unwrap();
    let program = setup.start().await;
    program.call("chat", json!({"prompt": "hi"})).await.ok();
    let sent = setup.vendor.calls()[0].json["messages"][0]["content"].as_str().unwrap().to_owned();
    assert!(sent.starts_with("Answer in rhymes.\n## When the evidence is not enough"), "{sent}");
    program.stop().await;
    let (code, told, complaint) = setup.run(&["config", "check"]).await;
    let told = format!("{told}{complaint}");
    assert_eq!(code, 1);
    for problem in
        ["the prompt `debug` does not say `files_required_to_continue`", "there is no prompt `sing`"]
    {
        assert!(told.contains(problem), "{told}");
    }
    let (_, list, _) = setup.run(&["prompts", "list"]).await;
    assert!(list.lines().any(|line| line.starts_with("chat ") && line.contains("yours")), "{list}");
    let (_, shown, _) = setup.run(&["prompts", "show", "debug"]).await;
    assert!(shown.starts_with("You are the debugging expert"), "the built-in words stand: {shown}");
}

/// A tool has its own model and thinking where the call says nothing.
#[tokio::test]
async fn a_tool_has_its_own_defaults() {
    let setup = Setup::new().await;
    let path = setup.home.path().join("config/config.toml");
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(&path, "default_model = \"usual\"\n[tools.chat]\nmodel = \"special\"\n[tools.chatt]\nmodel = \"x\"\n[tools.debug]\nthinking = \"much\"\n").unwrap();
    let program = setup.start().await;
    program.call("chat", json!({"prompt": "one"})).await.ok();
    program.call("chat", json!({"prompt": "two", "model": "named"})).await.ok();
    program.call("thinkdeep", json!({"step": "three", "next_step_required": false})).await.ok();
    let models: Vec<String> =
        setup.vendor.calls().iter().map(|call| call.json["model"].as_str().unwrap().to_owned()).collect();
    assert_eq!(models, ["special", "named", "usual"]);
    program.stop().await;
    let (code, told, complaint) = setup.run(&["config", "check"]).await;
    let told = format!("{told}{complaint}");
    assert!(
        code == 1
            && told.contains("did you mean chat?")
            && told.contains("tools.debug.thinking: expected minimal, low"),
        "{told}"
    );
}
