//! Quoted text: which quote ends it when inner quotes were not escaped, and what its escapes mean.

use super::{
    blank::{near, skip_blank},
    cursor::Cursor,
    keys,
    quotes::{Closing, Quotes, family},
};

/// A string as read, and whether its end was there.
pub(super) struct Text {
    pub(super) text: String,
    pub(super) whole: bool,
}

impl Cursor<'_> {
    /// Reads the string that opens here; `key` strings end at their first quote.
    pub(super) fn string(&mut self, quotes: Quotes, key: bool) -> Text {
        self.advance_char();
        let mut text = String::new();
        while let Some(c) = self.peek() {
            if c == '\\' {
                self.advance_char();
                self.escape(&mut text);
                continue;
            }
            if quotes.closes(c) {
                let after = self.rest().get(c.len_utf8()..).unwrap_or("");
                if key || self.closing == Closing::AtFirstQuote || self.ends_before(after, &text) {
                    self.advance_char();
                    return Text { text, whole: true };
                }
                if self.lost_its_quote(&text) {
                    text.truncate(text.trim_end().trim_end_matches(',').len());
                    return Text { text, whole: true };
                }
            }
            text.push(c);
            self.advance_char();
        }
        Text { text, whole: false }
    }

    /// Whether the text after a quote goes on like JSON in the container that is open.
    fn ends_before(&self, after: &str, so_far: &str) -> bool {
        let near = near(after);
        let rest = skip_blank(near);
        let Some(next) = rest.chars().next() else { return true };
        let beyond = || skip_blank(rest.get(next.len_utf8()..).unwrap_or(""));
        match next {
            ',' => self.goes_on_after_comma(beyond()),
            '}' => self.goes_on_after_close(beyond()),
            ']' => self.in_array_somewhere() && self.goes_on_after_close(beyond()),
            // In an array only a key whose array was left open is followed by a colon.
            ':' => self.in_array() && so_far.len() <= keys::LONGEST && keys::is_known(so_far),
            '{' => self.in_array(),
            _ if rest.len() == near.len() => false,
            _ if self.in_array() && family(next).is_some() => true,
            _ => self.is_next_key(rest),
        }
    }

    fn goes_on_after_comma(&self, rest: &str) -> bool {
        let rest = rest.trim_start_matches(|c: char| c == ',' || c.is_whitespace());
        let Some(next) = rest.chars().next() else { return true };
        match next {
            '}' | ']' => true,
            '{' => self.in_array_somewhere(),
            _ if self.in_array() => {
                matches!(next, '[' | '-' | '0'..='9')
                    || family(next).is_some()
                    || ["true", "false", "null", "True", "False", "None"]
                        .iter()
                        .any(|word| rest.starts_with(word))
                    || self.is_next_key(rest)
            }
            _ => self.is_next_key(rest),
        }
    }

    fn goes_on_after_close(&self, rest: &str) -> bool {
        let Some(next) = rest.chars().next() else { return true };
        match next {
            ',' | ']' | '}' => true,
            '{' => self.in_array_somewhere(),
            _ => self.at_root() || self.is_next_key(rest),
        }
    }

    /// Whether a member's key is here. A bare word counts when this text uses bare keys, or for a key that is known.
    fn is_next_key(&self, rest: &str) -> bool {
        keys::key_at(rest).is_some_and(|key| key.quoted || self.bare_keys || keys::is_known(key.word))
    }

    /// Whether the quote here opens a known key on a new line after a comma: then the string lacks its own closing quote.
    fn lost_its_quote(&self, so_far: &str) -> bool {
        let body = so_far.trim_end();
        body.ends_with(',')
            && so_far.get(body.len()..).is_some_and(|gap| gap.contains('\n'))
            && keys::key_at(near(self.rest())).is_some_and(|key| key.quoted && keys::is_known(key.word))
    }

    /// Reads what follows a backslash. What is no escape keeps its backslash: models write `\d` for a regular expression.
    fn escape(&mut self, text: &mut String) {
        let Some(c) = self.peek() else { return };
        self.advance_char();
        match c {
            'n' => text.push('\n'),
            't' => text.push('\t'),
            'r' => text.push('\r'),
            'b' => text.push('\u{8}'),
            'f' => text.push('\u{c}'),
            '"' | '\\' | '/' | '\'' | '`' => text.push(c),
            '“' | '”' | '„' | '‟' | '″' => text.push('"'),
            '‘' | '’' | '‚' | '‛' => text.push('\''),
            'u' => match self.unicode_escape() {
                Some(decoded) => text.push(decoded),
                None => text.push_str("\\u"),
            },
            other => {
                text.push('\\');
                text.push(other);
            }
        }
    }

    /// The character of `XXXX` or `XXXX\uXXXX` here; a lone surrogate becomes U+FFFD.
    fn unicode_escape(&mut self) -> Option<char> {
        let high = self.hex4()?;
        if let Some(c) = char::from_u32(high) {
            return Some(c);
        }
        let before = self.pos;
        if (0xD800..0xDC00).contains(&high) && self.rest().starts_with("\\u") {
            self.pos += 2;
            match self.hex4() {
                Some(low) if (0xDC00..0xE000).contains(&low) => {
                    return char::from_u32(0x1_0000 + ((high - 0xD800) << 10) + (low - 0xDC00));
                }
                _ => self.pos = before,
            }
        }
        Some(char::REPLACEMENT_CHARACTER)
    }

    fn hex4(&mut self) -> Option<u32> {
        let digits = self.rest().get(..4).filter(|d| d.bytes().all(|b| b.is_ascii_hexdigit()))?;
        let number = u32::from_str_radix(digits, 16).ok()?;
        self.pos += 4;
        Some(number)
    }
}
