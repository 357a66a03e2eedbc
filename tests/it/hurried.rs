//! Clients that give up a call after a minute and ask for no progress. The server is inside the test, so that its patience is a short one.

use std::{collections::BTreeMap, time::Duration};

use exai_mcp::{
    App, Config,
    config::{env, keys, layers::Layers},
};
use exai_mock_vendor::{Answer, Gate, Vendor};
use exai_transports::jsonrpc::{self, ConnectionSettings, Lifecycle};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::io::{
    AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, DuplexStream, Lines, ReadHalf, WriteHalf,
};

use crate::support::{MODEL, within};

/// How long the client of a test may wait.
const PATIENCE: Duration = Duration::from_millis(300);

/// A client, the server that it talks to, and the vendor behind that.
struct Hurried {
    vendor: Vendor,
    input: WriteHalf<DuplexStream>,
    output: Lines<BufReader<ReadHalf<DuplexStream>>>,
    next: i64,
    _home: TempDir,
}

impl Hurried {
    async fn start(client: &str) -> Self {
        let (vendor, home) = (Vendor::start().await, tempfile::tempdir().unwrap());
        let folder = home.path().display().to_string();
        let environment = [
            (env::EXAI_CONFIG_DIR, folder.clone()),
            (env::CUSTOM_API_URL, vendor.url()),
            (env::CUSTOM_MODEL_NAME, MODEL.to_owned()),
        ];
        let environment: BTreeMap<_, _> = environment.map(|(name, value)| (name.to_owned(), value)).into();
        let mut layers = Layers::from_environment(environment);
        layers.set(&keys::DATA_DIR, folder);
        let config = Config::read(layers, home.path());
        let app = App::builder(&config).hurried_after(PATIENCE).build().unwrap();
        let (ours, theirs) = tokio::io::duplex(1 << 20);
        let lifecycle = Lifecycle { closing: app.closing.clone(), ..Lifecycle::default() };
        tokio::spawn(async move {
            let settings = ConnectionSettings::default();
            drop(Box::pin(jsonrpc::serve(app.server, tokio::io::split(theirs), settings, lifecycle)).await);
        });
        let (output, input) = tokio::io::split(ours);
        let mut hurried =
            Self { vendor, input, output: BufReader::new(output).lines(), next: 0, _home: home };
        let hello = json!({"protocolVersion": "2024-11-05", "capabilities": {}, "clientInfo": {"name": client, "version": "3"}});
        hurried.request("initialize", hello).await;
        hurried.send(&json!({"jsonrpc": "2.0", "method": "notifications/initialized"})).await;
        hurried
    }

    async fn send(&mut self, message: &Value) {
        self.input.write_all(format!("{message}\n").as_bytes()).await.unwrap();
    }

    /// Sends a request; its id.
    async fn begin(&mut self, method: &str, params: Value) -> i64 {
        self.next += 1;
        self.send(&json!({"jsonrpc": "2.0", "id": self.next, "method": method, "params": params})).await;
        self.next
    }

    async fn request(&mut self, method: &str, params: Value) -> Value {
        let id = self.begin(method, params).await;
        let line = within("an answer", self.output.next_line()).await.unwrap().unwrap();
        let answer: Value = serde_json::from_str(&line).unwrap();
        assert_eq!(answer["id"], id, "{answer}");
        answer
    }

    async fn call(&mut self, tool: &str, arguments: &Value) -> Value {
        let answer = self.request("tools/call", json!({"name": tool, "arguments": arguments})).await;
        let text = answer["result"]["content"][0]["text"].as_str();
        serde_json::from_str(text.unwrap_or_else(|| panic!("{answer}"))).unwrap()
    }
}

/// The call is answered before the client gives up, and the answer is had by the call that is named.
#[tokio::test]
async fn a_late_answer_is_called_for() {
    for client in ["@cline/core", "kimi-code"] {
        let mut hurried = Hurried::start(client).await;
        let gate = Gate::new();
        hurried.vendor.then(Answer::text("At last.").gated(&gate));
        let running = hurried.call("chat", &json!({"prompt": "Take your time."})).await;
        assert_eq!(running["status"], "running", "{running}");
        let call = running["call"].clone();
        assert_eq!(call["tool"], "chat");
        // Still not: it waited, and says the same again.
        let again = hurried.call("chat", &call["arguments"]).await;
        assert_eq!((&again["status"], &again["call"]), (&json!("running"), &call), "{again}");
        gate.open();
        let answer = hurried.call("chat", &call["arguments"]).await;
        assert_eq!(
            (&answer["status"], &answer["content"]),
            (&json!("continuation_available"), &json!("At last.")),
            "{answer}"
        );
        assert_eq!(hurried.vendor.stats().calls, 1, "nobody was asked twice");
        // It stays there, and a new question goes on with its thread.
        assert_eq!(hurried.call("chat", &call["arguments"]).await["content"], "At last.");
        let more = json!({"prompt": "And then?", "continuation_id": call["arguments"]["continuation_id"]});
        let more = hurried.call("chat", &more).await;
        assert_eq!(more["continuation_id"], answer["continuation_id"], "{more}");
        assert_eq!(hurried.vendor.stats().calls, 2);
    }
}

/// A model that repeats its question with the id that it got waits for the same answer.
#[tokio::test]
async fn the_same_call_waits_again() {
    let mut hurried = Hurried::start("kimi-code").await;
    let gate = Gate::new();
    hurried.vendor.then(Answer::text("At last.").gated(&gate));
    let running = hurried.call("chat", &json!({"prompt": "Take your time."})).await;
    gate.open();
    let same = json!({"prompt": "Take your time.", "continuation_id": running["continuation_id"]});
    assert_eq!(hurried.call("chat", &same).await["content"], "At last.");
    assert_eq!(hurried.vendor.stats().calls, 1);
}

/// Who gives up the waiting gives up the work.
#[tokio::test]
async fn a_cancelled_wait_ends_the_work() {
    let mut hurried = Hurried::start("@cline/core").await;
    let gate = Gate::new();
    hurried.vendor.then(Answer::text("Never read.").gated(&gate));
    let running = hurried.call("chat", &json!({"prompt": "Take your time."})).await;
    let arguments = running["call"]["arguments"].clone();
    let ended = async {
        loop {
            let waiting = json!({"name": "chat", "arguments": arguments});
            let id = hurried.begin("tools/call", waiting).await;
            let cancelled =
                json!({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": id}});
            hurried.send(&cancelled).await;
            // The notification may be handled before the request has begun.
            let answer = hurried.call("chat", &arguments).await;
            if answer["status"] != "running" {
                return answer;
            }
        }
    };
    let answer = within("the end of the work", ended).await;
    assert!(answer["message"].as_str().unwrap().contains("was cancelled"), "{answer}");
}

/// Whoever is patient, or hears of progress, is not sent away.
#[tokio::test]
async fn patient_clients_just_wait() {
    for (client, meta) in [("claude-code", json!({})), ("@cline/core", json!({"progressToken": "p"}))] {
        let mut hurried = Hurried::start(client).await;
        hurried.vendor.then(Answer::text("At last.").latency(PATIENCE * 3));
        let params = json!({"name": "chat", "arguments": {"prompt": "Take your time."}, "_meta": meta});
        let id = hurried.begin("tools/call", params).await;
        let answer = loop {
            let line = within("an answer", hurried.output.next_line()).await.unwrap().unwrap();
            let message: Value = serde_json::from_str(&line).unwrap();
            if message["id"] == id {
                break message;
            }
        };
        let text = answer["result"]["content"][0]["text"].as_str().unwrap();
        assert!(text.contains("At last."), "{client}: {text}");
    }
}
