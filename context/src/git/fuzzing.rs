//! The fuzzer's entry: any bytes as a diff, read whole and with little room.

use super::patch::{self, Hunk, Line, Mark, Patch};
use crate::files::Encoding;

/// A replaced byte takes three, so a line of bytes that stand for no character grows to this.
const MOST_TEXT: usize = patch::MAX_LINE * 3;

/// Reads a diff, once without a bound and once within `room` bytes.
///
/// # Panics
/// More is kept than there is room for or than the diff has, a line is neither kept nor counted, or what was read does not say the
/// same when it is written as a diff again.
pub fn read(diff: &[u8], room: u64) {
    let lines = diff.split(|byte| *byte == b'\n').count();
    let whole = patch::parse(diff);
    assert!(whole.iter().map(kept).sum::<usize>() <= lines, "lines that the diff does not have");
    assert!(whole.iter().map(|patch| patch.hunks.len()).sum::<usize>() <= lines, "hunks without a line");
    for patch in &whole {
        assert_eq!(patch.dropped, 0, "there is room for everything");
        assert_same_when_written(patch);
    }
    within(diff, room, &whole);
    let sections: Vec<&[u8]> = patch::sections(diff).collect();
    assert!(diff.ends_with(&sections.concat()), "the sections are the end of the diff, in order");
}

fn kept(patch: &Patch) -> usize {
    patch.hunks.iter().map(|hunk| hunk.lines.len()).sum()
}

fn within(diff: &[u8], room: u64, whole: &[Patch]) {
    let mut left = room;
    let bounded = patch::parse_within(diff, &mut left, Encoding::Utf8);
    assert_eq!(bounded.len(), whole.len(), "a file is missing");
    let mut taken = 0;
    for (bounded, whole) in bounded.iter().zip(whole) {
        assert_eq!(
            (bounded.added, bounded.removed),
            (whole.added, whole.removed),
            "lines that are not counted"
        );
        assert_eq!((&bounded.old, &bounded.new), (&whole.old, &whole.new));
        assert_eq!(bounded.private_key, whole.private_key, "a key that is not noticed");
        assert_eq!((kept(bounded) as u64) + bounded.dropped, kept(whole) as u64, "lines that are lost");
        assert_eq!(bounded.hunks.len(), whole.hunks.len());
        for (bounded, whole) in bounded.hunks.iter().zip(&whole.hunks) {
            assert!(
                whole.lines.starts_with(&bounded.lines),
                "a line reads otherwise when there is less room"
            );
            taken += bounded.lines.iter().map(cost).sum::<u64>();
        }
    }
    assert!(taken <= room, "{taken} bytes were kept where there was room for {room}");
    assert!(left <= room - taken, "room that is not there");
}

/// What a line takes. A carriage return of the last line is added to its text later.
fn cost(line: &Line) -> u64 {
    let text =
        if line.end == super::LineEnd::Nothing { line.text.trim_end_matches('\r') } else { &line.text };
    patch::cost_of_line(text)
}

fn assert_same_when_written(patch: &Patch) {
    let is_short = |line: &Line| line.text.len() < patch::MAX_LINE;
    assert!(patch.hunks.iter().flat_map(|hunk| &hunk.lines).all(|line| line.text.len() <= MOST_TEXT + 1));
    if !patch.hunks.iter().flat_map(|hunk| &hunk.lines).all(is_short) {
        return;
    }
    let mut text = "--- a/x\n+++ b/x\n".to_owned();
    patch.hunks.iter().for_each(|hunk| write(hunk, &mut text));
    let again = patch::parse(text.as_bytes());
    assert_eq!(again.len(), 1, "one file");
    for again in again {
        assert_eq!(again.hunks, patch.hunks.iter().map(shown_whole).collect::<Vec<_>>(), "in {text:?}");
        assert_eq!((again.added, again.removed), (patch.added, patch.removed));
    }
}

/// A hunk of lines that were cut nowhere.
fn shown_whole(hunk: &Hunk) -> Hunk {
    let lines = hunk.lines.iter().map(|line| Line { omitted: 0, ..line.clone() }).collect();
    Hunk { lines, ..hunk.clone() }
}

fn write(hunk: &Hunk, text: &mut String) {
    let count = |without| hunk.lines.iter().filter(|line| line.mark != without).count();
    let (old, new) = (count(Mark::Added), count(Mark::Removed));
    text.push_str(&format!("@@ -1,{old} +{},{new} @@ {}\n", hunk.first_line, hunk.heading));
    for line in &hunk.lines {
        text.push(match line.mark {
            Mark::Context => ' ',
            Mark::Added => '+',
            Mark::Removed => '-',
        });
        text.push_str(&line.text);
        text.push_str(match line.end {
            super::LineEnd::Feed => "\n",
            super::LineEnd::ReturnFeed => "\r\n",
            super::LineEnd::Nothing => "\n\\ No newline at end of file\n",
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_seed_is_read() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../fuzz/seeds/read_patch");
        let mut seeds = 0;
        for entry in std::fs::read_dir(folder).unwrap() {
            let seed = std::fs::read(entry.unwrap().path()).unwrap();
            for room in [0, 20, 40, 60, 300, u64::MAX] {
                read(&seed[1..], room);
            }
            seeds += 1;
        }
        assert!(seeds >= 5, "{seeds} seeds");
    }
}
