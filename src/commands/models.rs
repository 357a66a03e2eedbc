//! `exai-mcp models`: the models of the configured providers.

use std::{process::ExitCode, time::Duration};

use exai_core::{
    RequestId, Timestamp,
    humanize::counted,
    model::{Capability, ModelOrigin, ModelSpec, Status},
    provider::{CallCtx, Provider, ProviderError},
};
use exai_engine::routing::ends;
use exai_tools::near::did_you_mean;
use serde_json::{Value, json};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::{print, print_json};
use crate::{
    App,
    cli::ModelsArgs,
    config::{Config, hints::hints},
    exit::WrongUsage,
};

/// How long an endpoint may take to list its models.
const LIVE_LIMIT: Duration = Duration::from_secs(20);

pub(crate) async fn run(args: &ModelsArgs, app: &App, config: &Config) -> anyhow::Result<ExitCode> {
    let wanted = |id: &str| args.provider.as_deref().is_none_or(|name| name.eq_ignore_ascii_case(id));
    let configured = app.engine.models().providers();
    if let Some(name) = &args.provider
        && !configured.iter().any(|provider| wanted(provider.id().as_str()))
    {
        let ids: Vec<&str> = configured.iter().map(|provider| provider.id().as_str()).collect();
        return Err(unknown(name, &ids, config).into());
    }
    let providers = configured.iter().filter(|provider| wanted(provider.id().as_str()));
    let (mut listed, mut text, mut failed) = (Vec::new(), String::new(), false);
    let now = app.engine.clock().now();
    let allowed = &app.engine.preferences().allowed;
    let can_be_asked =
        |model: &ModelSpec| args.all || (model.status != Status::Retired && allowed.check(model).is_ok());
    for provider in providers {
        let failure = if args.live { read_list(&**provider).await } else { None };
        text.push_str(&format!("{}\n", provider.id()));
        let models = provider.models();
        let (shown, left_out): (Vec<&ModelSpec>, Vec<&ModelSpec>) =
            models.iter().partition(|model| can_be_asked(model));
        for model in &shown {
            text.push_str(&format!("  {}\n", describe(model, now)));
            listed.push(as_json(model));
        }
        if !left_out.is_empty() {
            let models = counted(left_out.len(), "model");
            text.push_str(&format!(
                "  {models} left out (retired, or kept out by models.allow and models.deny): --all shows them\n"
            ));
        }
        if provider.accepts_unknown_models() {
            let which = if shown.is_empty() { "any name" } else { "a name that is not in this list" };
            text.push_str(&format!("  {which} is passed on to the endpoint as it is\n"));
        }
        if let Some(failure) = failure {
            failed = true;
            text.push_str(&format!("  the endpoint did not list its models: {failure}\n"));
        }
    }
    if text.is_empty() {
        text = format!("no provider is configured. {}", hints().configure);
    }
    if args.json {
        print_json(&Value::Array(listed))?;
    } else {
        print(&text)?;
    }
    Ok(if failed { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

/// What is said of a name that is none of a configured provider.
fn unknown(name: &str, configured: &[&str], config: &Config) -> WrongUsage {
    let facts = &config.endpoints.facts;
    if let Some(fact) = facts.iter().find(|fact| fact.id.eq_ignore_ascii_case(name)) {
        return WrongUsage(format!("provider `{}` is not configured: {}", fact.id, fact.how));
    }
    let near = did_you_mean(name, facts.iter().map(|fact| fact.id.as_str()));
    let instead = if configured.is_empty() {
        format!("; none is configured. {}", hints().configure)
    } else {
        format!("; configured: {}", configured.join(", "))
    };
    let instead = if near.is_empty() { instead } else { near };
    WrongUsage(format!("there is no provider `{name}`{instead}"))
}

/// Reads the endpoint's own list; what was wrong when it cannot be read.
async fn read_list(provider: &dyn Provider) -> Option<ProviderError> {
    let ctx = CallCtx {
        request_id: RequestId::from("models"),
        deadline: Instant::now() + LIVE_LIMIT,
        cancel: CancellationToken::new(),
    };
    provider.live_models(&ctx).await.err()
}

fn describe(model: &ModelSpec, now: Timestamp) -> String {
    let mut words = vec![model.id.to_string()];
    if !model.aliases.is_empty() {
        words.push(format!("also {}", model.aliases.join(", ")));
    }
    words.push(if model.window_known {
        format!("window {}", model.context_window)
    } else {
        "window unknown".to_owned()
    });
    if let (Some(input), Some(output)) = (model.price.input, model.price.output) {
        words.push(format!("${input} in, ${output} out per million tokens"));
    }
    match (model.status, &model.successor) {
        (Status::Retired, Some(successor)) => words.push(format!("retired, now {successor}")),
        (Status::Retired, None) => words.push("retired".to_owned()),
        (Status::Deprecated, _) => {
            words.push(model.retires.as_ref().map_or("ending".to_owned(), |date| format!("ends {date}")));
        }
        (Status::Active, _) => words.extend(model.retires.as_ref().map(|date| format!("ends {date}"))),
    }
    if ends(model, now).is_some() {
        words.push("end is near".to_owned());
    }
    if !model.capabilities.is_empty() {
        let can: Vec<String> = model.capabilities.iter().filter_map(word).collect();
        words.push(can.join(", "));
    }
    match model.origin {
        ModelOrigin::Catalogue => {}
        ModelOrigin::Configuration => words.push("from the configuration".to_owned()),
        ModelOrigin::Endpoint => words.push("listed by the endpoint".to_owned()),
        ModelOrigin::PassedThrough => words.push("in no list".to_owned()),
    }
    words.join(" · ")
}

/// A capability as the catalogue writes it.
fn word(capability: &Capability) -> Option<String> {
    serde_json::to_value(capability).ok()?.as_str().map(|word| word.replace('_', " "))
}

fn as_json(model: &ModelSpec) -> Value {
    json!({
        "provider": model.provider, "id": model.id, "aliases": model.aliases, "context_window": model.context_window,
        "window_known": model.window_known, "max_output": model.max_output, "price": model.price,
        "capabilities": model.capabilities, "status": model.status, "retires": model.retires, "successor": model.successor,
        "marks": model.marks, "origin": model.origin,
    })
}
