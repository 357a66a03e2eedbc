//! Files that were moved on disk, and submodules with changes of their own.

use exai_context::{evidence::FileStatus, git::ChangeSet};

use crate::support::{Place, against, all, brief, staged, unstaged};

const TEN: &str = "one\ntwo\nthree\nfour\nfive\nsix\nseven\neight\nnine\nten\n";

fn from<'s>(set: &'s ChangeSet, path: &str) -> Option<&'s str> {
    set.files.iter().find(|file| file.path == path)?.from.as_deref()
}

/// Git lists a file that was moved and not staged as two that have nothing to do with each other.
#[tokio::test]
async fn unstaged_renames_are_recognised() {
    let other = TEN.replace('e', "E");
    let place = Place::with(&[
        ("same.rs", TEN),
        ("edited.rs", &other),
        ("gone.rs", "fn gone() { nothing_like_it() }\n"),
        ("pic.png", "a\0b"),
    ]);
    std::fs::create_dir(place.work().join("deep")).unwrap();
    for (old, new) in [("same.rs", "deep/same.rs"), ("edited.rs", "moved.rs"), ("pic.png", "photo.png")] {
        std::fs::rename(place.work().join(old), place.work().join(new)).unwrap();
    }
    std::fs::remove_file(place.work().join("gone.rs")).unwrap();
    place.write("moved.rs", other.replace("fivE", "FIVE"));
    place.write("fresh.rs", "struct Fresh;\n");
    for query in [all(), unstaged(), against("HEAD")] {
        let set = place.changes(query.clone()).await.unwrap();
        assert_eq!(
            brief(&set),
            [
                "Renamed deep/same.rs +0 -0",
                "Untracked fresh.rs +1 -0",
                "Deleted gone.rs +0 -1",
                "Renamed moved.rs +1 -1",
                "Renamed photo.png +0 -0"
            ],
            "{query:?}"
        );
        assert_eq!(
            (from(&set, "deep/same.rs"), from(&set, "moved.rs")),
            (Some("same.rs"), Some("edited.rs"))
        );
        let packed = place.packed(query).await;
        assert!(
            packed.text.contains("- renamed edited.rs to moved.rs +1 -1 (not staged under its new name)"),
            "{}",
            packed.text
        );
        assert!(packed.text.contains("    │- fivE\n   5│+ FIVE\n"), "{}", packed.text);
        assert_eq!(packed.text.matches("│+ ").count(), 2, "the moved lines are not new: {}", packed.text);
        assert!(packed.report.iter().all(|file| file.status == FileStatus::Included), "{:?}", packed.report);
    }
}

/// Under another name a secret is still one.
#[tokio::test]
async fn a_moved_secret_stays_refused() {
    let place = Place::with(&[(".env", "TOKEN=hunter2\nMORE=words of it\n"), ("a.rs", "a\n")]);
    std::fs::rename(place.work().join(".env"), place.work().join("settings.txt")).unwrap();
    let packed = place.packed(all()).await;
    assert!(!packed.text.contains("hunter2"), "{}", packed.text);
    let report = &packed.report[0];
    assert_eq!((report.path.as_str(), report.status), ("settings.txt", FileStatus::Refused));
}

/// A place with the submodule `lib`, which has one of its own, `lib/deep`.
fn with_submodules() -> Place {
    let place = Place::with(&[("a.rs", "a\n")]);
    for (name, inner) in [("inner", None), ("library", Some("../inner"))] {
        std::fs::create_dir(place.base.join(name)).unwrap();
        place.git(name, &["init", "-q", "-b", "main"]);
        std::fs::write(place.base.join(name).join("lib.rs"), "one\n").unwrap();
        if let Some(inner) = inner {
            place.git(name, &["submodule", "--quiet", "add", inner, "deep"]);
        }
        place.git(name, &["add", "-A"]);
        place.git(name, &["commit", "-q", "-m", "one"]);
    }
    place.git("work", &["submodule", "--quiet", "add", "../library", "lib"]);
    place.git("work", &["submodule", "--quiet", "update", "--init", "--recursive"]);
    place.commit("with a submodule");
    place
}

/// What is not committed in a submodule is a change, although git would have to be started in there to see it.
#[tokio::test]
async fn a_dirty_submodule_has_changed() {
    let place = with_submodules();
    assert!(place.changes(all()).await.unwrap().is_empty());
    place.write("lib/lib.rs", "two\n");
    let set = place.changes(all()).await.unwrap();
    assert_eq!(brief(&set), ["Modified lib"]);
    assert_eq!(set.files[0].note.as_deref(), Some("submodule; not committed in it: lib.rs"));
    assert!(place.changes(staged()).await.unwrap().is_empty(), "it will not be committed");
    let packed = place.packed(all()).await;
    assert!(
        packed.report[0].unseen && packed.text.contains("not committed in it: lib.rs"),
        "{}",
        packed.text
    );
    place.git("work/lib", &["checkout", "-q", "lib.rs"]);
    place.write("lib/deep/new.rs", "new\n");
    let set = place.changes(all()).await.unwrap();
    assert_eq!(brief(&set), ["Modified lib/deep"]);
    assert!(set.files[0].note.as_deref().unwrap().contains("new.rs"));
}

/// Where a submodule cannot be looked into, nothing is known of it, and nobody says that nothing has changed.
#[tokio::test]
async fn an_unknown_submodule_may_have_changed() {
    let place = with_submodules();
    let config = place.work().join(".git/modules/lib/config");
    let mut text = std::fs::read(&config).unwrap();
    text.extend_from_slice(b"[filter \"x\xff\"]\n\tclean = false\n");
    std::fs::write(&config, text).unwrap();
    let set = place.changes(all()).await.unwrap();
    assert!(!set.is_empty() && set.files.is_empty(), "{:?}", set.files);
    assert!(set.notes.iter().any(|note| note.contains("lib was not looked into")), "{:?}", set.notes);
    let packed = place.packed(all()).await;
    assert!(packed.report.iter().any(|line| line.unseen), "{:?}", packed.report);
}
