//! Requests of the client that have no answer yet. The bridge looks at no more of a message than it needs for that.

use std::{borrow::Cow, collections::HashMap};

use serde::Deserialize;
use serde_json::{Value, json, value::RawValue};

/// Where a server's progress says which run it is about.
const RUN_KEY: &str = "exai/request_id";
/// Application error, in the range that JSON-RPC leaves to servers.
const SERVER_ERROR: i64 = -32_000;

/// The parts of a message that are looked at.
#[derive(Debug, Deserialize)]
struct Peek<'a> {
    #[serde(borrow)]
    id: Option<&'a RawValue>,
    #[serde(borrow)]
    method: Option<Cow<'a, str>>,
    params: Option<Params>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Params {
    name: Option<String>,
    progress_token: Option<Value>,
    request_id: Option<Value>,
    #[serde(rename = "_meta")]
    meta: Option<Meta>,
}

#[derive(Debug, Default, Deserialize)]
struct Meta {
    #[serde(rename = "progressToken")]
    progress_token: Option<Value>,
    #[serde(rename = "exai/request_id")]
    run: Option<String>,
}

/// One request.
#[derive(Debug)]
struct Request {
    /// As it was written.
    id: Box<RawValue>,
    what: String,
    progress_token: Option<String>,
    run: Option<String>,
}

/// The requests of one client, and the greeting that a new connection begins with.
#[derive(Debug, Default)]
pub(super) struct Pending {
    requests: HashMap<String, Request>,
    greeting: Option<Greeting>,
}

/// How the older revisions begin a connection.
#[derive(Debug, Clone)]
struct Greeting {
    initialize: String,
    initialized: Option<String>,
}

impl Pending {
    pub(super) fn is_empty(&self) -> bool {
        self.requests.is_empty()
    }

    /// Notes what the client says.
    pub(super) fn asked(&mut self, line: &str) {
        let Ok(said) = serde_json::from_str::<Peek<'_>>(line) else { return };
        let params = said.params.unwrap_or_default();
        match (said.method.as_deref(), said.id) {
            (Some(method), Some(id)) => {
                if method == "initialize" {
                    self.greeting = Some(Greeting { initialize: line.to_owned(), initialized: None });
                }
                let what = params.name.map_or_else(|| method.to_owned(), |name| format!("{method} {name}"));
                let token = params.meta.and_then(|meta| meta.progress_token);
                let progress_token = token.map(|token| token.to_string());
                let request = Request { id: id.to_owned(), what, progress_token, run: None };
                self.requests.insert(id.get().to_owned(), request);
            }
            (Some("notifications/initialized"), None) => {
                if let Some(greeting) = &mut self.greeting {
                    greeting.initialized = Some(line.to_owned());
                }
            }
            // The client waits no more, and the server gives no answer.
            (Some("notifications/cancelled"), None) => {
                if let Some(id) = params.request_id {
                    self.requests.remove(&id.to_string());
                }
            }
            _ => {}
        }
    }

    /// Notes what the server says.
    pub(super) fn answered(&mut self, frame: &str) {
        let Ok(said) = serde_json::from_str::<Peek<'_>>(frame) else { return };
        match (said.method.as_deref(), said.id) {
            (None, Some(id)) => {
                self.requests.remove(id.get());
            }
            (Some("notifications/progress"), None) => {
                let Some(params) = said.params else { return };
                let (Some(token), Some(run)) = (params.progress_token, params.meta.and_then(|meta| meta.run))
                else {
                    return;
                };
                let token = Some(token.to_string());
                if let Some(request) =
                    self.requests.values_mut().find(|request| request.progress_token == token)
                {
                    request.run = Some(run);
                }
            }
            _ => {}
        }
    }

    /// What a new connection begins with: the client's own `initialize` under an id of ours, and what followed it.
    pub(super) fn greeting(&self, id: &str) -> Option<(String, Option<String>)> {
        let greeting = self.greeting.as_ref()?;
        let mut initialize: Value = serde_json::from_str(&greeting.initialize).ok()?;
        // One that is still open is asked again by itself.
        initialize["id"] = json!(id);
        Some((initialize.to_string(), greeting.initialized.clone()))
    }

    /// Answers everything that is open with an error.
    pub(super) fn give_up(&mut self, why: &str) -> Vec<String> {
        self.requests.drain().map(|(_, request)| error(&request, why)).collect()
    }

    /// The cancellations of everything that is open, but not of a greeting, which the protocol does not let a client cancel.
    pub(super) fn cancellations(&mut self) -> Vec<String> {
        let open = self.requests.drain().filter(|(_, request)| request.what != "initialize");
        let cancel = |(id, _): (String, Request)| {
            format!(
                r#"{{"jsonrpc":"2.0","method":"notifications/cancelled","params":{{"requestId":{id},"reason":"the client has gone"}}}}"#
            )
        };
        open.map(cancel).collect()
    }

    /// The answer to a request that is not passed on; nothing for what is none.
    pub(super) fn refusal(line: &str, why: &str) -> Option<String> {
        let said = serde_json::from_str::<Peek<'_>>(line).ok()?;
        let (method, id) = (said.method?, said.id?);
        let request =
            Request { id: id.to_owned(), what: method.into_owned(), progress_token: None, run: None };
        Some(error(&request, why))
    }
}

fn error(request: &Request, why: &str) -> String {
    let mut message = format!("{}: {why}", request.what);
    let mut data = json!({"code": "unreachable", "retryable": true});
    if let Some(run) = &request.run {
        message.push_str(&format!("; it was run {run}"));
        data[RUN_KEY] = json!(run);
    }
    let error = json!({"code": SERVER_ERROR, "message": message, "data": data});
    format!(r#"{{"jsonrpc":"2.0","id":{},"error":{error}}}"#, request.id.get())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What was open is answered under its own id and names its run.
    #[test]
    fn open_calls_are_answered_with_their_id() {
        let mut pending = Pending::default();
        pending.asked(r#"{"jsonrpc":"2.0","id":"a b","method":"tools/call","params":{"name":"chat","_meta":{"progressToken":5}}}"#);
        pending.asked(r#"{"jsonrpc":"2.0","id":7,"method":"ping"}"#);
        pending.asked(r#"{"jsonrpc":"2.0","id":8,"method":"ping"}"#);
        pending.asked(r#"{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":8}}"#);
        pending.answered(r#"{"jsonrpc":"2.0","id":7,"result":{}}"#);
        pending.answered(
            r#"{"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":5,"progress":1,"_meta":{"exai/request_id":"run-1"}}}"#,
        );
        let errors = pending.give_up("the connection broke");
        let [error] = errors.as_slice() else { panic!("{errors:?}") };
        let error: Value = serde_json::from_str(error).unwrap();
        assert_eq!(error["id"], "a b");
        assert_eq!(error["error"]["message"], "tools/call chat: the connection broke; it was run run-1");
        assert!(pending.is_empty());
    }

    #[test]
    fn open_calls_are_cancelled_by_their_id() {
        let mut pending = Pending::default();
        pending.asked(r#"{"jsonrpc":"2.0","id":0,"method":"initialize","params":{}}"#);
        pending.asked(r#"{"jsonrpc":"2.0","id":"1","method":"tools/call","params":{"name":"chat"}}"#);
        let cancelled = pending.cancellations();
        let [cancelled] = cancelled.as_slice() else { panic!("{cancelled:?}") };
        let cancelled: Value = serde_json::from_str(cancelled).unwrap();
        assert_eq!(
            (&cancelled["method"], &cancelled["params"]["requestId"]),
            (&json!("notifications/cancelled"), &json!("1"))
        );
        assert!(pending.is_empty());
    }

    /// A new connection is greeted as the first one was.
    #[test]
    fn a_new_connection_is_greeted_alike() {
        let mut pending = Pending::default();
        assert!(pending.greeting("x").is_none(), "the newer revision has no greeting");
        pending.asked(
            r#"{"jsonrpc":"2.0","id":0,"method":"initialize","params":{"protocolVersion":"2025-11-25"}}"#,
        );
        let (initialize, initialized) = pending.greeting("bridge-1").unwrap();
        let initialize: Value = serde_json::from_str(&initialize).unwrap();
        assert_eq!((&initialize["id"], &initialize["method"]), (&json!("bridge-1"), &json!("initialize")));
        assert!(initialized.is_none());
        let ready = r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#;
        pending.asked(ready);
        assert_eq!(pending.greeting("x").unwrap().1.as_deref(), Some(ready));
    }
}
