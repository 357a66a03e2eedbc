//! What a call is given: fixed text, or text put together from values.

use super::chunk::Chunk;
use super::language::Language;
use super::lexer::{Class, is_word};
use super::rule::Site;

/// An argument, as far as rules distinguish them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Argument {
    /// A literal without values in it.
    Fixed(String),
    /// A literal into which values are put; holds the beginning of the literal.
    Built(String),
    /// Anything else, such as a name or a call.
    Value,
}

/// Bytes of an argument list that are looked at.
const SPAN: usize = 2_000;

/// Reads the argument that begins at `at`, after blanks.
pub(super) fn argument(chunk: &Chunk, at: usize) -> Argument {
    let mut at = skip_blanks(chunk, at);
    let mut first: Option<String> = None;
    for _ in 0..50 {
        let Some(literal) = literal(chunk, at) else {
            return match first {
                Some(text) => Argument::Built(text),
                None => Argument::Value,
            };
        };
        let text = first.get_or_insert(literal.text);
        if literal.built {
            return Argument::Built(text.clone());
        }
        let after = skip_blanks(chunk, literal.end);
        let rest = chunk.source.get(after..).unwrap_or_default();
        let adjacent = prefix_length(chunk, after).is_some() && !chunk.language.is_script();
        match rest.first() {
            Some(b'+') => {
                let next = skip_blanks(chunk, after + 1);
                at = if prefix_length(chunk, next).is_some() { next } else { constant_end(chunk, next) };
                if at == next && prefix_length(chunk, next).is_none() {
                    return Argument::Built(text.clone());
                }
            }
            Some(b'%') if chunk.language == Language::Python => return Argument::Built(text.clone()),
            Some(b'.') if rest.starts_with(b".format") => return Argument::Built(text.clone()),
            Some(_) if adjacent => at = after,
            _ => return Argument::Fixed(text.clone()),
        }
    }
    Argument::Value
}

struct Literal {
    text: String,
    built: bool,
    end: usize,
}

fn skip_blanks(chunk: &Chunk, at: usize) -> usize {
    let rest = chunk.source.get(at..(at + SPAN).min(chunk.source.len())).unwrap_or_default();
    at + rest.iter().take_while(|byte| byte.is_ascii_whitespace()).count()
}

/// How many prefix letters stand before the quote of a literal at `at`; `None` when there is no literal.
fn prefix_length(chunk: &Chunk, at: usize) -> Option<usize> {
    (0..=2).find(|length| chunk.class(at + length) == Class::Quote).filter(|length| {
        let prefix = chunk.source.get(at..at + length).unwrap_or_default();
        prefix.iter().all(u8::is_ascii_alphabetic)
    })
}

/// Skips a name in capitals, which is taken for a constant, with the `+` after it; stays when there is none.
fn constant_end(chunk: &Chunk, at: usize) -> usize {
    let rest = chunk.source.get(at..(at + 200).min(chunk.source.len())).unwrap_or_default();
    let length = rest.iter().take_while(|byte| is_word(**byte)).count();
    let is_constant =
        rest.get(..length).is_some_and(|name| length > 1 && !name.iter().any(u8::is_ascii_lowercase));
    if !is_constant {
        return at;
    }
    let after = skip_blanks(chunk, at + length);
    let plus = chunk.source.get(after) == Some(&b'+');
    let next = skip_blanks(chunk, after + 1);
    if plus && prefix_length(chunk, next).is_some() { next } else { at }
}

fn literal(chunk: &Chunk, at: usize) -> Option<Literal> {
    let prefix = prefix_length(chunk, at)?;
    let letters = chunk.source.get(at..at + prefix)?;
    let formatted =
        chunk.language == Language::Python && letters.iter().any(|byte| matches!(byte, b'f' | b'F'));
    let open = at + prefix;
    let mark = *chunk.source.get(open)?;
    let triple = chunk.source.get(open..open + 3) == Some(&[mark; 3][..])
        && chunk.class(open + 1) == Class::Quote
        && chunk.class(open + 2) == Class::Quote;
    let width = if triple { 3 } else { 1 };
    let start = open + width;
    let length = chunk.classes.get(start..)?.iter().take_while(|class| **class == Class::Text).count();
    let content = chunk.text.get(start..start + length)?;
    let in_template = mark == b'`' && chunk.class(start + length) == Class::Code;
    let built = in_template || (formatted && has_values(content));
    let text: String = content.chars().take(400).collect();
    Some(Literal { text, built, end: start + length + width })
}

/// Whether an f-string holds a replacement field other than a constant in capitals.
fn has_values(content: &str) -> bool {
    content.replace("{{", "").split('{').skip(1).any(|field| {
        let name = field.split(['}', ':', '!']).next().unwrap_or(field);
        name.is_empty() || name.chars().any(|c| !(c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_'))
    })
}

/// Whether the text begins like a statement of SQL: its verb in capitals or in small letters, since prose begins with one capital.
pub(super) fn is_sql(text: &str) -> bool {
    let mut words = text.split_whitespace();
    let (verb, next) =
        (words.next().unwrap_or_default(), words.next().unwrap_or_default().to_ascii_uppercase());
    let upper = verb.to_ascii_uppercase();
    if verb != upper && verb != verb.to_ascii_lowercase() {
        return false;
    }
    match upper.as_str() {
        "SELECT" | "UPDATE" | "WITH" | "REPLACE" | "MERGE" => !next.is_empty(),
        "INSERT" => matches!(next.as_str(), "INTO" | "OR" | "IGNORE"),
        "DELETE" => next == "FROM",
        _ => false,
    }
}

/// The argument after the match is SQL with values in it.
pub(super) fn built_sql(site: &Site<'_>) -> bool {
    matches!(argument(site.chunk, site.end), Argument::Built(text) if is_sql(&text))
}

/// The argument after the match is SQL with a placeholder of `Sprintf`, outside of quotes of its own.
pub(super) fn sprintf_sql(site: &Site<'_>) -> bool {
    match argument(site.chunk, site.end) {
        Argument::Built(text) => is_sql(&text),
        Argument::Fixed(text) => is_sql(&text) && ["%s", "%v", "%q"].iter().any(|verb| text.contains(verb)),
        Argument::Value => false,
    }
}

/// The argument after the match is not fixed text.
pub(super) fn not_fixed(site: &Site<'_>) -> bool {
    !matches!(argument(site.chunk, site.end), Argument::Fixed(_))
}

/// The argument after the match is a literal with values in it.
pub(super) fn built(site: &Site<'_>) -> bool {
    matches!(argument(site.chunk, site.end), Argument::Built(_))
}

/// Where the innermost pair of parentheses around `at` opens and closes.
pub(super) fn parentheses(chunk: &Chunk, at: usize) -> Option<(usize, usize)> {
    let (index, bracket) = chunk.structure.ancestors(at).next()?;
    if bracket.byte != b'(' {
        return None;
    }
    Some((bracket.at, chunk.structure.close_of(index)?))
}

/// The code between the parentheses that open at `open`, cut when it is very long.
pub(super) fn inside(chunk: &Chunk, open: usize) -> Option<&[u8]> {
    let close = chunk.structure.close_of(chunk.structure.bracket_at(open)?)?;
    chunk.code.get(open + 1..close.min(open + SPAN))
}

/// What is called by the parentheses that open at `open`: `requests.get`.
pub(super) fn callee(chunk: &Chunk, open: usize) -> &[u8] {
    let head = chunk.code.get(open.saturating_sub(200)..open).unwrap_or_default().trim_ascii_end();
    let length = head.iter().rev().take_while(|byte| is_word(**byte) || matches!(byte, b'.' | b':')).count();
    head.get(head.len() - length..).unwrap_or_default()
}

/// Whether `text` contains `needle`.
pub(super) fn contains(text: &[u8], needle: &[u8]) -> bool {
    memchr::memmem::find(text, needle).is_some()
}
