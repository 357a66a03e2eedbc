//! The severity that a model's word means.
//!
//! A word is read when its meaning is certain: it is in the table of [`WORDS`], in the team's own table, or a CVSS score or vector. Anything
//! else stays [`Severity::Unknown`] with its word, and nothing treats it as harmless.

mod cvss;
mod words;

use std::{collections::HashMap, sync::LazyLock};

use exai_core::Severity;
use serde_json::Value;

pub use words::WORDS;

/// The longest phrase that is searched for a severity, in characters. A longer text speaks of other things too.
const LONGEST: usize = 60;
/// Words that turn the meaning of the next one around.
const NEGATIONS: [&str; 12] =
    ["not", "no", "non", "never", "nicht", "kein", "keine", "pas", "ni", "não", "не", "isn't"];
/// Words beside a severity that leave its meaning as it is.
const FILLERS: &[&str] = &[
    "severity",
    "priority",
    "prio",
    "risk",
    "level",
    "impact",
    "issue",
    "issues",
    "finding",
    "findings",
    "problem",
    "problems",
    "bug",
    "bugs",
    "defect",
    "defects",
    "concern",
    "concerns",
    "item",
    "items",
    "suggestions",
    "notes",
    "nits",
    "warnings",
    "comment",
    "comments",
    "remarks",
    "to",
    "or",
    "and",
    "the",
    "cvss",
    "cvssv3",
    "score",
    "base",
    "rating",
    "maintainability",
    "readability",
    "documentation",
    "naming",
    "formatting",
    "cleanup",
    "schweregrad",
    "priorität",
    "risiko",
    "problem",
    "probleme",
    "gravité",
    "sévérité",
    "priorité",
    "risque",
    "problème",
    "problèmes",
    "bis",
    "et",
    "ou",
    "und",
    "oder",
    "gravedad",
    "severidad",
    "prioridad",
    "riesgo",
    "problemas",
    "gravidade",
    "y",
    "o",
    "e",
    "优先级",
    "级别",
    "风险",
    "问题",
    "\u{2192}",
];

/// The words by which severities are read: the built-in table, and what a team adds to it.
#[derive(Debug, Clone, Default)]
pub struct SeverityWords {
    own: HashMap<String, Severity>,
}

/// What a model says of the severity.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Said {
    /// What it means.
    pub severity: Severity,
    /// The model's own word, where it is another one than the severity's; `None` when there is none.
    pub word: Option<String>,
}

impl Said {
    /// Nothing was said.
    #[must_use]
    pub fn nothing() -> Self {
        Self { severity: Severity::Unknown, word: None }
    }
}

impl SeverityWords {
    /// The built-in table with a team's own words, which win.
    #[must_use]
    pub fn with_own(own: impl IntoIterator<Item = (String, Severity)>) -> Self {
        Self { own: own.into_iter().map(|(word, severity)| (folded(&word), severity)).collect() }
    }

    /// The severity of a value as models give it: a word, a phrase such as `High (CVSS 8.1)`, a CVSS score or vector.
    #[must_use]
    pub fn said(&self, value: &Value) -> Said {
        let phrase = match value {
            Value::String(phrase) => phrase.trim().to_owned(),
            Value::Null => return Said::nothing(),
            other => other.to_string(),
        };
        if phrase.is_empty() {
            return Said::nothing();
        }
        let severity = match value {
            // A whole number may stand on any scale, with 1 as its best or its worst.
            Value::Number(number) if !number.is_f64() => self.own.get(&phrase).copied(),
            _ => self.read(&phrase),
        };
        let severity = severity.unwrap_or(Severity::Unknown);
        let word = (!phrase.eq_ignore_ascii_case(severity.as_str())).then_some(phrase);
        Said { severity, word }
    }

    /// The severity of a word or of a short phrase; `None` when its meaning is not certain. Of several words the worst counts, and one below
    /// `high` is certain only when every other word is known: `trivial to exploit` and `low, blocks the release` are not mild.
    #[must_use]
    pub fn read(&self, phrase: &str) -> Option<Severity> {
        let phrase = phrase.trim();
        if let Some(severity) = self.word(phrase) {
            return Some(severity);
        }
        if phrase.chars().count() > LONGEST {
            return None;
        }
        let (vector, words) = cvss::split_vector(phrase);
        let parts = |text: &str| text.split('-').map(str::to_lowercase).collect::<Vec<_>>();
        if tokens(&words).flat_map(parts).any(|part| NEGATIONS.contains(&part.as_str())) {
            return None;
        }
        let is_cvss = words.to_ascii_lowercase().contains("cvss");
        let (mut worst, mut is_plain) = (vector, true);
        for token in tokens(&words) {
            match self.part(token, is_cvss) {
                Some(severity) => worst = worst.into_iter().chain([severity]).min(),
                None => is_plain &= is_filler(token),
            }
        }
        // `CVSS 3.1` may be a score or the version of the scale.
        let is_version = || {
            vector.is_none()
                && is_cvss
                && tokens(&words).all(|token| is_filler(token) || cvss::is_version(token))
        };
        worst.filter(|severity| *severity <= Severity::High || is_plain && !is_version())
    }

    /// The severity of a word, or of the worst of those that hyphens join: `medium-high`.
    fn part(&self, token: &str, is_cvss: bool) -> Option<Severity> {
        if let Some(severity) = self.word(token) {
            return Some(severity);
        }
        if is_cvss && let Some(severity) = cvss::score(token) {
            return Some(severity);
        }
        let parts = || token.split('-').filter(|part| !part.is_empty());
        let worst = parts().filter_map(|part| self.word(part)).min()?;
        let is_plain = || parts().all(|part| self.word(part).is_some() || is_filler(part));
        (worst <= Severity::High || is_plain()).then_some(worst)
    }

    /// The severity of one word.
    fn word(&self, word: &str) -> Option<Severity> {
        let word = folded(word);
        self.own
            .get(&word)
            .copied()
            .or_else(|| TABLE.get(word.as_str()).copied())
            .or_else(|| cvss::read(&word))
    }
}

static TABLE: LazyLock<HashMap<&'static str, Severity>> = LazyLock::new(|| {
    WORDS.iter().flat_map(|(severity, words)| words.iter().map(|word| (*word, *severity))).collect()
});

/// The severity of a bare number with a decimal, once its scale is known to be that of CVSS.
pub(crate) fn bare_score(word: &str) -> Option<Severity> {
    word.contains('.').then(|| cvss::score(word.trim())).flatten()
}

/// Whether a word says nothing about how much something matters.
pub(crate) fn is_filler(token: &str) -> bool {
    FILLERS.contains(&folded(token).as_str())
}

/// The words of a phrase: letters and digits with the hyphens and points inside them, or one pictogram.
fn tokens(phrase: &str) -> impl Iterator<Item = &str> {
    let is_word =
        |c: char| c.is_alphanumeric() || matches!(c, '-' | '.' | '\'') || !c.is_ascii() && !is_mark(c);
    phrase.split(move |c: char| !is_word(c)).filter(|token| !token.is_empty())
}

/// Punctuation outside of ASCII that separates words.
fn is_mark(c: char) -> bool {
    matches!(
        c,
        '–' | '—'
            | '：'
            | '，'
            | '、'
            | '。'
            | '（'
            | '）'
            | '【'
            | '】'
            | '「'
            | '」'
            | '｜'
            | '│'
            | '“'
            | '”'
    )
}

/// Lower case, without marks around it and without the selector that turns a sign into its picture.
fn folded(word: &str) -> String {
    let bare =
        word.trim().trim_matches(|c: char| c.is_ascii_punctuation() || is_mark(c) || c.is_whitespace());
    let kept = if bare.is_empty() { word.trim() } else { bare };
    kept.chars()
        .filter(|c| *c != '\u{fe0f}')
        .flat_map(char::to_lowercase)
        .collect::<String>()
        .replace([' ', '_'], "-")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(phrase: &str) -> Option<Severity> {
        SeverityWords::default().read(phrase)
    }

    #[test]
    fn words_are_read_in_any_dress() {
        let table = [
            ("**HIGH**", Severity::High),
            ("Warning:", Severity::Medium),
            ("[P0]", Severity::Critical),
            ("sev-2", Severity::High),
            ("SEV1", Severity::Critical),
            ("S3", Severity::Medium),
            ("Must fix", Severity::High),
            ("must-fix", Severity::High),
            ("🔴", Severity::Critical),
            ("⚠️ Medium", Severity::Medium),
            ("🟠 hoch", Severity::High),
            ("严重", Severity::Critical),
            ("高危", Severity::High),
            ("중간", Severity::Medium),
            ("Élevée", Severity::High),
            ("Средняя", Severity::Medium),
            ("medium-high", Severity::High),
            ("low to medium", Severity::Medium),
            ("High (was critical in v1)", Severity::Critical),
            ("CVSS 9.8", Severity::Critical),
            ("8.1", Severity::High),
            ("CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H", Severity::Critical),
            ("Priority: P2", Severity::Medium),
            ("low severity", Severity::Low),
            ("Low (CVSS 3.1)", Severity::Low),
            ("Low (CVSS 9.8)", Severity::Critical),
            ("CVSS 3.1: 9.8", Severity::Critical),
            ("minor, but blocking in production", Severity::Critical),
            ("nit (actually severe)", Severity::Critical),
            ("minor issue", Severity::Low),
        ];
        for (phrase, severity) in table {
            assert_eq!(read(phrase), Some(severity), "{phrase}");
        }
    }

    #[test]
    fn uncertain_words_stay_unknown() {
        for phrase in [
            "banana",
            "",
            "not critical",
            "7",
            "11.5",
            "N/A",
            "tbd",
            "nicht kritisch",
            "spicy",
            "none",
            "none so far",
            "unrated",
            "2.5",
            "0.9",
            "4.5/5",
            "3 of 5",
            "60%",
            "2nd",
            "1.",
            "CVSS 3.1",
            "above medium",
            "more than minor",
            "trivial to abuse",
            "information leak",
            "low (stops the roll-out)",
            "style - fix before shipping",
            "low-hanging",
            "轻微，但会泄露数据",
        ] {
            assert_eq!(read(phrase), None, "{phrase}");
        }
        let words = SeverityWords::default();
        let said = |value| words.said(&value);
        let unknown = |word: &str| Said { severity: Severity::Unknown, word: Some(word.to_owned()) };
        assert_eq!(said(json!("spicy")), unknown("spicy"));
        assert_eq!(said(json!(3)), unknown("3"));
        assert_eq!(said(json!(null)), Said::nothing());
        assert_eq!(said(json!("  ")), Said::nothing());
    }

    #[test]
    fn own_words_win() {
        let own = [("Spicy".to_owned(), Severity::High), ("major".to_owned(), Severity::Low)];
        let words = SeverityWords::with_own(own);
        assert_eq!(words.read("SPICY!"), Some(Severity::High));
        assert_eq!(words.read("major"), Some(Severity::Low));
        assert_eq!(words.read("minor"), Some(Severity::Low));
    }

    #[test]
    fn the_word_is_kept_beside() {
        let words = SeverityWords::default();
        let said = words.said(&json!("High (CVSS 8.1)"));
        assert_eq!((said.severity, said.word.as_deref()), (Severity::High, Some("High (CVSS 8.1)")));
        assert_eq!(words.said(&json!("HIGH")).word, None);
        assert_eq!(words.said(&json!(9.8)).severity, Severity::Critical);
    }

    #[test]
    fn no_word_has_two_meanings() {
        let mut seen = HashMap::new();
        for (severity, words) in WORDS {
            for word in *words {
                assert_eq!(folded(word), *word, "the table holds words as they are compared");
                assert_eq!(seen.insert(*word, severity), None, "{word}");
            }
        }
    }
}
