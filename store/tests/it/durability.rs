//! What is acknowledged stays, however the process ends and however many share the file.

use std::{
    fs,
    io::{BufRead, BufReader, Write as _},
    path::Path,
    process::{Command, Stdio},
};

use exai_core::{
    Identity, ThreadId,
    store::{Runs, Store},
};

use crate::support::{LONG, append, commit, creation, number, open, raw, run, settings, texts};

async fn sound(path: &Path) -> bool {
    let sql = "SELECT count(*) FROM pragma_integrity_check WHERE integrity_check = 'ok'";
    number(&mut raw(path).await, sql).await == 1
}

#[tokio::test]
async fn a_restart_keeps_everything() {
    let folder = tempfile::tempdir().unwrap();
    let (path, who, id) = (folder.path().join("db"), Identity::local(), ThreadId::new());
    let started = run(id);
    for seq in 0..3 {
        // Dropped without closing: what is queued is written all the same.
        let store = open(settings(&path));
        let mut batch = vec![append(id, seq, &seq.to_string())];
        if seq == 0 {
            batch.insert(0, creation(id));
            batch.push(exai_core::store::Write::StartRun(started.clone()));
        }
        let mut last = store.write(&who, batch);
        drop(store);
        assert!(last.within(LONG).await.unwrap());
    }
    let store = open(settings(&path));
    assert_eq!(texts(&*store, &who, id).await.unwrap(), ["0", "1", "2"]);
    assert_eq!(store.runs(&who, id).await.unwrap(), [started]);
}

#[tokio::test]
async fn a_crash_keeps_every_acknowledged_batch() {
    let (folder, who, id) = (tempfile::tempdir().unwrap(), Identity::local(), ThreadId::new());
    let path = folder.path().join("db");
    let store = open(settings(&path));
    commit(&*store, &who, vec![creation(id)]).await.unwrap();
    for seq in 0..10 {
        commit(&*store, &who, vec![append(id, seq, &seq.to_string())]).await.unwrap();
        // The open store has not folded its log into the file: this is what a killed process leaves.
        let crash = tempfile::tempdir().unwrap();
        for name in ["db", "db-wal"] {
            fs::copy(folder.path().join(name), crash.path().join(name)).unwrap();
        }
        let image = crash.path().join("db");
        let reopened = open(settings(&image));
        assert_eq!(texts(&*reopened, &who, id).await.unwrap().len(), seq as usize + 1);
        commit(&*reopened, &who, vec![append(id, seq + 1, "goes on")]).await.unwrap();
        assert!(reopened.close(LONG).await);
        assert!(sound(&image).await);
    }
}

/// The program that [`a_killed_process_loses_nothing_acknowledged`] kills: reads a path, writes turns, tells each.
#[tokio::test]
#[ignore = "started as a process of its own"]
async fn killed_writer() {
    let mut path = String::new();
    std::io::stdin().read_line(&mut path).unwrap();
    if path.trim().is_empty() {
        return;
    }
    let (store, who) = (open(settings(Path::new(path.trim()))), Identity::local());
    for _ in 0..10_000 {
        let id = ThreadId::new();
        commit(&*store, &who, vec![creation(id), append(id, 0, "a"), append(id, 1, "b")]).await.unwrap();
        #[expect(clippy::disallowed_methods, reason = "the parent reads what this process has acknowledged")]
        let mut out = std::io::stdout();
        writeln!(out, "acknowledged {id}").unwrap();
    }
}

#[tokio::test]
async fn a_killed_process_loses_nothing_acknowledged() {
    let (folder, who) = (tempfile::tempdir().unwrap(), Identity::local());
    let path = folder.path().join("db");
    let mut acknowledged = Vec::new();
    for round in 1..=3 {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "durability::killed_writer", "--ignored", "--nocapture"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        writeln!(child.stdin.take().unwrap(), "{}", path.display()).unwrap();
        let mut output = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        while acknowledged.len() < round * 20 && output.read_line(&mut line).unwrap() > 0 {
            acknowledged.extend(
                line.trim().rsplit_once("acknowledged ").map(|(_, id)| id.parse::<ThreadId>().unwrap()),
            );
            line.clear();
        }
        child.kill().unwrap();
        // What it said between the last line that was read and its end counts too.
        let rest = output.lines().map_while(Result::ok);
        acknowledged.extend(
            rest.filter_map(|line| line.rsplit_once("acknowledged ")?.1.trim().parse::<ThreadId>().ok()),
        );
        child.wait().unwrap();
        assert!(acknowledged.len() >= round * 20, "the writer ended by itself");

        let store = open(settings(&path));
        for id in &acknowledged {
            assert_eq!(texts(&*store, &who, *id).await.unwrap(), ["a", "b"]);
        }
        assert!(store.close(LONG).await);
        let halves = "SELECT count(*) FROM threads WHERE turns <> 2";
        assert_eq!(number(&mut raw(&path).await, halves).await, 0);
        assert!(sound(&path).await);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn two_stores_share_a_new_file() {
    let folder = tempfile::tempdir().unwrap();
    let (path, who) = (folder.path().join("db"), Identity::local());
    let (first, second) = (open(settings(&path)), open(settings(&path)));
    let mut commits = Vec::new();
    let mut ids = Vec::new();
    for _ in 0..200 {
        for store in [&first, &second] {
            let id = ThreadId::new();
            commits.push(store.write(&who, vec![creation(id), append(id, 0, "a"), append(id, 1, "b")]));
            ids.push(id);
        }
    }
    for commit in &mut commits {
        assert!(commit.within(LONG).await.unwrap());
    }
    for (id, reader) in ids.iter().zip([&second, &first].into_iter().cycle()) {
        assert_eq!(texts(&**reader, &who, *id).await.unwrap(), ["a", "b"]);
    }
    assert_eq!(number(&mut raw(&path).await, "SELECT count(*) FROM turns").await, 800);
}

#[tokio::test(flavor = "multi_thread")]
async fn many_stores_create_the_file_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let (path, who) = (folder.path().join("new/db"), Identity::local());
    let openings: Vec<_> = (0..8)
        .map(|_| {
            let (store, who) = (open(settings(&path)), who.clone());
            tokio::spawn(async move { commit(&*store, &who, vec![creation(ThreadId::new())]).await })
        })
        .collect();
    for opening in openings {
        opening.await.unwrap().unwrap();
    }
    assert_eq!(number(&mut raw(&path).await, "SELECT count(*) FROM threads").await, 8);
    assert_eq!(number(&mut raw(&path).await, "SELECT count(*) FROM _sqlx_migrations").await, 6);
}
