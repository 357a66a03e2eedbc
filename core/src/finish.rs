//! Why an answer ended, in no vendor's dialect; what is not understood keeps its word.

use std::{fmt, sync::Arc};

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Why an answer ended.
///
/// A stream that ended without a reason is [`Finish::cut`], not the absence of a `Finish`: an `Option` could be taken for an end without
/// trouble, and the contract of the port stays that a stream ends with a `Finish` or an error.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Finish {
    /// The model was done.
    Stop,
    /// The cap on the answer, or the end of the window, was reached.
    Length,
    /// The model waits for what its calls give.
    ToolCalls,
    /// The vendor's filter stopped it.
    Filter,
    /// The model refused.
    Refused,
    /// The vendor paused the model, which would go on when it is asked again.
    Paused,
    /// The vendor failed on the way, so that what had arrived is no answer.
    Failed(FinishWord),
    /// A reason that this program does not know.
    Unknown(FinishWord),
}

/// A vendor's own word, at most [`FinishWord::MAX_CHARS`] characters of it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct FinishWord(Arc<str>);

impl FinishWord {
    /// The longest word that is kept, in characters; the words of all known vendors are shorter.
    pub const MAX_CHARS: usize = 64;

    /// The word.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<&str> for FinishWord {
    fn from(word: &str) -> Self {
        let end = word.char_indices().nth(Self::MAX_CHARS).map_or(word.len(), |(at, _)| at);
        Self(word.get(..end).unwrap_or_default().into())
    }
}

/// The word of a stream that ended without a reason; rows of earlier versions have it too.
const CUT: &str = "cut";
const FAILED: &str = "failed:";
const UNKNOWN: &str = "unknown:";

// === impl Finish ===

impl Finish {
    /// The stream broke off before the vendor gave a reason.
    #[must_use]
    pub fn cut() -> Self {
        Self::Failed(CUT.into())
    }

    /// Whether the answer is as it was wanted, so that nothing has to be said about its end. Calls of functions are wanted only where
    /// functions were lent to the model.
    #[must_use]
    pub fn is_success(&self, functions_lent: bool) -> bool {
        match self {
            Self::Stop => true,
            Self::ToolCalls => functions_lent,
            Self::Length
            | Self::Filter
            | Self::Refused
            | Self::Paused
            | Self::Failed(_)
            | Self::Unknown(_) => false,
        }
    }

    /// Whether the text may be all that the model wanted to say, which nobody knows of an unknown reason.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        matches!(self, Self::Stop | Self::ToolCalls | Self::Unknown(_))
    }

    /// The vendor's own word, where it had to be kept.
    #[must_use]
    pub fn word(&self) -> Option<&str> {
        match self {
            Self::Failed(word) | Self::Unknown(word) => Some(word.as_str()),
            Self::Stop | Self::Length | Self::ToolCalls | Self::Filter | Self::Refused | Self::Paused => None,
        }
    }

    /// Reads what [`Display`](fmt::Display) writes, and the words of earlier versions: their `cut` is [`Finish::cut`], and their
    /// `other`, which stood for any reason that was not known, is `Unknown("other")`.
    #[must_use]
    pub fn parse(text: &str) -> Self {
        match text {
            "stop" => Self::Stop,
            "length" => Self::Length,
            "tool_calls" => Self::ToolCalls,
            "content_filter" => Self::Filter,
            "refused" => Self::Refused,
            "paused" => Self::Paused,
            CUT => Self::cut(),
            _ => text.strip_prefix(FAILED).map_or_else(
                || Self::Unknown(text.strip_prefix(UNKNOWN).unwrap_or(text).into()),
                |word| Self::Failed(word.into()),
            ),
        }
    }
}

/// The form in storage and on the wire.
impl fmt::Display for Finish {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Stop => "stop",
            Self::Length => "length",
            Self::ToolCalls => "tool_calls",
            // Earlier versions wrote it so.
            Self::Filter => "content_filter",
            Self::Refused => "refused",
            Self::Paused => "paused",
            Self::Failed(word) => return write!(f, "{FAILED}{}", word.as_str()),
            Self::Unknown(word) => return write!(f, "{UNKNOWN}{}", word.as_str()),
        })
    }
}

impl Serialize for Finish {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Finish {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(|text| Self::parse(&text))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::run::RunOutcome;

    fn stored(finish: &Finish) -> Finish {
        serde_json::from_str(&serde_json::to_string(finish).unwrap()).unwrap()
    }

    #[test]
    fn rows_of_earlier_versions_are_read() {
        for (word, finish) in [
            ("stop", Finish::Stop),
            ("length", Finish::Length),
            ("tool_calls", Finish::ToolCalls),
            ("content_filter", Finish::Filter),
            ("cut", Finish::cut()),
            ("other", Finish::Unknown("other".into())),
        ] {
            let row = format!(
                r#"{{"text":"x","error":null,"usage":{{"input_tokens":1,"output_tokens":1}},"cost_usd":null,"attempts":1,
                "duration_ms":1,"finish":"{word}"}}"#
            );
            let outcome: RunOutcome = serde_json::from_str(&row).unwrap();
            assert_eq!(outcome.finish, Some(finish), "{word}");
        }
    }

    #[test]
    fn only_wanted_ends_need_no_note() {
        let unwanted = [Finish::Length, Finish::Filter, Finish::Refused, Finish::Paused, Finish::cut()];
        for finish in unwanted.into_iter().chain([Finish::Unknown("stop".into())]) {
            assert!(!finish.is_success(true), "{finish}");
        }
        assert!(Finish::Stop.is_success(false));
        assert!(Finish::ToolCalls.is_success(true) && !Finish::ToolCalls.is_success(false));
    }

    #[test]
    fn ends_without_a_word_are_stored() {
        for finish in
            [Finish::Stop, Finish::Length, Finish::ToolCalls, Finish::Filter, Finish::Refused, Finish::Paused]
        {
            assert_eq!(stored(&finish), finish);
            assert_eq!(finish.word(), None);
        }
    }

    proptest! {
        #[test]
        fn any_word_comes_back(word in "\\PC{0,80}") {
            let kept: String = word.chars().take(FinishWord::MAX_CHARS).collect();
            for finish in [Finish::Failed(word.as_str().into()), Finish::Unknown(word.as_str().into())] {
                prop_assert_eq!(finish.word(), Some(kept.as_str()));
                prop_assert_eq!(&stored(&finish), &finish);
            }
        }

        #[test]
        fn any_text_is_read_and_kept(text in any::<String>()) {
            let finish = Finish::parse(&text);
            prop_assert_eq!(&stored(&finish), &finish);
            let kept: String = text.chars().take(FinishWord::MAX_CHARS).collect();
            let is_kept = finish.word() == Some(kept.as_str()) || text.contains(':') || text == finish.to_string() || text == CUT;
            prop_assert!(is_kept, "{text} became {finish}");
        }
    }
}
