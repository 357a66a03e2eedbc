//! The `op` dialect: JSON frames with an `op`, as programs of the predecessor speak. It is a translation of MCP messages and knows no
//! tool; `docs/websocket.md` describes it.

mod calls;
mod command;
mod delivery;
#[cfg(any(test, fuzzing))]
pub(super) mod fuzzing;
mod hello;
mod registry;
mod request;
mod result;
mod session;

#[cfg(test)]
mod tests;

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use axum::body::Bytes;
use exai_core::{
    Clock, Principal,
    auth::{AuthError, Authenticator, KeyProblem, PresentedKey, Replaced, RotateError, Validity},
    run::Door,
};
use exai_server::{
    Health, Pace, ServerHandle, SessionLimits, SessionPlaces,
    dialect::{Dialect, Goodbye, Link, NOT_UNDERSTOOD, Outgoing, TRY_AGAIN_LATER, UNAUTHORIZED, WRONG_START},
};
use serde_json::{Value, json};
use tokio::{sync::mpsc, time::Instant};
use uuid::Uuid;

pub(super) use self::registry::Registry;
use self::{
    command::Command,
    delivery::Socket,
    hello::Hello,
    registry::{Entry, Opened},
    session::{KEPT, Session},
};
use super::{
    duplex_session::Attach,
    pacing::{Next, Paced},
};

/// Frames that wait for their session.
const QUEUE: usize = 8;

/// What sessions share with the rest of the program.
pub(super) struct Surroundings {
    authenticator: Arc<dyn Authenticator>,
    health: Arc<dyn Health>,
    clock: Arc<dyn Clock>,
    registry: Registry,
    began: Instant,
    /// The longest that a call may take.
    call_limit: Duration,
}

impl Surroundings {
    /// Seconds since 1970.
    fn now(&self) -> f64 {
        // Milliseconds of this century are far below 2^53.
        #[expect(clippy::cast_precision_loss, reason = "exact up to the year 287,000")]
        let milliseconds = self.clock.now().0 as f64;
        milliseconds / 1000.0
    }

    /// Puts a new key in the place of an old one; the error is the dialect's word for what is wrong.
    async fn rotate(&self, old: &str, new: &str) -> Result<Replaced, &'static str> {
        // As keys are read from the configuration and from headers.
        let (old, new) = (old.trim(), new.trim());
        if old.is_empty() || new.is_empty() {
            return Err("missing_params");
        }
        let rotated = self.authenticator.rotate(PresentedKey::new(old), PresentedKey::new(new)).await;
        rotated.map_err(|error| match error {
            RotateError::Unknown => "unauthorized",
            RotateError::Taken => "taken",
            RotateError::Unusable(KeyProblem::Short { .. }) => "too_short",
            RotateError::Unusable(KeyProblem::Signs) => "not_ascii",
            RotateError::Unsupported => "unsupported",
        })
    }

    fn health(&self, tools: usize) -> Value {
        let mut health = json!({"t": self.now(), "uptime_human": spoken(self.began.elapsed()),
            "sessions": self.registry.count(), "tool_count": tools});
        if let (Value::Object(all), Value::Object(figures)) = (&mut health, self.health.figures()) {
            all.extend(figures);
        }
        health
    }
}

/// A length of time for people.
fn spoken(length: Duration) -> String {
    let (minutes, seconds) = (length.as_secs() / 60, length.as_secs() % 60);
    let (hours, minutes) = (minutes / 60, minutes % 60);
    match (hours / 24, hours % 24) {
        (0, 0) => format!("{minutes}m {seconds}s"),
        (0, hours) => format!("{hours}h {minutes}m"),
        (days, hours) => format!("{days}d {hours}h"),
    }
}

/// What sessions of the dialect may take.
#[derive(Debug, Clone, Copy)]
pub(super) struct OpLimits {
    pub(super) sessions: SessionLimits,
    /// The longest that a call may take.
    pub(super) call: Duration,
}

/// The dialect.
pub(super) struct Op {
    attach: Attach,
    surroundings: Arc<Surroundings>,
    connections: AtomicU64,
}

impl Op {
    pub(super) fn new(
        attach: Attach,
        server: &ServerHandle,
        clock: Arc<dyn Clock>,
        limits: OpLimits,
    ) -> Self {
        let registry = Registry::new(SessionPlaces::new(limits.sessions, Arc::clone(&server.events)));
        let began = Instant::now();
        let (authenticator, health) = (Arc::clone(&server.authenticator), Arc::clone(&server.health));
        let surroundings =
            Surroundings { authenticator, health, clock, registry, began, call_limit: limits.call };
        Self { attach, surroundings: Arc::new(surroundings), connections: AtomicU64::default() }
    }

    /// Its sessions.
    pub(super) fn registry(&self) -> Registry {
        self.surroundings.registry.clone()
    }

    /// Who a client is that has shown no key before its hello.
    async fn introduced(&self, hello: &Hello, pace: &Pace) -> Result<(Principal, Validity), Refused> {
        let refused = Refused::new("unauthorized", UNAUTHORIZED, "a valid token is needed");
        let Some(token) = hello.token.as_deref().filter(|token| !token.is_empty()) else {
            return Err(refused);
        };
        let (known, token) = (&self.surroundings.authenticator, PresentedKey::new(token));
        match known.authenticate(token).await {
            Ok(who) => Ok((who, known.validity(Some(token)))),
            Err(AuthError::Unknown) => {
                pace.wrong_key().await;
                Err(refused)
            }
            Err(AuthError::Unavailable) => Err(Refused::new(
                "keys_unavailable",
                TRY_AGAIN_LATER,
                "keys cannot be checked now; try again later",
            )),
        }
    }

    /// The client that says hello, and its session, unless it comes too fast.
    async fn greeted(
        &self,
        hello: &Hello,
        who: Option<Principal>,
        pace: &Pace,
        known: &mut Option<Outgoing>,
    ) -> Result<(Principal, Entry, Value), Refused> {
        let who = match who {
            Some(who) => who,
            None => {
                let (who, validity) = self.introduced(hello, pace).await?;
                *known = Some(Outgoing::Known(who.identity.clone(), validity));
                who
            }
        };
        if pace.enter(&who.identity, Instant::now()).await.is_err() {
            return Err(Refused::new("over_capacity", TRY_AGAIN_LATER, "too many calls; try again later"));
        }
        let (entry, ack) = self.session_for(hello, who.clone()).await?;
        Ok((who, entry, ack))
    }

    /// A session for the client that says hello: the one that it names, or a new one.
    async fn session_for(&self, hello: &Hello, who: Principal) -> Result<(Entry, Value), Refused> {
        let wanted = hello.session_id.as_deref().filter(|id| is_name(id));
        if let Some(token) = hello.resume_token.as_deref() {
            let found = wanted.and_then(|id| self.surroundings.registry.find(id, token, &who.identity));
            let entry =
                found.ok_or(Refused::new("unauthorized", UNAUTHORIZED, "there is no such session"))?;
            let ack = acknowledgement(&entry.id, token, true);
            return Ok((entry, ack));
        }
        let id = wanted.map_or_else(|| Uuid::new_v4().simple().to_string(), str::to_owned);
        let (commands, queue) = mpsc::channel(QUEUE);
        let opened = self.surroundings.registry.open(id, &who.identity, commands);
        let Opened { entry, token, registered } =
            opened.ok_or(Refused::new("over_capacity", TRY_AGAIN_LATER, "too many sessions are open"))?;
        let ack = acknowledgement(&entry.id, &token, false);
        let session = Session::new(entry.clone(), Arc::clone(&self.surroundings));
        tokio::spawn(session.run(self.attach.begin(who, Door("op")), queue, hello.client(), registered));
        Ok((entry, ack))
    }
}

/// Why a client is not greeted: the dialect's word, and the end of the connection.
struct Refused {
    error: &'static str,
    code: u16,
    reason: &'static str,
}

impl Refused {
    fn new(error: &'static str, code: u16, reason: &'static str) -> Self {
        Self { error, code, reason }
    }
}

fn acknowledgement(id: &str, token: &str, resumed: bool) -> Value {
    json!({"op": "hello_ack", "ok": true, "session_id": id, "resume_token": token, "resumed": resumed,
        "kept_seconds": KEPT.as_secs()})
}

/// A name that a client may give its session: 3 to 64 letters, digits, `-` and `_`.
fn is_name(id: &str) -> bool {
    (3..=64).contains(&id.len())
        && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
}

#[async_trait]
impl Dialect for Op {
    /// Everything: a client that begins wrongly gets an error in the words of this dialect.
    fn claims(&self, _first: &[u8]) -> bool {
        true
    }

    async fn run(&self, first: Bytes, link: Link, who: Option<Principal>) {
        let Link { frames, answers, pace } = link;
        let mut known = None;
        let greeted = match Hello::read(&first) {
            Some(Ok(hello)) => {
                let seen = hello.last_seq;
                self.greeted(&hello, who, &pace, &mut known)
                    .await
                    .map(|(who, entry, ack)| (who, entry, ack, seen))
            }
            Some(Err(())) => Err(Refused::new("missing_hello", WRONG_START, "hello comes first")),
            None => {
                let goodbye = Goodbye::new(NOT_UNDERSTOOD, "the first frame is not JSON");
                drop(answers.send(Outgoing::Close(goodbye)).await);
                return;
            }
        };
        let (who, entry, greeting, seen) = match greeted {
            Ok(greeted) => greeted,
            Err(Refused { error, code, reason }) => {
                let refusal = json!({"op": "hello_ack", "ok": false, "error": error}).to_string();
                drop(answers.send(Outgoing::Text(refusal)).await);
                drop(answers.send(Outgoing::Close(Goodbye::new(code, reason))).await);
                return;
            }
        };
        if let Some(known) = known
            && answers.send(known).await.is_err()
        {
            return;
        }
        let number = self.connections.fetch_add(1, Ordering::Relaxed);
        let socket = Socket { number, answers: answers.clone() };
        // A session that has ended has closed the connection, and one that has another connection listens to that alone.
        if entry.commands.send(Command::Connect { socket, greeting, seen }).await.is_err() {
            return;
        }
        let answers = answers.downgrade();
        let mut paced = Paced::new(frames, pace, who.identity, request::is_free);
        while let Some(next) = paced.next().await {
            let is_taken = match next {
                Next::Message(frame) => entry.commands.send(Command::Frame { number, frame }).await.is_ok(),
                Next::Refused { message, retry_after } => {
                    let refusal = result::too_fast(&message, retry_after).to_string();
                    match answers.upgrade() {
                        Some(answers) => answers.send(Outgoing::Text(refusal)).await.is_ok(),
                        None => false,
                    }
                }
            };
            if !is_taken {
                return;
            }
        }
    }
}
