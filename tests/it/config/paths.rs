//! Folders and files in settings: what is expanded, what is refused, what is not there.

use std::process::Stdio;

use super::{complaint, config_file, shown};
use crate::support::Setup;

/// Exit code and output of a command with another data folder than the setup's.
async fn with_data(setup: &Setup, folder: &str, arguments: &[&str]) -> (i32, String) {
    let mut command = setup.command();
    command.args(arguments).env("EXAI_DATA_DIR", folder).stdin(Stdio::null());
    let output = command.output().await.unwrap();
    (output.status.code().unwrap(), String::from_utf8(output.stdout).unwrap())
}

/// A tilde and variables mean a folder, and no folder of that name is made.
#[tokio::test]
async fn shell_forms_of_paths_are_expanded() {
    let setup = Setup::without_provider().await.with("PLACE", "mine");
    let home = setup.home.path();
    for (written, folder) in [
        ("~/one", "one"),
        ("$HOME/two", "two"),
        ("${HOME}/$PLACE", "mine"),
        ("%HOME%/four", "four"),
        ("\"~/five\"", "five"),
        ("'~/six'", "six"),
    ] {
        let (code, told) = with_data(&setup, written, &["config", "path"]).await;
        let database = home.join(folder).join("exai.db");
        assert!(code == 0 && told.contains(&format!("database: {}", database.display())), "{told}");
        let (code, told) = with_data(&setup, written, &["run", "planner", "--prompt", "x"]).await;
        assert!(code == 0 && database.is_file(), "{written}: {told}");
    }
    for (written, why) in [
        ("~nobody/x", "only `~` and `~/`"),
        ("$NOT_THERE/x", "NOT_THERE is not set"),
        ("%NOT_THERE%/x", "NOT_THERE"),
        ("./~/x", "`~` only stands for the home folder at the beginning"),
        ("\"~/x", "has no partner"),
        ("$", "`$` stands before the name of a variable"),
        ("%HOME/x", "`%HOME` is not closed; write %HOME%"),
        ("file:///srv/x", "it is an address"),
    ] {
        let (code, told) = with_data(&setup, written, &["config", "check"]).await;
        let line = "error: store.dir (from environment EXAI_DATA_DIR): ";
        assert!(code == 1 && told.contains(line) && told.contains(why), "{told}");
        with_data(&setup, written, &["run", "planner", "--prompt", "x"]).await;
    }
    let made: Vec<_> = std::fs::read_dir(setup.project.path()).unwrap().flatten().collect();
    assert!(made.is_empty(), "{made:?}");
}

/// A home that is written with a tilde, as some service files have it, is told and not made as a folder.
#[tokio::test]
async fn a_home_must_be_a_path() {
    let setup = Setup::without_provider().await;
    let run = async |arguments: &[&str]| {
        let mut command = setup.command();
        command.args(arguments).env("HOME", "~").env_remove("EXAI_DATA_DIR").env_remove("EXAI_CONFIG_DIR");
        let output = command.stdin(Stdio::null()).output().await.unwrap();
        String::from_utf8(output.stdout).unwrap()
    };
    let told = run(&["config", "check"]).await;
    assert!(
        told.contains("error: HOME is `~`, which is no whole path; the configuration is read from /"),
        "{told}"
    );
    run(&["run", "planner", "--prompt", "x"]).await;
    assert!(!setup.project.path().join("~").exists());
}

/// Folders that may be read, from the environment and the file.
#[tokio::test]
async fn readable_folders_are_expanded() {
    for in_file in [false, true] {
        let mut setup = Setup::without_provider().await;
        let shelf = setup.home.path().join("shelf");
        std::fs::create_dir_all(&shelf).unwrap();
        if in_file {
            config_file(&setup, "config.toml", "roots = [\"~/shelf\"]\n");
        } else {
            setup = setup.with("EXAI_ROOTS", "~/shelf");
        }
        let (_, told, _) = setup.run(&["config", "path"]).await;
        assert!(told.contains(&format!("readable folder: {}", shelf.display())), "{told}");
        std::fs::remove_dir(&shelf).unwrap();
        assert!(complaint(&setup).await.contains("roots: "), "a folder that is not there");
        std::fs::write(&shelf, "").unwrap();
        assert!(complaint(&setup).await.contains("not a folder"), "a file is no folder");
    }
}

/// What a setting names and is not there, or is something else, is told in one line each.
#[tokio::test]
async fn missing_files_and_folders_are_told() {
    let setup = Setup::without_provider()
        .await
        .with("EXAI_PROMPTS_DIR", "/nowhere/prompts")
        .with("EXAI_TLS_CERT", "~/cert.pem")
        .with("EXAI_TOKEN_FILE", "$HOME/key")
        .with("EXAI_LISTEN", "somewhere")
        .with("CUSTOM_API_URL", "http://127.0.0.1:9/v1")
        .with("CUSTOM_MODELS_CONFIG_PATH", "/nowhere/models.json");
    let told = complaint(&setup).await;
    let home = setup.home.path().display();
    for line in [
        "error: prompts_dir: /nowhere/prompts is not a folder".to_owned(),
        format!("error: serve.tls_cert: there is no file {home}/cert.pem"),
        format!("error: EXAI_TOKEN_FILE: there is no file {home}/key"),
        "error: serve.listen (from environment EXAI_LISTEN): `somewhere` is no address".to_owned(),
        "error: custom.models_file (/nowhere/models.json): ".to_owned(),
    ] {
        assert_eq!(told.lines().filter(|told| told.starts_with(&line)).count(), 1, "{line}\n{told}");
    }
    // The key stands in the environment, so a missing folder keeps no door shut; it is told all the same.
    let mut command = setup.command();
    command
        .args(["config", "check"])
        .env("EXAI_CONFIG_DIR", "~/no-config")
        .env("EXAI_TOKEN", "0123456789abcdef0123");
    let output = command.stdin(Stdio::null()).output().await.unwrap();
    let told = String::from_utf8(output.stdout).unwrap();
    let line =
        format!("warning: EXAI_CONFIG_DIR: there is no folder {home}/no-config; make it, or remove the name");
    assert_eq!(told.lines().filter(|told| *told == line).count(), 1, "{told}");
    config_file(&setup, "config.toml", "[clink.mine]\ncommand = \"$NOT_THERE/agent\"\n");
    assert!(complaint(&setup).await.contains("error: clink.mine.command: the variable NOT_THERE is not set"));
    config_file(&setup, "config.toml", "");
    let file = setup.file("a-file", "");
    for folder in [file.display().to_string(), file.join("data").display().to_string()] {
        let (code, told) = with_data(&setup, &folder, &["config", "check"]).await;
        assert!(
            code == 1 && told.contains("error: store.dir: ") && told.contains("is not a folder"),
            "{told}"
        );
    }
    assert_eq!(shown(&setup, "serve.listen").await, "somewhere  [environment EXAI_LISTEN]");
}

/// A mistake does not hide the next one, and each is told once, on one line.
#[tokio::test]
async fn every_mistake_is_told_once() {
    let setup = Setup::without_provider()
        .await
        .with("EXAI_LOG", "exai=(((")
        .with("EXAI_LISTEN", "0.0.0.0:3010")
        .with("EXAI_ROOTS", "~bob:/nowhere/at/all");
    let tables = "[[endpoints]]\nname = \"Not A Name\"\nbase_url = \"http://10.1.2.3/v1\"\nmax_concurrency = 0\n\
                  [[endpoints]]\nname = \"typos\"\nbase_ulr = \"x\"\nmodles = []\n\
                  [clink.bare]\nargs = [\"-x\"]\n[clink.gone]\ncommand = \"/nowhere/agent\"\n";
    config_file(&setup, "config.toml", tables);
    let (code, told, log) = setup.run(&["config", "check"]).await;
    assert_eq!((code, log.as_str()), (1, ""), "standard error repeats nothing");
    for words in [
        "error: log.filter (from environment EXAI_LOG): `exai=(((` is no filter",
        "warning: serve.listen = 0.0.0.0:3010: other machines reach it and no key is needed",
        "roots (from environment EXAI_ROOTS): only `~` and `~/`",
        "roots: /nowhere/at/all is not readable",
        "endpoint `Not A Name`: a name is made of",
        "the base URL of `Not A Name` is not encrypted",
        "endpoint `Not A Name`: max_concurrency must be at least 1",
        "unknown field `base_ulr`",
        "unknown field `modles`",
        "missing field `base_url`",
        "warning: clink.bare.command: it is not set, and `bare` is not on the search path",
        "warning: clink.gone.command: there is no file /nowhere/agent",
    ] {
        assert_eq!(told.matches(words).count(), 1, "{words}\n{told}");
    }
    config_file(&setup, "config.toml", "locale = = 3\n");
    let told = complaint(&setup).await;
    let broken: Vec<&str> = told.lines().filter(|line| line.contains("config.toml")).collect();
    assert!(matches!(broken[..], [line] if line.contains("error at line 1, column 10: ")), "{told}");
    assert!(told.lines().all(|line| line.starts_with("error: ") || line.starts_with("warning: ")), "{told}");
}

/// Whether a folder can be written is only known by trying; nothing stays behind.
#[tokio::test]
async fn unwritable_data_folders_are_told() {
    let setup = Setup::without_provider().await;
    let (code, told) = with_data(&setup, "/proc/exai", &["config", "check"]).await;
    let line = "error: store.dir (EXAI_DATA_DIR): /proc/exai cannot be made: ";
    assert!(code == 1 && told.contains(line), "{told}");
    let fresh = setup.home.path().join("fresh/data");
    let (code, told) = with_data(&setup, fresh.to_str().unwrap(), &["config", "check"]).await;
    assert!(code == 0 && !fresh.parent().unwrap().exists(), "{told}");
}
