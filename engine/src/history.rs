//! A thread's earlier turns as chat messages: each text once, oldest dropped first when they exceed their budget.

use std::collections::{BTreeMap, BTreeSet};

use exai_context::files::{Origin, Wanted, estimate_tokens};
use exai_core::{
    ProviderId,
    chat::{Message, Part, Role},
    model::ModelSpec,
    thread::{Answer, FileRef, Step, Thread, Turn, TurnBody},
};

use exai_core::transcript;

/// Earlier turns, ready to be sent.
#[derive(Debug, Default)]
pub(crate) struct History {
    /// Oldest first, roles alternating.
    pub messages: Vec<Message>,
    /// Estimated tokens.
    pub tokens: u32,
    /// Turns that were left out.
    pub dropped: usize,
    /// The numbers of the turns that are there.
    pub shown: BTreeSet<u32>,
}

/// What is asked now. It may say again what an earlier call said and got no answer to.
#[derive(Clone, Copy)]
pub(crate) enum Asking<'a> {
    /// A conversation's prompt.
    Prompt(&'a str),
    /// The last step of an investigation, with the work that its question carries.
    Step {
        /// The tool.
        tool: &'a str,
        /// The step.
        step: &'a Step,
        /// The present work, this step included.
        work: &'a [&'a Step],
    },
}

impl Asking<'_> {
    /// Whether the question itself carries this step.
    fn carries(&self, step: &Step) -> bool {
        match self {
            Self::Prompt(_) => false,
            Self::Step { work, .. } => work.iter().any(|present| std::ptr::eq(*present, step)),
        }
    }

    fn says_again(&self, turn: &Turn) -> bool {
        match (self, &turn.body) {
            (Self::Prompt(prompt), TurnBody::Message(message)) => {
                turn.tool == "chat" && message.text == *prompt
            }
            (Self::Step { tool, step, .. }, TurnBody::Step(earlier)) => {
                turn.tool == *tool && repeats(step, earlier)
            }
            _ => false,
        }
    }
}

/// Renders the turns of `thread` that the question does not carry itself.
pub(crate) fn render(thread: &Thread, asking: Asking<'_>, provider: &ProviderId, budget: u32) -> History {
    render_with(thread, asking, provider, budget, &BTreeMap::new())
}

/// The same with texts before some of the turns, by their numbers. They are not counted.
pub(crate) fn render_with(
    thread: &Thread,
    asking: Asking<'_>,
    provider: &ProviderId,
    budget: u32,
    before: &BTreeMap<u32, String>,
) -> History {
    let said_again = said_again(thread, asking);
    let mut kept: Vec<(u32, Message)> = Vec::new();
    let mut tokens = 0_u32;
    let mut dropped = 0;
    for turn in thread.turns.iter().rev().filter(|turn| !said_again.contains(&turn.seq)) {
        let Some(message) = message_of(&turn.tool, &turn.body, asking, provider) else { continue };
        let cost = cost_of(&message);
        if dropped > 0 || tokens.saturating_add(cost) > budget {
            dropped += 1;
            continue;
        }
        tokens += cost;
        let message = before.get(&turn.seq).map_or_else(|| message.clone(), |text| preceded(text, &message));
        kept.push((turn.seq, message));
    }
    kept.reverse();
    // A conversation that begins with an answer confuses models and is refused by some vendors.
    while kept.first().is_some_and(|(_, message)| message.role == Role::Assistant) {
        kept.remove(0);
        dropped += 1;
    }
    let shown = kept.iter().map(|(seq, _)| *seq).collect();
    let messages = alternate(kept.into_iter().map(|(_, message)| message).collect());
    History { messages, tokens, dropped, shown }
}

/// Every turn after one, without those that the question carries itself.
pub(crate) fn after(thread: &Thread, seq: u32, asking: Asking<'_>, provider: &ProviderId) -> Vec<Message> {
    let said_again = said_again(thread, asking);
    let later = thread.turns.iter().filter(|turn| turn.seq > seq && !said_again.contains(&turn.seq));
    later.filter_map(|turn| message_of(&turn.tool, &turn.body, asking, provider)).collect()
}

/// A message with a text before its own.
fn preceded(text: &str, message: &Message) -> Message {
    let mut parts = message.parts.clone();
    match parts.first_mut() {
        Some(Part::Text { text: own }) => *own = format!("{text}\n{own}").into(),
        _ => parts.insert(0, Part::text(text)),
    }
    Message { role: message.role, parts }
}

/// The turns that were said again before they were answered: a call that failed and was repeated is sent once.
fn said_again(thread: &Thread, asking: Asking<'_>) -> BTreeSet<u32> {
    let mut again = BTreeSet::new();
    let mut unanswered: Vec<&Turn> = Vec::new();
    for turn in &thread.turns {
        unanswered.retain(|earlier| {
            let repeated = earlier.tool == turn.tool
                && match (&earlier.body, &turn.body) {
                    (TurnBody::Message(earlier), TurnBody::Message(later)) => earlier.text == later.text,
                    (TurnBody::Step(earlier), TurnBody::Step(later)) => repeats(later, earlier),
                    _ => false,
                };
            if repeated {
                again.insert(earlier.seq);
            }
            // What comes after an answer or after a new beginning says nothing of this work again.
            let over = repeated || (earlier.tool == turn.tool && ends_work(&turn.body));
            !over
        });
        unanswered.push(turn);
    }
    again.extend(unanswered.iter().filter(|turn| asking.says_again(turn)).map(|turn| turn.seq));
    again
}

fn ends_work(body: &TurnBody) -> bool {
    match body {
        TurnBody::Answer(_) => true,
        TurnBody::Step(step) => step.step_number == 1 && step.branch().is_none(),
        TurnBody::Message(_) | TurnBody::Opinion(_) => false,
    }
}

/// Whether `later` is `earlier` sent again, revises it, or goes back to before it. A step 1 in other words is another task, whatever
/// its number.
fn repeats(later: &Step, earlier: &Step) -> bool {
    later.replaces(earlier)
        && (later.step_number > 1 || (later.step == earlier.step && later.findings == earlier.findings))
}

/// The files that earlier turns were given, newest mention first.
pub(crate) fn files(thread: &Thread, asking: Asking<'_>) -> Vec<Wanted> {
    let mut wanted: Vec<Wanted> = Vec::new();
    let mut add = |path: &str, hash: Option<&String>| {
        if !wanted.iter().any(|known| known.path == path) {
            wanted.push(Wanted { path: path.to_owned(), from: Origin::Earlier { hash: hash.cloned() } });
        }
    };
    for turn in thread.turns.iter().rev() {
        let mut seen = |files: &[FileRef]| files.iter().for_each(|file| add(&file.path, file.hash.as_ref()));
        match &turn.body {
            TurnBody::Message(message) => seen(&message.files),
            TurnBody::Answer(answer) => seen(&answer.files),
            TurnBody::Step(step) if !asking.carries(step) => {
                step.relevant_files.iter().for_each(|path| add(path, None));
            }
            TurnBody::Step(_) | TurnBody::Opinion(_) => {}
        }
    }
    wanted
}

pub(crate) fn message_of(
    tool: &str,
    body: &TurnBody,
    asking: Asking<'_>,
    provider: &ProviderId,
) -> Option<Message> {
    match body {
        TurnBody::Message(message) => Some(Message::user(transcript::said(message))),
        TurnBody::Step(step) if asking.carries(step) => None,
        TurnBody::Step(step) => Some(Message::user(step_text(tool, step))),
        // What came of a consensus is in the answer that ends it.
        TurnBody::Opinion(_) => None,
        TurnBody::Answer(answer) if answer.text.is_empty() && answer.tool_calls.is_empty() => None,
        TurnBody::Answer(answer) => Some(answer_message(answer, provider)),
    }
}

fn answer_message(answer: &Answer, provider: &ProviderId) -> Message {
    if !answer.tool_calls.is_empty() {
        // A model without these functions could do nothing with calls of them.
        return Message::assistant(transcript::answered(answer));
    }
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

pub(crate) fn cost_of(message: &Message) -> u32 {
    let parts: u32 = message
        .parts
        .iter()
        .map(|part| match part {
            Part::Text { text } => estimate_tokens(text),
            Part::Image { .. } => 1_000,
            Part::Opaque { json, .. } => estimate_tokens(&json.to_string()),
            Part::ToolCall(call) => estimate_tokens(&call.name) + estimate_tokens(&call.arguments),
            Part::ToolResult(result) => estimate_tokens(&result.content),
            Part::File { .. } => 0,
        })
        .sum();
    parts.saturating_add(ModelSpec::MESSAGE_OVERHEAD)
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
