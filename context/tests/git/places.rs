//! Which repositories may be read, and how much of them.

use std::path::PathBuf;

use exai_context::git::{ChangeQuery, GitFailure, GitSettings};
use exai_core::Kind;

use crate::support::{Place, all, brief, settings, staged};

fn at(path: impl Into<PathBuf>) -> ChangeQuery {
    ChangeQuery { path: Some(path.into().display().to_string()), ..all() }
}

/// A folder in a repository limits what is looked at.
#[tokio::test]
async fn a_folder_limits_what_is_compared() {
    let place = Place::with(&[("a.rs", "a\n"), ("sub/b.rs", "b\n")]);
    place.write("a.rs", "A\n");
    place.write("sub/b.rs", "B\n");
    place.write("sub/c.rs", "c\n");
    let set = place.changes(at(place.work().join("sub"))).await.unwrap();
    assert_eq!(brief(&set), ["Modified sub/b.rs +1 -1", "Untracked sub/c.rs +1 -0"]);
    // A root inside a repository: nothing above it is shown.
    let set = place.changes_below(&[place.work().join("sub")], all()).await.unwrap();
    assert_eq!(brief(&set), ["Modified b.rs +1 -1", "Untracked c.rs +1 -0"]);
}

#[tokio::test]
async fn what_is_no_repository_is_refused() {
    let place = Place::with(&[("a.rs", "a\n")]);
    std::fs::create_dir_all(place.base.join("plain")).unwrap();
    let plain = [place.base.join("plain")];
    let error = place.changes_below(&plain, all()).await.unwrap_err();
    assert!(
        matches!(&error, GitFailure::Outside(words) if words.contains("no git repository in")),
        "{error}"
    );
    let error = place.changes_below(&plain, at(place.work())).await.unwrap_err();
    assert_eq!(error.kind(), Kind::Forbidden, "{error}");
    std::os::unix::fs::symlink(place.work(), place.base.join("plain/link")).unwrap();
    let error = place.changes_below(&plain, at("link")).await.unwrap_err();
    assert_eq!(error.kind(), Kind::Forbidden, "{error}");
    let error = place.changes_below(&[], all()).await.unwrap_err();
    assert!(error.to_string().contains("no folder is open"), "{error}");
    let error = place.changes(at("nowhere")).await.unwrap_err();
    assert!(error.to_string().contains("`nowhere`: not there"), "{error}");
    place.git("plain", &["init", "-q", "--bare", "bare"]);
    let error = place.changes_below(&plain, at("bare")).await.unwrap_err();
    assert!(error.to_string().contains("bare repository"), "{error}");
}

#[tokio::test]
async fn the_first_root_with_a_repository_counts() {
    let place = Place::with(&[("a.rs", "a\n")]);
    place.write("a.rs", "b\n");
    std::fs::create_dir_all(place.base.join("plain")).unwrap();
    let set = place.changes_below(&[place.base.join("plain"), place.work()], all()).await.unwrap();
    assert_eq!(brief(&set), [format!("Modified {} +1 -1", place.work().join("a.rs").display())]);
}

/// A linked work tree is read although its repository is elsewhere.
#[tokio::test]
async fn a_linked_work_tree_is_read() {
    let place = Place::with(&[("a.rs", "a\n")]);
    place.git("work", &["worktree", "add", "-q", "-b", "other", "../tree"]);
    let tree = place.base.join("tree");
    std::fs::write(tree.join("a.rs"), "b\n").unwrap();
    let set = place.changes_below(std::slice::from_ref(&tree), all()).await.unwrap();
    assert_eq!((brief(&set), set.branch.as_deref()), (vec!["Modified a.rs +1 -1".to_owned()], Some("other")));
}

#[tokio::test]
async fn a_project_cannot_point_elsewhere() {
    let place = Place::with(&[("private.rs", "secret\n")]);
    let forged = place.base.join("forged");
    let private = place.work().join(".git");
    for kind in ["file", "link", "commondir", "worktree"] {
        if forged.exists() {
            std::fs::remove_dir_all(&forged).unwrap();
        }
        std::fs::create_dir_all(&forged).unwrap();
        match kind {
            "file" => {
                std::fs::write(forged.join(".git"), format!("gitdir: {}\n", private.display())).unwrap();
            }
            "link" => std::os::unix::fs::symlink(&private, forged.join(".git")).unwrap(),
            "commondir" => {
                place.git("forged", &["init", "-q"]);
                std::fs::write(forged.join(".git/commondir"), format!("{}\n", private.display())).unwrap();
            }
            _ => {
                place.git("forged", &["init", "-q"]);
                place.git("forged", &["config", "core.worktree", &place.work().display().to_string()]);
            }
        }
        let error = place.changes_below(std::slice::from_ref(&forged), all()).await.unwrap_err();
        assert_eq!(error.kind(), Kind::Forbidden, "{kind}: {error}");
    }
}

/// A `.git` below a private repository moves the top of the work tree down: all files above would be shown as deleted.
#[tokio::test]
async fn the_repository_around_is_not_borrowed() {
    let place =
        Place::with(&[("private.rs", "secret\n"), ("vendor/v.rs", "v\n"), ("vendor/evil/e.rs", "e\n")]);
    let vendor = place.work().join("vendor");
    let within = std::slice::from_ref(&vendor);
    for (holder, up) in [(vendor.clone(), "../.git"), (vendor.join("evil"), "../../.git")] {
        let dot_git = holder.join(".git");
        std::fs::write(&dot_git, format!("gitdir: {up}\n")).unwrap();
        let error = place.changes_below(within, at(&holder)).await.unwrap_err();
        assert_eq!(error.kind(), Kind::Forbidden, "{error}");
        std::fs::remove_file(&dot_git).unwrap();
        std::os::unix::fs::symlink(up, &dot_git).unwrap();
        let error = place.changes_below(within, at(&holder)).await.unwrap_err();
        assert_eq!(error.kind(), Kind::Forbidden, "{error}");
        std::fs::remove_file(&dot_git).unwrap();
    }
    place.write("vendor/v.rs", "changed\n");
    assert_eq!(brief(&place.changes_below(within, all()).await.unwrap()), ["Modified v.rs +1 -1"]);
}

#[tokio::test]
async fn a_repository_of_another_user_is_explained() {
    let place = Place::with(&[("a.rs", "a\n")]);
    let chowned =
        std::process::Command::new("chown").args(["-R", "12345", "."]).current_dir(place.work()).output();
    if !chowned.is_ok_and(|output| output.status.success()) {
        // Only a privileged user can give files away.
        return;
    }
    let error = place.changes(all()).await.unwrap_err();
    assert_eq!(error.kind(), Kind::Forbidden, "{error}");
    assert!(error.to_string().contains("git config --global --add safe.directory"), "{error}");
}

/// The index of a commit under way is that of its own work tree: those of others, and of submodules, lie further down.
#[tokio::test]
async fn a_named_index_is_the_trees_own() {
    let place = Place::with(&[("a.rs", "a\n")]);
    place.git("work", &["worktree", "add", "-q", "../tree"]);
    place.write("a.rs", "b\n");
    let git_dir = place.work().join(".git");
    let own = git_dir.join("worktrees/tree/next-index-1.lock");
    place.git("work", &["add", "a.rs"]);
    for copy in [own.clone(), git_dir.join("next-index-1.lock")] {
        std::fs::copy(git_dir.join("index"), copy).unwrap();
    }
    place.git("work", &["reset", "-q"]);
    let read = async |tree: &str, index: PathBuf| {
        let limits = GitSettings { index_file: Some(index), ..settings(&place.base.join("home")) };
        place.changes_within(&limits, &[place.base.join(tree)], staged()).await
    };
    for (tree, index) in [("tree", own.clone()), ("work", PathBuf::from(".git/next-index-1.lock"))] {
        let set = read(tree, index).await.unwrap();
        assert_eq!(brief(&set), ["Modified a.rs +1 -1"], "{tree}");
        assert_eq!(set.notes[0], "the index is next-index-1.lock, as GIT_INDEX_FILE says");
    }
    assert!(read("work", git_dir.join("index")).await.unwrap().is_empty(), "the usual one");
    for (tree, index) in [
        ("work", own),
        ("tree", git_dir.join("next-index-1.lock")),
        ("work", git_dir.join("refs/heads/main")),
    ] {
        let error = read(tree, index).await.unwrap_err();
        assert!(
            error.kind() == Kind::Forbidden && error.to_string().starts_with("GIT_INDEX_FILE: "),
            "{error}"
        );
    }
}
