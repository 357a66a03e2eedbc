//! Files of a conversation, each with the message that named it first.
//!
//! A follow-up repeats what the model was sent before in the same bytes and order, and adds what is new at its end: providers read a prompt
//! that begins like an earlier one from their cache, for a fraction of its price and time. So an earlier turn's files stand before that
//! turn's words again, as long as they have not changed and there is room for all of it.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use exai_context::{
    evidence::{EvidenceFile, FileStatus},
    files::{Origin, Wanted, estimate_tokens},
};
use exai_core::thread::{FileRef, Thread, TurnBody};

use crate::{
    call::Call,
    error::EngineError,
    prompt_files::{Gathered, gather},
};

/// The evidence of a request, with its place in the conversation.
#[derive(Debug, Default)]
pub(crate) struct Anchored {
    /// The text of the files before each earlier turn, by the turn's number.
    pub before: BTreeMap<u32, String>,
    /// All files and what happened to them; its text stands before the question.
    pub gathered: Gathered,
}

/// What the files of a request may take, in tokens.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Room {
    pub tokens: u32,
    /// The most of one file; `None` when it may take everything.
    pub file_tokens: Option<u32>,
}

/// Gathers the files of earlier turns at their turns, and `wanted` before the question. `shown` are the turns that the request has.
///
/// Where not everything fits, all of it stands before the question, what it names first.
pub(crate) async fn gather_anchored(
    call: &Call,
    thread: &Thread,
    shown: &BTreeSet<u32>,
    wanted: Vec<Wanted>,
    room: Room,
) -> Result<Anchored, EngineError> {
    let Room { tokens, file_tokens } = room;
    let mut left = tokens;
    let mut anchored = Anchored::default();
    // As earlier turns named them, lines included.
    let mut stayed: BTreeSet<String> = BTreeSet::new();
    let mut files: Vec<EvidenceFile> = Vec::new();
    let mut report = Vec::new();
    for (seq, refs) in by_turn(thread, shown) {
        let hash_of = |path: &str| {
            refs.iter().find(|file| bare(&file.path) == path).and_then(|file| file.hash.as_ref())
        };
        let earlier = refs.iter().map(|file| Wanted { path: file.path.clone(), from: Origin::Call });
        let group = gather(call, earlier.collect(), left, file_tokens).await?;
        // What has changed is new evidence, and what is not there any more none.
        let stays = |file: &EvidenceFile| hash_of(&file.path).is_none_or(|hash| *hash == file.hash);
        let kept = group.only(stays);
        if kept.files.is_empty() {
            continue;
        }
        let is_there = |path: &str| kept.files.iter().any(|file| file.path == bare(path));
        stayed.extend(refs.iter().map(|file| file.path.clone()).filter(|path| is_there(path)));
        left = left.saturating_sub(estimate_tokens(&kept.text));
        report.extend(kept.report);
        files.extend(kept.files.iter().cloned());
        anchored.before.insert(seq, kept.text);
    }
    let now: Vec<Wanted> = wanted.iter().filter(|file| !stayed.contains(&file.path)).cloned().collect();
    let now = gather(call, now, left, file_tokens).await?;
    // A folder that is named again holds files that the model has been shown.
    let is_new = |file: &EvidenceFile| !files.iter().any(|known| known.shows(file));
    let now = now.only(is_new);
    let lacks_room =
        report.iter().chain(&now.report).any(|file| file.unseen && file.status != FileStatus::Refused);
    if lacks_room && !anchored.before.is_empty() {
        let gathered = gather(call, wanted, tokens, file_tokens).await?;
        return Ok(Anchored { before: BTreeMap::new(), gathered });
    }
    let Gathered { files: new, report: told, text, .. } = now;
    files.extend(new.iter().cloned());
    report.retain(|file| told.iter().all(|later| later.path != file.path));
    report.extend(told);
    anchored.gathered = Gathered { files: Arc::new(files), report, text, ..Gathered::default() };
    Ok(anchored)
}

/// The files that each shown turn named first, oldest turn first.
fn by_turn(thread: &Thread, shown: &BTreeSet<u32>) -> Vec<(u32, Vec<FileRef>)> {
    let mut seen = BTreeSet::new();
    let mut turns = Vec::new();
    for turn in thread.turns.iter().filter(|turn| shown.contains(&turn.seq)) {
        let TurnBody::Message(message) = &turn.body else { continue };
        let new: Vec<FileRef> =
            message.files.iter().filter(|file| seen.insert(file.path.clone())).cloned().collect();
        if !new.is_empty() {
            turns.push((turn.seq, new));
        }
    }
    turns
}

/// A path without the lines behind it.
fn bare(path: &str) -> &str {
    match path.rsplit_once(':') {
        Some((bare, lines)) if !lines.is_empty() && lines.chars().all(|c| c.is_ascii_digit() || c == '-') => {
            bare
        }
        _ => path,
    }
}
