//! The MCP server: what it offers, and how a request reaches what answers it.

pub(crate) mod aliases;
pub(crate) mod answers;
pub(crate) mod ask_user;
pub(crate) mod call;
pub(crate) mod completion;
pub(crate) mod deadline;
pub(crate) mod detached;
pub(crate) mod heartbeat;
pub mod profile;
pub(crate) mod prompts;
pub(crate) mod resources;
pub(crate) mod roots;
pub(crate) mod session_limit;
pub(crate) mod tasks;
pub(crate) mod tool_list;

use std::{sync::Arc, time::Duration};

use exai_core::Principal;
use exai_engine::Engine;
use rmcp::{
    ErrorData, RoleServer, ServerHandler,
    handler::server::router::tool::ToolRouter,
    model::{
        CacheScope, CallToolRequestParams, CallToolResponse, CancelTaskParams, CancelledNotificationParam,
        CompleteRequestParams, CompleteResult, GetPromptRequestParams, GetPromptResponse, GetTaskParams,
        GetTaskResult, Implementation, ListPromptsResult, ListResourceTemplatesResult, ListResourcesResult,
        ListToolsResult, PaginatedRequestParams, ProtocolVersion, ReadResourceRequestParams,
        ReadResourceResponse, ServerCapabilities, ServerConfig, SubscriptionFilter, Tool,
    },
    service::{NotificationContext, RequestContext, SubscriptionContext},
    tool_handler,
};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

use self::{
    answers::{Explicit, Outliving},
    profile::Shown,
    roots::SessionRoots,
    session_limit::SessionCalls,
    tool_list::Listings,
};

pub use roots::RootPolicy;

/// How long a client may keep the lists; they only change with the configuration, and then it is told.
const LIST_TTL_MS: u64 = 3_600_000;

/// A vendor as `listmodels` tells of it, configured or not.
#[derive(Debug, Clone)]
pub struct VendorFact {
    /// Its id.
    pub id: String,
    /// Its name.
    pub title: String,
    /// Whether it can be asked.
    pub configured: bool,
    /// What to set to use it, or where its key came from.
    pub how: String,
}

/// What becomes of a call whose client goes away without taking it back.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum OnDisconnect {
    /// It ends, and its consultation is marked as interrupted: the client was the only one, and this process ends with it.
    #[default]
    Interrupt,
    /// It goes on to its end, and its answer is kept for whoever comes for it.
    Finish,
}

/// What the server is built from.
#[derive(Clone)]
pub struct ServerParts {
    /// The engine.
    pub engine: Engine,
    /// The readable folders.
    pub roots: RootPolicy,
    /// The vendors, for `listmodels`.
    pub vendors: Vec<VendorFact>,
    /// The tools that are shown at the start.
    pub shown: Shown,
    /// This program's version.
    pub version: &'static str,
    /// Where threads are kept, for `version`.
    pub database: String,
    /// Time between signs of life.
    pub heartbeat: Duration,
    /// How long a user may take to answer a question while a call waits.
    pub user_limit: Duration,
    /// What becomes of a call whose client goes away.
    pub on_disconnect: OnDisconnect,
    /// How long a call may take before a client that knows tasks gets one instead of its answer.
    pub task_after: Duration,
    /// The most characters of an answer, whatever the client; 0 for any number.
    pub answer_chars: Option<usize>,
    /// The most calls at once.
    pub max_in_flight: usize,
    /// The most consultations of one session at once; more wait for their turn.
    pub session_consultations: usize,
    /// Cancelled when calls that are still open must be answered now.
    pub closing: CancellationToken,
}

/// The server. Clones share everything but the places of their session.
#[derive(Clone)]
pub struct ExaiServer {
    pub(crate) parts: Arc<ServerParts>,
    pub(crate) router: Arc<ToolRouter<Self>>,
    pub(crate) listings: Arc<Listings>,
    pub(crate) roots: SessionRoots,
    pub(crate) in_flight: Arc<Semaphore>,
    pub(crate) session_calls: SessionCalls,
    pub(crate) outliving: Outliving,
    pub(crate) explicit: Explicit,
}

impl ExaiServer {
    /// Builds the server and its list of tools, once.
    #[must_use]
    pub fn new(parts: ServerParts) -> Self {
        let router = Self::every_tool();
        Self {
            roots: SessionRoots::new(parts.roots.clone()),
            in_flight: Arc::new(Semaphore::new(parts.max_in_flight)),
            session_calls: SessionCalls::new(parts.session_consultations),
            outliving: Outliving::default(),
            explicit: Explicit::default(),
            listings: Arc::new(Listings::new(&router, &parts)),
            router: Arc::new(router),
            parts: Arc::new(parts),
        }
    }

    /// Every tool, shown or not.
    pub(crate) fn every_tool() -> ToolRouter<Self> {
        Self::chat_router()
            + Self::listmodels_router()
            + Self::analyze_router()
            + Self::codereview_router()
            + Self::consensus_router()
            + Self::debug_router()
            + Self::docgen_router()
            + Self::planner_router()
            + Self::precommit_router()
            + Self::refactor_router()
            + Self::secaudit_router()
            + Self::testgen_router()
            + Self::thinkdeep_router()
            + Self::tracer_router()
            + Self::challenge_router()
            + Self::version_router()
            + Self::status_router()
            + Self::threads_router()
            + Self::activity_router()
            + Self::usage_router()
            + Self::apilookup_router()
            + Self::clink_router()
            + Self::route_router()
            + Self::payload_preview_router()
            + Self::chat_with_tools_router()
            + Self::web_search_router()
            + Self::file_query_router()
            + Self::file_download_router()
            + Self::file_manage_router()
    }

    /// The tools as clients see them now, in their order.
    #[must_use]
    pub fn tool_list(&self) -> Vec<Tool> {
        self.listings.now().tools.clone()
    }

    /// Shows other tools from now on and tells every client when that makes a difference. Calls under way go on.
    pub async fn show(&self, shown: Shown) {
        if self.listings.show(shown) {
            self.listings.tell().await;
        }
    }

    pub(crate) fn engine(&self) -> &Engine {
        &self.parts.engine
    }
}

/// Who asks.
pub(crate) fn principal(context: &RequestContext<RoleServer>) -> Principal {
    let of_message = context.extensions.get::<Principal>();
    // Over HTTP the door's word stands in the head of the request that carried the message.
    let head = || context.extensions.get::<http::request::Parts>();
    of_message.or_else(|| head()?.extensions.get()).cloned().unwrap_or_else(Principal::local)
}

fn is_modern(context: &RequestContext<RoleServer>) -> bool {
    context.protocol_version().is_some_and(|version| version >= ProtocolVersion::V_2026_07_28)
}

/// Cache hints for clients that know them.
macro_rules! hinted {
    ($result:expr, $context:expr) => {{
        let result = $result;
        if is_modern(&$context) {
            result.with_ttl_ms(LIST_TTL_MS).with_cache_scope(CacheScope::Private)
        } else {
            result
        }
    }};
}

#[tool_handler(router = self.router)]
impl ServerHandler for ExaiServer {
    fn get_info(&self) -> ServerConfig {
        let about = Implementation::new("exai-mcp", self.parts.version)
            .with_title("exai-mcp")
            .with_description("A team of expert models for a coding agent");
        let capabilities = ServerCapabilities::builder()
            .enable_tools()
            .enable_tool_list_changed()
            .enable_prompts()
            .enable_prompts_list_changed()
            .enable_resources()
            .enable_completions()
            .enable_tasks()
            .build();
        ServerConfig::new(capabilities)
            .with_server_info(about)
            .with_instructions(exai_prompts::instructions())
    }

    async fn on_cancelled(&self, note: CancelledNotificationParam, context: NotificationContext<RoleServer>) {
        if let Some(request) = &note.request_id {
            self.explicit.cancel(&answers::named(&context.peer, request));
        }
    }

    async fn get_task(
        &self,
        request: GetTaskParams,
        context: RequestContext<RoleServer>,
    ) -> Result<GetTaskResult, ErrorData> {
        self.task(&request.task_id, &principal(&context).identity).await
    }

    async fn cancel_task(
        &self,
        request: CancelTaskParams,
        context: RequestContext<RoleServer>,
    ) -> Result<(), ErrorData> {
        self.take_back(&request.task_id, &principal(&context).identity).await
    }

    async fn on_initialized(&self, context: NotificationContext<RoleServer>) {
        self.listings.remember(context.peer);
    }

    async fn list_tools(
        &self,
        _request: Option<PaginatedRequestParams>,
        context: RequestContext<RoleServer>,
    ) -> Result<ListToolsResult, ErrorData> {
        Ok(hinted!(ListToolsResult::with_all_items(self.tool_list()), context))
    }

    async fn call_tool(
        &self,
        request: CallToolRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        self.guarded_call(request, context).await
    }

    async fn list_prompts(
        &self,
        _request: Option<PaginatedRequestParams>,
        context: RequestContext<RoleServer>,
    ) -> Result<ListPromptsResult, ErrorData> {
        Ok(hinted!(ListPromptsResult::with_all_items(self.prompts()), context))
    }

    async fn get_prompt(
        &self,
        request: GetPromptRequestParams,
        _context: RequestContext<RoleServer>,
    ) -> Result<GetPromptResponse, ErrorData> {
        self.prompt(&request).map(Into::into)
    }

    async fn complete(
        &self,
        request: CompleteRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<CompleteResult, ErrorData> {
        Ok(self.completion(&request, &principal(&context).identity).await)
    }

    async fn list_resources(
        &self,
        _request: Option<PaginatedRequestParams>,
        context: RequestContext<RoleServer>,
    ) -> Result<ListResourcesResult, ErrorData> {
        // Threads come and go with every call, so no client is told to keep this list.
        Ok(ListResourcesResult::with_all_items(self.resources(&principal(&context).identity).await))
    }

    async fn list_resource_templates(
        &self,
        _request: Option<PaginatedRequestParams>,
        context: RequestContext<RoleServer>,
    ) -> Result<ListResourceTemplatesResult, ErrorData> {
        Ok(hinted!(ListResourceTemplatesResult::with_all_items(resources::templates()), context))
    }

    async fn read_resource(
        &self,
        request: ReadResourceRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<ReadResourceResponse, ErrorData> {
        self.resource(&request.uri, &principal(&context).identity).await.map(Into::into)
    }

    fn accepted_subscription_filter(&self, requested: &SubscriptionFilter) -> Option<SubscriptionFilter> {
        let mut accepted = SubscriptionFilter::new();
        accepted.tools_list_changed = requested.tools_list_changed.filter(|wanted| *wanted);
        accepted.prompts_list_changed = requested.prompts_list_changed.filter(|wanted| *wanted);
        Some(accepted)
    }

    async fn listen(&self, context: SubscriptionContext) -> Result<(), ErrorData> {
        let mut changes = self.listings.changes();
        loop {
            tokio::select! {
                () = context.cancelled() => return Ok(()),
                changed = changes.changed() => {
                    if changed.is_err() {
                        return Ok(());
                    }
                    let accepted = context.accepted();
                    // One that is gone is noticed by its cancellation.
                    if accepted.tools_list_changed == Some(true) {
                        drop(context.sink().notify_tool_list_changed().await);
                    }
                    if accepted.prompts_list_changed == Some(true) {
                        drop(context.sink().notify_prompt_list_changed().await);
                    }
                }
            }
        }
    }
}
