//! How much memory a message may take once it is understood. Its length says little: each value of JSON becomes a node of up to 800
//! bytes while it is read, so 16 MB of brackets would become gigabytes. The values are counted in the bytes, before any of them is built.

use memchr::memchr2;

/// The most values of one message, whatever carries it. A call with hundreds of files has some thousands.
pub(crate) const MOST: usize = 20_000;
/// Parsers give up where values lie deeper than this within each other, whatever comes behind.
const DEPTH: usize = 128;

/// Whether there are more than [`MOST`]. Whether it is JSON at all is not asked: of what is none, a parser builds no more than this
/// counts.
pub(crate) fn are_too_many(message: &[u8]) -> bool {
    let (mut count, mut depth, mut rest) = (1, 0_usize, message);
    while let Some((&byte, after)) = rest.split_first() {
        rest = after;
        match byte {
            b'"' => rest = behind_text(after),
            // Each begins a value: within a list or an object, or as the next one there.
            b'[' | b'{' => {
                count += 1;
                depth += 1;
            }
            b',' => count += 1,
            b']' | b'}' => depth = depth.saturating_sub(1),
            _ => continue,
        }
        if depth > DEPTH {
            return false;
        }
        if count > MOST {
            return true;
        }
    }
    false
}

/// What comes behind the end of a text.
fn behind_text(mut text: &[u8]) -> &[u8] {
    while let Some(at) = memchr2(b'"', b'\\', text) {
        let is_end = text.get(at) == Some(&b'"');
        text = text.get(at + if is_end { 1 } else { 2 }..).unwrap_or_default();
        if is_end {
            return text;
        }
    }
    &[]
}

/// The error for the client.
pub(crate) fn refusal() -> String {
    format!("the message has more than {MOST} JSON values; send less at once")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;

    fn listed(item: &str, count: usize) -> Vec<u8> {
        format!("[{}]", vec![item; count].join(",")).into_bytes()
    }

    #[test]
    fn values_count_and_texts_do_not() {
        for (item, values) in [("0", 1), ("[]", 2), (r#"{"a":0}"#, 2), (r#"["x",[1,2]]"#, 5)] {
            assert!(!are_too_many(&listed(item, MOST / (values + 1))), "{item}");
            assert!(are_too_many(&listed(item, MOST / values + 2)), "{item}");
        }
        let text = json!([r#"[{,"\"#.repeat(MOST)]).to_string();
        assert!(!are_too_many(text.as_bytes()));
        // Nothing of it is built beyond the depth at which parsers give up.
        assert!(!are_too_many("[".repeat(MOST + 1).as_bytes()));
    }

    fn count(value: &Value) -> usize {
        1 + match value {
            Value::Array(items) => items.iter().map(count).sum(),
            Value::Object(members) => members.values().map(count).sum(),
            _ => 0,
        }
    }

    proptest! {
        #[test]
        fn no_value_is_missed(texts in prop::collection::vec(r#"[\PC"\\]{0,8}"#, 0..20)) {
            // Enough empty lists that one more value makes the difference.
            let mut items: Vec<Value> = texts.into_iter().map(|text| json!({text: 1})).collect();
            let few = Value::Array(items.clone());
            prop_assert!(!are_too_many(few.to_string().as_bytes()));
            items.resize(items.len() + MOST, json!(0));
            let many = Value::Array(items);
            prop_assert!(count(&many) > MOST && are_too_many(many.to_string().as_bytes()));
        }

        #[test]
        fn any_bytes_are_survived(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
            are_too_many(&bytes);
        }
    }
}
