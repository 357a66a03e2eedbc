//! Files that git does not know yet: named by git, read by the rules for all files.

use std::{path::PathBuf, sync::Arc};

use super::{
    change::{Changed, Side, Status, Withheld},
    failure::GitFailure,
    given::Given,
    line_ends::LineEnd,
    os_path::path_of,
    patch::{Hunk, Line, Mark, cost_of_line},
    program::words,
    repository::Repository,
};
use crate::{
    evidence::FileStatus,
    files::{self, Roots, WholeText},
};

/// The most new files whose lines are counted for the summary; reading more of them would be felt.
const MAX_COUNTED: usize = 2_000;

/// The untracked files that nothing ignores.
#[derive(Debug, Default)]
pub(super) struct NewFiles {
    pub(super) files: Vec<Changed>,
    /// Files beyond the most that are listed.
    pub(super) not_listed: usize,
    /// Why none was looked for.
    pub(super) note: Option<String>,
}

/// Finds the untracked files. When git cannot list them, for example because an ignore file is a pipe, the change set still has
/// the other files and says so in a note.
pub(super) async fn find(repository: &Repository, roots: &Arc<Roots>) -> Result<NewFiles, GitFailure> {
    let mut arguments = words(["ls-files", "--others", "--exclude-standard", "-z"]);
    arguments.extend(repository.scope_arguments());
    let listed = match repository.tell(&arguments, &[]).await {
        Ok(listed) => listed,
        Err(GitFailure::Cancelled) => return Err(GitFailure::Cancelled),
        Err(failure) => {
            let note = Some(format!("new files were not looked for: {failure}"));
            return Ok(NewFiles { note, ..NewFiles::default() });
        }
    };
    let most = repository.settings().max_files;
    let names: Vec<&[u8]> = listed.split(|byte| *byte == 0).filter(|name| !name.is_empty()).collect();
    let not_listed = names.len().saturating_sub(most);
    let top = repository.top.clone();
    let roots = Arc::clone(roots);
    let names: Vec<_> = names.into_iter().take(most).map(path_of).collect();
    let read = tokio::task::spawn_blocking(move || {
        let named = names.into_iter().enumerate();
        named.map(|(at, name)| entry(&top.join(&name), name, &roots, at < MAX_COUNTED)).collect::<Vec<_>>()
    });
    let files = read
        .await
        .map_err(|error| GitFailure::Failed { command: "ls-files".to_owned(), message: error.to_string() })?;
    Ok(NewFiles { files, not_listed, note: None })
}

fn entry(absolute: &PathBuf, name: std::ffi::OsString, roots: &Roots, counted: bool) -> Changed {
    let is_folder = name.as_encoded_bytes().ends_with(b"/");
    let refused = files::refused_by_name(absolute);
    let mut withheld = refused.map(|why| format!("refused: {why}"));
    let mut is_refused = refused.is_some();
    let mut insertions = None;
    if is_folder {
        withheld = Some("a repository of its own".to_owned());
    } else if withheld.is_none() && counted {
        match read(absolute, roots) {
            Ok(text) => insertions = Some(text.lines),
            Err(Withheld { why, is_refused: refused }) => {
                withheld = Some(why);
                is_refused = refused;
            }
        }
    }
    Changed {
        path: roots.display(absolute),
        status: Status::Untracked,
        from: None,
        insertions,
        deletions: insertions.map(|_| 0),
        note: None,
        withheld,
        is_refused,
        from_top: name,
        from_before: None,
        object_before: None,
        absolute: absolute.clone(),
        side: Side::WorkTree,
        is_submodule: false,
    }
}

/// The text of a new file, or why it is withheld.
pub(super) fn read(absolute: &PathBuf, roots: &Roots) -> Result<WholeText, Withheld> {
    if std::fs::symlink_metadata(absolute).is_ok_and(|found| found.is_symlink()) {
        return Err(Withheld { why: "a symbolic link".to_owned(), is_refused: false });
    }
    files::read_whole(roots, absolute).map_err(|rejection| Withheld {
        why: rejection.to_string(),
        is_refused: rejection.status() == FileStatus::Refused,
    })
}

/// A new file as one hunk of additions, as far as there is room.
pub(super) fn given(whole: &WholeText, room: &mut u64) -> Given {
    let remarks = whole.note.iter().cloned().collect();
    let mut given = Given { remarks, on_disk: Some(whole.into()), ..Given::default() };
    let mut lines = Vec::new();
    let mut rest = whole.text.split_inclusive('\n');
    while let Some(line) = rest.next() {
        let (text, end) = match line.strip_suffix('\n') {
            Some(text) => (text, LineEnd::Feed),
            None => (line, LineEnd::Nothing),
        };
        let Some(left) = room.checked_sub(cost_of_line(text)) else {
            *room = 0;
            given.dropped = 1 + rest.count() as u64;
            break;
        };
        *room = left;
        lines.push(Line { mark: Mark::Added, text: text.to_owned(), end, omitted: 0 });
    }
    if !lines.is_empty() || given.dropped > 0 {
        given.hunks.push(Hunk { first_line: 1, heading: String::new(), lines });
    }
    given
}
