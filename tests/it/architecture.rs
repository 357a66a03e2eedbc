//! The arrows between crates: who may use whom, and who alone may use what from outside.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
};

use cargo_metadata::{CargoOpt, DependencyKind, MetadataCommand};
use exai_providers::VendorKind;

const PREFIX: &str = "exai-mcp-";

/// What each crate may use of ours, for building it and for running it.
const ARROWS: [(&str, &[&str]); 18] = [
    ("core", &[]),
    ("prompts", &[]),
    ("context", &["core"]),
    ("agents", &["core", "prompts"]),
    ("clients", &[]),
    ("answers", &["context", "core"]),
    ("inspect", &["context", "core"]),
    ("inference", &["context", "core"]),
    ("engine", &["agents", "answers", "context", "core", "inference", "inspect", "prompts"]),
    ("thoughts", &[]),
    ("providers", &["core", "thoughts"]),
    ("store", &["core"]),
    ("server", &["core"]),
    ("transports", &["core", "server"]),
    ("tools", &["clients", "core", "engine", "prompts"]),
    (
        "config",
        &["context", "core", "engine", "prompts", "providers", "server", "store", "tools", "transports"],
    ),
    ("mock-vendor", &[]),
    (
        "exai-mcp",
        &[
            "clients",
            "config",
            "context",
            "core",
            "engine",
            "prompts",
            "providers",
            "server",
            "store",
            "tools",
            "transports",
        ],
    ),
];

/// Crates from outside that only some of ours may use.
const OUTSIDE: [(&str, &[&str]); 8] = [
    ("rmcp", &["exai-mcp", "tools", "transports"]),
    ("sqlx", &["store"]),
    ("reqwest", &["providers"]),
    ("reqwest-middleware", &["providers"]),
    ("reqwest-retry", &["providers"]),
    ("axum", &["mock-vendor", "server", "transports"]),
    ("clap", &["exai-mcp"]),
    ("anyhow", &["exai-mcp"]),
];

/// The dependencies of each crate of the workspace, without those for tests.
fn dependencies() -> BTreeMap<String, BTreeSet<String>> {
    let metadata = MetadataCommand::new()
        .manifest_path(concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml"))
        .features(CargoOpt::AllFeatures)
        .no_deps()
        .exec()
        .expect("cargo metadata");
    let short = |name: &str| name.strip_prefix(PREFIX).unwrap_or(name).to_owned();
    let used = |package: &cargo_metadata::Package| {
        let kept =
            package.dependencies.iter().filter(|dependency| dependency.kind != DependencyKind::Development);
        kept.map(|dependency| short(&dependency.name)).collect()
    };
    metadata.packages.iter().map(|package| (short(&package.name), used(package))).collect()
}

/// The arrows that the diagram of the layers draws.
fn drawn() -> BTreeMap<String, BTreeSet<String>> {
    let text =
        std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/ARCHITECTURE.md")).expect("text");
    let (_, diagram) = text.split_once("flowchart TD").expect("a diagram of the layers");
    let lines = diagram.lines().take_while(|line| !line.starts_with("```"));
    let mut drawn: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for (from, to) in lines.filter_map(|line| line.split_once("-->")) {
        let names = |side: &str| side.split('&').map(|name| name.trim().to_owned()).collect::<Vec<_>>();
        for one in names(from) {
            drawn.entry(one).or_default().extend(names(to));
        }
    }
    drawn
}

#[test]
fn the_diagram_draws_the_arrows() {
    let arrows = ARROWS.iter().filter(|(_, uses)| !uses.is_empty()).map(|(name, uses)| {
        let name = if *name == "exai-mcp" { "src" } else { name };
        (name.to_owned(), uses.iter().map(|one| (*one).to_owned()).collect())
    });
    assert_eq!(drawn(), arrows.collect::<BTreeMap<String, BTreeSet<String>>>());
}

#[test]
fn no_crate_uses_another_against_the_arrows() {
    let dependencies = dependencies();
    let known: BTreeSet<&str> = ARROWS.iter().map(|(name, _)| *name).collect();
    let there: BTreeSet<&str> = dependencies.keys().map(String::as_str).collect();
    assert_eq!(there, known, "every crate of the workspace has its line here");
    for (name, allowed) in ARROWS {
        let used: BTreeSet<&str> =
            dependencies[name].iter().map(String::as_str).filter(|used| known.contains(used)).collect();
        let allowed: BTreeSet<&str> = allowed.iter().copied().collect();
        let forbidden: Vec<_> = used.difference(&allowed).collect();
        assert!(forbidden.is_empty(), "{name} must not use {forbidden:?}");
    }
}

#[test]
fn commands_at_the_root_mean_every_crate() {
    let metadata = MetadataCommand::new()
        .manifest_path(concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml"))
        .no_deps()
        .exec()
        .expect("cargo metadata");
    let members: BTreeSet<_> = metadata.workspace_members.iter().collect();
    let defaults: BTreeSet<_> = metadata.workspace_default_members.iter().collect();
    assert_eq!(members, defaults);
}

#[test]
fn outside_crates_stay_in_their_room() {
    let dependencies = dependencies();
    for (outside, allowed) in OUTSIDE {
        for (name, used) in &dependencies {
            assert!(
                !used.contains(outside) || allowed.contains(&name.as_str()),
                "{name} must not use {outside}"
            );
        }
    }
}

/// Every file below a folder.
fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).expect("the folder is there") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            sources(&path, found);
        } else {
            found.push(path);
        }
    }
}

/// What lies in a project is a stranger's: a link to a device, a pipe, a file without end. It is opened in one place.
#[test]
fn strangers_files_are_opened_in_one_place() {
    // How git finds its folders is decided in `git`; a new file is written in `download`.
    const PLACES: [&str; 3] =
        ["context/src/files/open.rs", "context/src/git/", "engine/src/vendor_files/download.rs"];
    const OPENING: [&str; 6] = [
        "File::open(",
        "fs::read(",
        "fs::read_to_string(",
        "OpenOptions::",
        "rustix::fs::open",
        "fs::File::",
    ];
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut files = Vec::new();
    for folder in ["context/src", "answers/src", "agents/src", "inspect/src", "engine/src", "tools/src"] {
        sources(&root.join(folder), &mut files);
    }
    assert!(files.len() > 100, "the sources are there");
    for file in files {
        let name = file.strip_prefix(root).expect("below the root").display().to_string();
        let text = std::fs::read_to_string(&file).expect("text");
        let code = text.split("#[cfg(test)]").next().unwrap_or_default();
        let found: Vec<_> = OPENING.iter().filter(|opening| code.contains(*opening)).collect();
        assert!(
            found.is_empty() || PLACES.iter().any(|place| name.starts_with(place)),
            "{name} opens files with {found:?}; use `exai_context::files::open_beneath`"
        );
    }
}

/// Crates that name no vendor: what differs between vendors is data of `providers`, and reaches them through its ports.
const WITHOUT_VENDORS: [&str; 7] =
    ["answers", "context", "engine", "inference", "inspect", "tools", "transports"];

/// A crate, the name of a file in it, and words.
type Namesake = (&'static str, &'static str, &'static [&'static str]);

/// Files whose words look like a vendor's and are none of its facts, with the words.
const NAMESAKES: [Namesake; 9] = [
    // Keys and folders of secrets are recognised by how they are written.
    ("context", "deny.rs", &["azure"]),
    ("inspect", "secrets.rs", &["xai"]),
    // Programs that act as agents, after which they are called.
    // An example of models in the text of an error.
    ("engine", "roster.rs", &["kimi"]),
    // A client's own words of the protocol.
    ("tools", "tool_list.rs", &["anthropic"]),
    // Clients by the names that they give themselves.
    ("tools", "caller.rs", &["kimi"]),
    // Names that the tools had elsewhere.
    ("tools", "aliases.rs", &["glm", "kimi"]),
    // What clients read of a tool is fixed text, a contract that is compared as a whole.
    ("tools", "file_query.rs", &["kimi", "openai"]),
    ("tools", "file_download.rs", &["kimi"]),
    ("tools", "web_search.rs", &["glm"]),
];

/// The words of code, in lower case, without comments and tests.
fn words(file: &Path) -> BTreeSet<String> {
    let text = std::fs::read_to_string(file).expect("text");
    let code = text.split("#[cfg(test)]").next().unwrap_or_default();
    let code = code.lines().filter(|line| !line.trim_start().starts_with("//"));
    let words = code.flat_map(|line| line.split(|letter: char| !letter.is_ascii_alphanumeric()));
    words.map(str::to_ascii_lowercase).collect()
}

#[test]
fn vendors_are_named_by_their_crate_only() {
    let vendors: Vec<String> = VendorKind::NAMED
        .into_iter()
        .map(|vendor| vendor.name().to_owned())
        .chain(["moonshot", "zhipu", "zai", "dashscope"].map(str::to_owned))
        .collect();
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut met = BTreeSet::new();
    for name in WITHOUT_VENDORS {
        let mut files = Vec::new();
        sources(&root.join(name).join("src"), &mut files);
        for file in files.iter().filter(|file| file.extension().is_some_and(|end| end == "rs")) {
            let short = file.file_name().unwrap_or_default().to_string_lossy();
            let below = file.strip_prefix(root).expect("below the root");
            if short == "tests.rs" || below.components().any(|part| part.as_os_str() == "tests") {
                continue;
            }
            let words = words(file);
            for vendor in vendors.iter().filter(|vendor| words.contains(*vendor)) {
                let known = NAMESAKES.iter().position(|(crate_name, file_name, words)| {
                    *crate_name == name && *file_name == short && words.contains(&vendor.as_str())
                });
                let Some(known) = known else { panic!("{} names {vendor}", file.display()) };
                met.insert(known);
            }
        }
    }
    assert_eq!(met.len(), NAMESAKES.len(), "an exception is no longer needed");
}
