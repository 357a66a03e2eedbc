//! The repository's own rules: sizes, names, first lines, paths in texts, and words that belong to nobody's machine.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

/// Folders with programs that are built and shipped.
const PRODUCTION: [&str; 17] = [
    "src",
    "config",
    "core",
    "prompts",
    "providers",
    "store",
    "context",
    "answers",
    "agents",
    "clients",
    "inspect",
    "thoughts",
    "inference",
    "engine",
    "tools",
    "server",
    "transports",
];
/// The most lines of a file, without its own tests.
const MAX_LINES: usize = 500;
/// The most lines of a crate, without tests.
const MAX_CRATE_LINES: usize = 9_000;
/// The most words of a test's name.
const MAX_TEST_WORDS: usize = 7;
/// Words that say nothing about what a thing is.
const EMPTY_WORDS: [&str; 4] = ["Manager", "Helper", "Util", "V2"];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Every file below a folder of the repository, as a path from its root; what is built or fetched is left out.
fn files_below(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("a folder of the repository") {
        let path = entry.expect("an entry").path();
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        if path.is_dir() {
            // Hidden folders belong to tools, except the one for settings.
            if !["target", "node_modules", "corpus", "artifacts"].contains(&name)
                && (!name.starts_with('.') || name == ".config")
            {
                files_below(&path, found);
            }
        } else {
            found.push(path.strip_prefix(root()).expect("below the root").to_owned());
        }
    }
}

fn files(extension: &str) -> Vec<(PathBuf, String)> {
    let mut found = Vec::new();
    files_below(root(), &mut found);
    found.retain(|path| path.extension().is_some_and(|found| found == extension));
    found.sort();
    assert!(!found.is_empty(), "no .{extension} files");
    found
        .into_iter()
        .map(|path| (path.clone(), fs::read_to_string(root().join(&path)).expect("text")))
        .collect()
}

/// Sources of our own; fixtures are read by tests and follow no rule.
fn sources() -> Vec<(PathBuf, String)> {
    files("rs")
        .into_iter()
        .filter(|(path, _)| !path.components().any(|part| part.as_os_str() == "fixtures"))
        .collect()
}

fn is_production(path: &Path) -> bool {
    PRODUCTION.iter().any(|folder| path.starts_with(folder))
        && !path.components().any(|part| part.as_os_str() == "tests")
        && path.file_name().is_some_and(|name| name != "tests.rs")
}

/// The lines before a file's own tests.
fn without_tests(text: &str) -> Vec<&str> {
    let lines: Vec<&str> = text.lines().collect();
    let inline =
        |pair: &[&str]| pair[0] == "#[cfg(test)]" && pair[1].starts_with("mod ") && pair[1].ends_with('{');
    let end = lines.windows(2).position(inline).unwrap_or(lines.len());
    lines[..end].to_vec()
}

/// The name that a line declares, when it declares a type, a trait or a module.
fn declared(line: &str) -> Option<&str> {
    let line = line.trim_start();
    let line =
        line.strip_prefix("pub").map_or(line, |rest| rest.trim_start_matches(|c| c != ' ').trim_start());
    let (keyword, rest) = line.split_once(' ')?;
    let name = rest.split(|c: char| !c.is_alphanumeric() && c != '_').next()?;
    ["struct", "enum", "trait", "type", "mod"].contains(&keyword).then_some(name)
}

fn assert_none(broken: &[String], rule: &str) {
    assert!(broken.is_empty(), "{rule}:\n{}", broken.join("\n"));
}

#[test]
fn no_file_is_longer_than_one_idea() {
    let long: Vec<String> = sources()
        .iter()
        .map(|(path, text)| (path, without_tests(text).len()))
        .filter(|(_, lines)| *lines > MAX_LINES)
        .map(|(path, lines)| format!("{}: {lines} lines", path.display()))
        .collect();
    assert_none(&long, "a file has at most 500 lines without its own tests");
}

/// A crate that grows beyond this is two. What is built for tests and fuzzers only is no part of it.
#[test]
fn a_crate_stays_within_its_size() {
    let mut lines = BTreeMap::from(PRODUCTION.map(|folder| (folder, 0)));
    let is_counted = |path: &Path| is_production(path) && !path.ends_with("fuzzing.rs");
    for (path, text) in sources().iter().filter(|(path, _)| is_counted(path)) {
        let folder = PRODUCTION.iter().find(|folder| path.starts_with(folder)).expect("a crate");
        *lines.entry(folder).or_default() += without_tests(text).len();
    }
    assert!(lines.values().all(|lines| *lines > 0), "every crate is counted: {lines:?}");
    let largest = lines.values().max().copied().unwrap_or_default();
    assert!(
        largest <= MAX_CRATE_LINES,
        "a crate has at most {MAX_CRATE_LINES} lines without tests: {lines:#?}"
    );
}

/// The names of the tests of a file.
fn test_names(text: &str) -> Vec<&str> {
    let mut names = Vec::new();
    let mut is_test = false;
    for line in text.lines().map(str::trim_start) {
        if line.starts_with("#[test]") || line.starts_with("#[tokio::test") {
            is_test = true;
        } else if is_test && let Some((_, rest)) = line.split_once("fn ") {
            names.extend(rest.split('(').next());
            is_test = false;
        }
    }
    names
}

#[test]
fn a_tests_name_has_seven_words() {
    let mut long = Vec::new();
    let mut looked_at = 0;
    for (path, text) in sources() {
        let names = test_names(&text);
        looked_at += names.len();
        let is_long = |name: &&str| name.split('_').count() > MAX_TEST_WORDS;
        long.extend(names.into_iter().filter(is_long).map(|name| format!("{}: {name}", path.display())));
    }
    assert_none(&long, "a test's name has at most seven words; the story is its comment");
    assert!(looked_at > 500, "the tests are found");
}

#[test]
fn tests_are_found_below_their_attributes() {
    let text = "#[tokio::test(\n    flavor = \"x\"\n)]\n// y\nasync fn a() {}\nfn b() {}\n#[test]\n#[ignore]\nfn c(x: u8) {}\n";
    assert_eq!(test_names(text), ["a", "c"]);
}

#[test]
fn a_files_own_tests_are_not_counted() {
    let text = "//! x\nfn a() {}\n#[cfg(test)]\nmod tests {\n}\n";
    assert_eq!(without_tests(text).len(), 2);
    assert_eq!(
        without_tests("#[cfg(test)]\nmod tests;\nfn a() {}\n").len(),
        3,
        "tests of another file end nothing"
    );
}

#[test]
fn every_file_says_first_what_it_knows() {
    let silent: Vec<String> = sources()
        .iter()
        .filter(|(_, text)| !text.starts_with("//! "))
        .map(|(path, _)| path.display().to_string())
        .collect();
    assert_none(&silent, "the first line of a file is a `//!` line");
}

#[test]
fn names_say_what_a_thing_is() {
    let mut empty = Vec::new();
    for (path, text) in sources() {
        let stem = path.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default();
        let in_file_name =
            |word: &&str| stem.split('_').any(|part| part.trim_end_matches('s').eq_ignore_ascii_case(word));
        if EMPTY_WORDS.iter().any(in_file_name) {
            empty.push(path.display().to_string());
        }
        let named_emptily =
            |name: &&str| EMPTY_WORDS.iter().any(|word| name.contains(word)) || name.ends_with("_v2");
        let names = text.lines().filter_map(declared).filter(named_emptily);
        empty.extend(names.map(|name| format!("{}: {name}", path.display())));
    }
    assert_none(&empty, "no Manager, Helper, Util or v2");
}

#[test]
fn declarations_are_recognised() {
    for (line, name) in [
        ("pub(crate) struct ThreadManager<T> {", Some("ThreadManager")),
        ("    type Util = u8;", Some("Util")),
        ("mod string_util;", Some("string_util")),
        ("let helper = 1;", None),
        ("// struct Manager", None),
    ] {
        assert_eq!(declared(line), name, "{line}");
    }
}

#[test]
fn the_environment_is_read_in_one_place() {
    let reads = ["env::var(", "env::var_os(", "env::vars(", "env::vars_os("];
    let elsewhere: Vec<String> = sources()
        .iter()
        .filter(|(path, text)| {
            is_production(path)
                && path != Path::new("config/src/env.rs")
                && without_tests(text).iter().any(|line| reads.iter().any(|read| line.contains(read)))
        })
        .map(|(path, _)| path.display().to_string())
        .collect();
    assert_none(&elsewhere, "only config/src/env.rs reads the environment");
    let home = fs::read_to_string(root().join("config/src/env.rs")).unwrap();
    assert!(reads.iter().any(|read| home.contains(read)), "and it does: the rule looks for the right words");
}

#[test]
fn nothing_prints_but_the_command_line() {
    let prints = ["println!(", "print!(", "eprintln!(", "eprint!(", "dbg!("];
    let printing: Vec<String> = sources()
        .iter()
        .filter(|(path, text)| {
            let said = |line: &&str| prints.iter().any(|print| line.trim_start().starts_with(print));
            is_production(path) && without_tests(text).iter().any(said)
        })
        .map(|(path, _)| path.display().to_string())
        .collect();
    assert_none(&printing, "standard output belongs to the protocol");
}

/// Texts between backticks outside code blocks, and the targets of links.
fn references(text: &str) -> Vec<(bool, String)> {
    let mut found = Vec::new();
    let mut in_block = false;
    for line in text.lines() {
        if line.trim_start().starts_with("```") {
            in_block = !in_block;
            continue;
        }
        if in_block {
            continue;
        }
        found.extend(line.split('`').skip(1).step_by(2).map(|code| (false, code.to_owned())));
        let targets = line.split("](").skip(1).filter_map(|rest| rest.split(')').next());
        found.extend(targets.map(|target| (true, target.to_owned())));
    }
    found
}

/// Whether code in a text means a file or folder of this repository.
fn is_repository_path(code: &str, top: &BTreeSet<String>) -> bool {
    let plain = code.chars().all(|c| c.is_ascii_alphanumeric() || "._-/".contains(c));
    // `NAME` stands for what the reader adds.
    plain && !code.contains("NAME") && code.split_once('/').is_some_and(|(first, _)| top.contains(first))
}

#[test]
fn every_path_that_a_text_mentions_exists() {
    let top: BTreeSet<String> = fs::read_dir(root())
        .unwrap()
        .map(|entry| entry.unwrap())
        .filter(|entry| entry.path().is_dir())
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .filter(|name| !["target", ".git"].contains(&name.as_str()))
        .collect();
    let mut missing = Vec::new();
    let mut looked_at = 0;
    // The prompts speak of other people's files.
    for (path, text) in files("md").iter().filter(|(path, _)| !path.starts_with("prompts/templates")) {
        let folder = root().join(path);
        let folder = folder.parent().unwrap();
        for (is_link, target) in references(text) {
            let place = target.split('#').next().unwrap_or_default();
            let exists = if is_link {
                if target.contains("://") || target.starts_with('#') || target.starts_with("mailto:") {
                    continue;
                }
                folder.join(place).exists()
            } else if is_repository_path(&target, &top) {
                root().join(place).exists()
            } else {
                continue;
            };
            looked_at += 1;
            if !exists {
                missing.push(format!("{}: {target}", path.display()));
            }
        }
    }
    assert_none(&missing, "texts speak of what is there");
    assert!(looked_at > 0, "the rule finds paths to look at");
}

#[test]
fn references_are_found_in_prose_only() {
    let text = "see `src/main.rs` and [docs](docs/x.md#part)\n```\n`src/no.rs` [x](no.md)\n```\n`a b`\n";
    let found = references(text);
    let expected = [(false, "src/main.rs"), (true, "docs/x.md#part"), (false, "a b")];
    assert_eq!(found, expected.map(|(is_link, text)| (is_link, text.to_owned())));
    let top = BTreeSet::from(["src".to_owned()]);
    assert!(is_repository_path("src/main.rs", &top));
    for other in ["a/b", "src", "src/*.rs", "src/main.rs:10", "and/or"] {
        assert!(!is_repository_path(other, &top), "{other}");
    }
}

/// The rows of the table of checks, by id: what is promised, and the tests of it.
fn checks(text: &str) -> Vec<(&str, &str, Vec<&str>)> {
    let rows = text.lines().filter_map(|line| line.strip_prefix("| ")?.strip_suffix('|'));
    let cells = rows.map(|row| row.split(" |").map(str::trim).collect::<Vec<_>>());
    cells
        .filter_map(|cells| match cells.as_slice() {
            [id, promise, tests, ..] if id.contains('-') => {
                Some((*id, *promise, tests.split('`').skip(1).step_by(2).collect()))
            }
            _ => None,
        })
        .collect()
}

#[test]
fn every_check_names_its_tests() {
    let text = fs::read_to_string(root().join("docs/reliability.md")).unwrap();
    let sources = sources();
    let ignored: BTreeSet<&str> = sources.iter().flat_map(|(_, text)| ignored_names(text)).collect();
    let names: BTreeSet<&str> = sources.iter().flat_map(|(_, text)| test_names(text)).collect();
    let rows = checks(&text);
    assert!(rows.len() > 30, "the table is read");
    let mut broken = Vec::new();
    for (id, promise, tests) in &rows {
        broken.extend(tests.iter().filter(|test| !names.contains(*test)).map(|test| format!("{id}: {test}")));
        let starred = |test: &&&str| ignored.contains(**test) != text.contains(&format!("`{test}`*"));
        broken.extend(tests.iter().filter(starred).map(|test| format!("{id}: the * of {test}")));
        if tests.is_empty() && !promise.starts_with("Not covered") {
            broken.push(format!("{id}: no test"));
        }
        if rows.iter().filter(|(other, ..)| other == id).count() > 1 {
            broken.push(format!("{id}: more than one row"));
        }
    }
    assert_none(&broken, "a check has tests that are there, or says that it has none");
}

/// The names of the tests of a file that run on demand only.
fn ignored_names(text: &str) -> Vec<&str> {
    let with = text.split("#[ignore").skip(1).filter_map(|rest| rest.split_once("fn "));
    with.filter_map(|(_, rest)| rest.split('(').next()).collect()
}

#[test]
fn checks_are_read_row_by_row() {
    let text = "| Id | Promise | Tests |\n|---|---|---|\n| L-01 | a `b` c | `d`, `e`* |\n| L-02 | Not covered: f | |\n";
    assert_eq!(
        checks(text),
        [("L-01", "a `b` c", vec!["d", "e"]), ("L-02", "Not covered: f", Vec::<&str>::new())]
    );
    assert_eq!(ignored_names("#[test]\n#[ignore = \"x\"]\nasync fn a() {}\n#[test]\nfn b() {}\n"), ["a"]);
}

#[test]
fn nothing_speaks_of_the_authors_machine() {
    // Put together here, so that this file does not contain them itself.
    let words = [
        concat!("/wo", "rk/"),
        concat!("/root/.car", "go"),
        concat!("hou", "se.md"),
        concat!("index.crates", ".io"),
        concat!("static.crates", ".io"),
        concat!("registry.npmjs", ".org"),
        concat!("pypi", ".org"),
        concat!("files.python", "hosted.org"),
    ];
    let mut found = Vec::new();
    for extension in ["rs", "md", "toml", "json", "snap", "sql"] {
        for (path, text) in files(extension) {
            let said = words.iter().filter(|word| text.contains(*word));
            found.extend(said.map(|word| format!("{}: {word}", path.display())));
        }
    }
    assert_none(&found, "no paths of machines and no hosts of registries");
}

#[test]
fn every_prompt_is_used() {
    let mut code = String::new();
    for (path, text) in files("rs") {
        if path.starts_with("prompts/src") {
            code.push_str(&text);
        }
    }
    let templates = root().join("prompts/templates");
    let mut found = Vec::new();
    files_below(&templates, &mut found);
    assert!(found.len() > 3, "there are templates");
    let unused: Vec<String> = found
        .iter()
        .map(|path| path.strip_prefix("prompts/templates").unwrap().display().to_string())
        .filter(|name| !code.contains(&format!("templates/{name}\"")))
        .collect();
    assert_none(&unused, "templates that no code includes");
}

#[test]
fn every_file_of_these_tests_is_compiled() {
    let main = fs::read_to_string(root().join("tests/it/main.rs")).unwrap();
    let listed: Vec<&str> = main
        .lines()
        .filter_map(|line| line.strip_prefix("mod ").and_then(|rest| rest.strip_suffix(';')))
        .collect();
    assert!(listed.is_sorted(), "in order");
    let mut there: Vec<String> = fs::read_dir(root().join("tests/it"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "rs"))
        .map(|path| path.file_stem().unwrap().to_string_lossy().into_owned())
        .filter(|name| name != "main")
        .collect();
    there.sort();
    assert_eq!(listed, there);
}
