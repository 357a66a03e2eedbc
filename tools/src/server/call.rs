//! What surrounds every tool call: a name for it, a deadline, progress, and an answer whatever happens.

use std::{panic::AssertUnwindSafe, sync::Arc};

use exai_clients::fit::{self, PartCall, Pointer};
use exai_core::{AnswerId, RequestId, run::Door};
use exai_engine::{Call, inference::scope::CallScope};
use futures::FutureExt as _;
use rmcp::{
    ErrorData, RoleServer,
    handler::server::tool::ToolCallContext,
    model::{CallToolRequestParams, CallToolResponse, ContentBlock},
    service::RequestContext,
};
use serde_json::json;
use tracing::Instrument as _;
use uuid::Uuid;

use super::{
    admission::NotAdmitted,
    aliases,
    answers::AnswerText,
    call_events::CallEvents,
    caller::{is_hurried, is_modern, of_transport, principal},
    cancel_registry::RequestKey,
    deadline,
    detached::{Detachable, Slow},
    heartbeat::{Heartbeat, beat_or_wait},
    panics::panic_text,
    parts::Asking,
    profile, resources,
    state::{ExaiServer, OnDisconnect},
};
use crate::reply::{self};

/// The `_meta` key by which a client names its request.
const REQUEST_ID_KEY: &str = "x-request-id";
/// The longest name a client may give.
const MAX_REQUEST_ID: usize = 128;
/// The most characters of a client's name and version that are recorded.
const MAX_CLIENT: usize = 128;

impl ExaiServer {
    /// Runs one call to its one answer.
    pub(crate) async fn guarded_call(
        &self,
        mut request: CallToolRequestParams,
        mut context: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        let asked = request.name.clone();
        request.name = aliases::canonical(&asked).to_owned().into();
        let request_id = request_id(&context);
        if self.router.get(&request.name).is_none() {
            return Err(unknown_tool(&asked));
        }
        let listing = self.tools.now();
        if !listing.shown.has(&request.name) {
            return Err(hidden_tool(&request.name, listing.shown.why_hidden(&request.name)));
        }
        let tool: Arc<str> = request.name.as_ref().into();
        let call = self.new_call(&context, request_id);
        let mut events = CallEvents::begin(self.engine().inference().events(), &tool, &call);
        let span = tracing::info_span!("tool_call", tool = %tool, request_id = %call.request_id);
        context.extensions.insert(call.clone());
        let beat = context.meta.get_progress_token().map(|token| Heartbeat {
            peer: context.peer.clone(),
            token,
            tool: Arc::clone(&tool),
            every: self.parts.heartbeat,
            request_id: call.request_id.clone(),
        });
        let client = context.client_info().map(|client| client.name.clone());
        let tasks = context.client_capabilities().is_some_and(|client| client.supports_tasks());
        let slow = match tasks {
            true => Slow::Task,
            false if is_hurried(&context) => Slow::Announced,
            false => Slow::Waits,
        };
        let detaches = slow != Slow::Waits || self.parts.on_disconnect == OnDisconnect::Finish;
        let limit = fit::of_client(client.as_deref(), profile::answers_long(&tool), self.parts.answer_chars);
        let who = &call.principal.identity;
        if let Some(wanted) = self.asked_part(request.arguments.as_mut(), who).await {
            let asking = Asking { tool: &asked, limit, call: &call };
            let key = RequestKey::new(self.own_connection.of(&context.extensions), &context.id);
            let answer = tokio::select! {
                biased;
                answer = self.part(wanted, key, &asking).instrument(span) => answer,
                () = self.parts.closing.cancelled() => reply::interrupted(&tool, &call),
                () = context.ct.cancelled() => reply::cancelled(&tool, &call),
            };
            events.answered(&answer);
            return Ok(answer);
        }
        let answer = if detaches && profile::asks_models(&tool) {
            let call = call.clone();
            let detachable = Detachable { request, context, call, beat, slow, asked: asked.to_string() };
            self.detachable_call(detachable).instrument(span).await
        } else {
            self.answered(request, context, call.clone(), beat).instrument(span).await
        }?;
        events.answered(&answer);
        Ok(self.fitted(answer, &Asking { tool: &asked, limit, call: &call }))
    }

    /// The answer within what its client can show. The whole answer is kept when that is less.
    fn fitted(&self, answer: CallToolResponse, asking: &Asking<'_>) -> CallToolResponse {
        let CallToolResponse::Complete(mut result) = answer else { return answer };
        let Some(limit) = asking.limit else { return result.into() };
        let said = AnswerText::of_result(&result);
        let id = AnswerId::new();
        let (name, resource) = (id.to_string(), resources::answer_uri(id));
        let demanded = self.tools.demanded(asking.tool);
        let pointer =
            Pointer { call: PartCall { tool: asking.tool, id: &name, demanded }, resource: &resource };
        let parts = fit::parts(&said.text, limit, &pointer);
        if let Some(first) = parts.and_then(|parts| parts.into_iter().next()) {
            self.keep_text(id, aliases::canonical(asking.tool), said, asking.call);
            result.content = vec![ContentBlock::text(first)];
        }
        result.into()
    }

    async fn answered(
        &self,
        request: CallToolRequestParams,
        context: RequestContext<RoleServer>,
        call: Call,
        beat: Option<Heartbeat>,
    ) -> Result<CallToolResponse, ErrorData> {
        let (tool, cancelled) = (request.name.clone(), context.ct.clone());
        let events = call.progress.subscribe();
        let entrance = profile::asks_models(&tool).then(|| self.admission.entrance());
        let work = AssertUnwindSafe(async {
            let _admitted = match entrance {
                Some(entrance) => match entrance.admit(&call.principal.identity, &cancelled).await {
                    Ok(admitted) => Some(admitted),
                    Err(why) => return Ok(self.not_admitted(why, &tool, &call)),
                },
                None => None,
            };
            self.router.call(ToolCallContext::new(self, request, context)).await
        })
        .catch_unwind();
        let work = deadline::in_time(&call, work);
        let answer = tokio::select! {
            biased;
            answer = work => answer,
            () = self.parts.closing.cancelled() => return Ok(reply::interrupted(&tool, &call)),
            () = cancelled.cancelled() => return Ok(reply::cancelled(&tool, &call)),
            () = beat_or_wait(beat, events) => return Ok(reply::cancelled(&tool, &call)),
        };
        let Some(answer) = answer else { return Ok(reply::late(&tool, &call)) };
        answer.unwrap_or_else(|panic| {
            tracing::error!(tool = %tool, request_id = %call.request_id, "a tool panicked: {}", panic_text(&*panic));
            Ok(reply::panicked(&tool, &call))
        })
    }

    /// The answer of a call that does not begin.
    pub(super) fn not_admitted(&self, why: NotAdmitted, tool: &str, call: &Call) -> CallToolResponse {
        match why {
            NotAdmitted::Gone => reply::cancelled(tool, call),
            NotAdmitted::Full => reply::too_many_calls(self.parts.consultations.places(), &call.request_id),
        }
    }

    fn new_call(&self, context: &RequestContext<RoleServer>, request_id: RequestId) -> Call {
        let limit = self.parts.engine.settings().inference.call_limit;
        let scope = CallScope::new(principal(context), request_id, limit, context.ct.child_token());
        let (door, events) = (of_transport::<Door>(&context.extensions), of_transport(&context.extensions));
        Call {
            scope: CallScope { door, events, client: client(context), ..scope },
            roots: self.roots.of_call(context.peer.clone(), !is_modern(context)),
        }
    }
}

/// The client's name and version, as it introduced itself. A client is a stranger, so the text is bounded.
fn client(context: &RequestContext<RoleServer>) -> Option<String> {
    let info = context.client_info()?;
    let text = format!("{} {}", info.name, info.version);
    let text: String = text.trim().chars().filter(|letter| !letter.is_control()).take(MAX_CLIENT).collect();
    (!text.is_empty()).then_some(text)
}

/// A protocol error, because there is no such tool to answer in-band.
fn unknown_tool(asked: &str) -> ErrorData {
    let shown: String = asked.chars().take(80).collect();
    let nearest = profile::nearest(asked);
    ErrorData::invalid_params(
        format!("there is no tool `{shown}`; the nearest names are {}", nearest.join(", ")),
        Some(json!({ "tool": shown, "nearest": nearest })),
    )
}

/// A protocol error, because the tool is not offered.
fn hidden_tool(name: &str, why: &str) -> ErrorData {
    ErrorData::invalid_params(
        format!("the tool `{name}` is not offered here: {why}"),
        Some(json!({ "tool": name, "reason": why })),
    )
}

/// The client's name for the request, or a new one.
fn request_id(context: &RequestContext<RoleServer>) -> RequestId {
    let named = context.meta.get(REQUEST_ID_KEY).and_then(serde_json::Value::as_str);
    let usable = |id: &&str| {
        (1..=MAX_REQUEST_ID).contains(&id.len())
            && id.chars().all(|c| c.is_ascii_alphanumeric() || "-_.:/".contains(c))
    };
    named.filter(usable).map_or_else(|| RequestId::new(Uuid::now_v7().to_string()), RequestId::from)
}
