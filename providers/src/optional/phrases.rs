//! How servers say that they refuse something, in small letters.

/// A field is not known, or not for this model.
pub(super) const REFUSED: &[&str] = &[
    "not support",
    "n't support",
    "unsupported",
    "not a supported",
    "unknown",
    "unrecognized",
    "unrecognised",
    "not recognized",
    "not recognised",
    "unexpected keyword",
    "unexpected field",
    "unexpected parameter",
    "unexpected property",
    "extra input",
    "extra field",
    "extra_forbidden",
    "additional propert",
    "not permitted",
    "not allowed",
    "disallowed",
    "forbidden",
    "illegal",
    "not accepted",
    "not accept",
    "n't accept",
    "not enabled",
    "disabled",
    "not available",
    "unavailable for",
    "not implemented",
    "not defined",
    "does not exist",
    "doesn't exist",
    "no such",
    "deprecated",
    "no longer",
    "cannot be used",
    "can't be used",
    "cannot be set",
    "can't be set",
    "cannot be combined",
    "can't be combined",
    "cannot be streamed",
    "can't be streamed",
    "cannot stream",
    "no streaming",
    "is fixed",
    "incompatible",
    "not compatible",
    "mutually exclusive",
    "non-reasoning model",
    "verified to stream",
    "not a valid parameter",
    "不支持",
    "不允许",
    "未知",
];

/// The same where the server says that it has failed: what an outage is told in, too, is no refusal.
pub(super) const CLEAR: &[&str] = &[
    "not support",
    "n't support",
    "unsupported",
    "unknown field",
    "unknown parameter",
    "unknown argument",
    "unknown name",
    "unrecognized field",
    "unrecognized parameter",
    "unrecognized request argument",
    "unexpected keyword",
    "unexpected field",
    "unexpected parameter",
    "extra input",
    "extra field",
    "additional propert",
    "not permitted",
    "not implemented",
    "not accept",
    "n't accept",
    "cannot be set",
    "verified to stream",
    "不支持",
];

/// Its value is not taken.
pub(super) const MISLIKED: &[&str] = &[
    "invalid",
    "not valid",
    "only",
    "must be",
    "should be",
    "out of range",
    "not one of",
    "does not match",
    "failed to parse",
    "failed to compile",
    "json_validate_failed",
    "无效",
    "非法",
];

/// The value is too large, and another one would do.
pub(super) const TOO_LARGE: &[&str] = &[
    "too large",
    "too high",
    "too big",
    "at most",
    "exceed",
    "greater than",
    "less than",
    "larger than",
    "smaller than",
];

/// Signs of a limit, where the text names a number, too.
pub(super) const LIMITS: &[&str] =
    &["maximum", "out of range", "range of", "range is", "between", " > ", " <= ", "≤", "up to"];

/// What follows is what would have been taken.
pub(super) const INSTEAD: &[&str] = &[
    "expected one of",
    "known properties",
    "known fields",
    "known parameters",
    "allowed fields",
    "allowed parameters",
    "allowed properties",
    "accepted fields",
    "accepted parameters",
    "valid fields",
    "valid parameters",
    "permitted fields",
    "permitted parameters",
    "supported fields",
    "supported parameters are",
    "supported parameters:",
    "available fields",
    "available parameters",
    "possible fields",
];

/// A stream is refused by the value that would be taken.
pub(super) const WHOLE_ONLY: &[&str] = &[
    "must be false",
    "should be false",
    "be set to false",
    "stream=false",
    "stream = false",
    "stream: false",
    "\"stream\": false",
    "only non-stream",
    "only false",
];

/// The system prompt as a role, a field or a message.
pub(super) const SYSTEM: &[&str] = &[
    "system role",
    "system message",
    "system prompt",
    "system instruction",
    "system_instruction",
    "systeminstruction",
    "system field",
    "system parameter",
    "system:",
    "developer instruction",
    "developer message",
    "developer role",
    "role system",
    "role: system",
    "role 'system'",
    "role \"system\"",
    "role `system`",
    "'system'",
    "\"system\"",
    "`system`",
    "'developer'",
    "\"developer\"",
];

/// Complaints about roles that only a system prompt causes in a request of ours.
pub(super) const ROLES: &[&str] = &[
    "only user and assistant roles",
    "only 'user' and 'assistant'",
    "only user, assistant",
    "conversation roles must alternate",
    "roles must alternate user/assistant",
    "be 'user' or 'assistant'",
    "be \"user\" or \"assistant\"",
    "unexpected role 'system'",
    "unexpected role \"system\"",
    "unexpected role system",
    "unexpected role: system",
    "unknown role: system",
    "unknown role system",
    "invalid role: system",
    "invalid role 'system'",
    "invalid role \"system\"",
    "invalid value: 'system'",
    "invalid value: \"system\"",
    "invalid value: 'developer'",
];

/// Where the phrases stand in a text.
pub(super) fn places(text: &str, phrases: &[&str]) -> Vec<(usize, usize)> {
    phrases
        .iter()
        .flat_map(|phrase| text.match_indices(phrase).map(|(at, found)| (at, at + found.len())))
        .collect()
}

/// Where a text has a word as a whole.
pub(super) fn words(text: &str, word: &str) -> Vec<(usize, usize)> {
    let is_part = |letter: char| letter.is_ascii_alphanumeric() || letter == '_';
    let is_whole = |at: usize| {
        let before = text.get(..at).and_then(|before| before.chars().next_back());
        let after = text.get(at + word.len()..).and_then(|after| after.chars().next());
        !before.is_some_and(is_part) && !after.is_some_and(is_part)
    };
    let places = text.match_indices(word).map(|(at, _)| at).filter(|at| is_whole(*at));
    places.map(|at| (at, at + word.len())).collect()
}

/// The fewest bytes between a place of the one kind and one of the other.
pub(super) fn distance(ones: &[(usize, usize)], others: &[(usize, usize)]) -> Option<usize> {
    let between = |one: &(usize, usize), other: &(usize, usize)| {
        other.0.saturating_sub(one.1).max(one.0.saturating_sub(other.1))
    };
    ones.iter().flat_map(|one| others.iter().map(move |other| between(one, other))).min()
}
