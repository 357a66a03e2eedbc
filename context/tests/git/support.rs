//! Repositories made for a test.

use std::{
    path::{Path, PathBuf},
    process::Command,
    sync::Arc,
};

use exai_context::{
    files::{RootCandidate, RootOrigin, Roots},
    git::{ChangeQuery, ChangeSet, Changed, GitFailure, GitSettings, PackedChanges, pack},
};
use tokio_util::sync::CancellationToken;

/// The variables that git may see in these tests: the search path, and a home without configuration.
#[expect(clippy::disallowed_methods, reason = "git must be found where the test runs")]
pub(crate) fn settings(home: &Path) -> GitSettings {
    let path = std::env::var("PATH").expect("a search path");
    let environment = vec![("PATH".to_owned(), path), ("HOME".to_owned(), home.display().to_string())];
    GitSettings { environment, ..GitSettings::default() }
}

/// A folder with a repository in `work`, and a home beside it.
pub(crate) struct Place {
    _folder: tempfile::TempDir,
    pub(crate) base: PathBuf,
}

impl Place {
    /// An empty repository.
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let base = folder.path().canonicalize().unwrap();
        std::fs::create_dir_all(base.join("home")).unwrap();
        std::fs::create_dir_all(base.join("work")).unwrap();
        let place = Self { _folder: folder, base };
        place.git("work", &["init", "-q", "-b", "main"]);
        place
    }

    /// A repository with one commit of these files.
    pub(crate) fn with(files: &[(&str, &str)]) -> Self {
        let place = Self::new();
        for (name, text) in files {
            place.write(name, text);
        }
        place.commit("first");
        place
    }

    pub(crate) fn work(&self) -> PathBuf {
        self.base.join("work")
    }

    /// Runs git as its user would, without any hardening.
    pub(crate) fn git(&self, folder: &str, arguments: &[&str]) -> String {
        let output = self.try_git(folder, arguments);
        assert!(output.status.success(), "git {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8_lossy(&output.stdout).trim().to_owned()
    }

    pub(crate) fn try_git(&self, folder: &str, arguments: &[&str]) -> std::process::Output {
        let identity =
            ["-c", "user.name=T", "-c", "user.email=t@example.com", "-c", "protocol.file.allow=always"];
        Command::new("git")
            .args(identity)
            .args(arguments)
            .current_dir(self.base.join(folder))
            .env("HOME", self.base.join("home"))
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .output()
            .unwrap()
    }

    pub(crate) fn commit(&self, words: &str) {
        self.git("work", &["add", "-A"]);
        self.git("work", &["commit", "-q", "-m", words]);
    }

    pub(crate) fn write(&self, name: &str, text: impl AsRef<[u8]>) {
        let path = self.work().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    pub(crate) async fn changes(&self, query: ChangeQuery) -> Result<ChangeSet, GitFailure> {
        self.changes_below(&[self.work()], query).await
    }

    pub(crate) async fn changes_below(
        &self,
        roots: &[PathBuf],
        query: ChangeQuery,
    ) -> Result<ChangeSet, GitFailure> {
        self.changes_within(&settings(&self.base.join("home")), roots, query).await
    }

    pub(crate) async fn changes_within(
        &self,
        limits: &GitSettings,
        roots: &[PathBuf],
        query: ChangeQuery,
    ) -> Result<ChangeSet, GitFailure> {
        let candidates =
            roots.iter().map(|path| RootCandidate { path: path.clone(), origin: RootOrigin::Configured });
        let roots = Arc::new(Roots::resolve(candidates, Some(&self.base.join("home"))));
        ChangeSet::read(limits, &query, &roots, &CancellationToken::new()).await
    }

    /// All changes, packed into ample room.
    pub(crate) async fn packed(&self, query: ChangeQuery) -> PackedChanges {
        let set = self.changes(query).await.unwrap();
        pack(&set, 200_000, None).await.unwrap()
    }
}

/// The work tree as the only root.
pub(crate) fn roots(place: &Place) -> Arc<Roots> {
    let candidate = RootCandidate { path: place.work(), origin: RootOrigin::Configured };
    Arc::new(Roots::resolve([candidate], None))
}

/// Everything that is not committed.
pub(crate) fn all() -> ChangeQuery {
    ChangeQuery { path: None, compare_to: None, staged: true, unstaged: true }
}

pub(crate) fn staged() -> ChangeQuery {
    ChangeQuery { unstaged: false, ..all() }
}

pub(crate) fn unstaged() -> ChangeQuery {
    ChangeQuery { staged: false, ..all() }
}

pub(crate) fn against(revision: &str) -> ChangeQuery {
    ChangeQuery { compare_to: Some(revision.to_owned()), ..all() }
}

/// Status and path of every file, in words.
pub(crate) fn brief(set: &ChangeSet) -> Vec<String> {
    let counts = |file: &Changed| match (file.insertions, file.deletions) {
        (Some(added), Some(removed)) => format!(" +{added} -{removed}"),
        _ => String::new(),
    };
    set.files.iter().map(|file| format!("{:?} {}{}", file.status, file.path, counts(file))).collect()
}
