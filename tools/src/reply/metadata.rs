//! The part of an answer that says how it was made.

use exai_core::{
    chat::{Finish, PromptCut},
    humanize::span,
};
use exai_engine::{
    Call, FileReport, FileStatus,
    inference::{
        delivery::{Delivery, Source},
        fallback::PassedOver,
        routing::Provenance,
    },
};
use serde_json::{Map, Value, json};

use exai_clients::fit::OWN_CLIENT;

/// The most files named one by one; the rest is counted.
const MAX_FILES: usize = 100;
/// The most files of folders named that the model did not get whole: for programs, and for people at a terminal.
const MAX_LEFT_OUT: usize = 5;
const MAX_LEFT_OUT_SHOWN: usize = 10;

/// What is said of an answer by the vendor of the very agent that asked.
const LAST_RESORT: &str = "no other provider could be asked: this key stood in the environment of the agent, which may be a model of the same \
    vendor; `status` says how to allow it";

/// The metadata of every answer.
pub(super) fn base(tool: &str, notes: &[String], call: &Call) -> Map<String, Value> {
    let mut metadata = Map::new();
    metadata.insert("tool_name".to_owned(), json!(tool));
    metadata.insert("request_id".to_owned(), json!(call.request_id.as_str()));
    if !notes.is_empty() {
        metadata.insert("notes".to_owned(), json!(notes));
    }
    metadata
}

/// How a model was asked, and what it was given.
pub(super) struct Asked<'a> {
    pub delivery: &'a Delivery,
    /// The run before it, when the model asked for files and got them.
    pub first: Option<&'a Delivery>,
    /// The caller wanted a web search, which this model cannot make.
    pub without_web: bool,
    pub provenance: &'a Provenance,
    pub passed_over: &'a [PassedOver],
    pub dropped_turns: usize,
    pub files: &'a [FileReport],
    pub call: &'a Call,
}

/// Adds which model answered, the price, the time, and what was left out.
pub(super) fn add_asked(metadata: &mut Map<String, Value>, asked: &Asked<'_>) {
    let completion = &asked.delivery.completion;
    let mut put = |key: &str, value: Value| drop(metadata.insert(key.to_owned(), value));
    let named_by_vendor = completion.reply.model.as_str();
    let model = if named_by_vendor.is_empty() { completion.model.as_str() } else { named_by_vendor };
    put("answered_by", json!(format!("{}/{model}", completion.provider)));
    put("model_used", json!(completion.model.as_str()));
    put("provider_used", json!(completion.provider.as_str()));
    put("requested", json!(asked.provenance.requested));
    if let Some(reason) = asked.provenance.fallback_reason {
        put("fallback_reason", json!(reason));
    }
    if let Some(by) = &asked.provenance.routed_by {
        put("routed_by", json!(&**by));
    }
    if asked.provenance.unlisted {
        put(
            "model_unlisted",
            json!("this name is in no list that the server has; it was passed on as it is"),
        );
    }
    if let Some(ends) = &asked.provenance.ends {
        put("model_ends", json!(ends));
    }
    if asked.provenance.last_resort {
        put("last_resort", json!(LAST_RESORT));
    }
    if !asked.passed_over.is_empty() {
        let passed =
            |one: &PassedOver| json!({ "model": one.model, "code": one.code, "message": one.message });
        put("passed_over", json!(asked.passed_over.iter().map(passed).collect::<Vec<_>>()));
    }
    let usage = &completion.reply.usage;
    put(
        "tokens",
        json!({
            "input": usage.input_tokens, "output": usage.output_tokens, "cached_input": usage.cached_input_tokens,
            "reasoning": usage.reasoning_tokens, "estimated": usage.estimated,
        }),
    );
    match asked.delivery.source.age() {
        Some(age) => {
            put("from_cache", json!(true));
            put("cache_age_seconds", json!(age.as_secs()));
            if matches!(asked.delivery.source, Source::Stale { .. }) {
                put(
                    "stale",
                    json!(format!("no model could be had; this answer was given {} ago", span(age))),
                );
            }
            put("cost_usd", json!(0.0));
        }
        None => {
            put("from_cache", json!(false));
            // Null says that the price is unknown; zero would be wrong.
            put("cost_usd", json!(completion.cost_usd));
        }
    }
    if asked.delivery.source == Source::Shared {
        put("shared_consultation", json!(true));
    }
    put("latency_ms", json!(u64::try_from(completion.duration.as_millis()).unwrap_or(u64::MAX)));
    put("attempts", json!(completion.attempts));
    put("run_id", json!(completion.run.to_string()));
    put("consultations", json!(1 + usize::from(asked.first.is_some())));
    if let Some(first) = asked.first {
        put("first_consultation", before(first));
    }
    if asked.without_web {
        put("web_search", json!("not available from this model; the answer was made without it"));
    }
    if let Some(cut) = completion.reply.prompt_cut {
        put("prompt_cut", json!(cut_prompt(cut)));
    }
    note_finish(&completion.reply.finish, !completion.reply.tool_calls.is_empty(), &mut put);
    if !asked.provenance.window_known {
        put("context_window", json!("assumed 128000 tokens; set the model's window in the configuration"));
    }
    if asked.dropped_turns > 0 {
        put("history_turns_left_out", json!(asked.dropped_turns));
    }
    add_files(metadata, asked.files, asked.call);
}

/// What is said of a prompt that the provider has cut.
fn cut_prompt(PromptCut { sent, counted }: PromptCut) -> String {
    format!(
        "the provider counted {counted} of about {sent} tokens that were sent: it has cut the prompt, so the model did not see all of it. Give \
         the model a larger window at its server, or fewer files"
    )
}

/// How an answer ended, when it may not be what was wanted.
fn note_finish(finish: &Finish, has_calls: bool, put: &mut impl FnMut(&str, Value)) {
    if finish.is_success(has_calls) {
        return;
    }
    if !finish.is_complete() {
        put("truncated", json!(true));
    }
    put("finish_reason", finish.word().map_or_else(|| json!(finish), |word| json!(word)));
}

/// A further run in short.
pub(super) fn short(delivery: &Delivery) -> Value {
    let completion = &delivery.completion;
    json!({
        "run_id": completion.run.to_string(),
        "tokens": { "input": completion.reply.usage.input_tokens, "output": completion.reply.usage.output_tokens },
        "cost_usd": if delivery.source.age().is_some() { Some(0.0) } else { completion.cost_usd },
    })
}

/// What the run before the answer cost.
fn before(first: &Delivery) -> Value {
    let completion = &first.completion;
    json!({
        "run_id": completion.run.to_string(),
        "tokens": { "input": completion.reply.usage.input_tokens, "output": completion.reply.usage.output_tokens },
        "cost_usd": if first.source.age().is_some() { Some(0.0) } else { completion.cost_usd },
        "latency_ms": u64::try_from(completion.duration.as_millis()).unwrap_or(u64::MAX),
        "asked_for": "files_required_to_continue",
    })
}

/// Adds what was done with the named files; those that the model did not get whole come first.
pub(super) fn add_files(metadata: &mut Map<String, Value>, files: &[FileReport], call: &Call) {
    if files.is_empty() {
        return;
    }
    let count = |status: FileStatus| {
        files.iter().filter(|file| file.status == status).map(|file| file.files).sum::<u64>()
    };
    let unseen: u64 = files.iter().filter(|file| file.unseen).map(|file| file.files).sum();
    let summary = json!({
        "included": count(FileStatus::Included), "excerpted": count(FileStatus::Excerpted),
        "skipped": count(FileStatus::Skipped), "refused": count(FileStatus::Refused), "unseen": unseen,
    });
    metadata.insert("files_summary".to_owned(), summary);
    let (mut left_out, mut included): (Vec<&FileReport>, Vec<&FileReport>) =
        files.iter().partition(|file| file.status != FileStatus::Included);
    // What had to be seen and was not comes first, and of the others what there is something to say of.
    included.sort_by_key(|file| file.reason.is_none());
    left_out.sort_by_key(|file| (!file.unseen, file.status != FileStatus::Refused));
    let named = if call.client.as_deref() == Some(OWN_CLIENT) { MAX_LEFT_OUT_SHOWN } else { MAX_LEFT_OUT };
    // What the caller named itself is answered for by name; of a folder's files a few stand for all.
    let (by_name, of_folders): (Vec<&FileReport>, Vec<&FileReport>) =
        left_out.into_iter().partition(|file| file.named);
    let left_out = by_name.into_iter().take(MAX_FILES).chain(of_folders.into_iter().take(named));
    let shown: Vec<&FileReport> = left_out.chain(included.into_iter().take(MAX_FILES)).collect();
    let all: u64 = files.iter().map(|file| file.files).sum();
    let not_listed = all.saturating_sub(shown.iter().map(|_| 1).sum());
    metadata.insert("files".to_owned(), json!(shown));
    if not_listed > 0 {
        metadata.insert("files_not_listed".to_owned(), json!(not_listed));
    }
}

/// Says whether the answer is durable already.
pub(super) fn add_persisted(metadata: &mut Map<String, Value>, persisted: bool) {
    metadata.insert("persisted".to_owned(), json!(persisted));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn noted(finish: &Finish, has_calls: bool) -> Value {
        let mut metadata = Map::new();
        note_finish(finish, has_calls, &mut |key, value| drop(metadata.insert(key.to_owned(), value)));
        Value::Object(metadata)
    }

    #[test]
    fn every_unwanted_end_is_noted() {
        for (finish, word) in [(Finish::Length, "length"), (Finish::Paused, "paused")] {
            assert_eq!(noted(&finish, false), json!({ "truncated": true, "finish_reason": word }));
        }
        let unknown = Finish::Unknown("done-ish".into());
        assert_eq!(noted(&unknown, false), json!({ "finish_reason": "done-ish" }));
        assert_eq!(noted(&Finish::ToolCalls, false), json!({ "finish_reason": "tool_calls" }));
        assert_eq!((noted(&Finish::Stop, false), noted(&Finish::ToolCalls, true)), (json!({}), json!({})));
    }
}
