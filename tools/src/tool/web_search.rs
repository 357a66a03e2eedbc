//! `web_search`: pages of the web, from a provider that searches.

use std::sync::{Arc, LazyLock};

use exai_core::web_search::{Recency, SearchHit, SearchQuery};
use exai_engine::{Call, EngineError, web_search::MAX_RESULTS};
use rmcp::{
    handler::server::common::Extension,
    model::{CallToolResponse, JsonObject},
    tool, tool_router,
};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::{
    args::schema::portable,
    args::{Args, ToolArgs},
    reply::{self, Answer},
    server::ExaiServer,
};

/// The most results when the call names no count.
const USUAL_RESULTS: u32 = 10;

/// Arguments of `web_search`.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default)]
#[schemars(extend("required" = ["search_query"]))]
pub(crate) struct WebSearchArgs {
    search_query: String,
    /// Up to 50; default 10.
    #[schemars(range(min = 1))]
    count: Option<u32>,
    /// Results of this domain only.
    search_domain_filter: Option<String>,
    #[schemars(extend("enum" = ["oneDay", "oneWeek", "oneMonth", "oneYear", "all"]))]
    search_recency_filter: Option<String>,
    /// The vendor's engine.
    search_engine: Option<String>,
}

impl ToolArgs for WebSearchArgs {
    const ALIASES: &'static [(&'static str, &'static str)] =
        &[("query", "search_query"), ("prompt", "search_query"), ("domain", "search_domain_filter")];
    const HIDDEN: &'static [&'static [&'static str]] = &[&["search_engine"]];
    const WITHOUT_EFFECT: &'static [(&'static str, &'static str)] =
        &[("request_id", "the server names its requests itself"), ("user_id", "no user is named to vendors")];

    fn schema() -> Arc<JsonObject> {
        static SCHEMA: LazyLock<Arc<JsonObject>> = LazyLock::new(portable::<WebSearchArgs>);
        Arc::clone(&SCHEMA)
    }
}

#[tool_router(router = web_search_router, vis = "pub(crate)")]
impl ExaiServer {
    #[tool(
        description = "Search the web at a vendor that offers it (GLM): titles, links, extracts. Costs a little; asks no model.",
        input_schema = WebSearchArgs::published(),
        annotations(title = "Web search", read_only_hint = true, open_world_hint = true)
    )]
    async fn web_search(
        &self,
        args: Args<WebSearchArgs>,
        Extension(call): Extension<Call>,
    ) -> CallToolResponse {
        reply::looked_up("web_search", args, &call, |wanted| self.search_answer(wanted, &call)).await
    }
}

impl ExaiServer {
    async fn search_answer(&self, wanted: WebSearchArgs, call: &Call) -> Result<Answer, EngineError> {
        let count = wanted.count.unwrap_or(USUAL_RESULTS);
        if count > MAX_RESULTS {
            return Err(EngineError::invalid("count", format!("expected 1 to {MAX_RESULTS}, got {count}")));
        }
        let some = |text: Option<String>| text.filter(|text| !text.trim().is_empty());
        let query = SearchQuery {
            words: wanted.search_query,
            count,
            engine: some(wanted.search_engine),
            domain: some(wanted.search_domain_filter),
            recency: match wanted.search_recency_filter.as_deref() {
                Some("oneDay") => Some(Recency::Day),
                Some("oneWeek") => Some(Recency::Week),
                Some("oneMonth") => Some(Recency::Month),
                Some("oneYear") => Some(Recency::Year),
                _ => None,
            },
        };
        let found = self.engine().search_web(&query, call).await?;
        let mut answer = Answer::default();
        answer.put("status", "success");
        answer.put(
            "summary",
            match found.hits.len() {
                0 => format!("{} found nothing.", found.provider),
                1 => format!("1 result, by {}. What pages say is not checked.", found.provider),
                count => format!("{count} results, by {}. What pages say is not checked.", found.provider),
            },
        );
        answer.put("results", json!(found.hits.iter().map(row).collect::<Vec<_>>()));
        Ok(answer)
    }
}

/// One result, without the fields that the provider left empty.
fn row(hit: &SearchHit) -> Value {
    let fields = [
        ("title", &hit.title),
        ("link", &hit.link),
        ("content", &hit.content),
        ("site", &hit.site),
        ("published", &hit.published),
    ];
    fields.into_iter().filter(|(_, text)| !text.is_empty()).map(|(name, text)| (name, json!(text))).collect()
}
