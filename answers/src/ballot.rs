//! How an answer counts: a vote with its verdict, or none with the reason.

use std::sync::LazyLock;

use exai_core::thread::Opinion;
use regex::Regex;

use crate::{json_repair, refusal::is_refusal};

/// The longest verdict that is shown.
const MAX_VERDICT: usize = 400;
/// Openings of an answer that declines to answer.
const EVASIONS: [&str; 8] = [
    "cannot judge",
    "can't judge",
    "cannot assess",
    "can't assess",
    "unable to judge",
    "unable to assess",
    "i cannot answer",
    "no opinion",
];
/// Openings that put a judgement off. Unlike those above they can be followed by one.
const HEDGES: [&str; 10] = [
    "it depends",
    "that depends",
    "there is no clear answer",
    "there is no right answer",
    "there's no right answer",
    "hard to say",
    "i don't know",
    "i do not know",
    "it is up to you",
    "it's up to you",
];
/// Where a judgement can follow in the same verdict.
const TURNS: [char; 4] = [',', ';', ':', '.'];

static CONFIDENCE: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"(?i)confidence(?:\s+score)?\W{0,8}(\d{1,2}(?:\.\d)?)\s*/\s*10").ok());

/// How an answer counts.
#[derive(Debug, Clone, PartialEq)]
pub enum Ballot {
    /// It can be agreed or disagreed with.
    Vote {
        /// The verdict in the model's words.
        verdict: String,
        /// Whether the answer names its verdict; else the verdict is its first sentence.
        stated: bool,
        /// 0 to 10, when the answer says so.
        confidence: Option<f32>,
    },
    /// It says nothing about the question.
    NoVote(NoVote),
}

/// Why an answer is no vote.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NoVote {
    /// There is no answer: code and sentence of the error.
    Failed(String),
    /// There is no text.
    Empty,
    /// It stopped in the middle.
    CutOff,
    /// It declines to judge; what it says about that.
    Evasive(String),
    /// The model refuses; its words.
    Refused(String),
    /// It asks for files first.
    NeedsFiles(Vec<String>),
}

impl NoVote {
    /// The word on the wire.
    #[must_use]
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Failed(_) => "error",
            Self::Empty => "empty",
            Self::CutOff => "cut_off",
            Self::Evasive(_) => "evasive",
            Self::Refused(_) => "refused",
            Self::NeedsFiles(_) => "files_required_to_continue",
        }
    }

    /// The reason in words.
    #[must_use]
    pub fn reason(&self) -> String {
        match self {
            Self::Failed(error) => error.clone(),
            Self::Empty => "the model answered without text".to_owned(),
            Self::CutOff => "the answer stopped before its end".to_owned(),
            Self::Evasive(words) => format!("the model does not judge: {words}"),
            Self::Refused(words) => format!("the model refuses: {words}"),
            Self::NeedsFiles(files) => format!("the model asks for files first: {}", files.join(", ")),
        }
    }
}

impl Ballot {
    /// Reads an answer. `files_required` is the status with which a model asks for files in its place.
    #[must_use]
    pub fn of(opinion: &Opinion, files_required: &str) -> Self {
        if let Some(error) = &opinion.error {
            return Self::NoVote(NoVote::Failed(error.clone()));
        }
        let text = opinion.text.trim();
        if text.is_empty() {
            return Self::NoVote(NoVote::Empty);
        }
        if let Some(request) = json_repair::with_status(text, files_required) {
            let named = request.get("files_needed").and_then(serde_json::Value::as_array);
            let files = named.into_iter().flatten().filter_map(serde_json::Value::as_str).map(str::to_owned);
            return Self::NoVote(NoVote::NeedsFiles(files.collect()));
        }
        if is_refusal(text) {
            return Self::NoVote(NoVote::Refused(clipped(first_line(text))));
        }
        let stated = verdict_line(text);
        let verdict = clipped(stated.unwrap_or_else(|| first_line(text)));
        if is_evasive(&verdict, stated.is_some()) {
            return Self::NoVote(NoVote::Evasive(verdict));
        }
        // What follows the cut might have turned the verdict.
        if !opinion.complete {
            return Self::NoVote(NoVote::CutOff);
        }
        Self::Vote { verdict, stated: stated.is_some(), confidence: confidence(text) }
    }

    /// The verdict, when it is a vote.
    #[must_use]
    pub fn vote(&self) -> Option<&str> {
        match self {
            Self::Vote { verdict, .. } => Some(verdict),
            Self::NoVote(_) => None,
        }
    }
}

/// What follows `Verdict:`, with any Markdown around it.
fn verdict_line(text: &str) -> Option<&str> {
    let mut lines = text.lines().map(plain);
    while let Some(line) = lines.next() {
        let Some(rest) = strip_word(line, "verdict") else { continue };
        let rest = plain(rest);
        return if rest.is_empty() { lines.find(|line| !line.is_empty()) } else { Some(rest) };
    }
    None
}

fn strip_word<'t>(line: &'t str, word: &str) -> Option<&'t str> {
    let begin = line.get(..word.len())?;
    let rest = line.get(word.len()..)?;
    let rest = rest.trim_start_matches('*');
    // A heading may do without the colon.
    (begin.eq_ignore_ascii_case(word) && (rest.starts_with(':') || rest.is_empty()))
        .then(|| rest.trim_start_matches([':', '*', ' ']))
}

fn plain(line: &str) -> &str {
    line.trim().trim_start_matches(['#', '*', '_', '>', ' ']).trim_end_matches(['*', '_', ' '])
}

fn first_line(text: &str) -> &str {
    text.lines().map(plain).find(|line| !line.is_empty()).unwrap_or_default()
}

/// A verdict that is stated may put off and then judge ("it depends on the load; below 100 a second keep it"); what begins by
/// putting off and states none does not judge.
fn is_evasive(verdict: &str, stated: bool) -> bool {
    let lower = verdict.to_lowercase().replace('’', "'");
    if EVASIONS.iter().any(|words| lower.starts_with(words) || lower.contains(&format!("i {words}"))) {
        return true;
    }
    HEDGES.iter().filter_map(|words| lower.strip_prefix(words)).any(|rest| {
        let rest = rest.trim_end_matches(['.', ' ']);
        !stated || !(rest.contains(TURNS) || rest.contains(" but ") || rest.contains(" - "))
    })
}

fn confidence(text: &str) -> Option<f32> {
    let found = CONFIDENCE.as_ref()?.captures(text)?.get(1)?;
    found.as_str().parse().ok().filter(|confidence| (0.0..=10.0).contains(confidence))
}

fn clipped(text: &str) -> String {
    if text.chars().count() <= MAX_VERDICT {
        return text.to_owned();
    }
    format!("{}…", text.chars().take(MAX_VERDICT).collect::<String>())
}

#[cfg(test)]
mod tests {
    use exai_core::{
        chat::Usage,
        thread::{ModelRef, Round},
    };

    use super::*;

    fn said(text: &str, complete: bool) -> Ballot {
        let opinion = Opinion {
            work: None,
            round: Round::Opinion,
            index: 0,
            model: ModelRef { provider: "p".into(), model: "m".into() },
            text: text.to_owned(),
            error: None,
            complete,
            run: None,
            usage: Usage::default(),
            cost_usd: None,
            duration_ms: 0,
            attempts: 1,
            from_cache: false,
        };
        Ballot::of(&opinion, "files_required_to_continue")
    }

    #[test]
    fn a_verdict_is_found_in_any_markdown() {
        for text in [
            "Verdict: keep it.\n\nConfidence: 8/10 - sure",
            "**Verdict:** keep it.\n**Confidence**: 8 / 10",
            "## Verdict\n\nkeep it.\n\nconfidence score: 8/10",
            "> verdict: keep it.\nConfidence 8/10",
        ] {
            let expected =
                Ballot::Vote { verdict: "keep it.".to_owned(), stated: true, confidence: Some(8.0) };
            assert_eq!(said(text, true), expected, "{text}");
        }
    }

    /// An answer without a frame speaks with its first line.
    #[test]
    fn without_a_frame_the_first_line_speaks() {
        let expected = Ballot::Vote { verdict: "Keep it.".to_owned(), stated: false, confidence: None };
        assert_eq!(said("\n# Keep it.\nBecause.", true), expected);
        assert_eq!(said("Keep it, bec", false), Ballot::NoVote(NoVote::CutOff));
        assert_eq!(said("Verdict: keep it.\nBec", false), Ballot::NoVote(NoVote::CutOff));
    }

    #[test]
    fn what_says_nothing_is_no_vote() {
        assert_eq!(said("  \n", true), Ballot::NoVote(NoVote::Empty));
        for text in
            ["Verdict: cannot judge, the schema is missing.", "I cannot judge this.", "Unable to assess."]
        {
            assert!(matches!(said(text, true), Ballot::NoVote(NoVote::Evasive(_))), "{text}");
        }
        for text in [
            "It depends.",
            "**It depends** on the load. Some keep it.",
            "I don’t know.",
            "Verdict: it depends on the load.",
        ] {
            assert!(matches!(said(text, true), Ballot::NoVote(NoVote::Evasive(_))), "{text}");
        }
        for text in [
            "Verdict: it depends on the load; below 100 a second keep it.",
            "Depending on the load, keep it.",
        ] {
            assert!(said(text, true).vote().is_some(), "{text}");
        }
        let asks =
            r#"{"status":"files_required_to_continue","mandatory_instructions":"x","files_needed":["a.rs"]}"#;
        assert_eq!(said(asks, true), Ballot::NoVote(NoVote::NeedsFiles(vec!["a.rs".to_owned()])));
    }

    #[test]
    fn confidence_is_a_number_to_ten() {
        assert_eq!(confidence("Confidence: 11/10"), None);
        assert_eq!(confidence("Confidence: 7.5/10"), Some(7.5));
    }
}
