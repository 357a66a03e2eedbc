//! Folders.

use std::os::unix::fs::symlink;

use exai_context::evidence::FileStatus;
use exai_context::files::{Limits, pack};

use crate::support::{PLENTY, Project, calls, check, statuses};

/// Ignored, hidden and generated files are left out of folders.
#[test]
fn ignored_and_generated_files_are_left_out() {
    let project = Project::with(&[
        (".gitignore", "build/\n*.log\n"),
        ("src/.gitignore", "local.rs\n!keep.log\n"),
        ("src/main.rs", "fn main() {}\n"),
        ("src/local.rs", "x"),
        ("src/keep.log", "kept\n"),
        ("src/noise.log", "x"),
        ("build/out.rs", "built\n"),
        (".hidden/x.rs", "x"),
        ("Cargo.lock", "lock\n"),
        ("web/app.min.js", "x"),
        ("web/node_modules/dep/index.js", "x"),
        ("cache/CACHEDIR.TAG", "x"),
        ("cache/y.rs", "y"),
        ("Makefile", "all:\n"),
    ]);
    let packed = project.pack(&["."]);
    check(&packed, PLENTY);
    assert_eq!(
        statuses(&packed),
        [
            "Cargo.lock Skipped",
            "Makefile Included",
            "src/keep.log Included",
            "src/main.rs Included",
            "web/app.min.js Skipped",
            "cache Skipped",
            "web/node_modules Skipped",
        ]
    );
    // Whatever is named is given.
    for path in
        ["Cargo.lock", "build", "build/out.rs", ".hidden", "web/app.min.js", "src/noise.log", "cache/y.rs"]
    {
        assert_eq!(project.pack(&[path]).files.len(), 1, "{path}");
    }
    let packed = project.pack(&[".", "Cargo.lock"]);
    check(&packed, PLENTY);
    assert_eq!(packed.report[0].status, FileStatus::Included);
}

#[test]
fn an_empty_folder_is_said_empty() {
    let project = Project::with(&[("sub/.hidden", "x")]);
    assert_eq!(statuses(&project.pack(&["sub"])), ["sub Skipped"]);
}

/// Links in folders are followed to files of the root only.
#[test]
fn links_lead_to_files_of_the_root() {
    let project = Project::with(&[("a/real.txt", "real"), ("b/other.txt", "other")]);
    symlink(project.base.join("outside/secret.txt"), project.path("a/leak.txt")).unwrap();
    symlink(project.path("b/other.txt"), project.path("a/in.txt")).unwrap();
    symlink(project.path("b"), project.path("a/dir")).unwrap();
    symlink(project.path("a"), project.path("a/self")).unwrap();
    let packed = project.pack(&["a"]);
    check(&packed, PLENTY);
    assert_eq!(
        statuses(&packed),
        [
            "a/dir Skipped",
            "b/other.txt Included",
            "a/leak.txt Refused",
            "a/real.txt Included",
            "a/self Skipped"
        ]
    );
}

/// Ten thousand files are bounded and the same every time.
#[test]
fn ten_thousand_files_are_bounded() {
    let project = Project::new();
    for folder in 0..10 {
        for file in 0..1_000 {
            project.write(&format!("d{folder}/f{file:04}.txt"), "one line\n");
        }
    }
    let packed = project.pack(&["."]);
    check(&packed, PLENTY);
    assert_eq!(packed.files.len(), 2_000);
    assert_eq!(packed.files[1_999].path, "d1/f0999.txt");
    let last = packed.report.last().unwrap();
    assert_eq!((last.path.as_str(), last.status), (".", FileStatus::Skipped));
    assert_eq!(packed, project.pack(&["."]));
}

#[test]
fn depth_and_entries_are_bounded() {
    let project = Project::with(&[("a/b/c/deep.txt", "x"), ("a/top.txt", "x")]);
    let limits = Limits { walk_depth: 2, ..Limits::default() };
    let packed = pack(&project.roots(), &calls(&["."]), PLENTY, &limits);
    assert_eq!(statuses(&packed), ["a/b Skipped", "a/top.txt Included"]);
    let limits = Limits { walked_entries: 2, ..Limits::default() };
    assert_eq!(statuses(&pack(&project.roots(), &calls(&["."]), PLENTY, &limits)), [". Skipped"]);
}
