//! Collects findings within limits and counts what did not fit.

use exai_core::humanize::counted;
use std::collections::BTreeMap;

use exai_core::{Citation, Finding, Severity};

use super::Located;

/// Findings of one rule in one file that are listed.
pub(super) const PER_RULE_AND_FILE: usize = 5;
/// Findings of one rule that are listed in all, so that one habit of the authors does not crowd out everything else.
pub(super) const PER_RULE: usize = 30;
/// Findings that are listed in all.
pub(super) const TOTAL: usize = 200;

/// A finding before it has a path.
#[derive(Debug)]
pub(super) struct Hit {
    pub(super) rule: &'static str,
    pub(super) severity: Severity,
    pub(super) line: u32,
    pub(super) end_line: Option<u32>,
    pub(super) quote: String,
    pub(super) title: String,
    pub(super) detail: String,
    pub(super) fix: String,
}

/// What was found so far.
#[derive(Debug, Default)]
pub(super) struct Report {
    found: Vec<Located>,
    listed: BTreeMap<(&'static str, String), usize>,
    unlisted: BTreeMap<&'static str, (usize, usize)>,
}

impl Report {
    /// Takes a finding, or counts it when the rule has said enough about the file.
    pub(super) fn add(&mut self, path: &str, hit: Hit) {
        let listed = self.listed.entry((hit.rule, path.to_owned())).or_default();
        *listed += 1;
        if *listed > PER_RULE_AND_FILE {
            let (findings, files) = self.unlisted.entry(hit.rule).or_default();
            *findings += 1;
            *files += usize::from(*listed == PER_RULE_AND_FILE + 1);
            return;
        }
        self.found.push(Located {
            rule: hit.rule,
            finding: Finding {
                severity: hit.severity,
                path: path.to_owned(),
                line: hit.line,
                end_line: hit.end_line,
                quote: hit.quote,
                title: hit.title,
                detail: hit.detail,
                fix: hit.fix,
                citation: Citation::Exact,
                severity_word: None,
                cut: false,
                more: Default::default(),
            },
        });
    }

    /// The findings, worst first, and notes about those that are not listed.
    pub(super) fn finish(mut self) -> (Vec<Located>, Vec<String>) {
        self.found.sort_by(|a, b| {
            let key = |located: &Located| (located.finding.severity, located.finding.line, located.rule);
            let (a_key, b_key) = (key(a), key(b));
            a_key.0.cmp(&b_key.0).then_with(|| a.finding.path.cmp(&b.finding.path)).then(a_key.cmp(&b_key))
        });
        let mut shown: BTreeMap<&'static str, usize> = BTreeMap::new();
        let mut crowded: BTreeMap<(&'static str, String), usize> = BTreeMap::new();
        self.found.retain(|located| {
            let shown = shown.entry(located.rule).or_default();
            *shown += 1;
            if *shown > PER_RULE {
                *crowded.entry((located.rule, located.finding.path.clone())).or_default() += 1;
            }
            *shown <= PER_RULE
        });
        for ((rule, path), count) in crowded {
            let (findings, files) = self.unlisted.entry(rule).or_default();
            *findings += count;
            *files +=
                usize::from(self.listed.get(&(rule, path)).is_none_or(|listed| *listed <= PER_RULE_AND_FILE));
        }
        let mut notes: Vec<String> = Vec::new();
        for (rule, (findings, files)) in &self.unlisted {
            let files = counted(files, "file");
            notes.push(format!("At least {findings} more of `{rule}` in {files} are not listed."));
        }
        // The longest file and function are listed whatever else is cut.
        let always = |located: &Located| located.rule.starts_with("longest-");
        let room = TOTAL.saturating_sub(self.found.iter().filter(|located| always(located)).count());
        let mut kept = 0;
        let before = self.found.len();
        self.found.retain(|located| {
            kept += usize::from(!always(located));
            always(located) || kept <= room
        });
        let cut = before - self.found.len();
        if cut > 0 {
            notes.push(format!("{cut} more of the least severity are not listed: the list ends at {TOTAL}."));
        }
        (self.found, notes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hit(rule: &'static str, severity: Severity, line: u32) -> Hit {
        let (quote, title, detail, fix) = Default::default();
        Hit { rule, severity, line, end_line: None, quote, title, detail, fix }
    }

    #[test]
    fn findings_are_sorted_and_bounded() {
        let mut report = Report::default();
        for line in 1..=7 {
            report.add("b.rs", hit("x", Severity::Low, line));
        }
        report.add("z.rs", hit("y", Severity::High, 3));
        report.add("a.rs", hit("x", Severity::Low, 9));
        let (found, notes) = report.finish();
        let order: Vec<_> = found.iter().map(|f| (f.finding.path.as_str(), f.finding.line)).collect();
        assert_eq!(order[..3], [("z.rs", 3), ("a.rs", 9), ("b.rs", 1)]);
        assert_eq!(found.len(), 7);
        assert_eq!(notes, ["At least 2 more of `x` in 1 file are not listed."]);
    }

    #[test]
    fn one_rule_does_not_crowd_out_others() {
        let mut report = Report::default();
        for file in 0..PER_RULE + 4 {
            for line in 1..=7 {
                report.add(&format!("{file:02}.rs"), hit("x", Severity::Low, line));
            }
        }
        let (found, notes) = report.finish();
        assert_eq!(found.len(), PER_RULE);
        assert_eq!(notes, ["At least 208 more of `x` in 34 files are not listed."]);
    }

    #[test]
    fn the_list_ends_but_keeps_the_longest() {
        let mut report = Report::default();
        for rule in ["a", "b", "c", "d", "e", "f", "g", "h"] {
            for file in 0..PER_RULE - 5 {
                report.add(&format!("{file}.rs"), hit(rule, Severity::Low, 1));
            }
        }
        report.add("z.rs", hit("longest-file", Severity::Info, 1));
        let (found, notes) = report.finish();
        assert_eq!(found.len(), TOTAL);
        assert_eq!(notes, ["1 more of the least severity are not listed: the list ends at 200."]);
        assert_eq!(found.last().map(|f| f.rule), Some("longest-file"));
    }
}
