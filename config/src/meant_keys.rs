//! Signs that a key was meant to be needed where none was understood: names that are nearly those of a key, settings that are none, a
//! configuration that is not there.

use strsim::levenshtein;

use super::{
    env, keys,
    layers::Layers,
    place::{self, Places},
};

/// Words in the name of a variable that is about who may come in.
const WORDS: [&str; 6] = ["TOKEN", "KEY", "CLIENT", "AUTH", "SECRET", "PASSWORD"];
/// More wrong letters than this make another name.
const MOST_TYPOS: usize = 2;

/// What was found, in words.
pub(super) fn signs(layers: &Layers, places: &Places) -> Vec<String> {
    let mut signs = layers.misspelled("");
    signs.extend(layers.own_variables().into_iter().filter(|name| is_nearly_a_key(name)).map(|name| {
        format!("{name} is not a setting; the key is EXAI_TOKEN, those of further clients are named in [[clients]]")
    }));
    let named = layers.variable(env::EXAI_CONFIG_DIR).is_some_and(|folder| !folder.trim().is_empty());
    if named && !places.config.is_dir() {
        signs.push(place::missing(&places.config));
    }
    signs
}

/// Whether a variable that this program does not know could be meant as a key of its server.
fn is_nearly_a_key(name: &str) -> bool {
    let is_known = keys::all()
        .flat_map(|key| key.env)
        .any(|known| name == *known || name.strip_suffix("_FILE") == Some(known));
    let upper = name.to_ascii_uppercase();
    !is_known
        && (WORDS.iter().any(|word| upper.contains(word))
            || levenshtein(&upper, env::EXAI_TOKEN) <= MOST_TYPOS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_near_the_key_are_noticed() {
        for name in [
            "EXAI_TOKNE",
            "exai_token",
            "EXAI_API_KEY",
            "EXAI_TOKENS",
            "EXAI_CLIENT_TOKEN",
            "EXAI_TOKEN_PATH",
        ] {
            assert!(is_nearly_a_key(name), "{name}");
        }
        for name in [
            "EXAI_TOKEN",
            "EXAI_TOKEN_FILE",
            "EXAI_CLIENT_RATE",
            "EXAI_CLIENT_SESSIONS",
            "EXAI_LOG",
            "EXAI_TEST",
        ] {
            assert!(!is_nearly_a_key(name), "{name}");
        }
    }
}
