//! The dialect over channels, with tools that do everything tools can do to their callers.

mod arguments;

use std::collections::HashMap;

use async_trait::async_trait;
use exai_core::SystemClock;
use exai_server::{
    Credential, Credentials, Lifecycle, LocalRates, Pace, RateLimits, ServerSettings, Trouble,
};
use proptest::prelude::*;
use rmcp::{
    RoleServer, ServerHandler,
    model::{
        CallToolRequestParams, CallToolResponse, CallToolResult, ContentBlock, ErrorData, ListToolsResult,
        PaginatedRequestParams, ServerCapabilities, ServerConfig, Tool,
    },
    service::RequestContext,
};
use serde_json::json;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;

use super::*;

const TOOLS: [&str; 6] = ["echo", "fail", "refuse", "panic", "slow", "stuck"];
const KEY: &str = "the-key-of-the-user";

#[derive(Clone)]
struct Tools;

impl ServerHandler for Tools {
    fn get_info(&self) -> ServerConfig {
        ServerConfig::new(ServerCapabilities::builder().enable_tools().build())
    }

    async fn list_tools(
        &self,
        _page: Option<PaginatedRequestParams>,
        _context: RequestContext<RoleServer>,
    ) -> Result<ListToolsResult, ErrorData> {
        let tool = |name| Tool::new(name, "does what it is called", serde_json::Map::new());
        Ok(ListToolsResult::with_all_items(TOOLS.map(tool).to_vec()))
    }

    async fn call_tool(
        &self,
        request: CallToolRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        let said = json!(request.arguments.unwrap_or_default()).to_string();
        let text = |text: String| vec![ContentBlock::text(text)];
        match &*request.name {
            "echo" => Ok(CallToolResult::success(text(said)).into()),
            "fail" => {
                let told = json!({"status": "error", "code": "over_capacity", "message": "full", "retry_after_ms": 1500});
                Ok(CallToolResult::error(text(told.to_string())).into())
            }
            "refuse" => Err(ErrorData::invalid_params("no such argument", None)),
            "panic" => panic!("as asked"),
            "slow" => {
                sleep(Duration::from_secs(20)).await;
                Ok(CallToolResult::success(text(said)).into())
            }
            "stuck" => {
                context.ct.cancelled().await;
                Ok(CallToolResult::success(vec![]).into())
            }
            other => Err(ErrorData::invalid_params("unknown", Some(json!({"tool": other})))),
        }
    }
}

struct Well;

#[async_trait]
impl Health for Well {
    async fn trouble(&self) -> Option<Trouble> {
        None
    }

    fn figures(&self) -> Value {
        json!({"consultations": 0})
    }
}

struct Spoken {
    to: mpsc::Sender<Bytes>,
    from: mpsc::Receiver<Outgoing>,
}

struct Server {
    op: Arc<Op>,
    shutdown: CancellationToken,
}

impl Server {
    fn new(keys: Vec<Credential>, sessions: SessionLimits) -> Self {
        let shutdown = CancellationToken::new();
        let lifecycle = Lifecycle { shutdown: shutdown.clone(), ..Lifecycle::default() };
        let settings =
            ServerSettings { authenticator: Arc::new(Credentials::new(keys)), ..ServerSettings::default() };
        let server = exai_server::Server::new(settings, Arc::new(Well), lifecycle).handle();
        let limits = OpLimits { sessions, call: Duration::from_secs(60) };
        let op = Op::new(Attach::new(Tools, &server), &server, Arc::new(SystemClock), limits);
        Self { op: Arc::new(op), shutdown }
    }

    fn open() -> Self {
        Self::new(Vec::new(), SessionLimits { all: 10, each: 10 })
    }

    fn connect(&self, first: &Value, who: Option<Principal>) -> Spoken {
        let ((to, frames), (answers, from)) = (mpsc::channel(8), mpsc::channel(64));
        let (op, first) = (Arc::clone(&self.op), Bytes::from(first.to_string()));
        tokio::spawn(async move { op.run(first, Link { frames, answers, pace: pace() }, who).await });
        Spoken { to, from }
    }

    async fn hello(&self, more: Value) -> (Spoken, Value) {
        let mut hello = json!({"op": "hello"});
        hello.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let mut spoken = self.connect(&hello, Some(Principal::local()));
        let ack = spoken.hear().await;
        assert_eq!((&ack["op"], &ack["ok"]), (&json!("hello_ack"), &json!(true)), "{ack}");
        (spoken, ack)
    }
}

impl Spoken {
    async fn say(&self, frame: Value) {
        self.to.send(Bytes::from(frame.to_string())).await.unwrap();
    }

    async fn outgoing(&mut self) -> Option<Outgoing> {
        timeout(Duration::from_secs(3_600), self.from.recv()).await.expect("something is said within an hour")
    }

    async fn hear(&mut self) -> Value {
        match self.outgoing().await {
            Some(Outgoing::Text(text)) => serde_json::from_str(&text).unwrap(),
            other => panic!("a frame, not {other:?}"),
        }
    }

    /// The next frame that is no sign of life.
    async fn hear_result(&mut self) -> Value {
        loop {
            let frame = self.hear().await;
            if frame["op"] != "progress" && frame["op"] != "call_tool_ack" {
                return frame;
            }
        }
    }

    async fn goodbye(&mut self) -> u16 {
        loop {
            match self.outgoing().await {
                Some(Outgoing::Close(goodbye)) => return goodbye.code,
                Some(Outgoing::Text(_) | Outgoing::Known(..)) => {}
                None => panic!("the connection ended without a goodbye"),
            }
        }
    }
}

fn call(name: &str, id: &str) -> Value {
    json!({"op": "call_tool", "name": name, "arguments": {"said": id}, "request_id": id})
}

/// Calls as often as a test likes.
fn pace() -> Pace {
    Pace::of_one_address(Arc::new(LocalRates::new(RateLimits { all: 0, each: 0 })))
}

#[tokio::test(start_paused = true)]
async fn a_call_is_answered_in_both_spellings() {
    let server = Server::open();
    let (mut spoken, ack) = server.hello(json!({"session_id": "window-1"})).await;
    assert_eq!((&ack["session_id"], &ack["resumed"]), (&json!("window-1"), &json!(false)));
    spoken.say(call("echo", "a")).await;
    let ack = spoken.hear().await;
    assert_eq!(
        (&ack["op"], &ack["accepted"], &ack["timeout"]),
        (&json!("call_tool_ack"), &json!(true), &json!(60))
    );
    let result = spoken.hear().await;
    assert_eq!(
        (&result["request_id"], &result["ok"], &result["seq"]),
        (&json!("a"), &json!(true), &json!(1))
    );
    assert_eq!(result["outputs"][0]["text"], r#"{"said":"a"}"#);
    assert_eq!(result["text"], result["outputs"][0]["text"]);
    assert!(result["outputs"][0]["metadata"]["latency_metrics"]["latency_ms"].is_u64());
    for tool in [json!("echo"), json!({"name": "echo"})] {
        spoken.say(json!({"op": "tool_call", "tool": tool})).await;
        let id = spoken.hear().await["request_id"].clone();
        assert_eq!(spoken.hear().await["request_id"], id, "an id that the server gave");
    }
}

#[tokio::test(start_paused = true)]
async fn failures_say_what_they_are() {
    let server = Server::open();
    let (mut spoken, _) = server.hello(json!({})).await;
    let cases = [
        ("fail", "OVER_CAPACITY"),
        ("refuse", "VALIDATION_ERROR"),
        ("panic", "INTERNAL_ERROR"),
        ("nosuch", "TOOL_NOT_FOUND"),
    ];
    for (tool, code) in cases {
        spoken.say(call(tool, tool)).await;
        let result = spoken.hear_result().await;
        assert_eq!((&result["ok"], &result["error"]["code"]), (&json!(false), &json!(code)), "{result}");
        assert_eq!(result["request_id"], tool);
        if tool == "fail" {
            assert_eq!(result["error"]["retry_after"], json!(1.5));
        }
    }
    spoken.say(json!({"op": "nonsense", "request_id": "x"})).await;
    let frame = spoken.hear().await;
    assert_eq!((&frame["op"], &frame["request_id"]), (&json!("error"), &json!("x")));
    spoken.to.send(Bytes::from_static(b"{nope")).await.unwrap();
    assert_eq!(spoken.hear().await["error"]["code"], "VALIDATION_ERROR");
    spoken.say(json!({"op": "call_tool", "name": "", "request_id": "y"})).await;
    let frame = spoken.hear().await;
    assert_eq!((&frame["op"], &frame["request_id"]), (&json!("call_tool_res"), &json!("y")));
}

#[tokio::test(start_paused = true)]
async fn cancel_does_not_wait_behind_calls() {
    let server = Server::open();
    let (mut spoken, _) = server.hello(json!({})).await;
    spoken.say(call("stuck", "a")).await;
    assert_eq!(spoken.hear().await["op"], "call_tool_ack");
    spoken.say(json!({"op": "ping", "request_id": "p"})).await;
    assert_eq!(spoken.hear().await["op"], "pong");
    spoken.say(call("stuck", "a")).await;
    assert_eq!(spoken.hear().await["note"], "duplicate request; still processing");
    spoken.say(call("echo", "a")).await;
    assert_eq!(spoken.hear().await["error"]["details"]["request_id"], "a");
    spoken.say(json!({"op": "cancel", "request_id": "a"})).await;
    assert_eq!(spoken.hear().await["error"]["code"], "CANCELLED");
    assert_eq!(spoken.hear().await["found"], true);
    spoken.say(json!({"op": "cancel", "request_id": "a"})).await;
    assert_eq!(spoken.hear().await["found"], false);
    spoken.say(call("echo", "a")).await;
    assert_eq!(spoken.hear_result().await["ok"], true, "the id is free again");
    spoken.say(json!({"op": "health"})).await;
    let health = spoken.hear().await["health"].clone();
    assert_eq!(
        (&health["tool_count"], &health["sessions"], &health["consultations"]),
        (&json!(6), &json!(1), &json!(0))
    );
    spoken.say(json!({"op": "list_tools"})).await;
    assert_eq!(spoken.hear().await["tools"].as_array().unwrap().len(), TOOLS.len());
}

/// A result that no client received is delivered once to the client that returns.
#[tokio::test(start_paused = true)]
async fn an_unheard_result_is_delivered_once() {
    let server = Server::open();
    let (mut spoken, ack) = server.hello(json!({"session_id": "window-1"})).await;
    spoken.say(call("slow", "a")).await;
    assert_eq!(spoken.hear().await["op"], "call_tool_ack");
    drop(spoken);
    sleep(Duration::from_secs(60)).await;
    let token = ack["resume_token"].clone();
    let back = json!({"session_id": "window-1", "resume_token": token, "last_seq": 0});
    let (mut spoken, ack) = server.hello(back.clone()).await;
    assert_eq!((&ack["resumed"], &ack["in_flight"]), (&json!(true), &json!(0)));
    let result = spoken.hear().await;
    assert_eq!((&result["request_id"], &result["seq"]), (&json!("a"), &json!(1)));
    // The same words once more, as if the connection had broken before they arrived.
    let (mut again, _) = server.hello(back).await;
    assert_eq!(spoken.goodbye().await, 4008);
    assert_eq!(again.hear().await, result);
    let (mut heard, _) =
        server.hello(json!({"session_id": "window-1", "resume_token": token, "last_seq": 1})).await;
    heard.say(json!({"op": "ping"})).await;
    assert_eq!(heard.hear().await["op"], "pong", "nothing is told twice");
    for (id, token) in [("window-1", json!("wrong")), ("window-2", token)] {
        let mut refused = server.connect(
            &json!({"op": "hello", "session_id": id, "resume_token": token}),
            Some(Principal::local()),
        );
        assert_eq!(refused.hear().await["error"], "unauthorized");
        assert_eq!(refused.goodbye().await, 4003);
    }
}

#[tokio::test(start_paused = true)]
async fn two_windows_are_two_sessions() {
    let server = Server::open();
    let (mut one, _) = server.hello(json!({"session_id": "same"})).await;
    let (two, _) = server.hello(json!({"session_id": "same"})).await;
    drop(two);
    one.say(call("echo", "a")).await;
    assert_eq!(one.hear_result().await["ok"], true);
}

#[tokio::test(start_paused = true)]
async fn sessions_without_anybody_end_and_make_room() {
    let server = Server::new(Vec::new(), SessionLimits { all: 2, each: 2 });
    let (busy, _) = server.hello(json!({})).await;
    busy.say(call("stuck", "a")).await;
    drop(server.hello(json!({})).await);
    sleep(Duration::from_secs(1)).await;
    let (third, _) = server.hello(json!({})).await;
    let mut fourth = server.connect(&json!({"op": "hello"}), Some(Principal::local()));
    assert_eq!(fourth.hear().await["error"], "over_capacity");
    assert_eq!(fourth.goodbye().await, 1013);
    drop((busy, third));
    sleep(KEPT + Duration::from_secs(1)).await;
    assert_eq!(server.op.surroundings.registry.count(), 0);
}

/// The key may come with the greeting and can be changed.
#[tokio::test(start_paused = true)]
async fn the_greeting_may_bring_the_key() {
    let server =
        Server::new(vec![Credential::new(KEY, Principal::local())], SessionLimits { all: 10, each: 10 });
    for hello in [json!({"op": "hello"}), json!({"op": "hello", "token": "another-key-of-somebody"})] {
        let mut refused = server.connect(&hello, None);
        assert_eq!(refused.hear().await["error"], "unauthorized");
        assert_eq!(refused.goodbye().await, 4003);
    }
    let mut spoken = server.connect(&json!({"op": "hello", "token": KEY}), None);
    assert!(matches!(spoken.outgoing().await, Some(Outgoing::Known(..))));
    assert_eq!(spoken.hear().await["ok"], true);
    let rotations = [
        (json!({"op": "rotate_token"}), json!("missing_params")),
        (json!({"op": "rotate_token", "old": KEY, "new": "short"}), json!("too_short")),
        (
            json!({"op": "rotate_token", "old": "wrong", "new": "the-next-key-of-the-user"}),
            json!("unauthorized"),
        ),
        (json!({"op": "rotate_token", "old": KEY, "new": "the-next-key-of-the-user"}), json!(null)),
    ];
    for (frame, error) in rotations {
        spoken.say(frame).await;
        assert_eq!(spoken.hear().await["error"], error);
    }
    let mut late = server.connect(&json!({"op": "hello", "token": KEY}), None);
    assert_eq!(late.goodbye().await, 4003);
    let mut next = server.connect(&json!({"op": "hello", "token": "the-next-key-of-the-user"}), None);
    assert!(matches!(next.outgoing().await, Some(Outgoing::Known(..))));
    assert_eq!(next.hear().await["ok"], true);
}

/// A client that chose the key of another one had that one's callers come in as itself.
#[tokio::test(start_paused = true)]
async fn nobody_takes_the_key_of_another() {
    const OTHER: &str = "the-key-of-the-pipeline";
    let other = Principal::new("local", "ci");
    let keys = vec![Credential::new(KEY, Principal::local()), Credential::new(OTHER, other.clone())];
    let server = Server::new(keys, SessionLimits { all: 10, each: 10 });
    let mut spoken = server.connect(&json!({"op": "hello"}), Some(Principal::local()));
    assert_eq!(spoken.hear().await["ok"], true);
    for (new, error) in [
        (OTHER, json!("taken")),
        (" the-key-of-the-pipeline\n", json!("taken")),
        (KEY, json!("taken")),
        ("the-key-of-the-\u{fc}ser", json!("not_ascii")),
        ("the-key-of\u{0}the-user", json!("not_ascii")),
        ("the key of the user", json!("not_ascii")),
        (" the-next-key-of-the-user ", json!(null)),
    ] {
        spoken.say(json!({"op": "rotate_token", "old": KEY, "new": new})).await;
        assert_eq!(spoken.hear().await["error"], error, "{new:?}");
    }
    let authenticator = &server.op.surroundings.authenticator;
    for (key, owner) in [(OTHER, other), ("the-next-key-of-the-user", Principal::local())] {
        let known = authenticator.authenticate(PresentedKey::new(key)).await;
        assert_eq!(known.map(|known| known.identity), Ok(owner.identity));
    }
}

#[tokio::test(start_paused = true)]
async fn whoever_begins_otherwise_is_told_so() {
    let server = Server::open();
    let mut wrong = server.connect(&json!({"op": "list_tools"}), Some(Principal::local()));
    assert_eq!(wrong.hear().await["error"], "missing_hello");
    assert_eq!(wrong.goodbye().await, 4001);
    let ((_to, frames), (answers, from)) = (mpsc::channel(8), mpsc::channel(8));
    server.op.run(Bytes::from_static(b"GET /"), Link { frames, answers, pace: pace() }, None).await;
    let mut odd = Spoken { to: _to, from };
    assert_eq!(odd.goodbye().await, 4000);
}

#[tokio::test(start_paused = true)]
async fn the_servers_end_answers_open_calls() {
    let server = Server::open();
    let (mut spoken, _) = server.hello(json!({})).await;
    spoken.say(call("slow", "a")).await;
    assert_eq!(spoken.hear().await["op"], "call_tool_ack");
    server.shutdown.cancel();
    let result = spoken.hear_result().await;
    assert_eq!(result["request_id"], "a");
    assert_eq!(spoken.goodbye().await, 1001);
}

#[derive(Debug, Clone)]
enum Step {
    Call(&'static str),
    CancelEarlier(usize),
    List,
    Ping,
    Health,
    Unknown,
    Garbage(Vec<u8>),
}

fn step() -> impl Strategy<Value = Step> {
    let tools = prop::sample::select(vec!["echo", "fail", "refuse", "panic", "slow", "nosuch"]);
    prop_oneof![
        6 => tools.prop_map(Step::Call),
        3 => any::<usize>().prop_map(Step::CancelEarlier),
        1 => Just(Step::List),
        1 => Just(Step::Ping),
        1 => Just(Step::Health),
        1 => Just(Step::Unknown),
        2 => prop::collection::vec(any::<u8>(), 0..40).prop_map(Step::Garbage),
    ]
}

/// Every frame that asks for something is answered exactly once, under its id and in its kind.
async fn one_answer_each(steps: Vec<Step>) {
    let server = Server::open();
    let (mut spoken, _) = server.hello(json!({})).await;
    let mut owed: HashMap<(String, String), i32> = HashMap::new();
    let mut calls = Vec::new();
    let mut frames = Vec::new();
    for (index, step) in steps.into_iter().enumerate() {
        let id = format!("r{index}");
        let (frame, answer, of) = match step {
            Step::Call(name) => {
                calls.push(id.clone());
                (call(name, &id).to_string().into_bytes(), "call_tool_res", id)
            }
            Step::CancelEarlier(which) if !calls.is_empty() => {
                let of = calls[which % calls.len()].clone();
                (json!({"op": "cancel", "request_id": of}).to_string().into_bytes(), "cancelled", of)
            }
            Step::CancelEarlier(_) | Step::Unknown => {
                (json!({"op": "dance", "request_id": id}).to_string().into_bytes(), "error", id)
            }
            Step::List => {
                (json!({"op": "list_tools", "request_id": id}).to_string().into_bytes(), "list_tools_res", id)
            }
            Step::Ping => (json!({"op": "ping", "request_id": id}).to_string().into_bytes(), "pong", id),
            Step::Health => {
                (json!({"op": "health", "request_id": id}).to_string().into_bytes(), "health_res", id)
            }
            Step::Garbage(bytes) => (bytes, "error", String::new()),
        };
        *owed.entry((answer.to_owned(), of)).or_default() += 1;
        frames.push(frame);
    }
    let to = spoken.to.clone();
    let said = tokio::spawn(async move {
        for frame in frames {
            to.send(Bytes::from(frame)).await.unwrap();
        }
    });
    let mut open: i32 = owed.values().sum();
    while open > 0 {
        let frame = spoken.hear_result().await;
        let id = frame["request_id"].as_str().unwrap_or_default().to_owned();
        let owed = owed.get_mut(&(frame["op"].as_str().unwrap().to_owned(), id));
        let owed = owed.unwrap_or_else(|| panic!("nobody asked for {frame}"));
        *owed -= 1;
        assert!(*owed >= 0, "answered twice: {frame}");
        open -= 1;
    }
    said.await.unwrap();
    sleep(Duration::from_secs(60)).await;
    spoken.say(json!({"op": "ping"})).await;
    assert_eq!(spoken.hear().await["op"], "pong", "nothing is left to be said");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn every_request_has_exactly_one_answer(steps in prop::collection::vec(step(), 1..40)) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
        runtime.block_on(one_answer_each(steps));
    }
}
