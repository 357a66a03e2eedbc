//! The network door: `exai-mcp serve`, spoken to over sockets.

use std::time::Duration;

use exai_mock_vendor::Answer;
use serde_json::{Value, json};
use tokio::io::AsyncBufReadExt as _;

use crate::support::{CLIENT, MODEL, Served, Setup, modern, read, tool_call, within};

/// A server with a model and one folder that may be read.
async fn setup() -> Setup {
    let setup = Setup::new().await;
    let project = setup.project.path().display().to_string();
    setup.with("EXAI_ROOTS", &project)
}

fn chat(prompt: &str) -> Value {
    json!({"prompt": prompt, "model": MODEL})
}

#[tokio::test]
async fn both_eras_are_served_on_one_path() {
    let setup = setup().await;
    setup.vendor.default_answer(Answer::text("hello"));
    let served = Served::start(&setup).await;
    let session = served.session(&[]).await;
    let in_session = [("mcp-session-id", session.as_str()), ("mcp-protocol-version", "2025-11-25")];
    let list = json!({"jsonrpc": "2.0", "id": 1, "method": "tools/list"});
    let listed = served.post(&list, &in_session).await.json();
    assert_eq!(listed["result"]["tools"].as_array().unwrap().len(), 18);
    let call = json!({"jsonrpc": "2.0", "id": 2, "method": "tools/call", "params": {"name": "chat", "arguments": chat("old"),
        "_meta": {"progressToken": "p"}}});
    let answer = served.post(&call, &in_session).await;
    assert_eq!((answer.status, &answer.tool()["content"]), (200, &json!("hello")), "{answer:?}");
    assert_eq!(served.request("DELETE", "/mcp", &in_session, "").await.status, 202);
    assert_eq!(served.post(&list, &in_session).await.status, 404, "the session is over");

    let answer = served.call("chat", &chat("new"), &[]).await;
    assert_eq!(answer.tool()["content"], "hello");
    assert!(!answer.headers.contains_key("mcp-session-id"));
    // One conversation goes on over both.
    let thread = answer.tool()["continuation_id"].clone();
    let mut more = chat("and then?");
    more["continuation_id"] = thread;
    served.call("chat", &more, &[]).await.tool();
    let sent = setup.vendor.calls().last().unwrap().json["messages"].to_string();
    assert!(sent.contains("new") && sent.contains("and then?"), "{sent}");
    served.terminate();
    assert_eq!(served.ended().await, (0, String::new()), "standard output stays empty");
}

/// What is no message is refused in the form of the protocol.
#[tokio::test]
async fn an_invalid_message_gets_its_error() {
    let setup = setup().await.with("EXAI_LOG", "error");
    let served = Served::start(&setup).await;
    let list = json!({"jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": {"_meta": crate::support::discover_meta()}});
    let headers = [("mcp-protocol-version", "2026-07-28"), ("mcp-method", "tools/list")];
    for (body, status, code) in [
        ("{nope".to_owned(), 400, -32_700),
        (String::new(), 400, -32_700),
        ("[]".to_owned(), 400, -32_600),
        ("7".to_owned(), 400, -32_600),
        (format!("[{list}]"), 400, -32_600),
    ] {
        let all: Vec<_> = CLIENT.iter().chain(&headers).copied().collect();
        let answer = served.request("POST", "/mcp", &all, &body).await;
        assert_eq!(
            (answer.status, answer.json()["error"]["code"].clone()),
            (status, json!(code)),
            "{body}: {answer:?}"
        );
    }
    let any = [("content-type", "application/json"), ("accept", "*/*"), headers[0], headers[1]];
    let answer = served.request("POST", "/mcp", &any, &list.to_string()).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    let large = format!("{{\"a\": \"{}\"}}", "x".repeat(17 * 1024 * 1024));
    let answer = served.request("POST", "/mcp", &CLIENT, &large).await;
    assert_eq!(answer.status, 413, "{answer:?}");
    for path in ["/", "/.well-known/oauth-protected-resource", "/mcpx", "/mcp/x", "/mcp/%2e"] {
        let answer = served.request("GET", path, &[], "").await;
        assert_eq!((answer.status, &answer.json()["error"]["code"]), (404, &json!("not_found")), "{path}");
    }
    served.terminate();
    assert_eq!(served.ended().await.0, 0);
}

/// Pages and names that are not ours are kept out of every route.
#[tokio::test]
async fn foreign_pages_and_names_are_refused() {
    let setup = setup()
        .await
        .with("EXAI_ALLOWED_HOSTS", "exai.example.com, other.example:8080")
        .with("EXAI_ALLOWED_ORIGINS", "https://app.example.com");
    let served = Served::start(&setup).await;
    let long = format!("http://{}.localhost", "x".repeat(300));
    for path in ["/mcp", "/health", "/nothing"] {
        for (name, value, code) in [
            ("host", "evil.example", "host_not_allowed"),
            ("host", "other.example:9", "host_not_allowed"),
            ("host", "127.0.0.1.evil.example", "host_not_allowed"),
            ("host", "evil.example@localhost", "host_not_allowed"),
            ("host", "localhost@evil.example", "host_not_allowed"),
            ("host", "evil:secret@127.0.0.1:80", "host_not_allowed"),
            ("host", "localhost:65536", "host_not_allowed"),
            ("host", "127.0.0.1:0", "host_not_allowed"),
            ("host", "localhost:", "host_not_allowed"),
            ("host", "[::1]:99999", "host_not_allowed"),
            ("host", "exai.example.com:123456", "host_not_allowed"),
            ("host", "exai.example.com:+80", "host_not_allowed"),
            ("host", "localhost\r\nhost: localhost", "host_not_allowed"),
            ("host", "localhost\r\nhost: evil.example", "host_not_allowed"),
            ("origin", "https://evil.example", "origin_not_allowed"),
            ("origin", "http://localhost.evil.example", "origin_not_allowed"),
            ("origin", "null", "origin_not_allowed"),
            ("origin", "http://localhost/path", "origin_not_allowed"),
            ("origin", "http://localhost?query", "origin_not_allowed"),
            ("origin", "http://localhost#fragment", "origin_not_allowed"),
            ("origin", "http://evil@localhost", "origin_not_allowed"),
            ("origin", "http:localhost", "origin_not_allowed"),
            ("origin", long.as_str(), "origin_not_allowed"),
        ] {
            let answer = served.request("POST", path, &[(name, value)], "").await;
            assert_eq!(
                (answer.status, &answer.json()["error"]["code"]),
                (403, &json!(code)),
                "{path} {value}"
            );
            assert!(!answer.headers.contains_key("access-control-allow-origin"));
        }
    }
    for (name, value) in [
        ("host", "exai.example.com"),
        ("host", "EXAI.example.com:443"),
        ("host", "other.example:8080"),
        ("host", "localhost:1"),
        ("host", "[::1]:3010"),
        ("origin", "http://localhost:6274"),
        ("origin", "http://[::1]:80"),
        ("origin", "https://app.example.com"),
    ] {
        let answer = served.request("GET", "/health/live", &[(name, value)], "").await;
        assert_eq!(answer.status, 200, "{value}: {answer:?}");
    }
    let asks = [("origin", "https://app.example.com"), ("access-control-request-method", "POST")];
    let answer = served.request("OPTIONS", "/mcp", &asks, "").await;
    assert_eq!((answer.status, answer.headers["access-control-allow-origin"].as_str()), (204, asks[0].1));
    assert!(answer.headers["access-control-allow-headers"].contains("mcp-session-id"));
    served.terminate();
    assert_eq!(served.ended().await.0, 0);
}

#[tokio::test]
async fn keys_have_threads_of_their_own() {
    let setup =
        setup().await.with("EXAI_TOKEN", "the-key-of-the-user").with("CI_KEY", "the-key-of-the-pipeline");
    let folder = setup.home.path().join("config");
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join("config.toml"), "[[clients]]\nname = \"ci\"\ntoken_env = \"CI_KEY\"\n")
        .unwrap();
    setup.vendor.default_answer(Answer::text("hello"));
    let served = Served::start(&setup).await;
    let wrong = [
        None,
        Some(("authorization", "Bearer the-key-of-the-usez")),
        Some(("authorization", "Basic dXNlcg==")),
        Some(("x-api-key", "")),
    ];
    for shown in wrong {
        let answer = served.call("version", &json!({}), shown.as_slice()).await;
        assert_eq!(
            (answer.status, &answer.json()["error"]["code"]),
            (401, &json!("unauthorized")),
            "{shown:?}"
        );
        assert!(answer.headers["www-authenticate"].starts_with("Bearer"));
    }
    assert_eq!(served.request("GET", "/health/ready", &[], "").await.status, 200, "monitors need no key");
    let user = ("authorization", "Bearer the-key-of-the-user");
    let ci = ("x-api-key", "the-key-of-the-pipeline");
    let mine = served.call("chat", &chat("mine"), &[user]).await.tool();
    let mut theirs = chat("what did they say?");
    theirs["continuation_id"] = mine["continuation_id"].clone();
    let refused = served.call("chat", &theirs, &[ci]).await.tool();
    assert_eq!(refused["code"], "not_found", "a thread is its owner's: {refused}");
    let threads = served.call("threads", &json!({}), &[ci]).await.tool();
    assert_eq!(threads["threads"], json!([]), "{threads}");

    let session = served.session(&[user]).await;
    let list = json!({"jsonrpc": "2.0", "id": 1, "method": "tools/list"});
    let hijacked = served.post(&list, &[ci, ("mcp-session-id", &session)]).await;
    assert_eq!(hijacked.status, 404, "a session is its owner's");
    assert_eq!(served.post(&list, &[user, ("mcp-session-id", &session)]).await.status, 200);
    served.terminate();
    assert_eq!(served.ended().await.0, 0);
}

#[tokio::test]
async fn runs_remember_door_key_and_client() {
    let setup = setup().await.with("EXAI_TOKEN", "the-key-of-the-user");
    setup.vendor.default_answer(Answer::text("hello"));
    let served = Served::start(&setup).await;
    let user = ("authorization", "Bearer the-key-of-the-user");
    served.call("chat", &chat("who am I?"), &[user]).await.tool();
    served.terminate();
    assert_eq!(served.ended().await.0, 0);

    let runs = setup.stored_runs().await;
    assert_eq!(runs.len(), 1);
    assert_eq!(runs[0].key_id, Some("serve.token".into()));
    setup.assert_latest_run("http", "raw 1").await;
}

#[tokio::test]
async fn an_open_door_stays_shut() {
    let open = setup().await;
    let (code, _, told) = open.run(&["serve", "--listen", "0.0.0.0:0"]).await;
    assert!(code == 2 && told.contains("set EXAI_TOKEN"), "{told}");
    let (code, _, told) = open.run(&["serve", "--listen", "nowhere"]).await;
    assert!(code == 2 && told.contains("write HOST:PORT"), "{told}");
    let served = Served::start(&open).await;
    let (code, _, told) = open.run(&["serve", "--listen", &served.address.to_string()]).await;
    assert!(code == 2 && told.contains("is in use"), "{told}");
    served.terminate();
    assert_eq!(served.ended().await.0, 0);
}

/// A key was meant to be needed: without it the door would stand open to everybody on this machine.
#[tokio::test]
async fn a_missing_key_keeps_the_door_shut() {
    let client = "[[clients]]\nname = \"ci\"\ntoken_env = \"CI_KEY\"\n";
    let two = format!("{client}[[clients]]\nname = \"dev\"\ntoken_env = \"DEV_KEY\"\n");
    let key = "a-key-that-is-long-enough";
    let none: &[(&str, &str)] = &[];
    for (file, variables, said) in [
        ("", [("EXAI_TOKEN", "short")].as_slice(), "a key has at least 16 characters"),
        ("", &[("EXAI_TOKEN", "")], "EXAI_TOKEN: the key is empty"),
        ("", &[("EXAI_TOKEN", "${EXAI_TOKEN}")], "EXAI_TOKEN: the key is empty"),
        ("", &[("EXAI_TOKEN_FILE", "/nowhere/at/all")], "there is no file /nowhere/at/all"),
        ("EXAI_TOKEN=\n", none, "EXAI_TOKEN in"),
        ("EXAI_TOKEN: a key that is long enough\n", none, "line 1 is not NAME=value"),
        ("EXAI_TOKEN_FILE=/nowhere/at/all\n", none, "there is no file /nowhere/at/all"),
        ("EXAI_LOG=info\rEXAI_TOKEN=a-key-that-is-long-enough\n", none, "line 1 has a control character"),
        ("[serve]\ntoken = \"\"\n", none, "serve.token in"),
        ("[auth]\ntoken = \"a-key-that-is-long-enough\"\n", none, "`auth.token` is not a setting"),
        ("[[Clients]]\nname = \"ci\"\n", none, "`Clients` is not a setting"),
        ("", &[("EXAI_TOKNE", key)], "EXAI_TOKNE is not a setting"),
        ("", &[("EXAI_API_KEY", key)], "EXAI_API_KEY is not a setting"),
        ("", &[("EXAI_TOKEN", "a key that is long enough")], "ASCII letters, digits and signs"),
        ("[serve]\ntokn = \"a key that is long enough\"\n", none, "`serve.tokn` is not a setting"),
        ("[serve\n", none, "config.toml"),
        (client, none, "clients, entry 1: CI_KEY is not set"),
        (client, &[("CI_KEY", "  ")], "CI_KEY is not set"),
        (client, &[("CI_KEY", "short")], "CI_KEY: a key has at least 16 characters"),
        (two.as_str(), &[("CI_KEY", key), ("DEV_KEY", key)], "the same key as clients, entry 1: CI_KEY"),
        (two.as_str(), &[("CI_KEY", key)], "clients, entry 2: DEV_KEY is not set"),
        ("[[clients]]\nname = \"ci\"\n", none, "token_env"),
        ("[[client]]\nname = \"ci\"\n", none, "`client` is not a setting"),
        ("clients = [\"ci\"]\n", none, "write clients as tables"),
        ("clients = 1\n", none, "write clients as tables"),
    ] {
        let mut shut = setup().await;
        for (name, value) in variables {
            shut = shut.with(name, value);
        }
        let folder = shut.home.path().join("config");
        std::fs::create_dir_all(&folder).unwrap();
        let name = if file.starts_with("EXAI_") { ".env" } else { "config.toml" };
        std::fs::write(folder.join(name), file).unwrap();
        let (code, _, told) = shut.run(&["serve", "--listen", "127.0.0.1:0"]).await;
        assert!(code == 2 && told.contains(said) && told.contains("does not start"), "{said}: {code} {told}");
        assert!(!told.contains("listens on") && !told.contains(key), "{told}");
        let (_, shown, told) = shut.run(&["config", "check"]).await;
        assert!(format!("{shown}{told}").contains(said), "{said}: {shown}{told}");
    }
}

/// Signs that a key was meant which are no text of a file or variable.
#[tokio::test]
async fn a_configuration_not_found_keeps_it_shut() {
    use std::os::unix::ffi::OsStringExt as _;
    let setup = setup().await;
    let folder = setup.home.path().join("config");
    let serve = async |command: &mut tokio::process::Command| {
        command.args(["serve", "--listen", "127.0.0.1:0"]).stdin(std::process::Stdio::null());
        let output = within("its end", command.output()).await.unwrap();
        (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
    };
    let mut command = setup.command();
    command.env("EXAI_TOKEN", std::ffi::OsString::from_vec(vec![0xff; 24]));
    let (code, told) = serve(&mut command).await;
    assert!(code == Some(2) && told.contains("EXAI_TOKEN: the value is not UTF-8"), "{told}");
    for name in ["config.toml", ".env"] {
        std::os::unix::fs::symlink("nowhere", folder.join(name)).unwrap();
        let (code, told) = serve(&mut setup.command()).await;
        assert!(code == Some(2) && told.contains(name), "{told}");
        std::fs::remove_file(folder.join(name)).unwrap();
    }
    let mut command = setup.command();
    let (code, told) = serve(command.env("EXAI_CONFIG_DIR", folder.join("missing"))).await;
    assert!(code == Some(2) && told.contains("EXAI_CONFIG_DIR: there is no folder"), "{told}");
}

#[tokio::test]
async fn serve_says_who_and_what() {
    let setup = setup().await.with("EXAI_TOKEN", "a-key-that-is-long-enough");
    let said = at_start(&setup, "127.0.0.1:0").await;
    let root = setup.project.path().canonicalize().unwrap();
    assert!(said.contains(&format!("folders:   {}\n", root.display())), "{said}");
    assert!(said.contains("providers: custom\n"), "{said}");
    assert!(said.contains("clients:   local (serve.token (EXAI_TOKEN))\n"), "{said}");
    assert!(!said.contains("warning:") && !said.contains("long-enough"), "{said}");
    let bare = Setup::without_provider().await.with("EXAI_TOKEN", "a-key-that-is-long-enough");
    let said = at_start(&bare, "0.0.0.0:0").await;
    for part in ["no folder is open", "without encryption", "no provider has a key"] {
        assert!(said.contains(part), "{part}: {said}");
    }
}

/// What the server says on standard error until it has been asked to end.
async fn at_start(setup: &Setup, listen: &str) -> String {
    let mut command = setup.command();
    command.args(["serve", "--listen", listen]).stdin(std::process::Stdio::null());
    let mut child =
        command.stderr(std::process::Stdio::piped()).stdout(std::process::Stdio::null()).spawn().unwrap();
    let pid = rustix::process::Pid::from_raw(child.id().unwrap().try_into().unwrap()).unwrap();
    let mut lines = tokio::io::BufReader::new(child.stderr.take().unwrap()).lines();
    let mut said = String::new();
    let first = async {
        while let Some(line) = lines.next_line().await.unwrap() {
            said.push_str(&line);
            said.push('\n');
            if line.contains("listens on") {
                rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
            }
        }
    };
    within("the end of the server", first).await;
    said
}

/// The end waits for calls and takes no new ones.
#[tokio::test]
async fn the_end_waits_for_calls() {
    let setup = setup().await;
    setup.vendor.default_answer(Answer::text("late").latency(Duration::from_millis(700)));
    let served = Served::start(&setup).await;
    let headers: Vec<_> = CLIENT.iter().copied().chain(modern("chat")).collect();
    let open = served.send("POST", "/mcp", &headers, &tool_call("chat", &chat("slow")).to_string()).await;
    within("the call", async {
        while setup.vendor.stats().in_flight == 0 {
            tokio::task::yield_now().await;
        }
    })
    .await;
    served.terminate();
    let refused = async { while tokio::net::TcpStream::connect(served.address).await.is_ok() {} };
    within("the closed listener", refused).await;
    assert_eq!(within("the answer", read(open)).await.tool()["content"], "late");
    assert_eq!(served.ended().await.0, 0);
}

/// What does not finish in time is answered and the end comes.
#[tokio::test]
async fn the_end_answers_what_is_left() {
    let setup = setup().await.with("EXAI_DRAIN_SECONDS", "1");
    setup.vendor.default_answer(Answer::never());
    let served = Served::start(&setup).await;
    let headers: Vec<_> = CLIENT.iter().copied().chain(modern("chat")).collect();
    let open = served.send("POST", "/mcp", &headers, &tool_call("chat", &chat("stuck")).to_string()).await;
    within("the call", async {
        while setup.vendor.stats().in_flight == 0 {
            tokio::task::yield_now().await;
        }
    })
    .await;
    served.terminate();
    let answer = within("the answer", read(open)).await.tool();
    assert!(answer["message"].as_str().unwrap().starts_with("interrupted"), "{answer}");
    assert_eq!(served.ended().await.0, 0);
}

/// A call whose client has gone is finished and given to the client that returns.
#[tokio::test]
async fn an_abandoned_call_is_kept() {
    let setup = setup().await;
    setup.vendor.default_answer(Answer::text("worth waiting for").latency(Duration::from_millis(300)));
    let served = Served::start(&setup).await;
    let headers: Vec<_> = CLIENT.iter().copied().chain(modern("chat")).collect();
    let gone = served.send("POST", "/mcp", &headers, &tool_call("chat", &chat("dear")).to_string()).await;
    within("the call", async {
        while setup.vendor.stats().in_flight == 0 {
            tokio::task::yield_now().await;
        }
    })
    .await;
    drop(gone);
    let answer = served.call("chat", &chat("dear"), &[]).await.tool();
    assert_eq!(answer["content"], "worth waiting for");
    assert_eq!(setup.vendor.stats().calls, 1, "it was not asked again");
    served.terminate();
    assert_eq!(served.ended().await.0, 0);
}

#[tokio::test]
async fn only_configured_folders_are_read() {
    let open = Setup::new().await;
    open.file("a.py", "x = 1\n");
    open.vendor.default_answer(Answer::text("seen"));
    let served = Served::start(&open).await;
    let path = open.project.path().join("a.py").display().to_string();
    let ask = json!({"prompt": "what is x?", "model": MODEL, "absolute_file_paths": [path]});
    let answer = served.call("chat", &ask, &[]).await.tool();
    assert_eq!(answer["code"], "invalid_input", "{answer:#}");
    assert!(answer["message"].as_str().is_some_and(|told| told.contains("no folder is open")), "{answer:#}");
    served.terminate();
    assert_eq!(served.ended().await.0, 0);
    let project = open.project.path().display().to_string();
    let setup = open.with("EXAI_ROOTS", &project);
    let served = Served::start(&setup).await;
    let answer = served.call("chat", &ask, &[]).await.tool();
    assert_eq!(answer["metadata"]["files_summary"]["included"], 1, "{answer:#}");
    served.terminate();
    assert_eq!(served.ended().await.0, 0);
}

/// An answer that takes long begins long before it is there.
#[tokio::test]
async fn a_long_answer_begins_early() {
    use tokio::io::AsyncReadExt as _;
    let setup = setup().await;
    setup.vendor.default_answer(Answer::text("late").latency(Duration::from_secs(4)));
    let served = Served::start(&setup).await;
    let headers: Vec<_> = CLIENT.iter().copied().chain(modern("chat")).collect();
    // No progress is asked for, so nothing of the protocol is to be said before the answer.
    let mut open = served.send("POST", "/mcp", &headers, &tool_call("chat", &chat("slow")).to_string()).await;
    let mut first = [0_u8; 15];
    within("the first byte", open.read_exact(&mut first)).await.unwrap();
    assert_eq!(
        (&first[..], setup.vendor.stats().in_flight),
        (&b"HTTP/1.1 200 OK"[..], 1),
        "the vendor is still at it"
    );
    let mut rest = String::new();
    within("the answer", open.read_to_string(&mut rest)).await.unwrap();
    assert!(rest.contains("text/event-stream") && rest.contains(": working"), "{rest}");
    assert!(rest.contains("\\\"content\\\":\\\"late\\\""), "{rest}");
    // Whoever goes away while it is waited for is still served when they come back.
    let gone = served.send("POST", "/mcp", &headers, &tool_call("chat", &chat("slow too")).to_string()).await;
    let mut gone = gone;
    within("the first byte", gone.read_exact(&mut first)).await.unwrap();
    drop(gone);
    assert_eq!(served.call("chat", &chat("slow too"), &[]).await.tool()["content"], "late");
    assert_eq!(setup.vendor.stats().calls, 2);
    served.terminate();
    assert_eq!(served.ended().await.0, 0);
}

/// A burst opens no more sessions than there may be.
#[tokio::test]
async fn sessions_are_bounded() {
    let setup =
        setup().await.with("EXAI_SESSIONS_LIMIT", "5").with("EXAI_CLIENT_RATE", "0").with("EXAI_RATE", "0");
    let served = Served::start(&setup).await;
    let hello = json!({"jsonrpc": "2.0", "id": 0, "method": "initialize", "params": {
        "protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "raw", "version": "1"}}});
    let burst = futures::future::join_all((0..40).map(|_| served.post(&hello, &[]))).await;
    let opened = burst.iter().filter(|answer| answer.status == 200).count();
    assert_eq!(opened, 5, "{:?}", burst.iter().map(|answer| answer.status).collect::<Vec<_>>());
    assert!(burst.iter().all(|answer| matches!(answer.status, 200 | 503)));
}
