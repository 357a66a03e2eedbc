//! What a file costs in the prompt, and the head and tail of it that fit a share.

use exai_core::line_breaks;

use crate::evidence::Segment;

use super::budget::{to_tokens, weigh};

/// Thousandths of a token for a line's number and its bar. Measured on numbered source with the public vocabularies: 3.4 tokens.
const LINE_NUMBER: u64 = 3_500;

/// The opening and the closing line of a file, without its path.
const FRAME: u64 = 45_000;

/// A line that says what was omitted.
const GAP: u64 = 12_000;

/// Estimated tokens of the segments as they are rendered.
pub fn cost(path: &str, segments: &[Segment]) -> u32 {
    let lines: u64 = segments.iter().map(|segment| weigh_text(&segment.text)).sum();
    to_tokens(frame(path, segments.len()) + lines)
}

/// Frame and the gaps around segments; a file given whole has none, which is not worth telling apart.
fn frame(path: &str, segments: usize) -> u64 {
    FRAME + weigh(path.as_bytes()) + GAP * (segments as u64 + 1)
}

fn weigh_text(text: &str) -> u64 {
    weigh(line_breaks::shown(text).as_bytes())
        + LINE_NUMBER * u64::from(super::text::count_lines(text.as_bytes()))
}

/// Cuts to a share of tokens at line boundaries: two thirds for the beginning, the rest for the end, and what the end
/// leaves for the beginning again. `None` when not even one line fits.
pub fn cut(path: &str, parts: &[Segment], share: u32) -> Option<Vec<Segment>> {
    let lines: Vec<(u32, &str)> =
        parts.iter().flat_map(|part| (part.first_line..).zip(part.text.split_inclusive('\n'))).collect();
    let room = (u64::from(share) * 1_000).checked_sub(frame(path, parts.len() + 1))?;
    let mut left = Left(room * 2 / 3);
    let mut head = lines.iter().take_while(|(_, text)| left.take(text)).count();
    left.0 += room - room * 2 / 3;
    let rest = lines.get(head..).unwrap_or_default();
    let tail = rest.iter().rev().take_while(|(_, text)| left.take(text)).count();
    let middle = rest.get(..rest.len() - tail).unwrap_or_default();
    head += middle.iter().take_while(|(_, text)| left.take(text)).count();

    let first = lines.get(..head).unwrap_or_default();
    let last = lines.get(lines.len() - tail..).unwrap_or_default();
    let segments = join(first.iter().chain(last));
    (!segments.is_empty()).then_some(segments)
}

/// Thousandths of a token that are left.
struct Left(u64);

impl Left {
    fn take(&mut self, line: &str) -> bool {
        let rest = self.0.checked_sub(weigh_text(line));
        self.0 = rest.unwrap_or(self.0);
        rest.is_some()
    }
}

fn join<'a>(lines: impl Iterator<Item = &'a (u32, &'a str)>) -> Vec<Segment> {
    let mut segments: Vec<Segment> = Vec::new();
    let mut next = 0;
    for (number, text) in lines {
        match segments.last_mut() {
            Some(segment) if *number == next => segment.text.push_str(text),
            _ => segments.push(Segment { first_line: *number, text: (*text).to_owned() }),
        }
        next = number.saturating_add(1);
    }
    segments
}

/// The given lines in words, for the report: `1-120, 480-600`.
pub fn ranges(segments: &[Segment]) -> String {
    let mut words = String::new();
    for segment in segments {
        let last = segment.first_line + super::text::count_lines(segment.text.as_bytes()).saturating_sub(1);
        let comma = if words.is_empty() { "" } else { ", " };
        if last == segment.first_line {
            words.push_str(&format!("{comma}{last}"));
        } else {
            words.push_str(&format!("{comma}{}-{last}", segment.first_line));
        }
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numbered(lines: u32) -> Vec<Segment> {
        let text = (1..=lines).map(|line| format!("let value_{line} = compute({line});\n")).collect();
        vec![Segment { first_line: 1, text }]
    }

    /// An excerpt has head and tail and uses its share.
    #[test]
    fn an_excerpt_uses_its_whole_share() {
        let parts = numbered(1_000);
        let cut = cut("src/a.rs", &parts, 2_000).unwrap();
        assert_eq!(cut.len(), 2);
        assert_eq!(cut[0].first_line, 1);
        assert!(cut[1].text.ends_with("let value_1000 = compute(1000);\n"));
        assert!(cut[0].text.len() > cut[1].text.len());
        let tokens = cost("src/a.rs", &cut);
        assert!((1_900..=2_000).contains(&tokens), "{tokens}");
    }

    /// What fits is not cut and what cannot be cut is nothing.
    #[test]
    fn only_what_can_be_cut_is_cut() {
        let parts = numbered(20);
        assert_eq!(cut("a", &parts, 5_000).unwrap(), parts);
        let one_line = vec![Segment { first_line: 1, text: "x+y;".repeat(10_000) }];
        assert_eq!(cut("a", &one_line, 5_000), None);
        assert_eq!(cut("a", &parts, 10), None);
    }

    #[test]
    fn ranges_are_put_in_words() {
        let segments =
            [Segment { first_line: 1, text: "a\nb\n".into() }, Segment { first_line: 9, text: "c".into() }];
        assert_eq!(ranges(&segments), "1-2, 9");
    }
}
