//! The marks that models put around their thoughts.

/// A pair of tags around a thought, by its name and kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Pair(usize);

/// A mark in a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mark {
    Open(Pair),
    Close(Pair),
    /// A message or a channel of it begins; what follows is a header.
    Header,
    /// The header is over.
    Message,
    /// The message is over.
    End,
    /// Stands around the answer of a model that has marked its thoughts.
    Frame,
}

/// What a text begins with.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Found {
    /// A mark of so many bytes.
    Mark(Mark, usize),
    /// The beginning of a mark.
    Partial,
    Nothing,
}

/// Names of tags, in whichever case: of templates, as DeepSeek's, Qwen's and Seed-OSS's, and of habit.
const TAGS: [(&str, Pair); 6] = [
    ("think", Pair(0)),
    ("thinking", Pair(1)),
    ("thought", Pair(2)),
    ("thoughts", Pair(3)),
    ("reasoning", Pair(4)),
    ("seed:think", Pair(5)),
];
/// Magistral's, whose name is followed by a square bracket.
const BRACKETS: [(&str, Pair); 2] = [("think", Pair(6)), ("thinking", Pair(7))];
/// The most blanks between a name and the end of its tag.
const MOST_BLANKS: usize = 4;

/// Words of templates: Kimi-VL's, Sky-T1's, those of Cohere's models, and the channels of gpt-oss
/// (<https://cookbook.openai.com/articles/openai-harmony>).
const WORDS: [(&str, Mark); 16] = [
    ("◁think▷", Mark::Open(Pair(8))),
    ("◁/think▷", Mark::Close(Pair(8))),
    ("<|begin_of_thought|>", Mark::Open(Pair(9))),
    ("<|end_of_thought|>", Mark::Close(Pair(9))),
    ("<|begin_of_solution|>", Mark::Frame),
    ("<|end_of_solution|>", Mark::Frame),
    ("<|START_THINKING|>", Mark::Open(Pair(10))),
    ("<|END_THINKING|>", Mark::Close(Pair(10))),
    ("<|START_RESPONSE|>", Mark::Frame),
    ("<|END_RESPONSE|>", Mark::Frame),
    ("<|start|>", Mark::Header),
    (CHANNEL, Mark::Header),
    ("<|message|>", Mark::Message),
    ("<|end|>", Mark::End),
    ("<|return|>", Mark::End),
    ("<|call|>", Mark::End),
];
pub(super) const CHANNEL: &str = "<|channel|>";

/// The mark that `text` begins with.
pub(super) fn find(text: &str) -> Found {
    let tag = match text.chars().next() {
        Some('<') => tag(text, '>', &TAGS),
        Some('[') => bracket(text),
        Some('◁') => Found::Nothing,
        _ => return Found::Nothing,
    };
    if tag != Found::Nothing {
        return tag;
    }
    let mut found = Found::Nothing;
    for (word, mark) in WORDS {
        let common = word.len().min(text.len());
        if !is_same(text.get(..common), word.get(..common)) {
            continue;
        }
        if common == word.len() {
            return Found::Mark(mark, common);
        }
        found = Found::Partial;
    }
    found
}

/// Whether a text has a mark that closes a thought.
pub(super) fn has_close(text: &str, pair: Pair) -> bool {
    text.match_indices(['<', '[', '◁']).any(
        |(at, _)| matches!(text.get(at..).map(find), Some(Found::Mark(Mark::Close(of), _)) if of == pair),
    )
}

fn is_same(one: Option<&str>, other: Option<&str>) -> bool {
    matches!((one, other), (Some(one), Some(other)) if one.eq_ignore_ascii_case(other))
}

/// A bracket, perhaps a slash, a name, perhaps blanks, and the other bracket.
fn tag(text: &str, end: char, names: &[(&str, Pair)]) -> Found {
    let inner = text.get(1..).unwrap_or_default();
    let (is_close, inner) = inner.strip_prefix('/').map_or((false, inner), |inner| (true, inner));
    let length = inner.find(|c: char| !c.is_ascii_alphabetic() && c != ':').unwrap_or(inner.len());
    let (name, behind) = inner.split_at(length);
    if behind.is_empty() {
        let begins = |known: &str| is_same(known.get(..name.len()), Some(name));
        return if names.iter().any(|(known, _)| begins(known)) { Found::Partial } else { Found::Nothing };
    }
    let Some((_, pair)) = names.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)) else {
        return Found::Nothing;
    };
    let rest = behind.trim_start_matches([' ', '\t']);
    let blanks = behind.len() - rest.len();
    if blanks > MOST_BLANKS {
        return Found::Nothing;
    }
    match rest.chars().next() {
        None => Found::Partial,
        Some(letter) if letter == end => {
            let mark = if is_close { Mark::Close(*pair) } else { Mark::Open(*pair) };
            Found::Mark(mark, text.len() - rest.len() + end.len_utf8())
        }
        Some(_) => Found::Nothing,
    }
}

/// A name in square brackets; in small letters it may be the text of a link.
fn bracket(text: &str) -> Found {
    let found = tag(text, ']', &BRACKETS);
    let Found::Mark(Mark::Open(_), length) = found else { return found };
    if text.starts_with("[THINK") {
        return found;
    }
    match text.get(length..).and_then(|behind| behind.chars().next()) {
        None => Found::Partial,
        Some('(' | '[' | ':') => Found::Nothing,
        Some(_) => found,
    }
}
