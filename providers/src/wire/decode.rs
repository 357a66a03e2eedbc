//! What every format's decoder does: events or a whole reply go in, deltas come out. No input or output.

use std::collections::VecDeque;

use exai_core::{chat::Delta, provider::ProviderError};
use serde_json::Value;

use crate::origin::Origin;

/// Turns the events of one answer into deltas.
pub(crate) trait Decode: Send + 'static {
    /// Who is asked, for failures.
    fn origin(&self) -> &Origin;

    /// Whether the vendor already said why the answer ended; only token counts can follow.
    fn has_finish(&self) -> bool;

    /// Reads one event; true when it was the last.
    ///
    /// # Errors
    /// The event reports a failure, or is broken.
    fn event(
        &mut self,
        name: Option<&str>,
        data: &str,
        out: &mut VecDeque<Delta>,
    ) -> Result<bool, ProviderError>;

    /// Reads a reply that was not streamed although it was asked to be.
    ///
    /// # Errors
    /// The reply reports a failure.
    fn whole(&mut self, reply: &Value, out: &mut VecDeque<Delta>) -> Result<(), ProviderError>;

    /// Closes the answer.
    ///
    /// # Errors
    /// There was none.
    fn end(&mut self, end: End, out: &mut VecDeque<Delta>) -> Result<(), ProviderError>;
}

/// How the bytes ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    /// The vendor said that this is all.
    Said,
    /// The connection ended or broke.
    Silent,
}
