//! Cuts answers to what their client can show. The head stays whole, the tail is shortened, and the whole answer is a resource.

use serde_json::{Map, Value, json};

/// How many characters of an answer Claude Code may show when a tool asks for it; its own limit is 25,000 tokens, and 500,000
/// characters at most (code.claude.com/docs/en/mcp, "MCP output limits and warnings").
pub(crate) const MAX_RESULT_KEY: &str = "anthropic/maxResultSizeChars";
/// Long enough for a review of many findings.
pub(crate) const MAX_RESULT_CHARS: u32 = 120_000;
/// The most characters of an answer when nothing is known of the client: half of what the most generous clients show, and four times
/// what a review with fifteen findings takes.
const USUAL: usize = 100_000;
/// Clients with limits of their own, by the beginning of the name they give: Claude Code shows 25,000 tokens, and what a tool's
/// `anthropic/maxResultSizeChars` says where there is one (code.claude.com/docs/en/mcp).
const CLIENTS: [(&str, usize, usize); 1] = [("claude-code", 60_000, MAX_RESULT_CHARS as usize)];
/// The client name of the command line. Its answers are never cut, because a person reads them and saves files from them.
pub const OWN_CLIENT: &str = "exai-mcp-run";
/// Keys that stay whole as long as anything else can be shortened.
const HEAD: [&str; 10] = [
    "status",
    "summary",
    "findings",
    "votes",
    "next_steps",
    "code",
    "message",
    "hint",
    "continuation_id",
    "metadata",
];
/// The longest texts of the tail, tried one after the other.
const TEXTS: [usize; 6] = [20_000, 8_000, 3_000, 1_000, 400, 100];
/// The longest texts of the head, when the tail is not enough.
const HEAD_TEXTS: [usize; 3] = [2_000, 600, 200];
/// The most characters that the pointer to the whole answer takes.
const POINTER: usize = 400;

/// How many characters an answer may have; `None` means any.
pub(crate) fn of_client(name: Option<&str>, answers_long: bool, setting: Option<usize>) -> Option<usize> {
    if name == Some(OWN_CLIENT) {
        return None;
    }
    if let Some(setting) = setting {
        return (setting > 0).then_some(setting);
    }
    let name = name.unwrap_or_default().to_ascii_lowercase();
    let known = CLIENTS.iter().find(|(client, ..)| name.starts_with(client));
    Some(known.map_or(USUAL, |(_, usual, long)| if answers_long { *long } else { *usual }))
}

/// The answer within `limit` characters, as JSON that says that it was cut; `None` when it fits as it is.
pub(crate) fn fitted(text: &str, limit: usize, resource: &str) -> Option<String> {
    let whole = text.chars().count();
    if whole <= limit {
        return None;
    }
    let Ok(Value::Object(answer)) = serde_json::from_str::<Value>(text) else {
        // The tools answer with objects; anything else is cut as text.
        let head: String = text.chars().take(limit.saturating_sub(POINTER)).collect();
        return Some(
            json!({ "content": head, "truncated": true, "rest": rest(resource, text.len()) }).to_string(),
        );
    };
    let mut cut = with_pointer(answer, resource, text.len());
    for longest in TEXTS {
        for (key, value) in cut.iter_mut().filter(|(key, _)| !HEAD.contains(&key.as_str())) {
            if key != "rest" {
                shorten(value, longest);
            }
        }
        if fits(&cut, limit) {
            return Some(written(cut));
        }
    }
    shorten_lists(&mut cut, limit);
    for longest in HEAD_TEXTS {
        if fits(&cut, limit) {
            break;
        }
        cut.iter_mut().filter(|(key, _)| *key != "rest").for_each(|(_, value)| shorten(value, longest));
        shorten_lists(&mut cut, limit);
    }
    Some(written(cut))
}

fn rest(resource: &str, bytes: usize) -> Value {
    json!({ "resource": resource, "bytes": bytes,
        "note": "the whole answer; clients without resources get it with the tool threads, action resume" })
}

/// The answer with the pointer to the whole after its summary, where it is not cut itself.
fn with_pointer(answer: Map<String, Value>, resource: &str, bytes: usize) -> Map<String, Value> {
    let mut cut = Map::new();
    let after = if answer.contains_key("summary") { "summary" } else { "status" };
    for (key, value) in answer {
        let here = key == after;
        cut.insert(key, value);
        if here {
            cut.insert("truncated".to_owned(), json!(true));
            cut.insert("rest".to_owned(), rest(resource, bytes));
        }
    }
    cut.entry("truncated").or_insert(json!(true));
    cut.entry("rest").or_insert_with(|| rest(resource, bytes));
    cut
}

fn fits(answer: &Map<String, Value>, limit: usize) -> bool {
    serde_json::to_string(answer).is_ok_and(|text| text.chars().count() <= limit)
}

fn written(answer: Map<String, Value>) -> String {
    Value::Object(answer).to_string()
}

/// Cuts every text that is longer, at any depth.
fn shorten(value: &mut Value, longest: usize) {
    match value {
        Value::String(text) if text.chars().count() > longest => {
            *text = format!("{}…", text.chars().take(longest).collect::<String>());
        }
        Value::Array(list) => list.iter_mut().for_each(|value| shorten(value, longest)),
        Value::Object(object) => object.values_mut().for_each(|value| shorten(value, longest)),
        _ => {}
    }
}

/// Drops entries from the end of lists, the longest list first, never half of an entry: findings are sorted, the worst come first.
fn shorten_lists(answer: &mut Map<String, Value>, limit: usize) {
    while !fits(answer, limit) {
        let longest = answer
            .iter()
            .filter_map(|(key, value)| {
                value.as_array().map(|list| (key.clone(), list.len(), value.to_string().len()))
            })
            .filter(|(_, entries, _)| *entries > 0)
            .max_by_key(|(_, _, bytes)| *bytes);
        let Some((key, entries, _)) = longest else { return };
        let dropped = (entries / 4).max(1);
        if let Some(Value::Array(list)) = answer.get_mut(&key) {
            list.truncate(entries - dropped);
        }
        let count_key = format!("{key}_left_out");
        let before = answer.get(&count_key).and_then(Value::as_u64).unwrap_or(0);
        answer.insert(count_key, json!(before + dropped as u64));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(findings: usize, raw: usize) -> String {
        let finding = |number: usize| json!({ "severity": "high", "title": format!("finding {number}"), "detail": "x".repeat(500) });
        json!({
            "status": "calling_expert_analysis", "summary": "Do not merge.",
            "findings": (0..findings).map(finding).collect::<Vec<_>>(),
            "expert_analysis": { "raw_analysis": "y".repeat(raw) }, "continuation_id": "t", "metadata": { "tokens": 1 },
        })
        .to_string()
    }

    #[test]
    fn what_fits_is_left_alone() {
        assert_eq!(fitted(&answer(3, 100), 100_000, "exai://answer/1"), None);
    }

    #[test]
    fn the_tail_is_shortened_before_any_finding() {
        let cut = fitted(&answer(10, 50_000), 12_000, "exai://answer/1").unwrap();
        assert!(cut.chars().count() <= 12_000);
        let cut: Value = serde_json::from_str(&cut).unwrap();
        assert_eq!(cut["findings"].as_array().unwrap().len(), 10);
        assert_eq!((&cut["truncated"], &cut["rest"]["resource"]), (&json!(true), &json!("exai://answer/1")));
        let keys: Vec<&String> = cut.as_object().unwrap().keys().collect();
        assert_eq!(keys[..4], ["status", "summary", "truncated", "rest"]);
    }

    #[test]
    fn findings_are_dropped_whole_and_counted() {
        let cut = fitted(&answer(100, 10), 9_000, "exai://answer/1").unwrap();
        assert!(cut.chars().count() <= 9_000);
        let cut: Value = serde_json::from_str(&cut).unwrap();
        let (kept, dropped) =
            (cut["findings"].as_array().unwrap().len() as u64, cut["findings_left_out"].as_u64().unwrap());
        assert_eq!(kept + dropped, 100);
        assert!(kept > 5 && cut["findings"][0]["detail"].as_str().unwrap().len() == 500);
        assert_eq!(cut["metadata"]["tokens"], 1);
    }

    #[test]
    fn a_setting_beats_the_clients_limit() {
        assert_eq!(of_client(Some("claude-code"), true, None), Some(120_000));
        assert_eq!(of_client(Some("Claude-Code/2.1"), false, None), Some(60_000));
        assert_eq!(of_client(Some("other"), true, None), Some(USUAL));
        assert_eq!(of_client(None, true, Some(7)), Some(7));
        assert_eq!(of_client(None, true, Some(0)), None);
        assert_eq!(of_client(Some(OWN_CLIENT), false, Some(7)), None);
    }
}
