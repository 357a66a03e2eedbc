//! `tracer`: the agent traces a call flow or dependencies.

use exai_prompts::actions;

use super::{Count, Flow, Spec, Words};

/// Tracing in steps.
pub static TRACER: Spec = Spec {
    name: "tracer",
    words: Words {
        pause: "pause_for_tracing",
        status_key: "tracer_status",
        required_key: "tracer_required",
        complete_keys: &["tracer_complete", "tracing_complete"],
        complete_object: "trace_summary",
        skipped: "tracer_complete",
        skipped_expert: "",
    },
    first_step_needs_files: false,
    actions: actions::tracer,
    flow: Flow::Tracing,
    counts: &[Count::Trace],
    own_fields: &["trace_mode", "target_description"],
    after: "Present the trace to the user in the format that output.rendering_instructions describes.",
};
