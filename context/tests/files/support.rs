//! A project in a temporary folder, and short ways to pack it.

use std::path::{Path, PathBuf};

use exai_context::evidence::{EvidenceFile, FileReport, FileStatus};
use exai_context::files::{
    Budget, Limits, Origin, Packed, RootCandidate, RootOrigin, Roots, Wanted, estimate_tokens, pack,
};

pub(crate) const PLENTY: Budget = Budget { total_tokens: 1_000_000, per_file_tokens: 1_000_000 };

pub(crate) fn budget(total_tokens: u32) -> Budget {
    Budget { total_tokens, per_file_tokens: total_tokens }
}

/// `project` is the root; its sibling `outside` is not.
pub(crate) struct Project {
    _dir: tempfile::TempDir,
    pub(crate) base: PathBuf,
}

impl Project {
    pub(crate) fn new() -> Self {
        let dir = tempfile::Builder::new().prefix("exai").tempdir().unwrap();
        let base = dir.path().canonicalize().unwrap();
        std::fs::create_dir(base.join("project")).unwrap();
        std::fs::create_dir(base.join("outside")).unwrap();
        std::fs::write(base.join("outside/secret.txt"), "secret").unwrap();
        Self { _dir: dir, base }
    }

    pub(crate) fn with(files: &[(&str, &str)]) -> Self {
        let project = Self::new();
        for (path, content) in files {
            project.write(path, content);
        }
        project
    }

    pub(crate) fn path(&self, relative: &str) -> PathBuf {
        self.base.join("project").join(relative)
    }

    pub(crate) fn write(&self, relative: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(relative);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, content).unwrap();
        path
    }

    pub(crate) fn roots(&self) -> Roots {
        roots(&[&self.base.join("project")])
    }

    pub(crate) fn pack(&self, paths: &[&str]) -> Packed {
        self.pack_into(paths, PLENTY)
    }

    pub(crate) fn pack_into(&self, paths: &[&str], budget: Budget) -> Packed {
        pack(&self.roots(), &calls(paths), budget, &Limits::default())
    }
}

pub(crate) fn roots(paths: &[&Path]) -> Roots {
    let candidate = |path: &&Path| RootCandidate { path: path.to_path_buf(), origin: RootOrigin::Configured };
    Roots::resolve(paths.iter().map(candidate), None)
}

pub(crate) fn calls(paths: &[&str]) -> Vec<Wanted> {
    paths.iter().map(|path| Wanted { path: (*path).to_owned(), from: Origin::Call }).collect()
}

pub(crate) fn earlier(path: &str, hash: Option<&str>) -> Wanted {
    Wanted { path: path.to_owned(), from: Origin::Earlier { hash: hash.map(str::to_owned) } }
}

/// `path status` of every line of the report.
pub(crate) fn statuses(packed: &Packed) -> Vec<String> {
    packed.report.iter().map(|line| format!("{} {:?}", line.path, line.status)).collect()
}

pub(crate) fn only(packed: &Packed) -> &FileReport {
    assert_eq!(packed.report.len(), 1, "{:?}", packed.report);
    &packed.report[0]
}

pub(crate) fn reason(packed: &Packed) -> &str {
    only(packed).reason.as_deref().unwrap_or_default()
}

pub(crate) fn text(file: &EvidenceFile) -> String {
    file.segments.iter().map(|segment| segment.text.as_str()).collect()
}

/// What must hold of every result.
pub(crate) fn check(packed: &Packed, budget: Budget) {
    let mut paths: Vec<&str> = packed.report.iter().map(|line| line.path.as_str()).collect();
    paths.sort_unstable();
    let offered = paths.len();
    paths.dedup();
    assert_eq!(paths.len(), offered, "each offered file is reported once");
    assert!(packed.tokens <= budget.total_tokens);
    assert_eq!(packed.report.iter().map(|line| line.tokens).sum::<u32>(), packed.tokens);
    let given: Vec<&str> = packed
        .report
        .iter()
        .filter(|line| matches!(line.status, FileStatus::Included | FileStatus::Excerpted))
        .map(|line| line.path.as_str())
        .collect();
    assert_eq!(given, packed.files.iter().map(|file| file.path.as_str()).collect::<Vec<_>>());
    for line in &packed.report {
        assert!(line.tokens <= budget.per_file_tokens);
        assert_eq!(line.tokens > 0, given.contains(&line.path.as_str()));
        assert!(line.status == FileStatus::Included || line.reason.is_some(), "{line:?}");
    }
    for file in &packed.files {
        let mut next = 1;
        for segment in &file.segments {
            assert!(segment.first_line >= next && !segment.text.is_empty());
            next = segment.first_line + u32::try_from(segment.text.lines().count()).unwrap();
        }
        assert!(next <= file.lines + 1);
    }
    let mut prompt = String::new();
    exai_context::files::render(&packed.files, "0123456789abcdef", &mut prompt);
    assert!(
        estimate_tokens(&prompt) <= packed.tokens + packed.tokens / 4 + 200,
        "the count covers what is rendered"
    );
}
