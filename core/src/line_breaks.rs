//! Signs within a line that programs other than git and this one take for its end.
//!
//! A line here ends with a line feed. A model that counts others as well, or is shown them as they are, sees lines without numbers and text
//! that seems to stand outside its line. So they are shown by their names, `<U+2028>`, and read back when a model quotes them.

use std::borrow::Cow;

/// What Unicode, Python and terminals take for the end of a line, and how it is shown.
const SIGNS: &[(char, &str)] = &[
    ('\u{b}', "<U+000B>"),
    ('\u{c}', "<U+000C>"),
    ('\r', "<U+000D>"),
    ('\u{1c}', "<U+001C>"),
    ('\u{1d}', "<U+001D>"),
    ('\u{1e}', "<U+001E>"),
    ('\u{85}', "<U+0085>"),
    ('\u{2028}', "<U+2028>"),
    ('\u{2029}', "<U+2029>"),
];

/// How a sign is shown, when it is one of them.
fn name_of(character: char) -> Option<&'static str> {
    SIGNS.iter().find(|(sign, _)| *sign == character).map(|(_, name)| *name)
}

/// A text with these signs by their names.
#[must_use]
pub fn shown(text: &str) -> Cow<'_, str> {
    // Their first bytes in UTF-8: most texts have none of them.
    let may_begin = |byte: &u8| matches!(*byte, 0x0b..=0x0d | 0x1c..=0x1e | 0xc2 | 0xe2);
    let Some(first) = text.bytes().position(|byte| may_begin(&byte)) else { return Cow::Borrowed(text) };
    let (before, rest) = text.split_at(first);
    if !rest.chars().any(|character| name_of(character).is_some()) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len() + 64);
    shown.push_str(before);
    for character in rest.chars() {
        match name_of(character) {
            Some(name) => shown.push_str(name),
            None => shown.push(character),
        }
    }
    Cow::Owned(shown)
}

/// The text that is shown like this; `None` when it has no such name in it. Whether the name stood there itself is not known.
#[must_use]
pub fn read_back(shown: &str) -> Option<String> {
    let mut text = Cow::Borrowed(shown);
    for (sign, name) in SIGNS {
        if text.contains(name) {
            text = Cow::Owned(text.replace(name, sign.encode_utf8(&mut [0; 4])));
        }
    }
    match text {
        Cow::Borrowed(_) => None,
        Cow::Owned(text) => Some(text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn breaks_are_shown_and_read_back() {
        for (sign, name) in SIGNS {
            let text = format!("é a{sign}b ›\n");
            assert_eq!(shown(&text), format!("é a{name}b ›\n"));
            assert_eq!(read_back(&shown(&text)).as_deref(), Some(text.as_str()));
        }
        for text in ["", "plain\n\tx\n", "é…’", "<U+0041>"] {
            assert!(matches!(shown(text), Cow::Borrowed(same) if same == text));
            assert_eq!(read_back(text), None);
        }
    }
}
