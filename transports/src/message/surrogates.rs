//! Halves of characters beyond U+FFFF that stand alone. JavaScript and Python write them when a text was cut in the middle of such a
//! character. JSON allows it (RFC 8259, 8.2), no text of Rust can hold it, and a parser refuses the whole message.

use std::borrow::Cow;

use memchr::{memchr, memmem};

/// Of the same length as what it stands for.
const REPLACEMENT: &[u8] = br"\ufffd";

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Half {
    High,
    Low,
}

/// The message with U+FFFD, the replacement character, for each half that stands alone.
pub(crate) fn replaced(message: &[u8]) -> Cow<'_, [u8]> {
    let mut replaced = Cow::Borrowed(message);
    if memmem::find(message, br"\u").is_none() {
        return replaced;
    }
    let mut at = 0;
    while let Some(found) = message.get(at..).and_then(|rest| memchr(b'\\', rest)) {
        let here = at + found;
        let next = here + REPLACEMENT.len();
        at = match half(message, here) {
            // What is escaped here may be a backslash.
            None => here + 2,
            Some(Half::High) if half(message, next) == Some(Half::Low) => next + REPLACEMENT.len(),
            Some(_) => {
                if let Some(alone) = replaced.to_mut().get_mut(here..next) {
                    alone.copy_from_slice(REPLACEMENT);
                }
                next
            }
        };
    }
    replaced
}

/// The half that is escaped at this place.
fn half(message: &[u8], at: usize) -> Option<Half> {
    match message.get(at..at + REPLACEMENT.len())? {
        [b'\\', b'u', b'd' | b'D', kind, more @ ..] if more.iter().all(u8::is_ascii_hexdigit) => match kind {
            b'8' | b'9' | b'a' | b'b' | b'A' | b'B' => Some(Half::High),
            b'c'..=b'f' | b'C'..=b'F' => Some(Half::Low),
            _ => None,
        },
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn mended(text: &str) -> String {
        String::from_utf8(replaced(text.as_bytes()).into_owned()).unwrap()
    }

    #[test]
    fn only_lone_halves_are_replaced() {
        for (written, read) in [
            (r#""\ud800""#, "\u{fffd}"),
            (r#""\uDFFF!""#, "\u{fffd}!"),
            (r#""a\ud83d""#, "a\u{fffd}"),
            (r#""\ud83d\ude00""#, "\u{1f600}"),
            (r#""\ude00\ud83d""#, "\u{fffd}\u{fffd}"),
            (r#""\ud83d\ud83d\ude00""#, "\u{fffd}\u{1f600}"),
            (r#""\ud83d\n\ude00""#, "\u{fffd}\n\u{fffd}"),
            (r#""\ud83dx\ude00""#, "\u{fffd}x\u{fffd}"),
            // A backslash and four letters.
            (r#""\\ud800""#, r"\ud800"),
            (r#""\\\ud800""#, "\\\u{fffd}"),
            (r#""\ud7ff\ue000""#, "\u{d7ff}\u{e000}"),
        ] {
            assert_eq!(serde_json::from_str::<String>(&mended(written)).unwrap(), read, "{written}");
        }
        for broken in [r#""\ud8"#, r#""\ud8zz""#, r"\", r#""\u"#, ""] {
            assert_eq!(mended(broken), broken);
        }
    }

    proptest! {
        /// Every text of escapes can be read, and what could be read before is read as before.
        #[test]
        fn texts_of_escapes_can_be_read(units in prop::collection::vec(any::<u16>(), 0..20), plain in r#"[a-z"\\ud8]{0,20}"#) {
            let escapes: String = units.iter().map(|unit| format!("\\u{unit:04x}")).collect();
            let written = format!("\"{escapes}{}\"", plain.escape_default());
            let read: String = serde_json::from_str(&mended(&written)).unwrap();
            prop_assert_eq!(&read[..read.len() - plain.len()], String::from_utf16_lossy(&units));
            prop_assert!(read.ends_with(&plain));
            let sound = serde_json::to_string(&read).unwrap();
            prop_assert!(matches!(replaced(sound.as_bytes()), Cow::Borrowed(_)));
        }

        #[test]
        fn any_bytes_keep_their_length(bytes in prop::collection::vec(prop_oneof![Just(b'\\'), Just(b'u'), Just(b'd'), Just(b'8'), any::<u8>()], 0..100)) {
            prop_assert_eq!(replaced(&bytes).len(), bytes.len());
        }
    }
}
