//! The system prompts by name, and what each of them must say.

use std::sync::LazyLock;

use crate::template::Template;

/// A system prompt of an expert model.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
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

/// The status with which every expert may ask for files instead of answering.
pub const FILES_REQUIRED: &str = "files_required_to_continue";

macro_rules! built_in {
    ($file:literal) => {{
        static TEMPLATE: LazyLock<Template> = LazyLock::new(|| Template::parse(include_str!($file)));
        &TEMPLATE
    }};
}

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

    /// The statuses that the server acts on, or that its answer ends with. A wording that does not name them gets answers which
    /// nobody can read.
    #[must_use]
    pub const fn statuses(self) -> &'static [&'static str] {
        match self {
            Self::Analyze => &[FILES_REQUIRED, "full_codereview_required", "analysis_complete"],
            Self::Chat => &[FILES_REQUIRED],
            Self::CodeReview => &[FILES_REQUIRED, "focused_review_required", "code_review_complete"],
            Self::Consensus => &[FILES_REQUIRED],
            Self::ConsensusCritique => &[FILES_REQUIRED],
            Self::ConsensusSynthesis => &[FILES_REQUIRED, "synthesis_complete"],
            Self::Debug => &[FILES_REQUIRED, "no_bug_found", "analysis_complete"],
            Self::Precommit => &[FILES_REQUIRED, "focused_review_required", "validation_complete"],
            Self::Refactor => &[
                FILES_REQUIRED,
                "focused_review_required",
                "more_refactor_required",
                "refactor_analysis_complete",
            ],
            Self::SecAudit => &[FILES_REQUIRED, "security_analysis_complete"],
            Self::TestGen => {
                &[FILES_REQUIRED, "test_sample_needed", "more_tests_required", "test_generation_complete"]
            }
            Self::ThinkDeep => &[FILES_REQUIRED],
        }
    }

    /// Whether the answer is one JSON object; Markdown otherwise.
    #[must_use]
    pub const fn answers_in_json(self) -> bool {
        !matches!(self, Self::Chat | Self::Consensus | Self::ConsensusCritique | Self::ThinkDeep)
    }

    /// The built-in wording.
    pub(crate) fn template(self) -> &'static Template {
        match self {
            Self::Analyze => built_in!("../templates/analyze.md"),
            Self::Chat => built_in!("../templates/chat.md"),
            Self::CodeReview => built_in!("../templates/codereview.md"),
            Self::Consensus => built_in!("../templates/consensus.md"),
            Self::ConsensusCritique => built_in!("../templates/consensus_critique.md"),
            Self::ConsensusSynthesis => built_in!("../templates/consensus_synthesis.md"),
            Self::Debug => built_in!("../templates/debug.md"),
            Self::Precommit => built_in!("../templates/precommit.md"),
            Self::Refactor => built_in!("../templates/refactor.md"),
            Self::SecAudit => built_in!("../templates/secaudit.md"),
            Self::TestGen => built_in!("../templates/testgen.md"),
            Self::ThinkDeep => built_in!("../templates/thinkdeep.md"),
        }
    }
}
