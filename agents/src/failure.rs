//! Why an agent gave no answer: what it says itself, and what that means.

use exai_core::Kind;

/// An agent gave no answer.
#[derive(Debug, thiserror::Error)]
#[error("the agent {agent} gave no answer ({ended}): {reason}")]
pub struct AgentFailure {
    /// The agent.
    pub agent: String,
    /// How its process ended.
    pub ended: String,
    /// In its own words.
    pub reason: String,
    /// What that means for the next step.
    pub kind: Kind,
    /// How its user logs in.
    pub login: &'static str,
}

/// The most characters of a reason.
pub(super) const MAX_REASON: usize = 2_000;
/// Words of agents that nobody is logged in to, or whose key is refused.
const LOGIN: [&str; 14] = [
    "not logged in",
    "/login",
    "log in",
    "login",
    "auth method",
    "auth type",
    "authenticat",
    "unauthorized",
    "unauthenticated",
    "invalid api key",
    "incorrect api key",
    "api key not",
    "no api key",
    "oauth token",
];
/// What other failures are known by. The first that fits counts.
const WORDS: [(&str, Kind); 10] = [
    ("prompt is too long", Kind::ContextTooLong),
    ("context length", Kind::ContextTooLong),
    ("context window", Kind::ContextTooLong),
    ("usage limit", Kind::Quota),
    ("quota", Kind::Quota),
    ("credit", Kind::Quota),
    ("billing", Kind::Quota),
    ("rate limit", Kind::RateLimited),
    ("too many requests", Kind::RateLimited),
    ("overloaded", Kind::Unavailable),
];

impl AgentFailure {
    /// The failure that an agent gives this reason for.
    pub(super) fn new(agent: &str, ended: String, reason: &str, login: &'static str) -> Self {
        let kind = kind(reason);
        Self {
            agent: agent.to_owned(),
            ended,
            reason: reason.chars().take(MAX_REASON).collect(),
            kind,
            login,
        }
    }

    /// What to do.
    #[must_use]
    pub fn hint(&self) -> Option<&'static str> {
        if self.kind == Kind::Auth {
            return Some(self.login);
        }
        None
    }
}

/// Whether words in small letters are about a login that is missing.
pub(super) fn speaks_of_login(words: &str) -> bool {
    LOGIN.iter().any(|word| words.contains(word))
}

/// What a reason means. One that is not understood is a failure of the moment: the agent may do better, or its words say why not.
fn kind(reason: &str) -> Kind {
    let words = reason.to_ascii_lowercase();
    let status = status(&words);
    match status {
        Some(401 | 403) => return Kind::Auth,
        Some(429) if !words.contains("quota") && !words.contains("limit reached") => {
            return Kind::RateLimited;
        }
        _ => {}
    }
    if let Some((_, kind)) = WORDS.iter().find(|(word, _)| words.contains(word)) {
        return *kind;
    }
    match status {
        Some(429) => Kind::Quota,
        Some(500..=599) => Kind::Unavailable,
        _ if speaks_of_login(&words) => Kind::Auth,
        Some(400..=499) => Kind::UpstreamRejected,
        _ => Kind::Unavailable,
    }
}

/// The HTTP status of a failure, which stands behind a word such as `error` or `status`.
fn status(words: &str) -> Option<u16> {
    let mut before = "";
    for word in words.split(|letter: char| !letter.is_ascii_alphanumeric()).filter(|word| !word.is_empty()) {
        let is_named = ["error", "status", "code", "http"].contains(&before);
        if is_named
            && word.len() == 3
            && let Ok(status @ 400..=599) = word.parse()
        {
            return Some(status);
        }
        before = word;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reasons_mean_what_they_say() {
        for (reason, expected) in [
            ("Not logged in · Please run /login", Kind::Auth),
            ("Invalid API key · Fix external API key", Kind::Auth),
            ("[API Error: 401 Incorrect API key provided]", Kind::Auth),
            ("Please set an Auth method in your settings.json", Kind::Auth),
            ("No auth type is selected", Kind::Auth),
            ("API Error: 429 {\"type\":\"error\"}", Kind::RateLimited),
            ("API Error: 429 you exceeded your current quota", Kind::Quota),
            ("Claude AI usage limit reached|1760000000", Kind::Quota),
            ("Prompt is too long", Kind::ContextTooLong),
            ("API Error: 400 unknown model", Kind::UpstreamRejected),
            ("unexpected status 503 Service Unavailable", Kind::Unavailable),
            ("segmentation fault after 429 steps", Kind::Unavailable),
        ] {
            assert_eq!(kind(reason), expected, "{reason}");
        }
    }
}
