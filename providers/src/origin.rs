//! Who is being asked: the name on every failure, and the key that no message may contain.

use exai_core::{
    BoxError, Kind, ProviderId,
    provider::ProviderError,
    secret::{ExposeSecret, SecretString},
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
            Some(key) if !key.expose_secret().is_empty() => text.replace(key.expose_secret(), "[key]"),
            _ => text.to_owned(),
        };
        if !text.contains("sk-") && !text.contains("Bearer ") {
            return text;
        }
        let mut after_bearer = false;
        text.split(' ')
            .map(|word| {
                let hide =
                    after_bearer || word.trim_start_matches(['"', '\'', '`', '(', ':']).starts_with("sk-");
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
}
