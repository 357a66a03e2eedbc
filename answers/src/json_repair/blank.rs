//! What may be passed over, and how far is looked ahead.

/// How far ahead is looked to judge one quote or bracket, in bytes. Bounds the work for each, so reading stays linear.
const LOOKAHEAD: usize = 256;

/// The text after white space, control characters and comments.
pub(super) fn skip_blank(text: &str) -> &str {
    let mut rest = text;
    loop {
        rest = rest.trim_start_matches(|c: char| c.is_whitespace() || c.is_control() || c == '\u{feff}');
        let end = if rest.starts_with("//") || rest.starts_with('#') {
            memchr::memchr2(b'\n', b'\r', rest.as_bytes())
        } else if rest.starts_with("/*") {
            rest.find("*/").map(|at| at + 2)
        } else {
            return rest;
        };
        rest = end.and_then(|end| rest.get(end..)).unwrap_or("");
    }
}

/// The beginning of `text`, as far as one look ahead goes.
pub(super) fn near(text: &str) -> &str {
    text.get(..text.floor_char_boundary(LOOKAHEAD)).unwrap_or(text)
}
