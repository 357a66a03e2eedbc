//! Opens and renders the files of a call, off the async threads.

use std::sync::Arc;

use exai_context::{
    evidence::{EvidenceFile, FileReport, FileStatus, Segment},
    files::{self, Budget, Limits, Packed, Roots, Wanted, estimate_tokens},
    git::PackedChanges,
};
use exai_core::thread::FileRef;
use exai_prompts::question;
use tokio::time::Instant;

use crate::{call::Call, error::EngineError};
use exai_inference::error::InferenceError;

/// Files as they go into a prompt.
#[derive(Debug, Default)]
pub(crate) struct Gathered {
    /// What was opened.
    pub files: Arc<Vec<EvidenceFile>>,
    /// What happened to everything that was offered.
    pub report: Vec<FileReport>,
    /// The fenced text with the sentence that announces the fence, and what was left out; empty without files.
    pub text: String,
    /// The part of the text that says what was left out.
    pub left_out: String,
}

/// Whether a later report of the same file says all that this one does. What was refused of a file, such as a key that is only staged, stays
/// said when the file itself is given.
fn replaces(later: &[FileReport], file: &FileReport) -> bool {
    let is_said =
        |later: &FileReport| file.status != FileStatus::Refused || later.status == FileStatus::Refused;
    later.iter().any(|later| later.path == file.path && is_said(later))
}

impl Gathered {
    /// Puts the evidence of changes before that of these files, which were given with them. A file that was given whole
    /// takes the place of its changes: it holds their lines and more.
    pub(crate) fn beside(self, changes: PackedChanges) -> Self {
        let is_whole = |path: &str| self.files.iter().any(|file| file.path == path && file.is_whole());
        let mut files: Vec<EvidenceFile> = Vec::with_capacity(changes.files.len() + self.files.len());
        files.extend(changes.files.into_iter().filter(|file| file.hash.is_empty() || !is_whole(&file.path)));
        files.extend(self.files.iter().cloned());
        let mut report = changes.report;
        // A file that was also named is reported once, with the larger part of it that was given.
        report.retain(|file| file.status == FileStatus::Excerpted || !replaces(&self.report, file));
        report.extend(self.report);
        Self { files: Arc::new(files), report, text: self.text, left_out: self.left_out }
    }

    /// These files and more, which were given later. A file that came twice is kept as it was given last.
    pub(crate) fn and(self, more: Self) -> Self {
        let is_new = |path: &str| more.files.iter().all(|file| file.path != path);
        let kept = self.files.iter().filter(|file| is_new(&file.path));
        let files: Vec<EvidenceFile> = kept.chain(more.files.iter()).cloned().collect();
        let mut report = self.report;
        report.retain(|file| !replaces(&more.report, file));
        report.extend(more.report);
        Self { files: Arc::new(files), report, text: self.text, left_out: self.left_out }
    }

    /// Whether something was left out that more room would have shown.
    pub(crate) fn lacks_room(&self) -> bool {
        self.report.iter().any(|file| file.unseen && file.status != FileStatus::Refused)
    }

    /// The same with the files that pass.
    pub(crate) fn only(mut self, passes: impl Fn(&EvidenceFile) -> bool) -> Self {
        if self.files.iter().all(&passes) {
            return self;
        }
        let kept: Vec<EvidenceFile> = self.files.iter().filter(|file| passes(file)).cloned().collect();
        let dropped = |path: &str| self.files.iter().any(|file| file.path == path && !passes(file));
        self.report.retain(|file| !dropped(&file.path));
        self.text = with_left_out(rendered(&kept), &self.left_out);
        self.files = Arc::new(kept);
        self
    }

    /// The files as they were given, for later turns: a range stays a range.
    pub(crate) fn file_refs(&self) -> Vec<FileRef> {
        self.files.iter().flat_map(|file| self.refs_of(file)).collect()
    }

    fn refs_of(&self, file: &EvidenceFile) -> Vec<FileRef> {
        // What was not read from disk has no hash.
        let hash = Some(file.hash.clone()).filter(|hash| !hash.is_empty());
        let reference = |path: String| FileRef { path, hash: hash.clone() };
        let as_asked = self
            .report
            .iter()
            .any(|report| report.path == file.path && report.status == FileStatus::Included);
        if !as_asked || file.is_whole() {
            // What was cut for lack of room may fit next time.
            return vec![reference(file.path.clone())];
        }
        let lines = |segment: &Segment| {
            let count = u32::try_from(segment.text.lines().count()).unwrap_or(u32::MAX).max(1);
            format!("{}:{}-{}", file.path, segment.first_line, segment.first_line.saturating_add(count - 1))
        };
        file.segments.iter().map(|segment| reference(lines(segment))).collect()
    }
}

/// Bytes of the files that are named; of folders nothing is known without walking them.
pub(crate) async fn bytes_of(files: &[String], call: &Call) -> u64 {
    if files.is_empty() {
        return 0;
    }
    let (roots, files) = (call.roots.roots().await, files.to_vec());
    let sum = tokio::task::spawn_blocking(move || {
        let size = |file: &String| {
            let located =
                roots.locate(file).ok().filter(|located| !located.is_folder && located.range.is_none())?;
            std::fs::metadata(located.absolute).ok().map(|about| about.len())
        };
        files.iter().filter_map(size).sum()
    });
    sum.await.unwrap_or_default()
}

/// Keys the fence tag: it must differ from file to file, not from process to process, or equal prompts would not be equal.
const FENCE_KEY: &[u8; 32] = b"exai-mcp evidence fence, edition";

/// The most left-out files that are named to the expert.
const MAX_NAMED: usize = 50;
/// The most of the tokens for files, as a fraction, that naming the left-out ones may take.
const NAMES_SHARE: u32 = 8;
/// Estimated tokens of the sentence that announces the fence.
const ANNOUNCEMENT: u32 = 80;
/// How often files are packed until they and the names of what was left out fit together. The second time does, unless leaving
/// out more makes the names longer.
const PASSES: usize = 3;

/// Reads what is `wanted` within `tokens`, everything that is said about the files included.
pub(crate) async fn gather(
    call: &Call,
    wanted: Vec<Wanted>,
    tokens: u32,
    file_tokens: Option<u32>,
) -> Result<Gathered, EngineError> {
    if wanted.is_empty() {
        return Ok(Gathered::default());
    }
    let roots = call.roots.roots().await;
    let (cancel, deadline) = (call.cancel.clone(), call.deadline);
    let work = tokio::task::spawn_blocking(move || {
        let is_over = || cancel.is_cancelled() || Instant::now() >= deadline;
        let Fitted { packed, left_out } = fit(&roots, &wanted, Room { tokens, file_tokens }, &is_over);
        let text = with_left_out(rendered(&packed.files), &left_out);
        Gathered { files: Arc::new(packed.files), report: packed.report, text, left_out }
    });
    tokio::select! {
        biased;
        () = call.cancel.cancelled() => Err(InferenceError::Cancelled.into()),
        gathered = work => gathered.map_err(|error| EngineError::Internal {
            what: "reading the files failed".to_owned(),
            source: Some(Box::new(error)),
        }),
    }
}

/// What files and everything that is said about them may take.
#[derive(Clone, Copy)]
struct Room {
    tokens: u32,
    /// The most of one file; `None` when it may take everything.
    file_tokens: Option<u32>,
}

/// Files that fit, and the sentences about those that do not.
struct Fitted {
    packed: Packed,
    left_out: String,
}

/// Packs the files and words what was left out, both within the room.
fn fit(
    roots: &Roots,
    wanted: &[Wanted],
    Room { tokens, file_tokens }: Room,
    is_over: &dyn Fn() -> bool,
) -> Fitted {
    let mut reserve = ANNOUNCEMENT;
    let mut pass = 1;
    loop {
        let room = tokens.saturating_sub(reserve);
        let budget = Budget { total_tokens: room, per_file_tokens: file_tokens.unwrap_or(room).min(room) };
        let packed = files::pack_until(roots, wanted, budget, &Limits::default(), is_over);
        let left_out = left_out(&packed.report, tokens / NAMES_SHARE);
        let said = estimate_tokens(&left_out).saturating_add(ANNOUNCEMENT);
        if packed.tokens.saturating_add(said) <= tokens || pass == PASSES || is_over() {
            return Fitted { packed, left_out };
        }
        reserve = reserve.max(said);
        pass += 1;
    }
}

/// Tells the expert what it was not given, so that it does not take absence for evidence.
fn left_out(report: &[FileReport], tokens: u32) -> String {
    let missing: Vec<&FileReport> =
        report.iter().filter(|file| file.status != FileStatus::Included).collect();
    if missing.is_empty() {
        return String::new();
    }
    let mut text = String::from(question::LEFT_OUT);
    let mut named = 0;
    for file in missing.iter().take(MAX_NAMED) {
        let reason = file.reason.as_deref().unwrap_or("left out");
        let line = format!("- {}: {reason}\n", file.path);
        if estimate_tokens(&text).saturating_add(estimate_tokens(&line)) > tokens {
            break;
        }
        text.push_str(&line);
        named += 1;
    }
    if missing.len() > named {
        text.push_str(&question::and_more(missing.len() - named));
    }
    text
}

/// The text of files, and what is said of those that are not in it.
fn with_left_out(mut text: String, left_out: &str) -> String {
    if !text.is_empty() && !left_out.is_empty() {
        text.push('\n');
    }
    text.push_str(left_out);
    text
}

pub(crate) fn rendered(files: &[EvidenceFile]) -> String {
    if files.is_empty() {
        return String::new();
    }
    let tag = files::fence_tag(FENCE_KEY, files);
    let bytes: usize = files.iter().flat_map(|file| &file.segments).map(|segment| segment.text.len()).sum();
    let mut text = String::with_capacity(bytes + bytes / 4 + 4096);
    text.push_str(&question::files_follow(&tag));
    files::render(files, &tag, &mut text);
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(status: FileStatus) -> FileReport {
        FileReport::new("deploy/key.txt".to_owned(), status, None, 0)
    }

    /// A key that is only staged is refused though the file on disk is harmless by now.
    #[test]
    fn a_refusal_outlives_the_file_itself() {
        use FileStatus::{Excerpted, Included, Refused, Skipped};
        for (earlier, later, is_said) in [
            (Refused, Included, false),
            (Refused, Excerpted, false),
            (Refused, Refused, true),
            (Skipped, Included, true),
            (Included, Included, true),
        ] {
            assert_eq!(replaces(&[report(later)], &report(earlier)), is_said, "{earlier:?} {later:?}");
        }
        let of = |status| Gathered { report: vec![report(status)], ..Gathered::default() };
        let both = of(Refused).and(of(Included)).report;
        assert_eq!(both.iter().map(|file| file.status).collect::<Vec<_>>(), [Refused, Included]);
    }
}
