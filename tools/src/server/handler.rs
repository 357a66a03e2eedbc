//! How requests and notifications of the protocol reach what answers them.

use rmcp::{
    ErrorData, RoleServer, ServerHandler,
    model::{
        CacheScope, CallToolRequestParams, CallToolResponse, CancelTaskParams, CancelledNotificationParam,
        CompleteRequestParams, CompleteResult, CustomRequest, CustomResult, ErrorCode,
        GetPromptRequestParams, GetPromptResponse, GetTaskParams, GetTaskResult, Implementation,
        ListPromptsResult, ListResourceTemplatesResult, ListResourcesResult, ListToolsResult,
        PaginatedRequestParams, ReadResourceRequestParams, ReadResourceResponse, ServerCapabilities,
        ServerConfig, SubscriptionFilter,
    },
    service::{NotificationContext, RequestContext, SubscriptionContext},
    tool_handler,
};

use super::{
    caller::{is_modern, principal},
    cancel_registry::RequestKey,
    resources,
    state::ExaiServer,
};

/// How long a client may keep the lists. They change with the configuration only, and then the client is notified.
const LIST_TTL_MS: u64 = 3_600_000;

/// The most characters of an unknown method's name that are told again.
const MAX_METHOD: usize = 80;

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
            self.cancels.cancel(&RequestKey::new(self.own_connection.of(&context.extensions), request));
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
        self.cancel_work(&request.task_id, &principal(&context).identity).await
    }

    /// A method that is neither of the protocol nor of an extension known here. A client is a stranger, so the name is bounded.
    async fn on_custom_request(
        &self,
        request: CustomRequest,
        _context: RequestContext<RoleServer>,
    ) -> Result<CustomResult, ErrorData> {
        let shown: String = request.method.chars().take(MAX_METHOD).collect();
        Err(ErrorData::new(ErrorCode::METHOD_NOT_FOUND, format!("there is no method `{shown}`"), None))
    }

    async fn on_roots_list_changed(&self, context: NotificationContext<RoleServer>) {
        self.roots.changed(&context.peer);
    }

    async fn on_initialized(&self, context: NotificationContext<RoleServer>) {
        self.tools.remember(context.peer);
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
        // Every call may add a thread, so clients get no time for which to keep this list.
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
        let mut changes = self.tools.changes();
        loop {
            tokio::select! {
                () = context.cancelled() => return Ok(()),
                changed = changes.changed() => {
                    if changed.is_err() {
                        return Ok(());
                    }
                    let accepted = context.accepted();
                    // A subscriber that is gone is noticed by its cancellation.
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
