//! What the tools say that look something up: what was found, not only how much of it.

use exai_core::humanize::counted;
use serde_json::Value;

use super::{body, field, push};
use crate::{
    commands::{activity, status, usage},
    terminal::name,
};

/// The answer of such a tool; `None` for any other.
pub(super) fn rendered(tool: &str, answer: &Value) -> Option<String> {
    Some(match tool {
        "status" => status::rendered(answer),
        "usage" => usage::rendered(answer),
        "activity" => activity::rendered(answer),
        "threads" => threads(answer),
        "payload_preview" => request(answer),
        _ => return None,
    })
}

/// The request that would be sent, as it goes over the wire.
fn request(answer: &Value) -> String {
    let mut text = String::new();
    push(&mut text, field(answer, "summary").unwrap_or_default());
    let Some(url) = field(answer, "url") else { return text };
    push(&mut text, &format!("\n{} {url}", field(answer, "method").unwrap_or("POST")));
    for (name, value) in answer.get("headers").and_then(Value::as_object).into_iter().flatten() {
        push(&mut text, &format!("{name}: {}", value.as_str().unwrap_or_default()));
    }
    if let Some(body) = answer.get("body") {
        push(&mut text, &format!("\n{body:#}"));
    }
    text
}

fn threads(answer: &Value) -> String {
    let mut text = String::new();
    if let Some(summary) = field(answer, "summary") {
        push(&mut text, summary);
    }
    for thread in list(answer, "threads") {
        let told = |key: &str| field(thread, key).unwrap_or("?");
        let turns = counted(thread.get("turns").and_then(Value::as_u64).unwrap_or(0), "turn");
        let (id, at, tool) = (told("continuation_id"), told("updated_at"), told("tool"));
        push(&mut text, &format!("{id}  {at}  {tool:<10} {turns:>9}  {}", name(told("title"))));
    }
    // The answer has the latest turn first; a person reads from the beginning.
    let turns: Vec<&Value> = list(answer, "turns").collect();
    for turn in turns.iter().rev() {
        let number = turn.get("turn").and_then(Value::as_u64).unwrap_or(0);
        let who = [field(turn, "tool"), field(turn, "who")].map(Option::unwrap_or_default).join(" · ");
        part(&format!("── {number} · {who}"), field(turn, "text"), &mut text);
    }
    for (key, heading) in
        [("last_request", "Last request"), ("last_answer", "Last answer"), ("late_answer", "Late answer")]
    {
        let words = answer.get(key).and_then(|part| field(part, "text"));
        part(heading, words, &mut text);
    }
    match answer.get("kept_answer") {
        Some(Value::String(words)) => part("Kept answer", Some(words), &mut text),
        Some(kept) => {
            push(&mut text, "\nKept answer");
            body(kept, &mut text);
        }
        None => {}
    }
    for words in ["content", "next_steps"].iter().filter_map(|key| field(answer, key)) {
        push(&mut text, &format!("\n{words}"));
    }
    text.trim_start().to_owned()
}

fn part(heading: &str, words: Option<&str>, text: &mut String) {
    if let Some(words) = words.filter(|words| !words.trim().is_empty()) {
        push(text, &format!("\n{heading}\n{}", words.trim_end()));
    }
}

fn list<'a>(answer: &'a Value, key: &str) -> impl Iterator<Item = &'a Value> {
    answer.get(key).and_then(Value::as_array).into_iter().flatten()
}
