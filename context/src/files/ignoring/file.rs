//! Reads ignore files within bounds, each once a call.

use std::collections::HashMap;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use super::glob::Comparing;
use super::pattern::{Pattern, Said};
use crate::files::budget::Limits;
use crate::files::open::open_beneath;
use crate::files::rejection::Rejection;

/// The most ignore files that the report names for not being read as they stand; the others are counted.
const MAX_NAMED: usize = 20;
/// The most lines of a file that are named for being no patterns.
const MAX_LINES: usize = 5;

/// The patterns of one file.
#[derive(Debug)]
pub(in crate::files) struct Patterns(Vec<Pattern>);

impl Patterns {
    /// The last pattern that matches decides.
    pub(super) fn say(&self, path: &[u8], is_folder: bool, work: &mut Comparing) -> Option<Said> {
        self.0.iter().rev().find_map(|pattern| pattern.say(path, is_folder, work))
    }
}

/// An ignore file that does not hold, or not all of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Unread {
    pub(crate) path: PathBuf,
    pub(crate) why: String,
}

/// The ignore files of one call, and how much more of them may be read.
#[derive(Debug)]
pub(crate) struct IgnoreFiles {
    file_bytes: u64,
    file_patterns: usize,
    bytes_left: u64,
    patterns_left: usize,
    read: HashMap<PathBuf, Option<Rc<Patterns>>>,
    unread: Vec<Unread>,
    unnamed: usize,
}

impl IgnoreFiles {
    pub(crate) fn new(limits: &Limits) -> Self {
        Self {
            file_bytes: limits.ignore_file_bytes,
            file_patterns: limits.ignore_file_patterns,
            bytes_left: limits.ignore_bytes,
            patterns_left: limits.ignore_patterns,
            read: HashMap::new(),
            unread: Vec::new(),
            unnamed: 0,
        }
    }

    /// What could not be read completely, and how many more such files there are.
    pub(crate) fn into_unread(self) -> (Vec<Unread>, usize) {
        (self.unread, self.unnamed)
    }

    /// The patterns of a file, if it is there and may be read.
    pub(super) fn patterns(&mut self, root: &Path, path: &Path) -> Option<Rc<Patterns>> {
        if let Some(known) = self.read.get(path) {
            return known.clone();
        }
        let patterns = match self.load(root, path) {
            Ok((patterns, strays)) => {
                if let Some(why) = strays {
                    self.tell(path, why);
                }
                Some(Rc::new(patterns))
            }
            Err(Rejection::NotThere) => return None,
            Err(rejection) => {
                self.tell(path, format!("none of its patterns is applied: {}", worded(rejection)));
                None
            }
        };
        self.read.insert(path.to_owned(), patterns.clone());
        patterns
    }

    /// The exclude file of the repository that begins in a folder. That of a linked worktree or submodule lies in another folder,
    /// which a file of the repository names; it is not followed there.
    pub(super) fn exclude(&mut self, root: &Path, top: &Path) -> Option<Rc<Patterns>> {
        let git = top.join(".git");
        let is_file = std::fs::symlink_metadata(&git).is_ok_and(|about| about.is_file());
        if !is_file {
            return self.patterns(root, &git.join("info/exclude"));
        }
        if !self.read.contains_key(&git) {
            self.read.insert(git.clone(), None);
            let why = "it names a git folder elsewhere, whose `info/exclude` is not read";
            self.tell(&git, why.to_owned());
        }
        None
    }

    /// The patterns of the file that the user has for all repositories. It is the user's own, so links lead to it.
    pub(in crate::files) fn users(&mut self, path: &Path) -> Option<Rc<Patterns>> {
        let real = std::fs::canonicalize(path).ok()?;
        self.patterns(real.parent()?, &real)
    }

    fn load(&mut self, root: &Path, path: &Path) -> Result<(Patterns, Option<String>), Rejection> {
        let file = open_beneath(root, path)?;
        let size = file.metadata().map_err(|error| Rejection::from_io(&error))?.len();
        let most = self.file_bytes.min(self.bytes_left);
        let mut bytes = Vec::new();
        if size <= most {
            // It may grow while it is read.
            file.take(most.saturating_add(1))
                .read_to_end(&mut bytes)
                .map_err(|error| Rejection::from_io(&error))?;
        }
        if size.max(bytes.len() as u64) > most {
            return Err(self.too_much(most < self.file_bytes, self.file_bytes, "bytes"));
        }
        self.bytes_left -= bytes.len() as u64;
        let text = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&bytes);
        let most = self.file_patterns.min(self.patterns_left);
        let mut patterns = Vec::new();
        let mut strays = Strays::default();
        for (line, text) in text.split(|byte| *byte == b'\n').enumerate() {
            match Pattern::parse(text) {
                Ok(None) => {}
                Ok(Some(_)) if patterns.len() == most => {
                    let bound = self.file_patterns as u64;
                    return Err(self.too_much(most < self.file_patterns, bound, "patterns"));
                }
                Ok(Some(pattern)) => patterns.push(pattern),
                Err(why) => strays.add(line + 1, why),
            }
        }
        self.patterns_left -= patterns.len();
        Ok((Patterns(patterns), strays.worded()))
    }

    fn too_much(&self, in_all: bool, bound: u64, unit: &str) -> Rejection {
        Rejection::Unsuitable(if in_all {
            format!("the ignore files of this call have too many {unit} together; name sub-folders or files")
        } else {
            format!("it has more than {bound} {unit}, the most that is read of one")
        })
    }

    fn tell(&mut self, path: &Path, why: String) {
        if self.unread.len() == MAX_NAMED {
            self.unnamed += 1;
        } else {
            self.unread.push(Unread { path: path.to_owned(), why });
        }
    }
}

fn worded(rejection: Rejection) -> String {
    match rejection {
        Rejection::Link => "a symbolic link, which is not followed here".to_owned(),
        Rejection::NotRegular(what) => format!("{what}, only regular files are read"),
        other => other.to_string(),
    }
}

/// Lines that are no patterns.
#[derive(Default)]
struct Strays {
    named: Vec<String>,
    count: usize,
}

impl Strays {
    fn add(&mut self, line: usize, why: &str) {
        self.count += 1;
        if self.named.len() < MAX_LINES {
            self.named.push(format!("line {line} ({why})"));
        }
    }

    fn worded(self) -> Option<String> {
        let more = self.count - self.named.len();
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        let named = self.named.join(", ");
        (self.count > 0).then(|| format!("lines that can match nothing are not applied: {named}{more}"))
    }
}
