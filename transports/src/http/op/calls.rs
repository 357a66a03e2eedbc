//! What a session has asked of MCP and has no answer to yet.

use std::collections::HashMap;

use serde_json::{Value, json};
use tokio::time::Instant;

/// One request to MCP.
#[derive(Debug)]
pub(super) enum Pending {
    /// The handshake.
    Handshake,
    /// `list_tools`.
    Tools { request_id: Option<Value> },
    /// `health`, which counts the tools.
    Health { request_id: Option<Value> },
    /// `call_tool`.
    Call(Call),
}

/// One call.
#[derive(Debug)]
pub(super) struct Call {
    pub(super) request_id: Value,
    pub(super) name: String,
    /// Of the arguments as they were written: they may be large, and only whether others are the same is asked.
    arguments: blake3::Hash,
    pub(super) began: Instant,
}

/// Whether a call with an id that is in use is the same call once more.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Known {
    No,
    Same,
    Other,
}

/// Every request without an answer, by the id it has in MCP.
#[derive(Debug, Default)]
pub(super) struct Calls {
    pending: HashMap<u64, Pending>,
    /// Ids in MCP of the calls, by the client's id as JSON.
    by_id: HashMap<String, u64>,
    last: u64,
}

impl Calls {
    /// Whether no request waits for an answer.
    pub(super) fn is_empty(&self) -> bool {
        self.pending.is_empty()
    }

    /// How many there are.
    pub(super) fn count(&self) -> usize {
        self.pending.len()
    }

    /// An id for a client that gave none.
    pub(super) fn fresh_id(&self) -> Value {
        let mut number = self.last + 1;
        loop {
            let id = json!(format!("call-{number}"));
            if !self.by_id.contains_key(&id.to_string()) {
                return id;
            }
            number += 1;
        }
    }

    pub(super) fn known(&self, request_id: &Value, name: &str, arguments: &str) -> Known {
        let known = self.by_id.get(&request_id.to_string()).and_then(|number| self.pending.get(number));
        match known {
            Some(Pending::Call(call))
                if call.name == name && call.arguments == blake3::hash(arguments.as_bytes()) =>
            {
                Known::Same
            }
            Some(_) => Known::Other,
            None => Known::No,
        }
    }

    /// Notes a request; its id in MCP.
    pub(super) fn begin(&mut self, pending: Pending) -> u64 {
        self.last += 1;
        if let Pending::Call(call) = &pending {
            self.by_id.insert(call.request_id.to_string(), self.last);
        }
        self.pending.insert(self.last, pending);
        self.last
    }

    pub(super) fn begin_call(&mut self, request_id: Value, name: String, arguments: &str) -> u64 {
        let arguments = blake3::hash(arguments.as_bytes());
        self.begin(Pending::Call(Call { request_id, name, arguments, began: Instant::now() }))
    }

    /// The call with an id in MCP.
    pub(super) fn call(&self, number: u64) -> Option<&Call> {
        match self.pending.get(&number)? {
            Pending::Call(call) => Some(call),
            _ => None,
        }
    }

    /// Ends a request: the caller of this answers it, and no other place can.
    pub(super) fn end(&mut self, number: u64) -> Option<Pending> {
        let pending = self.pending.remove(&number)?;
        if let Pending::Call(call) = &pending {
            self.by_id.remove(&call.request_id.to_string());
        }
        Some(pending)
    }

    /// Ends the call with the client's id.
    pub(super) fn end_call(&mut self, request_id: &Value) -> Option<(u64, Call)> {
        let number = *self.by_id.get(&request_id.to_string())?;
        match self.end(number)? {
            Pending::Call(call) => Some((number, call)),
            _ => None,
        }
    }

    /// Ends everything.
    pub(super) fn end_all(&mut self) -> Vec<Pending> {
        self.by_id.clear();
        self.pending.drain().map(|(_, pending)| pending).collect()
    }
}
