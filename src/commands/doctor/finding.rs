//! What was found, and how to fix it.

use serde_json::{Value, json};

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Weight {
    Well,
    Doubt,
    Error,
}

impl Weight {
    fn word(self) -> &'static str {
        match self {
            Self::Well => "ok",
            Self::Doubt => "warning",
            Self::Error => "error",
        }
    }
}

/// One thing that was found.
#[derive(Debug, Clone)]
pub(super) struct Finding {
    pub(super) weight: Weight,
    what: String,
    fix: Option<String>,
}

impl Finding {
    pub(super) fn well(what: impl Into<String>) -> Self {
        Self { weight: Weight::Well, what: what.into(), fix: None }
    }

    pub(super) fn doubt(what: impl Into<String>, fix: &str) -> Self {
        Self { weight: Weight::Doubt, what: what.into(), fix: Some(fix.to_owned()) }
    }

    pub(super) fn error(what: impl Into<String>, fix: &str) -> Self {
        Self { weight: Weight::Error, what: what.into(), fix: Some(fix.to_owned()) }
    }

    /// Two lines for people: what, and what to do.
    pub(super) fn lines(&self) -> String {
        let mut text = format!("  {:<8} {}\n", self.weight.word(), self.what);
        if let Some(fix) = &self.fix {
            text.push_str(&format!("  {:<8} {fix}\n", "->"));
        }
        text
    }

    pub(super) fn json(&self) -> Value {
        json!({"level": self.weight.word(), "what": self.what, "mend": self.fix})
    }
}
