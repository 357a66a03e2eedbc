//! A repository whose configuration names programs: none of them is started.

use std::path::{Path, PathBuf};

use crate::support::{Place, against, all, staged, unstaged};

/// A program that leaves a trace when it is run.
pub(crate) fn trap(place: &Place, name: &str) -> PathBuf {
    use std::os::unix::fs::PermissionsExt as _;
    let path = place.base.join(format!("trap-{name}"));
    let trace = place.base.join(format!("sprung-{name}"));
    std::fs::write(&path, format!("#!/bin/sh\ntouch '{}'\ncat\n", trace.display())).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
    path
}

pub(crate) fn sprung(place: &Place) -> Vec<String> {
    let mut names: Vec<String> = std::fs::read_dir(&place.base)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned())
        .filter(|name| name.starts_with("sprung-"))
        .collect();
    names.sort();
    names
}

/// Every setting that can name a program, from the table of the decision about it.
fn settings_that_name_programs() -> Vec<String> {
    let path =
        concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/decisions/0017-what-a-repository-makes-git-do.md");
    let text = std::fs::read_to_string(path).unwrap();
    let table = text.split("\n## ").find(|part| part.starts_with("What can start a program")).unwrap();
    let rows = table.lines().filter_map(|line| line.strip_prefix("| setting | `")?.split('`').next());
    rows.map(str::to_owned).collect()
}

/// Points every setting of the table at a trap: under each name that the commands of the server could look for.
fn arm(place: &Place, folder: &str) {
    const COMMANDS: &[&str] = &[
        "config",
        "rev-parse",
        "diff",
        "ls-files",
        "check-attr",
        "hash-object",
        "symbolic-ref",
        "merge-base",
        "for-each-ref",
    ];
    let settings = settings_that_name_programs();
    assert!(settings.len() > 50, "the table is read");
    for setting in settings {
        let program = trap(place, &setting.replace(['*', '.'], "-")).display().to_string();
        let set = |key: &str, value: &str| {
            place.git(folder, &["config", key, value]);
        };
        match setting.as_str() {
            "alias.*" => {
                COMMANDS.iter().for_each(|name| set(&format!("alias.{name}"), &format!("!{program}")));
            }
            "pager.*" => COMMANDS.iter().for_each(|name| set(&format!("pager.{name}"), &program)),
            "filter.*.process" => set("filter.Odd=name.process", &program),
            "submodule.*.update" => set("submodule.lib.update", &format!("!{program}")),
            "core.hooksPath" => {
                let hooks = place.base.join("hooks");
                std::fs::create_dir_all(&hooks).unwrap();
                for hook in
                    ["post-index-change", "fsmonitor-watchman", "post-checkout", "reference-transaction"]
                {
                    std::fs::copy(&program, hooks.join(hook)).unwrap();
                }
                set(&setting, &hooks.display().to_string());
            }
            "hook.*.command" => {
                set("hook.evil.command", &program);
                set("hook.evil.event", "post-index-change");
            }
            _ => set(&setting.replace('*', "evil"), &program),
        }
    }
}

fn disguise(top: &Path) {
    let attributes = "*.c diff=evil merge=evil\n*.x filter=evil\n*.p filter=Odd=name\n";
    std::fs::write(top.join(".gitattributes"), attributes).unwrap();
    let info = top.join(".git/info");
    if info.parent().is_some_and(Path::is_dir) {
        std::fs::create_dir_all(&info).unwrap();
        std::fs::write(info.join("attributes"), attributes).unwrap();
    }
}

fn change(place: &Place) {
    for name in ["a.c", "a.x", "a.p", "a.rs"] {
        place.write(name, "changed\n");
    }
    place.write("new.x", "new\n");
    place.write("new.c", "new\n");
}

#[tokio::test]
async fn no_program_of_the_repository_is_started() {
    let place = Place::with(&[("a.c", "int a;\n"), ("a.x", "x\n"), ("a.p", "p\n"), ("a.rs", "fn a() {}\n")]);
    disguise(&place.work());
    change(&place);
    arm(&place, "work");
    for query in [all(), staged(), unstaged(), against("main"), against("HEAD")] {
        let set = place.changes(query).await.unwrap();
        let packed = exai_context::git::pack(&set, 100_000, None).await.unwrap();
        assert!(!packed.text.is_empty());
    }
    assert_eq!(sprung(&place), Vec::<String>::new());
    let packed = place.packed(all()).await;
    assert!(packed.text.contains("   1│+ changed"), "the files without a filter are shown: {}", packed.text);
    let filtered = packed.report.iter().find(|file| file.path == "a.x").and_then(|file| file.reason.clone());
    assert!(filtered.unwrap().contains("goes through a filter"));
    // The traps work: git as a user runs it springs some of them.
    drop(place.try_git("work", &["status"]));
    assert!(!sprung(&place).is_empty(), "the test would notice");
}

#[tokio::test]
async fn no_program_of_a_submodule_is_started() {
    let place = Place::with(&[("a.rs", "a\n")]);
    std::fs::create_dir(place.base.join("library")).unwrap();
    place.git("library", &["init", "-q", "-b", "main"]);
    std::fs::write(place.base.join("library/lib.x"), "one\n").unwrap();
    place.git("library", &["add", "-A"]);
    place.git("library", &["commit", "-q", "-m", "one"]);
    place.git("work", &["submodule", "--quiet", "add", "../library", "lib"]);
    place.commit("with a submodule");
    std::fs::write(place.work().join("lib/.gitattributes"), "* filter=evil diff=evil\n").unwrap();
    std::fs::write(place.work().join("lib/lib.x"), "two\n").unwrap();
    place.write("a.rs", "b\n");
    arm(&place, "work/lib");
    arm(&place, "work");
    for query in [all(), staged(), unstaged(), against("HEAD")] {
        let set = place.changes(query).await.unwrap();
        exai_context::git::pack(&set, 100_000, None).await.unwrap();
    }
    assert_eq!(sprung(&place), Vec::<String>::new());
}

#[tokio::test]
async fn a_missing_object_is_not_fetched() {
    let place = Place::with(&[("a.rs", "a\n")]);
    let blob = place.git("work", &["rev-parse", "HEAD:a.rs"]);
    std::fs::remove_file(place.work().join(".git/objects").join(&blob[..2]).join(&blob[2..])).unwrap();
    place.write("a.rs", "b\n");
    let program = trap(&place, "fetch");
    for (key, value) in [
        ("core.repositoryFormatVersion", "1".to_owned()),
        ("extensions.partialClone", "origin".to_owned()),
        ("remote.origin.promisor", "true".to_owned()),
        ("remote.origin.url", format!("ext::{}", program.display())),
        ("protocol.ext.allow", "always".to_owned()),
        ("remote.origin.uploadpack", program.display().to_string()),
    ] {
        place.git("work", &["config", key, &value]);
    }
    let error = place.changes(all()).await.unwrap_err();
    assert!(error.to_string().starts_with("git diff failed"), "{error}");
    assert_eq!(sprung(&place), Vec::<String>::new());
}

#[tokio::test]
async fn configuration_does_not_change_what_is_shown() {
    let place = Place::with(&[("a.rs", "one\ntwo\nthree\n"), ("sub/b.rs", "b\n")]);
    place.write("a.rs", "one\nTWO\nthree\n");
    place.git("work", &["mv", "sub/b.rs", "sub/c.rs"]);
    let plain = place.packed(all()).await.text;
    for (key, value) in [
        ("color.ui", "always"),
        ("diff.noprefix", "true"),
        ("diff.mnemonicPrefix", "true"),
        ("diff.context", "0"),
        ("diff.renames", "false"),
        ("diff.relative", "true"),
        ("diff.algorithm", "minimal"),
        ("diff.wordRegex", "."),
        ("diff.colorMoved", "zebra"),
        ("core.quotePath", "true"),
        ("diff.orderFile", "/etc/passwd"),
        ("diff.ignoreSubmodules", "all"),
        ("diff.suppressBlankEmpty", "true"),
    ] {
        place.git("work", &["config", key, value]);
    }
    assert_eq!(place.packed(all()).await.text, plain);
}
