//! Bytes to text, and the one form of line end that the rest of the program sees.

use super::encoding::{Encoding, units};

/// Bytes as text.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Decoded {
    pub(crate) text: String,
    /// Whether bytes that stand for no character were replaced.
    pub(crate) replaced: bool,
}

/// Decodes, drops a byte order mark and turns CRLF into LF.
pub(crate) fn decode(bytes: Vec<u8>, encoding: Encoding) -> Decoded {
    let decoded = match encoding {
        Encoding::Utf8 => {
            let mark = if bytes.starts_with(b"\xef\xbb\xbf") { 3 } else { 0 };
            utf8(bytes, mark)
        }
        Encoding::Legacy(legacy) => {
            let (text, replaced) = legacy.decode_without_bom_handling(&bytes);
            Decoded { text: text.into_owned(), replaced }
        }
        Encoding::Utf16(..) => wide(&bytes, 2, encoding),
        Encoding::Utf32(..) => wide(&bytes, 4, encoding),
    };
    if memchr::memmem::find(decoded.text.as_bytes(), b"\r\n").is_some() {
        Decoded { text: decoded.text.replace("\r\n", "\n"), ..decoded }
    } else {
        decoded
    }
}

fn utf8(bytes: Vec<u8>, mark: usize) -> Decoded {
    match String::from_utf8(bytes) {
        Ok(mut text) => {
            text.drain(..mark);
            Decoded { text, replaced: false }
        }
        Err(error) => {
            let text = String::from_utf8_lossy(error.as_bytes());
            let text = text.strip_prefix('\u{feff}').unwrap_or(&text).to_owned();
            Decoded { text, replaced: true }
        }
    }
}

fn wide(bytes: &[u8], unit: usize, encoding: Encoding) -> Decoded {
    let mut replaced = !bytes.len().is_multiple_of(unit);
    let mut text: String = units(bytes, encoding)
        .into_iter()
        .map(|character| {
            character.unwrap_or_else(|| {
                replaced = true;
                char::REPLACEMENT_CHARACTER
            })
        })
        .collect();
    if text.starts_with('\u{feff}') {
        text.drain(..'\u{feff}'.len_utf8());
    }
    Decoded { text, replaced }
}

/// Lines of a text, as [`str::lines`] counts them: a last line need not end in `\n`.
pub(crate) fn count_lines(text: &[u8]) -> u32 {
    let unfinished = usize::from(text.last().is_some_and(|byte| *byte != b'\n'));
    u32::try_from(memchr::memchr_iter(b'\n', text).count() + unfinished).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::files::encoding::{Sniffed, sniff};

    fn decoded(bytes: &[u8]) -> (String, bool) {
        let Sniffed::Text(encoding) = sniff(bytes) else { panic!("text") };
        let Decoded { text, replaced } = decode(bytes.to_vec(), encoding);
        (text, replaced)
    }

    #[test]
    fn line_ends_are_normalised() {
        assert_eq!(decoded(b"\xef\xbb\xbfa\r\nb"), ("a\nb".to_owned(), false));
        assert_eq!(decoded(b"\xff\xfea\0\r\0\n\0"), ("a\n".to_owned(), false));
        assert_eq!(decoded(b"\xfe\xff\0a\0\n"), ("a\n".to_owned(), false));
        assert_eq!(decoded(b"\xff\xfe\x00\xd8"), ("\u{fffd}".to_owned(), true));
        assert_eq!(decoded(b"\xff\xfea\0\n"), ("a".to_owned(), true));
        assert_eq!(decoded(b"\xff\xfe\0\0a\0\0\0\r\0\0\0\n\0\0\0"), ("a\n".to_owned(), false));
        assert_eq!(decoded(b"\0\0\xfe\xff\0\0\0a"), ("a".to_owned(), false));
        assert_eq!(decoded(b""), (String::new(), false));
    }

    #[test]
    fn legacy_text_is_decoded() {
        for encoding in [encoding_rs::GBK, encoding_rs::SHIFT_JIS, encoding_rs::EUC_KR] {
            let (bytes, ..) = encoding.encode("一\r\n");
            let Decoded { text, replaced } = decode(bytes.into_owned(), Encoding::Legacy(encoding));
            assert_eq!((text.as_str(), replaced), ("一\n", false), "{}", encoding.name());
        }
        assert!(decode(b"\xff".to_vec(), Encoding::Legacy(encoding_rs::EUC_KR)).replaced);
    }

    #[test]
    fn lines_are_counted_like_the_library() {
        for text in ["", "a", "a\n", "\n", "a\nb", "\n\n"] {
            assert_eq!(count_lines(text.as_bytes()) as usize, text.lines().count(), "{text:?}");
        }
    }
}
