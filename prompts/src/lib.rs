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
    /// Assessment of code as a whole; answers in one JSON object.
    Analyze,
    /// Free conversation; answers in Markdown.
    Chat,
    /// Review of given files; answers in one JSON object.
    CodeReview,
    /// One voice of several, blind to the others; answers in Markdown.
    Consensus,
    /// A second look of one voice at the others; answers in Markdown.
    ConsensusCritique,
    /// What several voices come to; answers in one JSON object.
    ConsensusSynthesis,
    /// Root cause of a fault; answers in one JSON object.
    Debug,
    /// Check of a change set; answers in one JSON object.
    Precommit,
    /// Opportunities to restructure; answers in one JSON object.
    Refactor,
    /// Audit of security; answers in one JSON object.
    SecAudit,
    /// Writing of tests; answers in one JSON object.
    TestGen,
    /// Deepening of a line of thought; answers in Markdown.
    ThinkDeep,
}

static TEMPLATES: LazyLock<[Template; 12]> = LazyLock::new(|| {
    [
        Template::parse(include_str!("../templates/analyze.md")),
        Template::parse(include_str!("../templates/chat.md")),
        Template::parse(include_str!("../templates/codereview.md")),
        Template::parse(include_str!("../templates/consensus.md")),
        Template::parse(include_str!("../templates/consensus_critique.md")),
        Template::parse(include_str!("../templates/consensus_synthesis.md")),
        Template::parse(include_str!("../templates/debug.md")),
        Template::parse(include_str!("../templates/precommit.md")),
        Template::parse(include_str!("../templates/refactor.md")),
        Template::parse(include_str!("../templates/secaudit.md")),
        Template::parse(include_str!("../templates/testgen.md")),
        Template::parse(include_str!("../templates/thinkdeep.md")),
    ]
});
static INSTRUCTIONS: LazyLock<Template> =
    LazyLock::new(|| Template::parse(include_str!("../templates/instructions.md")));

impl Prompt {
    /// Every prompt, in the order of their names.
    pub const ALL: [Self; 12] = [
        Self::Analyze,
        Self::Chat,
        Self::CodeReview,
        Self::Consensus,
        Self::ConsensusCritique,
        Self::ConsensusSynthesis,
        Self::Debug,
        Self::Precommit,
        Self::Refactor,
        Self::SecAudit,
        Self::TestGen,
        Self::ThinkDeep,
    ];

    /// The name of its template: the wire name of the tool that sends it, for all but the later rounds of a consensus.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Analyze => "analyze",
            Self::Chat => "chat",
            Self::CodeReview => "codereview",
            Self::Consensus => "consensus",
            Self::ConsensusCritique => "consensus_critique",
            Self::ConsensusSynthesis => "consensus_synthesis",
            Self::Debug => "debug",
            Self::Precommit => "precommit",
            Self::Refactor => "refactor",
            Self::SecAudit => "secaudit",
            Self::TestGen => "testgen",
            Self::ThinkDeep => "thinkdeep",
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
        &TEMPLATES[self as usize]
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

/// How the agent shows a finished trace, by `trace_mode`: `precision` or `dependencies`.
#[must_use]
pub fn tracer_rendering(mode: &str) -> &'static str {
    match mode {
        "dependencies" => {
            "Show a diagram around the target: what it uses and what uses it, then a table of dependencies."
        }
        _ => "Show the calls in order with file:line, branches and side effects.",
    }
}
