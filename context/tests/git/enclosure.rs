//! A repository that reads another one, which is not open to the server: it is refused for every part that leads there.

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
        } else if at.symlink_metadata().is_ok() {
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
    for target in ["info/nothing", "no/folder/at/all", "HEAD/below/a/file"] {
        pair.link("info/exclude", &pair.private(target));
        assert_eq!(pair.refusal().await, there, "{target}");
    }
}

/// A reference may name another one, and git takes any file of its folder for one: a link there would lead out.
#[tokio::test]
async fn references_name_references_only() {
    for place in ["hooks/main", "modules/x/HEAD", "lfs/main", "worktrees/x/HEAD", "../outside"] {
        let pair = Pair::new();
        let private = pair.private("refs/heads/main");
        if !place.starts_with("..") {
            pair.link(place, &private);
        }
        std::fs::write(pair.own("refs/heads/main"), format!("ref: {place}\n")).unwrap();
        let words = pair.refusal().await;
        assert!(words.contains("no reference") || words.contains("leads out"), "{place}: {words}");
        // The same behind a link within the repository.
        std::fs::write(pair.forged.join("innocent"), format!("ref: {place}\n")).unwrap();
        pair.link("refs/heads/main", &pair.forged.join("innocent"));
        let words = pair.refusal().await;
        assert!(words.contains("no reference") || words.contains("leads out"), "{place}: {words}");
    }
}

/// Git before 2.39 takes `a/..` away, whatever `a` is.
#[tokio::test]
async fn borrowed_paths_do_not_turn_back() {
    let pair = Pair::new();
    std::fs::create_dir_all(pair.forged.join("x/y/z/w")).unwrap();
    std::fs::create_dir_all(pair.forged.join("work/.git/objects")).unwrap();
    symlink("../../x/y/z/w", pair.own("objects/a")).unwrap();
    pair.borrow(&pair.own("objects"), &format!("a/../../../../{}/.git/objects\n", "work"));
    let words = pair.refusal().await;
    assert!(words.contains("`..` within it"), "{words}");
}

/// An object that is named and not there is damage, not a beginning.
#[tokio::test]
async fn a_missing_commit_is_said() {
    let pair = Pair::new();
    std::fs::write(pair.own("refs/heads/main"), "0123456789012345678901234567890123456789\n").unwrap();
    let error = pair.place.changes_below(std::slice::from_ref(&pair.forged), all()).await.unwrap_err();
    assert!(error.to_string().contains("damaged"), "{error}");
}

/// Git reads the lines of a list with its quotes undone: such a name is a path anywhere.
#[tokio::test]
async fn quoted_names_open_no_file() {
    let pair = Pair::new();
    let pin = pair.place.base.join("pin");
    std::fs::write(&pin, "PIN=4711\n").unwrap();
    let quoted = pair.forged.join(format!("\"{}", pin.display()));
    std::fs::create_dir_all(quoted.parent().unwrap()).unwrap();
    std::fs::write(&quoted, "PIN=4711\n").unwrap();
    std::fs::write(pair.forged.join(".gitattributes"), "* -diff\n").unwrap();
    pair.place.git("forged", &["add", "-A"]);
    pair.place.git("forged", &["commit", "-q", "-m", "guess"]);
    std::fs::write(&quoted, "other").unwrap();
    let told = pair.shown().await;
    std::fs::write(&pin, "PIN=4712\n").unwrap();
    assert_eq!(pair.shown().await, told, "it depends on a file outside");
    assert_eq!(told.len(), 1, "{told:?}");
}

/// Pipes survive an archive. Changes of the other files are told all the same.
#[tokio::test]
async fn a_pipe_hides_new_files_only() {
    let pair = Pair::new();
    let ignore = pair.forged.join(".gitignore");
    assert!(std::process::Command::new("mkfifo").arg(&ignore).status().unwrap().success());
    let time_limit = std::time::Duration::from_secs(2);
    let limits = GitSettings { time_limit, ..settings(&pair.place.base.join("home")) };
    let set = pair.place.changes_within(&limits, std::slice::from_ref(&pair.forged), all()).await.unwrap();
    assert_eq!(brief(&set), ["Modified own.rs +1 -1"]);
    assert!(
        set.notes.iter().any(|note| note.starts_with("new files were not looked for")),
        "{:?}",
        set.notes
    );
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
    // The message of the last commit is no reference, whatever it begins with.
    std::fs::write(pair.own("COMMIT_EDITMSG"), "ref: tidy up\n").unwrap();
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
