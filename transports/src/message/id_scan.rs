//! Finds the `id` of a request in a line that no parser accepts.
//!
//! A byte-wise state machine in constant memory: it takes the line in pieces of any size, never recurses, and sees only
//! the members of the top-level object. So it serves damaged, truncated and deeply nested lines as well as lines that
//! are too long to be kept.

use memchr::memchr2;
use serde_json::value::RawValue;

/// Longest id that is echoed, in bytes as written by the client.
const MAX_ID_BYTES: usize = 1024;
/// Longest key that is looked at; the known ones are shorter even when every letter is escaped.
const MAX_KEY_BYTES: usize = 64;

/// Scanner for the top-level `id` of one line.
#[derive(Debug, Default)]
pub(crate) struct IdScanner {
    place: Place,
    /// Open brackets below the top-level object.
    depth: u64,
    /// What the string that is open at the moment is, if one is.
    string: Option<Text>,
    /// The last byte of the open string was a backslash that escapes the next one.
    escaped: bool,
    token: Vec<u8>,
    key: Key,
    id: Option<Vec<u8>>,
    has_method: bool,
    has_outcome: bool,
}

/// Where in the top-level object the scanner is.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Place {
    #[default]
    Start,
    Key,
    Colon,
    Value,
    /// In a number or a word.
    Scalar,
    /// Behind a value, or anywhere after something that is not JSON: the next comma brings a key.
    After,
    /// The object has ended, or the line holds none.
    Done,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Text {
    Key,
    Id,
    Other,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Key {
    Id,
    #[default]
    Other,
}

/// The id of a whole message.
pub(crate) fn id_of(message: &[u8]) -> Option<Box<RawValue>> {
    let mut scanner = IdScanner::default();
    scanner.feed(message);
    scanner.finish()
}

impl IdScanner {
    /// Takes the next piece of the line.
    pub(crate) fn feed(&mut self, mut bytes: &[u8]) {
        while !self.is_decided() {
            if self.string == Some(Text::Other) && !self.escaped {
                // The bulk of a long line is the inside of strings.
                match memchr2(b'"', b'\\', bytes) {
                    Some(at) => bytes = bytes.get(at..).unwrap_or_default(),
                    None => return,
                }
            }
            let Some((&byte, rest)) = bytes.split_first() else { return };
            bytes = rest;
            if self.string.is_some() {
                self.in_string(byte);
            } else if self.depth > 0 {
                self.in_nested(byte);
            } else {
                self.in_object(byte);
            }
        }
    }

    /// The id as the client wrote it: a complete string or number, of a message that is not an answer.
    ///
    /// An answer's id names one of *our* requests; an error that carries it would hit an unrelated request of the client.
    pub(crate) fn finish(self) -> Option<Box<RawValue>> {
        if self.has_outcome && !self.has_method {
            return None;
        }
        let text = String::from_utf8(self.id?).ok()?.trim_end().to_owned();
        let valid = if text.starts_with('"') {
            serde_json::from_str::<String>(&text).is_ok()
        } else {
            serde_json::from_str::<serde_json::Number>(&text).is_ok()
        };
        if valid { RawValue::from_string(text).ok() } else { None }
    }

    /// Whether the rest of the line cannot change the outcome.
    fn is_decided(&self) -> bool {
        self.place == Place::Done || (self.id.is_some() && self.has_method)
    }

    fn in_string(&mut self, byte: u8) {
        let limit = match self.string {
            Some(Text::Key) => MAX_KEY_BYTES,
            Some(Text::Id) => MAX_ID_BYTES,
            _ => 0,
        };
        // One more than the limit is kept so that a token that is too long can be told from one that fits.
        if self.token.len() <= limit && limit > 0 {
            self.token.push(byte);
        }
        if self.escaped {
            self.escaped = false;
        } else if byte == b'\\' {
            self.escaped = true;
        } else if byte == b'"' {
            match self.string.take() {
                Some(Text::Key) => self.end_key(),
                Some(Text::Id) => self.end_id(),
                _ => {}
            }
        }
    }

    fn in_nested(&mut self, byte: u8) {
        match byte {
            b'"' => self.string = Some(Text::Other),
            b'{' | b'[' => self.depth = self.depth.saturating_add(1),
            b'}' | b']' => self.depth = self.depth.saturating_sub(1),
            _ => {}
        }
    }

    fn in_object(&mut self, byte: u8) {
        match (self.place, byte) {
            // Byte order mark.
            (Place::Start, 0xEF | 0xBB | 0xBF) => {}
            (
                Place::Start | Place::Key | Place::Colon | Place::Value | Place::After,
                b' ' | b'\t' | b'\r' | b'\n',
            ) => {}
            (Place::Start, b'{') => self.place = Place::Key,
            (Place::Start, _) => self.place = Place::Done,
            // A number in which something was damaged is no number, so an id ends at a comma or a bracket only.
            (Place::Scalar, b' ' | b'\t' | b'\r' | b'\n') if self.key != Key::Id => {
                self.end_scalar(Place::After);
            }
            (Place::Scalar, b',') => self.end_scalar(Place::Key),
            (Place::Scalar, b'}') => self.end_scalar(Place::Done),
            (Place::Scalar, _) => {
                if self.key == Key::Id && self.token.len() <= MAX_ID_BYTES {
                    self.token.push(byte);
                }
            }
            (_, b'}') => self.place = Place::Done,
            (Place::Key, b'"') => self.open(Text::Key),
            (Place::Colon, b':') => self.place = Place::Value,
            (Place::Value, b'"') => {
                self.place = Place::After;
                self.open(if self.key == Key::Id { Text::Id } else { Text::Other });
            }
            (_, b'"') => self.open(Text::Other),
            (_, b'{' | b'[') => {
                self.place = Place::After;
                self.depth = 1;
            }
            (Place::Value, byte) if byte != b',' => {
                self.place = Place::Scalar;
                self.token.clear();
                self.token.push(byte);
            }
            (_, b',') => self.place = Place::Key,
            (Place::Key, _) => {}
            (_, _) => self.place = Place::After,
        }
    }

    fn open(&mut self, text: Text) {
        self.string = Some(text);
        self.token.clear();
        if text != Text::Other {
            self.token.push(b'"');
        }
    }

    fn end_key(&mut self) {
        self.place = Place::Colon;
        self.key = Key::Other;
        if self.token.len() > MAX_KEY_BYTES {
            return;
        }
        // Parsed, not compared: a client may write any letter of a key as an escape.
        match serde_json::from_slice::<String>(&self.token).as_deref() {
            Ok("id") => self.key = Key::Id,
            Ok("method") => self.has_method = true,
            Ok("result" | "error") => self.has_outcome = true,
            _ => {}
        }
    }

    fn end_id(&mut self) {
        // The first of several ids counts.
        if self.id.is_none() && self.token.len() <= MAX_ID_BYTES {
            self.id = Some(std::mem::take(&mut self.token));
        }
        self.key = Key::Other;
    }

    fn end_scalar(&mut self, next: Place) {
        self.place = next;
        if self.key == Key::Id {
            self.end_id();
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;

    fn scan(line: impl AsRef<[u8]>) -> Option<String> {
        let mut scanner = IdScanner::default();
        scanner.feed(line.as_ref());
        scanner.finish().map(|id| id.get().to_owned())
    }

    fn some(text: &str) -> Option<String> {
        Some(text.to_owned())
    }

    #[test]
    fn ids_of_damaged_lines_are_found() {
        assert_eq!(scan(r#"{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"a":"#), some("7"));
        assert_eq!(scan(r#"{"id":"a\"b","method":"x","params":{"#), some(r#""a\"b""#));
        assert_eq!(scan(r#"{"params":{"id":1,"x":[{"id":2}]},"id":3,"method"}"#), some("3"));
        assert_eq!(scan("\u{feff}  { \"id\" : -12 , nonsense"), some("-12"));
        assert_eq!(scan(b"{\"method\":\"\xff\xfe\",\"id\":9}".as_slice()), some("9"));
        assert_eq!(scan(r#"{"id":18446744073709551615,"method":1}"#), some("18446744073709551615"));
        assert_eq!(scan(r#"{"\u0069d":5,"#), some("5"));
        assert_eq!(scan(r#"{"x":tru,"y":,"id":5}"#), some("5"));
    }

    #[test]
    fn the_first_of_several_ids_counts() {
        assert_eq!(scan(r#"{"id":1,"id":2,"method":"x"}"#), some("1"));
    }

    #[test]
    fn what_is_no_id_is_ignored() {
        for line in [
            "",
            "id 7",
            r#"[{"id":7}]"#,
            r#""id":7"#,
            r#"{"params":{"id":7}}"#,
            r#"{"params":{"id":7"#,
            r#"{"a":"\"id\":7,","b":1}"#,
            r#"{"a":"id","b":7}"#,
            r#"{"id":null,"method":"x"}"#,
            r#"{"id":true}"#,
            r#"{"id":{"id":7}}"#,
            r#"{"id":[7]}"#,
            r#"{"id":1x}"#,
            r#"{"x":1} {"id":7}"#,
        ] {
            assert_eq!(scan(line), None, "{line}");
        }
    }

    #[test]
    fn an_id_cut_off_is_not_echoed() {
        assert_eq!(scan(r#"{"method":"x","id":12"#), None);
        assert_eq!(scan(r#"{"method":"x","id":"12"#), None);
        assert_eq!(scan(r#"{"method":"x","id":12,"#), some("12"));
    }

    #[test]
    fn the_id_of_an_answer_is_ignored() {
        assert_eq!(scan(r#"{"jsonrpc":"2.0","id":7,"result":{"#), None);
        assert_eq!(scan(r#"{"jsonrpc":"2.0","error":{"code":1},"id":7,"#), None);
    }

    #[test]
    fn a_huge_id_is_not_echoed() {
        let fits = "x".repeat(MAX_ID_BYTES - 2);
        assert_eq!(scan(format!(r#"{{"id":"{fits}","#)), Some(format!("\"{fits}\"")));
        assert_eq!(scan(format!(r#"{{"id":"{fits}x","#)), None);
        assert_eq!(scan(format!(r#"{{"id":{}1,"#, "1".repeat(MAX_ID_BYTES))), None);
    }

    fn tree() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            "[\\PC\"\\\\]{0,12}".prop_map(Value::from),
        ];
        leaf.prop_recursive(4, 40, 5, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
                prop::collection::vec(
                    (prop_oneof![Just("id".to_owned()), "[a-z\"\\\\{}]{0,4}"], inner),
                    0..5
                )
                .prop_map(|members| Value::Object(members.into_iter().collect())),
            ]
        })
    }

    fn id() -> impl Strategy<Value = Value> {
        prop_oneof![any::<i64>().prop_map(Value::from), "[\\PC\"\\\\]{0,20}".prop_map(Value::from)]
    }

    proptest! {
        #[test]
        fn any_bytes_are_survived(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
            scan(bytes);
        }

        #[test]
        fn pieces_do_not_matter(
            text in r#"[\{\}\[\],:"\\a-d0-3 ]{0,80}|(\{"id":[0-9]{1,3},"[a-z]{1,6}":[\{\["]{1,4}.{0,20})"#,
            cut in 0usize..80,
        ) {
            let bytes = text.as_bytes();
            let mut scanner = IdScanner::default();
            let (left, right) = bytes.split_at(cut.min(bytes.len()));
            scanner.feed(left);
            for byte in right {
                scanner.feed(std::slice::from_ref(byte));
            }
            prop_assert_eq!(scanner.finish().map(|id| id.get().to_owned()), scan(bytes));
        }

        /// Wherever the id stands and whatever stands around it, the whole line and every prefix that holds the complete
        /// id give that id, and shorter prefixes give nothing.
        #[test]
        fn the_id_of_requests_is_exact(before in tree(), after in tree(), id in id(), cut in any::<prop::sample::Index>()) {
            let line = json!({ "jsonrpc": "2.0", "method": "m", "before": before, "id": id, "after": after }).to_string();
            prop_assert_eq!(scan(&line), Some(id.to_string()));

            let head = json!({ "jsonrpc": "2.0", "method": "m", "before": before, "id": id }).to_string();
            let complete = if id.is_string() { head.len() - 1 } else { head.len() };
            let cut = cut.index(line.len());
            let expected = (cut >= complete).then(|| id.to_string());
            prop_assert_eq!(scan(&line.as_bytes()[..cut]), expected);
        }
    }
}
