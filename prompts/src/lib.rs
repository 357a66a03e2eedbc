//! The words that are sent to models and clients, and nothing else: no I/O, no dependencies, no state.
//!
//! Every text is a Markdown file in `templates/` with a `version` header; this crate gives each of them a typed
//! door. [`Prompt`] holds the system prompts of the expert model, [`instructions`] what a client reads when it
//! connects, [`actions`] what the calling agent is asked to do between two steps, [`next_step`] the sentence
//! around those actions.

pub mod actions;
mod locale;
mod next_step;
mod template;
#[cfg(test)]
mod tests;

use std::sync::LazyLock;

pub use locale::is_locale;
pub use next_step::next_step;
use template::Template;

/// A system prompt of the expert model, one for each tool that consults it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Prompt {
    /// Free conversation; answers in Markdown.
    Chat,
    /// Review of given files; answers in one JSON object.
    CodeReview,
    /// Root cause of a fault; answers in one JSON object.
    Debug,
}

static CHAT: LazyLock<Template> = LazyLock::new(|| Template::parse(include_str!("../templates/chat.md")));
static CODEREVIEW: LazyLock<Template> =
    LazyLock::new(|| Template::parse(include_str!("../templates/codereview.md")));
static DEBUG: LazyLock<Template> = LazyLock::new(|| Template::parse(include_str!("../templates/debug.md")));
static INSTRUCTIONS: LazyLock<Template> =
    LazyLock::new(|| Template::parse(include_str!("../templates/instructions.md")));

impl Prompt {
    /// Every prompt, in the order of the tools' names.
    pub const ALL: [Self; 3] = [Self::Chat, Self::CodeReview, Self::Debug];

    /// The wire name of the tool that sends this prompt, and the name of its template.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Chat => "chat",
            Self::CodeReview => "codereview",
            Self::Debug => "debug",
        }
    }

    /// Version of the wording, from the template's header. It rises with every change of the text, so that an
    /// answer can be traced to the words that asked for it.
    #[must_use]
    pub fn version(self) -> u32 {
        self.template().version
    }

    /// The system message, without the template's header.
    ///
    /// `locale` is a language in any usual form (`fr-FR`, `Brazilian Portuguese`) and adds a last sentence that
    /// asks for it. One that is not a plain language name (see [`is_locale`]) adds nothing: a project's own
    /// configuration may set it, and must not be able to put orders into the system message.
    #[must_use]
    pub fn system(self, locale: Option<&str>) -> String {
        let text = &self.template().text;
        match locale.map(str::trim).filter(|name| is_locale(name)) {
            Some(name) => format!("{text}\n\nAlways answer in {name}."),
            None => text.clone(),
        }
    }

    fn template(self) -> &'static Template {
        match self {
            Self::Chat => &CHAT,
            Self::CodeReview => &CODEREVIEW,
            Self::Debug => &DEBUG,
        }
    }
}

/// The server instructions of the MCP handshake: when to call, when not to, and how the tools work together.
///
/// Under 2,048 bytes, because clients cut there; the first paragraph stands alone in 512 characters, because
/// some clients keep no more.
#[must_use]
pub fn instructions() -> &'static str {
    &INSTRUCTIONS.text
}
