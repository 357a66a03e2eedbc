//! A thread as text, for people, for exports, and for callers that continue it later.

use crate::{
    run::Run,
    thread::{Answer, Thread, TurnBody, UserMessage},
};
use serde_json::Value;

/// The speaker of a turn.
#[must_use]
pub fn speaker(body: &TurnBody) -> String {
    match body {
        TurnBody::Message(_) => "you".to_owned(),
        TurnBody::Step(step) => format!("step {} of {}", step.step_number, step.total_steps),
        TurnBody::Answer(answer) => answer
            .model
            .as_ref()
            .map_or_else(|| "server".to_owned(), |model| format!("{}/{}", model.provider, model.model)),
        TurnBody::Opinion(opinion) => format!("{}/{}", opinion.model.provider, opinion.model.model),
    }
}

/// The words of a turn, with findings as a list instead of JSON.
#[must_use]
pub fn words(body: &TurnBody) -> String {
    match body {
        TurnBody::Message(message) => said(message),
        TurnBody::Step(step) if step.findings.trim().is_empty() => step.step.clone(),
        TurnBody::Step(step) => format!("{}\n\nFindings: {}", step.step.trim(), step.findings.trim()),
        TurnBody::Answer(answer) if answer.model.is_none() && answer.tool_calls.is_empty() => {
            inspection(&answer.text)
        }
        TurnBody::Answer(answer) => answered(answer),
        TurnBody::Opinion(opinion) => opinion.error.clone().unwrap_or_else(|| opinion.text.clone()),
    }
}

/// The caller's words and the results of functions.
#[must_use]
pub fn said(message: &UserMessage) -> String {
    let gave =
        message.tool_results.iter().map(|result| format!("[{} gave]\n{}", result.name, result.content));
    below(&message.text, gave)
}

/// A model's words and the function calls that it wants made.
#[must_use]
pub fn answered(answer: &Answer) -> String {
    let calls =
        answer.tool_calls.iter().map(|call| format!("[asks for {} with {}]", call.name, call.arguments));
    below(&answer.text, calls)
}

fn below(text: &str, lines: impl Iterator<Item = String>) -> String {
    let texts = std::iter::once(text.to_owned()).chain(lines).filter(|line| !line.trim().is_empty());
    texts.collect::<Vec<_>>().join("\n")
}

/// The offline inspection's answer as text; it is stored as an object of findings.
fn inspection(text: &str) -> String {
    let Ok(Value::Object(object)) = serde_json::from_str::<Value>(text) else { return text.to_owned() };
    let Some(findings) = object.get("findings").and_then(Value::as_array) else { return text.to_owned() };
    if findings.is_empty() {
        return "The local inspection found nothing.".to_owned();
    }
    let line = |finding: &Value| {
        let field = |name: &str| finding.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
        let line =
            finding.get("line").and_then(Value::as_u64).map(|line| format!(":{line}")).unwrap_or_default();
        format!("- [{}] {}{line}: {}", field("severity"), field("path"), field("title"))
    };
    let lines: Vec<String> = findings.iter().map(line).collect();
    format!("The local inspection found:\n{}", lines.join("\n"))
}

/// The whole thread as Markdown.
#[must_use]
pub fn markdown(thread: &Thread, runs: &[Run]) -> String {
    let mut text = format!(
        "# Thread {}\n\nBegun {} with {}, kept until {}.\n",
        thread.id,
        thread.created_at.to_rfc3339(),
        thread.tool,
        thread.expires_at.to_rfc3339()
    );
    for turn in &thread.turns {
        let words = words(&turn.body);
        if words.trim().is_empty() {
            continue;
        }
        text.push_str(&format!(
            "\n## {} · {} · {} · {}\n\n{}\n",
            turn.seq + 1,
            turn.tool,
            speaker(&turn.body),
            turn.created_at.to_rfc3339(),
            words.trim_end()
        ));
    }
    if !runs.is_empty() {
        text.push_str("\n## Consultations\n\n");
    }
    for run in runs {
        let outcome = run.outcome.as_ref();
        let cost = outcome
            .and_then(|outcome| outcome.cost_usd)
            .map(|cost| format!(", ${cost:.4}"))
            .unwrap_or_default();
        let error = outcome.and_then(|outcome| outcome.error.as_deref());
        let error = error.map(|error| format!(": {error}")).unwrap_or_default();
        text.push_str(&format!(
            "- {} {}/{} {}{cost}{error}\n",
            run.started_at.to_rfc3339(),
            run.provider,
            run.model,
            run.state.as_str()
        ));
    }
    text
}
