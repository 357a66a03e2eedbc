//! Keys in what vendors say: their messages echo the key that they refuse, whole, shortened or in the middle of something.

use std::sync::Arc;

use exai_core::secret::{ExposeSecret, SecretString, is_placeholder};

/// What stands in a key's place.
const BLANK: &str = "[key]";
/// The fewest and the most first characters of a key that are taken for it: a message may have been cut within.
const LEAST: (usize, usize) = (6, 12);
/// How keys of vendors begin.
const BEGINNINGS: [&str; 12] =
    ["sk-", "sk_", "gsk_", "xai-", "AIza", "pplx-", "hf_", "r8_", "nvapi-", "fw_", "tgp_v1_", "eyJ"];
/// The fewest characters of a word that begins like a key, when it has no digit and no stars.
const SHORTEST_WORD: usize = 32;
/// Words behind "Bearer" that are none of a key.
const NO_KEYS: [&str; 10] =
    ["token", "tokens", "auth", "authentication", "authorization", "header", "scheme", "key", "is", "realm"];

/// The keys of an endpoint. They cannot be printed.
#[derive(Clone, Default)]
pub(crate) struct Secrets(Arc<[SecretString]>);

impl Secrets {
    /// Words that stand in the place of a key are left out: blanking them would only make a message unreadable.
    pub(crate) fn of<'k>(keys: impl IntoIterator<Item = &'k str>) -> Self {
        let keys = keys.into_iter().filter(|key| !is_placeholder(key));
        Self(keys.map(|key| SecretString::from(key.to_owned())).collect())
    }

    /// A text without these keys, and without what looks like another.
    pub(crate) fn blank(&self, text: &str) -> String {
        without_others(&self.blank_own(text))
    }

    /// A text without these keys. For names, which may look like a key and are none.
    pub(crate) fn blank_own(&self, text: &str) -> String {
        let mut text = text.to_owned();
        for key in self.0.iter() {
            text = without(&text, key.expose_secret());
        }
        text
    }
}

/// A key without what was copied along with it: quotation marks, and the word before it in the header.
pub(crate) fn bare_key(written: &str) -> &str {
    let written = written.trim();
    let inner = ['"', '\'']
        .iter()
        .find_map(|mark| written.strip_prefix(*mark).and_then(|rest| rest.strip_suffix(*mark)))
        .unwrap_or(written)
        .trim();
    match inner.split_once(char::is_whitespace) {
        Some((word, key)) if word.eq_ignore_ascii_case("bearer") => key.trim(),
        _ => inner,
    }
}

/// The text without a key, and without any part of it that begins as the key does.
fn without(text: &str, key: &str) -> String {
    let least = (key.chars().count() / 4).clamp(LEAST.0, LEAST.1);
    let Some(beginning) = key.char_indices().nth(least).map_or(Some(key), |(end, _)| key.get(..end)) else {
        return text.to_owned();
    };
    let mut blanked = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(beginning) {
        let (before, found) = rest.split_at(at);
        let same: usize = found
            .chars()
            .zip(key.chars())
            .take_while(|(one, other)| one == other)
            .map(|(one, _)| one.len_utf8())
            .sum();
        blanked.push_str(before);
        blanked.push_str(BLANK);
        rest = found.get(same..).unwrap_or_default();
    }
    blanked.push_str(rest);
    blanked
}

/// The text without words that begin like keys of vendors, and without what follows "Bearer".
fn without_others(text: &str) -> String {
    let is_part = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_' | '*' | '.' | '+' | '/' | '…');
    let mut blanked = String::with_capacity(text.len());
    let mut rest = text;
    let mut after_bearer = false;
    while !rest.is_empty() {
        let end = rest.find(|c: char| !is_part(c)).unwrap_or(rest.len());
        let (word, behind) = rest.split_at(end);
        let bare = word.trim_end_matches(['.', '…']);
        let hidden = !bare.is_empty() && (looks_like_a_key(bare) || (after_bearer && may_be_a_key(bare)));
        if hidden {
            blanked.push_str(BLANK);
            blanked.push_str(word.get(bare.len()..).unwrap_or_default());
        } else {
            blanked.push_str(word);
        }
        if !word.is_empty() {
            after_bearer = word.eq_ignore_ascii_case("bearer");
        }
        let next = behind.find(is_part).unwrap_or(behind.len());
        let (between, later) = behind.split_at(next);
        blanked.push_str(between);
        rest = later;
    }
    blanked
}

fn looks_like_a_key(word: &str) -> bool {
    let has_beginning = BEGINNINGS.iter().any(|beginning| word.starts_with(beginning));
    let is_long = word.chars().count() >= SHORTEST_WORD;
    has_beginning
        && !is_placeholder(word)
        && (is_long || word.contains(|c: char| c.is_ascii_digit() || c == '*'))
}

fn may_be_a_key(word: &str) -> bool {
    !NO_KEYS.iter().any(|known| word.eq_ignore_ascii_case(known))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_blanked_whole_and_cut() {
        let long = format!("abcdefghij{}", "0123456789".repeat(80));
        let secrets = Secrets::of(["topsecret-1", "another-of-mine", long.as_str()]);
        for (said, told) in [
            ("Incorrect key topsecret-1.", "Incorrect key [key]."),
            ("key=topsecret-1&x", "key=[key]&x"),
            ("cut at topsec", "cut at [key]"),
            ("cut at topsecr… (HTTP 401)", "cut at [key]… (HTTP 401)"),
            ("both topsecret-1,another-of-mine", "both [key],[key]"),
            ("\"another-of-mine\"", "\"[key]\""),
            ("tops is no key", "tops is no key"),
        ] {
            assert_eq!(secrets.blank(said), told, "{said}");
        }
        let cut: String = long.chars().take(400).collect();
        assert_eq!(secrets.blank(&format!("invalid: {cut}")), "invalid: [key]");
    }

    #[test]
    fn keys_of_others_are_blanked() {
        let secrets = Secrets::default();
        for (said, told) in [
            ("Incorrect key 'sk-pr***12'", "Incorrect key '[key]'"),
            ("provided:sk-0a1b2c3d.", "provided:[key]."),
            ("{\"api_key\":\"gsk_9f8e7d6c\"}", "{\"api_key\":\"[key]\"}"),
            ("bearer abc def", "bearer [key] def"),
            ("Bearer authentication is required", "Bearer authentication is required"),
            ("install sk-learn first", "install sk-learn first"),
            ("Incorrect API key provided: sk-xxx.", "Incorrect API key provided: sk-xxx."),
        ] {
            assert_eq!(secrets.blank(said), told, "{said}");
        }
    }

    #[test]
    fn keys_are_read_without_their_wrapping() {
        for written in ["k-1", " k-1\n", "\"k-1\"", "'k-1'", "Bearer k-1", "\" bearer  k-1 \""] {
            assert_eq!(bare_key(written), "k-1", "{written}");
        }
        assert_eq!([bare_key("\"k-1"), bare_key("Bearer"), bare_key("''")], ["\"k-1", "Bearer", ""]);
    }

    #[test]
    fn placeholders_stay_readable() {
        for (key, message) in [
            ("ollama", "pull the model with `ollama pull m` first"),
            ("default", "the default local server"),
            ("none", "none of the keys, sk-xxx or \"your-api-key\", is right"),
            ("k", "look for a key"),
        ] {
            assert_eq!(Secrets::of([key]).blank(message), message);
        }
    }
}
