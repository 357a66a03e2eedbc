//! The MCP server: which tools there are, and how a request reaches one.

use std::{sync::Arc, time::Duration};

use exai_engine::Engine;
use rmcp::{
    ErrorData, RoleServer, ServerHandler,
    handler::server::router::tool::ToolRouter,
    model::{
        CacheScope, CallToolRequestParams, CallToolResponse, Implementation, ListToolsResult,
        PaginatedRequestParams, ProtocolVersion, ServerCapabilities, ServerConfig, Tool,
    },
    service::RequestContext,
    tool_handler,
};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

use crate::roots::{RootPolicy, SessionRoots};

/// How long a client may keep the list of tools; it only changes with the configuration.
const TOOL_LIST_TTL_MS: u64 = 3_600_000;

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

/// What the server is built from.
#[derive(Clone)]
pub struct ServerParts {
    /// The engine.
    pub engine: Engine,
    /// The readable folders.
    pub roots: RootPolicy,
    /// The vendors, for `listmodels`.
    pub vendors: Vec<VendorFact>,
    /// This program's version.
    pub version: &'static str,
    /// Where threads are kept, for `version`.
    pub database: String,
    /// Time between signs of life.
    pub heartbeat: Duration,
    /// How long a user may take to answer a question while a call waits.
    pub user_limit: Duration,
    /// The most calls at once.
    pub max_in_flight: usize,
    /// Cancelled when calls that are still open must be answered now.
    pub closing: CancellationToken,
}

/// The server. Clones share everything.
#[derive(Clone)]
pub struct ExaiServer {
    pub(crate) parts: Arc<ServerParts>,
    pub(crate) router: Arc<ToolRouter<Self>>,
    pub(crate) roots: SessionRoots,
    pub(crate) in_flight: Arc<Semaphore>,
    tools: Arc<Vec<Tool>>,
}

impl ExaiServer {
    /// Builds the server and its list of tools, once.
    #[must_use]
    pub fn new(parts: ServerParts) -> Self {
        let router = Self::chat_router()
            + Self::listmodels_router()
            + Self::analyze_router()
            + Self::codereview_router()
            + Self::consensus_router()
            + Self::debug_router()
            + Self::docgen_router()
            + Self::planner_router()
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
            + Self::apilookup_router();
        let tools = Arc::new(router.list_all());
        Self {
            roots: SessionRoots::new(parts.roots.clone()),
            in_flight: Arc::new(Semaphore::new(parts.max_in_flight)),
            router: Arc::new(router),
            tools,
            parts: Arc::new(parts),
        }
    }

    /// The tools as clients see them, in their order.
    #[must_use]
    pub fn tool_list(&self) -> &[Tool] {
        &self.tools
    }

    pub(crate) fn tool_names(&self) -> Vec<&str> {
        self.tools.iter().map(|tool| tool.name.as_ref()).collect()
    }

    pub(crate) fn engine(&self) -> &Engine {
        &self.parts.engine
    }
}

#[tool_handler(router = self.router)]
impl ServerHandler for ExaiServer {
    fn get_info(&self) -> ServerConfig {
        let about = Implementation::new("exai-mcp", self.parts.version)
            .with_title("exai-mcp")
            .with_description("A team of expert models for a coding agent");
        ServerConfig::new(ServerCapabilities::builder().enable_tools().build())
            .with_server_info(about)
            .with_instructions(exai_prompts::instructions())
    }

    async fn list_tools(
        &self,
        _request: Option<PaginatedRequestParams>,
        context: RequestContext<RoleServer>,
    ) -> Result<ListToolsResult, ErrorData> {
        let listed = ListToolsResult::with_all_items((*self.tools).clone());
        let modern =
            context.protocol_version().is_some_and(|version| version >= ProtocolVersion::V_2026_07_28);
        // Older revisions do not know the cache hints.
        Ok(if modern {
            listed.with_ttl_ms(TOOL_LIST_TTL_MS).with_cache_scope(CacheScope::Private)
        } else {
            listed
        })
    }

    async fn call_tool(
        &self,
        request: CallToolRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        self.guarded_call(request, context).await
    }
}
