//! Who is being asked: the name on every failure, and the key that no message may contain.

use exai_core::{
    BoxError, Kind, ProviderId,
    provider::ProviderError,
    secret::{ExposeSecret, SecretString, is_placeholder},
};

use crate::vendor::Vendor;

/// Longest message for a caller, in characters.
const MAX_MESSAGE: usize = 500;

/// One configured endpoint, as far as failures are concerned.
pub(crate) struct Origin {
    pub(crate) provider: ProviderId,
    pub(crate) vendor: &'static Vendor,
    pub(crate) key: Option<SecretString>,
    pub(crate) key_origin: String,
}

impl Origin {
    /// A failure that the caller sees as `message`: cut to its length, without the key.
    pub(crate) fn error(&self, kind: Kind, message: &str) -> ProviderError {
        ProviderError::new(self.provider.clone(), kind, shorten(&self.scrub(message)))
    }

    /// The same with its cause, for logs.
    pub(crate) fn caused(&self, kind: Kind, message: &str, source: impl Into<BoxError>) -> ProviderError {
        ProviderError { source: Some(source.into()), ..self.error(kind, message) }
    }

    /// Vendors echo keys, whole or shortened like `sk-ab***yz`.
    fn scrub(&self, text: &str) -> String {
        let text = match &self.key {
            Some(key) if !is_placeholder(key.expose_secret()) => text.replace(key.expose_secret(), "[key]"),
            _ => text.to_owned(),
        };
        if !text.contains("sk-") && !text.contains("Bearer ") {
            return text;
        }
        let mut after_bearer = false;
        text.split(' ')
            .map(|word| {
                let bare = word.trim_matches(|letter: char| !letter.is_alphanumeric() && letter != '*');
                let hide = after_bearer || (bare.starts_with("sk-") && !is_placeholder(bare));
                after_bearer = word == "Bearer";
                if hide { "[key]" } else { word }
            })
            .collect::<Vec<_>>()
            .join(" ")
    }
}

fn shorten(text: &str) -> String {
    match text.char_indices().nth(MAX_MESSAGE) {
        None => text.to_owned(),
        Some(_) => {
            let mut short: String = text.chars().take(MAX_MESSAGE - 1).collect();
            short.push('…');
            short
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vendor::VendorKind;

    #[test]
    fn messages_never_contain_a_key() {
        let origin = Origin {
            provider: ProviderId::from("openai"),
            vendor: VendorKind::OpenAi.facts(),
            key: Some(SecretString::from("topsecret-1")),
            key_origin: "OPENAI_API_KEY".to_owned(),
        };
        let error = origin.error(Kind::Auth, "Incorrect key topsecret-1, or 'sk-pr***12', or Bearer abc def");
        assert_eq!(error.message, "Incorrect key [key], or [key] or Bearer [key] def");
        assert_eq!(origin.error(Kind::Auth, &"é".repeat(900)).message.chars().count(), 500);
    }

    #[test]
    fn placeholders_stay_readable() {
        for (key, message) in [
            ("ollama", "pull the model with `ollama pull m` first"),
            ("none", "none of the keys, sk-xxx or \"your-api-key\", is right"),
            ("sk-xxx", "Incorrect API key provided: sk-xxx."),
            ("k", "look for a key"),
        ] {
            let origin = Origin {
                provider: ProviderId::from("local"),
                vendor: VendorKind::Ollama.facts(),
                key: Some(SecretString::from(key)),
                key_origin: "KEY".to_owned(),
            };
            assert_eq!(origin.error(Kind::Auth, message).message, message);
        }
    }
}
