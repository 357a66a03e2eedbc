//! The fields that all workflow tools share.

use exai_core::{
    Severity,
    chat::Thinking,
    thread::{BACKTRACK, Issue},
};
use exai_engine::workflow::StepInput;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Map, Value};

/// Fields of every workflow tool that ends with an expert.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default)]
#[schemars(extend("required" = ["step"]))]
pub(crate) struct ExpertStep {
    /// What this step does; step 1 states the task.
    pub step: String,
    /// From 1; counted when left out.
    #[schemars(range(min = 1))]
    pub step_number: Option<u32>,
    /// Estimate; may change.
    #[schemars(range(min = 1))]
    pub total_steps: Option<u32>,
    /// false: done, ask the expert.
    pub next_step_required: Option<bool>,
    /// Evidence, with file:line.
    pub findings: String,
    /// Files looked at.
    pub files_checked: Vec<String>,
    /// Files or folders for the expert; path:10-40 for lines.
    pub relevant_files: Vec<String>,
    /// Functions and types that matter.
    pub relevant_context: Vec<String>,
    /// Issues found so far.
    pub issues_found: Vec<IssueArg>,
    /// How sure you are.
    #[schemars(extend("enum" = ["exploring", "low", "medium", "high", "very_high", "almost_certain", "certain"]))]
    pub confidence: Option<String>,
    /// Your present theory.
    pub hypothesis: Option<String>,
    /// Drops the steps from this one on; the work goes on from the step before it.
    #[schemars(range(min = 1))]
    pub backtrack_from_step: Option<u32>,
    /// false: no expert.
    pub use_assistant_model: Option<bool>,
    /// Model name; default: the server's choice.
    pub model: Option<String>,
    /// Sent only when set.
    #[schemars(range(min = 0.0, max = 2.0))]
    pub temperature: Option<f32>,
    /// Thinking effort.
    pub thinking_mode: Option<ThinkingMode>,
    /// Thread to continue, of any tool.
    pub continuation_id: Option<String>,
    /// Pictures for the expert: paths or data: URLs.
    pub images: Vec<String>,
    /// true: the expert may search the web, where its vendor offers that.
    pub use_websearch: bool,
    /// When the expert asks for files, add those under the allowed folders and ask once more.
    pub add_files: bool,
    /// A program reads the findings: when the answer is no list of them, its model is asked once more for that form.
    pub needs_findings: bool,
    /// Ask again although the same answer is cached.
    pub fresh: bool,
    /// If no model is available: the stored answer to the same question, however old.
    pub allow_stale: bool,
}

/// An issue that the agent reports.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default)]
#[schemars(description = "")]
pub(crate) struct IssueArg {
    #[schemars(extend("enum" = ["critical", "high", "medium", "low", "info"]))]
    pub severity: Option<String>,
    pub description: String,
    /// The kind of issue, for tools that sort by it.
    #[schemars(skip)]
    pub r#type: Option<String>,
}

/// The words of pal-mcp-server for thinking effort.
#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum ThinkingMode {
    Minimal,
    Low,
    Medium,
    High,
    Max,
}

impl From<ThinkingMode> for Thinking {
    fn from(mode: ThinkingMode) -> Self {
        match mode {
            ThinkingMode::Minimal => Self::Minimal,
            ThinkingMode::Low => Self::Low,
            ThinkingMode::Medium => Self::Medium,
            ThinkingMode::High => Self::High,
            ThinkingMode::Max => Self::Max,
        }
    }
}

/// Names of other servers for the common fields.
pub(crate) const ALIASES: &[(&str, &str)] =
    &[("absolute_file_paths", "relevant_files"), ("files", "relevant_files"), ("prompt", "step")];
/// Accepted, not published: fields that few calls need.
pub(crate) const RARE: &[&str] = &[
    "files_checked",
    "relevant_context",
    "backtrack_from_step",
    "use_assistant_model",
    "temperature",
    "images",
    "use_websearch",
    "add_files",
    "needs_findings",
    "fresh",
    "allow_stale",
];

impl ExpertStep {
    /// The engine's input with the tool's own fields.
    pub(crate) fn into_input(self, mut extra: Map<String, Value>) -> StepInput {
        if let Some(step) = self.backtrack_from_step {
            extra.insert(BACKTRACK.to_owned(), step.into());
        }
        StepInput {
            step: self.step,
            step_number: self.step_number,
            total_steps: self.total_steps,
            next_step_required: self.next_step_required,
            findings: self.findings,
            files_checked: self.files_checked,
            relevant_files: self.relevant_files,
            relevant_context: self.relevant_context,
            issues_found: self.issues_found.into_iter().filter_map(IssueArg::into_issue).collect(),
            confidence: self.confidence,
            hypothesis: self.hypothesis,
            extra,
            continuation_id: self.continuation_id,
            model: self.model,
            use_assistant_model: self.use_assistant_model.unwrap_or(true),
            temperature: self.temperature,
            thinking: self.thinking_mode.map(Thinking::from),
            images: self.images,
            web_search: self.use_websearch,
            add_files: self.add_files,
            needs_findings: self.needs_findings,
            fresh: self.fresh,
            allow_stale: self.allow_stale,
        }
    }
}

impl IssueArg {
    fn into_issue(self) -> Option<Issue> {
        let severity = self.severity.as_deref().and_then(Severity::parse).unwrap_or(Severity::Unknown);
        (!self.description.trim().is_empty()).then_some(Issue {
            severity,
            description: self.description,
            kind: self.r#type,
        })
    }
}

/// A tool's own fields as a map without empty ones.
pub(crate) fn own_fields(
    fields: impl IntoIterator<Item = (&'static str, Option<Value>)>,
) -> Map<String, Value> {
    fields.into_iter().filter_map(|(name, value)| value.map(|value| (name.to_owned(), value))).collect()
}

/// A list as the value of a tool's own field; nothing when it is empty.
pub(crate) fn list(values: Vec<String>) -> Option<Value> {
    (!values.is_empty()).then(|| values.into())
}
