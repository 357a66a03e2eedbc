//! Rules for every language.

use exai_core::Severity;

use crate::rule::{Rule, View};

pub(super) const RULES: &[Rule] = &[
    Rule::new("todo", Severity::Info, r"^[ \t]*(?://+!?|#+|/?\*+|<!--)?[ \t]*(TODO\b)|\b(?:TODO)(?:\([^)\n]{0,40}\))?:")
        .view(View::Comments)
        .says(
            "Open TODO",
            "The author left work undone here; whether it matters for this change is yours to judge.",
            "Do it, or move it to the issue tracker with a link.",
        ),
    Rule::new(
        "fixme",
        Severity::Low,
        r"^[ \t]*(?://+!?|#+|/?\*+)?[ \t]*((?:FIXME|XXX|HACK)\b(?:[ \t:(]|$))|\b(?:FIXME|XXX|HACK)(?:\([^)\n]{0,40}\))?:",
    )
    .view(View::Comments)
    .says(
        "Known defect marked in a comment",
        "FIXME, XXX and HACK mark code that its author held to be wrong or fragile.",
        "Mend it, or say in the comment why it can stay and link the issue.",
    ),
    Rule::new("merge-conflict", Severity::High, r"^(?:<{7}|>{7}) \S").says(
        "Merge conflict marker",
        "An unresolved merge was left in the file; it does not compile or does not mean what either side meant.",
        "Resolve the conflict and remove the markers.",
    ),
];
