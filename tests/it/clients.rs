//! The entries of clients in `examples/clients`, and `exai-mcp doctor`, which tries them the way clients do.

mod endings;
mod keys;
mod reading;

use std::{fs, path::Path, process::Stdio};

use serde_json::{Value, json};

use crate::support::{Served, Setup, within};

const ROOT: &str = env!("CARGO_MANIFEST_DIR");

/// Runs the doctor: exit code, and what it found.
async fn doctor(setup: &Setup, arguments: &[&str]) -> (i32, Value) {
    let mut command = setup.command();
    let program = Path::new(env!("CARGO_BIN_EXE_exai-mcp")).parent().unwrap();
    command.env("PATH", format!("{}:/usr/bin:/bin", program.display()));
    command.args(["doctor", "--json"]).args(arguments).stdin(Stdio::null());
    let output = within("the end of the doctor", command.output()).await.unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    let found = serde_json::from_str(&text)
        .unwrap_or_else(|error| panic!("{error}: {text}{}", String::from_utf8_lossy(&output.stderr)));
    (output.status.code().unwrap_or(-1), found)
}

/// Findings as lines: level, what, how to mend it.
fn lines(found: &Value) -> String {
    let sections = found.as_array().unwrap().iter();
    let findings = sections.flat_map(|section| section["findings"].as_array().unwrap());
    let line = |finding: &Value| format!("{} {} {}\n", finding["level"], finding["what"], finding["mend"]);
    findings.map(line).collect()
}

/// Every entry of the examples works when a client uses it.
#[tokio::test]
async fn every_entry_of_the_examples_works() {
    let setup = Setup::new().await.with("EXAI_RATE", "0").with("EXAI_CLIENT_RATE", "0");
    let served = Served::start(&setup).await;
    let document = fs::read_to_string(Path::new(ROOT).join("docs/clients.md")).unwrap();
    let mut tried = 0;
    for file in fs::read_dir(Path::new(ROOT).join("examples/clients")).unwrap().flatten() {
        let name = file.file_name().into_string().unwrap();
        assert!(document.contains(&format!("examples/clients/{name}")), "docs/clients.md shows {name}");
        let text = fs::read_to_string(file.path()).unwrap();
        let text = text
            .replace("127.0.0.1:3010", &served.address.to_string())
            .replace("/usr/local/bin/exai-mcp", env!("CARGO_BIN_EXE_exai-mcp"));
        let text = text.replace("\"--spawn\"", &format!("\"ws://{}/ws\"", served.address));
        let copy = setup.home.path().join(&name);
        fs::write(&copy, text).unwrap();
        let (code, found) = doctor(&setup, &[&copy.display().to_string()]).await;
        assert_eq!(code, 0, "{name}: {found:#}");
        let sections = found.as_array().unwrap();
        assert_eq!(sections.len(), 2, "one entry in {name}: {found:#}");
        assert!(lines(&found).contains("tools") || lines(&found).contains("is ready"), "{name}: {found:#}");
        tried += 1;
    }
    assert!(tried >= 24, "{tried} entries");
}

#[tokio::test]
async fn mistakes_in_entries_name_their_cure() {
    let setup = Setup::new().await;
    let own = env!("CARGO_BIN_EXE_exai-mcp");
    fs::create_dir_all(setup.home.path().join(".vscode")).unwrap();
    let chatter = setup.home.path().join("exai-mcp-chatter");
    fs::write(&chatter, "#!/bin/sh\necho Welcome to the server\nsleep 5\n").unwrap();
    fs::set_permissions(&chatter, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let chatter = chatter.display().to_string();
    let long = "a_name_of_a_server_that_somebody_found_beautiful_and_long_exai";
    let cases = [
        (".vscode/mcp.json", json!({"mcpServers": {"exai": {"command": own}}}), "move it under `servers`"),
        (
            "a.json",
            json!({"mcpServers": {"exai": {"url": "http://127.0.0.1:9/mcp"}}}),
            "add \\\"type\\\": \\\"http\\\"",
        ),
        (
            "b.json",
            json!({"mcpServers": {"exai": {"type": "http", "url": "http://127.0.0.1:9/mcp"}}}),
            "exai-mcp serve",
        ),
        ("c.json", json!({"mcpServers": {"exai": {"command": "no-such-exai-mcp"}}}), "write the whole path"),
        ("d.json", json!({"mcpServers": {"exai": {"command": chatter}}}), "Welcome to the server"),
        ("e.json", json!({"mcpServers": {"exai": {"args": []}}}), "neither a command nor an address"),
        ("f.json", json!({"mcpServers": {"another": {"command": "x"}}}), "no entry of this server"),
        ("g.json", json!({"context_servers": {long: {"command": own}}}), "give the entry a shorter name"),
        ("h.json", json!({"mcpServers": {"exai": {"command": "false"}}}), "ended"),
    ];
    for (name, text, says) in cases {
        let file = setup.home.path().join(name);
        fs::write(&file, text.to_string()).unwrap();
        let (code, found) = doctor(&setup, &[&file.display().to_string()]).await;
        assert_eq!(code, 1, "{name}: {found:#}");
        assert!(lines(&found).contains(says), "{name}: {}", lines(&found));
    }
    // A client that gives up early, and one whose key is not there, work; the doctor says when they do not.
    for (name, text, says) in [
        (
            ".kimi-code/mcp.json",
            json!({"mcpServers": {"exai": {"command": own}}}).to_string(),
            "add \\\"toolTimeoutMs\\\": 900000",
        ),
        (
            ".cline/data/settings/cline_mcp_settings.json",
            json!({"mcpServers": {"exai": {"command": own, "timeout": 120}}}).to_string(),
            "Cline gives up a call after 120 seconds",
        ),
        (".qwen/settings.json", json!({"mcpServers": {"exai": {"command": own}}}).to_string(), "tools"),
    ] {
        let file = setup.home.path().join(name);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(&file, text).unwrap();
        let (code, found) = doctor(&setup, &[&file.display().to_string()]).await;
        assert_eq!(code, 0, "{name}: {found:#}");
        assert!(lines(&found).contains(says), "{name}: {}", lines(&found));
    }
    let keyed = setup.home.path().join("codex.toml");
    let text = "[mcp_servers.exai]\nurl = \"http://127.0.0.1:9/mcp\"\nbearer_token_env_var = \"NOT_SET\"\n";
    fs::write(&keyed, text).unwrap();
    let (_, found) = doctor(&setup, &[&keyed.display().to_string()]).await;
    assert!(
        lines(&found).contains("Codex shows no tools, and says nothing, where NOT_SET is not set"),
        "{}",
        lines(&found)
    );
    let broken = setup.home.path().join("broken.json");
    fs::write(&broken, "{\"mcpServers\": ").unwrap();
    assert_eq!(doctor(&setup, &[&broken.display().to_string()]).await.0, 1);
    // Comments are no mistake, and a variable that is not set is only doubtful.
    let commented = setup.home.path().join("commented.json");
    let text = format!(
        "{{\"mcpServers\": {{ // ours\n\"exai\": {{\"command\": \"{own}\", \"env\": {{\"X\": \"${{NOT_SET}}\"}},}}}}}}"
    );
    fs::write(&commented, text).unwrap();
    let (code, found) = doctor(&setup, &[&commented.display().to_string()]).await;
    assert_eq!(code, 0, "{found:#}");
    assert!(lines(&found).contains("${NOT_SET} is not set here"), "{}", lines(&found));
}

#[tokio::test]
async fn entries_are_found_where_clients_keep_them() {
    let setup = Setup::new().await;
    let own = env!("CARGO_BIN_EXE_exai-mcp");
    setup.file(".mcp.json", json!({"mcpServers": {"exai": {"command": own}}}).to_string());
    fs::create_dir_all(setup.home.path().join(".codex")).unwrap();
    let codex = setup.home.path().join(".codex/config.toml");
    fs::write(&codex, format!("model = \"x\"\n[mcp_servers.exai]\ncommand = \"{own}\"\n")).unwrap();
    let (code, found) = doctor(&setup, &[]).await;
    assert_eq!(code, 0, "{found:#}");
    let titles: Vec<_> =
        found.as_array().unwrap().iter().map(|section| section["what"].as_str().unwrap()).collect();
    assert!(titles[1].starts_with("Claude Code") && titles[2].starts_with("Codex"), "{titles:?}");
    let (_, found) = doctor(&setup, &["--client", "codex"]).await;
    assert_eq!(found.as_array().unwrap().len(), 2);
    fs::remove_file(&codex).unwrap();
    fs::remove_file(setup.project.path().join(".mcp.json")).unwrap();
    let (code, found) = doctor(&setup, &[]).await;
    assert_eq!(code, 0);
    assert!(lines(&found).contains("no entry of this server") && lines(&found).contains("starts: handshake"));
}

#[tokio::test]
async fn an_http_server_is_called_like_clients() {
    let setup = Setup::new().await.with("EXAI_TOKEN", "the-key-of-the-user");
    let served = Served::start(&setup).await;
    let url = format!("http://{}/mcp", served.address);
    let (code, found) = doctor(&setup, &["--http", &url]).await;
    assert_eq!(code, 1);
    assert!(lines(&found).contains("needs a key"), "{}", lines(&found));
    assert!(!lines(&found).contains("OAuth"), "the paths of OAuth answer as they should");
    let key = ["--http", &url, "--header", "Authorization: Bearer the-key-of-the-user"];
    let (code, found) = doctor(&setup, &key).await;
    assert_eq!(code, 0, "{found:#}");
    assert_eq!(found[1]["findings"].as_array().unwrap().len(), 3);
    let (code, found) = doctor(&setup, &["--http", &url.replace("/mcp", "/"), key[2], key[3]]).await;
    assert_eq!(code, 1);
    assert!(lines(&found).contains("it is /mcp"), "{}", lines(&found));
    assert_eq!(
        served
            .request("GET", "/metrics", &[("x-api-key", "the-key-of-the-user")], "")
            .await
            .body
            .lines()
            .find(|line| line.starts_with("exai_sessions_active")),
        Some("exai_sessions_active 0"),
        "it leaves no session behind"
    );
}
