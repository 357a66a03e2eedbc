//! Keys and tokens: they can be used, and cannot be printed.

pub use secrecy::{ExposeSecret, SecretString};

/// The only form in which a secret may be shown: its length class and last two characters, never more than a quarter of it.
#[must_use]
pub fn masked(secret: &SecretString) -> String {
    let text = secret.expose_secret();
    let count = text.chars().count();
    if count < 12 {
        return "****".to_owned();
    }
    let tail: String = text.chars().skip(count - 2).collect();
    format!("****{tail} ({count} characters)")
}

/// Shorter ones keep no secret, and would be found in many words.
const SHORTEST: usize = 6;
/// What documentation and servers at home want in the place of a key.
const PLACEHOLDERS: [&str; 36] = [
    "anything",
    "api-key",
    "api_key",
    "apikey",
    "bearer",
    "changeme",
    "change-me",
    "default",
    "dummy",
    "dummy-key",
    "example",
    "fake-key",
    "ignored",
    "litellm",
    "llama.cpp",
    "lm-studio",
    "lmstudio",
    "local-model",
    "no-key",
    "no-key-needed",
    "no-key-required",
    "not-needed",
    "not-required",
    "nothing",
    "ollama",
    "openai",
    "password",
    "placeholder",
    "required",
    "secret",
    "server",
    "sk-no-key-required",
    "sk-no-key-needed",
    "test-key",
    "unused",
    "whatever",
];

/// Whether a key is none: a word in its place, whose removal from a message would only make that unreadable.
#[must_use]
pub fn is_placeholder(key: &str) -> bool {
    let key = key.trim().to_ascii_lowercase();
    let bare = key.strip_prefix("sk-").unwrap_or(&key);
    let is_filling = bare.chars().all(|letter| matches!(letter, 'x' | '*' | '.' | '-' | '_' | '0' | '…'));
    let asks_for_one = ["your-", "your_", "<your", "{your"].iter().any(|word| bare.starts_with(word));
    key.chars().count() < SHORTEST || is_filling || asks_for_one || PLACEHOLDERS.contains(&key.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_never_shows_a_secret() {
        assert_eq!(masked(&SecretString::from("short")), "****");
        let long = SecretString::from("sk-0123456789abcdef");
        assert_eq!(masked(&long), "****ef (19 characters)");
        assert!(!format!("{long:?}").contains("0123"));
    }

    #[test]
    fn placeholders_are_no_keys() {
        for word in [
            "ollama",
            "Ollama",
            "none",
            "sk-xxx",
            "sk-xxxxxxxxxxxxxxxx",
            "your-api-key",
            "YOUR_API_KEY",
            "changeme",
            "EMPTY",
            "<your key>",
            "sk-...",
            "x",
            "",
            "lm-studio",
            "sk-your-key-here",
        ] {
            assert!(is_placeholder(word), "{word}");
        }
        for key in
            ["hunter2", "topsecret-1", "the-secret-of-this-test", "sk-0a1b2c3d", "mysecretkey", "xyzzy-plugh"]
        {
            assert!(!is_placeholder(key), "{key}");
        }
    }
}
