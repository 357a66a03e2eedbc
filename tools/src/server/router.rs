//! Which tool answers a call of which name.

use std::sync::Arc;

use rmcp::{handler::server::router::tool::ToolRouter, model::Tool};

use super::{
    admission::Admission,
    caller::OwnConnection,
    cancel_registry::CancelRegistry,
    detached::work::DetachedWork,
    profile::Shown,
    roots::SessionRoots,
    state::{ExaiServer, ServerParts},
    tool_list::ToolList,
};

impl ExaiServer {
    /// Builds the server and its list of tools, once.
    #[must_use]
    pub fn new(parts: ServerParts) -> Self {
        let router = Self::every_tool();
        let agents_edit = parts.engine.settings().clink.agents.iter().any(|agent| agent.allow_edits);
        Self {
            roots: SessionRoots::new(parts.roots.clone()),
            admission: Admission::new(
                parts.consultations.clone(),
                parts.session_consultations,
                parts.admission_wait,
            ),
            detached: DetachedWork::default(),
            cancels: CancelRegistry::default(),
            own_connection: OwnConnection::new(),
            tools: Arc::new(ToolList::new(router.list_all(), agents_edit, parts.shown.clone())),
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
        self.tools.now().tools.clone()
    }

    /// Shows other tools from now on, and notifies every client when its list has changed. Calls in flight go on.
    pub async fn show(&self, shown: Shown) {
        if self.tools.show(shown) {
            self.tools.notify_clients().await;
        }
    }
}
