//! Severities from the Common Vulnerability Scoring System (first.org/cvss): its vectors and its scores.

use std::str::FromStr as _;

use cvss::{Cvss, Severity as Rating};
use exai_core::Severity;

/// The severity of a vector such as `CVSS:3.1/AV:N/…`, or of a score with a decimal such as `8.1` or `CVSS 8.1`.
pub(super) fn read(phrase: &str) -> Option<Severity> {
    let phrase = phrase.trim().to_ascii_uppercase();
    if let Some(at) = phrase.find("CVSS:") {
        let vector = phrase.get(at..)?.split_whitespace().next()?.trim_end_matches([')', ']', ',', ';', '.']);
        return Cvss::from_str(vector)
            .ok()
            .filter(|_| is_complete(vector))
            .map(|vector| rated(vector.severity()));
    }
    let score =
        phrase.strip_prefix("CVSS").map(|rest| rest.trim_start_matches(|c: char| !c.is_ascii_digit()));
    let named = score.is_some();
    let score = score.unwrap_or(&phrase).trim_end_matches("/10");
    // A bare whole number may stand on any scale.
    let is_score = named || score.contains('.');
    let score: f64 = score.split_whitespace().next()?.parse().ok().filter(|_| is_score)?;
    scored(score)
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
            ("0.0", Some(Severity::Info)),
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
