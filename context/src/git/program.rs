//! The git executable: where it is, what it gets to see, and how long it may run.

use std::{
    ffi::{OsStr, OsString},
    path::{Path, PathBuf},
    process::Stdio,
};

use tokio::{io::AsyncWriteExt as _, process::Command, time::timeout};
use tokio_util::sync::CancellationToken;

use super::{failure::GitFailure, settings::GitSettings};
use exai_core::process::{self, Running, read_at_most};

/// The oldest release with all that is relied on: configuration by `GIT_CONFIG_COUNT` and absolute paths of `rev-parse`.
const OLDEST: (u32, u32) = (2, 31);

/// What git says about a failure is cut here.
const MAX_COMPLAINT: u64 = 16 * 1024;

/// Variables that git always gets. Nothing else of the process environment reaches it but what the settings name, so no
/// `GIT_DIR`, `GIT_EXTERNAL_DIFF` or the like of a caller changes what it reads or starts.
const VARIABLES: &[(&str, &str)] = &[
    // Texts that are matched on, and no lock for refreshing an index.
    ("LC_ALL", "C"),
    ("GIT_OPTIONAL_LOCKS", "0"),
    ("GIT_TERMINAL_PROMPT", "0"),
    ("GIT_PAGER", "cat"),
    // A partial clone must not fetch what is missing: the address and the transport are the repository's own words.
    ("GIT_NO_LAZY_FETCH", "1"),
    ("GIT_ALLOW_PROTOCOL", "none"),
    ("GIT_NO_REPLACE_OBJECTS", "1"),
    // A path is a path, whatever signs are in it.
    ("GIT_LITERAL_PATHSPECS", "1"),
];

/// Configuration that outranks the repository's: programs it could name, and what would change the output.
const CONFIGURATION: &[(&str, &str)] = &[
    ("core.fsmonitor", "false"),
    ("core.hooksPath", "/dev/null"),
    ("core.pager", "cat"),
    ("core.askPass", ""),
    ("core.sshCommand", "false"),
    ("core.gitProxy", "false"),
    ("core.alternateRefsCommand", "false"),
    // A larger file is compared as a binary one, without being read whole.
    ("core.bigFileThreshold", "512m"),
    ("core.quotePath", "false"),
    ("credential.helper", ""),
    ("protocol.allow", "never"),
    ("safe.bareRepository", "explicit"),
    ("submodule.recurse", "false"),
    ("gc.auto", "0"),
    ("maintenance.auto", "false"),
    // Refreshing the index would write it.
    ("diff.autoRefreshIndex", "false"),
    ("diff.suppressBlankEmpty", "false"),
    ("diff.trustExitCode", "false"),
];

/// The git executable with its limits.
#[derive(Debug, Clone)]
pub struct Git {
    program: PathBuf,
    search_path: OsString,
    settings: GitSettings,
}

/// Which repository a run of git is about.
#[derive(Debug, Clone, Copy)]
pub(super) enum Sees<'a> {
    /// None, also where the folder is in one.
    Nothing,
    /// The one that git finds from the folder.
    Search,
    /// The one that was checked.
    Pinned { git_dir: &'a Path, work_tree: &'a Path, index: Option<&'a Path> },
}

/// No git folder, so that git finds none.
const NO_REPOSITORY: &str = "/dev/null";

/// One run of git.
#[derive(Debug)]
pub(super) struct Invocation<'a> {
    /// Where it is run.
    pub(super) folder: &'a Path,
    pub(super) sees: Sees<'a>,
    /// More configuration, after the fixed one.
    pub(super) configuration: &'a [(String, String)],
    pub(super) arguments: &'a [OsString],
    pub(super) input: &'a [u8],
}

/// What a run came to.
#[derive(Debug)]
pub(super) struct Output {
    pub(super) success: bool,
    /// Whether it ended by itself, and not by a signal.
    pub(super) exited: bool,
    pub(super) stdout: Vec<u8>,
    /// Whether `stdout` was cut at the limit.
    pub(super) cut: bool,
    pub(super) stderr: String,
}

impl Git {
    /// Finds the executable on the search path of the settings and checks its version. Only absolute folders count: a relative
    /// one would be looked up in the repository.
    ///
    /// # Errors
    /// There is none, or it is too old.
    pub async fn find(settings: &GitSettings, cancel: &CancellationToken) -> Result<Self, GitFailure> {
        let folders = process::folders(&settings.environment);
        let program = process::find("git", &folders).ok_or(GitFailure::NotInstalled)?;
        let search_path = std::env::join_paths(&folders).unwrap_or_default();
        let git = Self { program, search_path, settings: settings.clone() };
        let arguments = [OsString::from("version")];
        let home = std::env::temp_dir();
        let asked = Invocation {
            folder: &home,
            sees: Sees::Nothing,
            configuration: &[],
            arguments: &arguments,
            input: &[],
        };
        let said = git.run(asked, cancel).await?;
        let said = String::from_utf8_lossy(&said.stdout).trim().to_owned();
        if version(&said).is_some_and(|found| found >= OLDEST) {
            Ok(git)
        } else {
            Err(GitFailure::TooOld(said.trim_start_matches("git version ").chars().take(40).collect()))
        }
    }

    /// The same for a repository whose index the environment does not name.
    pub(super) fn without_index(&self) -> Self {
        let settings = GitSettings { index_file: None, ..self.settings.clone() };
        Self { settings, ..self.clone() }
    }

    /// The limits.
    pub(super) fn settings(&self) -> &GitSettings {
        &self.settings
    }

    /// Runs git once. The process and all it started are killed when the call is cancelled, the time is over, or this is dropped.
    pub(super) async fn run(
        &self,
        asked: Invocation<'_>,
        cancel: &CancellationToken,
    ) -> Result<Output, GitFailure> {
        let limit = self.settings.time_limit;
        let name =
            || asked.arguments.first().map(|word| word.to_string_lossy().into_owned()).unwrap_or_default();
        tokio::select! {
            biased;
            () = cancel.cancelled() => Err(GitFailure::Cancelled),
            ended = timeout(limit, self.run_to_end(&asked)) => match ended {
                Ok(Ok(output)) => Ok(output),
                Ok(Err(error)) if error.kind() == std::io::ErrorKind::NotFound => Err(GitFailure::NotInstalled),
                Ok(Err(error)) => Err(GitFailure::Failed { command: name(), message: error.to_string() }),
                Err(_) => Err(GitFailure::Slow { command: name(), limit }),
            },
        }
    }

    async fn run_to_end(&self, asked: &Invocation<'_>) -> std::io::Result<Output> {
        let mut running = Running(self.command(asked).spawn()?);
        running.bound_memory(self.settings.max_memory_bytes);
        let child = &mut running.0;
        let (input, output, errors) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
        let write = async {
            if let Some(mut pipe) = input {
                // Git may end before it has read everything; its exit code says whether that is a failure.
                drop(pipe.write_all(asked.input).await);
            }
        };
        let most = self.settings.max_output_bytes;
        let read = async { read_at_most(output, most).await };
        let complain = async {
            let mut errors = errors;
            let said = read_at_most(errors.as_mut(), MAX_COMPLAINT).await?;
            if let Some(rest) = &mut errors {
                tokio::io::copy(rest, &mut tokio::io::sink()).await?;
            }
            Ok::<_, std::io::Error>(said.0)
        };
        tokio::pin!(complain);
        let mut complaint = None;
        let both = async { tokio::join!(write, read).1 };
        tokio::pin!(both);
        let (stdout, cut) = loop {
            tokio::select! {
                read = &mut both => break read?,
                said = &mut complain, if complaint.is_none() => complaint = Some(said?),
            }
        };
        if cut {
            // Whatever it still has to say is not read: it is ended when `running` is dropped.
            return Ok(Output { success: true, exited: false, stdout, cut, stderr: String::new() });
        }
        let complaint = match complaint {
            Some(said) => said,
            None => complain.await?,
        };
        let status = running.0.wait().await?;
        let stderr = String::from_utf8_lossy(&complaint).into_owned();
        Ok(Output { success: status.success(), exited: status.code().is_some(), stdout, cut, stderr })
    }

    fn command(&self, asked: &Invocation<'_>) -> Command {
        let mut command = Command::new(&self.program);
        command.arg("--no-pager").args(asked.arguments).current_dir(asked.folder);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
        #[cfg(unix)]
        command.process_group(0);
        command.env_clear();
        for (name, value) in &self.settings.environment {
            command.env(name, value);
        }
        command.env("PATH", &self.search_path);
        command.envs(VARIABLES.iter().copied());
        match asked.sees {
            Sees::Nothing => command.env("GIT_DIR", NO_REPOSITORY),
            Sees::Search => &mut command,
            Sees::Pinned { git_dir, work_tree, index } => {
                command.envs(index.map(|index| ("GIT_INDEX_FILE", index)));
                command.env("GIT_DIR", git_dir).env("GIT_WORK_TREE", work_tree)
            }
        };
        let more = asked.configuration.iter().map(|(key, value)| (key.as_str(), value.as_str()));
        let mut count = 0_usize;
        for (key, value) in CONFIGURATION.iter().copied().chain(more) {
            command
                .env(format!("GIT_CONFIG_KEY_{count}"), key)
                .env(format!("GIT_CONFIG_VALUE_{count}"), value);
            count += 1;
        }
        command.env("GIT_CONFIG_COUNT", count.to_string());
        command
    }
}

/// The first two numbers of `git version 2.47.3`.
fn version(said: &str) -> Option<(u32, u32)> {
    let mut numbers = said.strip_prefix("git version ")?.split('.').map(str::parse::<u32>);
    Some((numbers.next()?.ok()?, numbers.next()?.ok()?))
}

/// Words as arguments.
pub(super) fn words<S: AsRef<OsStr>>(words: impl IntoIterator<Item = S>) -> Vec<OsString> {
    words.into_iter().map(|word| word.as_ref().to_owned()).collect()
}

/// What git said about a failure: the first line that is no warning.
pub(super) fn first_line(stderr: &str) -> String {
    let lines = || stderr.lines().map(str::trim).filter(|line| !line.is_empty());
    let is_failure = |line: &&str| line.starts_with("fatal: ") || line.starts_with("error: ");
    let line = lines().find(is_failure).or_else(|| lines().next()).unwrap_or("no message");
    line.trim_start_matches("fatal: ").trim_start_matches("error: ").chars().take(300).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_read() {
        assert_eq!(version("git version 2.47.3"), Some((2, 47)));
        assert_eq!(version("git version 2.39.5 (Apple Git-154)"), Some((2, 39)));
        assert_eq!(version("git version 2.45.windows.1"), Some((2, 45)));
        assert_eq!(version("gut 1"), None);
    }

    /// A search path without git or with relative folders only has none.
    #[tokio::test]
    async fn a_search_path_without_git_has_none() {
        let cancel = CancellationToken::new();
        for path in ["", ".", "bin:/nonexistent"] {
            let environment = vec![("PATH".to_owned(), path.to_owned())];
            let settings = GitSettings { environment, ..GitSettings::default() };
            assert_eq!(Git::find(&settings, &cancel).await.unwrap_err(), GitFailure::NotInstalled, "{path}");
        }
    }
}
