//! `secaudit`: an expert audits security.

use exai_prompts::{FILES_REQUIRED, Prompt, actions};

use super::{Count, ExpertRule, Flow, SkipRule, Spec, Words, asks};

/// Audit of security.
pub static SECAUDIT: Spec = Spec {
    name: "secaudit",
    words: Words {
        pause: "pause_for_security_audit",
        status_key: "security_audit_status",
        required_key: "secaudit_required",
        complete_keys: &["security_audit_complete"],
        complete_object: "complete_security_audit",
        skipped: "security_analysis_complete",
        skipped_expert: "skipped_due_to_certain_audit_confidence",
    },
    first_step_needs_files: false,
    actions: actions::secaudit,
    flow: Flow::Expert(ExpertRule {
        prompt: Prompt::SecAudit,
        skip: SkipRule::Confidence("certain"),
        min_findings: 2,
        inspects: true,
        promoted: &[asks(FILES_REQUIRED)],
    }),
    counts: &[Count::Severities("vulnerabilities_by_severity"), Count::Confidence("audit_confidence")],
    own_fields: &[
        "security_scope",
        "threat_level",
        "compliance_requirements",
        "audit_focus",
        "severity_filter",
        "diff",
        "compare_to",
    ],
    after: "Verify each vulnerability at its line before you mend it; critical and high ones first. Where citation is \
            absent or not_given, the quote was not found.",
};
