//! Behaviour that the requested model's name asks for, so that a client in another process can choose it.

use std::time::Duration;

use crate::{Answer, ask::Ask};

/// Largest answer that a name can ask for, in words.
const MAX_WORDS: u64 = 1_000_000;

/// The answer that this request's model name stands for.
pub(crate) fn answer(ask: &Ask) -> Answer {
    if !ask.valid {
        let message = "We could not parse the JSON body of your request.";
        return Answer::error(400, "invalid_request_error", "invalid_json", message);
    }
    let latency = Duration::from_millis(number(&ask.model, "latency=").unwrap_or(0));
    if let Some(status) = number(&ask.model, "fail=") {
        return failure(status, &ask.model).latency(latency);
    }
    let text = match number(&ask.model, "words=") {
        Some(words) => (0..words.min(MAX_WORDS)).map(|n| format!("word{n} ")).collect(),
        None => format!("ok: {}", ask.last_user),
    };
    let gap = Duration::from_millis(number(&ask.model, "gap=").unwrap_or(0));
    Answer::text(text).latency(latency).piece_delay(gap)
}

fn failure(status: u64, model: &str) -> Answer {
    match status {
        400 => Answer::context_too_long(),
        401 => Answer::invalid_key(),
        404 => Answer::model_not_found(model),
        429 => Answer::rate_limited("1"),
        500 => Answer::server_error(),
        502 => Answer::proxy_page(),
        503 => Answer::overloaded(),
        other => {
            let status = u16::try_from(other).ok().filter(|code| (400..=599).contains(code)).unwrap_or(500);
            Answer::error(status, "mock_error", "mock_error", "The model's name asked for this failure.")
        }
    }
}

/// The digits that follow `key` in `name`.
fn number(name: &str, key: &str) -> Option<u64> {
    let (_, rest) = name.split_once(key)?;
    let digits = rest.find(|c: char| !c.is_ascii_digit()).map_or(rest, |end| rest.split_at(end).0);
    digits.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_from_the_name() {
        assert_eq!(number("mock-latency=50-fail=429", "latency="), Some(50));
        assert_eq!(number("mock-latency=50-fail=429", "fail="), Some(429));
        assert_eq!(number("mock-latency=", "latency="), None);
        assert_eq!(number("mock-model", "latency="), None);
    }
}
