//! A reader for `.env` files: names and values, one a line. It sets nothing in the process; values feed the configuration only.

use std::{collections::BTreeMap, path::Path};

use super::problems::Problems;

/// Reads `NAME=value` lines; `export` in front, quotes around and comments behind are understood.
pub(super) fn parse(text: &str, path: &Path, problems: &mut Problems) -> BTreeMap<String, String> {
    let mut values = BTreeMap::new();
    for (index, line) in text.trim_start_matches('\u{feff}').lines().enumerate() {
        let line = line.trim();
        // Other ends of lines would hide the names behind them.
        if line.chars().any(|sign| sign.is_control() && sign != '\t') {
            problems.error(format!("{}: line {} has a control character", path.display(), index + 1));
            continue;
        }
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let line = line.strip_prefix("export ").unwrap_or(line);
        match line.split_once('=') {
            Some((name, value)) if is_name(name.trim()) => {
                values.insert(name.trim().to_owned(), unquoted(value.trim()));
            }
            // The line itself may hold a secret, so only its number is shown.
            _ => problems.error(format!("{}: line {} is not NAME=value", path.display(), index + 1)),
        }
    }
    values
}

fn is_name(name: &str) -> bool {
    !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

fn unquoted(value: &str) -> String {
    for quote in ['"', '\''] {
        if let Some(rest) = value.strip_prefix(quote)
            && let Some((inside, _)) = rest.split_once(quote)
        {
            return inside.to_owned();
        }
    }
    value.split_once(" #").map_or(value, |(before, _)| before).trim_end().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_comments_and_export_are_understood() {
        let mut problems = Problems::default();
        let text = "\u{feff}# note\nexport A=1\nB=\"two # not a comment\" # comment\nC='x' \nD=plain # tail\nbroken line sk-secret\n";
        let values = parse(text, Path::new(".env"), &mut problems);
        let expected = [("A", "1"), ("B", "two # not a comment"), ("C", "x"), ("D", "plain")];
        assert_eq!(
            values.into_iter().collect::<Vec<_>>(),
            expected.map(|(a, b)| (a.to_owned(), b.to_owned()))
        );
        assert_eq!(problems.errors(), [".env: line 6 is not NAME=value"]);
    }
}
