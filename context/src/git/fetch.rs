//! Reads the text of changes, and what else tells how it is to be read: the files on disk.

use std::{collections::HashMap, ffi::OsString, path::PathBuf, sync::Arc};

use super::{
    change::{Changed, Status, Withheld},
    changes::ChangeSet,
    diff_arguments::patch_arguments,
    failure::GitFailure,
    given::{Given, OnDisk, refused_for_key},
    patch, untracked,
};
use crate::files::{self, Encoding, Rejection, Roots, Sniffed, WholeText, sniff};

/// A file has at least this part of the room that is left.
const MOST_SHARES: usize = 8;

/// The room of one of so many files: no file takes that of all others, and a single one has it all.
fn share_of(room: u64, files: usize) -> u64 {
    room / files.clamp(1, MOST_SHARES) as u64
}

pub(super) type Found = Vec<(usize, Result<Given, Withheld>)>;

/// What the files that are still to come share.
#[derive(Clone, Copy)]
struct Room {
    bytes: u64,
    files: usize,
}

impl Room {
    /// Takes the share of the next file.
    fn share(&mut self) -> u64 {
        let share = share_of(self.bytes, self.files);
        self.files = self.files.saturating_sub(1);
        self.bytes -= share;
        share
    }
}

/// The text of some files: of those that git knows from git, of new ones from disk. Takes what is kept from `room`.
pub(super) async fn fetch(set: &ChangeSet, batch: &[usize], room: &mut u64) -> Result<Found, GitFailure> {
    let mut found = Found::new();
    let mut known = Vec::new();
    for at in batch {
        let Some(file) = set.files.get(*at) else { continue };
        if file.status != Status::Untracked {
            known.push(*at);
            continue;
        }
        let (path, roots) = (file.absolute.clone(), Arc::clone(&set.roots));
        let read = tokio::task::spawn_blocking(move || untracked::read(&path, &roots)).await;
        let read = read
            .map_err(|error| GitFailure::Failed { command: "diff".to_owned(), message: error.to_string() })?;
        let most = share_of(*room, batch.len() - found.len());
        let mut own = most;
        found.push((*at, read.map(|whole| untracked::given(&whole, &mut own))));
        *room -= most - own;
    }
    let mut waiting = vec![known];
    while let Some(some) = waiting.pop().filter(|some| !some.is_empty()) {
        let (diff, cut) = diff_of(set, &some).await?;
        if cut && some.len() > 1 {
            // One of them is huge: the others are asked for apart from it.
            let (first, second) = some.split_at(some.len() / 2);
            waiting.extend([second.to_vec(), first.to_vec()]);
            continue;
        }
        let known: Vec<Known> = some.iter().filter_map(|at| Known::of(set, *at)).collect();
        let mut left = Room { bytes: *room, files: batch.len() - found.len() };
        let roots = Arc::clone(&set.roots);
        let read = tokio::task::spawn_blocking(move || {
            let parts = read_parts(&diff, known, &roots, &mut left);
            (parts, left)
        });
        let (parts, left) = read
            .await
            .map_err(|error| GitFailure::Failed { command: "diff".to_owned(), message: error.to_string() })?;
        *room = left.bytes;
        found.extend(parts);
    }
    Ok(found)
}

/// A file that git knows, as its part of a diff is found and read.
struct Known {
    at: usize,
    /// As a diff names it.
    name: String,
    absolute: PathBuf,
    /// Lines that are there to be read.
    lines: u32,
}

impl Known {
    fn of(set: &ChangeSet, at: usize) -> Option<Self> {
        let file = set.files.get(at)?;
        let lines = file.insertions.unwrap_or(0).saturating_add(file.deletions.unwrap_or(0));
        let name = file.from_top.to_string_lossy().into_owned();
        Some(Self { at, name, absolute: file.absolute.clone(), lines })
    }
}

/// Reads the parts of a diff in the order of the files, which is that of their importance.
fn read_parts(diff: &[u8], known: Vec<Known>, roots: &Roots, room: &mut Room) -> Found {
    let mut parts: HashMap<String, Vec<&[u8]>> = HashMap::new();
    for part in patch::sections(diff) {
        // A file that became a link has two parts.
        if let Some(patch) = patch::parse_within(part, &mut 0, Encoding::Utf8).first() {
            parts.entry(patch.path().to_owned()).or_default().push(part);
        }
    }
    let mut found = Found::new();
    for known in known {
        let mut own = room.share();
        let parts = parts.remove(&known.name).unwrap_or_default();
        found.push((known.at, read_part(&known, &parts, roots, &mut own)));
        // What it does not need is for the others.
        room.bytes += own;
    }
    found
}

fn read_part(known: &Known, parts: &[&[u8]], roots: &Roots, own: &mut u64) -> Result<Given, Withheld> {
    let refused = || Err(Withheld { why: refused_for_key(), is_refused: true });
    // What is on disk tells more than a change: a key whose first line is far away, an encoding that few words are written in.
    let whole = match known.absolute.symlink_metadata() {
        Ok(there) if there.is_file() => match files::read_whole(roots, &known.absolute) {
            Err(refused @ Rejection::Denied(_)) => {
                return Err(Withheld { why: refused.to_string(), is_refused: true });
            }
            read => read.ok(),
        },
        _ => None,
    };
    let mut given = Given { on_disk: whole.as_ref().map(OnDisk::from), ..Given::default() };
    for part in parts {
        let encoding = encoding_of(part, whole.as_ref());
        for patch in patch::parse_within(part, own, encoding) {
            if patch.private_key {
                return refused();
            }
            given.add(patch);
        }
        if encoding.is_guess() && std::str::from_utf8(part).is_err() {
            given.remark(&format!("read as {}, which is what its bytes look like", encoding.name()));
        }
    }
    if given.hunks.is_empty() && given.dropped == 0 && known.lines > 0 {
        let why = "its changes were not found in what git printed of them".to_owned();
        return Err(Withheld { why, is_refused: false });
    }
    Ok(given)
}

/// The encoding of those lines of a diff that are not valid UTF-8.
fn encoding_of(part: &[u8], whole: Option<&WholeText>) -> Encoding {
    if std::str::from_utf8(part).is_ok() {
        return Encoding::Utf8;
    }
    match whole.map(|whole| whole.encoding) {
        Some(encoding @ Encoding::Legacy(_)) => encoding,
        _ => match sniff(part) {
            Sniffed::Text(encoding) => encoding,
            Sniffed::OtherText | Sniffed::Binary => Encoding::Utf8,
        },
    }
}

async fn diff_of(set: &ChangeSet, some: &[usize]) -> Result<(Vec<u8>, bool), GitFailure> {
    let (moved, known): (Vec<usize>, Vec<usize>) =
        some.iter().partition(|at| set.files.get(**at).is_some_and(Changed::is_moved_on_disk));
    let (mut diff, mut cut) =
        if known.is_empty() { (Vec::new(), false) } else { compared(set, &known).await? };
    for file in moved.iter().filter_map(|at| set.files.get(*at)) {
        let mut arguments = patch_arguments(&set.repository);
        arguments.extend(file.object_before.iter().map(OsString::from));
        arguments.extend([OsString::from("--"), file.from_top.clone()]);
        let (more, is_cut) = asked(set, &arguments).await?;
        cut |= is_cut || (diff.len() + more.len()) as u64 > set.repository.settings().max_output_bytes;
        diff.extend(more);
        if cut {
            break;
        }
    }
    Ok((diff, cut))
}

async fn compared(set: &ChangeSet, some: &[usize]) -> Result<(Vec<u8>, bool), GitFailure> {
    let mut arguments = patch_arguments(&set.repository);
    arguments.extend(set.comparison.iter().cloned());
    arguments.push(OsString::from("--"));
    for file in some.iter().filter_map(|at| set.files.get(*at)) {
        // A rename is found only when both of its ends are asked for.
        arguments.extend(file.from_before.iter().cloned());
        arguments.push(file.from_top.clone());
    }
    asked(set, &arguments).await
}

async fn asked(set: &ChangeSet, arguments: &[OsString]) -> Result<(Vec<u8>, bool), GitFailure> {
    let said = set.repository.ask(arguments, &[]).await?;
    if !said.success {
        return Err(GitFailure::Failed {
            command: "diff".to_owned(),
            message: super::program::first_line(&said.stderr),
        });
    }
    Ok((said.stdout, said.cut))
}
