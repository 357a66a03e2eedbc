//! What a review finds, and how far it was checked.

use serde::{Deserialize, Serialize};

/// How much a finding matters, worst first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Loses data, breaks security or stops the program in ordinary use.
    Critical,
    /// A defect that users will meet.
    High,
    /// A defect in rarer conditions, or a trap for the next change.
    Medium,
    /// Worth fixing when the code is touched anyway.
    Low,
    /// A fact worth knowing; nothing is wrong.
    Info,
}

impl Severity {
    /// Every severity, worst first.
    pub const ALL: [Self; 5] = [Self::Critical, Self::High, Self::Medium, Self::Low, Self::Info];

    /// The wire word.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Critical => "critical",
            Self::High => "high",
            Self::Medium => "medium",
            Self::Low => "low",
            Self::Info => "info",
        }
    }

    /// Reads a severity as models and people write it; unknown words are `None`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let word = text.trim().trim_matches(|c: char| !c.is_alphanumeric()).to_ascii_lowercase();
        Some(match word.as_str() {
            "critical" | "blocker" | "severe" => Self::Critical,
            "high" | "major" | "error" => Self::High,
            "medium" | "moderate" | "warning" => Self::Medium,
            "low" | "minor" | "nit" => Self::Low,
            "info" | "note" | "informational" => Self::Info,
            _ => return None,
        })
    }
}

/// Whether a citation was checked against the text that was given to the model.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "VerifiedWire", try_from = "VerifiedWire")]
pub enum Verified {
    /// The file was given, the line lies inside it, and the quote stands within three lines of it.
    Yes,
    /// One of these does not hold.
    No,
    /// It held for the text that was given, but the file has changed on disk since.
    Stale,
}

#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum VerifiedWire {
    Flag(bool),
    Word(String),
}

impl From<Verified> for VerifiedWire {
    fn from(verified: Verified) -> Self {
        match verified {
            Verified::Yes => Self::Flag(true),
            Verified::No => Self::Flag(false),
            Verified::Stale => Self::Word("stale".to_owned()),
        }
    }
}

impl TryFrom<VerifiedWire> for Verified {
    type Error = String;

    fn try_from(wire: VerifiedWire) -> Result<Self, String> {
        match wire {
            VerifiedWire::Flag(true) => Ok(Self::Yes),
            VerifiedWire::Flag(false) => Ok(Self::No),
            VerifiedWire::Word(word) if word == "stale" => Ok(Self::Stale),
            VerifiedWire::Word(word) => Err(format!("`{word}` is neither true, false nor \"stale\"")),
        }
    }
}

/// One thing found in the evidence. `path` is as the caller named the file's root-relative path; lines count from 1.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// How much it matters.
    pub severity: Severity,
    /// The file.
    pub path: String,
    /// First line; 0 when the model named none and the quote does not tell.
    pub line: u32,
    /// Last line, when the finding spans several.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub end_line: Option<u32>,
    /// The cited text.
    pub quote: String,
    /// One line.
    pub title: String,
    /// Why it matters.
    #[serde(default)]
    pub detail: String,
    /// The smallest change that fixes it; empty when there is nothing to change.
    #[serde(default)]
    pub fix: String,
    /// How far it was checked.
    pub verified: Verified,
}

/// A `path:line` mentioned in running text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Citation {
    /// The file as the text names it.
    pub path: String,
    /// The line.
    pub line: u32,
    /// Whether the file was given and has that line.
    pub verified: Verified,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn verified_has_three_words() {
        let wire = [Verified::Yes, Verified::No, Verified::Stale].map(|v| serde_json::to_string(&v).unwrap());
        assert_eq!(wire, ["true", "false", "\"stale\""]);
        assert!(serde_json::from_str::<Verified>("\"maybe\"").is_err());
    }

    #[test]
    fn severities_are_read_as_models_write_them() {
        assert_eq!(Severity::parse("**HIGH**"), Some(Severity::High));
        assert_eq!(Severity::parse("Warning:"), Some(Severity::Medium));
        assert_eq!(Severity::parse("banana"), None);
        assert!(Severity::Critical < Severity::Info);
    }
}
