//! The answers of tools that ask no model, and the roles of other agents.

use crate::template::split_header;

fn body(file: &'static str) -> &'static str {
    split_header(file).1.trim()
}

/// What `challenge` gives the agent to think about: the statement in a frame that asks for judgement instead of agreement.
#[must_use]
pub fn challenge(statement: &str) -> String {
    body(include_str!("../templates/texts/challenge.md")).replace("{statement}", statement.trim())
}

/// How the agent looks an interface up.
#[must_use]
pub fn apilookup() -> &'static str {
    body(include_str!("../templates/texts/apilookup.md"))
}

/// What the model is told that picks the model for a call.
#[must_use]
pub fn route() -> &'static str {
    body(include_str!("../templates/texts/route.md"))
}

/// What a model is told that puts a review into the form of findings.
#[must_use]
pub fn reread() -> &'static str {
    body(include_str!("../templates/texts/reread.md"))
}

/// What a model is told whose answer is saved as files.
#[must_use]
pub fn write_files() -> &'static str {
    body(include_str!("../templates/texts/write_files.md"))
}

/// How a finished trace is shown, by `trace_mode`: `dependencies`, and everything else as `precision`.
#[must_use]
pub fn trace_rendering(mode: &str) -> &'static str {
    match mode {
        "dependencies" => body(include_str!("../templates/texts/trace_dependencies.md")),
        _ => body(include_str!("../templates/texts/trace_precision.md")),
    }
}

/// The roles of `clink` that need no configuration.
pub const ROLES: [&str; 3] = ["default", "planner", "codereviewer"];

/// What another agent is told about its role; `None` for a role that is not built in.
#[must_use]
pub fn role(name: &str) -> Option<&'static str> {
    Some(match name {
        "default" => body(include_str!("../templates/texts/clink_default.md")),
        "planner" => body(include_str!("../templates/texts/clink_planner.md")),
        "codereviewer" => body(include_str!("../templates/texts/clink_codereviewer.md")),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_statement_is_framed_once_and_whole() {
        let framed = challenge(" Isn't {statement} wrong? ");
        assert!(framed.ends_with("Statement:\nIsn't {statement} wrong?"), "{framed}");
    }

    #[test]
    fn every_role_has_words_and_forbids_changes() {
        for name in ROLES {
            assert!(role(name).unwrap().contains("hange nothing"), "{name}");
        }
        assert_eq!(role("admin"), None);
    }

    #[test]
    fn texts_keep_their_budgets() {
        assert!(apilookup().len() <= 1_500, "{}", apilookup().len());
        for mode in ["precision", "dependencies"] {
            assert!(trace_rendering(mode).len() <= 2_000, "{mode}");
        }
        assert_ne!(trace_rendering("precision"), trace_rendering("dependencies"));
    }
}
