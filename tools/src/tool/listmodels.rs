//! `listmodels`: which models can be asked now, and what is missing for the others.

use std::{
    sync::{Arc, LazyLock},
    time::Duration,
};

use exai_core::{
    model::{Capability, Mark, ModelOrigin, ModelSpec, Status},
    provider::{CallCtx, Provider, ProviderError},
};
use exai_engine::{Call, routing::ends};
use rmcp::{
    handler::server::common::Extension,
    model::{CallToolResponse, JsonObject},
    tool, tool_router,
};
use schemars::JsonSchema;
use serde::Deserialize;
use tokio::time::Instant;

use crate::{
    args::schema::portable,
    args::{Args, ToolArgs},
    reply,
    server::ExaiServer,
};

/// How long an endpoint may take to list its models.
const PROBE_LIMIT: Duration = Duration::from_secs(20);
/// The most names shown of an endpoint's own list.
const MAX_LIVE: usize = 200;

/// Arguments of `listmodels`.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default)]
pub(crate) struct ListmodelsArgs {
    /// Also ask each endpoint for its own list.
    probe: bool,
}

impl ToolArgs for ListmodelsArgs {
    fn schema() -> Arc<JsonObject> {
        static SCHEMA: LazyLock<Arc<JsonObject>> = LazyLock::new(portable::<ListmodelsArgs>);
        Arc::clone(&SCHEMA)
    }
}

#[tool_router(router = listmodels_router, vis = "pub(crate)")]
impl ExaiServer {
    #[tool(
        description = "Models that can be asked now, with window, price and capabilities, and what is missing for other vendors.",
        input_schema = ListmodelsArgs::published(),
        annotations(title = "List models", read_only_hint = true, open_world_hint = true)
    )]
    async fn listmodels(
        &self,
        args: Args<ListmodelsArgs>,
        Extension(call): Extension<Call>,
    ) -> CallToolResponse {
        let notes = args.notes;
        let probe = match args.value {
            Ok(value) => value.probe,
            Err(problems) => return reply::bad_arguments("listmodels", &problems, &notes, &call),
        };
        let mut text = String::from("# Models\n");
        let providers = self.engine().models().providers();
        for provider in providers {
            let failure = if probe { ask_endpoint(&**provider, &call).await } else { None };
            self.describe(&**provider, &mut text);
            if let Some(failure) = failure {
                line(&mut text, format_args!("- the endpoint did not list its models: {failure}"));
            }
        }
        // In the background, for the next call.
        self.engine().refresh_lists();
        if providers.is_empty() {
            text.push_str("\nNo model is configured. ");
            text.push_str(&self.engine().settings().hints.configure);
            text.push('\n');
        }
        let missing: Vec<_> = self.parts.vendors.iter().filter(|vendor| !vendor.configured).collect();
        if !missing.is_empty() {
            text.push_str("\n## Not configured\n");
            for vendor in missing {
                line(&mut text, format_args!("- {}: {}", vendor.title, vendor.how));
            }
        }
        let configured: Vec<&str> = providers.iter().map(|provider| provider.id().as_str()).collect();
        reply::text(
            "listmodels",
            "markdown",
            &text,
            serde_json::json!({ "configured_providers": configured }),
            &notes,
            &call,
        )
    }
}

impl ExaiServer {
    fn describe(&self, provider: &dyn Provider, text: &mut String) {
        let fact = self.parts.vendors.iter().find(|vendor| vendor.id == provider.id().as_str());
        let title = fact.map_or(provider.id().as_str(), |fact| fact.title.as_str());
        let how = fact.map(|fact| format!(" ({})", fact.how)).unwrap_or_default();
        line(text, format_args!("\n## {title} — `{}`{how}", provider.id()));
        let models = provider.models();
        let preferences = self.engine().preferences();
        let (listed, known): (Vec<&ModelSpec>, Vec<&ModelSpec>) =
            models.iter().partition(|model| model.origin == ModelOrigin::Endpoint);
        let in_service = known.into_iter().filter(|model| model.status != Status::Retired);
        let (allowed, kept_out): (Vec<&ModelSpec>, Vec<&ModelSpec>) =
            in_service.partition(|model| preferences.allowed.check(model).is_ok());
        for model in allowed {
            let ends = ends(model, self.engine().clock().now()).is_some();
            line(text, format_args!("- {}{}", describe_model(model), if ends { " (soon)" } else { "" }));
        }
        if !listed.is_empty() {
            let names: Vec<String> =
                listed.iter().take(MAX_LIVE).map(|model| format!("`{}`", model.id)).collect();
            let more = listed.len().saturating_sub(MAX_LIVE);
            let more = if more > 0 { format!(" and {more} more") } else { String::new() };
            line(text, format_args!("- also listed by the endpoint itself: {}{more}", names.join(", ")));
        }
        if !kept_out.is_empty() {
            line(text, format_args!("- {} kept out by models.allow or models.deny", kept_out.len()));
        }
        if provider.accepts_unknown_models() {
            line(text, format_args!("- any other name is passed through as it is"));
        } else if models.is_empty() {
            line(text, format_args!("- no models are known"));
        }
    }
}

fn describe_model(model: &ModelSpec) -> String {
    let mut words = vec![format!("`{}`", model.id)];
    if !model.aliases.is_empty() {
        words.push(format!("(also {})", model.aliases.join(", ")));
    }
    let window = if model.window_known { thousands(model.context_window) } else { "unknown".to_owned() };
    words.push(format!("window {window}"));
    if let (Some(input), Some(output)) = (model.price.input, model.price.output) {
        words.push(format!("${input}/{output} per million tokens in/out"));
    }
    let shown = [
        (Capability::Thinking, "thinking"),
        (Capability::Vision, "vision"),
        (Capability::Tools, "tools"),
        (Capability::JsonSchema, "JSON"),
    ];
    let can: Vec<&str> =
        shown.iter().filter(|(capability, _)| model.can(*capability)).map(|(_, word)| *word).collect();
    if !can.is_empty() {
        words.push(can.join(", "));
    }
    for mark in &model.marks {
        words.push(match mark {
            Mark::Fast => "default for chat".to_owned(),
            Mark::Deep => "default for expert analysis".to_owned(),
        });
    }
    if let Some(date) = &model.retires {
        words.push(format!("ends {date}"));
    }
    words.join(" · ")
}

/// Reads the endpoint's own list; what was wrong when it cannot be read.
async fn ask_endpoint(provider: &dyn Provider, call: &Call) -> Option<ProviderError> {
    let ctx = CallCtx {
        request_id: call.request_id.clone(),
        deadline: call.deadline.min(Instant::now() + PROBE_LIMIT),
        cancel: call.cancel.clone(),
    };
    provider.live_models(&ctx).await.err()
}

fn thousands(tokens: u32) -> String {
    if tokens >= 1_000_000 {
        format!("{:.2}M", f64::from(tokens) / 1e6)
    } else {
        format!("{}k", tokens / 1_000)
    }
}

fn line(text: &mut String, words: std::fmt::Arguments<'_>) {
    text.push_str(&words.to_string());
    text.push('\n');
}
