//! Submodules with changes of their own that are not committed. Git would start itself in them, with their configuration; here each of
//! them is opened and checked like any other repository.

use std::{collections::VecDeque, path::PathBuf, sync::Arc};

use super::{
    base::Base,
    change::{Changed, Side, Status},
    compare::without_equal_binaries,
    diff_arguments::diff_arguments,
    failure::GitFailure,
    listing,
    program::words,
    repository::Repository,
};
use crate::files::Roots;

/// The most submodules that are looked into, those of submodules included.
const MAX_ENTERED: usize = 64;
/// The most files that are named of one.
const MAX_NAMED: usize = 3;

/// What was found of the submodules.
#[derive(Debug, Default)]
pub(super) struct Dirty {
    /// Those with changes, by their paths from the top of the outer repository, and what is said of each.
    pub(super) found: Vec<(PathBuf, String)>,
    /// Why some were not looked into.
    pub(super) unknown: Option<String>,
}

/// Looks into every submodule that is checked out.
pub(super) async fn look(outer: &Repository, roots: &Arc<Roots>) -> Result<Dirty, GitFailure> {
    let mut dirty = Dirty::default();
    let mut waiting: VecDeque<PathBuf> = outer.submodules.iter().cloned().collect();
    let mut entered = 0;
    while let Some(path) = waiting.pop_front() {
        entered += 1;
        if entered > MAX_ENTERED {
            let more = waiting.len() + 1;
            dirty.unknown.get_or_insert(format!(
                "{more} submodules were not looked into, {} among them",
                path.display()
            ));
            break;
        }
        let inner = match Box::pin(outer.enter(&path, roots)).await {
            Ok(inner) => inner,
            Err(GitFailure::Cancelled) => return Err(GitFailure::Cancelled),
            Err(failure) => {
                let why = failure.to_string();
                let why = why.trim_start_matches("path: ");
                dirty
                    .unknown
                    .get_or_insert(format!("the submodule {} was not looked into: {why}", path.display()));
                continue;
            }
        };
        waiting.extend(inner.submodules.iter().map(|below| path.join(below)));
        let names = changed_in(&inner).await?;
        if !names.is_empty() {
            dirty.found.push((path, words_for(&names)));
        }
    }
    Ok(dirty)
}

/// The names of the files in it that differ from its commit, new ones included.
async fn changed_in(inner: &Repository) -> Result<Vec<String>, GitFailure> {
    let base = Base::find(inner, None).await?;
    let mut arguments = diff_arguments(inner);
    arguments.extend(words(["--raw", "--numstat", "--no-abbrev", "-z", base.object.as_str(), "--"]));
    let entries = listing::parse(&inner.tell(&arguments, &[]).await?);
    let entries = without_equal_binaries(inner, entries).await?;
    let mut names: Vec<String> =
        entries.iter().map(|entry| entry.path.to_string_lossy().into_owned()).collect();
    let new = inner.tell(&words(["ls-files", "--others", "--exclude-standard", "-z", "--"]), &[]).await?;
    let new = new.split(|byte| *byte == 0).filter(|name| !name.is_empty());
    names.extend(new.map(|name| String::from_utf8_lossy(name).into_owned()));
    Ok(names)
}

fn words_for(names: &[String]) -> String {
    let shown = names.iter().take(MAX_NAMED).map(String::as_str).collect::<Vec<_>>().join(", ");
    let more = names.len().saturating_sub(MAX_NAMED);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    format!("not committed in it: {shown}{more}")
}

/// Adds them to the changed files. Their text is that of another repository, which has to be named to be looked at.
pub(super) fn add(dirty: &Dirty, top: &std::path::Path, roots: &Roots, files: &mut Vec<Changed>) {
    for (path, said) in &dirty.found {
        let withheld =
            Some("a submodule, whose own changes are looked at when it is named in path".to_owned());
        let from_top = path.clone().into_os_string();
        if let Some(known) = files.iter_mut().find(|file| file.from_top == from_top) {
            known.note =
                Some(known.note.take().map_or_else(|| said.clone(), |note| format!("{note}; {said}")));
            known.withheld = known.withheld.take().or(withheld);
            continue;
        }
        let absolute = top.join(path);
        files.push(Changed {
            path: roots.display(&absolute),
            status: Status::Modified,
            from: None,
            insertions: None,
            deletions: None,
            note: Some(format!("submodule; {said}")),
            withheld,
            is_refused: false,
            from_top,
            from_before: None,
            object_before: None,
            absolute,
            side: Side::WorkTree,
            is_submodule: true,
        });
    }
}
