//! `usage`: tokens, money and time, summed up from the database. Asks no model.

use std::sync::{Arc, LazyLock};

use exai_core::humanize::counted;
use exai_engine::{
    Call, EngineError,
    usage::{MAX_RUNS, UsageGroup, UsageQuery, UsageSum},
};
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
    args::time_arg,
    args::{Args, ToolArgs},
    reply::{self, Answer},
    server::ExaiServer,
};

/// The span when the call names none.
const SPAN: &str = "30d";
/// The most rows of an answer.
const MAX_ROWS: usize = 200;

/// Arguments of `usage`.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default)]
pub(crate) struct UsageArgs {
    /// Default day.
    #[schemars(extend("enum" = ["day", "model", "tool", "thread"]))]
    by: Option<String>,
    /// A date, or a span such as 24h or 7d; default 30d.
    since: Option<String>,
    /// A date.
    until: Option<String>,
}

impl ToolArgs for UsageArgs {
    const ALIASES: &'static [(&'static str, &'static str)] = &[("group_by", "by"), ("group", "by")];

    fn schema() -> Arc<JsonObject> {
        static SCHEMA: LazyLock<Arc<JsonObject>> = LazyLock::new(portable::<UsageArgs>);
        Arc::clone(&SCHEMA)
    }
}

#[tool_router(router = usage_router, vis = "pub(crate)")]
impl ExaiServer {
    #[tool(
        description = "Tokens, money and latency by day, model, tool or thread.",
        input_schema = UsageArgs::published(),
        annotations(title = "Usage", read_only_hint = true, open_world_hint = false)
    )]
    async fn usage(&self, args: Args<UsageArgs>, Extension(call): Extension<Call>) -> CallToolResponse {
        reply::looked_up("usage", args, &call, |wanted| self.usage_answer(wanted, &call)).await
    }
}

impl ExaiServer {
    async fn usage_answer(&self, wanted: UsageArgs, call: &Call) -> Result<Answer, EngineError> {
        let now = self.engine().clock().now();
        let since = time_arg::since("since", wanted.since.as_deref().unwrap_or(SPAN), now)?;
        let until = match wanted.until.as_deref() {
            Some(text) => time_arg::until("until", text, now)?,
            // The run that has just ended belongs to it.
            None => now.plus_millis(1_000),
        };
        let by = wanted.by.as_deref().unwrap_or("day");
        let group = UsageGroup::parse(by).unwrap_or(UsageGroup::Day);
        let query = UsageQuery { since, until, group };
        let report = self.engine().usage(&call.principal.identity, &query).await?;
        let mut answer = Answer::default();
        answer.put("status", "success").put("summary", summary(&report.total, since.day().as_str()));
        answer.put("since", since.to_rfc3339()).put("until", until.to_rfc3339()).put("by", by);
        let shown = report.rows.iter().take(MAX_ROWS).map(|one| row(by, &one.name, &one.sum));
        answer.put("rows", json!(shown.collect::<Vec<_>>()));
        if report.rows.len() > MAX_ROWS {
            answer.put("rows_left_out", report.rows.len() - MAX_ROWS);
        }
        answer.put("total", row("of", "all", &report.total));
        if report.is_cut {
            answer.put("cut", format!("only the latest {MAX_RUNS} runs are summed up; name a shorter span"));
        }
        Ok(answer)
    }
}

fn summary(total: &UsageSum, since: &str) -> String {
    let unpriced = match total.unpriced {
        0 => String::new(),
        1 => " (1 call has no known price)".to_owned(),
        count => format!(" ({count} calls have no known price)"),
    };
    format!(
        "{} since {since}: {} tokens in, {} out, ${:.4}{unpriced}, {} failed. Answers from the cache cost nothing and are not counted.",
        counted(total.calls, "call"),
        total.input_tokens,
        total.output_tokens,
        total.cost_usd,
        total.failed
    )
}

fn row(by: &str, name: &str, sum: &UsageSum) -> Value {
    json!({
        by: name, "calls": sum.calls, "failed": sum.failed,
        "tokens": { "input": sum.input_tokens, "output": sum.output_tokens, "cached_input": sum.cached_input_tokens,
            "reasoning": sum.reasoning_tokens },
        "cost_usd": (sum.priced > 0 || sum.unpriced == 0).then_some(sum.cost_usd),
        "calls_without_price": sum.unpriced,
        "latency_ms": { "p50": sum.percentile(50), "p95": sum.percentile(95) },
    })
}
