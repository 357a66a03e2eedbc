//! The pipe: lines that no well-behaved client sends, what may stand on standard output, and every way to the end.

mod ends;

use exai_mock_vendor::Answer;
use serde_json::{Value, json};

use crate::support::{Raw, STANDARD, Setup, within};

const PING: &str = r#"{"jsonrpc":"2.0","id":"next","method":"ping"}"#;

/// Sends a line that must be answered with exactly one error, and a ping behind it.
async fn refused(raw: &mut Raw, line: &[u8]) -> Value {
    raw.send_bytes(line).await;
    raw.send(PING).await;
    // Requests are answered side by side, so the order of the two says nothing.
    let (first, second) = (raw.next().await, raw.next().await);
    let (error, next) = if first["id"] == "next" { (second, first) } else { (first, second) };
    assert_eq!(error["jsonrpc"], "2.0");
    assert!(error["error"]["message"].as_str().is_some_and(|message| !message.is_empty()), "{error}");
    assert_eq!(next, json!({"jsonrpc": "2.0", "id": "next", "result": {}}), "the next request works");
    error
}

/// Lines that are no messages get one error each and the next request works.
#[tokio::test]
async fn invalid_lines_get_one_error_each() {
    let setup = Setup::without_provider().await;
    let mut raw = Raw::ready(&setup).await;
    let deep = format!(
        r#"{{"jsonrpc":"2.0","id":5,"method":"ping","params":{{"x":{}{}}}}}"#,
        "[".repeat(100_000),
        "]".repeat(100_000)
    );
    let open = "[".repeat(100_000);
    let many = format!("[{}]", vec![PING; 50].join(","));
    let table: [(&[u8], i64, Value); 14] = [
        (b"hello", -32700, Value::Null),
        (b"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ping\"", -32700, json!(1)),
        (b"{\"jsonrpc\":\"2.0\",\"id\":2,\"method\":\"p\xff\xfe\"}", -32700, json!(2)),
        (b"\xff\xfe\x00", -32700, Value::Null),
        (deep.as_bytes(), -32700, json!(5)),
        (open.as_bytes(), -32700, Value::Null),
        (many.as_bytes(), -32600, Value::Null),
        (b"[]", -32600, Value::Null),
        (b"17", -32600, Value::Null),
        (b"{}", -32600, Value::Null),
        (br#"{"jsonrpc":"1.0","id":8,"method":"ping"}"#, -32600, json!(8)),
        (br#"{"jsonrpc":"2.0","id":9,"method":7}"#, -32600, json!(9)),
        (br#"{"jsonrpc":"2.0","id":null,"method":"ping"}"#, -32600, Value::Null),
        (br#"{"jsonrpc":"2.0","id":10,"method":"tools/call","params":["chat"]}"#, -32600, json!(10)),
    ];
    for (line, code, id) in table {
        let error = refused(&mut raw, line).await;
        let shown: String = String::from_utf8_lossy(line).chars().take(80).collect();
        assert_eq!(
            (&error["error"]["code"], error.get("id").unwrap_or(&Value::Null)),
            (&json!(code), &id),
            "{shown}"
        );
    }
    let unknown = refused(&mut raw, br#"{"jsonrpc":"2.0","id":11,"method":"no/such"}"#).await;
    assert_eq!((&unknown["id"], &unknown["error"]["code"]), (&json!(11), &json!(-32601)));
    assert_eq!(unknown["error"]["message"], "there is no method `no/such`");
    raw.close_input();
    assert_eq!(raw.try_next().await, None, "nothing was answered twice");
}

/// A line beyond the limit is answered and not kept.
#[tokio::test]
async fn a_huge_line_is_not_kept() {
    let setup = Setup::without_provider().await;
    let mut raw = Raw::ready(&setup).await;
    let mut line = br#"{"jsonrpc":"2.0","id":7,"method":"ping","params":{"x":""#.to_vec();
    line.resize(20 * 1024 * 1024, b'x');
    line.extend(b"\"}}");
    let error = refused(&mut raw, &line).await;
    assert_eq!((&error["id"], &error["error"]["code"]), (&json!(7), &json!(-32600)));
    let message = error["error"]["message"].as_str().unwrap();
    assert!(message.contains(&line.len().to_string()) && message.contains("8388608"), "{message}");
    let memory = raw.peak_memory();
    assert!(memory < 150, "{memory} MiB");
}

#[tokio::test]
async fn blank_lines_are_passed_over() {
    let setup = Setup::without_provider().await;
    let mut raw = Raw::ready(&setup).await;
    for line in ["", "  \t", r#"{"jsonrpc":"2.0","method":"notifications/no_such_thing","params":{}}"#] {
        raw.send(line).await;
    }
    raw.send(PING).await;
    assert_eq!(raw.next().await["id"], "next");
}

#[tokio::test]
async fn a_handshake_needs_nothing() {
    // Port 9 of this machine: nobody listens there.
    let setup = Setup::new().await.with("CUSTOM_API_URL", "http://127.0.0.1:9/v1");
    std::fs::create_dir_all(setup.database()).unwrap();
    let mut raw = Raw::ready(&setup).await;
    let listed = raw.request("tools/list", json!({})).await;
    assert_eq!(listed["result"]["tools"].as_array().unwrap().len(), STANDARD.len());
    let refused = raw.call("chat", json!({"prompt": "hello"})).await;
    assert_eq!((&refused["status"], &refused["code"]), (&json!("error"), &json!("unreachable")));
}

/// An address that cannot be used is reported where it matters.
#[tokio::test]
async fn an_unusable_address_is_reported() {
    for (url, problem) in [
        ("htp:/no", "must begin with https:// or http://"),
        ("not a url", "is not a URL"),
        ("http://models.example/v1", "is not encrypted"),
        ("https://user:canary@models.example/v1", "contains a user name or password"),
    ] {
        let setup = Setup::new().await.with("CUSTOM_API_URL", url);
        let mut raw = Raw::ready(&setup).await;
        let refused = raw.call("chat", json!({"prompt": "hello"})).await;
        assert_eq!(refused["code"], "no_model_configured", "{url}");
        let listed = raw.call("listmodels", json!({})).await;
        assert!(
            listed["content"]
                .as_str()
                .unwrap()
                .contains(&format!("not used: the base URL of `custom` {problem}")),
            "{listed:#}"
        );
        raw.close_input();
        let (code, log) = raw.end().await;
        assert!(code == 0 && log.contains(problem) && !log.contains("canary"), "{log}");
        let (code, told, _) = setup.run(&["config", "check"]).await;
        assert!(code == 1 && told.contains(problem) && !told.contains("canary"), "{told}");
        let (code, shown, _) = setup.run(&["config", "show"]).await;
        assert!(code == 0 && !shown.contains("canary"), "{shown}");
    }
}

/// Standard output holds only messages and the log holds no keys.
#[tokio::test]
async fn standard_output_holds_only_messages() {
    let setup = Setup::new()
        .await
        .with("CUSTOM_API_KEY", "canary-custom-key")
        .with("GLM_API_KEY", "canary-glm-key")
        .with("GLM_BASE_URL", "http://127.0.0.1:9/v1")
        .with("KIMI_API_KEY", "canary-kimi-key")
        .with("KIMI_BASE_URL", "http://user:canary-password@127.0.0.1:9/v1")
        .with("EXAI_LOG", "trace,rmcp=trace")
        .with("EXAI_RETRIES", "0");
    setup.file("a.txt", "the word is canary-content\n");
    setup.vendor.script(vec![
        Answer::text("fine"),
        Answer::invalid_key(),
        Answer::server_error(),
        Answer::proxy_page(),
        Answer::hang_up(),
        Answer::raw_stream(["data: {broken\n\n"]),
    ]);
    let mut raw = Raw::ready(&setup).await;
    for (number, prompt) in ["one", "two", "three", "four", "five", "six"].into_iter().enumerate() {
        let answer = raw
            .call("chat", json!({"prompt": prompt, "files": ["a.txt"], "model": "custom/mock-model"}))
            .await;
        assert_eq!(answer["status"] == "error", number > 0, "{answer:#}");
    }
    raw.call("chat", json!({"prompt": "seven", "model": "glm/glm-5.3"})).await;
    raw.call("chat", json!({"prompt": 7.5, "temperature": "x"})).await;
    raw.request("tools/call", json!({"name": "sing"})).await;
    raw.send("not json").await;
    raw.next().await;
    assert_eq!(
        setup.vendor.calls()[0].header("authorization"),
        Some("Bearer canary-custom-key"),
        "the key is in use"
    );
    raw.close_input();
    // Every line was parsed as JSON by the harness; nothing else may follow.
    assert_eq!(raw.try_next().await, None);
    let (code, log) = raw.end().await;
    assert_eq!(code, 0);
    assert!(log.contains("consultation by `chat`"), "the log is on standard error: {log}");
    for secret in
        ["canary-custom-key", "canary-glm-key", "canary-kimi-key", "canary-password", "canary-content"]
    {
        let line = log.lines().find(|line| line.contains(secret));
        assert_eq!(line, None, "{secret} is in the log");
    }
}

/// A request keeps the client's name through answer, upstream and log.
#[tokio::test]
async fn a_request_keeps_the_clients_name() {
    let setup = Setup::new().await.with("EXAI_LOG_FORMAT", "json");
    let mut raw = Raw::ready(&setup).await;
    let name = "session-7/turn:12.b_c";
    let call = json!({"name": "chat", "arguments": {"prompt": "hi"}, "_meta": {"x-request-id": name}});
    let answer = raw.request("tools/call", call).await;
    let text: Value = serde_json::from_str(answer["result"]["content"][0]["text"].as_str().unwrap()).unwrap();
    assert_eq!(text["metadata"]["request_id"], name);
    assert_eq!(setup.vendor.calls()[0].header("x-request-id"), Some(name));
    // A name that could forge headers or log lines is not taken.
    let call = json!({"name": "version", "arguments": {}, "_meta": {"x-request-id": "a\r\nb: c"}});
    let answer = raw.request("tools/call", call).await;
    assert!(!answer.to_string().contains("b: c"), "{answer}");
    raw.close_input();
    let (_, log) = raw.end().await;
    let lines: Vec<Value> =
        log.lines().map(|line| serde_json::from_str(line).expect("a line of JSON")).collect();
    assert!(lines.iter().any(|line| line["request_id"] == name && line["state"] == "done"), "{log}");
}

#[tokio::test]
async fn many_requests_are_answered_once() {
    let setup = Setup::new().await;
    let mut raw = Raw::ready(&setup).await;
    for id in 0..100 {
        match id % 4 {
            0 => raw.send_call(id, "chat", json!({"prompt": format!("question {id}")})).await,
            1 => raw.send_call(id, "planner", json!({"step": format!("plan {id}")})).await,
            2 => raw.send_call(id, "sing", json!({})).await,
            _ => raw.send(&json!({"jsonrpc": "2.0", "id": id, "method": "ping"}).to_string()).await,
        }
    }
    let mut answered: Vec<i64> = Vec::new();
    while answered.len() < 100 {
        answered.push(raw.next().await["id"].as_i64().unwrap());
    }
    answered.sort_unstable();
    assert_eq!(answered, (0..100).collect::<Vec<i64>>());
    assert_eq!(setup.vendor.stats().calls, 25);
    raw.close_input();
    assert_eq!(within("the end", raw.try_next()).await, None);
}
