//! Databases that cannot be used: the handshake and a new conversation work all the same, and nothing is lost.

use std::{
    io::{BufRead as _, BufReader},
    os::unix::fs::PermissionsExt as _,
    process::{Child, Command, Stdio},
};

use serde_json::json;

use crate::support::{PATIENCE, STANDARD, Setup};

/// Another program that holds the database; dropping it lets go.
struct Lock(Child);

impl Lock {
    fn hold(setup: &Setup) -> Self {
        let script = "import sqlite3, sys\n\
            db = sqlite3.connect(sys.argv[1], isolation_level=None)\n\
            db.execute('BEGIN EXCLUSIVE')\n\
            print('held', flush=True)\n\
            sys.stdin.read()\n\
            db.execute('ROLLBACK')\n";
        let mut child = Command::new("python3")
            .args(["-c", script])
            .arg(setup.database())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("python3 is there");
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        assert_eq!(line, "held\n");
        Self(child)
    }

    fn release(mut self) {
        drop(self.0.stdin.take());
        assert!(self.0.wait().unwrap().success());
    }
}

#[tokio::test]
async fn a_locked_database_loses_nothing() {
    let setup = Setup::new().await;
    let program = setup.start().await;
    let old = program.call("chat", json!({"prompt": "before"})).await.thread();
    let lock = Lock::hold(&setup);

    let new = program.call("chat", json!({"prompt": "while it is locked"})).await;
    let new_thread = new.thread();
    let new = new.ok();
    assert_eq!(
        (&new["content"], &new["metadata"]["persisted"]),
        (&json!("ok: while it is locked"), &json!(false))
    );
    let continued = program.call("chat", json!({"prompt": "the old one", "continuation_id": old})).await.ok();
    assert_eq!(
        continued["metadata"]["persisted"], false,
        "readers are not in the way of a lock, writers are"
    );
    let refused =
        program.call("chat", json!({"prompt": "go on", "continuation_id": new_thread})).await.failure();
    assert_eq!((&refused["code"], &refused["retryable"]), (&json!("store_unavailable"), &json!(true)));

    lock.release();
    let begun = std::time::Instant::now();
    while program.call("chat", json!({"prompt": "go on", "continuation_id": new_thread})).await.is_error {
        assert!(begun.elapsed() < PATIENCE, "the database is free again, but the thread cannot be continued");
    }
    program.stop().await;
    for (thread, words) in [(&old, ["before", "the old one"]), (&new_thread, ["while it is locked", "go on"])]
    {
        let (code, shown, _) = setup.run(&["threads", "show", thread]).await;
        assert_eq!(code, 0);
        for word in words {
            assert!(
                shown.contains(&format!("\n{word}\n")) && shown.contains(&format!("\nok: {word}\n")),
                "{shown}"
            );
        }
    }
}

/// The handshake and a new conversation work; a stored thread cannot be had.
async fn assert_works_without_storage(setup: &Setup) {
    let program = setup.start().await;
    assert_eq!(program.tools().await.len(), STANDARD.len());
    let answer = program.call("chat", json!({"prompt": "hello"})).await;
    let thread = answer.thread();
    let answer = answer.ok();
    assert_eq!((&answer["content"], &answer["metadata"]["persisted"]), (&json!("ok: hello"), &json!(false)));
    let plan = program.call("planner", json!({"step": "move the house"})).await.ok();
    assert_eq!(plan["metadata"]["persisted"], false);
    let refused = program.call("chat", json!({"prompt": "again", "continuation_id": thread})).await.failure();
    assert_eq!(refused["code"], "store_unavailable", "{refused:#}");
    assert!(refused["hint"].as_str().unwrap().contains("exai-mcp config path"), "{refused:#}");
    program.stop().await;
    let (code, _, complaint) = setup.run(&["threads", "list"]).await;
    assert_eq!(code, 1);
    assert!(complaint.contains("exai.db") || complaint.contains("database"), "{complaint}");
}

/// A folder in the place of the database is left alone.
#[tokio::test]
async fn a_folder_for_a_database_stays() {
    let setup = Setup::new().await;
    std::fs::create_dir_all(setup.database().join("keep")).unwrap();
    assert_works_without_storage(&setup).await;
    let inside: Vec<_> = std::fs::read_dir(setup.database()).unwrap().collect();
    assert_eq!(inside.len(), 1, "{inside:?}");
}

/// A file that is no database is left as it is.
#[tokio::test]
async fn a_file_that_is_no_database_stays() {
    let setup = Setup::new().await;
    std::fs::create_dir_all(setup.database().parent().unwrap()).unwrap();
    let text = "This is somebody's diary, not a database.\n".repeat(500);
    std::fs::write(setup.database(), &text).unwrap();
    assert_works_without_storage(&setup).await;
    assert_eq!(std::fs::read_to_string(setup.database()).unwrap(), text);
    let beside: Vec<_> = std::fs::read_dir(setup.database().parent().unwrap()).unwrap().collect();
    assert_eq!(beside.len(), 1, "{beside:?}");
}

/// A database of another program is left as it is.
#[tokio::test]
async fn a_foreign_database_stays() {
    let setup = Setup::new().await;
    std::fs::create_dir_all(setup.database().parent().unwrap()).unwrap();
    setup.sql("CREATE TABLE recipes (name TEXT); INSERT INTO recipes VALUES ('marzipan')");
    let before = std::fs::read(setup.database()).unwrap();
    assert_works_without_storage(&setup).await;
    assert_eq!(std::fs::read(setup.database()).unwrap(), before);
}

/// A data folder that cannot be made does no harm.
#[tokio::test]
async fn an_impossible_data_folder_does_no_harm() {
    let setup = Setup::new().await;
    std::fs::write(setup.database().parent().unwrap(), "a file where a folder should be").unwrap();
    assert_works_without_storage(&setup).await;
}

#[tokio::test]
async fn a_database_without_permission_does_no_harm() {
    for (what, mode) in [("data/exai.db", 0o000), ("data", 0o500)] {
        let setup = Setup::new().await.bound_by_permissions();
        let path = setup.home.path().join(what);
        std::fs::create_dir_all(setup.database().parent().unwrap()).unwrap();
        if what.ends_with(".db") {
            std::fs::write(&path, "").unwrap();
        }
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
        assert_works_without_storage(&setup).await;
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o700)).unwrap();
    }
}
