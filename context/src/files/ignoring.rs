//! Ignore files: which hold in a folder, and what they say of an entry, by the rules of git.
//!
//! A repository under review is a stranger's, and so are these files. Each is opened like every other file, beneath the root and
//! never through a link, and has a bound; so have all of them together. One that is not read says so in the report, and none of
//! its patterns holds.

mod file;
mod glob;
mod pattern;

use std::path::Path;
use std::rc::Rc;

use file::Patterns;
pub(crate) use file::{IgnoreFiles, Unread};
pub(crate) use glob::Comparing;
use pattern::Said;

/// What is decided about an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// No pattern is about it.
    Unmentioned,
    Ignored,
    /// A negated pattern keeps it, even when it is hidden.
    Kept,
}

/// The ignore files of the folders from the root down to the one that is being walked, and the user's own.
#[derive(Debug, Clone, Default)]
pub(crate) struct Rules {
    folders: Vec<Folder>,
    users: Option<Rc<Patterns>>,
}

/// The ignore files of one folder.
#[derive(Debug, Clone)]
struct Folder {
    /// Where names below this folder begin in a path that is relative to the root.
    names_at: usize,
    /// Whether a repository begins here: what git ignores further up does not hold in it.
    is_top: bool,
    ignore: Option<Rc<Patterns>>,
    gitignore: Option<Rc<Patterns>>,
    exclude: Option<Rc<Patterns>>,
}

impl Rules {
    /// Before any folder.
    pub(in crate::files) fn new(users: Option<Rc<Patterns>>) -> Self {
        Self { folders: Vec::new(), users }
    }

    /// Reads the ignore files of a folder below those read so far. `below` is its path relative to the root.
    pub(crate) fn enter(&mut self, files: &mut IgnoreFiles, root: &Path, folder: &Path, below: &[u8]) {
        let is_top = std::fs::symlink_metadata(folder.join(".git")).is_ok();
        self.folders.push(Folder {
            names_at: if below.is_empty() { 0 } else { below.len() + 1 },
            is_top,
            ignore: files.patterns(root, &folder.join(".ignore")),
            gitignore: files.patterns(root, &folder.join(".gitignore")),
            exclude: if is_top { files.exclude(root, folder) } else { None },
        });
    }

    /// Forgets the ignore files of the folder that was entered last.
    pub(crate) fn leave(&mut self) {
        self.folders.pop();
    }

    /// What the ignore files say of a path relative to the root. A deeper file comes before a shallower one, and any `.ignore`
    /// before any `.gitignore`, this before git's own exclude file, and the user's own file comes last.
    pub(crate) fn verdict(&self, path: &[u8], is_folder: bool, work: &mut Comparing) -> Verdict {
        let mut ask = |folder: &Folder, patterns: &Option<Rc<Patterns>>| {
            let names = path.get(folder.names_at..)?;
            patterns.as_ref()?.say(names, is_folder, work)
        };
        let deepest_first = || self.folders.iter().rev();
        let top = deepest_first().position(|folder| folder.is_top);
        let of_repository = || deepest_first().take(top.map_or(usize::MAX, |top| top + 1));
        let said = deepest_first()
            .find_map(|folder| ask(folder, &folder.ignore))
            .or_else(|| of_repository().find_map(|folder| ask(folder, &folder.gitignore)))
            .or_else(|| of_repository().find_map(|folder| ask(folder, &folder.exclude)))
            .or_else(|| of_repository().next_back().and_then(|folder| ask(folder, &self.users)));
        match said {
            None => Verdict::Unmentioned,
            Some(Said::Ignore) => Verdict::Ignored,
            Some(Said::Keep) => Verdict::Kept,
        }
    }
}
