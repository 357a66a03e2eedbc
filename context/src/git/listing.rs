//! The list of changed files, as git prints it with `--raw --numstat -z`.

use std::{collections::HashMap, ffi::OsString};

use super::os_path::path_of;

/// What git prints of the two sides of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Sides {
    pub(super) old: String,
    pub(super) new: String,
}

/// One changed file as git lists it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ListedFile {
    /// The path from the top of the work tree.
    pub(super) path: OsString,
    /// The path before a rename, or what was copied.
    pub(super) from: Option<OsString>,
    /// `A`, `C`, `D`, `M`, `R`, `T` or `U`.
    pub(super) letter: u8,
    /// Modes as git prints them; `000000` where there is no file.
    pub(super) modes: Sides,
    /// Object names; zeros where git did not compute one.
    pub(super) objects: Sides,
    /// Lines added and removed; `None` for a binary file.
    pub(super) lines: Option<(u32, u32)>,
    /// Whether git compared the contents. It lists what was merely touched without comparing it.
    pub(super) counted: bool,
}

/// The mode of a submodule.
pub(super) const SUBMODULE: &str = "160000";

impl ListedFile {
    /// Whether the file was only touched: nothing of it differs.
    fn is_untouched(&self) -> bool {
        self.letter == b'M'
            && self.modes.old == self.modes.new
            && self.modes.new != SUBMODULE
            && (!self.counted || self.lines == Some((0, 0)))
    }
}

/// Reads the output of `git diff --raw --numstat -z`. What cannot be read is passed over.
pub(super) fn parse(output: &[u8]) -> Vec<ListedFile> {
    let mut fields = output.split(|byte| *byte == 0);
    let mut entries: Vec<ListedFile> = Vec::new();
    let mut counts: HashMap<OsString, Option<(u32, u32)>> = HashMap::new();
    while let Some(field) = fields.next() {
        if let Some(head) = field.strip_prefix(b":") {
            let head = String::from_utf8_lossy(head);
            let words: Vec<&str> = head.split(' ').collect();
            let [old_mode, new_mode, old, new, status] = words.as_slice() else { continue };
            let letter = status.bytes().next().unwrap_or(b'M');
            let Some(first) = fields.next().map(path_of) else { break };
            let second = if matches!(letter, b'R' | b'C') { fields.next().map(path_of) } else { None };
            let (path, from) = match second {
                Some(path) => (path, Some(first)),
                None => (first, None),
            };
            entries.push(ListedFile {
                path,
                from,
                letter,
                modes: Sides { old: (*old_mode).to_owned(), new: (*new_mode).to_owned() },
                objects: Sides { old: (*old).to_owned(), new: (*new).to_owned() },
                lines: None,
                counted: false,
            });
        } else if !field.is_empty() {
            let mut parts = field.splitn(3, |byte| *byte == b'\t');
            let (Some(added), Some(removed), Some(path)) = (parts.next(), parts.next(), parts.next()) else {
                continue;
            };
            // A rename has an empty path here and both paths after it.
            let path = if path.is_empty() { fields.nth(1).unwrap_or_default() } else { path };
            counts.insert(path_of(path), number(added).zip(number(removed)));
        }
    }
    for entry in &mut entries {
        if let Some(lines) = counts.get(&entry.path) {
            entry.lines = *lines;
            entry.counted = true;
        }
    }
    entries.retain(|entry| !entry.is_untouched());
    entries
}

fn number(digits: &[u8]) -> Option<u32> {
    std::str::from_utf8(digits).ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const ZERO: &str = "0000000000000000000000000000000000000000";

    #[test]
    fn a_list_is_read_with_its_counts() {
        let text = format!(
            ":100644 100644 aa {ZERO} M\0src/a.rs\0:100644 100644 bb bb R100\0old.rs\0new.rs\0:100644 000000 cc {ZERO} D\0gone.bin\0\
             :100644 100644 dd {ZERO} M\0touched\03\t1\tsrc/a.rs\00\t0\t\0old.rs\0new.rs\0-\t-\tgone.bin\0"
        );
        let entries = parse(text.as_bytes());
        let brief: Vec<_> = entries
            .iter()
            .map(|entry| (entry.path.to_string_lossy().into_owned(), entry.letter as char, entry.lines))
            .collect();
        assert_eq!(
            brief,
            [
                ("src/a.rs".to_owned(), 'M', Some((3, 1))),
                ("new.rs".to_owned(), 'R', Some((0, 0))),
                ("gone.bin".to_owned(), 'D', None)
            ]
        );
        assert_eq!(entries[1].from.as_deref(), Some(std::ffi::OsStr::new("old.rs")));
    }

    proptest! {
        #[test]
        fn no_output_breaks_the_reader(bytes in proptest::collection::vec(any::<u8>(), 0..300), text in "[:0-9 \\t\\x00MRa./-]{0,200}") {
            parse(&bytes);
            parse(text.as_bytes());
        }
    }
}
