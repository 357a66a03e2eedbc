//! The change set: which files differ, between what and what, and which of them may be shown.

use std::{
    collections::{HashMap, HashSet},
    ffi::OsString,
    sync::Arc,
};

use tokio_util::sync::CancellationToken;

use super::{
    base::Base,
    binary::{self, BINARY},
    change::{Changed, Side, Status},
    compare::{self, submodule_note},
    diff_arguments::diff_arguments,
    dirty,
    failure::GitFailure,
    filtered,
    listing::{self, ListedFile, SUBMODULE},
    program::{Git, words},
    renames,
    repository::Repository,
    settings::GitSettings,
    untracked,
};
use crate::files::Roots;

/// Which changes are wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChangeQuery {
    /// The repository or a folder in it; the first root that is in one when absent.
    pub path: Option<String>,
    /// A revision to compare with instead of the last commit.
    pub compare_to: Option<String>,
    /// Whether what is staged counts.
    pub staged: bool,
    /// Whether what is not staged counts, new files included.
    pub unstaged: bool,
}

/// What has changed.
#[derive(Debug)]
pub struct ChangeSet {
    pub(super) repository: Repository,
    pub(super) roots: Arc<Roots>,
    /// The arguments that make git compare the two sides.
    pub(super) comparison: Vec<OsString>,
    /// The top folder of the repository as files are named.
    pub name: String,
    /// The branch; `None` when no branch is checked out.
    pub branch: Option<String>,
    /// The two sides in words.
    pub compared: String,
    /// The files, by path.
    pub files: Vec<Changed>,
    /// Files beyond the most that are listed.
    pub not_listed: usize,
    /// What may have changed and was not looked at.
    pub(super) not_known: Vec<String>,
    /// What else should be known, such as a merge under way.
    pub notes: Vec<String>,
}

impl ChangeSet {
    /// Finds the repository and lists what has changed.
    ///
    /// # Errors
    /// Says what is wrong with the repository, the revision or git, and what to do.
    pub async fn read(
        settings: &GitSettings,
        query: &ChangeQuery,
        roots: &Arc<Roots>,
        cancel: &CancellationToken,
    ) -> Result<Self, GitFailure> {
        let named = query.compare_to.as_deref().is_some_and(|named| !named.trim().is_empty());
        if !query.staged && !query.unstaged && !named {
            return Err(GitFailure::BadField {
                field: "include_staged",
                problem:
                    "with include_unstaged also false there is nothing to look at; leave one of them true"
                        .to_owned(),
            });
        }
        let git = Git::find(settings, cancel).await?;
        let repository = Repository::open(&git, query.path.as_deref(), roots, cancel).await?;
        let base = Base::find(&repository, query.compare_to.as_deref()).await?;
        let Comparison { arguments, new_side } = comparison(query, &base, named);
        let compared = format!(
            "{} against {}",
            new_side,
            if query.unstaged && !query.staged && !named { "what is staged" } else { &base.words }
        );
        let side = if query.unstaged { Side::WorkTree } else { Side::Stored };
        let mut set = Self {
            name: roots.display(&repository.top),
            branch: repository.line(&["symbolic-ref", "--quiet", "--short", "HEAD"]).await?,
            comparison: arguments,
            roots: Arc::clone(roots),
            repository,
            compared,
            files: Vec::new(),
            not_listed: 0,
            not_known: Vec::new(),
            notes: Vec::new(),
        };
        set.not_known.append(&mut set.repository.not_known);
        let entries = set.entries(&set.comparison).await?;
        let entries = compare::without_equal_binaries(&set.repository, entries).await?;
        let conflicted = set.conflicted().await?;
        set.add(entries, side, &conflicted);
        compare::name_submodules(&set.repository, &set.comparison, &mut set.files).await?;
        if query.staged && query.unstaged && !named {
            set.tell_staged_apart(&base).await?;
        }
        if query.unstaged {
            let dirty = dirty::look(&set.repository, &set.roots).await?;
            dirty::add(&dirty, &set.repository.top, &set.roots, &mut set.files);
            set.not_known.extend(dirty.unknown);
            let new = untracked::find(&set.repository, &set.roots).await?;
            set.files.extend(new.files);
            renames::join(&set.repository, &set.roots, &set.comparison, &mut set.files).await?;
            set.not_listed += new.not_listed;
            set.not_known.extend(new.note);
        }
        filtered::withhold(&set.repository, &set.roots, &mut set.files).await?;
        binary::name_texts(&set.roots, &mut set.files).await?;
        set.files.sort_by(|one, other| one.path.cmp(&other.path));
        let most = set.repository.settings().max_files;
        set.not_listed += set.files.len().saturating_sub(most);
        set.files.truncate(most);
        set.take_notes();
        set.notes.extend(set.not_known.iter().cloned());
        Ok(set)
    }

    /// Whether nothing has changed. Where it is not known of everything, something may have.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.files.is_empty() && self.not_known.is_empty()
    }

    /// Lines added and removed in all.
    #[must_use]
    pub fn totals(&self) -> (u64, u64) {
        let sum =
            |count: fn(&Changed) -> Option<u32>| self.files.iter().filter_map(count).map(u64::from).sum();
        (sum(|file| file.insertions), sum(|file| file.deletions))
    }

    async fn entries(&self, comparison: &[OsString]) -> Result<Vec<ListedFile>, GitFailure> {
        let mut arguments = diff_arguments(&self.repository);
        arguments.extend(words(["--raw", "--numstat", "--no-abbrev", "-z"]));
        arguments.extend(comparison.iter().cloned());
        arguments.extend(self.repository.scope_arguments());
        Ok(listing::parse(&self.repository.tell(&arguments, &[]).await?))
    }

    /// The paths that a merge left in conflict. Not every comparison lists them.
    async fn conflicted(&self) -> Result<HashSet<OsString>, GitFailure> {
        let mut arguments = words(["ls-files", "--unmerged", "-z"]);
        arguments.extend(self.repository.scope_arguments());
        let listed = self.repository.tell(&arguments, &[]).await?;
        let path = |entry: &[u8]| entry.split(|byte| *byte == b'\t').nth(1).map(super::os_path::path_of);
        Ok(listed.split(|byte| *byte == 0).filter_map(path).collect())
    }

    fn add(&mut self, entries: Vec<ListedFile>, side: Side, conflicted: &HashSet<OsString>) {
        let mut seen = HashMap::new();
        for entry in entries {
            let conflict = conflicted.contains(&entry.path);
            let path = entry.path.clone();
            let changed = self.changed(entry, side, conflict);
            // A conflicted file is listed twice: once as such, once with what differs.
            if let Some(at) = seen.get(&path).copied() {
                if let Some(known @ Changed { insertions: None, .. }) = self.files.get_mut(at) {
                    *known = changed;
                }
                continue;
            }
            seen.insert(path, self.files.len());
            self.files.push(changed);
        }
    }

    fn changed(&self, entry: ListedFile, side: Side, conflict: bool) -> Changed {
        let status = match entry.letter {
            _ if conflict => Status::Conflicted,
            b'A' => Status::Added,
            b'D' => Status::Deleted,
            b'R' => Status::Renamed,
            b'C' => Status::Copied,
            b'T' => Status::Retyped,
            _ => Status::Modified,
        };
        let is_submodule = entry.modes.old == SUBMODULE || entry.modes.new == SUBMODULE;
        let note = if is_submodule {
            Some(submodule_note(&entry.objects.old, &entry.objects.new))
        } else {
            let both = entry.modes.old != "000000" && entry.modes.new != "000000";
            (both && entry.modes.old != entry.modes.new)
                .then(|| format!("mode {} to {}", entry.modes.old, entry.modes.new))
        };
        let absolute = self.repository.top.join(&entry.path);
        let before = entry.from.as_ref().map(|from| self.repository.top.join(from));
        let refused = [Some(&absolute), before.as_ref()]
            .into_iter()
            .flatten()
            .find_map(|path| crate::files::refused_by_name(path));
        let binary = entry.lines.is_none() && entry.counted && !is_submodule;
        let withheld =
            refused.map(|why| format!("refused: {why}")).or_else(|| binary.then(|| BINARY.to_owned()));
        Changed {
            path: self.roots.display(&absolute),
            status,
            from: before.map(|before| self.roots.display(&before)),
            insertions: entry.lines.map(|lines| lines.0).filter(|_| !is_submodule),
            deletions: entry.lines.map(|lines| lines.1).filter(|_| !is_submodule),
            note,
            withheld,
            is_refused: refused.is_some(),
            from_top: entry.path,
            from_before: entry.from,
            object_before: Some(entry.objects.old).filter(|object| object.bytes().any(|byte| byte != b'0')),
            absolute,
            side,
            is_submodule,
        }
    }

    /// Says of each file whether it is staged, and finds staged changes that were undone on disk.
    async fn tell_staged_apart(&mut self, base: &Base) -> Result<(), GitFailure> {
        let staged = self.entries(&words(["--cached", base.object.as_str()])).await?;
        let on_disk = self.entries(&words(["--ours"])).await?;
        let edited: HashSet<&OsString> = on_disk.iter().map(|entry| &entry.path).collect();
        let is_staged: HashSet<&OsString> = staged.iter().map(|entry| &entry.path).collect();
        for file in &mut self.files {
            let words = match (is_staged.contains(&file.from_top), edited.contains(&file.from_top)) {
                (true, true) => "staged in part",
                (true, false) => "staged",
                (false, _) => "not staged",
            };
            file.note =
                Some(file.note.take().map_or_else(|| words.to_owned(), |note| format!("{note}; {words}")));
        }
        let known: HashSet<OsString> = self.files.iter().map(|file| file.from_top.clone()).collect();
        for entry in staged.into_iter().filter(|entry| !known.contains(&entry.path) && entry.letter != b'U') {
            let mut undone = self.changed(entry, Side::Stored, false);
            undone.note = Some("staged, but undone on disk".to_owned());
            undone.withheld =
                undone.withheld.or_else(|| Some("the staged change is undone on disk".to_owned()));
            self.files.push(undone);
        }
        Ok(())
    }

    fn take_notes(&mut self) {
        self.notes.append(&mut self.repository.notes);
        let git_dir = self.repository.git_dir();
        let states = [
            ("MERGE_HEAD", "a merge is under way"),
            ("CHERRY_PICK_HEAD", "a cherry-pick is under way"),
            ("REVERT_HEAD", "a revert is under way"),
            ("rebase-merge", "a rebase is under way"),
            ("rebase-apply", "a rebase is under way"),
        ];
        self.notes.extend(
            states
                .iter()
                .filter(|(name, _)| git_dir.join(name).exists())
                .map(|(_, words)| (*words).to_owned()),
        );
        let conflicted: Vec<&str> = self
            .files
            .iter()
            .filter(|file| file.status == Status::Conflicted)
            .map(|file| file.path.as_str())
            .take(20)
            .collect();
        if !conflicted.is_empty() {
            self.notes.push(format!("unresolved conflicts in {}", conflicted.join(", ")));
        }
        if self.branch.is_none() {
            self.notes.push("no branch is checked out (detached head)".to_owned());
        }
        if !self.repository.scope.as_os_str().is_empty() {
            let scope = self.repository.top.join(&self.repository.scope);
            self.notes.push(format!("only changes below {} were looked at", self.roots.display(&scope)));
        }
    }
}

/// What is compared with the base.
struct Comparison {
    /// The arguments that make git compare the two sides.
    arguments: Vec<OsString>,
    /// The new side in words.
    new_side: &'static str,
}

fn comparison(query: &ChangeQuery, base: &Base, named: bool) -> Comparison {
    let (arguments, new_side) = match (query.staged, query.unstaged) {
        (_, true) if named => (words([&base.object]), "the files on disk"),
        (true, true) => (words([&base.object]), "staged, unstaged and new files"),
        (false, true) => (words(["--ours"]), "unstaged and new files"),
        (true, false) => (words(["--cached", base.object.as_str()]), "what is staged"),
        (false, false) => {
            (words([Some(&base.object), base.head.as_ref()].into_iter().flatten()), "the last commit")
        }
    };
    Comparison { arguments, new_side }
}
