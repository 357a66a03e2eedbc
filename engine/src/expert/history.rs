//! A thread's earlier turns as chat messages: each text once, oldest dropped first when they exceed their budget.

use exai_core::{
    ProviderId,
    chat::{Message, Part, Role},
    thread::{Answer, Body, Step, Thread},
};

use super::window::MESSAGE_OVERHEAD;
use crate::context::{Origin, Wanted, estimate_tokens};

/// Earlier turns, ready to be sent.
#[derive(Debug, Default)]
pub(crate) struct History {
    /// Oldest first, roles alternating.
    pub messages: Vec<Message>,
    /// Estimated tokens.
    pub tokens: u32,
    /// Turns that were left out.
    pub dropped: usize,
}

/// Renders the turns before `end`, skipping the steps of `tool`'s present work, which the question itself carries.
pub(crate) fn render(thread: &Thread, present_work: &[&Step], provider: &ProviderId, budget: u32) -> History {
    let mut kept: Vec<Message> = Vec::new();
    let mut tokens = 0_u32;
    let mut dropped = 0;
    for turn in thread.turns.iter().rev() {
        let Some(message) = message_of(&turn.tool, &turn.body, present_work, provider) else { continue };
        let cost = cost_of(&message);
        if dropped > 0 || tokens.saturating_add(cost) > budget {
            dropped += 1;
            continue;
        }
        tokens += cost;
        kept.push(message);
    }
    kept.reverse();
    // A conversation that begins with an answer confuses models and is refused by some vendors.
    while kept.first().is_some_and(|message| message.role == Role::Assistant) {
        kept.remove(0);
        dropped += 1;
    }
    History { messages: alternate(kept), tokens, dropped }
}

/// The files that earlier turns were given, newest mention first.
pub(crate) fn files(thread: &Thread, present_work: &[&Step]) -> Vec<Wanted> {
    let mut wanted: Vec<Wanted> = Vec::new();
    let mut add = |path: &str, hash: Option<&String>| {
        if !wanted.iter().any(|known| known.path == path) {
            wanted.push(Wanted { path: path.to_owned(), from: Origin::Earlier { hash: hash.cloned() } });
        }
    };
    for turn in thread.turns.iter().rev() {
        match &turn.body {
            Body::Message(message) => {
                message.files.iter().for_each(|file| add(&file.path, file.hash.as_ref()));
            }
            Body::Step(step) if !is_present(step, present_work) => {
                step.relevant_files.iter().for_each(|path| add(path, None));
            }
            Body::Step(_) | Body::Answer(_) => {}
        }
    }
    wanted
}

fn is_present(step: &Step, present_work: &[&Step]) -> bool {
    present_work.iter().any(|present| std::ptr::eq(*present, step))
}

fn message_of(tool: &str, body: &Body, present_work: &[&Step], provider: &ProviderId) -> Option<Message> {
    match body {
        Body::Message(message) => Some(Message::user(message.text.as_str())),
        Body::Step(step) if is_present(step, present_work) => None,
        Body::Step(step) => Some(Message::user(step_text(tool, step))),
        Body::Answer(answer) if answer.text.is_empty() => None,
        Body::Answer(answer) => Some(answer_message(answer, provider)),
    }
}

fn answer_message(answer: &Answer, provider: &ProviderId) -> Message {
    let mut parts = vec![Part::text(answer.text.as_str())];
    let replayed = answer
        .opaque
        .iter()
        .filter(|part| matches!(part, Part::Opaque { provider: from, .. } if from == provider));
    parts.extend(replayed.cloned());
    Message { role: Role::Assistant, parts }
}

/// A step as one block of text: the same words wherever a step is shown to a model.
pub(crate) fn step_text(tool: &str, step: &Step) -> String {
    let mut text =
        format!("[{tool}, step {} of {}]\n{}", step.step_number, step.total_steps, step.step.trim());
    let mut section = |title: &str, body: &str| {
        if !body.trim().is_empty() {
            text.push_str("\n\n");
            text.push_str(title);
            text.push_str(": ");
            text.push_str(body.trim());
        }
    };
    section("Findings", &step.findings);
    section("Hypothesis", step.hypothesis.as_deref().unwrap_or_default());
    section("Confidence", step.confidence.as_deref().unwrap_or_default());
    section("Code elements", &step.relevant_context.join(", "));
    let issues: Vec<String> = step
        .issues_found
        .iter()
        .map(|issue| format!("\n- [{}] {}", issue.severity.as_str(), issue.description.trim()))
        .collect();
    section("Issues", &issues.concat());
    text
}

fn cost_of(message: &Message) -> u32 {
    let parts: u32 = message
        .parts
        .iter()
        .map(|part| match part {
            Part::Text { text } => estimate_tokens(text),
            Part::Image { .. } => 1_000,
            Part::Opaque { json, .. } => estimate_tokens(&json.to_string()),
        })
        .sum();
    parts.saturating_add(MESSAGE_OVERHEAD)
}

/// Joins neighbours of the same role: some vendors refuse two user messages in a row.
pub(crate) fn alternate(messages: Vec<Message>) -> Vec<Message> {
    let mut joined: Vec<Message> = Vec::with_capacity(messages.len());
    for message in messages {
        match joined.last_mut() {
            Some(last) if last.role == message.role => {
                for part in message.parts {
                    match (last.parts.last_mut(), part) {
                        (Some(Part::Text { text: before }), Part::Text { text }) => {
                            *before = format!("{before}\n\n{text}").into();
                        }
                        (_, part) => last.parts.push(part),
                    }
                }
            }
            _ => joined.push(message),
        }
    }
    joined
}
