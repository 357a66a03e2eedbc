//! The tools there are, by what a client is shown.

/// The smallest profile.
pub(crate) const LITE: [&str; 4] = ["chat", "codereview", "consensus", "listmodels"];
/// What clients are shown when nothing is said.
pub(crate) const STANDARD: [&str; 18] = [
    "analyze",
    "challenge",
    "chat",
    "codereview",
    "consensus",
    "debug",
    "docgen",
    "listmodels",
    "planner",
    "precommit",
    "refactor",
    "secaudit",
    "status",
    "testgen",
    "thinkdeep",
    "threads",
    "tracer",
    "version",
];
/// Everything.
pub(crate) const FULL: [&str; 24] = [
    "activity",
    "analyze",
    "apilookup",
    "challenge",
    "chat",
    "clink",
    "codereview",
    "consensus",
    "debug",
    "docgen",
    "listmodels",
    "payload_preview",
    "planner",
    "precommit",
    "refactor",
    "route",
    "secaudit",
    "status",
    "testgen",
    "thinkdeep",
    "threads",
    "tracer",
    "usage",
    "version",
];
