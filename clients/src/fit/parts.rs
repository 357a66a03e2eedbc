//! A whole answer in parts, each within what a client shows. The parts together are the whole: nothing is lost, nothing comes twice.

use serde_json::{Map, Value, json};

use super::{
    part_call::PartCall,
    split::{size, size_of_entry, take},
};

/// Keys that stand in the first part and are not divided, as long as they leave room: what a caller must have to go on.
const HEAD: [&str; 9] = [
    "status",
    "code",
    "message",
    "continuation_id",
    "hint",
    "summary",
    "next_steps",
    "metadata",
    "continuation_offer",
];
/// What comes before everything else that is not of the head.
const FIRST: [&str; 2] = ["findings", "votes"];
/// Keys of the first part that say where the rest is. An answer's own entry of that name waits for a later part.
const OURS: [&str; 2] = ["truncated", "rest"];
/// The least room for a part, whatever is set: its frame takes the half of it.
const LEAST_ROOM: usize = 1_500;
/// An entry of this size stands in the first part as well: it may matter, and costs little.
const SMALL: usize = 600;
/// The most of the first part that the head takes.
const HEAD_SHARE: usize = 2;
/// The longest name of a place that the pointer says goes on in the next part.
const LONGEST_PATH: usize = 100;
/// A number of parts that no answer has, for the size of the frame.
const MANY: usize = 99_999;

/// How the other parts can be had.
pub struct Pointer<'a> {
    /// The call that gets them.
    pub call: PartCall<'a>,
    /// The address of the whole.
    pub resource: &'a str,
}

impl Pointer<'_> {
    fn to(&self, part: usize, of: usize, bytes: usize, divided: Option<&str>) -> Value {
        let mut pointer = json!({
            "part": part, "of": of,
            "call": self.call.to(part),
            "note": "This answer is longer than your client shows. Make this call as it stands for the next part; it asks no model.",
            "resource": self.resource, "bytes": bytes,
        });
        if let Some(path) = divided.filter(|path| path.len() <= LONGEST_PATH) {
            pointer["divided"] = json!(path);
        }
        pointer
    }
}

/// The parts of an answer; `None` when it fits as it is.
#[must_use]
pub fn parts(text: &str, limit: usize, pointer: &Pointer<'_>) -> Option<Vec<String>> {
    if text.len() <= limit || text.encode_utf16().count() <= limit {
        return None;
    }
    let limit = limit.max(LEAST_ROOM);
    let mut whole = match serde_json::from_str(text) {
        Ok(Value::Object(answer)) => answer,
        // The tools answer with objects; anything else is a text.
        _ => [("content".to_owned(), Value::from(text))].into_iter().collect(),
    };
    let frame = size_of_entry("rest", &pointer.to(MANY, MANY, text.len(), Some(&"x".repeat(LONGEST_PATH))))
        + size_of_entry("truncated", &json!(true))
        + 2;
    let lists = whole.iter().filter(|(_, value)| value.is_array());
    let counts: usize = lists.map(|(key, _)| size_of_entry(&left_out(key), &json!(MANY))).sum();
    let thread =
        whole.get("continuation_id").filter(|id| id.as_str().is_some_and(|id| id.len() < 80)).cloned();
    let order: Vec<String> = whole.keys().cloned().collect();
    let head = head(&mut whole, limit / HEAD_SHARE);
    let mut rest = ordered(whole);
    let room = limit.saturating_sub(frame + counts + size(&Value::Object(head.clone())));
    let mut fitting = head;
    let mut divided = take_into(&mut rest, room, &mut fitting);
    // The first part has the order of the answer.
    let mut first = Map::new();
    for key in order {
        if let Some(value) = fitting.shift_remove(&key) {
            first.insert(key, value);
        }
    }
    let mut bodies = vec![(first, None, divided.clone(), lists_left(&rest))];
    while !rest.is_empty() {
        let continues = divided.take();
        let named = later(MANY, MANY, continues.as_deref(), thread.as_ref());
        let room = limit.saturating_sub(
            size(&Value::Object(named)) + frame + counts + size_of_entry("answer", &json!({})),
        );
        let taken = take(&mut rest, room, true);
        let Some(taken) = taken else { break };
        let Value::Object(body) = taken.value else { break };
        divided = taken.divided;
        bodies.push((body, continues, divided.clone(), lists_left(&rest)));
    }
    let of = bodies.len();
    let written = bodies.into_iter().enumerate().map(|(index, (body, continues, goes_on, left))| {
        let part = index + 1;
        let more = (part < of).then(|| pointer.to(part + 1, of, text.len(), goes_on.as_deref()));
        let whole = match part {
            1 => first_part(body, left, more),
            _ => {
                let mut whole = later(part, of, continues.as_deref(), thread.as_ref());
                whole.insert("answer".to_owned(), Value::Object(body));
                whole.extend(left);
                whole.extend(more.map(|more| ("rest".to_owned(), more)));
                whole
            }
        };
        Value::Object(whole).to_string()
    });
    Some(written.collect())
}

/// What is whole in the first part.
fn head(whole: &mut Map<String, Value>, most: usize) -> Map<String, Value> {
    let mut left = most;
    let mut head = Map::new();
    for key in HEAD {
        let Some(size) = whole.get(key).map(|value| size_of_entry(key, value)) else { continue };
        if size <= left {
            left -= size;
            head.extend(whole.shift_remove_entry(key));
        }
    }
    let others: Vec<String> = whole.keys().filter(|key| !OURS.contains(&key.as_str())).cloned().collect();
    for key in others {
        let Some(size) = whole.get(&key).map(|value| size_of_entry(&key, value)) else { continue };
        if size <= left.min(SMALL) {
            left -= size;
            head.extend(whole.shift_remove_entry(&key));
        }
    }
    head
}

/// What matters most first.
fn ordered(mut whole: Map<String, Value>) -> Map<String, Value> {
    let mut ordered = Map::new();
    for key in FIRST {
        ordered.extend(whole.shift_remove_entry(key));
    }
    let ours: Vec<_> = OURS.iter().filter_map(|key| whole.shift_remove_entry(*key)).collect();
    ordered.extend(whole);
    ordered.extend(ours);
    ordered
}

/// Fills the first part from what is left of the answer. Entries of ours stay, because the first part has its own of that name.
fn take_into(rest: &mut Map<String, Value>, room: usize, part: &mut Map<String, Value>) -> Option<String> {
    let ours: Vec<_> = OURS.iter().filter_map(|key| rest.shift_remove_entry(*key)).collect();
    let taken = take(rest, room, false);
    rest.extend(ours);
    let taken = taken?;
    if let Value::Object(taken_entries) = taken.value {
        part.extend(taken_entries);
    }
    taken.divided
}

fn left_out(key: &str) -> String {
    format!("{key}_left_out")
}

/// How many entries of which lists are still to come.
fn lists_left(rest: &Map<String, Value>) -> Map<String, Value> {
    let lists = rest.iter().filter_map(|(key, value)| Some((left_out(key), json!(value.as_array()?.len()))));
    lists.collect()
}

fn first_part(
    answer: Map<String, Value>,
    left: Map<String, Value>,
    more: Option<Value>,
) -> Map<String, Value> {
    let mut part = Map::new();
    let after = if answer.contains_key("summary") { "summary" } else { "status" };
    let note = [("truncated".to_owned(), json!(true)), ("rest".to_owned(), more.unwrap_or_default())];
    for (key, value) in answer {
        let here = key == after;
        part.insert(key, value);
        if here {
            part.extend(note.clone());
        }
    }
    for (key, value) in note {
        part.entry(key).or_insert(value);
    }
    part.extend(left);
    part
}

/// The frame of a part that is not the first.
fn later(part: usize, of: usize, continues: Option<&str>, thread: Option<&Value>) -> Map<String, Value> {
    let mut frame = Map::new();
    frame.insert("status".to_owned(), json!("part"));
    frame.insert("part".to_owned(), json!(part));
    frame.insert("of".to_owned(), json!(of));
    if let Some(path) = continues {
        frame.insert("continues".to_owned(), json!(path));
    }
    frame.extend(thread.map(|thread| ("continuation_id".to_owned(), thread.clone())));
    frame
}

#[cfg(test)]
mod tests {
    use std::sync::LazyLock;

    use proptest::prelude::*;

    use super::*;

    static POINTER: LazyLock<Pointer<'static>> = LazyLock::new(|| {
        static DEMANDED: LazyLock<Map<String, Value>> =
            LazyLock::new(|| [("step".to_owned(), json!("(the next part)"))].into_iter().collect());
        let id = "01938d2e-0000-7000-8000-000000000001";
        let call = PartCall { tool: "codereview", id, demanded: &DEMANDED };
        Pointer { call, resource: "exai://answer/01938d2e-0000-7000-8000-000000000001" }
    });

    fn read(part: &str) -> Map<String, Value> {
        match serde_json::from_str(part) {
            Ok(Value::Object(part)) => part,
            other => panic!("no object: {other:?}"),
        }
    }

    /// Puts a later value behind an earlier one. `path` says what goes on, as the parts say it.
    fn join(earlier: &mut Value, later: Value, path: Option<&str>) {
        match (earlier, later) {
            (Value::String(earlier), Value::String(later)) => earlier.push_str(&later),
            (Value::Array(earlier), Value::Array(later)) => {
                let mut later = later.into_iter();
                if let Some(inside) = path.and_then(|path| path.strip_prefix("[]")) {
                    join(earlier.last_mut().unwrap(), later.next().unwrap(), Some(inside));
                }
                earlier.extend(later);
            }
            (Value::Object(earlier), Value::Object(later)) => {
                let path = path.map(|path| path.trim_start_matches('.'));
                for (key, value) in later {
                    match earlier.get_mut(&key) {
                        Some(known) => {
                            let inside = path.and_then(|path| path.strip_prefix(key.as_str()));
                            join(known, value, Some(inside.expect("only what is divided comes again")));
                        }
                        None => drop(earlier.insert(key, value)),
                    }
                }
            }
            (earlier, later) => panic!("{earlier} and {later} are not parts of one value"),
        }
    }

    /// The whole again, from its parts alone.
    fn joined(parts: &[String]) -> Value {
        let mut first = read(&parts[0]);
        first.retain(|key, _| !OURS.contains(&key.as_str()) && !key.ends_with("_left_out"));
        let mut whole = Value::Object(first);
        for part in &parts[1..] {
            let mut part = read(part);
            let continues = part.remove("continues");
            join(&mut whole, part.remove("answer").unwrap(), continues.as_ref().and_then(Value::as_str));
        }
        whole
    }

    /// Parts in a row, each of which says how to get the next.
    fn checked(text: &str, limit: usize) -> Vec<String> {
        let parts = parts(text, limit, &POINTER).expect("it does not fit");
        for (index, part) in parts.iter().enumerate() {
            assert!(
                part.encode_utf16().count() <= limit.max(LEAST_ROOM),
                "part {} of {}",
                index + 1,
                parts.len()
            );
            let next = read(part).get("rest").map(|rest| rest["call"]["arguments"]["part"].clone());
            assert_eq!(next, (index + 1 < parts.len()).then(|| json!(index + 2)));
        }
        parts
    }

    fn value() -> impl Strategy<Value = Value> {
        let text = prop_oneof![
            "[ -~\n\"\\\\äß漢😀\u{1}]{0,60}",
            ("[a-z \n.😀\"]{1,40}", 1_usize..300).prop_map(|(text, times)| text.repeat(times)),
        ];
        let leaf = prop_oneof![
            3 => text.prop_map(Value::from),
            1 => any::<i64>().prop_map(Value::from),
            1 => any::<bool>().prop_map(Value::from),
            1 => Just(Value::Null),
        ];
        leaf.prop_recursive(3, 40, 8, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..8).prop_map(Value::from),
                prop::collection::btree_map("[a-z_]{1,12}", inner, 0..5)
                    .prop_map(|entries| Value::Object(entries.into_iter().collect())),
            ]
        })
    }

    fn answer() -> impl Strategy<Value = Value> {
        let key = prop_oneof![
            prop::sample::select(HEAD.as_slice()).prop_map(str::to_owned),
            prop::sample::select(FIRST.as_slice()).prop_map(str::to_owned),
            "[a-z]{1,10}",
        ];
        prop::collection::vec((key, value()), 1..10).prop_map(|entries| {
            Value::Object(entries.into_iter().filter(|(key, _)| !OURS.contains(&key.as_str())).collect())
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn the_parts_are_the_whole(answer in answer(), limit in 1_500_usize..9_000) {
            let text = answer.to_string();
            if parts(&text, limit, &POINTER).is_some() {
                prop_assert_eq!(joined(&checked(&text, limit)), answer);
            }
        }

        #[test]
        fn plain_texts_come_whole(text in "[a-z \n漢\"]{1,50}", times in 50_usize..500, limit in 1_500_usize..4_000) {
            let text = text.repeat(times);
            if parts(&text, limit, &POINTER).is_some() {
                prop_assert_eq!(&joined(&checked(&text, limit))["content"], &json!(text));
            }
        }
    }

    fn review(findings: usize, raw: usize) -> String {
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
        assert_eq!(parts(&review(3, 100), 100_000, &POINTER), None);
    }

    #[test]
    fn findings_come_before_the_tail() {
        let cut = read(&checked(&review(10, 50_000), 12_000)[0]);
        assert_eq!(cut["findings"].as_array().unwrap().len(), 10);
        assert_eq!((&cut["truncated"], &cut["rest"]["resource"]), (&json!(true), &json!(POINTER.resource)));
        let keys: Vec<&String> = cut.keys().collect();
        assert_eq!(
            keys,
            [
                "status",
                "summary",
                "truncated",
                "rest",
                "findings",
                "expert_analysis",
                "continuation_id",
                "metadata"
            ]
        );
        assert_eq!(cut["metadata"]["tokens"], 1);
    }

    #[test]
    fn findings_stay_whole_and_are_counted() {
        let parts = checked(&review(100, 10), 9_000);
        let first = read(&parts[0]);
        let shown = first["findings"].as_array().unwrap().len() as u64;
        assert_eq!(shown + first["findings_left_out"].as_u64().unwrap(), 100);
        for part in &parts[1..] {
            for finding in read(part)["answer"]["findings"].as_array().unwrap() {
                assert_eq!(finding["detail"].as_str().map(str::len), Some(500));
            }
        }
    }

    /// A chat's answer is one text. It once fell to a fraction of what its client shows.
    #[test]
    fn a_text_fills_its_part() {
        let paragraphs: String =
            (0..400).map(|number| format!("{number}: {}\n\n", "word ".repeat(40))).collect();
        let text = json!({ "status": "success", "content": paragraphs, "continuation_id": "t" }).to_string();
        let parts = checked(&text, 18_000);
        for part in &parts[..parts.len() - 1] {
            assert!(part.len() > 17_000, "{}", part.len());
        }
        assert!(read(&parts[0])["content"].as_str().unwrap().ends_with("\n\n"), "it ends with a paragraph");
        assert_eq!(
            (&read(&parts[0])["rest"]["divided"], &read(&parts[1])["continues"]),
            (&json!("content"), &json!("content"))
        );
        assert_eq!(read(&parts[1])["continuation_id"], "t");
    }
}
