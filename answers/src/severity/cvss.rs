//! Severities from the Common Vulnerability Scoring System (first.org/cvss): its vectors and its scores.

use std::str::FromStr as _;

use cvss::{Cvss, Severity as Rating};
use exai_core::Severity;

/// The highest number that may as well be a share of one or stand on a scale to five.
const AMBIGUOUS: f64 = 5.0;

/// The severity of a vector such as `CVSS:3.1/AV:N/…`, or of a score with a decimal such as `8.1` or `CVSS 8.1`.
pub(super) fn read(phrase: &str) -> Option<Severity> {
    let phrase = phrase.trim().to_ascii_uppercase();
    if phrase.contains("CVSS:") {
        return vector(&phrase);
    }
    let named =
        phrase.strip_prefix("CVSS").map(|rest| rest.trim_start_matches(|c: char| !c.is_ascii_digit()));
    if let Some(number) = named {
        let number = number.split_whitespace().next()?;
        return score(number).filter(|_| !is_version(number));
    }
    let (number, is_of_ten) =
        phrase.strip_suffix("/10").map_or((phrase.as_str(), false), |number| (number, true));
    // A bare whole number may stand on any scale, and so may a small one.
    let is_certain = |score: &f64| is_of_ten || *score > AMBIGUOUS;
    number.contains('.').then(|| number.parse().ok()).flatten().filter(is_certain).and_then(scored)
}

/// The severity of a number that is said to be a score.
pub(super) fn score(number: &str) -> Option<Severity> {
    let number = number.strip_suffix("/10").unwrap_or(number);
    number.trim_start_matches(['v', 'V']).parse().ok().and_then(scored)
}

/// Whether a number is a version of the specification.
pub(super) fn is_version(number: &str) -> bool {
    matches!(number.trim_start_matches(['v', 'V']), "2" | "2.0" | "3" | "3.0" | "3.1" | "4" | "4.0")
}

/// The severity of the vector in a phrase, and the phrase without it.
pub(super) fn split_vector(phrase: &str) -> (Option<Severity>, String) {
    let Some(at) = phrase.to_ascii_uppercase().find("CVSS:") else { return (None, phrase.to_owned()) };
    let (before, rest) = phrase.split_at_checked(at).unwrap_or((phrase, ""));
    let (word, after) = rest.split_once(char::is_whitespace).unwrap_or((rest, ""));
    match vector(&word.to_ascii_uppercase()) {
        Some(severity) => (Some(severity), format!("{before} {after}")),
        None => (None, phrase.to_owned()),
    }
}

fn vector(phrase: &str) -> Option<Severity> {
    let vector = phrase.get(phrase.find("CVSS:")?..)?.split_whitespace().next()?;
    let vector = vector.trim_end_matches([')', ']', ',', ';', '.']);
    Cvss::from_str(vector).ok().filter(|_| is_complete(vector)).map(|vector| rated(vector.severity()))
}

/// Whether a vector has every base metric: the parser takes a missing one as harmless.
fn is_complete(vector: &str) -> bool {
    let base = if vector.starts_with("CVSS:4") { 11 } else { 8 };
    vector.split('/').skip(1).count() >= base
}

/// The ratings of the specification, section "Qualitative Severity Rating Scale".
fn scored(score: f64) -> Option<Severity> {
    match score {
        0.0 => Some(Severity::Info),
        s if (0.0..4.0).contains(&s) => Some(Severity::Low),
        s if (4.0..7.0).contains(&s) => Some(Severity::Medium),
        s if (7.0..9.0).contains(&s) => Some(Severity::High),
        s if (9.0..=10.0).contains(&s) => Some(Severity::Critical),
        _ => None,
    }
}

fn rated(rating: Rating) -> Severity {
    match rating {
        Rating::None => Severity::Info,
        Rating::Low => Severity::Low,
        Rating::Medium => Severity::Medium,
        Rating::High => Severity::High,
        Rating::Critical => Severity::Critical,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn vectors_and_scores_are_rated() {
        let table = [
            ("CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H", Some(Severity::Critical)),
            ("CVSS:3.0/AV:L/AC:H/PR:H/UI:R/S:U/C:L/I:N/A:N", Some(Severity::Low)),
            ("CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:N/VC:H/VI:H/VA:H/SC:N/SI:N/SA:N", Some(Severity::Critical)),
            ("cvss 7", Some(Severity::High)),
            ("CVSS score: 5.3", Some(Severity::Medium)),
            ("7.5/10", Some(Severity::High)),
            ("4.2/10", Some(Severity::Medium)),
            ("CVSS 0.0", Some(Severity::Info)),
            ("0.0", None),
            ("0.95", None),
            ("4.5", None),
            ("4.5/5", None),
            ("CVSS 3.1", None),
            ("CVSS v4.0", None),
            ("7", None),
            ("10.1", None),
            ("-1.0", None),
            ("CVSS:3.1/AV:N", None),
            ("1.2.3", None),
        ];
        for (phrase, severity) in table {
            assert_eq!(read(phrase), severity, "{phrase}");
        }
    }
}
