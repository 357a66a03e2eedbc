//! The change set of a step: from git, or from the caller's own diff.

use exai_context::{
    files::estimate_tokens,
    git::{self, ChangeQuery, ChangeSet, Changed, GitFailure, PackedChanges},
};
use exai_core::thread::Step;
use serde::Serialize;
use serde_json::Value;

use super::{
    StoredStep,
    present_work::{latest, work_with},
    spec::Spec,
};
use crate::{call::Call, engine::Engine, error::EngineError};

/// The field that brings a diff, or says which changes to look at.
pub(super) const DIFF: &str = "diff";
/// The field that names a revision to compare with.
pub(super) const COMPARE_TO: &str = "compare_to";
/// The field that only a tool has which always looks at changes.
const INCLUDE_STAGED: &str = "include_staged";
/// Why no model was asked.
pub(super) const NOTHING: &str =
    "nothing has changed; make or stage a change, or name another folder or revision in path and compare_to";
/// What an answer says in place of the two sides.
const OUTSIDE: &str = "nothing: there is no git repository here, so the files in relevant_files were checked as they are, and what has \
    changed in them is not known";

/// The longest diff of a caller, in bytes.
const MAX_DIFF: usize = 2_000_000;
/// The most files that an answer names.
const MAX_NAMED: usize = 200;

/// What has changed.
#[derive(Debug)]
pub(super) enum Changes {
    /// In a repository.
    Git(Box<ChangeSet>),
    /// By the caller's word.
    Supplied {
        /// The diff.
        diff: String,
        /// Its files.
        files: Vec<Changed>,
    },
    /// Unknown, because the named files are in no repository.
    Outside,
}

/// What has changed, for an answer.
#[derive(Debug, Clone, Serialize)]
pub struct ChangesReport {
    /// The two sides in words.
    pub compared: String,
    /// The repository's top folder.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub repository: Option<String>,
    /// The branch.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub branch: Option<String>,
    /// How many files.
    pub files_changed: usize,
    /// Lines added.
    pub insertions: u64,
    /// Lines removed.
    pub deletions: u64,
    /// What else should be known.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
    /// The files.
    pub files: Vec<Changed>,
    /// Files that are not named.
    #[serde(skip_serializing_if = "is_zero")]
    pub not_listed: usize,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn is_zero(count: &usize) -> bool {
    *count == 0
}

/// Whether a tool is about changes, whatever its caller names.
pub(super) fn always_reads(spec: &Spec) -> bool {
    spec.own_fields.contains(&INCLUDE_STAGED)
}

impl Changes {
    pub(super) fn is_empty(&self) -> bool {
        match self {
            Self::Git(set) => set.is_empty(),
            Self::Supplied { files, .. } => files.is_empty(),
            Self::Outside => false,
        }
    }

    /// Whether it is known which lines have changed.
    pub(super) fn tells_lines(&self) -> bool {
        !matches!(self, Self::Outside)
    }

    pub(super) fn report(&self) -> ChangesReport {
        match self {
            Self::Git(set) => {
                let (insertions, deletions) = set.totals();
                ChangesReport {
                    compared: set.compared.clone(),
                    repository: Some(set.name.clone()),
                    branch: set.branch.clone(),
                    files_changed: set.files.len() + set.not_listed,
                    insertions,
                    deletions,
                    notes: set.notes.clone(),
                    files: set.files.iter().take(MAX_NAMED).cloned().collect(),
                    not_listed: set.not_listed + set.files.len().saturating_sub(MAX_NAMED),
                }
            }
            Self::Supplied { files, .. } => {
                let sum =
                    |count: fn(&Changed) -> Option<u32>| files.iter().filter_map(count).map(u64::from).sum();
                ChangesReport {
                    compared: "as in the given diff".to_owned(),
                    repository: None,
                    branch: None,
                    files_changed: files.len(),
                    insertions: sum(|file| file.insertions),
                    deletions: sum(|file| file.deletions),
                    notes: Vec::new(),
                    files: files.iter().take(MAX_NAMED).cloned().collect(),
                    not_listed: files.len().saturating_sub(MAX_NAMED),
                }
            }
            Self::Outside => ChangesReport {
                compared: OUTSIDE.to_owned(),
                repository: None,
                branch: None,
                files_changed: 0,
                insertions: 0,
                deletions: 0,
                notes: Vec::new(),
                files: Vec::new(),
                not_listed: 0,
            },
        }
    }
}

impl Engine {
    /// Looks at what has changed, when the tool or the caller wants that, in the first step, in the last one, and whenever
    /// a step says again what to look at.
    pub(super) async fn changes(
        &self,
        spec: &Spec,
        step: &Step,
        earlier: &[&Step],
        call: &Call,
    ) -> Result<Option<Changes>, EngineError> {
        let work = work_with(earlier, step);
        let says_anew = [DIFF, COMPARE_TO].iter().any(|field| step.extra.contains_key(*field));
        if step.next_step_required && step.step_number > 1 && !says_anew {
            return Ok(None);
        }
        let text = |field: &str| {
            latest(&work, field)
                .and_then(Value::as_str)
                .map(str::trim)
                .filter(|text| !text.is_empty())
                .map(str::to_owned)
        };
        let flag = |field: &str| latest(&work, field).and_then(Value::as_bool).unwrap_or(true);
        let (diff, compare_to) = (text(DIFF), text(COMPARE_TO));
        let mut query = ChangeQuery { path: text("path"), compare_to, staged: true, unstaged: true };
        if always_reads(spec) {
            (query.staged, query.unstaged) = (flag(INCLUDE_STAGED), flag("include_unstaged"));
        } else {
            match diff.as_deref() {
                None if query.compare_to.is_none() => return Ok(None),
                None | Some("working") => {}
                Some("staged") => query.unstaged = false,
                Some("unstaged") => query.staged = false,
                Some(diff) => return self.supplied(diff, call).await.map(Some),
            }
        }
        let roots = call.roots.roots().await;
        // Whoever names a revision wants a comparison, and nothing else can stand in for it.
        let can_do_without = always_reads(spec)
            && query.compare_to.is_none()
            && work.iter().any(|step| !step.relevant_files.is_empty());
        match Box::pin(ChangeSet::read(&self.settings.git, &query, &roots, &call.cancel)).await {
            Err(GitFailure::Outside(_)) if can_do_without => Ok(Some(Changes::Outside)),
            read => Ok(Some(Changes::Git(Box::new(read?)))),
        }
    }

    async fn supplied(&self, diff: &str, call: &Call) -> Result<Changes, EngineError> {
        if diff.len() > MAX_DIFF {
            let problem = format!(
                "has {} bytes, at most {MAX_DIFF} are taken; name a revision in compare_to instead",
                diff.len()
            );
            return Err(EngineError::invalid(DIFF, problem));
        }
        let roots = call.roots.roots().await;
        let diff = diff.to_owned();
        let read = tokio::task::spawn_blocking(move || {
            let files = git::files_of(&diff, &roots);
            (diff, files)
        });
        let (diff, files) = read.await.map_err(internal)?;
        if files.is_empty() {
            return Err(EngineError::invalid(
                DIFF,
                "is no unified diff; give the output of git diff, or one of the words staged, unstaged, working",
            ));
        }
        Ok(Changes::Supplied { diff, files })
    }

    /// The changes within `room` tokens: all of it when no files are wanted as well, else three quarters.
    pub(super) async fn packed_changes(
        &self,
        stored: &StoredStep<'_>,
        room: u32,
        alone: bool,
        call: &Call,
    ) -> Result<PackedChanges, EngineError> {
        let room = if alone { room } else { room / 4 * 3 };
        let file_tokens = self.settings.file_tokens;
        match stored.changes {
            None => Ok(PackedChanges::default()),
            Some(Changes::Outside) => {
                let text = exai_prompts::question::no_repository();
                Ok(PackedChanges { tokens: estimate_tokens(&text), text, ..PackedChanges::default() })
            }
            Some(Changes::Git(set)) => Ok(Box::pin(git::pack(set, room, file_tokens)).await?),
            Some(Changes::Supplied { diff, .. }) => {
                let roots = call.roots.roots().await;
                let diff = diff.clone();
                let work =
                    tokio::task::spawn_blocking(move || git::supplied(&diff, &roots, room, file_tokens));
                work.await.map_err(internal)
            }
        }
    }
}

fn internal(error: tokio::task::JoinError) -> EngineError {
    EngineError::Internal { what: "reading the changes failed".to_owned(), source: Some(Box::new(error)) }
}
