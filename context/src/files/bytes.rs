//! A file's bytes, whole, for callers that pass it on unchanged. The rules for what may be read are those for all files.

use std::{
    io::Read as _,
    path::{Path, PathBuf},
};

use super::{
    deny,
    encoding::{SNIFF, Sniffed, sniff},
    open::open_beneath,
    rejection::Rejection,
    roots::Roots,
};

/// A file.
#[derive(Debug)]
pub struct FileBytes {
    /// As files are named in prompts.
    pub path: String,
    /// Where it was read.
    pub absolute: PathBuf,
    /// All of it.
    pub bytes: Vec<u8>,
    /// BLAKE3 as 64 hex digits.
    pub hash: String,
    /// Whether a model can be shown it as it is.
    pub is_text: bool,
}

/// Reads a file of at most `max` bytes. Blocks on the file system.
pub fn read_bytes(roots: &Roots, written: &str, max: u64) -> Result<FileBytes, Rejection> {
    let located = roots.locate(written)?;
    if located.is_folder {
        return Err(Rejection::Unsuitable("a folder; name one file".to_owned()));
    }
    if let Some(reason) = deny::by_name(&located.absolute, false) {
        return Err(Rejection::Denied(reason));
    }
    let file = open_beneath(&located.root, &located.absolute)?;
    let mut bytes = Vec::new();
    file.take(max.saturating_add(1)).read_to_end(&mut bytes).map_err(|error| Rejection::from_io(&error))?;
    if bytes.len() as u64 > max {
        return Err(Rejection::Unsuitable(format!("larger than {max} bytes")));
    }
    if let Some(reason) = deny::by_content(&located.absolute, &bytes) {
        return Err(Rejection::Denied(reason));
    }
    let head = bytes.get(..SNIFF).unwrap_or(&bytes);
    Ok(FileBytes {
        path: roots.display(&located.absolute),
        is_text: matches!(sniff(head), Sniffed::Text(_)),
        hash: blake3::hash(&bytes).to_hex().to_string(),
        absolute: located.absolute,
        bytes,
    })
}

/// Where a new file may be written: a folder beneath a root, and a plain name in it.
pub fn place_for(roots: &Roots, wanted: &Path, usual_name: &str) -> Result<PathBuf, Rejection> {
    let as_folder = roots.locate(&wanted.to_string_lossy()).ok().filter(|located| located.is_folder);
    if let Some(folder) = as_folder {
        return named(&folder.absolute, usual_name);
    }
    let name = wanted.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let parent = wanted.parent().filter(|parent| !parent.as_os_str().is_empty());
    let parent = parent.map_or_else(|| ".".to_owned(), |parent| parent.to_string_lossy().into_owned());
    let folder = roots.locate(&parent)?;
    if !folder.is_folder {
        return Err(Rejection::Unsuitable("its parent is not a folder".to_owned()));
    }
    named(&folder.absolute, &name)
}

fn named(folder: &Path, name: &str) -> Result<PathBuf, Rejection> {
    let is_plain = !name.is_empty() && name != "." && name != ".." && !name.contains(['/', '\\', '\0']);
    if !is_plain {
        return Err(Rejection::Malformed("the file needs a plain name".to_owned()));
    }
    let path = folder.join(name);
    deny::by_name(&path, false).map_or(Ok(path), |reason| Err(Rejection::Denied(reason)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::files::{RootCandidate, RootOrigin};

    fn roots(folder: &Path) -> Roots {
        Roots::resolve([RootCandidate { path: folder.to_owned(), origin: RootOrigin::Configured }], None)
    }

    #[test]
    fn bytes_follow_the_rules_for_files() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("a.pdf"), b"%PDF-1.7\x00\xff\xfe").unwrap();
        std::fs::write(folder.path().join("a.txt"), "plain").unwrap();
        std::fs::write(folder.path().join(".env"), "KEY=1").unwrap();
        let roots = roots(folder.path());
        let pdf = read_bytes(&roots, "a.pdf", 100).unwrap();
        assert_eq!((pdf.is_text, pdf.bytes.len(), pdf.hash.len()), (false, 11, 64));
        assert!(read_bytes(&roots, "a.txt", 5).unwrap().is_text);
        assert!(read_bytes(&roots, "a.txt", 4).unwrap_err().to_string().contains("larger than 4 bytes"));
        assert!(matches!(read_bytes(&roots, ".env", 100), Err(Rejection::Denied(_))));
        assert!(matches!(read_bytes(&roots, "/etc/passwd", 100), Err(Rejection::Outside(_))));
        assert!(read_bytes(&roots, ".", 100).unwrap_err().to_string().contains("a folder"));
    }

    #[test]
    fn a_new_file_lies_beneath_a_root() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("down")).unwrap();
        let roots = roots(folder.path());
        let place = |wanted: &str| place_for(&roots, Path::new(wanted), "usual.txt");
        let real = folder.path().canonicalize().unwrap();
        assert_eq!(place("down").unwrap(), real.join("down/usual.txt"));
        assert_eq!(place("down/other.txt").unwrap(), real.join("down/other.txt"));
        assert_eq!(place("other.txt").unwrap(), real.join("other.txt"));
        assert!(place("/tmp/../etc/x").is_err() && place("none/x").is_err() && place("down/.env").is_err());
    }
}
