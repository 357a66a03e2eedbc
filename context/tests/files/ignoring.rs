//! Ignore files of strangers: which hold, and what is said of those that do not.

use std::fs::File;
use std::os::unix::fs::symlink;
use std::path::Path;

use exai_context::files::{Limits, Packed, pack};

use crate::support::{PLENTY, Project, calls, check, statuses};

fn project() -> Project {
    Project::with(&[("kept.rs", "kept\n"), ("noise.log", "noise\n")])
}

/// The report's words on a path.
fn said<'a>(packed: &'a Packed, path: &str) -> &'a str {
    check(packed, PLENTY);
    let line = packed.report.iter().find(|line| line.path == path);
    line.and_then(|line| line.reason.as_deref()).unwrap_or_else(|| panic!("{path} in {:#?}", packed.report))
}

fn given(packed: &Packed) -> Vec<&str> {
    packed.files.iter().map(|file| file.path.as_str()).collect()
}

fn fifo(path: &Path) {
    rustix::fs::mknodat(rustix::fs::CWD, path, rustix::fs::FileType::Fifo, 0o600.into(), 0).unwrap();
}

/// Puts something in the place of `.gitignore` and tells what the report says of it. Every other file is given all the same.
fn instead(make: impl FnOnce(&Path)) -> String {
    let project = project();
    make(&project.path(".gitignore"));
    let packed = project.pack(&["."]);
    assert_eq!(given(&packed), ["kept.rs", "noise.log"]);
    said(&packed, ".gitignore").to_owned()
}

#[test]
fn what_is_no_regular_file_is_said() {
    let none = "none of its patterns is applied: ";
    let link = format!("{none}a symbolic link, which is not followed here");
    assert_eq!(instead(|path| symlink("/dev/zero", path).unwrap()), link);
    assert_eq!(instead(|path| symlink("kept.rs", path).unwrap()), link);
    assert_eq!(instead(|path| symlink("nowhere", path).unwrap()), link);
    let pipe = format!("{none}a pipe, socket or device, only regular files are read");
    assert_eq!(instead(fifo), pipe);
    assert_eq!(instead(|path| drop(std::os::unix::net::UnixListener::bind(path).unwrap())), pipe);
    let folder = format!("{none}a folder, only regular files are read");
    assert_eq!(instead(|path| std::fs::create_dir(path).unwrap()), folder);
}

#[test]
fn what_is_over_a_bound_is_said() {
    let bytes =
        "none of its patterns is applied: it has more than 262144 bytes, the most that is read of one";
    assert_eq!(instead(|path| File::create(path).unwrap().set_len(100 << 30).unwrap()), bytes);
    assert_eq!(instead(|path| std::fs::write(path, "*.log\n".repeat(300_000)).unwrap()), bytes);
    let comment = |length: usize| format!("*.log\n#{}", "x".repeat(length - 7));
    assert_eq!(instead(|path| std::fs::write(path, comment((256 << 10) + 1)).unwrap()), bytes);
    let patterns =
        "none of its patterns is applied: it has more than 5000 patterns, the most that is read of one";
    assert_eq!(instead(|path| std::fs::write(path, "*.log\n".repeat(5_001)).unwrap()), patterns);

    for whole in [comment(256 << 10), "*.log\n".repeat(5_000)] {
        let project = project();
        project.write(".gitignore", whole);
        assert_eq!(statuses(&project.pack(&["."])), ["kept.rs Included"]);
    }
}

#[test]
fn lines_that_match_nothing_are_said() {
    let project = project();
    project.write(".gitignore", format!("[a\n*.log\nb\\\n{}\n", "x".repeat(2_000)));
    let packed = project.pack(&["."]);
    assert_eq!(given(&packed), ["kept.rs"]);
    assert_eq!(
        said(&packed, ".gitignore"),
        "lines that can match nothing are not applied: line 1 (its `[` is not closed), line 3 (it ends with a \
         backslash), line 4 (it is longer than 1,024 bytes)"
    );
    project.write(".gitignore", "[a\n".repeat(100));
    assert!(said(&project.pack(&["."]), ".gitignore").ends_with(" and 95 more"));
}

/// 2,000 folders with 5,000 patterns each would be ten million patterns; each file alone is within its bound.
#[test]
fn many_files_have_a_bound_together() {
    let project = Project::new();
    for folder in 0..30 {
        project.write(&format!("f{folder:02}/a.log"), "noise\n");
        project.write(&format!("f{folder:02}/.gitignore"), "*.log\n".repeat(2_000));
    }
    let packed = project.pack(&["."]);
    assert_eq!(packed.files.len(), 5, "50,000 patterns are those of 25 files");
    let why = said(&packed, "f29/.gitignore");
    assert!(why.contains("have too many patterns together; name sub-folders or files"), "{why}");

    // Those that are said have a bound as well.
    for folder in 0..30 {
        std::fs::remove_file(project.path(&format!("f{folder:02}/.gitignore"))).unwrap();
        fifo(&project.path(&format!("f{folder:02}/.gitignore")));
    }
    let packed = project.pack(&["."]);
    assert_eq!((packed.files.len(), packed.report.len()), (30, 50));
    let last = packed.report.last().unwrap().reason.as_deref().unwrap();
    assert!(last.ends_with("; so it is with 10 more ignore files"), "{last}");
}

#[test]
fn comparing_has_a_bound() {
    let project = project();
    project.write(".gitignore", "*a*a*a*a*a*a*b?\n".repeat(1_000));
    project.write(&"a".repeat(200), "long\n");
    let limits = Limits { ignore_steps: 100_000, ..Limits::default() };
    let packed = pack(&project.roots(), &calls(&["."]), PLENTY, &limits);
    assert!(said(&packed, ".").starts_with("comparing its entries with its ignore files takes too long"));
    assert_eq!(given(&project.pack(&["."])).len(), 3);
}

#[test]
fn the_exclude_file_is_read_as_guarded() {
    let project = project();
    project.write(".git/info/exclude", "*.log\n");
    assert_eq!(given(&project.pack(&["."])), ["kept.rs"]);

    let exclude = project.path(".git/info/exclude");
    std::fs::remove_file(&exclude).unwrap();
    fifo(&exclude);
    let packed = project.pack(&["."]);
    assert_eq!(given(&packed).len(), 2);
    assert!(said(&packed, ".git/info/exclude").contains("only regular files"));

    std::fs::remove_dir_all(project.path(".git")).unwrap();
    std::fs::create_dir_all(project.base.join("outside/info")).unwrap();
    std::fs::write(project.base.join("outside/info/exclude"), "*.log\n").unwrap();
    symlink(project.base.join("outside"), project.path(".git")).unwrap();
    assert!(said(&project.pack(&["."]), ".git/info/exclude").contains("symbolic link"));

    // A linked worktree has a file there, which names any folder.
    std::fs::remove_file(project.path(".git")).unwrap();
    project.write(".git", format!("gitdir: {}\n", project.base.join("outside").display()));
    let packed = project.pack(&["."]);
    assert_eq!(given(&packed).len(), 2);
    assert!(said(&packed, ".git").contains("whose `info/exclude` is not read"));
}

#[test]
fn one_file_comes_before_another() {
    let project = Project::with(&[
        (".git/info/exclude", "*.tmp\n*.txt\n*.md\n"),
        (".gitignore", "!*.txt\n*.log\nsub/only/\n"),
        (".ignore", "!keep.log\n"),
        ("a.tmp", "x"),
        ("a.txt", "x"),
        ("a.log", "x"),
        ("keep.log", "x"),
        ("sub/.gitignore", "!a.log\na.txt\n"),
        ("sub/a.log", "x"),
        ("sub/a.txt", "x"),
        ("sub/b.txt", "x"),
        ("sub/only/x.rs", "x"),
    ]);
    let root = ["a.txt", "keep.log", "sub/a.log", "sub/b.txt"];
    assert_eq!(given(&project.pack(&["."])), root);
    // The files of the folders above hold below them; a folder that is named is walked whatever they say.
    assert_eq!(given(&project.pack(&["sub"])), ["sub/a.log", "sub/b.txt"]);
    assert_eq!(given(&project.pack(&["sub/only"])), ["sub/only/x.rs"]);
}

#[test]
fn a_repository_within_has_its_own_rules() {
    let project = Project::with(&[
        (".gitignore", "*.log\n"),
        (".ignore", "*.tmp\n"),
        ("inner/.git/info/exclude", "*.bak\n"),
        ("inner/a.log", "x"),
        ("inner/a.tmp", "x"),
        ("inner/a.bak", "x"),
        ("a.bak", "x"),
    ]);
    assert_eq!(given(&project.pack(&["."])), ["a.bak", "inner/a.log"]);
}

#[test]
fn what_is_kept_shows_no_git_folder() {
    let project = Project::with(&[
        (".gitignore", "*\n!*/\n!*.rs\n"),
        (".git/hooks/x.rs", "x"),
        (".shown/x.rs", "x"),
        ("a.rs", "x"),
        ("a.log", "x"),
    ]);
    assert_eq!(given(&project.pack(&["."])), [".shown/x.rs", "a.rs"]);
}

#[test]
fn a_given_file_keeps_its_note() {
    let project = project();
    project.write(".gitignore", "[a\n");
    for paths in [[".", ".gitignore"], [".gitignore", "."]] {
        let packed = project.pack(&paths);
        assert_eq!(given(&packed).len(), 3);
        assert!(said(&packed, ".gitignore").contains("line 1"));
    }
}

/// The user's own file for all repositories holds as well, and comes last.
#[test]
fn the_users_own_file_holds() {
    let project = project();
    let users = project.base.join("outside/ignore");
    std::fs::write(&users, "*.log\nkept.rs\n").unwrap();
    let given_with = |path: &Path| {
        let roots = project.roots().with_user_excludes(Some(path.to_owned()));
        let packed = pack(&roots, &calls(&["."]), PLENTY, &Limits::default());
        given(&packed).into_iter().map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(given_with(&users), Vec::<String>::new());
    assert_eq!(given_with(&project.base.join("outside/nothing")), ["kept.rs", "noise.log"]);
    // The user's links are followed.
    let link = project.base.join("outside/link");
    symlink(&users, &link).unwrap();
    project.write(".gitignore", "!kept.rs\n");
    assert_eq!(given_with(&link), ["kept.rs"]);
    // A device is not read, wherever it is named.
    std::fs::remove_file(&link).unwrap();
    symlink("/dev/zero", &link).unwrap();
    assert_eq!(given_with(&link), ["kept.rs", "noise.log"]);
}
