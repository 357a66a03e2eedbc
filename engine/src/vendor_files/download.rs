//! Fetches an uploaded file back from its provider, into a folder that may be read anyway.

use std::{
    io::{Read as _, Write as _},
    path::{Path, PathBuf},
};

use exai_context::files::{self, open_beneath};
use exai_core::files::{Reading, UploadedFile};

use super::{blocking, ctx, failed, rejected, upload::is_gone};
use crate::{call::Call, engine::Engine, error::EngineError};

/// What is fetched, and where it goes.
#[derive(Debug, Clone, Default)]
pub struct DownloadInput {
    /// The id that its provider gave it.
    pub file_id: String,
    /// A file or folder beneath the allowed folders; the first of these when empty.
    pub destination: String,
}

/// A file that was fetched.
#[derive(Debug)]
pub struct Downloaded {
    /// The file at the provider.
    pub file: UploadedFile,
    /// Where it is now.
    pub path: PathBuf,
    /// Its size in bytes.
    pub bytes: u64,
    /// BLAKE3 of it as 64 hex digits.
    pub hash: String,
    /// Whether it is the text that the provider made of the file instead of the file.
    pub is_text: bool,
    /// Whether the same content was there already.
    pub was_there: bool,
}

impl Engine {
    /// Fetches a file that this principal has uploaded. Nothing is overwritten.
    ///
    /// # Errors
    /// The file is not the principal's, its provider does not return it, or another file is at the destination.
    pub async fn download(&self, input: &DownloadInput, call: &Call) -> Result<Downloaded, EngineError> {
        let file = self.own_file(&input.file_id, call).await?;
        let provider = self.filing(Some(file.provider.as_str()))?;
        let port = self.file_port(&provider)?;
        let is_text = port.reading() == Reading::Extracted;
        let name = if is_text { format!("{}.txt", file.name) } else { file.name.clone() };
        let roots = call.roots.roots().await;
        let wanted =
            if input.destination.trim().is_empty() { "." } else { input.destination.trim() }.to_owned();
        let (asked, place_name) = (wanted.clone(), name);
        let place = blocking("looking for the folder", move || {
            files::place_for(&roots, Path::new(&asked), &place_name)
        });
        let place = place.await?.map_err(|rejection| rejected("destination", &wanted, &rejection))?;
        let content = match port.content(&file.id, &ctx(call)).await.map_err(failed) {
            Ok(content) => content,
            Err(error) => {
                if is_gone(&error) {
                    self.forget(&file, call).await;
                }
                return Err(error);
            }
        };
        let hash = blake3::hash(&content).to_hex().to_string();
        if !is_text && hash != file.hash {
            let text = format!("what {} gave is not what was put there; nothing was written", file.provider);
            return Err(EngineError::Internal { what: text, source: None });
        }
        let bytes = content.len() as u64;
        let (path, body) = (place.clone(), content);
        let written = blocking("writing the file", move || write_new(&path, &body)).await?;
        let was_there = written.map_err(|problem| {
            EngineError::invalid("destination", format!("{}: {problem}", place.display()))
        })?;
        Ok(Downloaded { file, path: place, bytes, hash, is_text, was_there })
    }
}

/// Writes a new file. True when the same content was there already.
fn write_new(path: &Path, content: &[u8]) -> Result<bool, String> {
    // `create_new` follows no link and replaces nothing.
    match std::fs::OpenOptions::new().write(true).create_new(true).open(path) {
        Ok(mut file) => match file.write_all(content).and_then(|()| file.sync_all()) {
            Ok(()) => Ok(false),
            Err(error) => {
                drop(std::fs::remove_file(path));
                Err(format!("cannot be written: {error}"))
            }
        },
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {
            if holds(path, content).unwrap_or(false) {
                Ok(true)
            } else {
                Err("another file lies there; name another destination".to_owned())
            }
        }
        Err(error) => Err(format!("cannot be written: {error}")),
    }
}

/// Whether the file at this path has this content. Any program may have made it, so it can be a pipe, a link or a file without end.
fn holds(path: &Path, content: &[u8]) -> Option<bool> {
    let file = open_beneath(path.parent()?, path).ok()?;
    let size = content.len() as u64;
    if file.metadata().ok()?.len() != size {
        return Some(false);
    }
    let mut there = Vec::new();
    file.take(size.saturating_add(1)).read_to_end(&mut there).ok()?;
    Some(there == content)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_without_end_is_another() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().canonicalize().unwrap().join("a.txt");
        std::fs::File::create(&path).unwrap().set_len(100 << 30).unwrap();
        assert!(write_new(&path, b"one").unwrap_err().contains("another file lies there"));
    }

    #[test]
    fn nothing_is_overwritten() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().canonicalize().unwrap().join("a.txt");
        assert_eq!(write_new(&path, b"one"), Ok(false));
        assert_eq!(write_new(&path, b"one"), Ok(true));
        assert!(write_new(&path, b"two").unwrap_err().contains("another file lies there"));
        assert_eq!(std::fs::read(&path).unwrap(), b"one");
        assert!(
            write_new(&folder.path().join("none/a.txt"), b"x").unwrap_err().contains("cannot be written")
        );
    }
}
