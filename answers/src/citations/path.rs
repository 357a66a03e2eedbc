//! Which given file a model means by a path.

use exai_context::evidence::EvidenceFile;

/// A given file that a path names.
#[derive(Debug, Clone, Copy)]
pub(super) enum Match<'e> {
    /// The path can mean no other given file and is not longer than the file's own.
    Sure(&'e EvidenceFile),
    /// The path only ends with the file's path, so it may mean a file elsewhere.
    Likely(&'e EvidenceFile),
}

impl<'e> Match<'e> {
    pub(super) fn file(self) -> &'e EvidenceFile {
        match self {
            Self::Sure(file) | Self::Likely(file) => file,
        }
    }
}

/// The file that `path` names: by its own path, by its absolute path, or as the only one whose path ends like it.
pub(super) fn resolve<'e>(path: &str, evidence: &'e [EvidenceFile]) -> Option<Match<'e>> {
    let path = path.trim().trim_matches(['`', '"', '\'']);
    if let Some(file) = evidence.iter().find(|file| file.path == path) {
        return Some(Match::Sure(file));
    }
    let wanted = components(path);
    if wanted.is_empty() {
        return None;
    }
    if let Some(file) = named(&wanted, evidence) {
        return Some(Match::Sure(file));
    }
    // Paths of a diff carry the side as their first component. A bare name is too little to drop it.
    if let Some((&("a" | "b"), rest)) = wanted.split_first()
        && let Some(file) = if rest.len() > 1 { named(rest, evidence) } else { exactly(rest, evidence) }
    {
        return Some(Match::Sure(file));
    }
    ends_with_own_path(&wanted, evidence).map(Match::Likely)
}

/// The file of exactly this path, else the only one whose path ends with it.
fn named<'e>(wanted: &[&str], evidence: &'e [EvidenceFile]) -> Option<&'e EvidenceFile> {
    let ends =
        |file: &&EvidenceFile| components(&file.path).ends_with(wanted) || absolute(file).ends_with(wanted);
    exactly(wanted, evidence).or_else(|| only(evidence.iter().filter(ends)))
}

fn exactly<'e>(wanted: &[&str], evidence: &'e [EvidenceFile]) -> Option<&'e EvidenceFile> {
    only(evidence.iter().filter(|file| components(&file.path) == wanted || absolute(file) == wanted))
}

/// The file with the longest path that the wanted one ends with.
fn ends_with_own_path<'e>(wanted: &[&str], evidence: &'e [EvidenceFile]) -> Option<&'e EvidenceFile> {
    let fit = |file: &EvidenceFile| {
        let own = components(&file.path);
        (!own.is_empty() && wanted.ends_with(&own)).then_some(own.len())
    };
    let longest = evidence.iter().filter_map(fit).max()?;
    only(evidence.iter().filter(|file| fit(file) == Some(longest)))
}

fn only<'e>(mut files: impl Iterator<Item = &'e EvidenceFile>) -> Option<&'e EvidenceFile> {
    let first = files.next()?;
    files.all(|other| other.absolute == first.absolute && other.path == first.path).then_some(first)
}

fn absolute(file: &EvidenceFile) -> Vec<&str> {
    file.absolute.to_str().map(components).unwrap_or_default()
}

/// The names in a path; `.` and empty ones say nothing.
fn components(path: &str) -> Vec<&str> {
    let path = path.strip_prefix("file://").unwrap_or(path);
    path.split(['/', '\\']).filter(|name| !name.is_empty() && *name != ".").collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(path: &str, absolute: &str) -> EvidenceFile {
        EvidenceFile {
            path: path.into(),
            absolute: absolute.into(),
            hash: String::new(),
            bytes: 0,
            lines: 0,
            segments: Vec::new(),
            removed: Vec::new(),
        }
    }

    #[test]
    fn a_path_finds_the_file_it_means() {
        let evidence = [
            file("src/a.rs", "/home/u/proj/src/a.rs"),
            file("src/net/mod.rs", "/home/u/proj/src/net/mod.rs"),
            file("src/db/mod.rs", "/home/u/proj/src/db/mod.rs"),
            file("b/only.rs", "/home/u/proj/b/only.rs"),
            file("lib.rs", "/home/u/proj/lib.rs"),
            file("a.rs", "/home/u/proj/a.rs"),
        ];
        let table = [
            ("src/a.rs", Some(("src/a.rs", true))),
            ("./src/a.rs", Some(("src/a.rs", true))),
            ("`src/a.rs`", Some(("src/a.rs", true))),
            ("src\\a.rs", Some(("src/a.rs", true))),
            ("a/src/a.rs", Some(("src/a.rs", true))),
            ("b/src/net/mod.rs", Some(("src/net/mod.rs", true))),
            ("proj/src/a.rs", Some(("src/a.rs", true))),
            ("/home/u/proj/src/a.rs", Some(("src/a.rs", true))),
            ("file:///home/u/proj/lib.rs", Some(("lib.rs", true))),
            ("only.rs", Some(("b/only.rs", true))),
            ("b/only.rs", Some(("b/only.rs", true))),
            ("net/mod.rs", Some(("src/net/mod.rs", true))),
            ("mod.rs", None),
            ("a.rs", Some(("a.rs", true))),
            ("/container/src/a.rs", Some(("src/a.rs", false))),
            ("other/src/lib.rs", Some(("lib.rs", false))),
            ("rc/a.rs", Some(("a.rs", false))),
            ("unknown.rs", None),
            ("", None),
            ("/", None),
        ];
        for (path, expected) in table {
            let found = resolve(path, &evidence);
            let got = found.map(|found| (found.file().path.as_str(), matches!(found, Match::Sure(_))));
            assert_eq!(got, expected, "{path}");
        }
    }
}
