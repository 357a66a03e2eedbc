//! Reads what is wanted of one file, once: whole when it is small, only windows of it when it is not.

use std::fs::{File, Metadata};
use std::io::{Read as _, Seek as _, SeekFrom};
use std::path::Path;

use crate::evidence::{PRIVATE_KEY, Segment};
use crate::lfs;

use super::budget::{Limits, estimate_tokens_of_bytes, fewest_tokens_of_bytes};
use super::deny;
use super::encoding::{Encoding, SNIFF, Sniffed, refine, sniff};
use super::open::open_beneath;
use super::paths::LineRange;
use super::private_key::{OVERLAP, holds_private_key};
use super::rejection::Rejection;
use super::roots::Roots;
use super::text::{self, Decoded};

/// Bytes read at a time from files that are not read whole.
const BLOCK: usize = 256 << 10;

/// Bytes of a window for each token that it may have to fill.
const BYTES_PER_TOKEN: u64 = 6;

/// Which lines of a file are wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Selection {
    Whole,
    /// Ascending, not overlapping, not empty.
    Ranges(Vec<LineRange>),
}

impl Selection {
    /// Both together, each line once.
    pub(crate) fn union(self, other: Self) -> Self {
        let (Self::Ranges(mut ranges), Self::Ranges(more)) = (self, other) else { return Self::Whole };
        ranges.extend(more);
        ranges.sort_unstable();
        ranges.dedup_by(|next, kept| {
            let touches = next.first <= kept.last.saturating_add(1);
            if touches {
                kept.last = kept.last.max(next.last);
            }
            touches
        });
        Self::Ranges(ranges)
    }

    fn contains(&self, line: u32) -> bool {
        match self {
            Self::Whole => true,
            Self::Ranges(ranges) => ranges.iter().any(|range| (range.first..=range.last).contains(&line)),
        }
    }

    fn last_line(&self) -> u32 {
        match self {
            Self::Whole => u32::MAX,
            Self::Ranges(ranges) => ranges.last().map_or(0, |range| range.last),
        }
    }
}

/// The text of a file as far as it was read.
#[derive(Debug)]
pub(crate) struct Loaded {
    pub(crate) hash: String,
    pub(crate) bytes: u64,
    pub(crate) lines: u32,
    /// Whether `lines` was extrapolated from the beginning.
    pub(crate) lines_estimated: bool,
    /// Runs of lines; together they are the selection when `complete`, else its beginning and perhaps its end.
    pub(crate) parts: Vec<Segment>,
    pub(crate) complete: bool,
    /// What was not clear about its text.
    pub(crate) note: Option<String>,
    pub(crate) encoding: Encoding,
}

/// What reading came to.
#[derive(Debug)]
pub(crate) enum Load {
    Text(Loaded),
    /// Certainly larger than the room that was given; the content was not read. Carries the estimated tokens.
    TooLarge(u32),
}

/// Reads the selection of the file at a canonical path. `room` is the tokens that it may take: text that cannot fit is not read
/// when `or_nothing` is set, and otherwise only as much of a large file is read as may fill the room.
pub(crate) fn load(
    root: &Path,
    absolute: &Path,
    selection: &Selection,
    room: u32,
    or_nothing: bool,
    limits: &Limits,
) -> Result<Load, Rejection> {
    let mut file = open_beneath(root, absolute)?;
    let metadata = file.metadata().map_err(|error| Rejection::from_io(&error))?;
    let size = metadata.len();
    let small = size <= limits.whole_bytes;
    let capacity = if small { usize::try_from(size).unwrap_or(0).saturating_add(1) } else { SNIFF };
    let mut head = Vec::with_capacity(capacity);
    read_more(&mut file, &mut head, SNIFF as u64)?;
    let sniffed = sniff(&head);
    if sniffed == Sniffed::Binary {
        return Err(Rejection::Unsuitable("binary".to_owned()));
    }
    if let Some(reason) = deny::by_content(absolute, &head) {
        return Err(Rejection::Denied(reason));
    }
    if or_nothing && *selection == Selection::Whole && fewest_tokens_of_bytes(size) > room {
        return Ok(Load::TooLarge(estimate_tokens_of_bytes(size)));
    }
    if small {
        return whole(file, head, sniffed, absolute, selection, limits).map(Load::Text);
    }
    let Sniffed::Text(encoding) = sniffed else { return Err(Rejection::OtherEncoding) };
    if !encoding.has_plain_lines() {
        return Err(Rejection::LargeText(encoding.name(), limits.whole_bytes));
    }
    // Two windows never overlap in a file that is larger than both.
    let window =
        u64::from(room).saturating_mul(BYTES_PER_TOKEN).max(SNIFF as u64).min(limits.whole_bytes / 2);
    let mut large = Large { file, metadata, selection, window, encoding, limits };
    large.read(head).map(Load::Text)
}

/// The hash that [`crate::evidence::EvidenceFile::hash`] would have if the file were read now; `None` when it cannot be read.
#[must_use]
pub fn hash_of(roots: &Roots, absolute: &Path) -> Option<String> {
    let root = roots.containing(absolute)?;
    let first_line = Selection::Ranges(vec![LineRange { first: 1, last: 1 }]);
    match load(root, absolute, &first_line, 0, false, &Limits::default()) {
        Ok(Load::Text(loaded)) => Some(loaded.hash),
        Ok(Load::TooLarge(_)) | Err(_) => None,
    }
}

fn read_more(file: &mut File, into: &mut Vec<u8>, most: u64) -> Result<usize, Rejection> {
    file.by_ref().take(most).read_to_end(into).map_err(|error| Rejection::from_io(&error))
}

fn whole(
    mut file: File,
    mut bytes: Vec<u8>,
    sniffed: Sniffed,
    absolute: &Path,
    selection: &Selection,
    limits: &Limits,
) -> Result<Loaded, Rejection> {
    read_more(&mut file, &mut bytes, limits.whole_bytes)?;
    if bytes.len() as u64 > limits.whole_bytes {
        return Err(Rejection::Unreadable("it grew while it was read".to_owned()));
    }
    if let Some(reason) = deny::by_content(absolute, &bytes) {
        return Err(Rejection::Denied(reason));
    }
    let hash = blake3::hash(&bytes).to_hex().to_string();
    let size = bytes.len() as u64;
    let encoding = refine(sniffed, &bytes).ok_or(Rejection::OtherEncoding)?;
    let Decoded { text, replaced } = text::decode(bytes, encoding);
    if let Some(reason) = deny::by_content(absolute, text.as_bytes()).filter(|_| encoding != Encoding::Utf8) {
        return Err(Rejection::Denied(reason));
    }
    let lines = text::count_lines(text.as_bytes());
    let pointer = lfs::size_behind(&text)
        .map(|size| format!("a pointer of Git LFS: the file itself, which has {size} bytes, is not here"));
    let parts = match selection {
        Selection::Whole if text.is_empty() => Vec::new(),
        Selection::Whole => vec![Segment { first_line: 1, text }],
        Selection::Ranges(ranges) => slice(&text, ranges),
    };
    Ok(Loaded {
        hash,
        bytes: size,
        lines,
        lines_estimated: false,
        parts,
        complete: true,
        note: pointer.or_else(|| note(encoding, replaced)),
        encoding,
    })
}

/// What the report says of a text whose bytes do not say what they are.
fn note(encoding: Encoding, replaced: bool) -> Option<String> {
    let name = encoding.name();
    match (encoding.is_guess(), replaced) {
        (true, false) => Some(format!("read as {name}, which is what its bytes look like")),
        (true, true) => Some(format!(
            "read as {name}, which is what its bytes look like; those that are unreadable are shown as U+FFFD"
        )),
        (false, true) => Some(format!("not valid {name}: unreadable bytes are shown as U+FFFD")),
        (false, false) => None,
    }
}

/// Refuses a file that is read in blocks when a private key stands in it. `before` is the end of what was searched.
fn search(before: &mut Vec<u8>, block: &[u8]) -> Result<(), Rejection> {
    before.extend_from_slice(block);
    if holds_private_key(before) {
        return Err(Rejection::Denied(PRIVATE_KEY));
    }
    before.drain(..before.len().saturating_sub(OVERLAP));
    Ok(())
}

/// The lines of the ranges; those beyond the end are not there.
fn slice(text: &str, ranges: &[LineRange]) -> Vec<Segment> {
    let mut parts: Vec<Segment> = Vec::new();
    let mut rest = text;
    let mut line = 1_u32;
    for range in ranges {
        let skipped = (range.first.saturating_sub(line)) as usize;
        rest = after_lines(rest, skipped).1;
        let (given, after) = after_lines(rest, (range.last - range.first) as usize + 1);
        if given.is_empty() {
            break;
        }
        parts.push(Segment { first_line: range.first, text: given.to_owned() });
        rest = after;
        line = range.last.saturating_add(1);
    }
    parts
}

/// Splits after so many lines, or at the end.
fn after_lines(text: &str, lines: usize) -> (&str, &str) {
    let Some(last) = lines.checked_sub(1) else { return ("", text) };
    match memchr::memchr_iter(b'\n', text.as_bytes()).nth(last) {
        Some(end) => text.split_at(end + 1),
        None => (text, ""),
    }
}

/// A file that is not read whole.
struct Large<'a> {
    file: File,
    metadata: Metadata,
    selection: &'a Selection,
    window: u64,
    encoding: Encoding,
    limits: &'a Limits,
}

impl Large<'_> {
    fn read(&mut self, head: Vec<u8>) -> Result<Loaded, Rejection> {
        let size = self.metadata.len();
        let scanned = size <= self.limits.scan_bytes;
        let scan = self.scan(head, scanned)?;
        let mut parts = scan.kept.into_parts(scanned && !scan.overflow, self.encoding);
        let mut lines = scan.lines;
        if scanned && *self.selection == Selection::Whole {
            parts.extend(self.tail(lines)?);
        }
        if !scanned && scan.bytes < size {
            // Long enough to exceed what was counted, and in proportion to the size.
            let estimate = u128::from(lines.max(1)) * u128::from(size) / u128::from(scan.bytes.max(1));
            lines = u32::try_from(estimate).unwrap_or(u32::MAX).max(lines.saturating_add(1));
        }
        if parts.is_empty() && !scanned {
            let reached = scan.bytes;
            return Err(Rejection::Unsuitable(format!(
                "no whole wanted line within the {reached} bytes that are read of it"
            )));
        }
        let replaced = parts.iter().any(|part| part.text.contains(char::REPLACEMENT_CHARACTER));
        Ok(Loaded {
            hash: scan.hash,
            bytes: size,
            lines,
            lines_estimated: !scanned,
            complete: *self.selection != Selection::Whole && !scan.overflow,
            parts,
            note: note(self.encoding, replaced),
            encoding: self.encoding,
        })
    }

    /// Reads on from the head. Of a file that is scanned, everything; otherwise until the window is full or the last wanted
    /// line, or the limit, is reached.
    fn scan(&mut self, head: Vec<u8>, scanned: bool) -> Result<Scan, Rejection> {
        let size = self.metadata.len();
        let mut hasher = blake3::Hasher::new();
        let mut scan =
            Scan { kept: Kept::default(), lines: 0, bytes: 0, overflow: false, hash: String::new() };
        if !scanned {
            // Not the hash of any file: it starts with what no reader of the content alone would hash.
            hasher.update(b"beginning of a large file\0").update(&size.to_le_bytes());
            let changed = self
                .metadata
                .modified()
                .ok()
                .and_then(|time| time.duration_since(std::time::UNIX_EPOCH).ok());
            hasher.update(&changed.unwrap_or_default().as_nanos().to_le_bytes()).update(&head);
        }
        let mut block = head;
        let mut line = 1_u32;
        let mut searched = Vec::new();
        while !block.is_empty() {
            search(&mut searched, &block)?;
            if scanned {
                hasher.update(&block);
            }
            scan.bytes += block.len() as u64;
            self.keep(&block, &mut line, &mut scan);
            let passed = line > self.selection.last_line();
            let limit =
                if *self.selection == Selection::Whole { self.window } else { self.limits.scan_bytes };
            if !scanned && (passed || scan.bytes >= limit) {
                scan.overflow |= !passed;
                break;
            }
            if scan.bytes > size {
                break;
            }
            block.clear();
            read_more(&mut self.file, &mut block, BLOCK as u64)?;
        }
        if scanned && scan.bytes != size {
            return Err(Rejection::Unreadable("it changed while it was read".to_owned()));
        }
        scan.lines = line - u32::from(scan.kept.at_line_start);
        scan.hash = hasher.finalize().to_hex().to_string();
        Ok(scan)
    }

    /// Keeps the wanted lines of a block while the window lasts, and counts.
    fn keep(&self, block: &[u8], line: &mut u32, scan: &mut Scan) {
        let mut rest = block;
        while !rest.is_empty() {
            if scan.overflow || *line > self.selection.last_line() {
                let more = u32::try_from(memchr::memchr_iter(b'\n', rest).count()).unwrap_or(u32::MAX);
                *line = line.saturating_add(more);
                scan.kept.at_line_start = rest.last() == Some(&b'\n');
                return;
            }
            let end = memchr::memchr(b'\n', rest).map_or(rest.len(), |end| end + 1);
            let (piece, after) = rest.split_at(end);
            rest = after;
            let ends = piece.last() == Some(&b'\n');
            if self.selection.contains(*line) {
                if scan.kept.bytes + (piece.len() as u64) <= self.window {
                    scan.kept.push(*line, piece);
                } else {
                    scan.overflow = true;
                }
            }
            scan.kept.at_line_start = ends;
            *line = line.saturating_add(u32::from(ends));
        }
    }

    /// The last window of the file, from the first line that starts in it.
    fn tail(&mut self, lines: u32) -> Result<Option<Segment>, Rejection> {
        let size = self.metadata.len();
        let io = |error: std::io::Error| Rejection::from_io(&error);
        self.file.seek(SeekFrom::Start(size.saturating_sub(self.window))).map_err(io)?;
        let mut bytes = Vec::with_capacity(usize::try_from(self.window).unwrap_or(0));
        read_more(&mut self.file, &mut bytes, self.window)?;
        if bytes.len() as u64 != self.window || self.file.metadata().map_err(io)?.len() != size {
            return Err(Rejection::Unreadable("it changed while it was read".to_owned()));
        }
        let Some(cut) = memchr::memchr(b'\n', &bytes) else { return Ok(None) };
        let Decoded { text, .. } = text::decode(bytes.split_off(cut + 1), self.encoding);
        let given = text::count_lines(text.as_bytes());
        Ok((given > 0).then(|| Segment { first_line: lines.saturating_sub(given) + 1, text }))
    }
}

struct Scan {
    kept: Kept,
    lines: u32,
    bytes: u64,
    overflow: bool,
    hash: String,
}

/// Lines kept while scanning; pieces of a line may come one by one.
#[derive(Default)]
struct Kept {
    runs: Vec<(u32, Vec<u8>)>,
    next: u32,
    bytes: u64,
    at_line_start: bool,
}

impl Kept {
    fn push(&mut self, line: u32, piece: &[u8]) {
        self.bytes += piece.len() as u64;
        match self.runs.last_mut() {
            Some((_, run)) if self.next == line => run.extend_from_slice(piece),
            _ => self.runs.push((line, piece.to_vec())),
        }
        self.next = line.saturating_add(u32::from(piece.last() == Some(&b'\n')));
    }

    /// Whole lines only: what the window cut off in the middle is dropped. The last line of the file may lack its `\n`.
    fn into_parts(self, ended: bool, encoding: Encoding) -> Vec<Segment> {
        let parts = self.runs.into_iter().filter_map(|(first_line, mut run)| {
            if !ended {
                run.truncate(memchr::memrchr(b'\n', &run)? + 1);
            }
            Some(Segment { first_line, text: text::decode(run, encoding).text })
        });
        parts.collect()
    }
}
