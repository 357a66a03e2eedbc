//! What a review finds, and how far it was checked.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::Severity;

/// What was found where a model cites something. It speaks of the quoted text, not of whether what the model says about it is true.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Citation {
    /// The quote stands at the cited line, or within the cited lines.
    Exact,
    /// The quote stands at another line, which replaces the cited one.
    Moved,
    /// The quote is in the file more than once, and not near the cited line.
    Ambiguous,
    /// The quote is a line that the change removes.
    Removed,
    /// The cited line was given to the model; there is no quote, or one too short to tell anything.
    LineExists,
    /// The file was given to the model, and what is cited of it is not in what was given.
    Absent,
    /// No file of this name was given to the model, or none is named.
    NotGiven,
    /// It was found, but the file has changed on disk since.
    Stale,
}

impl Citation {
    /// Whether the quoted text stood where the finding now says.
    #[must_use]
    pub fn is_found(self) -> bool {
        matches!(self, Self::Exact | Self::Moved | Self::Removed)
    }

    /// The wire word.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Exact => "exact",
            Self::Moved => "moved",
            Self::Ambiguous => "ambiguous",
            Self::Removed => "removed",
            Self::LineExists => "line_exists",
            Self::Absent => "absent",
            Self::NotGiven => "not_given",
            Self::Stale => "stale",
        }
    }
}

/// One thing found in the evidence. `path` is as the caller named the file's root-relative path; lines count from 1.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// How much it matters.
    pub severity: Severity,
    /// The model's own word, where it is another one than `severity`; absent when the model gave none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub severity_word: Option<String>,
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
    /// What was found where it cites something.
    pub citation: Citation,
    /// The answer broke off in this finding: the last of its texts may lack its end.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub cut: bool,
    /// What else the model said of it, under the model's own names.
    #[serde(flatten)]
    pub more: Map<String, Value>,
}

/// A `path:line` mentioned in running text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mention {
    /// The file as the text names it.
    pub path: String,
    /// The line.
    pub line: u32,
    /// What was found there.
    pub citation: Citation,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn citations_are_written_as_their_words() {
        let all = [
            Citation::Exact,
            Citation::Moved,
            Citation::Ambiguous,
            Citation::Removed,
            Citation::LineExists,
            Citation::Absent,
            Citation::NotGiven,
            Citation::Stale,
        ];
        for citation in all {
            assert_eq!(serde_json::to_value(citation).unwrap(), citation.as_str());
        }
        assert_eq!(all.iter().filter(|citation| citation.is_found()).count(), 3);
    }

    #[test]
    fn other_fields_stand_beside_its_own() {
        let json = serde_json::json!({
            "severity": "high", "path": "a.rs", "line": 1, "quote": "q", "title": "t", "detail": "", "fix": "",
            "citation": "exact", "category": "A03 Injection", "cwe": 89,
        });
        let finding: Finding = serde_json::from_value(json.clone()).unwrap();
        assert_eq!(finding.more.keys().collect::<Vec<_>>(), ["category", "cwe"]);
        assert_eq!(serde_json::to_value(&finding).unwrap(), json);
    }
}
