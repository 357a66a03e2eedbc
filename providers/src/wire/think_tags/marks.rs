//! The marks that models put around their thoughts.

/// A pair of tags around a thought, by its place in [`PAIRS`].
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

/// Tags of templates and of habit: DeepSeek, Qwen and others `<think>`; Seed-OSS `<seed:think>`; Sky-T1 `<|begin_of_thought|>`;
/// Magistral `[THINK]`; Kimi-VL `◁think▷`.
const PAIRS: [(&str, &str); 7] = [
    ("<think>", "</think>"),
    ("<thinking>", "</thinking>"),
    ("<thought>", "</thought>"),
    ("<seed:think>", "</seed:think>"),
    ("<|begin_of_thought|>", "<|end_of_thought|>"),
    ("[THINK]", "[/THINK]"),
    ("◁think▷", "◁/think▷"),
];

/// The channels of gpt-oss (<https://cookbook.openai.com/articles/openai-harmony>).
const CHANNELS: [(&str, Mark); 6] = [
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
    if !text.starts_with(['<', '[', '◁']) {
        return Found::Nothing;
    }
    let pairs = PAIRS.iter().enumerate().flat_map(|(place, (open, close))| {
        [(*open, Mark::Open(Pair(place))), (*close, Mark::Close(Pair(place)))]
    });
    let mut found = Found::Nothing;
    for (word, mark) in pairs.chain(CHANNELS) {
        if text.starts_with(word) {
            return Found::Mark(mark, word.len());
        }
        if word.starts_with(text) {
            found = Found::Partial;
        }
    }
    found
}

/// Bytes of the tag that opens a thought.
pub(super) fn opening(pair: Pair) -> usize {
    PAIRS.get(pair.0).map_or(0, |(open, _)| open.len())
}
