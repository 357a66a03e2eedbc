//! The tokens that agents report, each in its own form, as input with what came from a cache and output with what was thought.

use exai_core::chat::Usage;
use serde_json::{Map, Value};

/// Of the object that ends the output of Claude Code, Qwen Code or Gemini CLI.
pub(super) fn of_object(object: &Map<String, Value>) -> Option<Usage> {
    object.get("usage").and_then(of_result).or_else(|| {
        let models = object.get("stats")?.get("models")?.as_object()?;
        let counted: Vec<Usage> =
            models.values().filter_map(|model| of_model(model.get("tokens")?)).collect();
        (!counted.is_empty()).then(|| counted.into_iter().sum())
    })
}

fn number(value: &Value, key: &str) -> Option<u64> {
    value.get(key).and_then(Value::as_u64)
}

fn or_none(value: &Value, key: &str) -> u64 {
    number(value, key).unwrap_or(0)
}

/// Claude Code counts what came from the cache apart from the input; Qwen Code counts it in, and has a total that shows it.
fn of_result(usage: &Value) -> Option<Usage> {
    let (input, output) = (number(usage, "input_tokens")?, number(usage, "output_tokens")?);
    let cached = or_none(usage, "cache_read_input_tokens");
    let apart = input.saturating_add(cached).saturating_add(or_none(usage, "cache_creation_input_tokens"));
    let input = match number(usage, "total_tokens") {
        Some(total) => total.saturating_sub(output).max(input),
        None => apart,
    };
    Some(Usage {
        input_tokens: input,
        output_tokens: output,
        cached_input_tokens: cached,
        ..Usage::default()
    })
}

/// Gemini CLI, for each of its models.
fn of_model(tokens: &Value) -> Option<Usage> {
    let (prompt, candidates) = (number(tokens, "prompt")?, number(tokens, "candidates")?);
    let thoughts = or_none(tokens, "thoughts");
    Some(Usage {
        input_tokens: prompt.saturating_add(or_none(tokens, "tool")),
        output_tokens: candidates.saturating_add(thoughts),
        cached_input_tokens: or_none(tokens, "cached"),
        reasoning_tokens: thoughts,
        ..Usage::default()
    })
}

/// Codex, for each turn.
pub(super) fn of_turn(usage: &Value) -> Option<Usage> {
    Some(Usage {
        input_tokens: number(usage, "input_tokens")?,
        output_tokens: number(usage, "output_tokens")?,
        cached_input_tokens: or_none(usage, "cached_input_tokens"),
        reasoning_tokens: or_none(usage, "reasoning_output_tokens"),
        ..Usage::default()
    })
}

/// OpenCode, for each step.
pub(super) fn of_step(part: &Value) -> Option<Usage> {
    let tokens = part.get("tokens")?;
    let (input, output) = (number(tokens, "input")?, number(tokens, "output")?);
    let cache = |key: &str| tokens.get("cache").map_or(0, |cache| or_none(cache, key));
    let reasoning = or_none(tokens, "reasoning");
    Some(Usage {
        input_tokens: input.saturating_add(cache("read")).saturating_add(cache("write")),
        output_tokens: output.saturating_add(reasoning),
        cached_input_tokens: cache("read"),
        reasoning_tokens: reasoning,
        ..Usage::default()
    })
}
