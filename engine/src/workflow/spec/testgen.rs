//! `testgen`: an expert writes tests.

use exai_prompts::{FILES_REQUIRED, Prompt, actions};

use super::{Count, ExpertRule, Flow, SkipRule, Spec, Words, answers, asks};

/// Writing of tests.
pub static TESTGEN: Spec = Spec {
    name: "testgen",
    words: Words {
        pause: "pause_for_test_analysis",
        status_key: "test_generation_status",
        required_key: "testgen_required",
        complete_keys: &["test_generation_complete"],
        complete_object: "complete_test_generation",
        skipped: "test_generation_complete_ready_for_implementation",
        skipped_expert: "skipped_due_to_certain_test_confidence",
    },
    first_step_needs_files: true,
    actions: actions::testgen,
    flow: Flow::Expert(ExpertRule {
        prompt: Prompt::TestGen,
        skip: SkipRule::Confidence("certain"),
        min_findings: 1,
        inspects: true,
        promoted: &[asks(FILES_REQUIRED), asks("test_sample_needed"), answers("more_tests_required")],
    }),
    counts: &[Count::Elements("test_scenarios_identified"), Count::Confidence("analysis_confidence")],
    own_fields: &[],
    after: "Write the tests into the project, run them, and make sure that each can fail: break the code once and see it red.",
};
