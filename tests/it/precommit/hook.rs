//! The program as a real hook of a real commit: what will be committed is what is reviewed.

use std::os::unix::fs::PermissionsExt as _;

use serde_json::json;

use super::{changed, check, verdict};
use crate::support::{Setup, Upstream, within};

/// Makes the program the hook of the project's commits.
fn install(setup: &Setup) {
    let hook = setup.project.path().join(".git/hooks/pre-commit");
    std::fs::create_dir_all(hook.parent().unwrap()).unwrap();
    let program = env!("CARGO_BIN_EXE_exai-mcp");
    std::fs::write(&hook, format!("#!/bin/sh\nexec '{program}' run precommit --staged --fail-on low\n"))
        .unwrap();
    std::fs::set_permissions(&hook, std::fs::Permissions::from_mode(0o755)).unwrap();
}

/// Commits in the program's environment, so that the hook finds its vendor.
async fn commit(setup: &Setup, arguments: &[&str]) -> (bool, String) {
    let program = setup.command();
    let environment = program.as_std().get_envs().filter_map(|(name, value)| Some((name, value?)));
    let mut git = tokio::process::Command::new("git");
    git.current_dir(setup.project.path()).env_clear().envs(environment).env("GIT_CONFIG_NOSYSTEM", "1");
    git.args(["-c", "user.name=T", "-c", "user.email=t@example.com", "commit", "-m", "next"]).args(arguments);
    let output = within("the commit", git.output()).await.unwrap();
    let said = [output.stdout, output.stderr].concat();
    (output.status.success(), String::from_utf8_lossy(&said).into_owned())
}

/// Git commits from another index than the usual one when it is told what to commit.
#[tokio::test]
async fn a_hook_reviews_what_is_committed() {
    for (arguments, shown, hidden) in [
        (vec!["-a"], vec!["pages.py", "main.py"], "new.py"),
        (vec!["pages.py"], vec!["pages.py"], "main.py"),
        (vec![], vec!["main.py"], "pages.py"),
    ] {
        let setup = changed().await;
        setup.file("main.py", "from pages import page_count\n\nprint(page_count(52, 50))\n");
        setup.file("new.py", "NEW = 1\n");
        if !arguments.contains(&"-a") {
            setup.git(&["add", "main.py"]);
        }
        install(&setup);
        setup.vendor.then(verdict());
        let (committed, said) = commit(&setup, &arguments).await;
        assert!(!committed && said.contains("The last page is lost"), "{arguments:?}: {said}");
        let sent = Upstream::last(&setup.vendor);
        let question = sent.question();
        let changes = question.split("# Changes").nth(1).unwrap();
        for name in shown {
            assert!(changes.contains(&format!("- modified {name}")), "{arguments:?}: {changes}");
        }
        assert!(!changes.contains(hidden), "{arguments:?}: {changes}");
        assert_eq!(setup.git(&["rev-list", "--count", "HEAD"]), "1");
    }
}

/// An index elsewhere says nothing about the repository: nothing is reviewed in its place.
#[tokio::test]
async fn an_index_elsewhere_is_refused() {
    let elsewhere = "does not lie directly in the git folder";
    for (named, part) in [
        ("copied-index", elsewhere),
        (".git/modules/lib/index", elsewhere),
        (".git/link/index.lock", elsewhere),
        (".git/next-index-1.lock", "is no file in the git folder"),
    ] {
        let setup = changed().await;
        let git_dir = setup.project.path().join(".git");
        std::fs::create_dir_all(git_dir.join("modules/lib")).unwrap();
        std::os::unix::fs::symlink("modules/lib", git_dir.join("link")).unwrap();
        for copy in ["../copied-index", "modules/lib/index", "modules/lib/index.lock"] {
            std::fs::copy(git_dir.join("index"), git_dir.join(copy)).unwrap();
        }
        let setup = setup.with("GIT_INDEX_FILE", named);
        let program = setup.start().await;
        let refused = program.call("precommit", check(&json!({}))).await.failure();
        assert_eq!(refused["code"], "forbidden", "{refused:#}");
        let words = refused["message"].as_str().unwrap();
        assert!(words.contains("GIT_INDEX_FILE: ") && words.contains(part), "{words}");
        assert_eq!(setup.vendor.stats().calls, 0);
        program.stop().await;
    }
}
