//! Where a quoted text is in the given parts of a file.

use exai_context::evidence::EvidenceFile;

/// A quote with fewer characters than this must be a whole line: `}` is on every other line.
const SHORT: usize = 4;
/// Longest quote that is looked for, in bytes; a citation is a few lines.
const LONGEST: usize = 16 * 1024;

/// The given lines of one file, white space folded.
#[derive(Debug)]
pub(super) struct Given<'e> {
    /// Line number and text, ascending; gaps in the numbers are parts that were left out.
    lines: Vec<(u32, &'e str)>,
}

impl<'e> Given<'e> {
    pub(super) fn of(file: &'e EvidenceFile) -> Self {
        let numbered = |first: u32, text: &'e str| (first..).zip(text.lines());
        Self { lines: file.segments.iter().flat_map(|part| numbered(part.first_line, &part.text)).collect() }
    }

    /// The line nearest to `line`, at most `distance` away, where `quote` starts. `line` itself must have been given.
    pub(super) fn find_near(&self, quote: &str, line: u32, distance: u32) -> Option<u32> {
        self.lines.binary_search_by_key(&line, |&(number, _)| number).ok()?;
        let (low, high) = (line.saturating_sub(distance), line.saturating_add(distance));
        let from = self.lines.partition_point(|&(number, _)| number < low);
        let to = self.lines.partition_point(|&(number, _)| number <= high);
        readings(quote).iter().find_map(|wanted| {
            let starts = (from..to).filter(|&index| self.starts_at(wanted, index));
            starts.filter_map(|index| self.number(index)).min_by_key(|number| number.abs_diff(line))
        })
    }

    /// The line where `quote` starts, when it is in one place only.
    pub(super) fn find_only(&self, quote: &str) -> Option<u32> {
        readings(quote).iter().find_map(|wanted| {
            let mut starts = (0..self.lines.len()).filter(|&index| self.starts_at(wanted, index));
            let first = starts.next()?;
            if starts.next().is_some() { None } else { self.number(first) }
        })
    }

    fn number(&self, index: usize) -> Option<u32> {
        self.lines.get(index).map(|&(number, _)| number)
    }

    /// Whether `wanted` (folded) starts on the line at `index` and goes on over the lines that follow it without a gap.
    fn starts_at(&self, wanted: &str, index: usize) -> bool {
        let Some(&(number, line)) = self.lines.get(index) else { return false };
        let first = fold(line);
        if wanted.chars().count() < SHORT {
            return first == wanted;
        }
        let mut text = first.clone();
        let needed = first.len() + wanted.len() + 1;
        let following = self.lines.iter().skip(index + 1).zip(number.saturating_add(1)..);
        for (&(number, line), expected) in following {
            if text.len() >= needed || number != expected {
                break;
            }
            join(&mut text, line);
        }
        // The quote must start on this line, not merely below it.
        memchr::memmem::find(text.as_bytes(), wanted.as_bytes()).is_some_and(|at| at < first.len())
    }
}

fn join(text: &mut String, line: &str) {
    for word in line.split_whitespace() {
        if !text.is_empty() {
            text.push(' ');
        }
        text.push_str(word);
    }
}

/// Every run of white space is one blank; none at the ends.
fn fold(text: &str) -> String {
    let mut folded = String::with_capacity(text.len());
    join(&mut folded, text);
    folded
}

/// What a quote may mean, folded, most literal first: as written, without copied line numbers, without the marks of a diff,
/// without Markdown backticks.
fn readings(quote: &str) -> Vec<String> {
    if quote.len() > LONGEST {
        return Vec::new();
    }
    let plain = fold(quote);
    let unnumbered = fold(&quote.lines().map(without_number).collect::<Vec<_>>().join("\n"));
    let unmarked =
        fold(&quote.lines().map(|line| without_mark(without_number(line))).collect::<Vec<_>>().join("\n"));
    let ticks = plain
        .strip_prefix('`')
        .and_then(|rest| rest.strip_suffix('`'))
        .map(|inner| fold(inner.trim_matches('`')));
    let mut readings = Vec::with_capacity(4);
    for reading in [Some(plain), Some(unnumbered), Some(unmarked), ticks].into_iter().flatten() {
        if !reading.is_empty() && !readings.contains(&reading) {
            readings.push(reading);
        }
    }
    readings
}

/// A line without the `  12│ ` that evidence is shown with (`|` when the model typed it again).
fn without_number(line: &str) -> &str {
    let rest = line.trim_start().trim_start_matches(|c: char| c.is_ascii_digit());
    if rest.len() == line.trim_start().len() {
        return line;
    }
    let rest = rest.trim_start();
    rest.strip_prefix('│').or_else(|| rest.strip_prefix('|')).unwrap_or(line)
}

/// A line without the `+` that a diff shows it with.
fn without_mark(line: &str) -> &str {
    line.trim_start().strip_prefix('+').unwrap_or(line)
}
