//! Shares the token budget out among the files that were named, and accounts for every one of them.

use std::path::Path;

use crate::evidence::{EvidenceFile, FileReport, FileStatus};

use super::budget::{Budget, Limits, estimate_tokens_of_bytes};
use super::excerpt;
use super::read::{Load, Loaded, Selection, load};
use super::rejection::Rejection;
use super::resolve::{Candidate, Item, Resolved, Wanted, resolve, turned_down};
use super::roots::Roots;

/// An excerpt is aimed at this many tokens at least: many scraps are worth less than a few passages.
const EXCERPT: u32 = 400;

/// The files to give, and the account of everything that was offered.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Packed {
    /// What is given: files of this call in the caller's order, then those of earlier turns.
    pub files: Vec<EvidenceFile>,
    /// Everything offered, each once, in the same order.
    pub report: Vec<FileReport>,
    /// Estimated tokens of all files together, never above the budget.
    pub tokens: u32,
}

/// Opens what is wanted beneath the roots and fits it into the budget. Blocks on the file system.
///
/// Files of this call come before those of earlier turns. Among equals, files are given whole as long as they fit, in the
/// caller's order; what is left of the budget is shared among the others, which get their beginning and end. Nothing is dropped
/// without a line in the report.
#[must_use]
pub fn pack(roots: &Roots, wanted: &[Wanted], budget: Budget, limits: &Limits) -> Packed {
    pack_until(roots, wanted, budget, limits, &|| false)
}

/// The same for a call that may end in the meantime: then this returns soon, and the result is meaningless.
pub fn pack_until(
    roots: &Roots,
    wanted: &[Wanted],
    budget: Budget,
    limits: &Limits,
    is_over: &dyn Fn() -> bool,
) -> Packed {
    let Resolved { items, folders } = resolve(roots, wanted, limits, is_over);
    let slots = items.into_iter().map(Slot::from).collect();
    let mut packing = Packing { budget, limits, left: budget.total_tokens, slots, is_over };
    for earlier in [false, true] {
        packing.give_whole(earlier);
        packing.give_excerpts(earlier);
        packing.grow_excerpts(earlier);
    }
    let mut packed = packing.finish();
    for folder in &folders {
        account_for(folder, &mut packed);
    }
    packed
}

/// A folder that was named had to be seen: the report says so where nothing of it is given.
fn account_for(folder: &str, packed: &mut Packed) {
    let is_inside = |path: &str| {
        folder == "." || path.strip_prefix(folder).is_some_and(|rest| rest.starts_with(['/', '\\']))
    };
    if packed.files.iter().any(|file| is_inside(&file.path)) {
        return;
    }
    match packed.report.iter_mut().find(|report| report.path == folder) {
        Some(report) => (report.unseen, report.named) = (true, true),
        None => {
            let reason = Some("none of its files can be given to a model".to_owned());
            let report = FileReport::new(folder.to_owned(), FileStatus::Skipped, reason, 0).unseen();
            packed.report.push(FileReport { named: true, ..report });
        }
    }
}

/// One thing that was offered, and what has become of it so far.
struct Slot {
    candidate: Option<Candidate>,
    outcome: Outcome,
}

enum Outcome {
    /// Does not fit whole. Carries its estimated tokens.
    Waiting(u32),
    Given(Box<EvidenceFile>, FileReport),
    NotGiven(FileReport),
}

impl From<Item> for Slot {
    fn from(item: Item) -> Self {
        match item {
            Item::Open(candidate) => Self { candidate: Some(candidate), outcome: Outcome::Waiting(0) },
            Item::Settled(report) => Self { candidate: None, outcome: Outcome::NotGiven(report) },
        }
    }
}

struct Packing<'a> {
    budget: Budget,
    limits: &'a Limits,
    left: u32,
    slots: Vec<Slot>,
    is_over: &'a dyn Fn() -> bool,
}

impl Packing<'_> {
    /// Below this an excerpt is not worth its frame.
    fn floor(&self) -> u32 {
        (self.budget.total_tokens / 40).clamp(80, EXCERPT)
    }

    fn waiting(&self, earlier: bool) -> Vec<usize> {
        let waits = |slot: &Slot| {
            matches!(slot.outcome, Outcome::Waiting(_))
                && slot.candidate.as_ref().is_some_and(|candidate| candidate.earlier == earlier)
        };
        self.slots.iter().enumerate().filter(|(_, slot)| waits(slot)).map(|(at, _)| at).collect()
    }

    fn give_whole(&mut self, earlier: bool) {
        for at in self.waiting(earlier) {
            if (self.is_over)() {
                return;
            }
            let room = self.left.min(self.budget.per_file_tokens);
            let floor = self.floor().min(100);
            let Some(slot) = self.slots.get_mut(at) else { continue };
            let Some(candidate) = &slot.candidate else { continue };
            if room < floor {
                let size = std::fs::metadata(&candidate.absolute).map_or(0, |metadata| metadata.len());
                slot.outcome = Outcome::Waiting(estimate_tokens_of_bytes(size));
                continue;
            }
            slot.outcome = whole(candidate, room, self.limits);
            if let Outcome::Given(_, report) = &slot.outcome {
                self.left -= report.tokens;
            }
        }
    }

    fn give_excerpts(&mut self, earlier: bool) {
        let waiting = self.waiting(earlier);
        for (done, at) in waiting.iter().enumerate() {
            if (self.is_over)() {
                return;
            }
            let others = u32::try_from(waiting.len() - done).unwrap_or(u32::MAX);
            let sharers = (self.left / EXCERPT).clamp(1, others);
            self.give_excerpt(*at, self.left / sharers);
        }
    }

    /// When the last files could not use their shares, those before them take what is left.
    fn grow_excerpts(&mut self, earlier: bool) {
        for at in 0..self.slots.len() {
            if self.left < self.floor() || (self.is_over)() {
                return;
            }
            let Some(Slot { candidate: Some(candidate), outcome: Outcome::Given(_, report) }) =
                self.slots.get(at)
            else {
                continue;
            };
            let tokens = report.tokens;
            if candidate.earlier != earlier
                || report.status != FileStatus::Excerpted
                || tokens + self.floor() > self.budget.per_file_tokens
            {
                continue;
            }
            self.left += tokens;
            self.give_excerpt(at, self.left);
        }
    }

    fn give_excerpt(&mut self, at: usize, share: u32) {
        let share = share.min(self.left).min(self.budget.per_file_tokens);
        let floor = self.floor();
        let Some(slot) = self.slots.get_mut(at) else { return };
        let Some(candidate) = &slot.candidate else { return };
        slot.outcome = match slot.outcome {
            Outcome::Waiting(need) if share < floor => {
                Outcome::NotGiven(refused(candidate, &Rejection::NoRoom(need)))
            }
            _ => in_part(candidate, share, self.limits),
        };
        if let Outcome::Given(_, report) = &slot.outcome {
            self.left -= report.tokens;
        }
    }

    fn finish(self) -> Packed {
        let mut packed = Packed { tokens: self.budget.total_tokens - self.left, ..Packed::default() };
        for slot in self.slots {
            match slot.outcome {
                Outcome::Given(file, report) => {
                    packed.files.push(*file);
                    packed.report.push(report);
                }
                Outcome::NotGiven(report) => packed.report.push(report),
                Outcome::Waiting(need) => {
                    let path = slot.candidate.map(|candidate| candidate.path).unwrap_or_default();
                    packed.report.push(turned_down(path, &Rejection::NoRoom(need), true));
                }
            }
        }
        packed
    }
}

fn refused(candidate: &Candidate, rejection: &Rejection) -> FileReport {
    turned_down(candidate.path.clone(), rejection, !candidate.walked)
}

fn whole(candidate: &Candidate, room: u32, limits: &Limits) -> Outcome {
    match read(candidate, room, true, limits) {
        Err(rejection) => Outcome::NotGiven(refused(candidate, &rejection)),
        Ok(Load::TooLarge(need)) => Outcome::Waiting(need),
        Ok(Load::Text(loaded)) => {
            let tokens = excerpt::cost(&candidate.path, &loaded.parts);
            if loaded.complete && tokens <= room {
                given(candidate, loaded, tokens, FileStatus::Included)
            } else {
                Outcome::Waiting(if loaded.complete {
                    tokens
                } else {
                    estimate_tokens_of_bytes(loaded.bytes)
                })
            }
        }
    }
}

fn in_part(candidate: &Candidate, share: u32, limits: &Limits) -> Outcome {
    let mut loaded = match read(candidate, share, false, limits) {
        Ok(Load::Text(loaded)) => loaded,
        Ok(Load::TooLarge(need)) => return Outcome::Waiting(need),
        Err(rejection) => return Outcome::NotGiven(refused(candidate, &rejection)),
    };
    let Some(segments) = excerpt::cut(&candidate.path, &loaded.parts, share) else {
        let too_long =
            format!("its lines are too long to cut one to the {share} tokens that are left for it");
        return Outcome::NotGiven(refused(candidate, &Rejection::Unsuitable(too_long)));
    };
    let all = loaded.complete && segments == loaded.parts;
    loaded.parts = segments;
    let tokens = excerpt::cost(&candidate.path, &loaded.parts);
    given(candidate, loaded, tokens, if all { FileStatus::Included } else { FileStatus::Excerpted })
}

/// Reads a candidate and refuses ranges that do not exist.
fn read(candidate: &Candidate, room: u32, or_nothing: bool, limits: &Limits) -> Result<Load, Rejection> {
    let load = load(&candidate.root, &candidate.absolute, &candidate.selection, room, or_nothing, limits);
    let load = load.map_err(|rejection| match rejection {
        Rejection::NotThere if candidate.earlier => Rejection::Vanished,
        other => other,
    })?;
    if let (Load::Text(loaded), Selection::Ranges(_)) = (&load, &candidate.selection)
        && loaded.parts.is_empty()
        && loaded.complete
    {
        let lines = loaded.lines;
        return Err(Rejection::Unsuitable(format!("the lines asked for do not exist, the file has {lines}")));
    }
    Ok(load)
}

fn given(candidate: &Candidate, loaded: Loaded, tokens: u32, status: FileStatus) -> Outcome {
    let mut reasons = Vec::new();
    if status == FileStatus::Excerpted {
        let about = if loaded.lines_estimated { "about " } else { "" };
        let (ranges, lines) = (excerpt::ranges(&loaded.parts), loaded.lines);
        reasons
            .push(format!("over its share of the token budget: lines {ranges} of {about}{lines} are given"));
    }
    if candidate.seen.as_ref().is_some_and(|seen| *seen != loaded.hash) {
        reasons.push("changed since it was last given".to_owned());
    }
    reasons.extend(loaded.note.clone());
    reasons.extend(candidate.remark.clone());
    let path = candidate.path.clone();
    let reason = (!reasons.is_empty()).then(|| reasons.join("; "));
    let named = !candidate.walked;
    let report = FileReport { named, ..FileReport::new(path.clone(), status, reason, tokens) };
    let Loaded { hash, bytes, lines, parts: segments, .. } = loaded;
    let absolute = Path::new(&candidate.absolute).to_path_buf();
    Outcome::Given(
        Box::new(EvidenceFile { path, absolute, hash, bytes, lines, segments, removed: Vec::new() }),
        report,
    )
}
