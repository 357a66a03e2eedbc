//! From what callers named to the distinct files to read: resolves, expands folders, merges what is named twice.

use std::collections::{HashMap, HashSet};
use std::path::PathBuf;

use crate::evidence::{FileReport, FileStatus};

use super::budget::Limits;
use super::ignoring::Unread;
use super::paths::Located;
use super::read::Selection;
use super::rejection::Rejection;
use super::roots::Roots;
use super::walk::{Found, Quota, Walked, walk};

/// Where a file was named.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// The present call.
    Call,
    /// A turn before it, which may have noted the hash of what it saw.
    Earlier {
        /// BLAKE3 of the whole file as 64 hex digits.
        hash: Option<String>,
    },
}

/// A file or folder that should be given to the expert.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    /// As the caller wrote it; see [`Roots::locate`].
    pub path: String,
    /// Where it was named.
    pub from: Origin,
}

/// A file to read, each once.
#[derive(Debug, Clone)]
pub(crate) struct Candidate {
    /// Its name in the prompt and in the report.
    pub(crate) path: String,
    pub(crate) root: PathBuf,
    pub(crate) absolute: PathBuf,
    pub(crate) selection: Selection,
    /// Only an earlier turn named it.
    pub(crate) earlier: bool,
    /// Its hash when an earlier turn saw it.
    pub(crate) seen: Option<String>,
    /// What the report says of it in addition to how it was read.
    pub(crate) remark: Option<String>,
    /// It came out of a folder; being named directly weighs more.
    pub(crate) walked: bool,
}

/// Something that was offered.
#[derive(Debug)]
pub(crate) enum Item {
    Open(Candidate),
    /// Decided without reading it.
    Settled(FileReport),
}

/// Everything that was offered, and the folders among it.
#[derive(Debug)]
pub(crate) struct Resolved {
    pub(crate) items: Vec<Item>,
    /// The folders that this call names, by their names in the report.
    pub(crate) folders: Vec<String>,
}

/// The report line of something that is not given; `is_named` says whether the caller named it, not a folder around it.
pub(crate) fn turned_down(path: String, rejection: &Rejection, is_named: bool) -> FileReport {
    let report = FileReport::new(path, rejection.status(), Some(rejection.to_string()), 0);
    let report = FileReport { named: is_named, ..report };
    if is_named || rejection.leaves_out_text() { report.unseen() } else { report }
}

/// Everything offered, each once: what this call names in its order, then what earlier turns named, then the ignore files that
/// were met and not applied. Stops early when the call `is_over`.
pub(crate) fn resolve(
    roots: &Roots,
    wanted: &[Wanted],
    limits: &Limits,
    is_over: &dyn Fn() -> bool,
) -> Resolved {
    let mut resolver = Resolver {
        roots,
        quota: Quota::new(limits, roots.user_excludes(), is_over),
        items: Vec::new(),
        index: HashMap::new(),
        folders: HashSet::new(),
        named: Vec::new(),
        rejected: HashSet::new(),
    };
    for earlier in [false, true] {
        for one in wanted {
            let seen = match &one.from {
                Origin::Call => (!earlier).then_some(None),
                Origin::Earlier { hash } => earlier.then_some(hash.clone()),
            };
            if let Some(seen) = seen {
                resolver.take(&one.path, earlier, seen);
            }
        }
    }
    resolver.finish()
}

struct Resolver<'a> {
    roots: &'a Roots,
    quota: Quota<'a>,
    items: Vec<Item>,
    /// Where in `items` a canonical path is.
    index: HashMap<PathBuf, usize>,
    folders: HashSet<PathBuf>,
    /// Those of them that this call names.
    named: Vec<String>,
    rejected: HashSet<String>,
}

impl Resolver<'_> {
    fn take(&mut self, written: &str, earlier: bool, seen: Option<String>) {
        match self.roots.locate(written) {
            Ok(folder) if folder.is_folder => self.take_folder(&folder, earlier),
            Ok(file) => self.take_file(file, earlier, seen, false),
            Err(Rejection::NotThere) if earlier => self.reject(written, &Rejection::Vanished),
            Err(rejection) => self.reject(written, &rejection),
        }
    }

    fn reject(&mut self, written: &str, rejection: &Rejection) {
        if self.rejected.insert(written.to_owned()) {
            self.items.push(Item::Settled(turned_down(written.to_owned(), rejection, true)));
        }
    }

    fn take_file(&mut self, file: Located, earlier: bool, seen: Option<String>, walked: bool) {
        let selection = file.range.map_or(Selection::Whole, |range| Selection::Ranges(vec![range]));
        let path = self.roots.display(&file.absolute);
        let (root, absolute) = (file.root, file.absolute);
        let candidate = Candidate { path, root, absolute, selection, earlier, seen, remark: None, walked };
        let known = self.index.get(&candidate.absolute).copied();
        match known.and_then(|known| self.items.get_mut(known)) {
            None => {
                self.index.insert(candidate.absolute.clone(), self.items.len());
                self.items.push(Item::Open(candidate));
            }
            Some(Item::Open(before)) => before.merge(candidate),
            // A walk skipped it, for instance as a lock file; naming it asks for it.
            Some(settled @ Item::Settled(_)) if !walked => *settled = Item::Open(candidate),
            Some(Item::Settled(_)) => {}
        }
    }

    fn take_folder(&mut self, folder: &Located, earlier: bool) {
        if !self.folders.insert(folder.absolute.clone()) {
            return;
        }
        if !earlier {
            self.named.push(self.roots.display(&folder.absolute));
        }
        let Walked { found, cut, beyond } = walk(&folder.root, &folder.absolute, &mut self.quota);
        let nothing = !found.iter().any(|found| matches!(found, Found::File(_) | Found::Link(_)));
        for found in found {
            self.take_found(found, earlier);
        }
        let empty = "no files to read in it; hidden and ignored ones must be named one by one";
        if let Some(reason) = cut {
            self.skip(&folder.absolute, reason, true);
            if let Some(Item::Settled(report)) = self.items.last_mut() {
                report.files = beyond.max(1);
            }
        } else if nothing {
            self.skip(&folder.absolute, empty.to_owned(), false);
        }
    }

    fn take_found(&mut self, found: Found, earlier: bool) {
        let path = match found {
            Found::Skipped(path, reason) => return self.skip(&path, reason, true),
            Found::Passed(path, reason) => return self.skip(&path, reason, false),
            Found::File(path) | Found::Link(path) => path,
        };
        if self.index.contains_key(&path) {
            return;
        }
        match self.roots.admit(&path) {
            Ok(located) if located.is_folder => {
                let reason = "a link to a folder, which is not followed; name it to include it";
                self.skip(&path, reason.to_owned(), false);
            }
            Ok(located) => self.take_file(located, earlier, None, true),
            Err(rejection) => {
                let name = self.roots.display(&path);
                self.index.insert(path, self.items.len());
                self.items.push(Item::Settled(turned_down(name, &rejection, false)));
            }
        }
    }

    /// Reports the ignore files that could not be read completely, because files that they name may be among the others.
    fn finish(mut self) -> Resolved {
        let (unread, unnamed) = self.quota.ignore_files.into_unread();
        let last = unread.len();
        for (at, Unread { path, mut why }) in unread.into_iter().enumerate() {
            if unnamed > 0 && at + 1 == last {
                why.push_str(&format!("; so it is with {unnamed} more ignore files"));
            }
            match self.index.get(&path).and_then(|known| self.items.get_mut(*known)) {
                // The file is given as well, because the caller named it.
                Some(Item::Open(candidate)) => candidate.remark = Some(why),
                Some(Item::Settled(_)) => {}
                None => {
                    let path = self.roots.display(&path);
                    self.items.push(Item::Settled(FileReport::new(path, FileStatus::Skipped, Some(why), 0)));
                }
            }
        }
        Resolved { items: self.items, folders: self.named }
    }

    fn skip(&mut self, path: &std::path::Path, reason: String, unseen: bool) {
        if self.index.contains_key(path) {
            return;
        }
        self.index.insert(path.to_path_buf(), self.items.len());
        let path = self.roots.display(path);
        let report = FileReport::new(path, FileStatus::Skipped, Some(reason), 0);
        self.items.push(Item::Settled(if unseen { report.unseen() } else { report }));
    }
}

impl Candidate {
    /// The same file again. What this call names decides over earlier turns, and a file's own name over its folder's.
    fn merge(&mut self, other: Self) {
        if other.seen.is_some() {
            self.seen = other.seen;
        }
        if self.earlier != other.earlier {
            return;
        }
        if self.walked && !other.walked {
            self.selection = other.selection;
            self.walked = false;
        } else if self.walked == other.walked {
            let selection = std::mem::replace(&mut self.selection, Selection::Whole);
            self.selection = selection.union(other.selection);
        }
    }
}
