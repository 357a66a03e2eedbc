//! Fits a change set into a token budget, file by file, and accounts for every file.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    path::Path,
};

use super::{
    change::{Changed, Side, Status, Withheld},
    changes::ChangeSet,
    external_diff::ExternalDiff,
    failure::GitFailure,
    fetch::fetch,
    given::{Given, OnDisk},
    render::{self, Shown},
    sides::Sides,
};
use crate::{
    evidence::{EvidenceFile, FileReport, FileStatus},
    files::{Roots, estimate_tokens, generated},
};

/// Files whose text is asked for at once.
const BATCH: usize = 100;
/// The text of this many times the budget is read at most: what is far beyond it is not even looked at.
const READ_AHEAD: u64 = 2;
/// Bytes of text that a token stands for, at the most that estimates assume.
const BYTES_PER_TOKEN: u64 = 8;
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
    let mut files = set.files.clone();
    note_remarks(&mut files, &hunks);
    let head = render::head(
        &set.compared,
        set.branch.as_deref(),
        &set.notes,
        &files,
        set.not_listed,
        tokens / LIST_SHARE,
    );
    for (at, Withheld { why, is_refused }) in withheld {
        if let Some(file) = files.get_mut(at) {
            file.withheld = Some(why);
            file.is_refused = is_refused;
        }
    }
    let work = tokio::task::spawn_blocking(move || fit(&files, &order, hunks, &head, tokens, file_tokens));
    let mut packed = work
        .await
        .map_err(|error| GitFailure::Failed { command: "diff".to_owned(), message: error.to_string() })?;
    let unseen =
        |why: &String| FileReport::new(set.name.clone(), FileStatus::Skipped, Some(why.clone()), 0).unseen();
    packed.report.extend(set.not_known.first().map(unseen));
    Ok(packed)
}

/// Fits a diff that a caller supplied into the budget.
#[must_use]
pub fn supplied(diff: &str, roots: &Roots, tokens: u32, file_tokens: Option<u32>) -> PackedChanges {
    let ExternalDiff { mut files, hunks } = ExternalDiff::read(diff, roots, read_ahead(tokens));
    note_remarks(&mut files, &hunks);
    let order = by_importance(&files);
    let head = render::head("a diff that the caller supplied", None, &[], &files, 0, tokens / LIST_SHARE);
    fit(&files, &order, hunks, &head, tokens, file_tokens)
}

/// What was found out while reading is said in the list of files as well.
fn note_remarks(files: &mut [Changed], hunks: &HashMap<usize, Given>) {
    for (at, given) in hunks {
        if let Some(file) = files.get_mut(*at).filter(|_| !given.remarks.is_empty()) {
            let notes = file.note.iter().chain(&given.remarks).cloned().collect::<Vec<_>>();
            file.note = Some(notes.join("; "));
        }
    }
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

/// How many bytes of lines are kept for a budget.
fn read_ahead(tokens: u32) -> u64 {
    u64::from(tokens) * READ_AHEAD * BYTES_PER_TOKEN
}

/// Shares the budget out: whole changes first, in order, then parts of the others.
fn fit(
    files: &[Changed],
    order: &[usize],
    mut hunks: HashMap<usize, Given>,
    head: &str,
    tokens: u32,
    file_tokens: Option<u32>,
) -> PackedChanges {
    let left_out_room = tokens / LIST_SHARE;
    let mut left = tokens.saturating_sub(estimate_tokens(head)).saturating_sub(left_out_room + ANNOUNCEMENT);
    let most = file_tokens.unwrap_or(left).min(left);
    let mut outcomes: BTreeMap<usize, Outcome<'_>> = BTreeMap::new();
    let mut waiting: Vec<(Shown<'_>, Given)> = Vec::new();
    for at in order {
        let Some(file) = files.get(*at) else { continue };
        if file.withheld.is_some() {
            continue;
        }
        let Some(mut given) = hunks.remove(at) else { continue };
        let hunks = std::mem::take(&mut given.hunks);
        let shown = Shown { at: *at, file, all: hunks.len(), hunks, mixed_ends: given.mixed_ends };
        let cost = match (given.dropped, shown.hunks.is_empty()) {
            (0, true) => 0,
            (0, false) => render::cost(&shown),
            // What was not read cannot be shown whole.
            _ => u32::MAX,
        };
        if cost <= left.min(most) {
            left -= cost;
            outcomes.insert(*at, Outcome { shown, given, cost, is_whole: true });
        } else {
            waiting.push((shown, given));
        }
    }
    let mut sharers = u32::try_from(waiting.len()).unwrap_or(u32::MAX);
    for (mut shown, given) in waiting {
        let share = (left / sharers.clamp(1, (left / LEAST_EXCERPT).max(1))).min(most);
        sharers = sharers.saturating_sub(1);
        shown.hunks = render::cut(&shown, share);
        if shown.hunks.is_empty() {
            continue;
        }
        let cost = render::cost(&shown);
        left = left.saturating_sub(cost);
        outcomes.insert(shown.at, Outcome { shown, given, cost, is_whole: false });
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
        packed.take(outcome);
    }
    packed.text = render::text(head, &shown, &packed.report, left_out_room);
    packed.tokens = estimate_tokens(&packed.text);
    packed
}

/// A file that is shown, whole or in part.
struct Outcome<'a> {
    shown: Shown<'a>,
    /// The rest of what was read.
    given: Given,
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
        (Some(outcome), None) => {
            let mut reasons = Vec::new();
            if !outcome.is_whole {
                let (given, all) = (outcome.shown.hunks.len(), outcome.shown.all);
                reasons.push(format!(
                    "over its share of the token budget: {given} of its {all} changed places are given, perhaps the last in part"
                ));
            }
            reasons.extend(outcome.given.cut_lines());
            let status = if reasons.is_empty() { FileStatus::Included } else { FileStatus::Excerpted };
            reasons.extend(outcome.given.remarks.iter().cloned());
            let reason = (!reasons.is_empty()).then(|| reasons.join("; "));
            FileReport::new(path, status, reason, outcome.cost)
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
    fn take(&mut self, outcome: &Outcome<'_>) {
        let file = outcome.shown.file;
        let Sides { segments, removed, added, last, given } = Sides::of(&outcome.shown);
        self.added.entry(file.path.clone()).or_default().extend(added);
        if segments.is_empty() && removed.is_empty() {
            return;
        }
        // A change that is not on disk has no hash to compare with later, and its length is not known.
        let on_disk = outcome.given.on_disk.as_ref().filter(|_| file.side == Side::WorkTree);
        let (hash, bytes, lines) = match on_disk {
            Some(OnDisk { hash, bytes, lines }) => {
                self.on_disk.push(file.path.clone());
                (hash.clone(), *bytes, *lines)
            }
            None if matches!(file.status, Status::Added | Status::Untracked) => (String::new(), 0, last),
            None => (String::new(), 0, last.max(given + 1)),
        };
        let (path, absolute) = (file.path.clone(), file.absolute.clone());
        self.files.push(EvidenceFile { path, absolute, hash, bytes, lines, segments, removed });
    }
}
