//! What is wrong with a configuration, all of it at once.

/// Mistakes (the value cannot be used) and warnings (it can).
#[derive(Debug, Default, Clone)]
pub struct Problems {
    errors: Vec<String>,
    warnings: Vec<String>,
}

impl Problems {
    /// Notes a value that cannot be used.
    pub fn error(&mut self, text: String) {
        self.errors.push(text);
    }

    /// Notes something odd.
    pub fn warn(&mut self, text: String) {
        self.warnings.push(text);
    }

    /// Values that cannot be used.
    #[must_use]
    pub fn errors(&self) -> &[String] {
        &self.errors
    }

    /// Oddities.
    #[must_use]
    pub fn warnings(&self) -> &[String] {
        &self.warnings
    }
}
