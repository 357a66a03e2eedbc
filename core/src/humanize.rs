//! How numbers are put into words for people.

use std::{fmt::Display, time::Duration};

/// A number with its noun: `1 file`, `2 files`. For nouns whose plural ends in `s`.
#[must_use]
pub fn counted(count: impl Display, noun: &str) -> String {
    let count = count.to_string();
    let ending = if count == "1" { "" } else { "s" };
    format!("{count} {noun}{ending}")
}

/// A time in its largest whole unit: `8 minutes`.
#[must_use]
pub fn span(time: Duration) -> String {
    let seconds = time.as_secs();
    match seconds {
        0..60 => counted(seconds, "second"),
        60..3_600 => counted(seconds / 60, "minute"),
        3_600..172_800 => counted(seconds / 3_600, "hour"),
        _ => counted(seconds / 86_400, "day"),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{counted, span};

    #[test]
    fn a_time_is_told_in_one_unit() {
        let told = [0, 1, 59, 60, 3_599, 3_600, 172_799, 172_800].map(|time| span(Duration::from_secs(time)));
        assert_eq!(
            told,
            ["0 seconds", "1 second", "59 seconds", "1 minute", "59 minutes", "1 hour", "47 hours", "2 days"]
        );
    }

    #[test]
    fn only_one_is_singular() {
        assert_eq!((counted(0, "file"), counted(1_u64, "file")), ("0 files".to_owned(), "1 file".to_owned()));
        assert_eq!(
            (counted(21, "file"), counted(11, "file")),
            ("21 files".to_owned(), "11 files".to_owned())
        );
    }
}
