//! `status`: what works, what does not, and what to do next. Asks no model.

use std::sync::{Arc, LazyLock};

use exai_core::{
    humanize::counted,
    run::{Run, RunState},
    store::RunFilter,
};
use exai_engine::{
    Call,
    activity::ActivityQuery,
    inference::{attempt::InUse, budget::BudgetSettings, health::Condition, load::Load},
    probe::Probed,
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
    args::{Args, ToolArgs},
    reply::{self, Answer},
    server::ExaiServer,
};

/// How many of the latest failures are shown.
const LAST_ERRORS: u32 = 5;
/// How many later answers are looked through for one of the same model.
const LOOKED_THROUGH: u32 = 20;

/// What to do when there is nothing to do, and when nobody can know yet.
const NOTHING: &str = "Nothing has to be done.";
const UNTRIED: &str = "No model was asked yet, so nothing is known of them: status with probe = true asks each provider a tiny question.";

/// Arguments of `status`.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default)]
pub(crate) struct StatusArgs {
    /// Also ask each vendor a tiny question, which costs money.
    probe: bool,
}

impl ToolArgs for StatusArgs {
    const HIDDEN: &'static [&'static [&'static str]] = &[&["probe"]];
    const WITHOUT_EFFECT: &'static [(&'static str, &'static str)] = &[
        ("tail_lines", "the last errors are always shown"),
        ("log_lines", "the last errors are always shown"),
        ("include_tools", "the client has the list of tools"),
        ("show_advanced", "everything is shown"),
        ("doctor", "what to do is always shown"),
        ("invalidate_cache", "nothing of this is cached"),
    ];

    fn schema() -> Arc<JsonObject> {
        static SCHEMA: LazyLock<Arc<JsonObject>> = LazyLock::new(portable::<StatusArgs>);
        Arc::clone(&SCHEMA)
    }
}

#[tool_router(router = status_router, vis = "pub(crate)")]
impl ExaiServer {
    #[tool(
        description = "What works now: providers, queue, cache, database, last errors, and what to do next.",
        input_schema = StatusArgs::published(),
        annotations(title = "Status", read_only_hint = true, open_world_hint = true)
    )]
    async fn status(&self, args: Args<StatusArgs>, Extension(call): Extension<Call>) -> CallToolResponse {
        let notes = args.notes;
        let wanted = match args.value {
            Ok(value) => value,
            Err(problems) => return reply::bad_arguments("status", &problems, &notes, &call),
        };
        // First, so that the rest of the answer knows what the probe has found out.
        let probed = if wanted.probe { Some(self.engine().probe(&call).await) } else { None };
        let mut answer = Answer::default();
        let providers = self.providers_now();
        let usable = self.engine().models().providers().len();
        // These wait for queued changes, so the check of the database comes after them.
        let errors = self.last_errors(&call).await;
        let database = self.engine().check_store().await.err().map(|error| error.to_string());
        let untried = errors.is_empty() && usable > 0 && self.never_asked(&call).await;
        let load = self.engine().load();
        let hint = (usable == 0).then(|| self.engine().settings().hints.configure.as_str());
        let mut steps = next_steps(hint, database.as_deref(), &errors, &load);
        if steps.is_empty() {
            steps.push(if untried { UNTRIED } else { NOTHING }.to_owned());
        }
        let health = if database.is_some() {
            "degraded"
        } else if usable == 0 {
            "no_model_configured"
        } else {
            "ready"
        };
        answer.put("status", "success").put("health", health);
        answer.put("summary", summary(usable, database.as_deref(), &errors));
        answer.put("next_steps", json!(steps));
        if let Some(probed) = probed {
            answer.put("probes", json!(probed.iter().map(probe_row).collect::<Vec<_>>()));
        }
        answer.put("providers_configured", json!(providers));
        answer.put(
            "models_available",
            self.engine().models().providers().iter().map(|one| one.models().len()).sum::<usize>(),
        );
        let own = |(id, own): &(String, InUse)| json!({ "provider": id, "under_way": own.used, "limit": own.permits });
        let (calls, most_calls) = self.admission.in_use();
        answer.put(
            "queue",
            json!({
                "upstream_attempts": { "under_way": load.attempts.used, "limit": load.attempts.permits },
                "by_provider": load.providers.iter().map(own).collect::<Vec<_>>(),
                "consultations": load.runs,
                "calls": { "under_way": calls, "limit": most_calls },
            }),
        );
        let models: Vec<Value> = load.models.iter().map(condition).collect();
        answer.put("models", json!(models));
        let closed = load.closed.iter().map(
            |(provider, code, rest)| json!({ "provider": provider, "code": code, "for_s": rest.as_secs() }),
        );
        answer.put("left_alone", json!(closed.collect::<Vec<_>>()));
        let budget = self.engine().settings().inference.budget;
        if budget != BudgetSettings::default() {
            let spent = self.engine().spent_today(&call.principal.identity).await.ok();
            let spent = spent.map(|dollars| (dollars * 10_000.0).round() / 10_000.0);
            answer.put("budget", json!({ "call_usd": budget.call, "day_usd": budget.day, "thread_usd": budget.thread, "server_day_usd": budget.server_day, "spent_today_usd": spent }));
        }
        let cached = load.cached;
        answer.put("cache", json!({ "answers": cached.answers, "bytes": cached.bytes, "hits": cached.hits, "misses": cached.misses }));
        answer.put("database", json!({ "path": self.parts.database, "ok": database.is_none(), "problem": database, "batches_waiting": load.unwritten }));
        answer.put("last_errors", json!(errors));
        reply::without_model("status", answer, &notes, &call)
    }
}

impl ExaiServer {
    /// The latest failures; none when the database cannot be read, which the answer says itself.
    async fn last_errors(&self, call: &Call) -> Vec<Value> {
        let failed = RunFilter { state: Some(RunState::Failed), ..RunFilter::default() };
        let query = ActivityQuery { filter: failed, limit: LAST_ERRORS };
        let Ok(found) = self.engine().activity(&call.principal.identity, &query).await else {
            return Vec::new();
        };
        let mut rows = Vec::new();
        for run in &found.runs {
            let error = run.outcome.as_ref().and_then(|outcome| outcome.error.clone());
            rows.push(json!({ "at": run.started_at.to_rfc3339(), "tool": run.tool,
                "model": format!("{}/{}", run.provider, run.model), "error": error,
                "answered_since": self.answered_since(run, call).await }));
        }
        rows
    }

    /// Whether the model of a failed run has answered later.
    async fn answered_since(&self, failed: &Run, call: &Call) -> bool {
        let model = format!("{}/{}", failed.provider, failed.model);
        let done = RunFilter {
            state: Some(RunState::Done),
            model: Some(model),
            since: Some(failed.started_at),
            ..RunFilter::default()
        };
        // The filter looks for a part of the name.
        let query = ActivityQuery { filter: done, limit: LOOKED_THROUGH };
        let found = self.engine().activity(&call.principal.identity, &query).await;
        found.is_ok_and(|found| {
            found.runs.iter().any(|run| run.provider == failed.provider && run.model == failed.model)
        })
    }

    /// Whether no model was ever asked, so that nothing is known of any.
    async fn never_asked(&self, call: &Call) -> bool {
        let query = ActivityQuery { filter: RunFilter::default(), limit: 1 };
        let found = self.engine().activity(&call.principal.identity, &query).await;
        found.is_ok_and(|found| found.runs.is_empty())
    }

    fn providers_now(&self) -> Vec<Value> {
        let vendors = self.parts.vendors.iter();
        vendors
            .map(|vendor| {
                let mut row = json!({ "id": vendor.id, "name": vendor.title, "configured": vendor.configured, "how": vendor.how });
                let asked = self.engine().models().providers().iter().find(|one| one.id().as_str() == vendor.id);
                if let Some((all, resting)) = asked.map(|one| one.keys()).filter(|(all, _)| *all > 1) {
                    row["keys"] = json!({ "all": all, "resting": resting });
                }
                row
            })
            .collect()
    }
}

/// How a provider answered the probe.
fn probe_row(probed: &Probed) -> Value {
    let took = u64::try_from(probed.took.as_millis()).unwrap_or(u64::MAX);
    match &probed.failure {
        None => json!({ "model": probed.model, "answered": true, "latency_ms": took }),
        Some((code, message)) => {
            json!({ "model": probed.model, "answered": false, "latency_ms": took, "code": code, "message": message })
        }
    }
}

/// The breaker of a model, and how it has answered so far.
fn condition(model: &Condition) -> Value {
    json!({
        "model": format!("{}/{}", model.provider, model.model),
        "breaker": model.breaker,
        "failures_in_a_row": model.failures,
        "closed_for_s": model.closed_for.map(|rest| rest.as_secs()),
        "latency_ms": model.latency_ms.map(f64::round),
        "error_rate": (model.error_rate * 100.0).round() / 100.0,
    })
}

fn left_alone(provider: &str, code: &str) -> String {
    match code {
        "auth" => format!("{provider} refuses its key: correct it, then restart the server."),
        _ => {
            format!("{provider} says that its balance or plan is used up: top it up, or use another vendor.")
        }
    }
}

/// Whether the model of a failure has given no answer since.
fn is_open(error: &Value) -> bool {
    error.get("answered_since").and_then(Value::as_bool) != Some(true)
}

fn summary(usable: usize, database: Option<&str>, errors: &[Value]) -> String {
    let models = match usable {
        0 => "No provider is configured: reviews come from the local inspection.".to_owned(),
        1 => "1 provider is configured.".to_owned(),
        count => format!("{count} providers are configured."),
    };
    let database = database
        .map_or("The database works.".to_owned(), |why| format!("The database does not work: {why}."));
    let open = errors.iter().filter(|error| is_open(error)).count();
    let errors = match (errors.len(), open) {
        (0, _) => "No recent failure.".to_owned(),
        (all, 0) => format!("{}, and an answer since.", counted(all, "earlier failure")),
        (_, open) => format!("{} without an answer since.", counted(open, "recent failure")),
    };
    format!("{models} {database} {errors}")
}

/// What to do, the most urgent first.
fn next_steps(hint: Option<&str>, database: Option<&str>, errors: &[Value], load: &Load) -> Vec<String> {
    let mut steps = Vec::new();
    if let Some(problem) = database {
        steps.push(format!("Mend the database, or nothing is remembered: {problem}"));
    } else if load.unwritten > 0 {
        let unwritten = load.unwritten;
        steps.push(format!("{unwritten} changes wait for the database; look again in a moment."));
    }
    steps.extend(hint.map(str::to_owned));
    steps.extend(load.closed.iter().map(|(provider, code, _)| left_alone(provider, code)));
    if let Some(last) = errors.iter().find(|error| is_open(error)) {
        let text = |key: &str| last.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
        let (model, at, error) = (text("model"), text("at"), text("error"));
        steps.push(format!(
            "The last failure, of {model} at {at}: {error}. Once that is put right, status with probe = true asks it again."
        ));
    }
    steps
}
