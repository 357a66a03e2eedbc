//! Files of clients are read as strictly as their clients do, and a server gets the environment that it would get.

use std::{fs, path::PathBuf};

use serde_json::{Value, json};

use super::{doctor, lines};
use crate::support::Setup;

/// Writes a file beneath the home folder.
fn of_home(setup: &Setup, name: &str, text: &str) -> PathBuf {
    let path = setup.home.path().join(name);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(&path, text).unwrap();
    path
}

/// Comments are read where the client reads them.
#[tokio::test]
async fn comments_are_read_where_clients_do() {
    let setup = Setup::new().await;
    let own = env!("CARGO_BIN_EXE_exai-mcp");
    for (file, key, code, told) in [
        (".vscode/mcp.json", "servers", 0, "starts: handshake"),
        (".config/zed/settings.json", "context_servers", 0, "starts: handshake"),
        (".gemini/settings.json", "mcpServers", 1, "line"),
        (".claude.json", "mcpServers", 1, "takes no comments"),
        (".cursor/mcp.json", "mcpServers", 0, "is not documented"),
    ] {
        // Comments, and a comma behind the last entry.
        let text = format!("{{\"{key}\": {{ // ours\n\"exai\": {{\"command\": \"{own}\"}},}}}}");
        let file = of_home(&setup, file, &text).display().to_string();
        let (ended, found) = doctor(&setup, &[&file]).await;
        assert_eq!(ended, code, "{file}: {found:#}");
        assert!(lines(&found).contains(told), "{file}: {}", lines(&found));
    }
    let block =
        of_home(&setup, "config.yaml", "extensions:\n  exai:\n    cmd: exai-mcp\n").display().to_string();
    let (code, found) = doctor(&setup, &[&block]).await;
    assert_eq!(code, 0);
    assert!(lines(&found).contains("its entries are not tried"), "{}", lines(&found));
}

/// What no client reads is told, and so is what is switched off.
#[tokio::test]
async fn unknown_shapes_are_told() {
    let setup = Setup::new().await;
    let own = env!("CARGO_BIN_EXE_exai-mcp");
    for (entry, told, code) in [
        (json!({"command": own, "env": {"EXAI_LOG": 1}}), "`env.EXAI_LOG` is not a text", 1),
        (json!({"command": own, "env": ["A=b"]}), "`env` is no object", 1),
        (json!({"command": own, "args": "serve"}), "`args` is no list of texts", 1),
        (json!({"command": own, "type": "stdoi"}), "`type` is \"stdoi\"", 1),
        (json!({"command": own, "disabled": true}), "does not start it", 0),
    ] {
        let text = json!({"mcpServers": {"exai": entry}}).to_string();
        let file = of_home(&setup, "entry.json", &text).display().to_string();
        let (ended, found) = doctor(&setup, &[&file]).await;
        assert!(lines(&found).contains(&told.replace('"', "\\\"")), "{told}: {}", lines(&found));
        assert_eq!(ended, code, "{found:#}");
    }
    let file = of_home(&setup, "list.json", "{\"mcpServers\": []}").display().to_string();
    let (code, found) = doctor(&setup, &[&file]).await;
    assert!(code == 1 && lines(&found).contains("`mcpServers` is no object"), "{}", lines(&found));
}

/// The environment of a server: the entry's, and what its client hands on.
#[tokio::test]
async fn servers_get_their_clients_environment() {
    let setup = Setup::new().await.with("GLM_API_KEY", "canary").with("OTHER", "of-the-shell");
    let script = of_home(&setup, "exai-mcp-env", "#!/bin/sh\nenv > \"$SEEN\"\npwd >> \"$SEEN\"\n");
    fs::set_permissions(&script, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let seen = setup.home.path().join("seen");
    let run = async |file: &str, document: &str| -> String {
        let file = of_home(&setup, file, document).display().to_string();
        let (code, _) = doctor(&setup, &[&file]).await;
        assert_eq!(code, 1, "the script answers nothing");
        fs::read_to_string(&seen).unwrap()
    };
    let entry = json!({"command": script, "env": {"SEEN": seen, "OWN": "x${OTHER}"}});
    let claude = run(".claude.json", &json!({"mcpServers": {"exai": entry}}).to_string()).await;
    let project = fs::canonicalize(setup.project.path()).unwrap();
    assert!(
        claude.contains("OWN=xof-the-shell\n") && claude.contains("HOME=") && !claude.contains("GLM_API_KEY")
    );
    assert!(claude.contains(&format!("CLAUDE_PROJECT_DIR={}\n", project.display())), "{claude}");
    let mut entry: Value = entry;
    entry["cwd"] = json!(setup.home.path());
    let code = run(".vscode/mcp.json", &json!({"servers": {"exai": entry}}).to_string()).await;
    assert!(code.contains("GLM_API_KEY=canary") && !code.contains("CLAUDE_PROJECT_DIR"), "{code}");
    let home = fs::canonicalize(setup.home.path()).unwrap();
    assert!(code.ends_with(&format!("{}\n", home.display())), "{code}");
    let codex = format!(
        "[mcp_servers.exai]\ncommand = {:?}\nenv_vars = [\"GLM_API_KEY\"]\nenv = {{ SEEN = {:?} }}\n",
        script.display().to_string(),
        seen.display().to_string()
    );
    let codex = run(".codex/config.toml", &codex).await;
    assert!(codex.contains("GLM_API_KEY=canary") && !codex.contains("OTHER="), "{codex}");
}

/// A client of a near name is offered; one without an entry is said to have none.
#[tokio::test]
async fn a_client_is_found_by_its_name() {
    let setup = Setup::new().await;
    let (code, _, told) = setup.run(&["doctor", "--client", "cursr"]).await;
    assert!(code != 0 && told.contains("`cursr` is not known; did you mean Cursor?"), "{told}");
    setup.file(".mcp.json", json!({"mcpServers": {"exai": {"command": "no-such-exai-mcp"}}}).to_string());
    let (code, found) = doctor(&setup, &["--client", "vscode"]).await;
    assert_eq!(code, 0, "another client's mistake: {found:#}");
    assert!(lines(&found).contains("the files of VS Code have no entry"), "{}", lines(&found));
    assert_eq!(doctor(&setup, &["--client", "claude-code"]).await.0, 1);
}
