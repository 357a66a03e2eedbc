//! Who is being asked: the name on every failure, and the key that no message may contain.

use exai_core::{
    BoxError, Kind, ProviderId,
    chat::{Delta, Finish, FinishWord},
    function_calling::ToolCall,
    provider::ProviderError,
    secret::SecretString,
};

use crate::{secrets::Secrets, vendor::Vendor};

/// Longest message for a caller, in characters.
const MAX_MESSAGE: usize = 500;

/// One configured endpoint, as far as failures are concerned.
pub(crate) struct Origin {
    pub(crate) provider: ProviderId,
    pub(crate) vendor: &'static Vendor,
    pub(crate) key: Option<SecretString>,
    pub(crate) key_origin: String,
    /// What no message may contain: the endpoint's keys.
    pub(crate) secrets: Secrets,
}

impl Origin {
    /// A failure that the caller sees as `message`: without the key, cut to its length.
    pub(crate) fn error(&self, kind: Kind, message: &str) -> ProviderError {
        ProviderError::new(self.provider.clone(), kind, shorten(&self.secrets.blank(message)))
    }

    /// The same with its cause, for logs.
    pub(crate) fn caused(&self, kind: Kind, message: &str, source: impl Into<BoxError>) -> ProviderError {
        ProviderError { source: Some(source.into()), ..self.error(kind, message) }
    }

    /// A part of an answer without keys in the vendor's own words. What the model says is left as it is.
    pub(crate) fn clean(&self, delta: Delta) -> Delta {
        let word = |word: &FinishWord| FinishWord::from(self.secrets.blank(word.as_str()).as_str());
        match delta {
            Delta::Model(model) => Delta::Model(self.secrets.blank_own(&model)),
            Delta::Finished(Finish::Unknown(said)) => Delta::Finished(Finish::Unknown(word(&said))),
            Delta::Finished(Finish::Failed(said)) => Delta::Finished(Finish::Failed(word(&said))),
            Delta::ToolCall(call) => {
                Delta::ToolCall(ToolCall { name: self.secrets.blank_own(&call.name), ..call })
            }
            other => other,
        }
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

    fn origin(key: &str) -> Origin {
        Origin {
            provider: ProviderId::from("openai"),
            vendor: VendorKind::OpenAi.facts(),
            key: Some(SecretString::from(key)),
            key_origin: "OPENAI_API_KEY".to_owned(),
            secrets: Secrets::of([key]),
        }
    }

    #[test]
    fn messages_never_contain_a_key() {
        let origin = origin("topsecret-1");
        let error = origin.error(Kind::Auth, "Incorrect key topsecret-1");
        assert_eq!(error.message, "Incorrect key [key]");
        let long = format!("{}topsecret-1 and more", "x".repeat(MAX_MESSAGE - 5));
        assert!(!origin.error(Kind::Auth, &long).message.contains("tops"), "cut after it was blanked");
        assert_eq!(origin.error(Kind::Auth, &"é".repeat(900)).message.chars().count(), 500);
    }

    #[test]
    fn a_vendors_words_contain_no_key() {
        let origin = origin("topsecret-1");
        let finished = Delta::Finished(Finish::Unknown("end-topsecret-1".into()));
        assert_eq!(origin.clean(finished), Delta::Finished(Finish::Unknown("end-[key]".into())));
        assert_eq!(origin.clean(Delta::Model("topsecret-1".into())), Delta::Model("[key]".into()));
        let model = Delta::Model("hf_org2-instruct".into());
        assert_eq!(origin.clean(model.clone()), model, "a name is no key because it begins like one");
        let text = Delta::Text("the model may say topsecret-1".into());
        assert_eq!(origin.clean(text.clone()), text);
    }
}
