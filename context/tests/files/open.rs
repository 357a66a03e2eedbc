//! What may be read, and what is refused.

use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::time::{Duration, Instant};

use exai_context::evidence::FileStatus;
use exai_context::files::{Limits, pack};
use exai_core::Kind;
use proptest::prelude::*;

use crate::support::{PLENTY, Project, calls, check, only, reason, roots, text};

fn refused(project: &Project, path: &str) -> String {
    let packed = project.pack(&[path]);
    check(&packed, PLENTY);
    assert_eq!(only(&packed).status, FileStatus::Refused, "{path}: {:?}", packed.report);
    assert!(packed.files.is_empty());
    reason(&packed).to_owned()
}

/// Links out of the root are refused and links inside are followed.
#[test]
fn links_out_of_the_root_are_refused() {
    let project = Project::with(&[("src/real.txt", "inside\n")]);
    symlink(project.base.join("outside/secret.txt"), project.path("file")).unwrap();
    symlink(project.base.join("outside"), project.path("folder")).unwrap();
    symlink("nowhere", project.path("dangling")).unwrap();
    symlink("loop", project.path("loop")).unwrap();
    symlink("src/real.txt", project.path("good")).unwrap();
    symlink(project.path("src"), project.path("good-folder")).unwrap();
    let outside = refused(&project, "file");
    for path in ["folder/secret.txt", "folder/missing.txt", "dangling", "loop", "folder"] {
        assert_eq!(refused(&project, path), outside, "{path}");
    }
    for path in ["good", "good-folder/real.txt"] {
        let packed = project.pack(&[path]);
        assert_eq!(
            (packed.files[0].path.as_str(), text(&packed.files[0]).as_str()),
            ("src/real.txt", "inside\n")
        );
    }
}

#[test]
fn a_link_into_another_root_is_followed() {
    let project = Project::with(&[("a/x.txt", "x"), ("b/y.txt", "y")]);
    symlink(project.path("b/y.txt"), project.path("a/y")).unwrap();
    let roots = roots(&[&project.path("a"), &project.path("b")]);
    assert_eq!(roots.locate(project.path("a/y").to_str().unwrap()).unwrap().root, project.path("b"));
}

/// A path outside is refused in the same words whether or not it exists.
#[test]
fn a_refusal_hides_whether_a_file_exists() {
    let project = Project::with(&[("a/a.txt", "a")]);
    let outside = refused(&project, "../outside/secret.txt");
    let absolute = project.base.join("outside/secret.txt");
    for path in [
        "../outside/missing.txt",
        "../missing/x.txt",
        "a/../../outside/secret.txt",
        "/etc/passwd",
        "/etc/no-such-file",
        "/no/such/folder/x",
        absolute.to_str().unwrap(),
        "/etc/passwd:1-3",
        "file:///etc/passwd",
        "file:///%2e%2e/etc/passwd",
    ] {
        assert_eq!(refused(&project, path), outside, "{path}");
    }
    assert!(outside.contains(project.path("").to_str().unwrap().trim_end_matches('/')));
}

/// The kernel's files are refused even below a configured root.
#[test]
fn kernel_files_are_refused_below_any_root() {
    let project = Project::new();
    for path in ["/proc/self/environ", "/proc/version", "/dev/stdin", "/dev/zero", "/sys/kernel/notes"] {
        let packed = pack(
            &roots(&[std::path::Path::new("/proc"), &project.path("")]),
            &calls(&[path]),
            PLENTY,
            &Limits::default(),
        );
        assert_eq!(only(&packed).status, FileStatus::Refused, "{path}");
    }
    symlink("/proc/self/environ", project.path("environ")).unwrap();
    refused(&project, "environ");
}

#[test]
fn pipes_and_sockets_are_refused_at_once() {
    let project = Project::new();
    let fifo = project.path("fifo");
    rustix::fs::mknodat(rustix::fs::CWD, &fifo, rustix::fs::FileType::Fifo, 0o600.into(), 0).unwrap();
    let _socket = std::os::unix::net::UnixListener::bind(project.path("socket")).unwrap();
    let started = Instant::now();
    assert!(refused(&project, "fifo").contains("regular files"));
    assert!(refused(&project, "socket").contains("regular files"));
    let packed = project.pack(&["."]);
    assert!(packed.files.is_empty() && packed.report.len() == 3, "{:?}", packed.report);
    assert!(started.elapsed() < Duration::from_secs(5));
}

/// Files that hold secrets are refused by name and by content.
#[test]
fn files_that_hold_secrets_are_refused() {
    let project = Project::with(&[
        (".env", "KEY=1"),
        (".env.example", "KEY="),
        (".ssh/id_ed25519", "x"),
        (".git/config", "x"),
        ("deploy/server.pem", "-----BEGIN RSA PRIVATE KEY-----\nabc\n"),
        ("deploy/public.pem", "-----BEGIN CERTIFICATE-----\nabc\n"),
        ("id_rsa", "x"),
        (".npmrc", "x"),
    ]);
    for path in [
        ".env",
        ".ssh/id_ed25519",
        ".ssh",
        ".git/config",
        ".git",
        "deploy/server.pem",
        "id_rsa",
        ".npmrc",
        ".env:1-2",
    ] {
        refused(&project, path);
    }
    symlink(".env", project.path("settings.txt")).unwrap();
    refused(&project, "settings.txt");
    assert_eq!(project.pack(&[".env.example", "deploy/public.pem"]).files.len(), 2);
    // In a folder they are named in the report as well.
    let packed = project.pack(&["."]);
    check(&packed, PLENTY);
    let refused: Vec<_> = packed
        .report
        .iter()
        .filter(|line| line.status == FileStatus::Refused)
        .map(|line| line.path.as_str())
        .collect();
    assert_eq!(refused, ["deploy/server.pem", "id_rsa", "settings.txt"]);
}

#[test]
fn an_unreadable_file_is_reported() {
    if rustix::process::geteuid().is_root() {
        return; // The superuser reads everything.
    }
    let project = Project::new();
    let path = project.write("a.txt", "a");
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o000)).unwrap();
    let packed = project.pack(&["a.txt"]);
    assert_eq!(only(&packed).status, FileStatus::Skipped);
    assert_eq!(reason(&packed), "cannot be read: permission denied");
}

#[test]
fn odd_file_names_are_found() {
    let project = Project::with(&[
        ("odd:10", "a\n"),
        ("ünï/コード.rs", "b\n"),
        ("with space.txt", "c\n"),
        ("x#L1", "d\n"),
    ]);
    for (path, expected) in [
        ("odd:10", "a\n"),
        ("odd:10:1", "a\n"),
        ("ünï/コード.rs", "b\n"),
        ("ünï/コード.rs:1", "b\n"),
        ("'with space.txt'", "c\n"),
        ("x#L1", "d\n"),
    ] {
        let packed = project.pack(&[path]);
        assert_eq!(packed.files.first().map(text).as_deref(), Some(expected), "{path}: {:?}", packed.report);
    }
    let address = format!("file://{}", project.path("with%20space.txt").display());
    assert_eq!(text(&project.pack(&[&address]).files[0]), "c\n");
}

/// The answer to a path that climbs out of something outside is the same whether or not that is there.
#[test]
fn a_climb_tells_nothing_of_outside() {
    let project = Project::with(&[("src/a.txt", "a\n")]);
    symlink("../outside", project.path("there")).unwrap();
    symlink("../not-there", project.path("not-there")).unwrap();
    for (path, other) in [
        ("../outside/../project/src/a.txt", "../not-there/../project/src/a.txt"),
        ("there/../project/src/a.txt", "not-there/../project/src/a.txt"),
        ("there/../b.txt", "not-there/../b.txt"),
        ("there/x", "not-there/x"),
        ("there/", "not-there/"),
        ("there/.", "not-there/."),
        ("src/../../outside/./../project/src/a.txt", "src/../../not-there/./../project/src/a.txt"),
    ] {
        assert_eq!(refused(&project, path), refused(&project, other), "{path}");
    }
    for inside in ["src/../src/a.txt", "../project/src/a.txt", "src/../../project/src/a.txt"] {
        assert!(project.roots().locate(inside).is_ok(), "{inside}");
    }
}

/// A path that cannot be meant says what to write.
#[test]
fn an_impossible_path_gets_a_hint() {
    let project = Project::with(&[("a.txt", "a")]);
    let packed = project.pack(&["C:\\src\\a.txt", "", "missing.rs", "a.txt/b", ".:3"]);
    let reasons: Vec<_> =
        packed.report.iter().map(|line| (line.status, line.reason.clone().unwrap())).collect();
    assert!(packed.files.is_empty() && reasons.iter().all(|(status, _)| *status == FileStatus::Skipped));
    assert!(reasons[0].1.contains("Windows"));
    assert_eq!((reasons[2].1.as_str(), reasons[3].1.as_str()), ("not there", "not there"));
    assert!(reasons[4].1.contains("folder"));
    assert_eq!(project.roots().locate("missing.rs").unwrap_err().kind(), Kind::NotFound);
    assert_eq!(project.roots().locate("/etc/passwd").unwrap_err().kind(), Kind::Forbidden);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever is written, nothing from outside the root is given, and the text is accounted for.
    #[test]
    fn no_text_leads_out_of_the_root(
        parts in prop::collection::vec(
            prop::sample::select(vec![
                "..", ".", "", "a", "folder", "file", "secret.txt", "outside", "project", "~", "%2e%2e", "file:", "..\\", ":1-2", "\u{0}",
            ]),
            1..8,
        ),
        absolute in any::<bool>(),
    ) {
        let project = Project::with(&[("a/a.txt", "inside\n")]);
        symlink(project.base.join("outside/secret.txt"), project.path("file")).unwrap();
        symlink(project.base.join("outside"), project.path("a/folder")).unwrap();
        let start = if absolute { format!("{}/", project.path("").display()) } else { String::new() };
        let packed = project.pack(&[&format!("{start}{}", parts.join("/"))]);
        prop_assert!(!packed.report.is_empty());
        for file in &packed.files {
            prop_assert!(file.absolute.starts_with(project.path("")) && !text(file).contains("secret"), "{file:?}");
        }
    }
}
