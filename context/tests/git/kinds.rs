//! Every kind of change, and what it is compared with.

use crate::support::{Place, against, all, brief, staged, unstaged};

const TEN: &str = "one\ntwo\nthree\nfour\nfive\nsix\nseven\neight\nnine\nten\n";

#[tokio::test]
async fn staged_unstaged_and_new_files_differ() {
    let place = Place::with(&[("a.rs", TEN), ("b.rs", TEN), ("c.rs", TEN)]);
    place.write("a.rs", TEN.replace("two", "TWO"));
    place.write("c.rs", TEN.replace("two", "TWO"));
    place.git("work", &["add", "a.rs", "c.rs"]);
    place.write("b.rs", TEN.replace("nine", "NINE"));
    place.write("c.rs", TEN.replace("two", "TWO").replace("nine", "NINE"));
    place.write("new.rs", "fn new() {}\n");
    let set = place.changes(all()).await.unwrap();
    assert_eq!(
        brief(&set),
        ["Modified a.rs +1 -1", "Modified b.rs +1 -1", "Modified c.rs +2 -2", "Untracked new.rs +1 -0"]
    );
    let notes: Vec<_> = set.files.iter().map(|file| file.note.as_deref().unwrap_or_default()).collect();
    assert_eq!(notes, ["staged", "not staged", "staged in part", ""]);
    assert_eq!(set.totals(), (5, 4));
    assert_eq!(set.branch.as_deref(), Some("main"));
    let set = place.changes(staged()).await.unwrap();
    assert_eq!(brief(&set), ["Modified a.rs +1 -1", "Modified c.rs +1 -1"]);
    let set = place.changes(unstaged()).await.unwrap();
    assert_eq!(brief(&set), ["Modified b.rs +1 -1", "Modified c.rs +1 -1", "Untracked new.rs +1 -0"]);
}

/// The text has the lines of the new side and is evidence.
#[tokio::test]
async fn the_text_is_evidence_of_new_lines() {
    let place = Place::with(&[("src/a.rs", TEN)]);
    place.write("src/a.rs", TEN.replace("two\n", "").replace("nine", "NINE"));
    let packed = place.packed(all()).await;
    assert!(packed.text.contains("    │- two\n   2│  three\n"), "{}", packed.text);
    assert!(packed.text.contains("   8│+ NINE\n"), "{}", packed.text);
    let file = &packed.files[0];
    assert_eq!((file.path.as_str(), file.line(8), file.line(2)), ("src/a.rs", Some("NINE"), Some("three")));
    assert_eq!((file.lines, file.hash.len()), (9, 64));
    assert_eq!(packed.added["src/a.rs"].iter().copied().collect::<Vec<_>>(), [8]);
}

/// A branch is compared from its fork and a commit directly.
#[tokio::test]
async fn a_branch_is_compared_from_its_fork() {
    let place = Place::with(&[("a.rs", TEN)]);
    place.git("work", &["checkout", "-q", "-b", "topic"]);
    place.write("topic.rs", "topic\n");
    place.commit("topic");
    place.git("work", &["checkout", "-q", "main"]);
    place.write("main.rs", "main\n");
    place.commit("main");
    let tip = place.git("work", &["rev-parse", "HEAD"]);
    place.git("work", &["checkout", "-q", "topic"]);
    place.write("loose.rs", "loose\n");
    let set = place.changes(against("main")).await.unwrap();
    assert_eq!(brief(&set), ["Untracked loose.rs +1 -0", "Added topic.rs +1 -0"]);
    assert!(set.compared.contains("where this branch left main"), "{}", set.compared);
    let set = place.changes(against(&tip)).await.unwrap();
    assert_eq!(brief(&set), ["Untracked loose.rs +1 -0", "Deleted main.rs +0 -1", "Added topic.rs +1 -0"]);
    let mut commits_only = against("main");
    (commits_only.staged, commits_only.unstaged) = (false, false);
    assert_eq!(brief(&place.changes(commits_only).await.unwrap()), ["Added topic.rs +1 -0"]);
}

#[tokio::test]
async fn a_wrong_revision_is_answered_with_names() {
    let place = Place::with(&[("a.rs", TEN)]);
    for (revision, part) in
        [("--output=x", "not one revision"), ("a..b", "not one revision"), ("nope", "latest branches: main")]
    {
        let error = place.changes(against(revision)).await.unwrap_err().to_string();
        assert!(error.starts_with("compare_to: ") && error.contains(part), "{revision}: {error}");
    }
    assert!(!place.work().join("x").exists());
}

#[tokio::test]
async fn the_first_commit_is_compared_with_nothing() {
    let place = Place::new();
    place.write("a.rs", "one\n");
    place.git("work", &["add", "a.rs"]);
    place.write("b.rs", "two\n");
    let set = place.changes(all()).await.unwrap();
    assert_eq!(brief(&set), ["Added a.rs +1 -0", "Untracked b.rs +1 -0"]);
    assert!(set.compared.contains("no commit yet"), "{}", set.compared);
    assert_eq!(brief(&place.changes(staged()).await.unwrap()), ["Added a.rs +1 -0"]);
    assert!(place.packed(all()).await.text.contains("   1│+ two\n"));
    assert!(Place::new().changes(all()).await.unwrap().is_empty());
}

#[tokio::test]
async fn renames_modes_binaries_and_deletions_are_named() {
    let place =
        Place::with(&[("old.rs", TEN), ("run.sh", "echo\n"), ("gone.rs", "gone\n"), ("pic.png", "a\0b")]);
    place.git("work", &["mv", "old.rs", "new.rs"]);
    place.write("new.rs", TEN.replace("five", "FIVE"));
    place.git("work", &["update-index", "--chmod=+x", "run.sh"]);
    std::process::Command::new("chmod").args(["+x", "run.sh"]).current_dir(place.work()).status().unwrap();
    std::fs::remove_file(place.work().join("gone.rs")).unwrap();
    place.write("pic.png", "c\0d");
    place.write("fresh.bin", "e\0f");
    let set = place.changes(all()).await.unwrap();
    assert_eq!(
        brief(&set),
        [
            "Untracked fresh.bin",
            "Deleted gone.rs +0 -1",
            "Renamed new.rs +1 -1",
            "Modified pic.png",
            "Modified run.sh +0 -0"
        ]
    );
    assert_eq!(set.files[2].from.as_deref(), Some("old.rs"));
    assert_eq!(set.files[4].note.as_deref(), Some("mode 100644 to 100755; staged"));
    let packed = place.packed(all()).await;
    assert!(packed.text.contains("    │- five\n   5│+ FIVE\n"), "{}", packed.text);
    assert!(packed.text.contains("    │- gone\n"), "{}", packed.text);
    let left_out: Vec<_> =
        packed.report.iter().filter(|file| file.reason.is_some()).map(|file| file.path.as_str()).collect();
    assert_eq!(left_out, ["fresh.bin", "pic.png"]);
}

#[tokio::test]
async fn a_merge_under_way_names_its_conflicts() {
    let place = Place::with(&[("a.rs", TEN)]);
    place.git("work", &["checkout", "-q", "-b", "topic"]);
    place.write("a.rs", TEN.replace("five", "TOPIC"));
    place.commit("topic");
    place.git("work", &["checkout", "-q", "main"]);
    place.write("a.rs", TEN.replace("five", "MAIN"));
    place.commit("main");
    assert!(!place.try_git("work", &["merge", "topic"]).status.success());
    for query in [all(), unstaged()] {
        let set = place.changes(query).await.unwrap();
        assert_eq!(set.files.len(), 1, "{:?}", set.files);
        assert!(set.notes.contains(&"a merge is under way".to_owned()), "{:?}", set.notes);
        assert!(set.notes.contains(&"unresolved conflicts in a.rs".to_owned()), "{:?}", set.notes);
    }
    let packed = place.packed(all()).await;
    assert!(
        packed.text.contains("│+ <<<<<<< HEAD\n") && packed.text.contains("Conflict markers are in: a.rs"),
        "{}",
        packed.text
    );
}

#[tokio::test]
async fn a_finished_merge_shows_what_it_brings() {
    let place = Place::with(&[("a.rs", TEN)]);
    place.git("work", &["checkout", "-q", "-b", "topic"]);
    place.write("b.rs", "b\n");
    place.commit("topic");
    place.git("work", &["checkout", "-q", "--detach", "main"]);
    place.git("work", &["merge", "-q", "--no-ff", "--no-commit", "topic"]);
    let set = place.changes(all()).await.unwrap();
    assert_eq!(brief(&set), ["Added b.rs +1 -0"]);
    assert_eq!(set.notes, ["a merge is under way", "no branch is checked out (detached head)"]);
}

/// Touched files have not changed and the index is not written.
#[tokio::test]
async fn touched_files_have_not_changed() {
    let place = Place::with(&[("a.rs", TEN), ("b.png", "a\0b")]);
    let index = place.work().join(".git/index");
    let before = std::fs::read(&index).unwrap();
    for name in ["a.rs", "b.png"] {
        let time = std::time::UNIX_EPOCH + std::time::Duration::from_secs(1_000_000_000);
        std::fs::File::options()
            .append(true)
            .open(place.work().join(name))
            .unwrap()
            .set_modified(time)
            .unwrap();
    }
    let set = place.changes(all()).await.unwrap();
    assert!(set.is_empty(), "{:?}", set.files);
    assert_eq!(std::fs::read(&index).unwrap(), before);
    assert!(!place.work().join(".git/index.lock").exists());
}

#[tokio::test]
async fn line_ends_and_odd_names_work() {
    let place = Place::with(&[
        ("crlf.txt", "one\r\ntwo\r\n"),
        ("quo\"te \\ name.rs", "a\n"),
        ("tab\tname.rs", "a\n"),
        ("-dash.rs", "a\n"),
        (":(top)x.rs", "a\n"),
    ]);
    place.write("crlf.txt", "one\r\nTWO\r\n");
    for name in ["quo\"te \\ name.rs", "tab\tname.rs", "-dash.rs", ":(top)x.rs"] {
        place.write(name, "b\n");
    }
    let packed = place.packed(all()).await;
    assert!(packed.text.contains("   2│+ TWO\n"), "{}", packed.text);
    let shown: Vec<_> = packed.files.iter().map(|file| file.path.as_str()).collect();
    assert_eq!(shown.len(), 5, "{shown:?}");
    assert!(packed.files.iter().filter(|file| file.path != "crlf.txt").all(|file| file.line(1) == Some("b")));
}

/// A path that is not text is shown with marks for its bytes.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn an_undecodable_path_is_shown_with_marks() {
    use std::os::unix::ffi::OsStrExt as _;
    let place = Place::with(&[("a.rs", "a\n")]);
    let name = std::ffi::OsStr::from_bytes(b"caf\xe9.rs");
    std::fs::write(place.work().join(name), "a\n").unwrap();
    place.commit("latin");
    std::fs::write(place.work().join(name), "b\n").unwrap();
    let packed = place.packed(all()).await;
    assert!(packed.text.contains("caf\u{fffd}.rs") && packed.text.contains("   1│+ b\n"), "{}", packed.text);
}

#[tokio::test]
async fn a_submodule_is_its_range_of_commits() {
    let place = Place::with(&[("a.rs", "a\n")]);
    std::fs::create_dir(place.base.join("library")).unwrap();
    place.git("library", &["init", "-q", "-b", "main"]);
    std::fs::write(place.base.join("library/lib.rs"), "one\n").unwrap();
    place.git("library", &["add", "-A"]);
    place.git("library", &["commit", "-q", "-m", "one"]);
    place.git("work", &["submodule", "--quiet", "add", "../library", "lib"]);
    place.commit("with a submodule");
    let before = place.git("work/lib", &["rev-parse", "HEAD"]);
    std::fs::write(place.work().join("lib/lib.rs"), "two\n").unwrap();
    place.git("work/lib", &["commit", "-q", "-am", "two"]);
    let after = place.git("work/lib", &["rev-parse", "HEAD"]);
    let set = place.changes(all()).await.unwrap();
    assert_eq!(set.files.len(), 1, "{:?}", set.files);
    let note = set.files[0].note.clone().unwrap();
    assert!(note.contains(&format!("submodule, commit {} to {}", &before[..10], &after[..10])), "{note}");
    // The submodule itself, opened alone: its git folder is elsewhere and names it.
    let inner = place.changes_below(&[place.work().join("lib")], against("HEAD~1")).await.unwrap();
    assert_eq!(brief(&inner), ["Modified lib.rs +1 -1"]);
}
