//! Fits a change set into a token budget, file by file, and accounts for every file.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    ffi::OsString,
    path::Path,
    sync::Arc,
};

use super::{
    change::{Changed, Side, Status, Withheld},
    changes::ChangeSet,
    diff_arguments::patch_arguments,
    external_diff::ExternalDiff,
    failure::GitFailure,
    given::{Given, KEY},
    patch,
    render::{self, Shown},
    sides::Sides,
    untracked,
};
use crate::{
    evidence::{EvidenceFile, FileReport, FileStatus},
    files::{self, Roots, estimate_tokens, generated},
};

/// Files whose text is asked for at once.
const BATCH: usize = 100;
/// The text of this many times the budget is read at most: what is far beyond it is not even looked at.
const READ_AHEAD: u64 = 2;
/// Bytes of text that a token stands for, at the most that estimates assume.
const BYTES_PER_TOKEN: u64 = 8;
/// A file has at least this part of the room that is left.
const MOST_SHARES: usize = 8;
/// The part of the budget, as a fraction, that the list of names may take.
const LIST_SHARE: u32 = 8;
/// Estimated tokens of the sentences around the changes.
const ANNOUNCEMENT: u32 = 200;
/// Below this an excerpt is not worth its frame, in tokens.
const LEAST_EXCERPT: u32 = 120;

/// A change set as it goes into a prompt.
#[derive(Debug, Default)]
pub struct PackedChanges {
    /// The text: what is compared, the list of files, their changes between fences, what was left out.
    pub text: String,
    /// The new side of what is shown, for checking citations.
    pub files: Vec<EvidenceFile>,
    /// What happened to each changed file.
    pub report: Vec<FileReport>,
    /// The lines that were added or changed, by file.
    pub added: BTreeMap<String, BTreeSet<u32>>,
    /// Files whose new side is on disk, by the name they have in prompts.
    pub on_disk: Vec<String>,
    /// Estimated tokens of `text`.
    pub tokens: u32,
}

/// Reads the changes of the most important files first, until the budget is surely full, and fits them into it.
///
/// # Errors
/// Git failed, or the call was cancelled.
pub async fn pack(
    set: &ChangeSet,
    tokens: u32,
    file_tokens: Option<u32>,
) -> Result<PackedChanges, GitFailure> {
    let order = by_importance(&set.files);
    let mut hunks: HashMap<usize, Given> = HashMap::new();
    let mut room = read_ahead(tokens);
    let open = |at: &usize| set.files.get(*at).is_some_and(|file| file.withheld.is_none());
    let open: Vec<usize> = order.iter().copied().filter(open).collect();
    let mut withheld: HashMap<usize, Withheld> = HashMap::new();
    for batch in open.chunks(BATCH) {
        if room == 0 {
            break;
        }
        for (at, found) in fetch(set, batch, &mut room).await? {
            match found {
                Ok(found) => drop(hunks.insert(at, found)),
                Err(why) => drop(withheld.insert(at, why)),
            }
        }
    }
    let head = render::head(
        &set.compared,
        set.branch.as_deref(),
        &set.notes,
        &set.files,
        set.not_listed,
        tokens / LIST_SHARE,
    );
    let mut files = set.files.clone();
    for (at, Withheld { why, is_refused }) in withheld {
        if let Some(file) = files.get_mut(at) {
            file.withheld = Some(why);
            file.is_refused = is_refused;
        }
    }
    let roots = Arc::clone(&set.roots);
    let work =
        tokio::task::spawn_blocking(move || fit(&files, &order, hunks, &head, tokens, file_tokens, &roots));
    work.await.map_err(|error| GitFailure::Failed { command: "diff".to_owned(), message: error.to_string() })
}

/// Fits a diff that a caller supplied into the budget.
#[must_use]
pub fn supplied(diff: &str, roots: &Roots, tokens: u32, file_tokens: Option<u32>) -> PackedChanges {
    let ExternalDiff { files, hunks } = ExternalDiff::read(diff, roots, read_ahead(tokens));
    let order = by_importance(&files);
    let head = render::head("a diff that the caller supplied", None, &[], &files, 0, tokens / LIST_SHARE);
    fit(&files, &order, hunks, &head, tokens, file_tokens, roots)
}

/// Source first, then the rest, then what programs write; by path within each.
fn by_importance(files: &[Changed]) -> Vec<usize> {
    let class = |file: &Changed| {
        let name = Path::new(&file.path).file_name().and_then(|name| name.to_str()).unwrap_or_default();
        let extension = name.rsplit_once('.').map_or("", |(_, extension)| extension);
        if generated(name).is_some() {
            3
        } else if file.status == Status::Deleted {
            2
        } else {
            u8::from(["md", "txt", "rst", "json", "csv", "svg", "xml", "html", "lock"].contains(&extension))
        }
    };
    let mut order: Vec<usize> = (0..files.len()).collect();
    order.sort_by_key(|at| files.get(*at).map(class));
    order
}

/// The room of one of so many files: no file takes that of all others, and a single one has it all.
pub(super) fn share_of(room: u64, files: usize) -> u64 {
    room / files.clamp(1, MOST_SHARES) as u64
}

/// How many bytes of lines are kept for a budget.
fn read_ahead(tokens: u32) -> u64 {
    u64::from(tokens) * READ_AHEAD * BYTES_PER_TOKEN
}

type Found = Vec<(usize, Result<Given, Withheld>)>;

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
async fn fetch(set: &ChangeSet, batch: &[usize], room: &mut u64) -> Result<Found, GitFailure> {
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
        found.push((*at, read.map(|whole| untracked::given(&whole.text, &mut own))));
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
        let named = |at: usize| Some((at, set.files.get(at)?.from_top.to_string_lossy().into_owned()));
        let named: Vec<(usize, String)> = some.into_iter().filter_map(named).collect();
        let mut left = Room { bytes: *room, files: batch.len() - found.len() };
        let read = tokio::task::spawn_blocking(move || {
            let parts = read_parts(&diff, named, &mut left);
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

/// Reads the parts of a diff in the order of the files, which is that of their importance.
fn read_parts(diff: &[u8], named: Vec<(usize, String)>, room: &mut Room) -> Found {
    let mut parts: HashMap<String, Vec<&[u8]>> = HashMap::new();
    for part in patch::sections(diff) {
        // A file that became a link has two parts.
        if let Some(patch) = patch::parse_within(part, &mut 0).first() {
            parts.entry(patch.path().to_owned()).or_default().push(part);
        }
    }
    let mut found = Found::new();
    for (at, name) in named {
        let mut own = room.share();
        let mut given = Given::default();
        let mut private_key = false;
        for part in parts.remove(&name).unwrap_or_default() {
            for patch in patch::parse_within(part, &mut own) {
                private_key |= patch.private_key;
                given.dropped += patch.dropped;
                given.hunks.extend(patch.hunks);
            }
        }
        // What it does not need is for the others.
        room.bytes += own;
        let refused = Withheld { why: KEY.to_owned(), is_refused: true };
        found.push((at, if private_key { Err(refused) } else { Ok(given) }));
    }
    found
}

async fn diff_of(set: &ChangeSet, some: &[usize]) -> Result<(Vec<u8>, bool), GitFailure> {
    let mut arguments = patch_arguments(&set.repository);
    arguments.extend(set.comparison.iter().cloned());
    arguments.push(OsString::from("--"));
    for file in some.iter().filter_map(|at| set.files.get(*at)) {
        // A rename is found only when both of its ends are asked for.
        arguments.extend(file.from_before.iter().cloned());
        arguments.push(file.from_top.clone());
    }
    let said = set.repository.ask(&arguments, &[]).await?;
    if !said.success {
        return Err(GitFailure::Failed {
            command: "diff".to_owned(),
            message: super::program::first_line(&said.stderr),
        });
    }
    Ok((said.stdout, said.cut))
}

/// Shares the budget out: whole changes first, in order, then parts of the others.
fn fit(
    files: &[Changed],
    order: &[usize],
    mut hunks: HashMap<usize, Given>,
    head: &str,
    tokens: u32,
    file_tokens: Option<u32>,
    roots: &Roots,
) -> PackedChanges {
    let left_out_room = tokens / LIST_SHARE;
    let mut left = tokens.saturating_sub(estimate_tokens(head)).saturating_sub(left_out_room + ANNOUNCEMENT);
    let most = file_tokens.unwrap_or(left).min(left);
    let mut outcomes: BTreeMap<usize, Outcome<'_>> = BTreeMap::new();
    let mut waiting: Vec<(Shown<'_>, u32)> = Vec::new();
    for at in order {
        let Some(file) = files.get(*at) else { continue };
        if file.withheld.is_some() {
            continue;
        }
        let Some(Given { hunks, dropped }) = hunks.remove(at) else { continue };
        let shown = Shown { at: *at, file, all: hunks.len(), hunks };
        let cost = match (dropped, shown.hunks.is_empty()) {
            (0, true) => 0,
            (0, false) => render::cost(&shown),
            // What was not read cannot be shown whole.
            _ => u32::MAX,
        };
        if cost <= left.min(most) {
            left -= cost;
            outcomes.insert(*at, Outcome { shown, cost, is_whole: true });
        } else {
            waiting.push((shown, cost));
        }
    }
    let mut sharers = u32::try_from(waiting.len()).unwrap_or(u32::MAX);
    for (mut shown, _) in waiting {
        let share = (left / sharers.clamp(1, (left / LEAST_EXCERPT).max(1))).min(most);
        sharers = sharers.saturating_sub(1);
        shown.hunks = render::cut(&shown, share);
        if shown.hunks.is_empty() {
            continue;
        }
        let cost = render::cost(&shown);
        left = left.saturating_sub(cost);
        outcomes.insert(shown.at, Outcome { shown, cost, is_whole: false });
    }
    let mut packed = PackedChanges::default();
    let mut shown: Vec<&Shown<'_>> = Vec::new();
    for (at, file) in files.iter().enumerate() {
        packed.report.push(report(file, outcomes.get(&at)));
    }
    for outcome in
        order.iter().filter_map(|at| outcomes.get(at)).filter(|outcome| !outcome.shown.hunks.is_empty())
    {
        shown.push(&outcome.shown);
        packed.take(&outcome.shown, roots);
    }
    packed.text = render::text(head, &shown, &packed.report, left_out_room);
    packed.tokens = estimate_tokens(&packed.text);
    packed
}

/// A file that is shown, whole or in part.
struct Outcome<'a> {
    shown: Shown<'a>,
    cost: u32,
    is_whole: bool,
}

fn report(file: &Changed, outcome: Option<&Outcome<'_>>) -> FileReport {
    let path = file.path.clone();
    match (outcome, &file.withheld) {
        (_, Some(why)) => {
            let status = if file.is_refused { FileStatus::Refused } else { FileStatus::Skipped };
            // Also what is marked as binary: whoever makes the change may have set the mark.
            FileReport::new(path, status, Some(why.clone()), 0).unseen()
        }
        (Some(Outcome { cost, is_whole: true, .. }), None) => {
            FileReport::new(path, FileStatus::Included, None, *cost)
        }
        (Some(outcome), None) => {
            let given = outcome.shown.hunks.len();
            let reason = format!(
                "over its share of the token budget: {given} of its {} changed places are given, perhaps the last in part",
                outcome.shown.all
            );
            FileReport::new(path, FileStatus::Excerpted, Some(reason), outcome.cost)
        }
        (None, None) => {
            let reason =
                "no room left in the token budget for its changes; name a smaller folder in path".to_owned();
            FileReport::new(path, FileStatus::Skipped, Some(reason), 0).unseen()
        }
    }
}

impl PackedChanges {
    /// Whether changes of this file are shown; the path may have a line range at its end.
    pub fn shows(&self, path: &str) -> bool {
        self.files.iter().any(|file| {
            path.strip_prefix(file.path.as_str()).is_some_and(|rest| rest.is_empty() || rest.starts_with(':'))
        })
    }

    /// Keeps what is shown as evidence.
    fn take(&mut self, shown: &Shown<'_>, roots: &Roots) {
        let file = shown.file;
        let Sides { segments, removed, added, last, given } = Sides::of(shown);
        self.added.entry(file.path.clone()).or_default().extend(added);
        if segments.is_empty() && removed.is_empty() {
            return;
        }
        // A change that is not on disk has no hash to compare with later, and its length is not known.
        let on_disk = if file.side == Side::WorkTree && file.absolute.symlink_metadata().is_ok() {
            files::read_whole(roots, &file.absolute).ok()
        } else {
            None
        };
        let (hash, bytes, lines) = match on_disk {
            Some(whole) => {
                self.on_disk.push(file.path.clone());
                (whole.hash, whole.bytes, whole.lines)
            }
            None if matches!(file.status, Status::Added | Status::Untracked) => (String::new(), 0, last),
            None => (String::new(), 0, last.max(given + 1)),
        };
        let (path, absolute) = (file.path.clone(), file.absolute.clone());
        self.files.push(EvidenceFile { path, absolute, hash, bytes, lines, segments, removed });
    }
}
