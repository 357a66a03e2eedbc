//! Gets frames to the client, and keeps results until it cannot want them any more: what was sent into a connection that broke has not
//! arrived, and only the client knows how far it got.

use std::collections::VecDeque;

use exai_server::dialect::{Goodbye, Outgoing};
use serde_json::{Value, json};
use tokio::sync::mpsc;

/// The most results that are kept, and their bytes. Older ones are still in the database: the same call again gets them.
const MOST: usize = 64;
const MOST_BYTES: usize = 8 * 1024 * 1024;

/// The client's connection, if there is one, and the results that it may have missed.
#[derive(Debug, Default)]
pub(super) struct Delivery {
    socket: Option<Socket>,
    kept: VecDeque<(u64, String)>,
    bytes: usize,
    /// Numbers of the newest result, and of the newest that went into a connection.
    last: u64,
    handed: u64,
}

/// One connection.
#[derive(Debug)]
pub(super) struct Socket {
    pub(super) number: u64,
    pub(super) answers: mpsc::Sender<Outgoing>,
}

impl Delivery {
    /// Whether frames of this connection are to be heard.
    pub(super) fn is_from(&self, number: u64) -> bool {
        self.socket.as_ref().is_some_and(|socket| socket.number == number)
    }

    pub(super) fn is_connected(&self) -> bool {
        self.socket.is_some()
    }

    /// Until the connection is gone; for ever when there is none.
    pub(super) async fn gone(&self) {
        match &self.socket {
            Some(socket) => socket.answers.closed().await,
            None => std::future::pending().await,
        }
    }

    pub(super) fn disconnect(&mut self) {
        self.socket = None;
    }

    /// Says something that means nothing later.
    pub(super) async fn say(&mut self, frame: &Value) {
        self.send(frame.to_string()).await;
    }

    /// Says the result of a call: numbered, and kept.
    pub(super) async fn result(&mut self, mut frame: Value) {
        self.last += 1;
        frame["seq"] = json!(self.last);
        let text = frame.to_string();
        self.bytes += text.len();
        self.kept.push_back((self.last, text.clone()));
        while self.kept.len() > MOST || self.bytes > MOST_BYTES && self.kept.len() > 1 {
            self.forget_first();
        }
        if self.send(text).await {
            self.handed = self.last;
        }
    }

    /// Goes on with another connection: its greeting, then every result after the last one that the client says it has.
    pub(super) async fn connect(&mut self, socket: Socket, greeting: &Value, seen: Option<u64>) {
        if let Some(before) = self.socket.replace(socket) {
            let taken = Goodbye::new(4008, "the session goes on in another connection");
            drop(before.answers.try_send(Outgoing::Close(taken)));
        }
        self.say(greeting).await;
        let seen = seen.unwrap_or(self.handed).min(self.last);
        while self.kept.front().is_some_and(|(number, _)| *number <= seen) {
            self.forget_first();
        }
        for (number, text) in self.kept.clone() {
            if !self.send(text).await {
                return;
            }
            self.handed = self.handed.max(number);
        }
    }

    /// Ends the connection.
    pub(super) async fn close(&mut self, goodbye: Goodbye) {
        if let Some(socket) = self.socket.take() {
            drop(socket.answers.send(Outgoing::Close(goodbye)).await);
        }
    }

    async fn send(&mut self, text: String) -> bool {
        let Some(socket) = &self.socket else { return false };
        let sent = socket.answers.send(Outgoing::Text(text)).await.is_ok();
        if !sent {
            self.socket = None;
        }
        sent
    }

    fn forget_first(&mut self) {
        if let Some((_, text)) = self.kept.pop_front() {
            self.bytes -= text.len();
        }
    }
}
