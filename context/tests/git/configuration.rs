//! What a repository's configuration says that is not understood, or that leads elsewhere.

use std::{os::unix::fs::symlink, path::PathBuf};

use exai_context::git::user_excludes;
use exai_core::Kind;
use tokio_util::sync::CancellationToken;

use crate::{
    hostile::{sprung, trap},
    support::{Place, against, all, brief, settings, staged, unstaged},
};

/// A repository with a changed file, and its configuration.
fn place() -> (Place, PathBuf) {
    let place = Place::with(&[("a.rs", "a\n")]);
    place.write("a.rs", "b\n");
    place.write("new.rs", "new\n");
    let config = place.work().join(".git/config");
    (place, config)
}

fn append(file: &PathBuf, text: &[u8]) {
    let mut bytes = std::fs::read(file).unwrap_or_default();
    bytes.extend_from_slice(text);
    std::fs::create_dir_all(file.parent().unwrap()).unwrap();
    std::fs::write(file, bytes).unwrap();
}

async fn refusal(place: &Place) -> String {
    let mut words = String::new();
    for query in [all(), staged(), unstaged(), against("HEAD")] {
        let error = place.changes(query).await.unwrap_err();
        assert_eq!(error.kind(), Kind::Forbidden, "{error}");
        words = error.to_string();
    }
    words
}

/// A name that is not UTF-8 cannot be overridden. It was once decoded with losses, so that another driver was overridden than the
/// one that git started.
#[tokio::test]
async fn drivers_that_cannot_be_decoded_are_refused() {
    for (section, variable) in [
        ("filter", "clean"),
        ("filter", "smudge"),
        ("filter", "process"),
        ("hook", "command"),
        ("diff", "textconv"),
        ("unknown", "whatever"),
    ] {
        let (place, config) = place();
        let program = trap(&place, variable).display().to_string();
        let mut text = format!("[{section} \"odd").into_bytes();
        text.extend_from_slice(b"\xff\xfe");
        text.extend_from_slice(format!("\"]\n{variable} = {program}\n").as_bytes());
        append(&config, &text);
        append(&place.work().join(".gitattributes"), b"* filter=odd\xff\xfe\n");
        let words = refusal(&place).await;
        assert!(words.contains("not UTF-8") && words.contains(section), "{words}");
        assert_eq!(sprung(&place), Vec::<String>::new(), "{section}");
    }
}

#[tokio::test]
async fn undecodable_drivers_elsewhere_are_refused() {
    let driver = b"[filter \"\xff\"]\nclean = touch /nonexistent\n";
    // In an included file, in the configuration of the work tree, in the user's own.
    let (place, config) = place();
    append(&config, b"[include]\npath = more\n");
    append(&place.work().join(".git/more"), driver);
    assert!(refusal(&place).await.contains("not UTF-8"));
    let (place, _) = self::place();
    append(&place.work().join(".git/config.worktree"), driver);
    assert!(refusal(&place).await.contains("not UTF-8"));
    let (place, _) = self::place();
    append(&place.base.join("home/.gitconfig"), driver);
    assert!(refusal(&place).await.contains("not UTF-8"));
}

#[tokio::test]
async fn undecodable_programs_are_refused() {
    let (place, config) = place();
    append(&config, b"[core]\nfsmonitor = /tmp/\xff\n");
    let words = refusal(&place).await;
    assert!(words.contains("core.fsmonitor"), "{words}");
}

#[tokio::test]
async fn branches_may_have_any_name() {
    let (place, config) = place();
    append(&config, b"[branch \"caf\xe9\"]\nremote = origin\nmerge = refs/heads/caf\xe9\n");
    assert_eq!(brief(&place.changes(all()).await.unwrap()).len(), 2);
}

#[tokio::test]
async fn drivers_of_included_files_are_disarmed() {
    let (place, config) = place();
    let program = trap(&place, "included").display().to_string();
    append(&config, b"[include]\npath = ../more.config\n[includeIf \"onbranch:main\"]\npath = branch\n");
    append(&place.work().join("more.config"), format!("[filter \"one\"]\nclean = {program}\n").as_bytes());
    append(&place.work().join(".git/branch"), format!("[filter \"two\"]\nprocess = {program}\n").as_bytes());
    append(&place.work().join(".gitattributes"), b"a.rs filter=one\nnew.rs filter=two\n");
    for query in [all(), staged(), unstaged(), against("HEAD")] {
        place.changes(query).await.unwrap();
    }
    assert_eq!(sprung(&place), Vec::<String>::new());
}

#[tokio::test]
async fn includes_stay_inside() {
    for written in [
        "/etc/passwd",
        "../../home/secret",
        "~/secret",
        "~root/secret",
        "%(prefix)/secret",
        "/dev/zero",
        "/nowhere/at/all",
        "../linked",
    ] {
        for section in ["[include]", "[includeIf \"gitdir:/\"]", "[includeIf \"hasconfig:remote.*.url:x\"]"] {
            let (place, config) = place();
            std::fs::write(place.base.join("home/secret"), "[core]\n").unwrap();
            symlink(place.base.join("home/secret"), place.work().join("linked")).unwrap();
            append(&config, b"[include]\npath = chain\n");
            append(&place.work().join(".git/chain"), format!("{section}\npath = {written}\n").as_bytes());
            let words = refusal(&place).await;
            assert!(words.starts_with("path: the "), "{written}: {words}");
        }
    }
}

/// An extension of the format can place the references elsewhere.
#[tokio::test]
async fn unknown_extensions_are_refused() {
    for setting in ["refStorage = files:///srv/other", "refStorage = odd", "elsewhere = /srv/other"] {
        let (place, config) = place();
        append(&config, format!("[core]\nrepositoryFormatVersion = 1\n[extensions]\n{setting}\n").as_bytes());
        let words = refusal(&place).await;
        assert!(words.contains("not known here"), "{words}");
    }
}

#[tokio::test]
async fn files_outside_are_left_out_and_told() {
    let (place, config) = place();
    std::fs::write(place.base.join("home/ignore"), "new.rs\n").unwrap();
    append(&config, format!("[core]\nexcludesFile = {}/home/ignore\n", place.base.display()).as_bytes());
    let set = place.changes(all()).await.unwrap();
    assert_eq!(brief(&set), ["Modified a.rs +1 -1", "Untracked new.rs +1 -0"]);
    assert!(
        set.notes.iter().any(|note| note.starts_with("core.excludesFile of the repository")),
        "{:?}",
        set.notes
    );
    // Git makes another path of these, whatever lies inside by their name.
    for written in ["%(prefix)/../home/ignore", ":(optional)../home/ignore", "~/ignore"] {
        let (place, config) = self::place();
        std::fs::write(place.base.join("home/ignore"), "new.rs\n").unwrap();
        append(&place.work().join(written), b"a.rs\n");
        append(&config, format!("[core]\nexcludesFile = \"{written}\"\n").as_bytes());
        let set = place.changes(all()).await.unwrap();
        assert!(set.notes.iter().any(|note| note.contains("was left out")), "{written}: {:?}", set.notes);
        assert!(brief(&set).iter().any(|file| file.starts_with("Untracked new.rs")), "{written}");
    }
    // Inside it is read, and the user's own is, wherever it lies.
    let (place, config) = self::place();
    append(&config, b"[core]\nexcludesFile = .git/ignore\n");
    append(&place.work().join(".git/ignore"), b"new.rs\n");
    let set = place.changes(all()).await.unwrap();
    assert_eq!((brief(&set), set.notes.len()), (vec!["Modified a.rs +1 -1".to_owned()], 0));
    let (place, _) = self::place();
    append(&place.base.join("home/.gitconfig"), b"[core]\nexcludesFile = ~/ignore\n");
    append(&place.base.join("home/ignore"), b"new.rs\n");
    assert_eq!(brief(&place.changes(all()).await.unwrap()), ["Modified a.rs +1 -1"]);
}

#[tokio::test]
async fn the_users_excludes_are_found() {
    let (place, _) = place();
    let home = place.base.join("home");
    let found = async || user_excludes(&settings(&home), &CancellationToken::new()).await.unwrap();
    assert_eq!(found().await, home.join(".config/git/ignore"));
    append(&home.join(".gitconfig"), b"[core]\nexcludesFile = ~/caf\xc3\xa9 ignore\n");
    assert_eq!(found().await, home.join("caf\u{e9} ignore"));
}

#[tokio::test]
async fn huge_or_broken_configuration_is_refused() {
    let (place, config) = place();
    append(&config, "# much\n".repeat(200_000).as_bytes());
    assert!(refusal(&place).await.contains("larger than"));
    let (place, config) = self::place();
    append(&config, b"[core\n");
    let words = refusal(&place).await;
    assert!(words.contains("cannot be read") && words.contains("bad config line"), "{words}");
}

/// A submodule's `.git` can name any repository; the commit that is checked out there must not be told.
#[tokio::test]
async fn submodules_elsewhere_are_not_compared() {
    let place = Place::with(&[("a.rs", "a\n")]);
    for name in ["private", "library"] {
        std::fs::create_dir(place.base.join(name)).unwrap();
        place.git(name, &["init", "-q", "-b", "main"]);
        std::fs::write(place.base.join(name).join("lib.rs"), name).unwrap();
        place.git(name, &["add", "-A"]);
        place.git(name, &["commit", "-q", "-m", "one"]);
    }
    let secret = place.git("private", &["rev-parse", "HEAD"]);
    place.git("work", &["submodule", "--quiet", "add", "../library", "lib"]);
    place.commit("with a submodule");
    place.write("a.rs", "b\n");
    let shown = place.changes(all()).await.unwrap();
    assert_eq!((brief(&shown), shown.notes.len()), (vec!["Modified a.rs +1 -1".to_owned()], 0));
    let private = place.base.join("private/.git");
    std::fs::write(place.work().join("lib/.git"), format!("gitdir: {}\n", private.display())).unwrap();
    let packed = place.packed(all()).await;
    assert!(!packed.text.contains(&secret[..10]), "{}", packed.text);
    assert!(packed.text.contains("submodules were not compared, because of lib"), "{}", packed.text);
    assert!(packed.text.contains("   1│+ b\n"), "{}", packed.text);
}

/// Git asks for less than the server: what git could take for a repository is not passed over.
#[tokio::test]
async fn half_repositories_are_not_compared() {
    let place = Place::with(&[("a.rs", "a\n")]);
    std::fs::create_dir(place.base.join("private")).unwrap();
    place.git("private", &["init", "-q", "-b", "main"]);
    place.git("private", &["commit", "-q", "--allow-empty", "-m", "one"]);
    let secret = place.git("private", &["rev-parse", "HEAD"]);
    let link = "160000,1111111111111111111111111111111111111111,sub";
    place.git("work", &["update-index", "--add", "--cacheinfo", link]);
    place.git("work", &["commit", "-q", "-m", "with a submodule"]);
    let inner = place.work().join("sub/.git");
    std::fs::create_dir_all(&inner).unwrap();
    std::fs::write(inner.join("HEAD"), "ref: refs/heads/main\n").unwrap();
    symlink(place.base.join("private/.git/refs"), inner.join("refs")).unwrap();
    std::fs::write(inner.join("objects"), "").unwrap();
    std::process::Command::new("chmod").arg("+x").arg(inner.join("objects")).status().unwrap();
    place.write("a.rs", "b\n");
    let packed = place.packed(all()).await;
    assert!(!packed.text.contains(&secret[..10]), "{}", packed.text);
    assert!(packed.text.contains("submodules were not compared, because of sub"), "{}", packed.text);
}
