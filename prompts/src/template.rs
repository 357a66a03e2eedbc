//! How a template file becomes text: its header is read and cut off, and shared fragments take their place.

/// Fragments that several prompts have in common, by the name used in `{{name}}`.
pub(crate) const SHARED: [(&str, &str); 6] = [
    ("conduct", include_str!("../templates/shared/conduct.md")),
    ("evidence", include_str!("../templates/shared/evidence.md")),
    ("json_object", include_str!("../templates/shared/json_object.md")),
    ("more_files", include_str!("../templates/shared/more_files.md")),
    ("severity", include_str!("../templates/shared/severity.md")),
    ("untrusted", include_str!("../templates/shared/untrusted.md")),
];

/// A text that is ready to be sent.
#[derive(Debug)]
pub(crate) struct Template {
    /// From the header; 0 when the file has none, which the tests of this crate rule out.
    pub(crate) version: u32,
    /// The body with its fragments filled in, without surrounding blank lines.
    pub(crate) text: String,
}

impl Template {
    /// Reads a template file. A line that holds only `{{name}}` is replaced by that fragment; an unknown name
    /// stays as it is.
    pub(crate) fn parse(file: &str) -> Self {
        let (version, body) = split_header(file);
        let lines: Vec<&str> = body.lines().map(|line| fragment(line).unwrap_or(line)).collect();
        Self { version, text: lines.join("\n").trim().to_owned() }
    }

    /// The names of the fragments that there are.
    pub(crate) fn fragments() -> impl Iterator<Item = &'static str> {
        SHARED.iter().map(|(name, _)| *name)
    }

    /// The names that stayed in the text because there is no such fragment.
    pub(crate) fn unknown_fragments(&self) -> impl Iterator<Item = &str> {
        self.text.lines().filter_map(|line| line.strip_prefix("{{")?.strip_suffix("}}"))
    }
}

/// Splits `---`, `version: N`, `---` from what follows; `(0, file)` when the file does not start that way.
pub(crate) fn split_header(file: &str) -> (u32, &str) {
    header(file).unwrap_or((0, file))
}

fn header(file: &str) -> Option<(u32, &str)> {
    let (fields, body) = file.strip_prefix("---\n")?.split_once("\n---\n")?;
    let version = fields.lines().find_map(|line| line.strip_prefix("version:"))?;
    Some((version.trim().parse().ok()?, body))
}

/// Puts the values of `slots` where a text says `{name}`, reading it once: what a value holds is never taken for a slot. A name
/// without a value stays as it is.
pub(crate) fn fill(text: &str, slots: &[(&str, &str)]) -> String {
    let mut filled =
        String::with_capacity(text.len() + slots.iter().map(|(_, value)| value.len()).sum::<usize>());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('{') {
        filled.push_str(before);
        let slot = after.split_once('}').and_then(|(name, left)| {
            slots.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value, left))
        });
        match slot {
            Some((value, left)) => {
                filled.push_str(value);
                rest = left;
            }
            None => {
                filled.push('{');
                rest = after;
            }
        }
    }
    filled.push_str(rest);
    filled
}

fn fragment(line: &str) -> Option<&'static str> {
    let name = line.strip_prefix("{{")?.strip_suffix("}}")?;
    SHARED.iter().find(|(known, _)| *known == name).map(|(_, file)| split_header(file).1.trim())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_header_is_read_and_cut_off() {
        assert_eq!(split_header("---\nversion: 12\n---\nBody\n"), (12, "Body\n"));
    }

    /// A file without a usable header is all body and version zero.
    #[test]
    fn without_a_header_all_is_body() {
        for file in ["Body", "---\nversion: x\n---\nBody", "---\nname: a\n---\nBody", "---\nversion: 1\nBody"]
        {
            assert_eq!(split_header(file), (0, file));
        }
    }

    #[test]
    fn a_fragment_replaces_its_line_only() {
        let parsed =
            Template::parse("---\nversion: 1\n---\n\nBefore {{evidence}}\n{{evidence}}\n{{nothing}}\n");
        assert!(parsed.text.starts_with("Before {{evidence}}\n## What counts as evidence\n"));
        assert!(parsed.text.ends_with("\n{{nothing}}"));
        assert!(!parsed.text.contains("version:"));
    }
}
