//! How numbers are put into words for people.

use std::fmt::Display;

/// A number with its noun: `1 file`, `2 files`. For nouns whose plural ends in `s`.
#[must_use]
pub fn counted(count: impl Display, noun: &str) -> String {
    let count = count.to_string();
    let ending = if count == "1" { "" } else { "s" };
    format!("{count} {noun}{ending}")
}

#[cfg(test)]
mod tests {
    use super::counted;

    #[test]
    fn only_one_is_singular() {
        assert_eq!((counted(0, "file"), counted(1_u64, "file")), ("0 files".to_owned(), "1 file".to_owned()));
        assert_eq!(
            (counted(21, "file"), counted(11, "file")),
            ("21 files".to_owned(), "11 files".to_owned())
        );
    }
}
