//! The words that are sent to models and clients, and nothing else: no I/O, no state.
//!
//! Every text is a Markdown file in `templates/` with a `version` header; this crate gives each of them a typed
//! door. [`Prompt`] names the system prompts of the expert models and [`Wording`] holds their words, the built-in ones or a
//! user's own; [`instructions`] is what a client reads when it connects, [`mcp`] the prompts that it offers its user, [`actions`]
//! what the calling agent is asked to do between two steps, [`next_step()`] the sentence around those actions, [`question`]
//! the words around the material that a model is asked about, [`texts`] the answers of tools that ask no model.

pub mod actions;
mod locale;
pub mod mcp;
mod next_step;
mod prompt;
pub mod question;
mod template;
#[cfg(test)]
mod tests;
pub mod texts;
mod wording;

use std::sync::LazyLock;

pub use locale::is_locale;
pub use next_step::next_step;
pub use prompt::{FILES_REQUIRED, Prompt};
use template::Template;
pub use wording::{MAX_OVERRIDE_BYTES, Stance, Wording, WordingError};

static INSTRUCTIONS: LazyLock<Template> =
    LazyLock::new(|| Template::parse(include_str!("../templates/instructions.md")));

/// The server instructions of the MCP handshake: when to call, when not to, and how the tools work together.
///
/// Under 2,048 bytes, because clients cut there; the first paragraph stands alone in 512 characters, because
/// some clients keep no more.
#[must_use]
pub fn instructions() -> &'static str {
    &INSTRUCTIONS.text
}
