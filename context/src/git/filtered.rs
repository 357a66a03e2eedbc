//! Files that go through a filter on their way between repository and disk. The filter's program is not run.

use std::{collections::HashMap, ffi::OsString, sync::Arc};

use super::{
    change::{Changed, Side, Status},
    failure::GitFailure,
    os_path::path_of,
    program::words,
    repository::Repository,
};
use crate::{
    files::{Roots, read_whole},
    lfs,
};

/// The filter of Git LFS.
const LFS: &[u8] = b"lfs";

/// Withholds files whose text is not what it seems without its filter (large file storage, encryption). What Git LFS keeps in a repository
/// is a pointer, which is shown as one.
pub(super) async fn withhold(
    repository: &Repository,
    roots: &Arc<Roots>,
    files: &mut [Changed],
) -> Result<(), GitFailure> {
    let open: Vec<&Changed> = files.iter().filter(|file| file.withheld.is_none()).collect();
    if open.is_empty() {
        return Ok(());
    }
    let mut input = Vec::new();
    for file in &open {
        input.extend_from_slice(file.from_top.as_encoded_bytes());
        input.push(0);
    }
    let said = repository.tell(&words(["check-attr", "-z", "--stdin", "filter"]), &input).await?;
    let fields: Vec<&[u8]> = said.split(|byte| *byte == 0).collect();
    let filters: HashMap<OsString, &[u8]> = fields
        .chunks_exact(3)
        .filter_map(|triple| match triple {
            [path, _, value] if *value != b"unspecified" && *value != b"unset" => {
                Some((path_of(path), *value))
            }
            _ => None,
        })
        .collect();
    for file in files.iter_mut().filter(|file| file.withheld.is_none()) {
        file.withheld = match filters.get(&file.from_top) {
            Some(filter) if *filter == LFS => beside_pointer(file, roots),
            Some(_) => Some(
                "goes through a filter (such as large file storage or encryption), which is not run"
                    .to_owned(),
            ),
            None => None,
        };
    }
    Ok(())
}

/// Why the change of a file of Git LFS is not shown: on disk is the file itself, and only its pointer could be compared.
fn beside_pointer(file: &Changed, roots: &Roots) -> Option<String> {
    if file.side == Side::Stored || file.status == Status::Deleted {
        return None;
    }
    let there = std::fs::symlink_metadata(&file.absolute).ok()?;
    let is_pointer = there.len() <= lfs::MAX_POINTER
        && read_whole(roots, &file.absolute).is_ok_and(|whole| lfs::size_behind(&whole.text).is_some());
    (!is_pointer).then(|| {
        format!(
            "kept by Git LFS, whose filter is not run: the {} bytes on disk cannot be compared with what its pointer stands for",
            there.len()
        )
    })
}
