//! JSON as servers write it: lone halves of characters, raw control characters, numbers that are none, words of other languages, commas
//! too many.

use std::borrow::Cow;

/// The halves of a character beyond U+FFFF stand for themselves in private characters until they meet.
const HIGH: u32 = 0x10_0000;
const LOW: u32 = 0x10_0400;
const HALVES: u32 = 0x400;
/// Stands for what was no character.
const NO_CHARACTER: char = '\u{fffd}';

/// The text as JSON, and whether it has halves of characters in it.
pub(super) fn mend(text: &str) -> (String, bool) {
    let mut mended = String::with_capacity(text.len() + 16);
    let (mut in_string, mut has_halves) = (false, false);
    let mut rest = text;
    while let Some(letter) = rest.chars().next() {
        let behind = rest.get(letter.len_utf8()..).unwrap_or_default();
        let used = match letter {
            '\\' if in_string => escape(behind, &mut mended, &mut has_halves) + 1,
            '"' => {
                in_string = !in_string;
                mended.push('"');
                1
            }
            control if in_string && u32::from(control) < 0x20 => {
                mended.push_str(&format!("\\u{:04x}", u32::from(control)));
                1
            }
            ',' if !in_string && is_too_many(behind) => 1,
            _ if !in_string && let Some((word, meant)) = literal(rest) => {
                mended.push_str(meant);
                word.len()
            }
            other => {
                mended.push(other);
                other.len_utf8()
            }
        };
        rest = rest.get(used..).unwrap_or_default();
    }
    (mended, has_halves)
}

/// Words that JSON does not have, and what they mean; a longer one stands before its beginning.
const LITERALS: [(&str, &str); 14] = [
    ("NaN", "null"),
    ("-NaN", "null"),
    ("Infinity", "null"),
    ("-Infinity", "null"),
    ("nan", "null"),
    ("-nan", "null"),
    ("inf", "null"),
    ("-inf", "null"),
    ("Inf", "null"),
    ("-Inf", "null"),
    ("None", "null"),
    ("undefined", "null"),
    ("True", "true"),
    ("False", "false"),
];

/// The word at the beginning, when it is one that JSON does not have.
fn literal(rest: &str) -> Option<(&'static str, &'static str)> {
    let ends = |word: &str| {
        let behind = rest.get(word.len()..).and_then(|behind| behind.chars().next());
        !behind.is_some_and(|letter| letter.is_alphanumeric() || letter == '_')
    };
    LITERALS.into_iter().find(|(word, _)| rest.starts_with(word) && ends(word))
}

/// Whether nothing stands between a comma and the bracket that closes.
fn is_too_many(behind: &str) -> bool {
    behind.trim_start().starts_with(['}', ']'])
}

/// What follows a backslash: the bytes that it took.
fn escape(behind: &str, mended: &mut String, has_halves: &mut bool) -> usize {
    let Some(letter) = behind.chars().next() else { return 0 };
    if letter != 'u' {
        let is_known = matches!(letter, '"' | '\\' | '/' | 'b' | 'f' | 'n' | 'r' | 't');
        mended.push_str(if is_known { "\\" } else { "\\\\" });
        // A control character is escaped in its own right.
        if u32::from(letter) < 0x20 {
            return 0;
        }
        mended.push(letter);
        return letter.len_utf8();
    }
    let Some(unit) = unit(behind) else {
        mended.push_str("\\\\u");
        return 1;
    };
    let next = behind.get(5..).and_then(|next| next.strip_prefix('\\')).and_then(self::unit);
    match (unit, next) {
        (0xd800..=0xdbff, Some(0xdc00..=0xdfff)) => {
            mended.push('\\');
            mended.push_str(behind.get(..11).unwrap_or_default());
            return 11;
        }
        (0xd800..=0xdfff, _) => {
            *has_halves = true;
            mended.push(char::from_u32(HIGH + u32::from(unit - 0xd800)).unwrap_or(NO_CHARACTER));
        }
        _ => {
            mended.push('\\');
            mended.push_str(behind.get(..5).unwrap_or_default());
        }
    }
    5
}

/// The number in `uXXXX`.
fn unit(text: &str) -> Option<u16> {
    let digits = text.strip_prefix('u')?.get(..4)?;
    digits.bytes().all(|digit| digit.is_ascii_hexdigit()).then(|| u16::from_str_radix(digits, 16).ok())?
}

/// Puts halves of characters together that came in two pieces.
#[derive(Debug, Default)]
pub(super) struct Halves(Option<u32>);

impl Halves {
    /// A piece of text with whole characters only. A half at its end waits for the next piece.
    pub(super) fn join<'a>(&mut self, piece: &'a str) -> Cow<'a, str> {
        let is_half = |letter: char| (HIGH..LOW + HALVES).contains(&u32::from(letter));
        if self.0.is_none() && !piece.contains(is_half) {
            return Cow::Borrowed(piece);
        }
        let mut joined = String::with_capacity(piece.len() + 4);
        for letter in piece.chars() {
            let code = u32::from(letter);
            match (self.0.take(), code) {
                (Some(high), LOW..0x10_0800) => {
                    let whole = 0x1_0000 + ((high - HIGH) << 10) + (code - LOW);
                    joined.push(char::from_u32(whole).unwrap_or(NO_CHARACTER));
                    continue;
                }
                (Some(_), _) => joined.push(NO_CHARACTER),
                (None, _) => {}
            }
            match code {
                HIGH..LOW => self.0 = Some(code),
                LOW..0x10_0800 => joined.push(NO_CHARACTER),
                _ => joined.push(letter),
            }
        }
        Cow::Owned(joined)
    }

    /// What is left at the end.
    pub(super) fn rest(&mut self) -> Option<char> {
        self.0.take().map(|_| NO_CHARACTER)
    }
}

/// Makes text of bytes that come in pieces, as browsers do: what is no text becomes a sign for that.
#[derive(Debug, Default)]
pub(super) struct Utf8(Vec<u8>);

impl Utf8 {
    /// The next bytes as text. The beginning of a character at their end waits for the next piece.
    pub(super) fn push(&mut self, piece: &[u8]) -> Vec<u8> {
        let mut bytes = std::mem::take(&mut self.0);
        bytes.extend_from_slice(piece);
        let mut text = Vec::with_capacity(bytes.len());
        let mut rest = bytes.as_slice();
        while let Err(error) = std::str::from_utf8(rest) {
            let (valid, behind) = rest.split_at(error.valid_up_to());
            text.extend_from_slice(valid);
            let Some(length) = error.error_len() else {
                self.0 = behind.to_vec();
                return text;
            };
            text.extend_from_slice(NO_CHARACTER.encode_utf8(&mut [0; 4]).as_bytes());
            rest = behind.get(length..).unwrap_or_default();
        }
        text.extend_from_slice(rest);
        text
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;

    fn read(text: &str) -> Value {
        let (mended, _) = mend(text);
        serde_json::from_str(&mended).unwrap_or_else(|error| panic!("{error}: {mended}"))
    }

    #[test]
    fn damage_in_strings_is_mended() {
        for (text, expected) in [
            ("{\"a\": \"x\ty\u{1}\"}", json!({"a": "x\ty\u{1}"})),
            (
                r#"{"a": NaN, "b": [-Infinity, Infinity], "c": "NaN"}"#,
                json!({"a": null, "b": [null, null], "c": "NaN"}),
            ),
            (
                r#"{"a": nan, "b": [-inf, inf, -nan, None], "c": undefined, "d": True, "e": [False]}"#,
                json!({"a": null, "b": [null, null, null, null], "c": null, "d": true, "e": [false]}),
            ),
            ("{\"a\": [1, 2, ], \"b\": {\"c\": \",}\",\n},}", json!({"a": [1, 2], "b": {"c": ",}"}})),
            (r#""\q\x41 \u12 \'""#, json!(r"\q\x41 \u12 \'")),
            (r#""\ud83e\udd80""#, json!("🦀")),
            ("\"a\\\nb\"", json!("a\\\nb")),
        ] {
            assert_eq!(read(text), expected, "{text}");
        }
    }

    #[test]
    fn halves_meet_across_pieces() {
        let pieces = [r#""a\ud83e""#, r#""\udd80b\udd80""#, r#""\ud83e""#, r#""c""#, r#""\ud83e""#];
        let mut halves = Halves::default();
        let mut text = String::new();
        for piece in pieces {
            text.push_str(&halves.join(read(piece).as_str().unwrap()));
        }
        text.extend(halves.rest());
        assert_eq!(text, "a🦀b\u{fffd}\u{fffd}c\u{fffd}");
    }

    #[test]
    fn what_means_nothing_stays_broken() {
        for text in ["{\"a\": none}", "{\"a\": Nonesuch}", "{\"a\": infinite}", "[1,,]", "[,]x", "{,,}"] {
            let (mended, _) = mend(text);
            assert!(serde_json::from_str::<Value>(&mended).is_err(), "{mended}");
        }
    }

    proptest! {
        #[test]
        fn sound_json_stays_what_it_is(text in any::<String>(), number in any::<i64>()) {
            let value = json!({"text": text, "list": [number, null, true]});
            prop_assert_eq!(read(&value.to_string()), value);
        }

        #[test]
        fn bytes_become_text_however_cut(bytes in prop::collection::vec(any::<u8>(), 0..60), size in 1_usize..7) {
            let mut utf8 = Utf8::default();
            let text: Vec<u8> = bytes.chunks(size).flat_map(|piece| utf8.push(piece)).collect();
            let whole = String::from_utf8_lossy(&bytes).into_owned();
            prop_assert!(whole.as_bytes().starts_with(&text) && whole.len() - text.len() <= 3);
        }
    }
}
