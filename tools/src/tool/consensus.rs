//! `consensus`: several models asked the same question, each blind to the others.

use std::sync::{Arc, LazyLock};

use exai_core::chat::Thinking;
use exai_engine::{
    Call,
    consensus::{ConsensusInput, Stance, VoiceInput},
};
use rmcp::{
    handler::server::common::Extension,
    model::{CallToolResponse, JsonObject},
    tool, tool_router,
};
use schemars::JsonSchema;
use serde::Deserialize;

use crate::{
    args::schema::portable,
    args::workflow::ThinkingMode,
    args::{Args, ToolArgs},
    reply,
    server::ExaiServer,
};

/// Arguments of `consensus`.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default)]
#[schemars(extend("required" = ["step"]))]
pub(crate) struct ConsensusArgs {
    /// The question, as every model sees it; in later steps your notes.
    step: String,
    /// From 1.
    #[schemars(range(min = 1))]
    step_number: Option<u32>,
    /// 1: all at once.
    #[schemars(range(min = 1))]
    total_steps: Option<u32>,
    /// true: one model a step. Default: all at once.
    next_step_required: Option<bool>,
    /// Your own view; no model sees it.
    findings: String,
    /// Who is asked; default: the server chooses.
    models: Vec<VoiceArg>,
    /// Files all of them read.
    relevant_files: Vec<String>,
    /// Pictures all of them see: paths or data: URLs.
    images: Vec<String>,
    /// true: a second round, each sees the others unnamed.
    critique: bool,
    /// Model that sums up, or auto.
    synthesis: Option<String>,
    /// Thinking effort; default medium.
    thinking_mode: Option<ThinkingMode>,
    /// Thread to continue.
    continuation_id: Option<String>,
    /// Ask again although the same answer is cached.
    fresh: bool,
}

/// One model that is asked.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default)]
#[schemars(description = "")]
pub(crate) struct VoiceArg {
    model: String,
    #[schemars(extend("enum" = ["for", "against", "neutral"]))]
    stance: Option<String>,
    stance_prompt: Option<String>,
}

impl ToolArgs for ConsensusArgs {
    const ALIASES: &'static [(&'static str, &'static str)] = &[
        ("prompt", "step"),
        ("question", "step"),
        ("files", "relevant_files"),
        ("absolute_file_paths", "relevant_files"),
    ];
    const HIDDEN: &'static [&'static [&'static str]] = &[&["images", "thinking_mode", "fresh"]];
    const WITHOUT_EFFECT: &'static [(&'static str, &'static str)] = &[
        ("current_model_index", "the server counts"),
        ("model_responses", "the answers are in the thread"),
        ("use_assistant_model", "consensus asks the models it is given"),
        ("model", "name the models in `models`"),
        ("temperature", "every model is asked with its own default"),
        ("confidence", "the models state their own"),
    ];

    fn schema() -> Arc<JsonObject> {
        static SCHEMA: LazyLock<Arc<JsonObject>> = LazyLock::new(portable::<ConsensusArgs>);
        Arc::clone(&SCHEMA)
    }
}

impl From<ConsensusArgs> for ConsensusInput {
    fn from(args: ConsensusArgs) -> Self {
        Self {
            step: args.step,
            step_number: args.step_number,
            total_steps: args.total_steps,
            next_step_required: args.next_step_required,
            findings: args.findings,
            models: args.models.iter().flat_map(voices).collect(),
            relevant_files: args.relevant_files,
            images: args.images,
            critique: args.critique,
            synthesis: args.synthesis.and_then(|wanted| synthesiser(&wanted)),
            continuation_id: args.continuation_id,
            thinking: args.thinking_mode.map(Thinking::from),
            fresh: args.fresh,
        }
    }
}

/// Agents write true and false as well as a model's name.
fn synthesiser(wanted: &str) -> Option<String> {
    match wanted.trim().to_ascii_lowercase().as_str() {
        "" | "false" | "none" | "no" => None,
        "true" | "yes" => Some("auto".to_owned()),
        _ => Some(wanted.trim().to_owned()),
    }
}

/// The models that an entry names: usually one, or several in a text, each with its stance after a colon
/// (`glm-5.3:for, kimi-k3:against`).
fn voices(entry: &VoiceArg) -> Vec<VoiceInput> {
    let stance = entry.stance.as_deref().and_then(stance_of);
    let names = entry.model.split(',').map(str::trim);
    // An empty entry stays, so that the engine can say what is wrong with it.
    let several = entry.model.contains(',');
    names
        .filter(|name| !(several && name.is_empty()))
        .map(|name| {
            // Names of models have colons of their own.
            let (model, behind) = match name.rsplit_once(':') {
                Some((model, word)) if stance_of(word).is_some() => (model, stance_of(word)),
                _ => (name, None),
            };
            VoiceInput {
                model: model.to_owned(),
                stance: stance.or(behind).unwrap_or(Stance::Neutral),
                stance_prompt: entry.stance_prompt.clone(),
            }
        })
        .collect()
}

fn stance_of(word: &str) -> Option<Stance> {
    match word.trim().to_ascii_lowercase().as_str() {
        "for" => Some(Stance::For),
        "against" => Some(Stance::Against),
        "neutral" => Some(Stance::Neutral),
        _ => None,
    }
}

#[tool_router(router = consensus_router, vis = "pub(crate)")]
impl ExaiServer {
    #[tool(
        description = "Ask several models the same question at once, each blind to the others; verdicts, dissent and who said nothing.",
        input_schema = ConsensusArgs::published(),
        annotations(title = "Consensus", read_only_hint = true, open_world_hint = true)
    )]
    async fn consensus(
        &self,
        args: Args<ConsensusArgs>,
        Extension(call): Extension<Call>,
    ) -> CallToolResponse {
        let notes = args.notes;
        let input = match args.value {
            Ok(value) => ConsensusInput::from(value),
            Err(problems) => return reply::bad_arguments("consensus", &problems, &notes, &call),
        };
        // Boxed: the rounds hold every model's request at once.
        match Box::pin(self.engine().consensus(input, &call)).await {
            Ok(outcome) => reply::consensus(&outcome, notes, &call),
            Err(error) => reply::error("consensus", &error, &notes, &call),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_may_name_several_models() {
        let entry = |model: &str, stance: Option<&str>| VoiceArg {
            model: model.to_owned(),
            stance: stance.map(str::to_owned),
            stance_prompt: None,
        };
        let read = |entry: VoiceArg| -> Vec<(String, &'static str)> {
            voices(&entry).into_iter().map(|voice| (voice.model, voice.stance.as_str())).collect()
        };
        let pair = |model: &str, stance| (model.to_owned(), stance);
        assert_eq!(
            read(entry("glm-5.3:for, kimi-k3:AGAINST,qwen3:8b,", None)),
            [pair("glm-5.3", "for"), pair("kimi-k3", "against"), pair("qwen3:8b", "neutral")]
        );
        assert_eq!(read(entry("glm-5.3", Some("against"))), [pair("glm-5.3", "against")]);
        assert_eq!(read(entry("", None)), [pair("", "neutral")]);
    }
}
