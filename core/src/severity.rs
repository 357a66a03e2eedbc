//! How much a finding matters.

use serde::{Deserialize, Serialize};

/// How much a finding matters, worst first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Loses data, breaks security or stops the program in ordinary use.
    Critical,
    /// A defect that users will meet.
    High,
    /// Nobody knows: the model gave no word, or one that is in no table. It may be as bad as `High`, so that nothing which lets milder
    /// findings pass may let it pass.
    Unknown,
    /// A defect in rarer conditions, or a trap for the next change.
    Medium,
    /// Worth fixing when the code is touched anyway.
    Low,
    /// A fact worth knowing; nothing is wrong.
    Info,
}

impl Severity {
    /// Every severity, worst first.
    pub const ALL: [Self; 6] =
        [Self::Critical, Self::High, Self::Unknown, Self::Medium, Self::Low, Self::Info];

    /// The wire word.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Critical => "critical",
            Self::High => "high",
            Self::Unknown => "unknown",
            Self::Medium => "medium",
            Self::Low => "low",
            Self::Info => "info",
        }
    }

    /// Reads the wire word. The words of models and people are more: their table belongs to the reading of answers.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|severity| severity.as_str().eq_ignore_ascii_case(word.trim()))
    }

    /// Whether a filter or a gate that asks for `least` and worse takes this. `Unknown` may be anything, so it always does.
    #[must_use]
    pub fn reaches(self, least: Self) -> bool {
        self == Self::Unknown || self <= least
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_unknown_passes_every_filter() {
        assert!(Severity::High < Severity::Unknown && Severity::Unknown < Severity::Medium);
        for least in Severity::ALL {
            assert!(Severity::Unknown.reaches(least), "{least:?}");
            assert!(Severity::Critical.reaches(least), "{least:?}");
        }
        assert!(!Severity::Medium.reaches(Severity::High) && Severity::Medium.reaches(Severity::Low));
    }

    #[test]
    fn wire_words_are_read_back() {
        for severity in Severity::ALL {
            assert_eq!(Severity::parse(severity.as_str()), Some(severity));
        }
        assert_eq!((Severity::parse(" HIGH "), Severity::parse("major")), (Some(Severity::High), None));
    }
}
