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
        add(&mut self.errors, text);
    }

    /// Notes something odd.
    pub fn warn(&mut self, text: String) {
        add(&mut self.warnings, text);
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

/// What parsers call a kind of value, and what it is to a person.
const TYPES: [(&str, &str); 8] = [
    ("expected usize", "expected a whole number"),
    ("expected u64", "expected a whole number"),
    ("expected u32", "expected a whole number"),
    ("expected f64", "expected a number"),
    ("expected f32", "expected a number"),
    ("expected a boolean", "expected true or false"),
    ("expected a sequence", "expected a list"),
    ("expected a map", "expected a table"),
];

/// Once, and on one line: parsers tell of a mistake with the place drawn below it.
fn add(texts: &mut Vec<String>, text: String) {
    let text = TYPES.iter().fold(text, |text, (theirs, ours)| text.replace(theirs, ours));
    let lines: Vec<&str> = text.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    let line = lines.join("; ");
    if !texts.contains(&line) {
        texts.push(line);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_problem_is_one_line_once() {
        let mut problems = Problems::default();
        problems.error("file: wrong\n  expected a name\n".to_owned());
        problems.error("file: wrong; expected a name".to_owned());
        assert_eq!(problems.errors(), ["file: wrong; expected a name"]);
    }
}
