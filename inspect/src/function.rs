//! A function as it was found in a chunk.

/// A function definition.
#[derive(Debug, Clone)]
pub(super) struct Function {
    pub(super) name: String,
    /// Byte offset of its name or keyword.
    pub(super) start: usize,
    /// Byte offset of its end, or of the end of the chunk when it does not end there.
    pub(super) end: usize,
    /// First and last line in the file; the last one is unknown when it is not given.
    pub(super) line: u32,
    pub(super) end_line: Option<u32>,
    /// It is a test.
    pub(super) test: bool,
}

impl Function {
    /// How many lines it has, when its end is given.
    pub(super) fn lines(&self) -> Option<u32> {
        Some(self.end_line?.saturating_sub(self.line).saturating_add(1))
    }
}
