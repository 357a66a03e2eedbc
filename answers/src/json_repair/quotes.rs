//! Which quotes go together, and which of them ends a string.

/// Which quote ends a string.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Closing {
    /// The first one after which the text goes on like JSON; the others were left unescaped by the writer.
    ByContext,
    /// The first one that is not escaped.
    AtFirstQuote,
}

/// Quotes that may end a string which one of them opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Quotes(&'static [char]);

impl Quotes {
    pub(super) fn closes(self, c: char) -> bool {
        self.0.contains(&c)
    }
}

/// The quotes that go with an opening quote; `None` when `open` is no quote.
pub(super) fn family(open: char) -> Option<Quotes> {
    Some(Quotes(match open {
        '"' => &['"'],
        '\'' => &['\''],
        '`' => &['`'],
        '“' | '”' | '„' | '‟' | '″' | '«' => &['“', '”', '„', '‟', '″', '»', '"'],
        '‘' | '’' | '‚' | '‛' => &['‘', '’', '‚', '‛', '\''],
        _ => return None,
    }))
}
