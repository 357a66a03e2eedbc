//! Token counts under the names that vendors give them.

use exai_core::chat::Usage;
use serde_json::Value;

/// Token counts, wherever the vendor puts them; `None` when there are none.
pub(super) fn read(usage: &Value) -> Option<Usage> {
    let number = |pointer: &str| usage.pointer(pointer).and_then(count);
    let first = |pointers: &[&str]| pointers.iter().find_map(|pointer| number(pointer));
    let input = first(&["/prompt_tokens", "/input_tokens"]);
    let output = first(&["/completion_tokens", "/output_tokens"]);
    // A server that counts only the sum counts nothing that could be priced, and one figure that is none spoils the others.
    let is_spoilt = ["/prompt_tokens", "/input_tokens", "/completion_tokens", "/output_tokens"]
        .iter()
        .filter_map(|pointer| usage.pointer(pointer))
        .any(|figure| !figure.is_null() && count(figure).is_none());
    if is_spoilt || (input.is_none() && output.is_none()) {
        return None;
    }
    Some(Usage {
        input_tokens: input.unwrap_or(0),
        output_tokens: output.unwrap_or(0),
        cached_input_tokens: first(&[
            "/prompt_tokens_details/cached_tokens",
            "/input_tokens_details/cached_tokens",
            "/cached_tokens",
            "/prompt_cache_hit_tokens",
            "/cache_read_input_tokens",
        ])
        .unwrap_or(0),
        reasoning_tokens: first(&[
            "/completion_tokens_details/reasoning_tokens",
            "/output_tokens_details/reasoning_tokens",
            "/reasoning_tokens",
        ])
        .unwrap_or(0),
        estimated: false,
    })
}

/// A count, also one that is written as a fraction or as a text.
pub(super) fn count(figure: &Value) -> Option<u64> {
    match figure {
        Value::Number(number) => number.as_u64().or_else(|| number.as_f64().and_then(whole)),
        Value::String(digits) => digits.trim().parse().ok(),
        _ => None,
    }
}

/// The number without its fraction, which must be nothing.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "in range, and a whole number")]
fn whole(number: f64) -> Option<u64> {
    let is_count = number.fract() == 0.0 && (0.0..1e18).contains(&number);
    is_count.then_some(number as u64)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn every_vendors_token_counts_are_found() {
        let full = |cached, reasoning| Usage {
            input_tokens: 10,
            output_tokens: 5,
            cached_input_tokens: cached,
            reasoning_tokens: reasoning,
            estimated: false,
        };
        for (value, expected) in [
            (
                json!({"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15,
                    "prompt_tokens_details": {"cached_tokens": 4},
                    "completion_tokens_details": {"reasoning_tokens": 3}}),
                Some(full(4, 3)),
            ),
            (json!({"prompt_tokens": 10, "completion_tokens": 5, "cached_tokens": 4}), Some(full(4, 0))),
            (
                json!({"prompt_tokens": 10, "completion_tokens": 5, "prompt_cache_hit_tokens": 4,
                    "prompt_tokens_details": null}),
                Some(full(4, 0)),
            ),
            (json!({"input_tokens": 10, "output_tokens": 5}), Some(full(0, 0))),
            (json!({"prompt_tokens": 10.0, "completion_tokens": "5"}), Some(full(0, 0))),
            (json!({"prompt_tokens": null, "total_tokens": 7}), None),
            (json!({"prompt_tokens": -10, "completion_tokens": 5}), None),
            (json!({"prompt_tokens": 10, "completion_tokens": 0.5}), None),
            (json!({"prompt_tokens": 1e30, "completion_tokens": 5}), None),
            (json!(null), None),
        ] {
            assert_eq!(read(&value), expected, "{value}");
        }
    }
}
