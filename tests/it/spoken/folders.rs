//! Folders that a client lists: however it writes them, whenever it answers, and what it takes off its list.

use std::path::Path;

use serde_json::{Value, json};

use crate::support::{MODEL, PATIENCE, Raw, Setup};

const CHANGED: &str = r#"{"jsonrpc":"2.0","method":"notifications/roots/list_changed"}"#;

/// A client with roots, and a file in the project that may always be read.
async fn client(setup: &Setup) -> Raw {
    setup.file("fine.txt", "fine\n");
    let mut raw = Raw::start(setup);
    let hello = json!({"protocolVersion": "2025-11-25", "capabilities": {"roots": {"listChanged": true}},
        "clientInfo": {"name": "raw", "version": "1"}});
    assert!(raw.request("initialize", hello).await["result"].is_object());
    raw.send(r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#).await;
    raw
}

/// A folder with one file.
fn folder() -> (tempfile::TempDir, String) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("far.txt");
    std::fs::write(&file, "far\n").unwrap();
    let file = file.display().to_string();
    (folder, file)
}

/// The next question for roots: its id.
async fn question(raw: &mut Raw) -> Value {
    loop {
        let message = raw.next().await;
        if message["method"] == "roots/list" {
            return message["id"].clone();
        }
    }
}

async fn list(raw: &mut Raw, id: &Value, roots: &Value) {
    raw.send(&json!({"jsonrpc": "2.0", "id": id, "result": {"roots": roots}}).to_string()).await;
}

/// Whether a call may read each file. A question for roots on the way is answered when there is an answer, and otherwise kept.
async fn reads(raw: &mut Raw, files: &[&str], answer: Option<&Value>) -> (Vec<bool>, Vec<Value>) {
    let mut paths = files.to_vec();
    paths.push("fine.txt");
    let arguments = json!({"prompt": "look", "model": MODEL, "absolute_file_paths": paths});
    raw.send_call(77, "chat", arguments).await;
    let mut open = Vec::new();
    let result = loop {
        let message = raw.next().await;
        if message["method"] == "roots/list" {
            match answer {
                Some(roots) => list(raw, &message["id"], roots).await,
                None => open.push(message["id"].clone()),
            }
        } else if message["id"] == 77 && message.get("method").is_none() {
            break message;
        }
    };
    let text = result["result"]["content"][0]["text"].as_str().unwrap_or_else(|| panic!("{result}"));
    let told: Value = serde_json::from_str(text).unwrap();
    let reports = told["metadata"]["files"].as_array().unwrap_or_else(|| panic!("{told:#}"));
    let is_read = |file: &&str| {
        let name = Path::new(file).file_name().unwrap().to_str().unwrap();
        let report = reports.iter().find(|report| {
            let path = report["path"].as_str().unwrap_or_default();
            path == *file || (path.ends_with(name) && file.ends_with(path))
        });
        report.unwrap_or_else(|| panic!("{file} in {told:#}"))["status"] == "included"
    };
    (files.iter().map(is_read).collect(), open)
}

/// A list of which a part is no folder is used for the rest.
#[tokio::test]
async fn folders_of_clients_are_understood() {
    let (folder, file) = folder();
    let path = folder.path().display().to_string();
    for roots in [
        json!([{"uri": format!("file://{path}"), "name": "far"}]),
        json!([{"uri": format!("file:{path}/")}]),
        json!([{"uri": path}]),
        json!([path]),
        json!(path),
        json!([{"uri": 7}, {"uri": "https://example.com"}, {"name": "x"}, null, "src", {"uri": path, "name": []}]),
    ] {
        let setup = Setup::new().await;
        let mut raw = client(&setup).await;
        assert_eq!(reads(&mut raw, &[&file], Some(&roots)).await.0, [true], "{roots}");
        assert_eq!(reads(&mut raw, &[&file], None).await, (vec![true], vec![]), "it is asked once");
    }
}

#[tokio::test]
async fn a_late_list_counts_afterwards() {
    let setup = Setup::new().await;
    let mut raw = client(&setup).await;
    let (folder, file) = folder();
    let (is_read, open) = reads(&mut raw, &[&file], None).await;
    assert_eq!((is_read, open.len()), (vec![false], 1), "the call goes on without");
    assert_eq!(reads(&mut raw, &[&file], None).await, (vec![false], vec![]), "the question is still open");
    list(&mut raw, &open[0], &json!([folder.path()])).await;
    let begun = std::time::Instant::now();
    while reads(&mut raw, &[&file], None).await.0 != [true] {
        assert!(begun.elapsed() < PATIENCE, "the list has come and is not used");
    }
}

#[tokio::test]
async fn a_removed_folder_is_read_no_more() {
    let setup = Setup::new().await;
    let mut raw = client(&setup).await;
    let ((stays, near), (goes, far)) = (folder(), folder());
    let both = json!([{"uri": format!("file://{}", stays.path().display())}, goes.path()]);
    assert_eq!(reads(&mut raw, &[&near, &far], Some(&both)).await.0, [true, true]);
    raw.send(CHANGED).await;
    let id = question(&mut raw).await;
    // Nobody knows yet which are left.
    assert_eq!(reads(&mut raw, &[&near, &far], None).await.0, [false, false]);
    // Changed once more: an answer to the question before may be from before.
    raw.send(CHANGED).await;
    assert_eq!(raw.request("ping", json!({})).await["result"], json!({}));
    list(&mut raw, &id, &both).await;
    let id = question(&mut raw).await;
    list(&mut raw, &id, &json!([stays.path()])).await;
    let begun = std::time::Instant::now();
    loop {
        match reads(&mut raw, &[&near, &far], None).await.0.as_slice() {
            [true, false] => break,
            [false, false] => assert!(begun.elapsed() < PATIENCE, "the list has come and is not used"),
            other => panic!("{other:?}"),
        }
    }
}

/// A client that cannot list its folders after all is not asked again until it says that they have changed.
#[tokio::test]
async fn a_refused_question_is_not_repeated() {
    let setup = Setup::new().await;
    let mut raw = client(&setup).await;
    let (folder, file) = folder();
    let (_, open) = reads(&mut raw, &[&file], None).await;
    raw.send(
        &json!({"jsonrpc": "2.0", "id": open[0], "error": {"code": -32_601, "message": "no"}}).to_string(),
    )
    .await;
    assert_eq!(reads(&mut raw, &[&file], None).await, (vec![false], vec![]));
    raw.send(CHANGED).await;
    let id = question(&mut raw).await;
    list(&mut raw, &id, &json!([folder.path()])).await;
    let begun = std::time::Instant::now();
    while reads(&mut raw, &[&file], None).await.0 != [true] {
        assert!(begun.elapsed() < PATIENCE, "the list has come and is not used");
    }
}
