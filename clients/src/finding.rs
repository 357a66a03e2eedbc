//! What was found, and how to fix it.

use serde_json::{Value, json};

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Weight {
    /// It works.
    Well,
    /// It may not work.
    Doubt,
    /// It does not work.
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
pub struct Finding {
    /// How bad it is.
    pub weight: Weight,
    what: String,
    fix: Option<String>,
}

impl Finding {
    /// Something that works.
    pub fn well(what: impl Into<String>) -> Self {
        Self { weight: Weight::Well, what: what.into(), fix: None }
    }

    /// Something that may not work, and what to do about it.
    pub fn doubt(what: impl Into<String>, fix: &str) -> Self {
        Self { weight: Weight::Doubt, what: what.into(), fix: Some(fix.to_owned()) }
    }

    /// Something that does not work, and what to do about it.
    pub fn error(what: impl Into<String>, fix: &str) -> Self {
        Self { weight: Weight::Error, what: what.into(), fix: Some(fix.to_owned()) }
    }

    /// Two lines for people: what, and what to do.
    pub fn lines(&self) -> String {
        let mut text = format!("  {:<8} {}\n", self.weight.word(), self.what);
        if let Some(fix) = &self.fix {
            text.push_str(&format!("  {:<8} {fix}\n", "->"));
        }
        text
    }

    /// An object of `level`, `what` and `mend`.
    pub fn json(&self) -> Value {
        json!({"level": self.weight.word(), "what": self.what, "mend": self.fix})
    }
}
