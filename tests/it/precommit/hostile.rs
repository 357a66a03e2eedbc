//! Repositories of strangers, through every tool that reads a change and over both doors: nothing of them is run, and nothing is shown
//! of another repository.

use std::{os::unix::fs::PermissionsExt as _, path::PathBuf};

use serde_json::{Value, json};

use super::{changed, check};
use crate::support::{Served, Setup, Upstream};

/// A program that leaves a trace when it is run.
fn trap(setup: &Setup) -> (PathBuf, PathBuf) {
    let (program, trace) = (setup.home.path().join("trap"), setup.home.path().join("sprung"));
    std::fs::write(&program, format!("#!/bin/sh\ntouch '{}'\ncat\n", trace.display())).unwrap();
    std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).unwrap();
    (program, trace)
}

/// A changed project that a server on the network may read as well.
async fn open_to_both() -> Setup {
    let setup = changed().await;
    let project = setup.project.path().display().to_string();
    setup.with("EXAI_ROOTS", &project)
}

/// Asks every tool that reads changes, over both doors, for those of the project.
async fn everywhere(setup: &Setup) -> Vec<(String, Value)> {
    let program = setup.start().await;
    let served = Served::start(setup).await;
    let mut answers = Vec::new();
    for name in ["precommit", "codereview", "secaudit"] {
        let call = check(&json!({"compare_to": "HEAD", "path": setup.project.path()}));
        answers.push((format!("{name} over stdio"), program.call(name, call.clone()).await.failure()));
        answers.push((format!("{name} over HTTP"), served.call(name, &call, &[]).await.tool()));
    }
    answers
}

#[tokio::test]
async fn undecodable_drivers_are_refused_everywhere() {
    let setup = open_to_both().await;
    let (program, trace) = trap(&setup);
    let config = setup.project.path().join(".git/config");
    let mut text = std::fs::read(&config).unwrap();
    text.extend_from_slice(b"[filter \"x\xff\"]\n");
    text.extend_from_slice(format!("clean = {0}\nprocess = {0}\n", program.display()).as_bytes());
    std::fs::write(&config, text).unwrap();
    std::fs::write(setup.project.path().join(".gitattributes"), b"* filter=x\xff\n").unwrap();
    for (place, answer) in everywhere(&setup).await {
        assert!(
            answer["message"].as_str().is_some_and(|words| words.contains("not UTF-8")),
            "{place}: {answer:#}"
        );
    }
    assert!(!trace.exists());
    assert_eq!(setup.vendor.stats().calls, 0, "nothing was sent");
}

#[tokio::test]
async fn borrowed_repositories_are_refused_everywhere() {
    let private = changed().await;
    let setup = open_to_both().await;
    let objects = private.project.path().join(".git/objects");
    let info = setup.project.path().join(".git/objects/info");
    std::fs::create_dir_all(&info).unwrap();
    std::fs::write(info.join("alternates"), format!("{}\n", objects.display())).unwrap();
    for (place, answer) in everywhere(&setup).await {
        let words = answer["message"].as_str().unwrap_or_default();
        assert!(words.contains("leads out of the repository"), "{place}: {answer:#}");
    }
    assert_eq!(setup.vendor.stats().calls, 0, "nothing was sent");
}

/// What the environment of the server says to git is not git's business here.
#[tokio::test]
async fn the_environment_starts_nothing() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/decisions/0017-what-a-repository-makes-git-do.md");
    let text = std::fs::read_to_string(path).unwrap();
    let rows = text.lines().filter(|line| line.starts_with("| variable |"));
    let names: Vec<&str> = rows
        .flat_map(|row| row.split('|').nth(2).unwrap_or_default().split(','))
        .filter_map(|name| name.trim().strip_prefix('`')?.strip_suffix('`'))
        // An index that is not one of the repository is refused: see `hook`.
        .filter(|name| !name.starts_with("LD_") && *name != "GIT_INDEX_FILE")
        .collect();
    assert!(names.len() > 20, "{names:?}");
    let mut setup = changed().await;
    let (program, trace) = trap(&setup);
    for name in &names {
        setup = setup.with(&name.replace('*', ""), &program.display().to_string());
    }
    setup.vendor.then(super::verdict());
    let server = setup.start().await;
    server.call("precommit", check(&json!({}))).await.ok();
    assert!(Upstream::last(&setup.vendor).question().contains("pages.py"));
    assert!(!trace.exists());
}
