//! A unified diff, read into hunks with the line numbers of the new side.

use std::borrow::Cow;

pub use super::line_ends::Mark;
use super::line_ends::{LineEnd, LineEnds};
use crate::files::{Encoding, holds_private_key, is_key_border};

/// The most bytes of one line that are kept; longer ones are generated.
pub(super) const MAX_LINE: usize = 20_000;

/// A line of a hunk, without its mark and its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// What has become of it.
    pub mark: Mark,
    /// Its text; a carriage return that is part of its end is not.
    pub text: String,
    /// What ends it.
    pub end: LineEnd,
    /// Bytes at its end that were not kept, because it is too long.
    pub omitted: u32,
}

/// Lines that changed together, with a few around them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hunk {
    /// The number of the first line on the new side, from 1. Of a hunk that only removes, the line after which it stood.
    pub first_line: u32,
    /// The line that git found to name the place, such as the head of a function.
    pub heading: String,
    /// The lines.
    pub lines: Vec<Line>,
}

/// The changes of one file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Patch {
    /// The path before; `None` for a new file.
    pub old: Option<String>,
    /// The path after; `None` for a removed file.
    pub new: Option<String>,
    /// Whether the file is binary, so that the diff has no lines.
    pub binary: bool,
    /// Lines added, also those that were not kept.
    pub added: u32,
    /// Lines removed, also those that were not kept.
    pub removed: u32,
    /// Lines that were not kept for lack of room.
    pub dropped: u64,
    /// Lines that are too long to be kept whole.
    pub long_lines: u32,
    /// Whether bytes that stand for no character were replaced.
    pub replaced: bool,
    /// Whether some lines end in LF and others in CRLF.
    pub mixed_ends: bool,
    /// What the change does to the ends of lines.
    pub remark: Option<String>,
    /// Whether a private key stands in it, kept or not, or the first or last line of one.
    pub private_key: bool,
    /// In order.
    pub hunks: Vec<Hunk>,
}

impl Patch {
    /// The path that the change is named by.
    #[must_use]
    pub fn path(&self) -> &str {
        self.new.as_deref().or(self.old.as_deref()).unwrap_or_default()
    }
}

impl Hunk {
    /// The lines with their numbers on the new side; removed ones have none.
    pub fn numbered(&self) -> impl Iterator<Item = (Option<u32>, &Line)> {
        let mut next = self.first_line;
        self.lines.iter().map(move |line| {
            if line.mark == Mark::Removed {
                return (None, line);
            }
            let number = next;
            next = next.saturating_add(1);
            (Some(number), line)
        })
    }
}

/// Reads a unified diff of any number of files, with or without git's own header lines. Whatever is not understood is passed
/// over, and a diff that was cut off ends where it was cut.
#[must_use]
pub fn parse(diff: &[u8]) -> Vec<Patch> {
    let mut room = u64::MAX;
    parse_within(diff, &mut room, Encoding::Utf8)
}

/// The same, keeping lines only as long as there is room: so many bytes, of which [`cost_of_line`] are taken for each. A line
/// that is not valid UTF-8 is in `encoding`.
pub(super) fn parse_within(diff: &[u8], room: &mut u64, encoding: Encoding) -> Vec<Patch> {
    let mut reader = Reader {
        patches: Vec::new(),
        left: (0, 0),
        in_header: false,
        is_kept: false,
        room,
        ends: LineEnds::default(),
        encoding,
        diff,
        start: 0,
        at: 0,
    };
    for line in diff.split(|byte| *byte == b'\n') {
        reader.take(line);
        reader.at += line.len() + 1;
    }
    reader.finish()
}

/// What a line takes in memory and, at the least, in a prompt: its text, its number and its mark. An empty line is not nothing.
pub(super) fn cost_of_line(text: &str) -> u64 {
    text.len() as u64 + 8
}

/// The parts of a diff of git, each about one file.
pub(super) fn sections(diff: &[u8]) -> impl Iterator<Item = &[u8]> {
    // Within a hunk every line begins with a sign of its own.
    const HEAD: &[u8] = b"diff --git ";
    let mut starts: Vec<usize> = memchr::memmem::find_iter(diff, HEAD)
        .filter(|at| *at == 0 || diff.get(at - 1) == Some(&b'\n'))
        .collect();
    starts.push(diff.len());
    let ends = starts.clone().into_iter().skip(1);
    starts.into_iter().zip(ends).filter_map(|(start, end)| diff.get(start..end))
}

struct Reader<'a> {
    patches: Vec<Patch>,
    /// Lines of the present hunk that are still to come on the old and the new side.
    left: (u32, u32),
    /// Whether the header of the present file may still name its paths.
    in_header: bool,
    /// Whether the last line was kept.
    is_kept: bool,
    /// Bytes of lines that may still be kept.
    room: &'a mut u64,
    /// Those of the present file.
    ends: LineEnds,
    encoding: Encoding,
    diff: &'a [u8],
    /// Where the present file and the present line begin in it.
    start: usize,
    at: usize,
}

impl Reader<'_> {
    fn take(&mut self, line: &[u8]) {
        if self.left != (0, 0) && self.take_content(line) {
            return;
        }
        self.left = (0, 0);
        // The mark of a last line follows it, when no further line is expected.
        if line.starts_with(b"\\ ") && !self.in_header {
            return self.end_with_file();
        }
        let text = String::from_utf8_lossy(line);
        let text = text.strip_suffix('\r').unwrap_or(&text);
        if let Some(paths) = text.strip_prefix("diff --git ") {
            let path = same_path(paths);
            self.begin(Patch { old: path.clone(), new: path, ..Patch::default() });
        } else if let Some(path) = text.strip_prefix("--- ") {
            if !self.in_header {
                self.begin(Patch::default());
            }
            self.present(|patch| patch.old = side(path, "a/"));
        } else if !self.in_header {
            self.take_hunk(text);
        } else if let Some(path) = text.strip_prefix("+++ ") {
            self.present(|patch| patch.new = side(path, "b/"));
        } else if let Some(path) =
            text.strip_prefix("rename from ").or_else(|| text.strip_prefix("copy from "))
        {
            self.present(|patch| patch.old = Some(unquoted(path)));
        } else if let Some(path) = text.strip_prefix("rename to ").or_else(|| text.strip_prefix("copy to ")) {
            self.present(|patch| patch.new = Some(unquoted(path)));
        } else if text.starts_with("new file mode ") {
            self.present(|patch| patch.old = None);
        } else if text.starts_with("deleted file mode ") {
            self.present(|patch| patch.new = None);
        } else if text.starts_with("Binary files ") || text == "GIT binary patch" {
            self.present(|patch| patch.binary = true);
        } else {
            self.take_hunk(text);
        }
    }

    fn take_hunk(&mut self, text: &str) {
        let Some(head) = hunk_head(text) else { return };
        if self.patches.is_empty() {
            return;
        }
        self.in_header = false;
        self.ends.end_hunk();
        self.left = (head.old_lines, head.new_lines);
        self.is_kept = false;
        let hunk = Hunk { first_line: head.first_line, heading: head.heading.to_owned(), lines: Vec::new() };
        self.present(|patch| patch.hunks.push(hunk));
    }

    /// A line within a hunk; false when it cannot be one.
    fn take_content(&mut self, line: &[u8]) -> bool {
        let (mark, text) = match line.split_first() {
            Some((b' ', text)) => (Mark::Context, text),
            Some((b'+', text)) => (Mark::Added, text),
            Some((b'-', text)) => (Mark::Removed, text),
            // `\ No newline at end of file`
            Some((b'\\', _)) => {
                self.end_with_file();
                return true;
            }
            // Mailers strip the blank of an empty line.
            None | Some((b'\r', [])) => (Mark::Context, line),
            Some(_) => return false,
        };
        let (old, new) = &mut self.left;
        match mark {
            Mark::Context => (*old, *new) = (old.saturating_sub(1), new.saturating_sub(1)),
            Mark::Added => *new = new.saturating_sub(1),
            Mark::Removed => *old = old.saturating_sub(1),
        }
        let (text, end) = match text.strip_suffix(b"\r") {
            Some(text) => (text, LineEnd::ReturnFeed),
            None => (text, LineEnd::Feed),
        };
        self.ends.take(mark, text, end);
        let (kept, omitted) = cut(text);
        let (text, replaced) = decoded(kept, self.encoding);
        let cost = cost_of_line(&text);
        let is_kept = cost <= *self.room;
        *self.room = if is_kept { *self.room - cost } else { 0 };
        self.is_kept = is_kept;
        let private_key = is_key_border(text.as_bytes());
        self.present(|patch| {
            patch.private_key |= private_key;
            patch.replaced |= replaced;
            patch.long_lines += u32::from(omitted > 0);
            patch.added = patch.added.saturating_add(u32::from(mark == Mark::Added));
            patch.removed = patch.removed.saturating_add(u32::from(mark == Mark::Removed));
            match patch.hunks.last_mut() {
                Some(hunk) if is_kept => {
                    hunk.lines.push(Line { mark, text: text.into_owned(), end, omitted });
                }
                _ => patch.dropped += 1,
            }
        });
        true
    }

    /// The last line ends with the file; a carriage return at its end is part of its text then.
    fn end_with_file(&mut self) {
        self.ends.no_newline();
        if !self.is_kept {
            return;
        }
        self.present(|patch| {
            let Some(line) = patch.hunks.last_mut().and_then(|hunk| hunk.lines.last_mut()) else { return };
            if line.end == LineEnd::ReturnFeed {
                line.text.push('\r');
            }
            line.end = LineEnd::Nothing;
        });
    }

    fn begin(&mut self, patch: Patch) {
        self.complete();
        self.start = self.at;
        self.patches.push(patch);
        self.in_header = true;
    }

    /// What can be said of the present file when all of it is there.
    fn complete(&mut self) {
        // A key may also be a string of a program, or be spread over lines that are not kept. The marks before the lines do not matter.
        let text = self.diff.get(self.start..self.at.min(self.diff.len())).unwrap_or_default();
        let private_key = holds_private_key(text);
        let mut ends = std::mem::take(&mut self.ends);
        ends.end_hunk();
        self.present(|patch| {
            patch.private_key |= private_key;
            patch.mixed_ends = ends.are_mixed();
            patch.remark = ends.remark().filter(|_| patch.old.is_some() && patch.new.is_some());
        });
    }

    fn present(&mut self, change: impl FnOnce(&mut Patch)) {
        if let Some(patch) = self.patches.last_mut() {
            change(patch);
        }
    }

    fn finish(mut self) -> Vec<Patch> {
        self.complete();
        self.patches.into_iter().filter(|patch| patch.old.is_some() || patch.new.is_some()).collect()
    }
}

/// The beginning of a line that is too long, and how many bytes follow.
fn cut(text: &[u8]) -> (&[u8], u32) {
    if text.len() <= MAX_LINE {
        return (text, 0);
    }
    // Not within a character.
    let is_inside = |at: &usize| text.get(*at).is_some_and(|byte| byte & 0b1100_0000 == 0b1000_0000);
    let end = (MAX_LINE - 3..=MAX_LINE).rev().find(|at| !is_inside(at)).unwrap_or(MAX_LINE);
    let (kept, rest) = text.split_at(end);
    (kept, u32::try_from(rest.len()).unwrap_or(u32::MAX))
}

/// The text of a line, and whether bytes of it had to be replaced.
fn decoded(line: &[u8], encoding: Encoding) -> (Cow<'_, str>, bool) {
    match (std::str::from_utf8(line), encoding) {
        (Ok(text), _) => (Cow::Borrowed(text), false),
        (Err(_), Encoding::Legacy(encoding)) => encoding.decode_without_bom_handling(line),
        (Err(_), _) => (String::from_utf8_lossy(line), true),
    }
}

/// The line that begins a hunk.
struct HunkHead<'t> {
    /// How many lines follow of the old side, and of the new one.
    old_lines: u32,
    new_lines: u32,
    /// The first line on the new side, from 1.
    first_line: u32,
    heading: &'t str,
}

/// Reads `@@ -1,3 +1,4 @@ heading`.
fn hunk_head(text: &str) -> Option<HunkHead<'_>> {
    let (ranges, heading) = text.strip_prefix("@@ -")?.split_once(" @@")?;
    let (old, new) = ranges.split_once(" +")?;
    let range = |text: &str| -> Option<(u32, u32)> {
        let (first, count) = text.split_once(',').unwrap_or((text, "1"));
        Some((first.parse().ok()?, count.parse().ok()?))
    };
    let ((_, old_lines), (first_line, new_lines)) = (range(old)?, range(new)?);
    Some(HunkHead { old_lines, new_lines, first_line, heading: heading.trim() })
}

/// The path in `a/PATH b/PATH`, when both are the same; other headers name the paths of the others.
fn same_path(paths: &str) -> Option<String> {
    if paths.starts_with('"') {
        return Some(unquoted(paths.split("\" ").next()?))
            .map(|path| path.strip_prefix("a/").unwrap_or(&path).to_owned());
    }
    let middle = paths.len() / 2;
    let (old, new) = (paths.get(..middle)?.strip_prefix("a/")?, paths.get(middle..)?.strip_prefix(" b/")?);
    (old == new).then(|| old.to_owned())
}

/// The path of a `---` or `+++` line; a tab ends it, as dates may follow.
fn side(text: &str, prefix: &str) -> Option<String> {
    let text = if text.starts_with('"') {
        text.trim_end_matches('\t')
    } else {
        text.split('\t').next().unwrap_or(text)
    };
    let path = unquoted(text);
    if path == "/dev/null" {
        return None;
    }
    Some(path.strip_prefix(prefix).unwrap_or(&path).to_owned())
}

/// Undoes git's quoting of control signs, quotes and backslashes.
fn unquoted(text: &str) -> String {
    let Some(inner) = text.strip_prefix('"') else { return text.to_owned() };
    let inner = inner.strip_suffix('"').unwrap_or(inner);
    let mut bytes = Vec::with_capacity(inner.len());
    let mut rest = inner.bytes();
    while let Some(byte) = rest.next() {
        if byte != b'\\' {
            bytes.push(byte);
            continue;
        }
        match rest.next() {
            Some(b'n') => bytes.push(b'\n'),
            Some(b't') => bytes.push(b'\t'),
            Some(b'r') => bytes.push(b'\r'),
            Some(b'a') => bytes.push(7),
            Some(b'b') => bytes.push(8),
            Some(b'v') => bytes.push(11),
            Some(b'f') => bytes.push(12),
            Some(first @ b'0'..=b'3') => {
                let digit = |byte: Option<u8>| byte.unwrap_or(b'0').wrapping_sub(b'0') & 7;
                let (second, third) = (digit(rest.next()), digit(rest.next()));
                bytes.push(((first - b'0') << 6) | (second << 3) | third);
            }
            Some(other) => bytes.push(other),
            None => bytes.push(b'\\'),
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const DIFF: &str = "diff --git a/src/a.rs b/src/a.rs\nindex 1..2 100644\n--- a/src/a.rs\n+++ b/src/a.rs\n\
        @@ -1,3 +1,4 @@ fn a()\n one\r\n-two\n+TWO\n+--- a/not/a/header\n three\n\
        @@ -10 +11,0 @@\n-gone\n\\ No newline at end of file\n\
        diff --git a/old name b/new name\nsimilarity index 100%\nrename from old name\nrename to new name\n\
        diff --git a/x.bin b/x.bin\nnew file mode 100644\nBinary files /dev/null and b/x.bin differ\n";

    /// A diff is read with numbers of the new side.
    #[test]
    fn a_diff_has_new_line_numbers() {
        let patches = parse(DIFF.as_bytes());
        let paths: Vec<_> =
            patches.iter().map(|patch| (patch.old.as_deref(), patch.new.as_deref(), patch.binary)).collect();
        assert_eq!(
            paths,
            [
                (Some("src/a.rs"), Some("src/a.rs"), false),
                (Some("old name"), Some("new name"), false),
                (None, Some("x.bin"), true)
            ]
        );
        let numbers: Vec<_> =
            patches[0].hunks[0].numbered().map(|(number, line)| (number, line.text.as_str())).collect();
        assert_eq!(
            numbers,
            [
                (Some(1), "one"),
                (None, "two"),
                (Some(2), "TWO"),
                (Some(3), "--- a/not/a/header"),
                (Some(4), "three")
            ]
        );
        assert_eq!(patches[0].hunks[0].heading, "fn a()");
        assert_eq!((patches[0].added, patches[0].removed), (2, 2));
    }

    #[test]
    fn what_is_not_kept_is_counted() {
        let text = format!(
            "{DIFF}diff --git a/k b/k\n--- a/k\n+++ b/k\n@@ -0,0 +1,2 @@\n+\n+-----BEGIN RSA PRIVATE KEY-----\n"
        );
        let mut room = 25;
        let patches = parse_within(text.as_bytes(), &mut room, Encoding::Utf8);
        let kept = |patch: &Patch| patch.hunks.iter().map(|hunk| hunk.lines.len()).sum::<usize>();
        assert_eq!((kept(&patches[0]), patches[0].dropped, patches[0].added), (2, 4, 2));
        assert_eq!((kept(&patches[3]), patches[3].dropped, patches[3].private_key, room), (0, 2, true, 0));
        let names: Vec<String> =
            sections(text.as_bytes()).flat_map(parse).map(|patch| patch.path().to_owned()).collect();
        assert_eq!(names, ["src/a.rs", "new name", "x.bin", "k"]);
    }

    /// What is said of a line that was not kept is not said of the one before it.
    #[test]
    fn a_line_not_kept_ends_nothing() {
        let text = "--- a/k\n+++ b/k\n@@ -1,2 +1,1 @@\n x\r\n-long enough\n\\ No newline at end of file\n";
        let mut room = 12;
        let patches = parse_within(text.as_bytes(), &mut room, Encoding::Utf8);
        let [line] = patches[0].hunks[0].lines.as_slice() else { panic!("one line is kept") };
        assert_eq!((line.text.as_str(), line.end, patches[0].dropped), ("x", LineEnd::ReturnFeed, 1));
    }

    #[test]
    fn a_plain_diff_needs_no_git_header() {
        let text = "--- old/a.py\t2026-01-01\n+++ b/a.py\t2026-01-02\n@@ -1 +1 @@\n-a\n+b\n--- a/c.py\n+++ /dev/null\n@@ -1 +0,0 @@\n-c\n";
        let patches = parse(text.as_bytes());
        assert_eq!(patches.iter().map(Patch::path).collect::<Vec<_>>(), ["a.py", "c.py"]);
        assert_eq!(patches[1].new, None);
    }

    #[test]
    fn quoted_paths_are_read() {
        assert_eq!(unquoted(r#""a\tb\303\251\"\\""#), "a\tbé\"\\");
        assert_eq!(side("\"b/x\\ny\"", "b/").as_deref(), Some("x\ny"));
    }

    proptest! {
        #[test]
        fn no_diff_breaks_the_reader(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
            prop_assert!(parse(&bytes).len() <= bytes.len());
        }

        #[test]
        fn no_diff_like_text_breaks_the_reader(lines in proptest::collection::vec("(@@ -[0-9]{1,10},?[0-9]{0,10} \\+[0-9]{1,10},?[0-9]{0,10} @@|[-+ ]{0,3}[a-z/\"\\\\]{0,9}|diff --git [ab/\" ]{0,9}|--- [a/\"]{0,5}|\\+\\+\\+ .{0,5})", 0..30)) {
            let numbered: usize =
                parse(lines.join("\n").as_bytes()).iter().flat_map(|patch| &patch.hunks).map(|hunk| hunk.numbered().count()).sum();
            prop_assert!(numbered <= lines.len() + 1);
        }
    }
}
