//! Files that were moved on disk and are not staged: git lists them as one that is gone and one that it does not know.

use std::{
    collections::{HashMap, HashSet, hash_map::DefaultHasher},
    ffi::OsString,
    hash::{Hash as _, Hasher as _},
    path::PathBuf,
    sync::Arc,
};

use super::{
    change::{Changed, Side, Status},
    compare::is_plain,
    diff_arguments::{diff_arguments, patch_arguments},
    failure::GitFailure,
    listing,
    patch::{self, Mark},
    program::words,
    repository::Repository,
};
use crate::files::{self, Encoding, Roots};

/// The most files of either kind that are compared, and the most pairs that are recognised.
const MAX_FILES: usize = 200;
/// The most bytes of a new file that is compared, and of the lines of all files that are gone.
const MAX_BYTES: u64 = 1 << 20;
const MAX_LINES_BYTES: u64 = 16 << 20;
/// Like git: a file that has at least this much of another one, in hundredths, is that one.
const LEAST_ALIKE: u64 = 50;
/// A file with fewer bytes is like too many others.
const LEAST_BYTES: u64 = 16;

/// A file that is gone, and the new one that it has become.
struct Pair {
    gone: usize,
    new: usize,
    is_same: bool,
}

/// Finds out which new files are those that are gone, and makes one change of each two.
pub(super) async fn join(
    repository: &Repository,
    roots: &Arc<Roots>,
    comparison: &[OsString],
    files: &mut Vec<Changed>,
) -> Result<(), GitFailure> {
    let of = |wanted: Status| {
        let found = files.iter().enumerate().filter(|(_, file)| file.status == wanted && !file.is_submodule);
        found.map(|(at, _)| at).take(MAX_FILES).collect::<Vec<_>>()
    };
    let (gone, new) = (of(Status::Deleted), of(Status::Untracked));
    if gone.is_empty() || new.is_empty() {
        return Ok(());
    }
    let mut pairs = same(repository, files, &gone, &new).await?;
    let rest = |all: &[usize], end: fn(&Pair) -> usize| {
        let taken: HashSet<usize> = pairs.iter().map(end).collect();
        all.iter().copied().filter(|at| !taken.contains(at)).collect::<Vec<_>>()
    };
    let (gone, new) = (rest(&gone, |pair| pair.gone), rest(&new, |pair| pair.new));
    if !gone.is_empty() && !new.is_empty() {
        pairs.extend(alike(repository, roots, comparison, files, &gone, &new).await?);
    }
    for pair in &pairs {
        rename(repository, files, pair).await?;
    }
    let gone: HashSet<usize> = pairs.iter().map(|pair| pair.gone).collect();
    let mut at = 0;
    files.retain(|_| {
        at += 1;
        !gone.contains(&(at - 1))
    });
    Ok(())
}

/// Those with exactly the same bytes.
async fn same(
    repository: &Repository,
    files: &[Changed],
    gone: &[usize],
    new: &[usize],
) -> Result<Vec<Pair>, GitFailure> {
    let name = |at: &usize| files.get(*at).map(|file| &file.from_top);
    let is_file = |at: &usize| {
        let there = files.get(*at).and_then(|file| file.absolute.symlink_metadata().ok());
        there.is_some_and(|there| there.is_file() && there.len() > 0)
    };
    let open: Vec<usize> = new
        .iter()
        .copied()
        .filter(|at| name(at).is_some_and(|name| is_plain(name.as_encoded_bytes())) && is_file(at))
        .collect();
    let mut input = Vec::new();
    for name in open.iter().filter_map(name) {
        input.extend_from_slice(name.as_encoded_bytes());
        input.push(b'\n');
    }
    let said = repository.ask(&words(["hash-object", "--no-filters", "--stdin-paths"]), &input).await?;
    let hashes = String::from_utf8_lossy(&said.stdout);
    let mut by_hash: HashMap<&str, Vec<usize>> = HashMap::new();
    for (at, hash) in open.iter().zip(hashes.lines()) {
        by_hash.entry(hash).or_default().push(*at);
    }
    let mut pairs = Vec::new();
    for gone in gone {
        let Some(file) = files.get(*gone) else { continue };
        let Some(found) = file.object_before.as_deref().and_then(|object| by_hash.get_mut(object)) else {
            continue;
        };
        // Of several the one that keeps its name.
        let keeps_name = |at: &usize| {
            files.get(*at).is_some_and(|new| new.absolute.file_name() == file.absolute.file_name())
        };
        let best = found.iter().position(keeps_name).unwrap_or(0);
        if best < found.len() {
            pairs.push(Pair { gone: *gone, new: found.remove(best), is_same: true });
        }
    }
    Ok(pairs)
}

/// The lines of a text, without their order: how many bytes there are of each.
type Lines = HashMap<u64, u64>;

fn lines_of<'t>(lines: impl Iterator<Item = &'t str>) -> Lines {
    let mut found = Lines::new();
    for line in lines {
        let mut hasher = DefaultHasher::new();
        line.hash(&mut hasher);
        *found.entry(hasher.finish()).or_default() += line.len() as u64 + 1;
    }
    found
}

/// How much two texts have in common, in hundredths of the longer one.
fn likeness(one: &Lines, other: &Lines) -> u64 {
    let size = |lines: &Lines| lines.values().sum::<u64>();
    let longer = size(one).max(size(other));
    if size(one).min(size(other)) < LEAST_BYTES {
        return 0;
    }
    let common: u64 =
        one.iter().map(|(line, bytes)| other.get(line).map_or(0, |there| *bytes.min(there))).sum();
    common * 100 / longer
}

/// Those whose lines are mostly the same.
async fn alike(
    repository: &Repository,
    roots: &Arc<Roots>,
    comparison: &[OsString],
    files: &[Changed],
    gone: &[usize],
    new: &[usize],
) -> Result<Vec<Pair>, GitFailure> {
    let mut arguments = patch_arguments(repository);
    arguments.extend(comparison.iter().cloned());
    arguments.push(OsString::from("--"));
    let names: Vec<(usize, OsString)> =
        gone.iter().filter_map(|at| Some((*at, files.get(*at)?.from_top.clone()))).collect();
    arguments.extend(names.iter().map(|(_, name)| name.clone()));
    let said = repository.ask(&arguments, &[]).await?;
    if !said.success || said.cut {
        return Ok(Vec::new());
    }
    let paths: Vec<(usize, PathBuf)> =
        new.iter().filter_map(|at| Some((*at, files.get(*at)?.absolute.clone()))).collect();
    let roots = Arc::clone(roots);
    let work = tokio::task::spawn_blocking(move || {
        let mut room = MAX_LINES_BYTES;
        let patches = patch::parse_within(&said.stdout, &mut room, Encoding::Utf8);
        let before: Vec<(usize, Lines)> = patches
            .iter()
            .filter(|patch| patch.dropped == 0 && patch.long_lines == 0)
            .filter_map(|patch| {
                let is_it = |(_, name): &&(usize, OsString)| name.to_string_lossy() == patch.path();
                let (at, _) = names.iter().find(is_it)?;
                let lines = patch.hunks.iter().flat_map(|hunk| &hunk.lines);
                let removed = lines.filter(|line| line.mark == Mark::Removed).map(|line| line.text.as_str());
                Some((*at, lines_of(removed)))
            })
            .collect();
        let after: Vec<(usize, Lines)> = paths
            .into_iter()
            .filter(|(_, path)| {
                path.symlink_metadata().is_ok_and(|there| there.is_file() && there.len() <= MAX_BYTES)
            })
            .filter_map(|(at, path)| {
                Some((at, lines_of(files::read_whole(&roots, &path).ok()?.text.lines())))
            })
            .collect();
        best_pairs(&before, &after)
    });
    work.await.map_err(|error| GitFailure::Failed { command: "diff".to_owned(), message: error.to_string() })
}

/// The pairs that are most alike, each file once.
fn best_pairs(before: &[(usize, Lines)], after: &[(usize, Lines)]) -> Vec<Pair> {
    let mut scored: Vec<(u64, usize, usize)> = before
        .iter()
        .flat_map(|(gone, old)| after.iter().map(move |(new, lines)| (likeness(old, lines), *gone, *new)))
        .filter(|(score, ..)| *score >= LEAST_ALIKE)
        .collect();
    scored.sort_by_key(|(score, gone, new)| (std::cmp::Reverse(*score), *gone, *new));
    let (mut gone_taken, mut new_taken) = (HashSet::new(), HashSet::new());
    let mut pairs = Vec::new();
    for (_, gone, new) in scored {
        if !gone_taken.contains(&gone) && !new_taken.contains(&new) {
            gone_taken.insert(gone);
            new_taken.insert(new);
            pairs.push(Pair { gone, new, is_same: false });
        }
    }
    pairs
}

/// Makes one change of two: the new file, with the old one's object to compare it with.
async fn rename(repository: &Repository, files: &mut [Changed], pair: &Pair) -> Result<(), GitFailure> {
    let Some(gone) = files.get(pair.gone).cloned() else { return Ok(()) };
    let Some(file) = files.get_mut(pair.new) else { return Ok(()) };
    let Some(object) = gone.object_before else { return Ok(()) };
    let mut counts = Some((0, 0));
    if !pair.is_same {
        let mut arguments = diff_arguments(repository);
        arguments.extend(words(["--raw", "--numstat", "--no-abbrev", "-z", object.as_str(), "--"]));
        arguments.push(file.from_top.clone());
        let listed = listing::parse(&repository.tell(&arguments, &[]).await?);
        counts = listed.first().map_or(counts, |entry| entry.lines);
    }
    file.status = Status::Renamed;
    file.side = Side::WorkTree;
    file.from = Some(gone.path);
    file.insertions = counts.map(|counts| counts.0);
    file.deletions = counts.map(|counts| counts.1);
    file.note = Some("not staged under its new name".to_owned());
    file.object_before = Some(object);
    // What was refused under its old name is the same under the new one.
    if pair.is_same && !file.is_refused {
        // Nothing in it has changed, whatever it holds.
        file.withheld = None;
    }
    if gone.is_refused {
        file.withheld = gone.withheld;
        file.is_refused = true;
    }
    Ok(())
}
