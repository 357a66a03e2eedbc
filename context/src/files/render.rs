//! Evidence as prompt text: numbered lines inside a frame that no content can close.

use exai_core::line_breaks;

use crate::evidence::EvidenceFile;

use super::text::count_lines;

/// Between the number and the line.
const BAR: &[u8] = "│ ".as_bytes();

/// Digits of the largest line number, and the bar.
const MARGIN: usize = 10 + BAR.len();

/// Appends every file: `<file path="…" lines="N" fence="TAG">`, its lines with right-aligned numbers and `│ `, signs within them that others take for the end of a line by
/// their names, a line such as
/// `[lines 120-480 omitted]` for what is left out, and `</file fence="TAG">`.
pub fn render(files: &[EvidenceFile], fence: &str, out: &mut String) {
    let mut size = 0;
    for file in files {
        size += file.path.len() + 2 * fence.len() + 64;
        for segment in &file.segments {
            size += segment.text.len() + 40 + (count_lines(segment.text.as_bytes()) as usize + 1) * MARGIN;
        }
    }
    out.reserve(size);
    for file in files {
        out.push_str("<file path=\"");
        escape(&file.path, out);
        out.push_str("\" lines=\"");
        push_number(file.lines, out);
        out.push_str("\" fence=\"");
        out.push_str(fence);
        out.push_str("\">\n");
        push_lines(file, out);
        out.push_str("</file fence=\"");
        out.push_str(fence);
        out.push_str("\">\n");
    }
}

fn push_lines(file: &EvidenceFile, out: &mut String) {
    let last =
        file.segments.last().map_or(0, |segment| segment.first_line + count_lines(segment.text.as_bytes()));
    let mut number = LineNumber::new(last);
    let mut next = 1;
    for segment in &file.segments {
        push_gap(next, segment.first_line.saturating_sub(1), out);
        number.set(segment.first_line);
        let mut rest = segment.text.as_str();
        next = segment.first_line;
        while !rest.is_empty() {
            let end = memchr::memchr(b'\n', rest.as_bytes()).map_or(rest.len(), |end| end + 1);
            let (line, after) = rest.split_at(end);
            out.push_str(number.text());
            out.push_str(&line_breaks::shown(line));
            number.increment();
            next = next.saturating_add(1);
            rest = after;
        }
        if !segment.text.ends_with('\n') {
            out.push('\n');
        }
    }
    push_gap(next, file.lines, out);
}

fn push_gap(first: u32, last: u32, out: &mut String) {
    if last < first {
        return;
    }
    out.push_str(if first == last { "[line " } else { "[lines " });
    push_number(first, out);
    if first != last {
        out.push('-');
        push_number(last, out);
    }
    out.push_str(" omitted]\n");
}

fn push_number(number: u32, out: &mut String) {
    let mut digits = [b'0'; 10];
    let start = write_digits(number, &mut digits).min(9);
    out.push_str(digits.get(start..).and_then(|digits| std::str::from_utf8(digits).ok()).unwrap_or("0"));
}

/// Writes right-aligned and returns where the number starts; for zero that is the end.
fn write_digits(mut number: u32, digits: &mut [u8]) -> usize {
    let mut start = digits.len();
    for (place, digit) in digits.iter_mut().enumerate().rev() {
        if number == 0 {
            break;
        }
        *digit = b'0' + (number % 10) as u8;
        number /= 10;
        start = place;
    }
    start
}

/// A counter that is kept as the text it prints, because that is cheaper than formatting every line.
struct LineNumber {
    text: [u8; MARGIN],
    start: usize,
}

impl LineNumber {
    /// At least four columns, more when the last number needs more.
    fn new(last: u32) -> Self {
        let mut text = [b' '; MARGIN];
        if let Some(bar) = text.get_mut(10..) {
            bar.copy_from_slice(BAR);
        }
        let width = last.checked_ilog10().unwrap_or(0) as usize + 1;
        Self { text, start: 10 - width.clamp(4, 10) }
    }

    fn set(&mut self, number: u32) {
        if let Some(digits) = self.text.get_mut(..10) {
            digits.fill(b' ');
            write_digits(number, digits);
        }
    }

    fn increment(&mut self) {
        for digit in self.text.iter_mut().take(10).rev() {
            match *digit {
                b'9' => *digit = b'0',
                b' ' => {
                    *digit = b'1';
                    return;
                }
                _ => {
                    *digit += 1;
                    return;
                }
            }
        }
    }

    fn text(&self) -> &str {
        self.text.get(self.start..).and_then(|text| std::str::from_utf8(text).ok()).unwrap_or_default()
    }
}

/// Keeps a path inside its attribute.
pub(crate) fn escape(path: &str, out: &mut String) {
    for character in path.chars() {
        match character {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            control if control.is_control() || matches!(control, '\u{2028}' | '\u{2029}') => {
                out.push_str("&#");
                push_number(u32::from(control), out);
                out.push(';');
            }
            other => out.push(other),
        }
    }
}

/// The tag of the frames around these files: 16 hex digits of a keyed BLAKE3 over everything that is rendered. The same files
/// give the same prompt, so vendors' prefix caches hold; and no file can contain its own tag without knowing the key.
#[must_use]
pub fn fence_tag(key: &[u8; 32], files: &[EvidenceFile]) -> String {
    let mut hasher = blake3::Hasher::new_keyed(key);
    let mut part = |bytes: &[u8]| {
        // Lengths keep one file's end apart from the next one's beginning.
        hasher.update(&(bytes.len() as u64).to_le_bytes()).update(bytes);
    };
    for file in files {
        part(file.path.as_bytes());
        part(&file.lines.to_le_bytes());
        for segment in &file.segments {
            part(&segment.first_line.to_le_bytes());
            part(segment.text.as_bytes());
        }
    }
    let mut hex = hasher.finalize().to_hex().to_string();
    hex.truncate(16);
    hex
}
