//! Models that ask for functions, files that lie at vendors, search of the web: through the program, against vendors of our own.

use exai_mock_vendor::{Answer, StoredFile, Vendor};
use serde_json::{Value, json};

use crate::support::{Program, Setup};

const PDF: &[u8] = b"%PDF-1.7\x00The limit is 40 units.\nNo more.\n\x00\xff\xfe";

struct Vendors {
    setup: Setup,
    glm: Vendor,
    kimi: Vendor,
    openai: Vendor,
}

async fn vendors() -> Vendors {
    let (glm, kimi, openai) = (Vendor::start().await, Vendor::start().await, Vendor::start().await);
    let setup = Setup::without_provider().await.with("EXAI_TOOL_PROFILE", "full");
    let setup = setup
        .with("GLM_API_KEY", "key-of-glm")
        .with("GLM_BASE_URL", &format!("{}/api/paas/v4", glm.origin()))
        .with("KIMI_API_KEY", "key-of-kimi")
        .with("KIMI_BASE_URL", &kimi.url())
        .with("OPENAI_API_KEY", "key-of-openai")
        .with("OPENAI_BASE_URL", &openai.url());
    setup.file("limits.pdf", PDF);
    Vendors { setup, glm, kimi, openai }
}

fn read_file() -> Value {
    json!({"type": "function", "function": {"name": "read_file", "description": "Reads a file.",
        "parameters": {"type": "object", "properties": {"path": {"type": "string"}}, "required": ["path"]}}})
}

/// Two calls at once, streamed in pieces.
fn calls_in_pieces() -> Answer {
    let chunk = |delta: Value| format!("data: {}\n\n", json!({"choices": [{"delta": delta}]}));
    let piece =
        |index: usize, function: Value| json!({"tool_calls": [{"index": index, "function": function}]});
    let begin = |index: usize, id: &str| json!({"tool_calls": [{"index": index, "id": id, "function": {"name": "read_file", "arguments": ""}}]});
    Answer::raw_stream([
        chunk(json!({"reasoning_content": "I must look."})),
        chunk(begin(0, "a")),
        chunk(piece(0, json!({"arguments": "{\"path\":"}))),
        chunk(begin(1, "b")),
        chunk(piece(1, json!({"arguments": "{\"path\":\"y.py\"}"}))),
        chunk(piece(0, json!({"arguments": "\"x.py\"}"}))),
        format!("data: {}\n\n", json!({"choices": [{"delta": {}, "finish_reason": "tool_calls"}]})),
        "data: [DONE]\n\n".to_owned(),
    ])
}

fn results(ids: &[&str]) -> Value {
    ids.iter()
        .map(|id| json!({"role": "tool", "tool_call_id": id, "content": format!("text of {id}")}))
        .collect()
}

async fn asked(program: &Program) -> Value {
    let call = json!({"messages": [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "What is in x?"}],
        "tools": [read_file()], "model": "kimi-k3.1-pro"});
    program.call("chat_with_tools", call).await.ok()
}

/// Calls come to the agent and their results go back with the thought.
#[tokio::test]
async fn lent_functions_are_called_and_answered() {
    let vendors = vendors().await;
    let program = vendors.setup.start().await;
    vendors.kimi.then(calls_in_pieces());
    let first = asked(&program).await;
    assert_eq!(first["status"], "tool_calls_required");
    assert_eq!(
        first["tool_calls"],
        json!([{"id": "a", "name": "read_file", "arguments": {"path": "x.py"}},
            {"id": "b", "name": "read_file", "arguments": {"path": "y.py"}}])
    );
    // The thread is durable: another process goes on with it.
    program.stop().await;
    let program = vendors.setup.start().await;
    vendors.kimi.then(Answer::text("It says x."));
    let call = json!({"messages": results(&["b", "a"]), "tools": [read_file()], "model": "kimi-k3.1-pro",
        "continuation_id": first["continuation_id"]});
    let second = program.call("chat_with_tools", call).await.ok();
    assert_eq!(
        (&second["status"], &second["content"]),
        (&json!("continuation_available"), &json!("It says x."))
    );
    let sent = &vendors.kimi.calls()[1].json;
    assert_eq!(
        sent["messages"],
        json!([
            {"role": "user", "content": "What is in x?"},
            {"role": "assistant", "reasoning_content": "I must look.", "tool_calls": [
                {"id": "a", "type": "function", "function": {"name": "read_file", "arguments": "{\"path\":\"x.py\"}"}},
                {"id": "b", "type": "function", "function": {"name": "read_file", "arguments": "{\"path\":\"y.py\"}"}}]},
            {"role": "tool", "tool_call_id": "b", "content": "text of b"},
            {"role": "tool", "tool_call_id": "a", "content": "text of a"},
        ])
    );
    // Another tool is told of it in words.
    vendors.kimi.then(Answer::text("yes"));
    let call =
        json!({"prompt": "So?", "model": "kimi-k3.1-pro", "continuation_id": first["continuation_id"]});
    program.call("chat", call).await.ok();
    let told = vendors.kimi.calls()[2].json["messages"].to_string();
    assert!(told.contains("[asks for read_file with") && told.contains("[read_file gave]"), "{told}");
    program.stop().await;
}

/// Calls and results that do not match are refused before any model is asked.
#[tokio::test]
async fn mismatched_results_are_refused_first() {
    let vendors = vendors().await;
    let program = vendors.setup.start().await;
    vendors.kimi.then(calls_in_pieces());
    let first = asked(&program).await;
    let thread = &first["continuation_id"];
    for (call, words) in [
        (
            json!({"messages": results(&["a"]), "tools": [read_file()]}),
            "these calls have no result: `b` (read_file)",
        ),
        (
            json!({"messages": results(&["a", "b", "c"]), "tools": [read_file()]}),
            "no call `c` waits for a result",
        ),
        (json!({"messages": "never mind", "tools": [read_file()]}), "these calls have no result: `a`"),
        (json!({"messages": results(&["a", "b"])}), "tools: the conversation holds calls of functions"),
        (
            json!({"messages": "x", "tools": [{"name": "no blanks"}]}),
            "tools: `no blanks`: a name has 1 to 64",
        ),
        (json!({"messages": "x", "tools": [read_file(), read_file()]}), "tools: `read_file` is given twice"),
        (
            json!({"messages": "x", "tools": [read_file()], "tool_choice": "fly"}),
            "`fly` is not among the tools",
        ),
        (json!({"messages": []}), "messages: say something"),
    ] {
        let mut call = call;
        call["continuation_id"] = thread.clone();
        let refused = program.call("chat_with_tools", call).await.failure();
        assert_eq!(refused["code"], "invalid_input", "{words}");
        assert!(refused["message"].as_str().unwrap().contains(words), "{refused:#}");
    }
    assert_eq!(vendors.kimi.stats().calls, 1);
    program.stop().await;
}

#[tokio::test]
async fn an_unsupported_option_is_reported() {
    let vendors = vendors().await;
    let program = vendors.setup.start().await;
    let call = |model: &str| json!({"messages": "hi", "tools": [read_file()], "tool_choice": "required", "model": model});
    vendors.kimi.default_answer(Answer::text("no need"));
    let answer = program.call("chat_with_tools", call("kimi-k3.1-pro")).await.ok();
    let notes = answer["metadata"]["notes"].to_string();
    assert!(notes.contains("cannot be told what `tool_choice` says"), "{notes}");
    assert_eq!(vendors.kimi.calls()[0].json.get("tool_choice"), None);
    // A model that thinks is asked for calls in the Responses interface.
    let event = |event: Value| format!("data: {event}\n\n");
    vendors.openai.default_answer(Answer::raw_stream([
        event(json!({"type": "response.output_item.done", "item": {"type": "function_call", "call_id": "q", "name": "read_file", "arguments": "{}"}})),
        event(json!({"type": "response.completed", "response": {"status": "completed"}})),
    ]));
    let answer = program.call("chat_with_tools", call("gpt-6.1-sol")).await.ok();
    assert_eq!(answer["tool_calls"], json!([{"id": "q", "name": "read_file", "arguments": {}}]));
    assert!(answer["metadata"].get("notes").is_none(), "{answer:#}");
    let sent = &vendors.openai.calls()[0];
    assert_eq!((sent.path.as_str(), &sent.json["tool_choice"]), ("/v1/responses", &json!("required")));
    program.stop().await;
}

/// A file is uploaded once and its text is shown to the model.
#[tokio::test]
async fn an_uploaded_file_shows_its_text() {
    let vendors = vendors().await;
    let program = vendors.setup.start().await;
    vendors.kimi.default_answer(Answer::text("40 units (`limits.pdf:1`)"));
    let query = |question: &str| json!({"file_path": "limits.pdf", "question": question, "provider": "kimi"});
    let first = program.call("file_query", query("What is the limit?")).await.ok();
    assert_eq!(first["file"]["uploaded"], true, "{first:#}");
    assert_eq!(first["content"], "40 units (`limits.pdf:1`)");
    let prompt = vendors.kimi.calls().last().unwrap().json["messages"].to_string();
    assert!(prompt.contains("The limit is 40 units.") && prompt.contains("What is the limit?"), "{prompt}");
    let second = program.call("file_query", query("May it be more?")).await.ok();
    assert_eq!(
        (&second["file"]["uploaded"], &second["file"]["file_id"]),
        (&json!(false), &first["file"]["file_id"])
    );
    let stored = vendors.kimi.stored_files();
    assert_eq!(stored.len(), 1, "the same content is not put there twice");
    assert_eq!((stored[0].purpose.as_str(), &stored[0].bytes[..]), ("file-extract", PDF));
    assert!(
        stored[0].name.starts_with("exai-") && stored[0].name.ends_with("-limits.pdf"),
        "{}",
        stored[0].name
    );
    // Somebody has removed it there: it is put there again.
    vendors.kimi.with_files(Vec::clear);
    let third = program.call("file_query", query("And now?")).await.ok();
    assert_eq!(third["file"]["uploaded"], true);
    assert_eq!(vendors.kimi.stored_files().len(), 1);
    program.stop().await;
}

/// OpenAI's models read a file by its id and text is put nowhere.
#[tokio::test]
async fn an_uploaded_file_is_named_by_id() {
    let vendors = vendors().await;
    vendors.setup.file("plain.txt", "forty units\n");
    let program = vendors.setup.start().await;
    let event = |event: Value| format!("data: {event}\n\n");
    vendors.openai.default_answer(Answer::raw_stream([
        event(json!({"type": "response.output_text.delta", "delta": "forty"})),
        event(json!({"type": "response.completed", "response": {"status": "completed"}})),
    ]));
    let call = json!({"file_path": "limits.pdf", "question": "What is the limit?", "provider": "openai"});
    let answer = program.call("file_query", call).await.ok();
    assert_eq!(answer["file"]["read"], "by the vendor's model", "{answer:#}");
    let sent = vendors.openai.calls().last().unwrap().json.clone();
    assert_eq!(sent["input"][0]["content"][0], json!({"type": "input_file", "file_id": "file-1"}));
    let foreign =
        json!({"file_path": "limits.pdf", "question": "?", "provider": "openai", "model": "glm-5.3"});
    let refused = program.call("file_query", foreign).await.failure();
    assert!(
        refused["message"].as_str().unwrap().contains("cannot read a file that lies at openai"),
        "{refused:#}"
    );
    vendors.glm.default_answer(Answer::text("forty"));
    let call = json!({"file_path": "plain.txt", "question": "How many?", "model": "glm-5.3"});
    let answer = program.call("file_query", call).await.ok();
    assert_eq!(answer["file"], json!({"read": "here", "uploaded": false}));
    assert_eq!(vendors.kimi.stored_files().len() + vendors.openai.stored_files().len(), 1);
    for (path, words) in [("../outside.pdf", "outside"), (".", "a folder"), ("none.pdf", "does not exist")] {
        let call = json!({"file_path": path, "question": "?"});
        let refused = program.call("file_query", call).await.failure();
        assert!(refused["message"].as_str().unwrap().contains(words), "{refused:#}");
    }
    program.stop().await;
}

/// Files are listed, fetched and removed and others are left alone.
#[tokio::test]
async fn uploaded_files_are_managed() {
    let vendors = vendors().await;
    let program = vendors.setup.start().await;
    vendors.kimi.default_answer(Answer::text("ok"));
    let query = json!({"file_path": "limits.pdf", "question": "?", "provider": "kimi"});
    let id = program.call("file_query", query).await.ok()["file"]["file_id"].clone();
    let own = vendors.kimi.stored_files()[0].clone();
    let (mark, _) = own.name.split_at("exai-12345678-".len());
    vendors.kimi.with_files(|files| {
        files.push(StoredFile { id: "stranger".into(), name: "theirs.pdf".into(), ..StoredFile::default() });
        files.push(StoredFile {
            id: "stray".into(),
            name: format!("{mark}old.pdf"),
            ..StoredFile::default()
        });
        files.push(StoredFile {
            id: "other".into(),
            name: "exai-00000000-x.pdf".into(),
            ..StoredFile::default()
        });
    });
    let list = program.call("file_manage", json!({})).await.ok();
    assert_eq!(list["files"].as_array().unwrap().len(), 2, "{list:#}");
    assert_eq!((&list["files_of_others"], &list["files"][0]["name"]), (&json!(2), &json!("limits.pdf")));

    let got = program.call("file_download", json!({"file_id": id, "destination": "out.txt"})).await.ok();
    let written = vendors.setup.project.path().join("out.txt");
    assert_eq!(std::fs::read_to_string(&written).unwrap(), "The limit is 40 units.\nNo more.\n", "{got:#}");
    let again = program.call("file_download", json!({"file_id": id, "destination": "out.txt"})).await.ok();
    assert!(again["summary"].as_str().unwrap().contains("lay there already"), "{again:#}");
    std::fs::write(&written, "mine").unwrap();
    for (destination, words) in
        [("out.txt", "another file lies there"), ("/etc/x", "outside"), (".env", "refused")]
    {
        let call = json!({"file_id": id, "destination": destination});
        let refused = program.call("file_download", call).await.failure();
        assert!(refused["message"].as_str().unwrap().contains(words), "{destination}: {refused:#}");
    }
    assert_eq!(std::fs::read_to_string(&written).unwrap(), "mine");
    let refused = program.call("file_download", json!({"file_id": "stranger"})).await.failure();
    assert!(refused["message"].as_str().unwrap().contains("is no file that was put"), "{refused:#}");
    let refused = program.call("file_manage", json!({"operation": "delete", "file_id": "stranger"})).await;
    assert!(refused.failure()["message"].as_str().unwrap().contains("is no file that was put"));

    let planned = program.call("file_manage", json!({"operation": "cleanup_orphaned"})).await.ok();
    assert_eq!(planned["files"][0]["file_id"], "stray", "{planned:#}");
    assert_eq!(vendors.kimi.stored_files().len(), 4, "a cleanup says first what it would do");
    program.call("file_manage", json!({"operation": "cleanup_orphaned", "dry_run": false})).await.ok();
    let fresh = program.call("file_manage", json!({"operation": "cleanup_expired"})).await.ok();
    assert_eq!(fresh["files"], json!([]), "nothing is 30 days old");
    program.call("file_manage", json!({"operation": "delete", "file_id": id})).await.ok();
    let left: Vec<String> = vendors.kimi.stored_files().into_iter().map(|file| file.id).collect();
    assert_eq!(left, ["stranger", "other"]);
    let list = program.call("file_manage", json!({})).await.ok();
    assert_eq!(list["files"], json!([]));
    program.stop().await;
}

#[tokio::test]
async fn the_web_is_searched_where_offered() {
    let vendors = vendors().await;
    let program = vendors.setup.start().await;
    let hit = json!({"title": "Rust", "link": "https://rust-lang.org", "content": "A language.", "media": "rust-lang.org",
        "publish_date": "2026-01-01"});
    vendors.glm.then(Answer::json(200, &json!({"search_result": [hit]})));
    let call = json!({"query": "rust", "count": 3, "search_recency_filter": "oneMonth"});
    let found = program.call("web_search", call).await.ok();
    assert_eq!(
        found["results"],
        json!([{"title": "Rust", "link": "https://rust-lang.org", "content": "A language.", "site": "rust-lang.org", "published": "2026-01-01"}])
    );
    let sent = &vendors.glm.calls()[0];
    assert_eq!(sent.path, "/api/paas/v4/web_search");
    assert_eq!(
        sent.json,
        json!({"search_engine": "search-prime", "search_query": "rust", "count": 3, "search_recency_filter": "oneMonth"})
    );
    vendors.glm.then(Answer::json(200, &json!({"error": {"code": "1113", "message": "in arrears"}})));
    let refused = program.call("web_search", json!({"search_query": "rust"})).await.failure();
    assert_eq!((&refused["code"], &refused["retryable"]), (&json!("quota"), &json!(false)));
    let refused = program.call("web_search", json!({"search_query": "rust", "count": 51})).await.failure();
    assert_eq!(refused["code"], "invalid_input");
    program.stop().await;
}

#[tokio::test]
async fn who_could_is_said_where_nobody_can() {
    let setup = Setup::new().await.with("EXAI_TOOL_PROFILE", "full");
    setup.file("limits.pdf", PDF);
    let program = setup.start().await;
    for (tool, call, words) in [
        ("web_search", json!({"search_query": "x"}), "set GLM_API_KEY"),
        ("file_query", json!({"file_path": "limits.pdf", "question": "?"}), "KIMI_API_KEY"),
        ("file_manage", json!({}), "OPENAI_API_KEY"),
    ] {
        let refused = program.call(tool, call).await.failure();
        assert_eq!(refused["code"], "not_offered", "{tool}");
        assert!(refused["message"].as_str().unwrap().contains(words), "{refused:#}");
    }
    program.stop().await;
}

#[tokio::test]
async fn a_terminal_shows_what_came_back() {
    let vendors = vendors().await;
    let hit = json!({"title": "Rust", "link": "https://rust-lang.org", "content": "A language."});
    vendors.glm.then(Answer::json(200, &json!({"search_result": [hit]})));
    let (code, shown, _) = vendors.setup.run(&["run", "web_search", "--prompt", "rust"]).await;
    assert_eq!(code, 0, "{shown}");
    assert!(shown.contains("Rust\nhttps://rust-lang.org\nA language.\n"), "{shown}");

    vendors.kimi.default_answer(Answer::text("40 units"));
    let query =
        ["run", "file_query", "limits.pdf", "--prompt", "What is the limit?", "--arg", "provider=kimi"];
    let (code, shown, _) = vendors.setup.run(&query).await;
    assert!(code == 0 && shown.contains("40 units"), "{shown}");
    let (_, shown, _) = vendors.setup.run(&["run", "file_manage"]).await;
    assert!(shown.contains("  kimi  ") && shown.contains("  limits.pdf\n"), "{shown}");
    let two = vendors.setup.run(&["run", "file_query", "limits.pdf", "b.pdf", "--prompt", "?"]).await;
    assert!(two.0 != 0 && two.2.contains("file_query reads one file at a time"), "{}", two.2);

    vendors.kimi.then(calls_in_pieces());
    let tools = format!("tools=[{}]", read_file());
    let call =
        ["run", "chat_with_tools", "--model", "kimi-k3.1-pro", "--prompt", "What is in x?", "--arg", &tools];
    let (code, shown, _) = vendors.setup.run(&call).await;
    assert!(code == 0 && shown.contains("read_file {\"path\":\"x.py\"}  a\n"), "{shown}");
}
