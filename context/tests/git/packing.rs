//! How a change set fits a budget, and what is never shown.

use exai_context::{
    evidence::FileStatus,
    git::{ChangeSet, GitFailure, GitSettings, pack, supplied},
};
use tokio_util::sync::CancellationToken;

use crate::support::{Place, all, roots, settings};

#[tokio::test]
async fn secrets_are_named_and_not_shown() {
    let place = Place::with(&[
        ("a.rs", "a\n"),
        (".env", "TOKEN=old\n"),
        ("moved.txt", "TOKEN=many words of it\nand more\n"),
    ]);
    place.write(".env", "TOKEN=hunter2\n");
    place.write("server.key", "-----BEGIN RSA PRIVATE KEY-----\nhunter3\n");
    place.write("a.rs", "a\n  -----BEGIN EC PRIVATE KEY-----\nhunter4\n");
    place.write("prod.env", "TOKEN=hunter5\n");
    place.git("work", &["mv", "moved.txt", ".env.local"]);
    std::os::unix::fs::symlink("/etc/passwd", place.work().join("passwd")).unwrap();
    let packed = place.packed(all()).await;
    assert!(
        !packed.text.contains("hunter")
            && !packed.text.contains("many words")
            && !packed.text.contains("root:"),
        "{}",
        packed.text
    );
    let refused: Vec<_> = packed
        .report
        .iter()
        .filter(|file| file.status == FileStatus::Refused)
        .map(|file| file.path.as_str())
        .collect();
    assert_eq!(refused, [".env", ".env.local", "a.rs", "prod.env", "server.key"]);
    assert!(packed.text.contains("- prod.env: refused"), "{}", packed.text);
    assert!(
        packed
            .report
            .iter()
            .any(|file| file.path == "passwd" && file.reason.as_deref() == Some("a symbolic link"))
    );
}

/// A key is seen wherever it stands in a change: as a string, among removed lines, in a diff of the caller.
#[tokio::test]
async fn keys_in_changes_are_refused() {
    let body = "Dummy0Key".repeat(7);
    let string = format!("KEY = \"-----BEGIN PRIVATE KEY-----\\n{body}\"\n");
    let place = Place::with(&[("gone.py", &string), ("plain.py", "a\n")]);
    place.write("gone.py", "KEY = None\n");
    place.write("come.py", &string);
    place.write("plain.py", "MARK = \"-----BEGIN PRIVATE KEY-----\"\n");
    place.git("work", &["add", "-A"]);
    let refused = |report: &[exai_context::evidence::FileReport]| {
        let refused = report.iter().filter(|file| file.status == FileStatus::Refused);
        refused.map(|file| file.path.clone()).collect::<Vec<_>>()
    };
    let packed = place.packed(all()).await;
    assert_eq!(refused(&packed.report), ["come.py", "gone.py"]);
    assert!(packed.text.contains("MARK") && !packed.text.contains("Dummy0Key"), "{}", packed.text);
    let diff = place.git("work", &["diff", "--cached"]);
    let packed = supplied(&diff, &roots(&place), 10_000, None);
    assert_eq!(refused(&packed.report), ["come.py", "gone.py"]);
    assert!(packed.text.contains("MARK") && !packed.text.contains("Dummy0Key"), "{}", packed.text);
}

/// Source comes before lock files and what is left out is said.
#[tokio::test]
async fn source_comes_before_lock_files() {
    let lines = |word: &str| (0..400).map(|line| format!("{word} {line}\n")).collect::<String>();
    let place = Place::with(&[("a.rs", "a\n")]);
    place.write("Cargo.lock", lines("lock"));
    place.write("notes.md", lines("notes"));
    place.write("zeta.rs", lines("source"));
    let set = place.changes(all()).await.unwrap();
    let packed = pack(&set, 9_000, None).await.unwrap();
    assert!(packed.tokens <= 9_000, "{}", packed.tokens);
    let status = |path: &str| packed.report.iter().find(|file| file.path == path).map(|file| file.status);
    assert_eq!(status("zeta.rs"), Some(FileStatus::Included));
    assert_eq!(status("Cargo.lock"), Some(FileStatus::Excerpted), "{:?}", packed.report);
    assert!(packed.text.find("source 399").unwrap() < packed.text.find("lock 0").unwrap());
    assert!(packed.text.contains("- Cargo.lock: over its share"), "{}", packed.text);
    let tiny = pack(&set, 600, None).await.unwrap();
    assert!(tiny.tokens <= 600, "{}: {}", tiny.tokens, tiny.text);
    assert!(tiny.report.iter().any(|file| file.status == FileStatus::Skipped), "{:?}", tiny.report);
}

#[tokio::test]
async fn ten_thousand_files_are_listed_and_packed() {
    let place = Place::new();
    for number in 0..10_000 {
        place.write(&format!("d{}/f{number}.rs", number % 100), format!("fn f{number}() {{}}\n"));
    }
    place.commit("first");
    for number in 0..10_000 {
        place.write(&format!("d{}/f{number}.rs", number % 100), format!("fn g{number}() {{}}\n"));
    }
    let set = place.changes(all()).await.unwrap();
    assert_eq!((set.files.len(), set.totals()), (10_000, (10_000, 10_000)));
    let packed = pack(&set, 50_000, None).await.unwrap();
    assert!(packed.tokens <= 50_000 && packed.tokens > 30_000, "{}", packed.tokens);
    assert_eq!(packed.report.len(), 10_000);
    assert!(packed.files.len() > 100, "{}", packed.files.len());
}

#[tokio::test]
async fn one_huge_file_does_not_hide_others() {
    let place = Place::with(&[("big.rs", "x\n"), ("small.rs", "x\n")]);
    place.write("big.rs", "let x = 1;\n".repeat(300_000));
    place.write("small.rs", "y\n");
    let mut limits = settings(&place.base.join("home"));
    limits.max_output_bytes = 1 << 20;
    let roots = roots(&place);
    let set = ChangeSet::read(&limits, &all(), &roots, &CancellationToken::new()).await.unwrap();
    let packed = pack(&set, 20_000, None).await.unwrap();
    assert!(packed.tokens <= 20_000);
    let statuses: Vec<_> = packed.report.iter().map(|file| file.status).collect();
    assert_eq!(statuses, [FileStatus::Excerpted, FileStatus::Included]);
}

/// A line costs memory however short it is: 60 files of a million empty lines took 2 GB, from a repository of 200 KB.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn empty_lines_cost_little_memory() {
    let place = Place::with(&[("a.rs", "x\n")]);
    for number in 0..30 {
        place.write(&format!("f{number}.rs"), "\n".repeat(1 << 20));
    }
    place.git("work", &["add", "-A"]);
    place.write("untracked.rs", "\n".repeat(4 << 20));
    let set = place.changes(all()).await.unwrap();
    let packed = pack(&set, 100_000, None).await.unwrap();
    assert!(packed.tokens <= 100_000 && packed.tokens > 50_000, "{}", packed.tokens);
    assert_eq!(packed.report.len(), 31);
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    let peak: u64 = peak.trim().trim_end_matches(" kB").parse().unwrap();
    assert!(peak < 300 << 10, "{} MiB", peak >> 10);
}

#[tokio::test]
async fn time_and_cancellation_end_git() {
    let place = Place::with(&[("a.rs", "x\n")]);
    let mut slow: GitSettings = settings(&place.base.join("home"));
    slow.time_limit = std::time::Duration::ZERO;
    let error = ChangeSet::read(&slow, &all(), &roots(&place), &CancellationToken::new()).await.unwrap_err();
    assert!(matches!(error, GitFailure::Slow { .. }), "{error}");
    let cancel = CancellationToken::new();
    cancel.cancel();
    let settings = settings(&place.base.join("home"));
    let error = ChangeSet::read(&settings, &all(), &roots(&place), &cancel).await.unwrap_err();
    assert_eq!(error, GitFailure::Cancelled);
}

#[tokio::test]
async fn a_supplied_diff_reads_no_files() {
    let place = Place::with(&[("src/a.rs", "x\n")]);
    let diff = "--- a/src/a.rs\n+++ b/src/a.rs\n@@ -1 +1,2 @@\n x\n+y\n--- a/.env\n+++ b/.env\n@@ -1 +1 @@\n-A=1\n+A=hunter2\n";
    let packed = supplied(diff, &roots(&place), 10_000, None);
    assert!(packed.text.contains("   2│+ y\n") && !packed.text.contains("hunter2"), "{}", packed.text);
    assert_eq!(
        packed.files.iter().map(|file| (file.path.as_str(), file.line(2))).collect::<Vec<_>>(),
        [("src/a.rs", Some("y"))]
    );
}
