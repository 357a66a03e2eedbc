//! What a quote may mean: models copy line numbers and diff marks, shorten with dots, and dress text up.

use exai_core::line_breaks;

/// Longest quote that is looked for, in bytes; a citation is a few lines.
const LONGEST: usize = 16 * 1024;
/// The shortest piece of a shortened quote that is looked for, in characters.
const SHORTEST_PIECE: usize = 4;

/// One way to read a quote.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Reading {
    /// The text with its white space folded; several pieces when something was left out between them.
    pub(super) pieces: Vec<String>,
    /// Whether typographic signs and their plain forms count as the same.
    pub(super) is_plain: bool,
}

impl Reading {
    /// Characters that are no white space.
    pub(super) fn significant(&self) -> usize {
        self.pieces.iter().flat_map(|piece| piece.chars()).filter(|c| !c.is_whitespace()).count()
    }

    /// The text when it is in one piece.
    pub(super) fn only(&self) -> Option<&str> {
        match self.pieces.as_slice() {
            [only] => Some(only),
            _ => None,
        }
    }
}

/// The ways to read a quote, most literal first.
pub(super) fn readings(quote: &str) -> Vec<Reading> {
    let is_nothing = quote.trim_matches(|c: char| c.is_whitespace() || matches!(c, '`' | '~')).is_empty();
    if is_nothing || quote.len() > LONGEST {
        return Vec::new();
    }
    let bare = unfenced(quote);
    let mut texts = vec![quote.to_owned(), bare.to_owned(), by_line(bare, without_number)];
    texts.push(by_line(bare, |line| without_mark(without_number(line))));
    texts.push(by_line(bare, without_mark));
    let ticks = bare.trim().trim_matches('`');
    texts.push(ticks.to_owned());
    texts.push(by_line(ticks, without_number));
    let unescaped: Vec<String> = texts
        .iter()
        .filter(|text| text.contains('&'))
        .map(|text| html_escape::decode_html_entities(text.as_str()).into_owned())
        .collect();
    texts.extend(unescaped);
    // As the text was given: signs that are no ends of lines here are shown by their names.
    let read_back: Vec<String> = texts.iter().filter_map(|text| line_breaks::read_back(text)).collect();
    texts.extend(read_back);
    let mut readings: Vec<Reading> = Vec::new();
    let mut add = |pieces: Vec<String>, is_plain: bool| {
        let reading = Reading { pieces, is_plain };
        if reading.pieces.iter().any(|piece| !piece.is_empty()) && !readings.contains(&reading) {
            readings.push(reading);
        }
    };
    texts.iter().for_each(|text| add(vec![fold(text)], false));
    texts.iter().for_each(|text| add(vec![plain(&fold(text))], true));
    texts.iter().filter_map(|text| pieces(&plain(&fold(text)))).for_each(|pieces| add(pieces, true));
    readings
}

/// Every run of white space is one blank; none at the ends.
pub(super) fn fold(text: &str) -> String {
    let mut folded = String::with_capacity(text.len());
    join(&mut folded, text);
    folded
}

/// Adds the words of `line`, each behind a blank.
pub(super) fn join(text: &mut String, line: &str) {
    for word in line.split_whitespace() {
        if !text.is_empty() {
            text.push(' ');
        }
        text.push_str(word);
    }
}

/// Typographic signs in their plain forms.
pub(super) fn plain(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '“' | '”' | '„' | '‟' | '″' | '«' | '»' => plain.push('"'),
            '‘' | '’' | '‚' | '‛' | '′' => plain.push('\''),
            '‐' | '‑' | '–' | '—' | '−' => plain.push('-'),
            '\u{a0}' | '\u{2009}' | '\u{202f}' => plain.push(' '),
            '…' => plain.push_str("..."),
            '\u{200b}' | '\u{feff}' | '\u{fe0f}' => {}
            other => plain.push(other),
        }
    }
    plain
}

/// The parts between the dots of a shortened quote; `None` when it is not shortened.
fn pieces(text: &str) -> Option<Vec<String>> {
    let parts: Vec<&str> = text.split("...").map(str::trim).collect();
    let kept: Vec<String> = parts
        .iter()
        .filter(|part| part.chars().count() >= SHORTEST_PIECE)
        .map(|part| (*part).to_owned())
        .collect();
    (parts.len() > 1 && !kept.is_empty()).then_some(kept)
}

fn by_line(text: &str, change: impl Fn(&str) -> &str) -> String {
    text.lines().map(change).collect::<Vec<_>>().join("\n")
}

/// The text inside a Markdown fence.
fn unfenced(quote: &str) -> &str {
    let trimmed = quote.trim();
    let Some(rest) = trimmed.strip_prefix("```").or_else(|| trimmed.strip_prefix("~~~")) else {
        return quote;
    };
    let inner = rest.split_once('\n').map_or("", |(_language, inner)| inner);
    inner.trim_end().trim_end_matches(['`', '~'])
}

/// A line without the number that evidence is shown with: `  12│ `, `12| `, `12: `, `12<TAB>`.
fn without_number(line: &str) -> &str {
    let bare = line.trim_start_matches(' ');
    let rest = bare.trim_start_matches(|c: char| c.is_ascii_digit());
    if rest.len() == bare.len() {
        return line;
    }
    if let Some(text) = rest.strip_prefix(['\t', ':']) {
        return text;
    }
    let rest = rest.trim_start_matches(' ');
    rest.strip_prefix(['│', '|', '\t']).unwrap_or(line)
}

/// A line without the mark that a diff shows it with.
fn without_mark(line: &str) -> &str {
    line.trim_start().strip_prefix(['+', '-']).unwrap_or(line)
}
