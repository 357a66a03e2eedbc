//! What every format's decoder does: events or a whole reply go in, deltas come out. No input or output.

use std::collections::VecDeque;

use exai_core::{chat::Delta, provider::ProviderError};
use serde_json::Value;

use super::accumulator::{Accumulator, End};
use crate::origin::Origin;

/// Maps the events of one answer onto its accumulator.
pub(crate) trait Decode: Send + 'static {
    /// What is known of the answer so far.
    fn answer(&self) -> &Accumulator;

    /// The same, for what comes in.
    fn answer_mut(&mut self) -> &mut Accumulator;

    /// Reads one object of this format, whose stream may have named it and which was found to report no failure; true when it was the
    /// last.
    ///
    /// # Errors
    /// The event reports a failure.
    fn value(
        &mut self,
        name: Option<&str>,
        value: &Value,
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

    /// Who is asked, for failures.
    fn origin(&self) -> &Origin {
        self.answer().origin()
    }

    /// Whether the vendor already said why the answer ended; only token counts can follow.
    fn has_finish(&self) -> bool {
        self.answer().has_finish()
    }

    /// Reads one event as it came; true when it was the last.
    ///
    /// # Errors
    /// The event reports a failure, or is broken.
    fn event(
        &mut self,
        name: Option<&str>,
        data: &str,
        out: &mut VecDeque<Delta>,
    ) -> Result<bool, ProviderError> {
        let event = self.answer_mut().event(name, data)?;
        for value in &event.values {
            if self.value(name, value, out)? {
                return Ok(true);
            }
        }
        Ok(event.is_last)
    }
}
