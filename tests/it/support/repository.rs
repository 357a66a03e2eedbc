//! The project as a git repository.

use std::process::Command;

use super::Setup;

impl Setup {
    /// Runs git in the project as its user would, and returns what it says.
    pub(crate) fn git(&self, arguments: &[&str]) -> String {
        let (success, said) = self.try_git(arguments);
        assert!(success, "git {arguments:?}: {said}");
        said
    }

    /// The same for a command that may fail, such as a merge with conflicts.
    pub(crate) fn try_git(&self, arguments: &[&str]) -> (bool, String) {
        let output = Command::new("git")
            .args(["-c", "user.name=T", "-c", "user.email=t@example.com"])
            .args(arguments)
            .current_dir(self.project.path())
            .env("HOME", self.home.path())
            .env("GIT_CONFIG_NOSYSTEM", "1")
            // A commit's name must not depend on when the test runs.
            .envs(["GIT_AUTHOR_DATE", "GIT_COMMITTER_DATE"].map(|name| (name, "2026-01-02T03:04:05Z")))
            .output()
            .expect("git can be started");
        let said = [output.stdout, output.stderr].concat();
        (output.status.success(), String::from_utf8_lossy(&said).trim().to_owned())
    }

    /// Makes the project a repository whose only commit holds the files that are there.
    pub(crate) fn repository(&self) {
        self.git(&["init", "-q", "-b", "main"]);
        self.commit("first");
    }

    /// Commits everything.
    pub(crate) fn commit(&self, words: &str) {
        self.git(&["add", "-A"]);
        self.git(&["commit", "-q", "-m", words]);
    }
}
