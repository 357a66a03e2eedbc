//! How answers name files: so that whoever reads them can open them.

use std::{
    path::{Path, PathBuf},
    process::Stdio,
};

use serde_json::Value;

use super::{PAGES, verdict};
use crate::support::Setup;

/// The answer of a tool that is run in a folder, with these readable folders besides.
async fn answer(setup: &Setup, folder: &Path, roots: &str, arguments: &[&str]) -> Value {
    setup.vendor.then(verdict());
    let mut command = setup.command();
    command.current_dir(folder).args(arguments).arg("--json").env("EXAI_ROOTS", roots).stdin(Stdio::null());
    let output = command.output().await.unwrap();
    serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&output.stdout)))
}

/// Every name of a file in an answer: of changes, of findings, of what was offered.
fn names(answer: &Value) -> Vec<PathBuf> {
    let lists = [&answer["changes"]["files"], &answer["findings"], &answer["metadata"]["files"]];
    let rows = lists.into_iter().filter_map(Value::as_array).flatten();
    rows.filter_map(|row| row["path"].as_str()).map(PathBuf::from).collect()
}

fn opens(answer: &Value, folder: &Path, are_absolute: bool) {
    let names = names(answer);
    assert!(names.len() >= 2, "{answer:#}");
    for name in names {
        assert!(folder.join(&name).is_file(), "{} cannot be opened: {answer:#}", name.display());
        assert_eq!(name.is_absolute(), are_absolute, "{}: {answer:#}", name.display());
    }
}

/// Names can be opened from the folder of the call: the project, a folder in it, several folders.
#[tokio::test]
async fn names_can_be_opened() {
    let setup = Setup::new().await;
    setup.file("sub/pages.py", PAGES);
    setup.repository();
    setup.file("sub/pages.py", PAGES.replace("-(-total // size)", "total // size"));
    let project = setup.project.path();
    let other = setup.home.path().join("other");
    std::fs::create_dir_all(&other).unwrap();
    let diff = format!("diff={}", setup.git(&["diff"]));
    for (folder, roots, are_absolute) in [
        (project.to_owned(), "", false),
        (project.join("sub"), "", false),
        (project.to_owned(), other.to_str().unwrap(), true),
        (project.join("sub"), other.to_str().unwrap(), true),
    ] {
        let file = if folder == project { "sub/pages.py" } else { "pages.py" };
        for arguments in [
            vec!["run", "precommit"],
            vec!["run", "codereview", "-p", "look", file],
            vec!["run", "codereview", "-p", "look", "-a", &diff],
        ] {
            let told = answer(&setup, &folder, roots, &arguments).await;
            opens(&told, &folder, are_absolute);
        }
    }
}
