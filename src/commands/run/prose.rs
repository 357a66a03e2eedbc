//! An answer for people.

mod advice;
mod analysis;
mod lookups;
mod plan;
mod vendors;
mod votes;

use std::time::Duration;

use console::style;
use exai_core::humanize::counted;
use serde_json::Value;

use crate::{exit, terminal::name};

/// The tool that shows threads: its answers belong to one, and do not go on in it.
const LOOKING: &str = "threads";

/// The shortest time of a failure that is told.
const SHORTEST: Duration = Duration::from_millis(50);

/// The most lines of a quote.
const QUOTE_LINES: usize = 6;

/// An answer for people.
pub(super) struct Rendered {
    /// For standard output.
    pub answer: String,
    /// Who answered, what was left out, how to go on; for standard error.
    pub about: String,
}

/// Renders a tool's answer.
pub(super) fn render(tool: &str, files: &[String], answer: &Value, elapsed: Duration) -> Rendered {
    if let Some(text) = answer.as_str() {
        return Rendered { answer: text.to_owned(), about: String::new() };
    }
    let (mut text, mut about) = (String::new(), String::new());
    if field(answer, "status") == Some("error") {
        failure(answer, &mut about);
    } else if let Some(found) = lookups::rendered(tool, answer) {
        text = found;
    } else {
        body(answer, &mut text);
    }
    footer(tool, files, answer, elapsed, &mut about);
    Rendered { answer: text, about }
}

fn failure(answer: &Value, text: &mut String) {
    let code = field(answer, "code").unwrap_or("error");
    push(
        text,
        &format!(
            "{} {}",
            style(format!("{code}:")).red().bold(),
            field(answer, "message").unwrap_or_default()
        ),
    );
    if let Some(hint) = field(answer, "hint") {
        push(text, hint);
    }
}

fn body(answer: &Value, text: &mut String) {
    let raw = answer.pointer("/expert_analysis/raw_analysis").and_then(Value::as_str);
    // A summary that only points at the free text adds nothing to it, unless it says what is wrong with it.
    let is_whole = field(answer, "read") == Some("whole");
    let words: &[&str] = if raw.is_some() && is_whole { &["content"] } else { &["summary", "content"] };
    for key in words {
        if let Some(words) = field(answer, key).filter(|words| !words.is_empty()) {
            push(text, &advice::plain(words));
        }
    }
    let findings: Vec<&Value> =
        answer.get("findings").and_then(Value::as_array).into_iter().flatten().collect();
    for finding in &findings {
        push(text, "");
        show_finding(finding, text);
    }
    if let Some(raw) = raw {
        push(text, raw);
    }
    hypotheses(answer, text);
    if let Some(analysis) = answer.get("expert_analysis") {
        analysis::show(analysis, text);
    }
    votes::show(answer, text);
    vendors::show(answer, text);
    // A plan, a trace, a statement to judge, a way to look something up: what tools without a model give.
    let own = ["/plan_summary", "/trace_summary", "/output/rendering_instructions", "/challenge_prompt"];
    for words in own.iter().filter_map(|place| answer.pointer(place)?.as_str()) {
        push(text, words);
    }
    plan::show(answer, text);
    if let Some(words) = field(answer, "instructions").filter(|_| answer.get("challenge_prompt").is_none()) {
        push(text, words);
    }
    for note in answer
        .pointer("/details/notes")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
    {
        push(text, &format!("{} {note}", style("note:").dim()));
    }
    if let Some(next) = advice::next(answer) {
        push(text, &format!("\n{}\n{next}", style("Next").bold()));
    }
}

fn show_finding(finding: &Value, text: &mut String) {
    let severity = field(finding, "severity").unwrap_or("info");
    let line = finding.get("line").and_then(Value::as_u64).unwrap_or(0);
    let place = format!("{}:{line}", name(field(finding, "path").unwrap_or("?")));
    let checked = match field(finding, "citation") {
        Some("exact" | "moved") => "",
        Some("removed") => " (a line that is removed)",
        Some("line_exists") => " (nothing quoted)",
        Some("ambiguous") => " (the quote is in several places)",
        Some("stale") => " (the file has changed since)",
        Some("not_given") => " (this file was not given)",
        _ => " (the quote was not found)",
    };
    let cut = if finding.get("cut").is_some() { " (cut off)" } else { "" };
    let mark = match field(finding, "severity_word").filter(|_| severity == "unknown") {
        Some(word) => format!("UNKNOWN ({})", name(word)),
        None => severity.to_uppercase(),
    };
    let mark = style(format!("{mark:<8}"));
    let mark = match severity {
        "critical" | "high" | "unknown" => mark.red().bold(),
        "medium" => mark.yellow(),
        _ => mark.cyan(),
    };
    push(
        text,
        &format!(
            "{mark} {}{checked}{cut}  {}",
            style(place).bold(),
            name(field(finding, "title").unwrap_or_default())
        ),
    );
    for quoted in field(finding, "quote").unwrap_or_default().lines().take(QUOTE_LINES) {
        push(text, &format!("         {} {quoted}", style("│").dim()));
    }
    for key in ["detail", "fix"] {
        if let Some(words) = field(finding, key).filter(|words| !words.trim().is_empty()) {
            let label = if key == "fix" { "fix: " } else { "" };
            push(text, &format!("         {label}{}", words.trim().replace('\n', "\n         ")));
        }
    }
}

fn hypotheses(answer: &Value, text: &mut String) {
    let list = answer.get("hypotheses").and_then(Value::as_array);
    for (index, hypothesis) in list.into_iter().flatten().enumerate() {
        let name = field(hypothesis, "name").unwrap_or("hypothesis");
        push(
            text,
            &format!(
                "\n{}. {} ({})",
                index + 1,
                style(name).bold(),
                field(hypothesis, "confidence").unwrap_or("?")
            ),
        );
        for key in ["root_cause", "evidence", "minimal_fix", "regression_check"] {
            if let Some(words) = field(hypothesis, key) {
                push(text, &format!("   {}: {words}", key.replace('_', " ")));
            }
        }
    }
}

fn footer(tool: &str, files: &[String], answer: &Value, elapsed: Duration, text: &mut String) {
    let metadata = answer.get("metadata").cloned().unwrap_or_default();
    let mut facts = Vec::new();
    if let Some(by) = answered_by(&metadata) {
        let cached = metadata.get("from_cache").and_then(Value::as_bool).unwrap_or(false);
        facts.push(format!("answered by {by}{}", if cached { " (from the cache)" } else { "" }));
        facts.push(match metadata.get("cost_usd").and_then(Value::as_f64) {
            Some(cost) => format!("${cost:.4}"),
            None => "price not known".to_owned(),
        });
    }
    if let Some(files) = metadata.get("files_summary") {
        let count = |key: &str| files.get(key).and_then(Value::as_u64).unwrap_or(0);
        let left = count("skipped") + count("refused");
        let read = count("included") + count("excerpted");
        let mut words = format!("{} read", counted(read, "file"));
        if count("excerpted") > 0 {
            words.push_str(&format!(" ({} in part)", count("excerpted")));
        }
        if left > 0 {
            words.push_str(&format!(", {left} left out"));
        }
        facts.push(words);
    }
    if let Some(changes) = answer.get("changes") {
        let count = |key: &str| changes.get(key).and_then(Value::as_u64).unwrap_or(0);
        let files = counted(count("files_changed"), "file");
        let compared = field(changes, "compared").unwrap_or_default();
        facts.insert(
            0,
            format!("{files} changed (+{} -{}): {compared}", count("insertions"), count("deletions")),
        );
    }
    // A call that failed at once has taken no time worth telling.
    if field(answer, "status") != Some("error") || elapsed >= SHORTEST {
        facts.push(format!("{:.1} s", elapsed.as_secs_f64()));
    }
    if !facts.is_empty() {
        push(text, &format!("\n{}", style(facts.join(" · ")).dim()));
    }
    if let Some(ended) = end(&metadata) {
        push(text, &format!("{} {ended}", style("note:").dim()));
    }
    if let Some(cut) = field(&metadata, "prompt_cut") {
        push(text, &format!("{} {cut}", style("note:").dim()));
    }
    passed_over(&metadata, text);
    left_out(&metadata, text);
    for note in
        metadata.get("notes").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str)
    {
        push(text, &format!("{} {note}", style("note:").dim()));
    }
    if metadata.get("persisted").and_then(Value::as_bool) == Some(false) {
        push(text, "The thread is not durable yet: the database could not be written.");
    }
    if let Some(thread) = field(answer, "continuation_id") {
        push(text, &format!("thread {thread}"));
        if tool != LOOKING && may_go_on(answer) {
            let command = next_command(tool, files, answer);
            push(
                text,
                &format!("continue with: exai-mcp run {command} --continue {thread} --prompt \"...\""),
            );
        }
    }
}

/// What a person has to know of an answer's end.
fn end(metadata: &Value) -> Option<String> {
    if metadata.get("truncated").and_then(Value::as_bool) == Some(true) {
        return Some("the answer was cut off, so its end is missing".to_owned());
    }
    let word = name(field(metadata, "finish_reason")?);
    Some(format!("the provider ended the answer with `{word}`, so it may not be whole"))
}

/// Whether the same command with another prompt can do better: not when an argument is wrong, nor when the thread is not stored.
fn may_go_on(answer: &Value) -> bool {
    let is_wrong = field(answer, "code").is_some_and(exit::is_about_arguments);
    !is_wrong && answer.pointer("/metadata/persisted").and_then(Value::as_bool) != Some(false)
}

/// The tool with its files, because a finished review is followed by a new one, and that begins with what to look at. A step that is not
/// the last but one of a plan is not followed by its end.
fn next_command(tool: &str, files: &[String], answer: &Value) -> String {
    let words = std::iter::once(tool).chain(files.iter().map(String::as_str)).map(quoted);
    let mut words: Vec<String> = words.collect();
    let number = |key: &str| answer.get(key).and_then(Value::as_u64).unwrap_or(0);
    let is_open = answer.get("next_step_required").and_then(Value::as_bool) == Some(true);
    if is_open && number("step_number") + 1 < number("total_steps") {
        words.push("--arg next_step_required=true".to_owned());
    }
    words.join(" ")
}

/// Models that gave no answer before, and why.
fn passed_over(metadata: &Value, text: &mut String) {
    let models = metadata.get("passed_over").and_then(Value::as_array);
    for model in models.into_iter().flatten() {
        let (name, why) =
            (field(model, "model").unwrap_or("?"), field(model, "message").unwrap_or("no answer"));
        push(
            text,
            &format!("{} {name} did not answer, another model was asked: {why}", style("note:").dim()),
        );
    }
}

/// One model, or several of a consensus.
fn answered_by(metadata: &Value) -> Option<String> {
    match metadata.get("answered_by")? {
        Value::String(by) => Some(by.clone()),
        Value::Array(all) if !all.is_empty() => {
            Some(all.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(", "))
        }
        _ => None,
    }
}

/// A word as a shell takes it, on one line.
fn quoted(word: &str) -> String {
    let shown = name(word);
    if shown != word {
        // Such a name cannot be typed with quotes alone; bash and zsh read `$'...'`.
        let escaped: String = word.chars().map(escaped).collect();
        return format!("$'{escaped}'");
    }
    if word.chars().all(|c| c.is_alphanumeric() || "_-./:@%+,=".contains(c)) && !word.is_empty() {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', r"'\''"))
}

/// A sign within `$'...'`.
fn escaped(sign: char) -> String {
    match sign {
        '\'' | '\\' => format!("\\{sign}"),
        sign if name(sign.encode_utf8(&mut [0; 4])).starts_with('\\') => {
            format!("\\U{:08x}", u32::from(sign))
        }
        sign => sign.to_string(),
    }
}

/// Files that the model was not given, or not whole, with the reason; the answer names the first ten, and those that had to be seen first.
fn left_out(metadata: &Value, text: &mut String) {
    let files = metadata.get("files").and_then(Value::as_array);
    for file in files.into_iter().flatten() {
        let path = name(field(file, "path").unwrap_or("?"));
        let what = match field(file, "status") {
            Some("refused") => "refused",
            Some("skipped") => "not read",
            Some("excerpted") => "in part",
            _ => continue,
        };
        push(text, &format!("{what}: {path} ({})", field(file, "reason").unwrap_or("policy")));
    }
    if let Some(more) = metadata.get("files_not_listed").and_then(Value::as_u64) {
        push(text, &format!("and {} not listed here", counted(more, "more file")));
    }
}

fn field<'v>(value: &'v Value, name: &str) -> Option<&'v str> {
    value.get(name).and_then(Value::as_str)
}

fn push(text: &mut String, line: &str) {
    text.push_str(line);
    text.push('\n');
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// A pausing step shows the actions that it speaks of.
    #[test]
    fn a_pausing_step_shows_its_actions() {
        let answer = json!({
            "status": "pause_for_code_review", "next_steps": "First do the 2 actions in required_actions.",
            "required_actions": ["Read the files.", "Trace the callers."],
            "metadata": { "files_summary": { "included": 1, "excerpted": 0, "skipped": 0, "refused": 0 } },
        });
        let Rendered { answer: text, about } = render("codereview", &[], &answer, Duration::ZERO);
        assert!(
            text.contains("Before the next step:\n1. Read the files.\n2. Trace the callers.\n"),
            "{text}"
        );
        assert!(about.contains("1 file read"), "{about}");
    }

    #[test]
    fn words_are_quoted_for_a_shell() {
        assert_eq!(quoted("src/a.py:10-20"), "src/a.py:10-20");
        assert_eq!(quoted("my files/it's.py"), r"'my files/it'\''s.py'");
        assert_eq!(quoted("$(rm)"), "'$(rm)'");
        assert_eq!(quoted("a\nb\\'s\u{e0041}ß"), r"$'a\U0000000ab\\\'s\U000e0041ß'");
    }
}
