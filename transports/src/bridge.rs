//! A bridge for clients that start a program: messages on standard input and output on one side, a daemon's WebSocket on the other.
//! Messages are passed on as they are. The connection may break and come back; the client notices no more than errors for what was
//! under way.

mod client;
mod pending;

use std::{io, time::Duration};

use futures::{
    SinkExt as _, StreamExt as _,
    stream::{SplitSink, SplitStream},
};
use parking_lot::{Mutex, MutexGuard};
use serde_json::Value;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    sync::{Notify, mpsc},
    time::{Instant, sleep, timeout},
};
use tokio_tungstenite::tungstenite::{
    Message,
    protocol::{CloseFrame, frame::coding::CloseCode},
};
use tokio_util::{sync::CancellationToken, task::AbortOnDropHandle};

use self::pending::Pending;
use crate::{
    Target, parent_death,
    target::{Refused, Socket},
};

/// The half of a connection that is spoken to.
type Sink = SplitSink<Socket, Message>;
/// The half that is listened to.
type Stream = SplitStream<Socket>;

/// Messages on their way in each direction.
const QUEUE: usize = 8;
/// Time between attempts, doubled up to the second.
const FIRST_PAUSE: Duration = Duration::from_millis(250);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);
/// A connection on which nothing was heard for so long is dead: the daemon pings every 30 seconds.
const SILENCE: Duration = Duration::from_secs(90);
/// How long the answer to a repeated greeting may take.
const GREETING: Duration = Duration::from_secs(10);

/// How the bridge behaves.
#[derive(Debug, Clone)]
pub struct BridgeSettings {
    /// The longest line of the client.
    pub max_line_bytes: usize,
    /// How long a client waits for a daemon that is not there before it gets an error.
    pub patience: Duration,
    /// How long answers may take after the client has closed its output.
    pub grace: Duration,
    /// Whether the end of the process that started this one ends it too.
    pub watch_parent: bool,
}

impl Default for BridgeSettings {
    fn default() -> Self {
        Self {
            max_line_bytes: 16 * 1024 * 1024,
            patience: Duration::from_secs(30),
            grace: Duration::from_secs(1),
            watch_parent: true,
        }
    }
}

/// Carries messages until the client is gone or `shutdown` comes. `start` is called when no process listens at the target, once each time.
///
/// # Errors
/// The client's messages cannot be read.
pub async fn bridge<R, W>(
    io: (R, W),
    target: Target,
    settings: BridgeSettings,
    start: impl Fn(),
    shutdown: CancellationToken,
) -> io::Result<()>
where
    R: AsyncRead + Send + Unpin + 'static,
    W: AsyncWrite + Send + Unpin + 'static,
{
    let (to_daemon, lines) = mpsc::channel(QUEUE);
    let (answers, to_client) = mpsc::channel(QUEUE);
    let deaf = CancellationToken::new();
    let reader = AbortOnDropHandle::new(tokio::spawn(client::read(
        io.0,
        settings.max_line_bytes,
        to_daemon,
        answers.clone(),
    )));
    let mut writer = AbortOnDropHandle::new(tokio::spawn(client::write(io.1, to_client, deaf.clone())));
    let watch_parent = settings.watch_parent;
    let mut bridge = Bridge { target, settings, lines, answers, pending: Mutex::default(), greetings: 0 };
    let parent = async { if watch_parent { parent_death().await } else { std::future::pending().await } };
    let (grace, gone) = (bridge.settings.grace, CancellationToken::new());
    {
        let mut run = std::pin::pin!(bridge.run(start, &gone));
        tokio::select! {
            () = &mut run => {}
            () = async { tokio::select! {
                () = shutdown.cancelled() => {}
                () = deaf.cancelled() => {}
                () = parent => {}
            } } => {
                gone.cancel();
                // What the client has asked is cancelled; that takes no longer than a daemon takes to read.
                drop(timeout(grace, run).await);
            }
        }
    }
    drop(bridge);
    if reader.is_finished() {
        // What was answered is written, unless the client reads no more.
        drop(timeout(grace, &mut writer).await);
        return reader.await.unwrap_or(Ok(()));
    }
    Ok(())
}

/// How a connection came to its end.
enum Over {
    /// The client has said everything, and was answered.
    ClientDone,
    /// The daemon has gone, or has closed the connection and said why.
    Lost(Option<String>),
}

struct Bridge {
    target: Target,
    settings: BridgeSettings,
    lines: mpsc::Receiver<String>,
    answers: mpsc::Sender<String>,
    pending: Mutex<Pending>,
    greetings: u64,
}

impl Bridge {
    /// Carries messages until the client has said everything, or is `gone`.
    async fn run(&mut self, start: impl Fn(), gone: &CancellationToken) {
        // A connection on which nothing is said is closed by the daemon, so it waits for the first message.
        let Some(Some(mut first)) =
            gone.run_until_cancelled(self.lines.recv()).await.map(|line| line.map(Some))
        else {
            return;
        };
        loop {
            let connected = gone.run_until_cancelled(self.connected(&start, &mut first)).await;
            let Some((sink, stream)) = connected.flatten() else { return };
            match self.carry(sink, stream, first.take(), gone).await {
                Over::ClientDone => return,
                Over::Lost(Some(reason)) => {
                    self.give_up(&format!("the server closed the connection: {reason}")).await;
                }
                Over::Lost(None) => {
                    let why = "the connection to the server broke; the server goes on with it, and the same call again gets its answer";
                    self.give_up(why).await;
                }
            }
            tracing::warn!(server = %self.target.place(), "the connection broke");
            if self.pending().greeting("").is_none() {
                match gone.run_until_cancelled(self.lines.recv()).await.flatten() {
                    Some(line) => first = Some(line),
                    None => return,
                }
            }
        }
    }

    fn pending(&self) -> MutexGuard<'_, Pending> {
        self.pending.lock()
    }

    async fn give_up(&self, why: &str) {
        let errors = self.pending().give_up(why);
        for error in errors {
            drop(self.answers.send(error).await);
        }
    }

    /// Tries until there is a connection that has been greeted; `None` when the client has gone. A client that has waited long enough
    /// gets an error that says what is wrong, and again at every request.
    async fn connected(&mut self, start: &impl Fn(), first: &mut Option<String>) -> Option<(Sink, Stream)> {
        let (begun, mut pause, mut started) = (Instant::now(), FIRST_PAUSE, false);
        loop {
            let refused = match self.target.upgrade(self.settings.max_line_bytes).await {
                Ok(socket) => match self.greet(socket).await {
                    Some(connection) => return Some(connection),
                    None => Refused::Unanswered(self.target.place()),
                },
                Err(refused) => refused,
            };
            if matches!(refused, Refused::Unanswered(_)) && !started {
                started = true;
                start();
            }
            let impatient =
                matches!(refused, Refused::Unwelcome(_)) || begun.elapsed() >= self.settings.patience;
            if impatient {
                tracing::warn!("{refused}");
                let why = match &refused {
                    Refused::Unanswered(_) => {
                        format!(
                            "{refused}; start it with `exai-mcp serve`, or give `exai-mcp connect` the option --spawn"
                        )
                    }
                    Refused::Unwelcome(_) => refused.to_string(),
                };
                if let Some(answer) = first.take().and_then(|line| Pending::refusal(&line, &why)) {
                    drop(self.answers.send(answer).await);
                }
                let told = async {
                    while let Some(line) = self.lines.recv().await {
                        if let Some(answer) = Pending::refusal(&line, &why) {
                            drop(self.answers.send(answer).await);
                        }
                    }
                };
                if timeout(pause, told).await.is_ok() {
                    return None;
                }
            } else {
                sleep(pause).await;
                if self.lines.is_closed() && self.lines.is_empty() && first.is_none() {
                    return None;
                }
            }
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    /// Says to a new connection what the client said to the first one. `None` when it is not answered as it should be.
    async fn greet(&mut self, socket: Socket) -> Option<(Sink, Stream)> {
        let (mut sink, mut stream) = socket.split();
        self.greetings += 1;
        let id = format!("exai-bridge-{}", self.greetings);
        let Some((initialize, initialized)) = self.pending().greeting(&id) else {
            return Some((sink, stream));
        };
        sink.send(Message::text(initialize)).await.ok()?;
        let answered = async {
            loop {
                if let Message::Text(text) = stream.next().await?.ok()? {
                    let said: Value = serde_json::from_str(&text).ok()?;
                    if said["id"] == id.as_str() {
                        return said.get("result").map(drop);
                    }
                }
            }
        };
        timeout(GREETING, answered).await.ok()??;
        if let Some(initialized) = initialized {
            sink.send(Message::text(initialized)).await.ok()?;
        }
        Some((sink, stream))
    }

    /// Carries messages over one connection. The directions do not wait for each other.
    async fn carry(
        &mut self,
        mut sink: Sink,
        mut stream: Stream,
        first: Option<String>,
        gone: &CancellationToken,
    ) -> Over {
        let (pending, answers, lines) = (&self.pending, &self.answers, &mut self.lines);
        let note = |work: &dyn Fn(&mut Pending)| work(&mut pending.lock());
        let answered_one = Notify::new();
        let down = async {
            while let Ok(Some(Ok(frame))) = timeout(SILENCE, stream.next()).await {
                match frame {
                    Message::Text(text) => {
                        note(&|pending| pending.answered(&text));
                        drop(answers.send(text.as_str().to_owned()).await);
                        answered_one.notify_one();
                    }
                    // A fault of what was sent, which would be one again.
                    Message::Close(Some(CloseFrame {
                        code: CloseCode::Size | CloseCode::Policy,
                        reason,
                    })) => {
                        return Some(reason.as_str().to_owned());
                    }
                    Message::Close(_) => break,
                    _ => {}
                }
            }
            None
        };
        let up = async {
            let mut next = first;
            loop {
                let line = match next.take() {
                    Some(line) => line,
                    None => match lines.recv().await {
                        Some(line) => line,
                        None => break,
                    },
                };
                note(&|pending| pending.asked(&line));
                if sink.send(Message::text(line)).await.is_err() {
                    // Why it was closed may still be on its way.
                    std::future::pending::<()>().await;
                }
            }
            // The client has said everything; what it asked may still be answered.
            let answered = async {
                while !pending.lock().is_empty() {
                    answered_one.notified().await;
                }
            };
            drop(timeout(self.settings.grace, answered).await);
        };
        tokio::select! {
            () = up => {}
            reason = down => return Over::Lost(reason),
            () = gone.cancelled() => {}
        }
        // The daemon finishes what a lost connection has left behind, but nobody comes back for this.
        let cancellations = pending.lock().cancellations();
        let leave = async {
            for cancellation in cancellations {
                sink.send(Message::text(cancellation)).await?;
            }
            sink.close().await
        };
        drop(timeout(self.settings.grace, leave).await);
        Over::ClientDone
    }
}
