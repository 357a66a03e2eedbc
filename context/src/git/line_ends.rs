//! What a change does to the ends of lines, which a diff shows as equal lines that come and go.

use std::{
    collections::hash_map::DefaultHasher,
    hash::{Hash as _, Hasher as _},
};

/// What has become of a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mark {
    /// On both sides.
    Context,
    /// On the new side only.
    Added,
    /// On the old side only.
    Removed,
}

/// What ends a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LineEnd {
    /// A line feed.
    Feed,
    /// A carriage return and a line feed.
    ReturnFeed,
    /// The end of the file.
    Nothing,
}

/// How many lines have which end.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Counts {
    feed: u32,
    return_feed: u32,
    nothing: u32,
}

impl Counts {
    fn add(&mut self, end: LineEnd) {
        match end {
            LineEnd::Feed => self.feed += 1,
            LineEnd::ReturnFeed => self.return_feed += 1,
            LineEnd::Nothing => self.nothing += 1,
        }
    }

    fn all(self) -> u32 {
        self.feed + self.return_feed + self.nothing
    }
}

/// Lines of one side that changed together: how many, and sums that do not depend on the order, of their texts and of these with their
/// ends.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Run {
    count: u32,
    texts: u64,
    lines: u64,
}

/// The lines of one file's diff as they come, without keeping them.
#[derive(Debug, Default)]
pub(super) struct LineEnds {
    /// The last line, whose end is known when the next one comes.
    last: Option<(Mark, u64, LineEnd)>,
    removed: Run,
    added: Run,
    /// Lines of each side in all, and those on both.
    all_removed: Counts,
    all_added: Counts,
    context: Counts,
    /// Whether lines changed that differ in more than their ends.
    has_other_changes: bool,
}

impl LineEnds {
    /// The next line, without its end.
    pub(super) fn take(&mut self, mark: Mark, text: &[u8], end: LineEnd) {
        self.settle();
        let mut hasher = DefaultHasher::new();
        text.hash(&mut hasher);
        self.last = Some((mark, hasher.finish(), end));
    }

    /// The last line ends with the file.
    pub(super) fn no_newline(&mut self) {
        if let Some((_, _, end)) = &mut self.last {
            *end = LineEnd::Nothing;
        }
    }

    /// No further line belongs to those that changed together.
    pub(super) fn end_hunk(&mut self) {
        self.settle();
        let (removed, added) = (std::mem::take(&mut self.removed), std::mem::take(&mut self.added));
        let is_same_text = removed.texts == added.texts && removed.count == added.count;
        self.has_other_changes |= !is_same_text || removed.count > 0 && removed.lines == added.lines;
    }

    fn settle(&mut self) {
        let Some((mark, text, end)) = self.last.take() else { return };
        let (run, all) = match mark {
            Mark::Context => {
                self.context.add(end);
                return self.end_hunk();
            }
            Mark::Removed => (&mut self.removed, &mut self.all_removed),
            Mark::Added => (&mut self.added, &mut self.all_added),
        };
        run.count += 1;
        run.texts = run.texts.wrapping_add(text);
        let kind = match end {
            LineEnd::Feed => 1,
            LineEnd::ReturnFeed => 2,
            LineEnd::Nothing => 3,
        };
        run.lines = run.lines.wrapping_add(text.rotate_left(kind));
        all.add(end);
    }

    /// Whether lines end in both ways, so that it has to be shown how each one ends.
    pub(super) fn are_mixed(&self) -> bool {
        let all = [self.context, self.all_removed, self.all_added];
        all.iter().any(|counts| counts.feed > 0) && all.iter().any(|counts| counts.return_feed > 0)
    }

    /// What is to be said of a file that is there before and after the change.
    pub(super) fn remark(&self) -> Option<String> {
        let (removed, added) = (self.all_removed, self.all_added);
        if removed.all() + added.all() == 0 {
            return None;
        }
        let newline = match (removed.nothing, added.nothing) {
            (0, 0) | (1.., 1..) => None,
            // Lines that were appended, or taken away, bring the end of the file with them.
            (0, _) => Some("removed"),
            (_, 0) => Some("added"),
        };
        let (returns, feeds) = (added.return_feed > removed.return_feed, added.feed > removed.feed);
        if !self.has_other_changes {
            let only = match (newline, removed.return_feed == added.return_feed) {
                (Some(word), true) => {
                    return Some(format!("only the newline at the end of the file is {word}"));
                }
                _ if returns && !feeds => "only line ends change, from LF to CRLF",
                _ if feeds && !returns => "only line ends change, from CRLF to LF",
                _ => "only line ends change",
            };
            let with = newline.map(|word| format!("; the newline at the end of the file is {word}"));
            return Some(format!("{only}{}", with.unwrap_or_default()));
        }
        let before = |count: fn(Counts) -> u32| count(removed) + count(self.context) > 0;
        let (had_feeds, had_returns) = (before(|counts| counts.feed), before(|counts| counts.return_feed));
        let mut remarks = Vec::new();
        if added.return_feed > 0 && had_feeds && !had_returns {
            remarks.push("added lines end in CRLF, those before in LF".to_owned());
        }
        if added.feed > 0 && had_returns && !had_feeds {
            remarks.push("added lines end in LF, those before in CRLF".to_owned());
        }
        remarks.extend(newline.map(|word| format!("the newline at the end of the file is {word}")));
        (!remarks.is_empty()).then(|| remarks.join("; "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is said of lines `-a`, `+a~` with CRLF, ` b!` without a newline; a bar ends a hunk.
    fn remark(lines: &[&str]) -> Option<String> {
        let mut ends = LineEnds::default();
        for line in lines {
            let (mark, text) = line.split_at(1);
            let mark = match mark {
                "-" => Mark::Removed,
                "+" => Mark::Added,
                " " => Mark::Context,
                _ => {
                    ends.end_hunk();
                    continue;
                }
            };
            let end = if text.ends_with('~') { LineEnd::ReturnFeed } else { LineEnd::Feed };
            ends.take(mark, text.trim_end_matches(['~', '!']).as_bytes(), end);
            if text.ends_with('!') {
                ends.no_newline();
            }
        }
        ends.end_hunk();
        ends.remark()
    }

    #[test]
    fn changes_of_ends_are_told() {
        for (lines, said) in [
            (vec!["-a", "-b", "+a~", "+b~"], Some("only line ends change, from LF to CRLF")),
            (vec!["-a~", "+a", " b", "-c~", "+c"], Some("only line ends change, from CRLF to LF")),
            (vec!["-a~", "-b", "+a", "+b~"], Some("only line ends change")),
            (vec![" a", "-b", "+b!"], Some("only the newline at the end of the file is removed")),
            (vec![" a", "-b!", "+b"], Some("only the newline at the end of the file is added")),
            (
                vec!["-a", "-b!", "+a~", "+b~"],
                Some("only line ends change, from LF to CRLF; the newline at the end of the file is added"),
            ),
            (vec!["-a", "-b", "+a~", "+c~"], Some("added lines end in CRLF, those before in LF")),
            (vec![" a~", "+b"], Some("added lines end in LF, those before in CRLF")),
            (vec!["-a", "+b", "|", "-c!", "+c"], Some("the newline at the end of the file is added")),
            (vec!["-a", "+b", " c!"], None),
            (vec!["-a!", "+b!"], None),
            (vec!["-a~", "+b~"], None),
            (vec!["-a", "-b", "+b", "+a"], None),
            (vec!["-a", "|", "+a~"], Some("added lines end in CRLF, those before in LF")),
            (vec![" a"], None),
        ] {
            assert_eq!(remark(&lines).as_deref(), said, "{lines:?}");
        }
    }
}
