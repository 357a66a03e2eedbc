//! Where `exai-mcp serve` listens, what it says of itself, and how it comes and goes.

use std::{net::TcpListener, os::unix::fs::PermissionsExt as _, path::Path, process::Stdio};

use exai_mock_vendor::Answer;
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::UnixStream,
    process::Command,
};

use crate::support::{MODEL, Raw, Served, Setup, within};

/// Runs a command to its end: exit code, standard output, standard error.
async fn run(setup: &Setup, arguments: &[&str]) -> (i32, String, String) {
    let mut command = setup.command();
    let output = within("the end of the command", command.args(arguments).stdin(Stdio::null()).output())
        .await
        .unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (output.status.code().unwrap_or(-1), text(&output.stdout), text(&output.stderr))
}

/// Waits until a file is there.
async fn appears(path: &Path) {
    let there = async {
        while !path.exists() {
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
    };
    within("the file", there).await;
}

/// A busy port names its holder and a range finds a free one.
#[tokio::test]
async fn a_busy_port_names_its_holder() {
    let setup = Setup::new().await;
    let served = Served::start(&setup).await;
    let pid = served.child.id().unwrap().to_string();
    let address = served.address.to_string();
    let (code, _, said) = run(&setup, &["serve", "--listen", &address]).await;
    assert_eq!(code, 2, "{said}");
    assert!(
        said.contains("exai-mcp serve") && said.contains(&pid) && said.contains("--port-range"),
        "{said}"
    );
    // Another program's port: the system knows it.
    let other = TcpListener::bind("127.0.0.1:0").unwrap();
    let (code, _, said) = run(&setup, &["serve", "--listen", &other.local_addr().unwrap().to_string()]).await;
    assert_eq!(code, 2);
    #[cfg(target_os = "linux")]
    assert!(said.contains(&format!("process {}", std::process::id())), "{said}");
    // Ports after this one may be taken, too, by tests beside this one.
    let second = Served::start_at(&setup, &address, &["--port-range", "50"]).await;
    assert!(second.address.port() > served.address.port());
    served.terminate();
    served.ended().await;
    let notes = std::fs::read_dir(setup.home.path().join("data/servers")).unwrap();
    assert_eq!(notes.count(), 1, "the note of the first has gone with it");
}

#[tokio::test]
async fn a_stale_note_blocks_no_server() {
    let setup = Setup::new().await;
    let mut served = Served::start(&setup).await;
    let address = served.address.to_string();
    served.child.kill().await.unwrap();
    let served = Served::start_at(&setup, &address, &[]).await;
    assert_eq!(served.request("GET", "/health/live", &[], "").await.status, 200);
}

/// A socket in the file system is for its owner.
#[tokio::test]
async fn a_socket_file_is_for_its_owner() {
    let setup = Setup::new().await;
    let path = setup.home.path().join("exai.sock");
    let place = format!("unix:{}", path.display());
    let mut command = setup.command();
    // No shell expands a tilde behind a colon.
    command.args(["serve", "--listen", "unix:~/exai.sock"]).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    appears(&path).await;
    assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    let mut socket = UnixStream::connect(&path).await.unwrap();
    socket
        .write_all(b"GET /health/live HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n")
        .await
        .unwrap();
    let mut answer = String::new();
    socket.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    let (code, _, said) = run(&setup, &["serve", "--listen", &place]).await;
    assert_eq!(code, 2);
    assert!(said.contains("in use"), "{said}");
    for place in [place.as_str(), "unix:~/exai.sock"] {
        assert_eq!(run(&setup, &["health", place]).await.0, 0, "{place}");
    }
    let mut bridge = setup.command();
    bridge.args(["connect", &place]);
    let mut raw = Raw::of(bridge);
    let hello = json!({"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "raw", "version": "1"}});
    assert!(raw.request("initialize", hello).await.get("result").is_some());
    child.kill().await.unwrap();
    assert!(path.exists(), "it was not asked to tidy up");
    let mut command = setup.command();
    command.args(["serve", "--listen", &place]).stderr(Stdio::piped());
    let child = command.spawn().unwrap();
    let ready = async { while run(&setup, &["health", &place]).await.0 != 0 {} };
    within("another server there", ready).await;
    std::process::Command::new("kill").arg(child.id().unwrap().to_string()).status().unwrap();
    let output = within("its end", child.wait_with_output()).await.unwrap();
    assert_eq!((output.status.code(), path.exists()), (Some(0), false));
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains("no key is needed: every program of the socket's owner may connect"), "{said}");
}

/// A certificate for this machine, and its key.
fn certificate(setup: &Setup) -> (String, String) {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned(), "127.0.0.1".to_owned()]).unwrap();
    let (chain, key) = (setup.home.path().join("chain.pem"), setup.home.path().join("key.pem"));
    std::fs::write(&chain, made.cert.pem()).unwrap();
    std::fs::write(&key, made.signing_key.serialize_pem()).unwrap();
    (chain.display().to_string(), key.display().to_string())
}

#[tokio::test]
async fn tls_is_served_and_its_certificate_renewed() {
    let setup = Setup::new().await;
    let (chain, key) = certificate(&setup);
    let first = setup.home.path().join("first.pem");
    std::fs::copy(&chain, &first).unwrap();
    let (code, _, said) = run(&setup, &["serve", "--listen", "127.0.0.1:0", "--tls-cert", &chain]).await;
    assert_eq!(code, 2);
    assert!(said.contains("--tls-key"), "{said}");
    let gone = ["serve", "--listen", "127.0.0.1:0", "--tls-cert", "gone.pem", "--tls-key", &key];
    let (code, _, said) = run(&setup, &gone).await;
    assert!(code == 2 && said.contains("serve.tls_cert (--tls-cert)") && said.contains("gone.pem"), "{said}");
    let (code, _, said) =
        run(&setup, &["serve", "--listen", "127.0.0.1:0", "--tls-cert", &chain, "--tls-key", &chain]).await;
    assert_eq!(code, 2, "{said}");

    let served = Served::start_at(&setup, "127.0.0.1:0", &["--tls-cert", &chain, "--tls-key", &key]).await;
    let url = format!("https://localhost:{}", served.address.port());
    let trusting = setup.with("SSL_CERT_FILE", &chain);
    assert_eq!(run(&trusting, &["health", &url]).await.0, 0);
    let mut bridge = trusting.command();
    bridge.args(["connect", &format!("wss://localhost:{}/ws", served.address.port())]);
    let mut raw = Raw::of(bridge);
    let hello = json!({"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "raw", "version": "1"}});
    assert!(raw.request("initialize", hello).await.get("result").is_some());

    // A new certificate: whoever trusts only the old one is turned away, and the connection that is open stays.
    certificate(&trusting);
    served.signal("-HUP");
    let renewed = async { while run(&trusting, &["health", &url]).await.0 != 0 {} };
    within("the new certificate", renewed).await;
    let old = trusting.with("SSL_CERT_FILE", &first.display().to_string());
    let (code, _, said) = run(&old, &["health", &url]).await;
    assert_eq!(code, 2);
    assert!(said.contains("no secure connection"), "{said}");
    assert!(raw.request("ping", json!({})).await.get("result").is_some());
    // One that cannot be used changes nothing.
    std::fs::write(&key, "no key").unwrap();
    served.signal("-HUP");
    let trusting = old.with("SSL_CERT_FILE", &chain);
    assert_eq!(run(&trusting, &["health", &url]).await.0, 0);
}

#[tokio::test]
async fn health_is_an_exit_code_or_file() {
    let setup = Setup::new().await;
    let file = setup.home.path().join("health.json");
    let path = file.display().to_string();
    assert_eq!(run(&setup, &["health", "--file", &path]).await.0, 2);
    let served = Served::start_at(&setup, "127.0.0.1:0", &["--health-file", &path]).await;
    let url = format!("http://{}", served.address);
    let (code, told, _) = run(&setup, &["health", &url]).await;
    let told: Value = serde_json::from_str(&told).unwrap();
    assert_eq!((code, &told["status"]), (0, &json!("ready")));
    appears(&file).await;
    let (code, told, _) = run(&setup, &["health", "--file", &path]).await;
    let told: Value = serde_json::from_str(&told).unwrap();
    assert_eq!((code, &told["pid"]), (0, &json!(served.child.id())));
    std::fs::rename(setup.home.path().join("data"), setup.home.path().join("gone")).unwrap();
    std::fs::write(setup.home.path().join("data"), "a file where the folder was").unwrap();
    served.terminate();
    served.ended().await;
    assert!(!file.exists(), "nobody writes it any more");
    assert_eq!(run(&setup, &["health", &url]).await.0, 2);
}

#[tokio::test]
async fn metrics_count_what_was_done() {
    let setup = Setup::new().await.with("EXAI_TOKEN", "the-key-of-the-user");
    setup.vendor.script(vec![Answer::text("one"), Answer::text("two")]);
    setup.vendor.default_answer(Answer::json(400, &json!({"error": {"message": "no"}})));
    let served = Served::start(&setup).await;
    let key = [("authorization", "Bearer the-key-of-the-user")];
    assert_eq!(served.request("GET", "/metrics", &[], "").await.status, 401);
    for prompt in ["one", "two", "three"] {
        served.call("chat", &json!({"prompt": prompt, "model": MODEL}), &key).await;
    }
    let session = served.session(&key).await;
    let answer = served.request("GET", "/metrics", &key, "").await;
    assert_eq!(
        (answer.status, answer.headers["content-type"].as_str()),
        (200, "text/plain; version=0.0.4; charset=utf-8")
    );
    let value = |start: &str| {
        let line = answer.body.lines().find(|line| line.starts_with(start));
        let line = line.unwrap_or_else(|| panic!("{start} in\n{}", answer.body));
        line.rsplit(' ').next().unwrap().parse::<f64>().unwrap()
    };
    for (start, expected) in [
        ("exai_requests_total{provider=\"custom\",success=\"true\"}", 2.0),
        ("exai_requests_total{provider=\"custom\",success=\"false\"}", 1.0),
        ("exai_request_duration_seconds_count{provider=\"custom\"}", 3.0),
        ("exai_errors_total{type=\"upstream_rejected\"}", 1.0),
        ("exai_provider_health{provider=\"custom\"}", 1.0),
        ("exai_circuit_breaker_state{provider=\"custom\"}", 0.0),
        ("exai_sessions_active", 1.0),
        ("exai_permits_in_use{of=\"all\"}", 0.0),
        ("exai_cache_hits_total", 0.0),
    ] {
        assert_eq!(value(start), expected, "{start}");
    }
    assert!(value("exai_tokens_total{provider=\"custom\",direction=\"output\"}") > 0.0);
    assert!(value("exai_active_connections") >= 1.0);
    assert!(value("process_resident_memory_bytes") > 1e6);
    assert_eq!(session.len(), 36);
}

#[tokio::test]
async fn requests_have_names() {
    let setup = Setup::new().await;
    let served = Served::start(&setup).await;
    let own = served.request("GET", "/health", &[("x-request-id", "abc-1")], "").await;
    assert_eq!(own.headers["x-request-id"], "abc-1");
    let odd = served.request("GET", "/nowhere", &[("x-request-id", "a b")], "").await;
    let (named, next) = (&odd.headers["x-request-id"], served.request("GET", "/health", &[], "").await);
    assert!(named.len() > 33 && *named != next.headers["x-request-id"], "{named}");
}

#[tokio::test]
async fn a_server_needs_no_standard_streams() {
    let setup = Setup::new().await;
    setup.vendor.default_answer(Answer::text("hello"));
    let file = setup.home.path().join("health.json");
    let program = env!("CARGO_BIN_EXE_exai-mcp");
    let mut command = Command::new("sh");
    let script = format!(
        "exec '{program}' serve --listen 127.0.0.1:0 --health-file '{}' <&- >&- 2>&-",
        file.display()
    );
    command.arg("-c").arg(script);
    let plain = setup.command();
    for (name, value) in plain.as_std().get_envs() {
        if let Some(value) = value {
            command.env(name, value);
        }
    }
    let mut child = command.kill_on_drop(true).spawn().unwrap();
    appears(&file).await;
    let told: Value = serde_json::from_slice(&std::fs::read(&file).unwrap()).unwrap();
    assert_eq!(run(&setup, &["health", told["url"].as_str().unwrap()]).await.0, 0);
    std::process::Command::new("kill").arg(child.id().unwrap().to_string()).status().unwrap();
    assert_eq!(within("its end", child.wait()).await.unwrap().code(), Some(0));
}

/// Hands a listening socket over as a service manager does, and becomes the server.
const ACTIVATE: &str = r#"
import os, socket, sys
listener = socket.socket(fileno=int(os.environ.pop("SOCKET")))
os.dup2(listener.fileno(), 3)
os.environ["LISTEN_FDS"], os.environ["LISTEN_PID"] = "1", str(os.getpid())
os.execv(sys.argv[1], sys.argv[1:])
"#;

/// A service manager hands over its socket and learns when it is used.
#[tokio::test]
async fn a_service_manager_hands_over_sockets() {
    let setup = Setup::new().await.with("EXAI_RATE", "0").with("EXAI_CLIENT_RATE", "0");
    setup.vendor.default_answer(Answer::text("hello"));
    let notes = setup.home.path().join("notify");
    let notified = tokio::net::UnixDatagram::bind(&notes).unwrap();
    let told = async |what: &'static str| {
        let mut buffer = [0; 256];
        loop {
            let length = notified.recv(&mut buffer).await.unwrap();
            if String::from_utf8_lossy(&buffer[..length]).contains(what) {
                return;
            }
        }
    };
    // The socket stays open here, as it does with a service manager: no connection is refused between two servers.
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let inherited = rustix::io::dup(&listener).unwrap();
    rustix::io::fcntl_setfd(&inherited, rustix::io::FdFlags::empty()).unwrap();
    let start = || {
        let mut command = Command::new("python3");
        command.arg("-c").arg(ACTIVATE).arg(env!("CARGO_BIN_EXE_exai-mcp")).arg("serve");
        for (name, value) in setup.command().as_std().get_envs() {
            command.env(name, value.unwrap_or_default());
        }
        let number = std::os::fd::AsRawFd::as_raw_fd(&inherited).to_string();
        command.env("SOCKET", number).env("NOTIFY_SOCKET", &notes).kill_on_drop(true).spawn().unwrap()
    };
    let first = start();
    within("the first is ready", told("READY=1")).await;
    let calls = 40;
    let client = tokio::spawn(async move {
        let mut failed = Vec::new();
        for number in 0..calls {
            let body =
                json!({"jsonrpc": "2.0", "id": number, "method": "tools/call", "params": {"name": "chat",
                "arguments": {"prompt": format!("number {number}"), "model": MODEL},
                "_meta": crate::support::discover_meta()}})
                .to_string();
            let head = format!(
                "POST /mcp HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\ncontent-type: application/json\r\naccept: */*\r\n\
                 mcp-protocol-version: 2026-07-28\r\nmcp-method: tools/call\r\nmcp-name: chat\r\ncontent-length: {}\r\n\r\n{body}",
                body.len()
            );
            let mut socket = tokio::net::TcpStream::connect(address).await.unwrap();
            socket.write_all(head.as_bytes()).await.unwrap();
            let mut answer = String::new();
            socket.read_to_string(&mut answer).await.unwrap();
            if !answer.contains("hello") {
                failed.push((number, answer));
            }
        }
        failed
    });
    within("some calls", setup.vendor.wait_for_calls(5)).await;
    // The next server takes over while calls come in.
    let second = start();
    within("the second is ready", told("READY=1")).await;
    std::process::Command::new("kill").arg(first.id().unwrap().to_string()).status().unwrap();
    within("the first is going", told("STOPPING=1")).await;
    assert_eq!(within("every call", client).await.unwrap(), [], "no call failed");
    drop(second);
    assert_eq!(setup.vendor.calls().len(), calls);
    let mut first = first;
    assert_eq!(within("its end", first.wait()).await.unwrap().code(), Some(0));
}

/// systemd makes sockets that every user may open, unless the unit says otherwise.
#[tokio::test]
async fn inherited_sockets_of_everybody_need_keys() {
    let setup = Setup::new().await;
    let path = setup.home.path().join("handed.sock");
    let listener = std::os::unix::net::UnixListener::bind(&path).unwrap();
    let inherited = rustix::io::dup(&listener).unwrap();
    rustix::io::fcntl_setfd(&inherited, rustix::io::FdFlags::empty()).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o666)).unwrap();
    let mut command = Command::new("python3");
    command.arg("-c").arg(ACTIVATE).arg(env!("CARGO_BIN_EXE_exai-mcp")).arg("serve");
    for (name, value) in setup.command().as_std().get_envs() {
        command.env(name, value.unwrap_or_default());
    }
    let number = std::os::fd::AsRawFd::as_raw_fd(&inherited).to_string();
    let output = within("its end", command.env("SOCKET", number).output()).await.unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.code() == Some(2) && said.contains("SocketMode=0600"), "{said}");
}
