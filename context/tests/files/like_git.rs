//! What is left out of a folder is what git leaves out.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

use proptest::prelude::*;

use crate::support::Project;

/// Names that meet in trees and patterns, so that many patterns match.
const NAMES: &[&str] = &["a", "b", "ab", "b.o", "a.c", "x-y"];

const PATTERNS: &[&str] = &[
    "a",
    "/a",
    "a/",
    "b/",
    "*.o",
    "!b.o",
    "!*.o",
    "*",
    "!*/",
    "!a",
    "!/a/b.o",
    "/*",
    "**/a",
    "**/a/b",
    "a/**",
    "a/**/b.o",
    "**",
    "**/",
    "a**",
    "a**/b",
    "*/b",
    "a/*",
    "a/*.c",
    "?",
    "??",
    "[ab]",
    "[!a]*",
    "[^b].o",
    "[[:alpha:]]",
    "[a-]*",
    "[]a]",
    "[a",
    "a[!x]b",
    "x[+--]y",
    "{a,b}",
    "*.{o,c}",
    "\\a",
    "\\!a",
    "a\\",
    "a ",
    "a\\ ",
    "a\t",
    "# a",
    "",
    "!",
    "/",
    "//a",
    "a//b",
    "ab/../a",
    "*a*b*",
    "*/*/*",
    "**/**/b",
    "***",
    "a/***/b",
    "b/\r",
];

#[expect(clippy::disallowed_methods, reason = "git is found as the user finds it")]
fn git(folder: &Path, arguments: &[&str]) -> String {
    let out = Command::new("git")
        .args(arguments)
        .current_dir(folder)
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .env("HOME", folder.join("no-home"))
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .output()
        .unwrap();
    assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
    String::from_utf8(out.stdout).unwrap()
}

fn names() -> impl Strategy<Value = &'static str> {
    prop::sample::select(NAMES)
}

fn rules() -> impl Strategy<Value = String> {
    let known = prop::sample::select(PATTERNS).prop_map(str::to_owned);
    let line = prop_oneof![2 => known, 1 => r"[ab*?/!\[\]\\^.: -]{1,7}"];
    prop::collection::vec(line, 0..6).prop_map(|lines| lines.join("\n"))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn folders_are_walked_as_git_lists_them(
        files in prop::collection::vec(prop::collection::vec(names(), 1..4), 1..16),
        top in rules(),
        exclude in rules(),
        inner in prop::collection::vec((names(), rules()), 0..3),
    ) {
        let project = Project::new();
        let root = project.path("");
        for file in &files {
            let path = project.path(&file.join("/"));
            // A name that is a folder already, or a file on the way, stays what it is.
            if std::fs::create_dir_all(path.parent().unwrap()).is_ok() && !path.exists() {
                std::fs::write(path, "text\n").unwrap();
            }
        }
        git(&root, &["init", "-q"]);
        project.write(".git/info/exclude", &exclude);
        project.write(".gitignore", &top);
        for (folder, rules) in &inner {
            if project.path(folder).is_dir() {
                project.write(&format!("{folder}/.gitignore"), rules);
            }
        }
        let listed = git(&root, &["ls-files", "--others", "--exclude-standard"]);
        let expected: BTreeSet<&str> =
            listed.lines().filter(|name| !name.ends_with(".gitignore")).collect();
        let packed = project.pack(&["."]);
        let walked: BTreeSet<&str> =
            packed.files.iter().map(|file| file.path.as_str()).filter(|name| !name.ends_with(".gitignore")).collect();
        prop_assert_eq!(walked, expected);
    }
}
