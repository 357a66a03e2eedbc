//! A repository that reads another one, which nobody has opened to the server: it is refused, whatever part of it leads there.

use std::{
    os::unix::fs::symlink,
    path::{Path, PathBuf},
};

use exai_context::git::GitSettings;
use exai_core::Kind;

use crate::support::{Place, all, brief, settings};

/// A private repository in `work` with one commit, and another one in `forged`, which is all that is open to the server.
struct Pair {
    place: Place,
    forged: PathBuf,
}

impl Pair {
    fn new() -> Self {
        let place = Place::with(&[("private.rs", "secret\n")]);
        let forged = place.base.join("forged");
        std::fs::create_dir_all(&forged).unwrap();
        place.git("forged", &["init", "-q", "-b", "main"]);
        std::fs::write(forged.join("own.rs"), "own\n").unwrap();
        place.git("forged", &["add", "-A"]);
        place.git("forged", &["commit", "-q", "-m", "own"]);
        std::fs::write(forged.join("own.rs"), "changed\n").unwrap();
        Self { place, forged }
    }

    fn private(&self, part: &str) -> PathBuf {
        self.place.work().join(".git").join(part)
    }

    fn own(&self, part: &str) -> PathBuf {
        self.forged.join(".git").join(part)
    }

    /// Puts a link in the place of a part of the git folder.
    fn link(&self, part: &str, target: &Path) {
        let at = self.own(part);
        if at.is_dir() {
            std::fs::remove_dir_all(&at).unwrap();
        } else if at.exists() {
            std::fs::remove_file(&at).unwrap();
        }
        std::fs::create_dir_all(at.parent().unwrap()).unwrap();
        symlink(target, at).unwrap();
    }

    fn borrow(&self, objects: &Path, list: &str) {
        std::fs::create_dir_all(objects.join("info")).unwrap();
        std::fs::write(objects.join("info/alternates"), list).unwrap();
    }

    async fn refusal(&self) -> String {
        let error = self.place.changes_below(std::slice::from_ref(&self.forged), all()).await.unwrap_err();
        assert_eq!(error.kind(), Kind::Forbidden, "{error}");
        error.to_string()
    }

    async fn shown(&self) -> Vec<String> {
        brief(&self.place.changes_below(std::slice::from_ref(&self.forged), all()).await.unwrap())
    }
}

#[tokio::test]
async fn no_link_leads_out_of_it() {
    for part in [
        "objects",
        "objects/pack",
        "objects/aa",
        "objects/info/alternates",
        "refs",
        "refs/heads",
        "refs/heads/main",
        "packed-refs",
        "HEAD",
        "index",
        "config",
        "config.worktree",
        "info/exclude",
        "info/attributes",
        "logs/HEAD",
        "shallow",
        "sharedindex.0123456789012345678901234567890123456789",
        "reftable/tables.list",
    ] {
        let pair = Pair::new();
        pair.place.git("work", &["pack-refs", "--all"]);
        let target = pair.private(part);
        if !target.exists() {
            std::fs::create_dir_all(target.parent().unwrap()).unwrap();
            std::fs::write(&target, "").unwrap();
        }
        pair.link(part, &target);
        let words = pair.refusal().await;
        assert!(words.contains(part) && words.contains("configured roots"), "{part}: {words}");
    }
}

/// Whether a file outside is there must not be told either.
#[tokio::test]
async fn missing_targets_are_refused_alike() {
    let pair = Pair::new();
    pair.link("info/exclude", &pair.private("info/exclude"));
    let there = pair.refusal().await;
    pair.link("info/exclude", &pair.private("info/nothing"));
    assert_eq!(pair.refusal().await, there);
}

#[tokio::test]
async fn borrowed_objects_stay_inside() {
    let written: [fn(&Pair) -> String; 4] = [
        |pair| format!("{}\n", pair.private("objects").display()),
        |_| format!("../../../{}/.git/objects\n", "work"),
        |pair| format!("# a comment\n\n{}", pair.private("objects").display()),
        |pair| format!("\"{}\"\n", pair.private("objects").display()),
    ];
    for list in written {
        let pair = Pair::new();
        pair.borrow(&pair.own("objects"), &list(&pair));
        let words = pair.refusal().await;
        assert!(words.contains("objects"), "{words}");
    }
}

#[tokio::test]
async fn chains_of_borrowed_objects_stay_inside() {
    let pair = Pair::new();
    let (first, second) = (pair.forged.join("first"), pair.forged.join("second"));
    pair.borrow(&pair.own("objects"), &format!("{}\n", first.display()));
    pair.borrow(&first, &format!("{}\n", second.display()));
    std::fs::create_dir_all(&second).unwrap();
    assert!(!pair.shown().await.is_empty(), "a chain beneath the root is read");
    pair.borrow(&second, &format!("{}\n", pair.private("objects").display()));
    let words = pair.refusal().await;
    assert!(words.contains("configured roots"), "{words}");
    // A circle ends.
    pair.borrow(&second, &format!("{}\n", first.display()));
    assert!(!pair.shown().await.is_empty());
}

#[tokio::test]
async fn pipes_in_it_are_refused() {
    for part in ["HEAD", "index", "objects/info/alternates", "packed-refs", "info/exclude"] {
        let pair = Pair::new();
        let at = pair.own(part);
        drop(std::fs::remove_file(&at));
        let made = std::process::Command::new("mkfifo").arg(&at).status().unwrap();
        assert!(made.success());
        let words = pair.refusal().await;
        assert!(words.contains(part) && words.contains("pipe"), "{part}: {words}");
    }
}

/// What people really have: a shared folder of hooks, an old symbolic HEAD, and a clone that borrows from its neighbour.
#[tokio::test]
async fn usual_links_are_read() {
    let pair = Pair::new();
    pair.link("hooks", &pair.place.base.join("home"));
    pair.link("HEAD", Path::new("refs/heads/main"));
    pair.link("description", &pair.own("config"));
    pair.place.git("forged", &["clone", "-q", "--shared", ".", "inner"]);
    std::fs::write(pair.forged.join("inner/own.rs"), "inner\n").unwrap();
    assert_eq!(pair.shown().await, ["Untracked inner", "Modified own.rs +1 -1"]);
    let inner = exai_context::git::ChangeQuery { path: Some("inner".to_owned()), ..all() };
    let set = pair.place.changes_below(std::slice::from_ref(&pair.forged), inner).await.unwrap();
    assert_eq!(brief(&set), ["Modified inner/own.rs +1 -1"]);
}

/// Git reads some of its files whole: a sparse one would take all memory of the machine.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn memory_of_git_is_bounded() {
    let pair = Pair::new();
    std::fs::File::create(pair.own("refs/heads/main")).unwrap().set_len(16 << 30).unwrap();
    let limits = GitSettings { max_memory_bytes: 64 << 20, ..settings(&pair.place.base.join("home")) };
    let roots = std::slice::from_ref(&pair.forged);
    let error = pair.place.changes_within(&limits, roots, all()).await.unwrap_err();
    assert!(error.to_string().to_lowercase().contains("out of memory"), "{error}");
}
