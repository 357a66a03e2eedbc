//! Files that may not be read, or cannot: each is reported with a reason, and none of its content leaves the machine.

use std::{fs::File, os::unix::fs::symlink, process::Command};

use serde_json::{Value, json};

use crate::support::{Setup, peak_memory};

/// The report on one path of an answer's metadata.
fn report(answer: &Value, path: &str) -> (String, String) {
    let files = answer["metadata"]["files"].as_array().unwrap_or_else(|| panic!("no files in {answer:#}"));
    let text = |file: &Value, key: &str| file[key].as_str().unwrap_or_default().to_owned();
    let file = files
        .iter()
        .find(|file| file["path"] == path)
        .unwrap_or_else(|| panic!("{path} is not in {files:#?}"));
    (text(file, "status"), text(file, "reason"))
}

fn fifo(setup: &Setup, name: &str) {
    let path = setup.project.path().join(name);
    assert!(Command::new("mkfifo").arg(path).status().unwrap().success());
}

/// Puts one of everything into the project and returns what a caller may write, with the expected status and words of the reason.
fn forbidden(setup: &Setup, outside: &std::path::Path) -> Vec<(String, &'static str, &'static str)> {
    let root = setup.project.path();
    std::fs::write(outside.join("outside.txt"), "canary-outside\n").unwrap();
    let sibling = format!("../{}/outside.txt", outside.file_name().unwrap().to_string_lossy());
    symlink(outside.join("outside.txt"), root.join("link.txt")).unwrap();
    symlink(outside, root.join("linked_folder")).unwrap();
    symlink(root.join("loop"), root.join("loop")).unwrap();
    fifo(setup, "pipe");
    File::create(root.join("huge.log")).unwrap().set_len(1 << 30).unwrap();
    setup.file(".env", "TOKEN=canary-env\n");
    setup.file("deploy/id_ed25519", "canary-key-by-name\n");
    let key =
        "-----BEGIN OPENSSH PRIVATE KEY-----\ncanary-key-by-content\n-----END OPENSSH PRIVATE KEY-----\n";
    setup.file("notes.txt", key);
    setup.file("picture.dat", b"canary-binary\0\x01\x02\xff\xfe\0\0".as_slice());
    setup.file(".git/config", "[remote]\nurl = canary-git\n");
    [
        ("/etc/passwd", "refused", "outside the allowed folders"),
        ("/proc/self/environ", "refused", "a file of the kernel"),
        (sibling.as_str(), "refused", "outside the allowed folders"),
        ("link.txt", "refused", "symbolic link"),
        ("linked_folder", "refused", "symbolic link"),
        ("loop", "refused", "symbolic link"),
        ("pipe", "refused", "only regular files"),
        ("huge.log", "skipped", ""),
        (".env", "refused", "environment file"),
        ("deploy/id_ed25519", "refused", "private key"),
        ("notes.txt", "refused", "private key"),
        (".git/config", "refused", "version control"),
        ("picture.dat", "skipped", "binary"),
        ("bad\u{0}name", "skipped", ""),
    ]
    .map(|(path, status, reason)| (path.to_owned(), status, reason))
    .to_vec()
}

#[tokio::test]
async fn forbidden_files_are_reported_and_never_sent() {
    let setup = Setup::new().await.with("CUSTOM_API_KEY", "canary-environ");
    let outside = tempfile::tempdir().unwrap();
    let expected = forbidden(&setup, outside.path());
    setup.file("fine.txt", "the word is marzipan\n");
    let program = setup.start().await;
    let mut paths: Vec<&str> = expected.iter().map(|(path, ..)| path.as_str()).collect();
    paths.push("fine.txt");

    let chat = program.call("chat", json!({"prompt": "look", "absolute_file_paths": paths})).await.ok();
    let step = json!({"step": "look", "relevant_files": paths, "next_step_required": false});
    let review = program.call("codereview", step).await.ok();
    for answer in [&chat, &review] {
        for (path, status, words) in &expected {
            let (told, reason) = report(answer, path);
            assert_eq!((told.as_str(), !reason.is_empty()), (*status, true), "{path}: {reason}");
            assert!(reason.contains(words), "{path}: {reason}");
        }
        assert_eq!(report(answer, "fine.txt").0, "included");
        assert_eq!(answer["metadata"]["files_summary"]["included"], 1);
    }
    let calls = setup.vendor.calls();
    assert_eq!(calls.len(), 2);
    for call in &calls {
        let sent = String::from_utf8_lossy(&call.body);
        assert!(sent.contains("marzipan"), "what may be read is sent");
        assert!(!sent.contains("canary"), "{sent}");
        assert!(!sent.contains("root:x:0"), "{sent}");
    }
    assert!(peak_memory(program.pid()) < 150, "{} MiB", peak_memory(program.pid()));
    program.stop().await;
    let stored = std::fs::read(setup.database()).unwrap();
    assert!(!String::from_utf8_lossy(&stored).contains("canary"), "contents of files are not stored");
}

/// A refusal does not tell whether an outside file exists.
#[tokio::test]
async fn a_refusal_hides_files_outside() {
    let setup = Setup::new().await;
    let program = setup.start().await;
    let pairs = [
        ["/etc/passwd", "/etc/no-such-file-here"],
        ["/proc/1/environ", "/proc/no/such"],
        ["../../etc/passwd", "../../etc/no-such-file-here"],
        ["/root/.ssh/id_rsa", "/root/.ssh/no-such-key"],
    ];
    setup.file("fine.txt", "the word is marzipan\n");
    let mut paths: Vec<&str> = pairs.concat();
    paths.push("fine.txt");
    let answer = program.call("chat", json!({"prompt": "look", "absolute_file_paths": paths})).await.ok();
    for [there, missing] in pairs {
        assert_eq!(report(&answer, there), report(&answer, missing), "{there}");
        assert_eq!(report(&answer, there).0, "refused");
    }
}

#[tokio::test]
async fn a_folder_is_walked_without_its_secrets() {
    let setup = Setup::new().await;
    setup.file("src/a.py", "word = 'marzipan'\n");
    setup.file("src/.env", "TOKEN=canary-env\n");
    setup.file("src/ignored.log", "canary-ignored\n");
    setup.file(".gitignore", "*.log\n");
    setup.file("src/key.pem", "-----BEGIN PRIVATE KEY-----\ncanary-key\n");
    std::fs::create_dir_all(setup.project.path().join(".git")).unwrap();
    fifo(&setup, "src/pipe");
    let program = setup.start().await;
    let answer = program.call("chat", json!({"prompt": "look", "absolute_file_paths": ["src"]})).await.ok();
    assert_eq!(report(&answer, "src/a.py").0, "included");
    let sent = setup.vendor.calls()[0].json.to_string();
    assert!(sent.contains("marzipan") && !sent.contains("canary"), "{sent}");
}

#[tokio::test]
async fn a_huge_file_takes_little_memory() {
    let setup = Setup::without_provider().await;
    File::create(setup.project.path().join("huge.py")).unwrap().set_len(1 << 30).unwrap();
    let program = setup.start().await;
    let step = json!({"step": "look", "relevant_files": ["huge.py"], "next_step_required": false});
    let failure = program.call("codereview", step).await.failure();
    assert!(failure["message"].as_str().unwrap().contains("huge.py: binary"), "{failure:#}");
    assert!(peak_memory(program.pid()) < 150, "{} MiB", peak_memory(program.pid()));
}

#[tokio::test]
async fn pipes_in_every_place_are_answered() {
    let setup = Setup::new().await;
    setup.file("src/a.py", "word = 'marzipan'\n");
    fifo(&setup, ".gitignore");
    fifo(&setup, "src/.ignore");
    std::fs::create_dir_all(setup.project.path().join(".git/info")).unwrap();
    fifo(&setup, ".git/info/exclude");
    fifo(&setup, "pipe.png");
    let program = setup.start().await;
    let answer = program.call("chat", json!({"prompt": "look", "absolute_file_paths": ["src"]})).await.ok();
    assert_eq!(report(&answer, "src/a.py").0, "included");
    for path in [".gitignore", "src/.ignore", ".git/info/exclude"] {
        let (told, reason) = report(&answer, path);
        let words = "none of its patterns is applied: a pipe, socket or device, only regular files are read";
        assert_eq!((told.as_str(), reason.as_str()), ("skipped", words), "{path}");
    }
    let step = json!({"step": "look", "relevant_files": ["src"], "next_step_required": false});
    let review = program.call("codereview", step).await.ok();
    assert_eq!(report(&review, ".gitignore"), report(&answer, ".gitignore"));
    let refused = program.call("chat", json!({"prompt": "look", "images": ["pipe.png"]})).await.failure();
    assert!(refused["message"].as_str().unwrap().contains("only regular files"), "{refused:#}");
}

#[tokio::test]
async fn ignore_files_take_little_memory() {
    let setup = Setup::new().await;
    let root = setup.project.path();
    let patterns = |count: u32| (0..count).map(|at| format!("*a?b[!c]**{at}x?\n")).collect::<String>();
    setup.file("within/.gitignore", patterns(5_000));
    setup.file("within/deeper/.gitignore", patterns(5_000));
    setup.file("many/.gitignore", patterns(300_000));
    for folder in ["zero", "sparse", "within/deeper"] {
        setup.file(&format!("{folder}/a.py"), "word = 'marzipan'\n");
    }
    symlink("/dev/zero", root.join("zero/.gitignore")).unwrap();
    File::create(root.join("sparse/.gitignore")).unwrap().set_len(100 << 30).unwrap();
    let program = setup.start().await;
    let answer = program.call("chat", json!({"prompt": "look", "absolute_file_paths": ["."]})).await.ok();
    assert_eq!(answer["metadata"]["files_summary"]["included"], 3);
    for (path, words) in [
        ("zero/.gitignore", "symbolic link"),
        ("sparse/.gitignore", "more than 262144 bytes"),
        ("many/.gitignore", "more than 262144 bytes"),
    ] {
        assert!(report(&answer, path).1.contains(words), "{path}");
    }
    assert!(peak_memory(program.pid()) < 150, "{} MiB", peak_memory(program.pid()));
}

/// A key is not given to anyone, so no rule sees it; that it is there is said all the same.
#[tokio::test]
async fn a_refused_key_is_a_finding() {
    let setup = Setup::without_provider().await;
    setup.file("src/a.py", "x = 1\n");
    let key = format!("KEY = \"-----BEGIN PRIVATE KEY-----\\n{}\"\n", "Canary0Key".repeat(7));
    setup.file("src/login.py", &key);
    let program = setup.start().await;
    let arguments = json!({
        "step": "look", "step_number": 1, "total_steps": 1, "next_step_required": false, "findings": "",
        "relevant_files": ["src"], "model": "offline",
    });
    let answer = program.call("codereview", arguments).await.ok();
    let finding = &answer["findings"][0];
    assert_eq!(
        (&finding["path"], &finding["severity"]),
        (&json!("src/login.py"), &json!("critical")),
        "{answer:#}"
    );
    assert_eq!(report(&answer, "src/login.py").0, "refused");
    assert!(!answer.to_string().contains("Canary"), "{answer:#}");
    program.stop().await;
}
