//! Bytes to text: what is binary, which encoding, and the one form of line end that the rest of the program sees.

/// How many bytes at the start of a file decide what it is.
pub(crate) const SNIFF: usize = 8 << 10;

/// One invalid byte in this many is still text in an old encoding; more is not.
const INVALID_SHARE: usize = 10;

/// How bytes stand for characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Encoding {
    Utf8,
    Utf16Le,
    Utf16Be,
}

/// Distinguishes text from binary by the first bytes of a file; `None` is binary.
pub(crate) fn sniff(head: &[u8]) -> Option<Encoding> {
    let head = head.get(..SNIFF).unwrap_or(head);
    if head.starts_with(b"\xff\xfe") {
        return Some(Encoding::Utf16Le);
    }
    if head.starts_with(b"\xfe\xff") {
        return Some(Encoding::Utf16Be);
    }
    if memchr::memchr(0, head).is_some() {
        return None;
    }
    if std::str::from_utf8(head).is_ok() {
        return Some(Encoding::Utf8);
    }
    let invalid: usize = head.utf8_chunks().map(|chunk| chunk.invalid().len()).sum();
    // A character may be cut in two at the end of the head: up to three bytes are no evidence.
    (invalid.saturating_sub(3) * INVALID_SHARE <= head.len()).then_some(Encoding::Utf8)
}

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
        Encoding::Utf16Le => utf16(&bytes, u16::from_le_bytes),
        Encoding::Utf16Be => utf16(&bytes, u16::from_be_bytes),
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

fn utf16(bytes: &[u8], unit: fn([u8; 2]) -> u16) -> Decoded {
    let (pairs, rest) = bytes.as_chunks::<2>();
    let mut replaced = !rest.is_empty();
    let text = char::decode_utf16(pairs.iter().skip(1).map(|pair| unit(*pair)))
        .map(|decoded| {
            decoded.unwrap_or_else(|_| {
                replaced = true;
                char::REPLACEMENT_CHARACTER
            })
        })
        .collect();
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

    fn decoded(bytes: &[u8]) -> (String, bool) {
        let Decoded { text, replaced } = decode(bytes.to_vec(), sniff(bytes).unwrap());
        (text, replaced)
    }

    #[test]
    fn line_ends_are_normalised() {
        assert_eq!(decoded(b"\xef\xbb\xbfa\r\nb"), ("a\nb".to_owned(), false));
        assert_eq!(decoded(b"\xff\xfea\0\r\0\n\0"), ("a\n".to_owned(), false));
        assert_eq!(decoded(b"\xfe\xff\0a\0\n"), ("a\n".to_owned(), false));
        assert_eq!(decoded(b"\xff\xfe\x00\xd8"), ("\u{fffd}".to_owned(), true));
        assert_eq!(decoded(b""), (String::new(), false));
    }

    #[test]
    fn noise_is_not_text() {
        assert!(decoded(b"caf\xe9 au lait, s'il vous pla\xeet, et merci\n").1);
        assert_eq!(sniff(&[0xc3, 0x28, 0xa0, 0xa1].repeat(50)), None);
        assert_eq!(sniff(b"\x7fELF\x02\x01\0"), None);
        let mut split = "a".repeat(SNIFF - 1).into_bytes();
        split.extend_from_slice("é".as_bytes());
        assert_eq!(sniff(&split), Some(Encoding::Utf8));
        assert!(!decode(split, Encoding::Utf8).replaced);
    }

    #[test]
    fn lines_are_counted_like_the_library() {
        for text in ["", "a", "a\n", "\n", "a\nb", "\n\n"] {
            assert_eq!(count_lines(text.as_bytes()) as usize, text.lines().count(), "{text:?}");
        }
    }
}
