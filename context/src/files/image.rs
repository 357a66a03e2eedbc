//! Images for a model: a path beneath the roots, or a `data:` URL, becomes a `data:` URL that providers take.

use std::io::Read as _;

use base64::{Engine as _, engine::general_purpose::STANDARD};

use super::{open::open_beneath, rejection::Rejection, roots::Roots};

/// The largest image, in bytes; the smallest limit among the providers that take images inline is 20 MB
/// (<https://platform.openai.com/docs/guides/images-vision>).
pub const MAX_IMAGE_BYTES: u64 = 20 * 1024 * 1024;

/// The formats that every provider with vision takes, by how such a file begins.
const FORMATS: [(&[u8], &str); 4] = [
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF8", "image/gif"),
    (b"RIFF", "image/webp"),
];

/// Reads one image. Blocks on the file system.
///
/// # Errors
/// Says why the image cannot be given: outside the roots, not there, too large, or in no format that models read.
pub fn image(roots: &Roots, written: &str) -> Result<String, Rejection> {
    let written = written.trim();
    if written.starts_with("data:") {
        return checked_data_url(written);
    }
    let located = roots.locate(written)?;
    if located.is_folder {
        return Err(Rejection::Unsuitable("a folder, not a picture".to_owned()));
    }
    let file = open_beneath(&located.root, &located.absolute)?;
    let mut bytes = Vec::new();
    file.take(MAX_IMAGE_BYTES + 1).read_to_end(&mut bytes).map_err(|error| Rejection::from_io(&error))?;
    encoded(&bytes)
}

fn encoded(bytes: &[u8]) -> Result<String, Rejection> {
    if bytes.len() as u64 > MAX_IMAGE_BYTES {
        return Err(too_large());
    }
    let format = FORMATS.iter().find(|(begin, _)| bytes.starts_with(begin)).map(|(_, format)| *format);
    let is_webp = bytes.get(8..12) == Some(b"WEBP".as_slice());
    match format {
        Some(format) if format != "image/webp" || is_webp => {
            Ok(format!("data:{format};base64,{}", STANDARD.encode(bytes)))
        }
        _ => Err(Rejection::Unsuitable("not a PNG, JPEG, GIF or WebP picture".to_owned())),
    }
}

fn too_large() -> Rejection {
    Rejection::Unsuitable(format!("larger than {} MB", MAX_IMAGE_BYTES >> 20))
}

/// The same image with the format that its bytes have, whatever the URL says.
fn checked_data_url(url: &str) -> Result<String, Rejection> {
    let malformed = || Rejection::Malformed("expected data:image/...;base64,...".to_owned());
    let (header, data) = url.split_once(',').ok_or_else(malformed)?;
    if !header.ends_with(";base64") {
        return Err(malformed());
    }
    // Four letters for three bytes: what is certainly too large is not decoded.
    if data.len() as u64 / 4 * 3 > MAX_IMAGE_BYTES + 3 {
        return Err(too_large());
    }
    encoded(&STANDARD.decode(data.trim()).map_err(|_| malformed())?)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::files::{RootCandidate, RootOrigin};

    const PNG: &[u8] = b"\x89PNG\r\n\x1a\nrest";

    fn roots(folder: &Path) -> Roots {
        Roots::resolve([RootCandidate { path: folder.to_owned(), origin: RootOrigin::Configured }], None)
    }

    #[test]
    fn a_picture_is_known_by_its_bytes() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("wrong-name.txt"), PNG).unwrap();
        std::fs::write(folder.path().join("text.png"), "no picture").unwrap();
        let roots = roots(folder.path());
        assert!(image(&roots, "wrong-name.txt").unwrap().starts_with("data:image/png;base64,iVBOR"));
        assert!(image(&roots, "text.png").unwrap_err().to_string().contains("not a PNG"));
        assert_eq!(image(&roots, "none.png"), Err(Rejection::NotThere));
    }

    /// A data URL is checked and gets its true format.
    #[test]
    fn a_data_url_gets_its_true_format() {
        let folder = tempfile::tempdir().unwrap();
        let roots = roots(folder.path());
        let url = format!("data:image/jpeg;base64,{}", STANDARD.encode(PNG));
        assert!(image(&roots, &url).unwrap().starts_with("data:image/png;base64,"));
        for bad in ["data:image/png;base64", "data:image/png,abc", "data:image/png;base64,%%%"] {
            assert!(matches!(image(&roots, bad), Err(Rejection::Malformed(_))), "{bad}");
        }
        let text = format!("data:image/png;base64,{}", STANDARD.encode("plain"));
        assert!(matches!(image(&roots, &text), Err(Rejection::Unsuitable(_))));
    }
}
