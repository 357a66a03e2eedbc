//! `docgen`: documentation written by the agent, one file a step.

use exai_prompts::actions;

use super::{Count, Flow, Spec, Words};

/// Writing of documentation.
pub static DOCGEN: Spec = Spec {
    name: "docgen",
    words: Words {
        pause: "pause_for_documentation_analysis",
        status_key: "documentation_analysis_status",
        required_key: "documentation_analysis_required",
        complete_keys: &["documentation_analysis_complete"],
        complete_object: "complete_documentation_analysis",
        skipped: "documentation_analysis_complete",
        skipped_expert: "",
    },
    first_step_needs_files: false,
    actions: actions::docgen,
    flow: Flow::Documentation,
    counts: &[Count::Field("num_files_documented", "0"), Count::Field("total_files_to_document", "0")],
    own_fields: &[
        "document_complexity",
        "document_flow",
        "update_existing",
        "comments_on_complex_logic",
        "num_files_documented",
        "total_files_to_document",
    ],
    after: "Tell the user which files were documented, and list every defect you came across without mending it.",
};
