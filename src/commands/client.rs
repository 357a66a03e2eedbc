//! An MCP client in the same process: same schemas, same wrapper, same answers as for any other client.

use std::{borrow::Cow, pin::pin, sync::Arc, time::Duration};

use anyhow::{Context as _, bail};
use exai_core::{chat::Delta, run::Door};
use exai_engine::inference::events::{CAPACITY, CompletionEvent, EventSender};
use exai_tools::{
    ExaiServer,
    profile::{Shown, asks_models},
};
use indicatif::{ProgressBar, ProgressStyle};
use rmcp::{
    ClientHandler, ErrorData, RoleClient, RoleServer, Service, ServiceExt as _,
    model::{
        CallToolRequest, CallToolRequestParams, ClientCapabilities, ClientConfig, ClientNotification,
        ClientRequest, Implementation, JsonObject, ProgressNotificationParam, ProtocolVersion, ServerConfig,
        ServerResult,
    },
    service::{NotificationContext, PeerRequestOptions, RequestContext, RequestHandle},
};
use serde_json::Value;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::{App, exit::Interrupted, lifecycle, terminal};

/// The pipe between the two ends.
const PIPE_BYTES: usize = 256 * 1024;
/// How often the display turns.
const TICK: Duration = Duration::from_millis(120);

/// A tool's answer.
pub(crate) struct Answer {
    /// Its JSON text, parsed.
    pub json: Value,
    /// Whether it is a failure.
    pub is_error: bool,
}

/// The server as the command line calls it: its calls say where they come from, and where the events of their answers go.
struct Entrance {
    server: ExaiServer,
    events: Option<EventSender>,
}

impl Service<RoleServer> for Entrance {
    async fn handle_request(
        &self,
        request: ClientRequest,
        mut context: RequestContext<RoleServer>,
    ) -> Result<ServerResult, ErrorData> {
        context.extensions.insert(Door("cli"));
        if let Some(events) = &self.events {
            context.extensions.insert(events.clone());
        }
        self.server.handle_request(request, context).await
    }

    async fn handle_notification(
        &self,
        notification: ClientNotification,
        context: NotificationContext<RoleServer>,
    ) -> Result<(), ErrorData> {
        self.server.handle_notification(notification, context).await
    }

    fn get_info(&self) -> ServerConfig {
        Service::get_info(&self.server)
    }

    fn supported_protocol_versions(&self) -> Cow<'static, [ProtocolVersion]> {
        Service::supported_protocol_versions(&self.server)
    }
}

/// Shows progress notifications.
#[derive(Clone)]
struct Display {
    bar: Arc<ProgressBar>,
    /// Whether the phase of the call is shown: a tool that only looks something up has none that means anything.
    with_phase: bool,
}

impl ClientHandler for Display {
    fn get_info(&self) -> ClientConfig {
        let about = Implementation::new(exai_tools::OWN_CLIENT, env!("CARGO_PKG_VERSION"));
        ClientConfig::new(ClientCapabilities::default(), about)
    }

    async fn on_progress(
        &self,
        params: ProgressNotificationParam,
        _context: NotificationContext<RoleClient>,
    ) {
        // Once the answer is being printed, the terminal is its own.
        let is_shown = self.with_phase && !self.bar.is_finished();
        if let Some(message) = params.message.filter(|_| is_shown) {
            self.bar.set_message(without_seconds(&message));
        }
    }
}

/// The message without its own seconds: the display counts them itself, every tenth of one.
fn without_seconds(message: &str) -> String {
    let is_seconds = |part: &&str| part.strip_suffix(" s").is_some_and(|count| count.parse::<u64>().is_ok());
    message.split(" · ").filter(|part| !is_seconds(part)).collect::<Vec<_>>().join(" · ")
}

/// Where the events of an answer go while it comes.
pub(crate) type Follow<'a> = dyn FnMut(&CompletionEvent) + 'a;

/// Calls one tool. Ctrl-C cancels the call.
pub(crate) async fn call(app: &App, tool: &str, arguments: JsonObject) -> anyhow::Result<Answer> {
    call_and_follow(app, tool, arguments, None).await
}

/// Calls one tool, and hands over what its model says meanwhile to `follow`. The progress display ends with the model's first words.
pub(crate) async fn call_and_follow(
    app: &App,
    tool: &str,
    arguments: JsonObject,
    mut follow: Option<&mut Follow<'_>>,
) -> anyhow::Result<Answer> {
    // A person at a terminal pays nothing for a list of tools.
    app.server.show(Shown::everything()).await;
    let bar = progress_bar(tool);
    let (ours, theirs) = tokio::io::duplex(PIPE_BYTES);
    let (events, mut said) = mpsc::channel(CAPACITY);
    let server = tokio::spawn({
        let entrance = Entrance { server: app.server.clone(), events: follow.is_some().then_some(events) };
        async move { entrance.serve(theirs).await }
    });
    let client = Display { bar: Arc::clone(&bar), with_phase: asks_models(tool) }
        .serve(ours)
        .await
        .context("the server did not start")?;
    let server = server.await?.context("the server did not start")?;
    let stop = CancellationToken::new();
    lifecycle::cancel_on_signal(stop.clone());
    let params = CallToolRequestParams::new(tool.to_owned()).with_arguments(arguments);
    let request = ClientRequest::CallToolRequest(CallToolRequest::new(params));
    let handle = client.send_cancellable_request(request, PeerRequestOptions::no_options()).await?;
    let mut hand_over = |event: CompletionEvent| {
        if matches!(event, CompletionEvent::Delta(Delta::Text(_)) | CompletionEvent::Done(_)) {
            bar.finish_and_clear();
        }
        if let Some(follow) = &mut follow {
            follow(&event);
        }
    };
    let answer = {
        let mut answer = pin!(wait(handle, &stop));
        loop {
            tokio::select! {
                answer = &mut answer => break answer,
                Some(event) = said.recv() => hand_over(event),
            }
        }
    };
    // What the model said before its answer was there.
    while let Ok(event) = said.try_recv() {
        hand_over(event);
    }
    bar.finish_and_clear();
    drop(client.cancel().await);
    drop(server.cancel().await);
    read(answer?)
}

async fn wait(handle: RequestHandle<RoleClient>, stop: &CancellationToken) -> anyhow::Result<ServerResult> {
    let (id, peer) = (handle.id.clone(), handle.peer.clone());
    tokio::select! {
        answer = handle.await_response() => Ok(answer?),
        () = stop.cancelled() => {
            let note = rmcp::model::CancelledNotificationParam::new(Some(id), Some("interrupted at the terminal".to_owned()));
            peer.notify_cancelled(note).await?;
            Err(Interrupted { thread: None }.into())
        }
    }
}

fn read(answer: ServerResult) -> anyhow::Result<Answer> {
    let ServerResult::CallToolResult(result) = answer else {
        bail!("the server gave an answer of another kind")
    };
    let text: String =
        result.content.iter().filter_map(|block| block.as_text()).map(|text| text.text.as_str()).collect();
    let json = serde_json::from_str(&text).unwrap_or(Value::String(text));
    Ok(Answer { json, is_error: result.is_error.unwrap_or(false) })
}

/// A turning display on a terminal, nothing elsewhere.
fn progress_bar(tool: &str) -> Arc<ProgressBar> {
    if !terminal::is_err() {
        return Arc::new(ProgressBar::hidden());
    }
    let bar = ProgressBar::new_spinner();
    if let Ok(style) = ProgressStyle::with_template("{spinner} {msg}  [{elapsed}]") {
        bar.set_style(style);
    }
    bar.set_message(format!("{tool}: starting"));
    bar.enable_steady_tick(TICK);
    Arc::new(bar)
}
