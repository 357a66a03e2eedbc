//! Files that were not given because a private key stands in them: the rules cannot see what is the worst of their findings.

use exai_context::evidence::{FileReport, FileStatus};
use exai_core::{Citation, Finding, Severity};

use super::language::is_test_path;

/// A finding for every file that was refused for a private key. Where it stands is not said, because the text is not given to anyone.
#[must_use]
pub fn keys_in(report: &[FileReport]) -> Vec<Finding> {
    let refused =
        report.iter().filter(|file| file.status == FileStatus::Refused && file.tells_of_private_key());
    refused.map(|file| finding(&file.path)).collect()
}

fn finding(path: &str) -> Finding {
    Finding {
        severity: if is_test_path(path) { Severity::Low } else { Severity::Critical },
        path: path.to_owned(),
        line: 0,
        end_line: None,
        quote: String::new(),
        title: "Private key in the file".to_owned(),
        detail: "A private key, or a dummy one that looks the same, stands in the file, so its text was not read.".to_owned(),
        fix: "Take the key out of the file and of the history, and replace it: whoever has the repository has the key.".to_owned(),
        citation: Citation::NotGiven,
        severity_word: None,
        cut: false,
        more: Default::default(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refused_key_is_a_finding() {
        let refused = |path: &str, reason: &str| {
            FileReport::new(path.to_owned(), FileStatus::Refused, Some(reason.to_owned()), 0)
        };
        let key = format!("refused: {}", exai_context::evidence::PRIVATE_KEY);
        let report = [
            refused("src/a.py", &key),
            refused("tests/fixtures/a.py", &key),
            refused(".env", "refused: an environment file"),
            FileReport::new("b.py".to_owned(), FileStatus::Included, None, 1),
        ];
        let found = keys_in(&report);
        let brief: Vec<_> = found.iter().map(|finding| (finding.path.as_str(), finding.severity)).collect();
        assert_eq!(brief, [("src/a.py", Severity::Critical), ("tests/fixtures/a.py", Severity::Low)]);
    }
}
