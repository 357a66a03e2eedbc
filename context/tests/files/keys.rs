//! Private keys in files of any kind and any size, and what only mentions one.

use exai_context::evidence::FileStatus;
use exai_context::files::{Limits, pack};

use crate::support::{Project, budget, calls, only, reason};

/// A key that opens nothing.
fn key(break_: &str) -> String {
    format!("-----BEGIN PRIVATE KEY-----{break_}{}{break_}-----END PRIVATE KEY-----", "Dummy0Key".repeat(7))
}

/// A dummy key of a test looks like any other, so it is refused too, and the reason says so.
#[test]
fn a_key_in_any_file_is_refused() {
    for (name, text) in [
        ("notes.md", format!("# How to log in\n\nUse this:\n\n    {}\n", key("\n    "))),
        ("tests/fixture.py", format!("KEY = \"\"\"\n{}\n\"\"\"\n", key("\n"))),
        ("account.json", format!("{{\"type\": \"service_account\", \"private_key\": \"{}\"}}\n", key("\\n"))),
        ("Client.java", format!("String KEY = \"{}\";\n", key("\\n\" +\n    \""))),
        ("windows.txt", format!("first line\r\n{}\r\n", key("\r\n"))),
    ] {
        let project = Project::with(&[(name, text.as_str())]);
        for path in [name.to_owned(), format!("{name}:1")] {
            let packed = project.pack(&[&path]);
            assert_eq!(only(&packed).status, FileStatus::Refused, "{path}");
            assert!(reason(&packed).contains("private key") && reason(&packed).contains("dummy"), "{path}");
            assert!(only(&packed).unseen, "whoever named it has not seen it");
        }
    }
}

#[test]
fn a_mention_of_a_key_is_given() {
    let text = "fn is_key(text: &str) -> bool {\n    text.contains(\"-----BEGIN PRIVATE KEY-----\")\n}\n";
    let project = Project::with(&[("src/is_key.rs", text), ("README.md", "Put your PRIVATE KEY into it.\n")]);
    let packed = project.pack(&["."]);
    assert_eq!(packed.files.len(), 2, "{:?}", packed.report);
}

/// Of a large file only parts are given, and the key may lie between two blocks of it or in what is left out.
#[test]
fn keys_in_large_files_are_refused() {
    let line = "an ordinary line of a log\n";
    let limits = Limits { whole_bytes: 64 << 10, ..Limits::default() };
    for at in [8 << 10, (8 << 10) + (256 << 10), 400 << 10] {
        // The key begins 20 bytes in front of where a block ends.
        let mut text = line.repeat((at - 100) / line.len());
        text.push_str(&"x".repeat(at - text.len() - 21));
        text.push('\n');
        text.push_str(&key("\n"));
        text.push('\n');
        text.push_str(&line.repeat(20_000));
        let project = Project::with(&[("server.log", text.as_str())]);
        for path in ["server.log", "server.log:2-3"] {
            let packed = pack(&project.roots(), &calls(&[path]), budget(5_000), &limits);
            assert_eq!(only(&packed).status, FileStatus::Refused, "{path}, key at {at}");
        }
    }
}
