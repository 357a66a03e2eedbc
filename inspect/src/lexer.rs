//! Distinguishes code, comments and string contents, byte by byte, for the languages that have rules.
//!
//! It is not a parser: it knows just enough of each lexical grammar that a rule for code never fires in a string or a comment.

use super::language::Language;

/// What a byte belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Class {
    /// Code, including the prefix letters of a string.
    Code,
    /// A comment with its markers.
    Comment,
    /// The inside of a string, character or regular expression literal.
    Text,
    /// The marks around [`Class::Text`].
    Quote,
}

/// The class of every byte.
#[derive(Debug)]
pub(super) struct Marks {
    /// As many as the text has bytes.
    pub(super) classes: Vec<Class>,
    /// A construct that may span lines was still open at the end.
    pub(super) open: bool,
}

/// Marks `text`. `partial` says that the beginning of the file is not part of it, so it may begin inside a comment.
pub(super) fn mark(language: Language, text: &str, partial: bool) -> Marks {
    let bytes = text.as_bytes();
    let mut lexer = Lexer { language, bytes, classes: vec![Class::Code; bytes.len()], ..Lexer::default() };
    if partial {
        lexer.leave_unseen_comment();
    }
    while lexer.at < bytes.len() {
        lexer.step();
    }
    let open = lexer.open || !lexer.templates.is_empty();
    Marks { classes: lexer.classes, open }
}

#[derive(Default)]
struct Lexer<'a> {
    language: Language,
    bytes: &'a [u8],
    at: usize,
    classes: Vec<Class>,
    open: bool,
    /// Open braces inside each `${` of the JavaScript templates around this place.
    templates: Vec<u32>,
    /// Up to here an apostrophe opens nothing, since an earlier one on the line was not closed: keeps the work linear.
    apostrophes_until: usize,
    /// The same for a slash that could have opened a regular expression.
    slashes_until: usize,
}

impl Lexer<'_> {
    fn peek(&self, ahead: usize) -> u8 {
        self.bytes.get(self.at + ahead).copied().unwrap_or(0)
    }

    fn before(&self, back: usize) -> u8 {
        self.at.checked_sub(back).and_then(|at| self.bytes.get(at)).copied().unwrap_or(0)
    }

    /// Marks the next `count` bytes and moves past them.
    fn take(&mut self, count: usize, class: Class) {
        let end = (self.at + count).min(self.bytes.len());
        if let Some(range) = self.classes.get_mut(self.at..end) {
            range.fill(class);
        }
        self.at = end;
    }

    fn has_slash_comments(&self) -> bool {
        self.language.is_code() && self.language != Language::Python
    }

    fn step(&mut self) {
        let language = self.language;
        match (self.peek(0), self.peek(1)) {
            (b'/', b'/') if self.has_slash_comments() => self.line_comment(),
            (b'/', b'*') if self.has_slash_comments() => self.block_comment(),
            (b'#', _) if self.hash_comment() => self.line_comment(),
            (b'/', _) if language.is_script() && self.regex_may_begin() => self.regex(),
            (b'r', b'"' | b'#') if language == Language::Rust => self.rust_raw(),
            (b'R', b'"') if language.is_c() => self.cpp_raw(),
            (b'"' | b'\'', _) if language == Language::Python => self.python_string(),
            (b'"', b'"') if language == Language::Java && self.peek(2) == b'"' => {
                self.delimited(b"\"\"\"", true);
            }
            (b'"', _) if language == Language::Rust => self.delimited(b"\"", true),
            (b'"', _) if language.is_code() => self.one_line(b'"'),
            (b'\'', _) if language == Language::Rust => self.rust_quote(),
            (b'\'', _) if language.is_code() => self.single_quote(),
            (b'`', _) if language == Language::Go => self.delimited(b"`", false),
            (b'`', _) if language.is_script() => {
                self.take(1, Class::Quote);
                self.template();
            }
            (b'{', _) if !self.templates.is_empty() => {
                if let Some(depth) = self.templates.last_mut() {
                    *depth += 1;
                }
                self.at += 1;
            }
            (b'}', _) if !self.templates.is_empty() => self.template_brace(),
            _ => self.at += 1,
        }
    }

    fn hash_comment(&self) -> bool {
        match self.language {
            Language::Python => true,
            Language::Shell | Language::Config => matches!(self.before(1), 0 | b' ' | b'\t' | b'\n'),
            _ => false,
        }
    }

    fn end_of_line(&self) -> usize {
        let rest = self.bytes.get(self.at..).unwrap_or_default();
        self.at + memchr::memchr(b'\n', rest).unwrap_or(rest.len())
    }

    fn line_comment(&mut self) {
        self.take(self.end_of_line() - self.at, Class::Comment);
    }

    fn block_comment(&mut self) {
        let start = self.at;
        let mut depth = 0_u32;
        let mut end = self.at;
        loop {
            match (self.bytes.get(end), self.bytes.get(end + 1)) {
                (Some(b'/'), Some(b'*')) if depth == 0 || self.language == Language::Rust => {
                    depth += 1;
                    end += 2;
                }
                (Some(b'*'), Some(b'/')) => {
                    depth -= 1;
                    end += 2;
                    if depth == 0 {
                        break;
                    }
                }
                (Some(_), _) => end += 1,
                (None, _) => {
                    self.open = true;
                    break;
                }
            }
        }
        self.take(end - start, Class::Comment);
    }

    /// An excerpt in which `*/` comes before any `/*` began inside a comment.
    fn leave_unseen_comment(&mut self) {
        if !self.has_slash_comments() {
            return;
        }
        let close = memchr::memmem::find(self.bytes, b"*/");
        let open = memchr::memmem::find(self.bytes, b"/*");
        if let Some(close) = close
            && open.is_none_or(|open| close < open)
        {
            self.take(close + 2, Class::Comment);
        }
    }

    /// A literal up to `mark`, over any number of lines.
    fn delimited(&mut self, mark: &[u8], escapes: bool) {
        self.take(mark.len(), Class::Quote);
        let start = self.at;
        let mut end = start;
        while let Some(&byte) = self.bytes.get(end) {
            if escapes && byte == b'\\' {
                end += 2;
            } else if self.bytes.get(end..).is_some_and(|rest| rest.starts_with(mark)) {
                self.take(end - start, Class::Text);
                self.take(mark.len(), Class::Quote);
                return;
            } else {
                end += 1;
            }
        }
        self.open = true;
        self.take(end - start, Class::Text);
    }

    /// Where the literal that opens here closes, when it does so on this line.
    fn closing_on_line(&self, mark: u8) -> Option<usize> {
        let mut end = self.at + 1;
        loop {
            match self.bytes.get(end)? {
                b'\\' => end += 2,
                b'\n' => return None,
                &byte if byte == mark => return Some(end),
                _ => end += 1,
            }
        }
    }

    /// A literal that ends with its line at the latest.
    fn one_line(&mut self, mark: u8) {
        if let Some(end) = self.closing_on_line(mark) {
            self.take(1, Class::Quote);
            self.take(end - self.at, Class::Text);
            self.take(1, Class::Quote);
        } else {
            let end = self.end_of_line();
            self.take(1, Class::Quote);
            self.take(end.saturating_sub(self.at), Class::Text);
        }
    }

    /// `'` opens a literal only when it closes on the line: markup and `#error` lines hold apostrophes, C numbers hold `1'000`.
    fn single_quote(&mut self) {
        let separator =
            self.language.is_c() && self.before(1).is_ascii_digit() && self.peek(1).is_ascii_digit();
        let in_word = self.language.is_script() && is_word(self.before(1));
        if separator || in_word || self.at < self.apostrophes_until {
            self.at += 1;
        } else if self.closing_on_line(b'\'').is_none() {
            self.apostrophes_until = self.end_of_line();
            self.at += 1;
        } else {
            self.one_line(b'\'');
        }
    }

    fn python_string(&mut self) {
        let mark = self.peek(0);
        let triple = [mark; 3];
        if self.peek(1) == mark && self.peek(2) == mark {
            self.delimited(&triple, true);
        } else {
            self.one_line(mark);
        }
    }

    /// A character literal, or else a lifetime or a label.
    fn rust_quote(&mut self) {
        let rest = self.bytes.get(self.at + 1..).unwrap_or_default();
        let length = match rest.first() {
            Some(b'\\') => rest.iter().skip(2).take(10).position(|&byte| byte == b'\'').map(|at| at + 2),
            Some(&lead) => {
                let width = match lead {
                    0xF0.. => 4,
                    0xE0.. => 3,
                    0xC0.. => 2,
                    _ => 1,
                };
                (lead != b'\'' && rest.get(width) == Some(&b'\'')).then_some(width)
            }
            None => None,
        };
        match length {
            Some(length) => {
                self.take(1, Class::Quote);
                self.take(length, Class::Text);
                self.take(1, Class::Quote);
            }
            None => self.at += 1,
        }
    }

    /// `r"…"`, `r#"…"#` and their `b` and `c` forms; `r#name` is an identifier.
    fn rust_raw(&mut self) {
        let prefixed = matches!(self.before(1), b'b' | b'c');
        let outside = if prefixed { self.before(2) } else { self.before(1) };
        let rest = self.bytes.get(self.at + 1..).unwrap_or_default();
        let hashes = rest.iter().take(255).take_while(|&&byte| byte == b'#').count();
        if is_word(outside) || rest.get(hashes) != Some(&b'"') {
            self.at += 1;
            return;
        }
        self.at += 1;
        self.take(hashes, Class::Quote);
        let close = [b"\"".as_slice(), &vec![b'#'; hashes]].concat();
        self.raw_until(1, &close);
    }

    /// `R"mark(…)mark"`, where the mark has at most 16 characters.
    fn cpp_raw(&mut self) {
        let rest = self.bytes.get(self.at + 2..).unwrap_or_default();
        match rest.iter().take(17).position(|&byte| byte == b'(') {
            Some(width)
                if !is_word(self.before(1)) || matches!(self.before(1), b'L' | b'u' | b'U' | b'8') =>
            {
                let mark = rest.get(..width).unwrap_or_default();
                let close = [b")".as_slice(), mark, b"\"".as_slice()].concat();
                self.at += 1;
                self.raw_until(width + 2, &close);
            }
            _ => self.at += 1,
        }
    }

    fn raw_until(&mut self, opening: usize, close: &[u8]) {
        self.take(opening, Class::Quote);
        let rest = self.bytes.get(self.at..).unwrap_or_default();
        match memchr::memmem::find(rest, close) {
            Some(length) => {
                self.take(length, Class::Text);
                self.take(close.len(), Class::Quote);
            }
            None => {
                self.open = true;
                self.take(rest.len(), Class::Text);
            }
        }
    }

    /// The text of a template up to its end or to the next `${`, whose inside is code again.
    fn template(&mut self) {
        let start = self.at;
        let mut end = start;
        loop {
            match (self.bytes.get(end), self.bytes.get(end + 1)) {
                (Some(b'\\'), _) => end += 2,
                (Some(b'`'), _) => {
                    self.take(end - start, Class::Text);
                    self.take(1, Class::Quote);
                    return;
                }
                (Some(b'$'), Some(b'{')) => {
                    self.take(end - start, Class::Text);
                    self.at += 2;
                    self.templates.push(0);
                    return;
                }
                (Some(_), _) => end += 1,
                (None, _) => {
                    self.open = true;
                    self.take(end - start, Class::Text);
                    return;
                }
            }
        }
    }

    fn template_brace(&mut self) {
        self.at += 1;
        match self.templates.last_mut() {
            Some(0) => {
                self.templates.pop();
                self.template();
            }
            Some(depth) => *depth -= 1,
            None => {}
        }
    }

    /// A `/` divides after a value and opens a regular expression elsewhere. `<` counts as a value because of closing markup tags.
    fn regex_may_begin(&self) -> bool {
        if self.at < self.slashes_until {
            return false;
        }
        let head = self.bytes.get(self.at.saturating_sub(200)..self.at).unwrap_or_default();
        let head = head.trim_ascii_end();
        match head.last() {
            None => true,
            Some(
                b'(' | b',' | b'=' | b':' | b'[' | b'!' | b'&' | b'|' | b'?' | b'{' | b';' | b'+' | b'-'
                | b'*' | b'>',
            ) => self.peek(1) != b'>',
            Some(&byte) if is_word(byte) => {
                let word = head.rsplit(|&byte| !is_word(byte)).next().unwrap_or_default();
                matches!(
                    word,
                    b"return"
                        | b"typeof"
                        | b"case"
                        | b"in"
                        | b"of"
                        | b"void"
                        | b"delete"
                        | b"yield"
                        | b"await"
                )
            }
            Some(_) => false,
        }
    }

    fn regex(&mut self) {
        let mut end = self.at + 1;
        let mut in_set = false;
        loop {
            match self.bytes.get(end) {
                None | Some(b'\n') => {
                    self.slashes_until = self.end_of_line();
                    self.at += 1;
                    return;
                }
                Some(b'\\') => end += 1,
                Some(b'[') => in_set = true,
                Some(b']') => in_set = false,
                Some(b'/') if !in_set => break,
                Some(_) => {}
            }
            end += 1;
        }
        self.take(1, Class::Quote);
        self.take(end - self.at, Class::Text);
        self.take(1, Class::Quote);
    }
}

/// Whether the byte can be part of an identifier.
pub(super) fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'$' || byte >= 0x80
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The text with everything but code and quotes as `.`.
    fn code(language: Language, text: &str) -> String {
        let marks = mark(language, text, false);
        let kept = text.bytes().zip(&marks.classes).map(|(byte, class)| match class {
            Class::Code | Class::Quote => byte as char,
            Class::Comment | Class::Text => '.',
        });
        kept.collect()
    }

    #[test]
    fn rust_literals_and_lifetimes() {
        assert_eq!(
            code(Language::Rust, "fn f<'a>(x: &'a str) -> char { 'x' }"),
            "fn f<'a>(x: &'a str) -> char { '.' }"
        );
        assert_eq!(code(Language::Rust, r"['\'', '\u{1F600}', b'{', '}']"), "['..', '.........', b'.', '.']");
        assert_eq!(code(Language::Rust, "r##\"a\"#b\"## + r#type"), "r##\"....\"## + r#type");
        assert_eq!(code(Language::Rust, "br\"\\\" x"), "br\".\" x");
        assert_eq!(code(Language::Rust, "a /* b /* c */ d */ e"), "a ................. e");
        assert_eq!(code(Language::Rust, "\"a\\\"b\nc\" d // e"), "\"......\" d ....");
        assert_eq!(code(Language::Rust, "'outer: loop { break 'outer; }"), "'outer: loop { break 'outer; }");
    }

    #[test]
    fn python_strings() {
        assert_eq!(code(Language::Python, "x = '''a\n'b' # c\n''' # d"), "x = '''..........''' ...");
        assert_eq!(code(Language::Python, "f\"{a}\" + r'\\'' "), "f\"...\" + r'..' ");
        assert_eq!(code(Language::Python, "'open\nx = 1"), "'....\nx = 1");
    }

    #[test]
    fn script_templates_and_regexes() {
        assert_eq!(code(Language::TypeScript, "`a ${f({b: `c`})} d` e"), "`..${f({b: `.`})}..` e");
        assert_eq!(code(Language::JavaScript, "x = /[/'\"]/.test(y) // z"), "x = /...../.test(y) ....");
        assert_eq!(code(Language::JavaScript, "a / b / c; return /'/"), "a / b / c; return /./");
        assert_eq!(code(Language::TypeScript, "<p>Don't</p> <i></i> 'x'"), "<p>Don't</p> <i></i> '.'");
    }

    #[test]
    fn c_go_and_java_literals() {
        assert_eq!(code(Language::Cpp, "R\"x(a)\" b)x\" + 1'000 + L'c'"), "R\"x(.....)x\" + 1'000 + L'.'");
        assert_eq!(code(Language::Go, "`a\n\\` + 'b' + \"c\""), "`...` + '.' + \".\"");
        assert_eq!(code(Language::Java, "\"\"\"\n a \"b\" \n\"\"\"; 'c'"), "\"\"\".........\"\"\"; '.'");
        assert_eq!(code(Language::C, "#error Don't\nint x;"), "#error Don't\nint x;");
    }

    #[test]
    fn what_is_still_open_is_told() {
        assert!(mark(Language::Python, "x = '''a", false).open);
        assert!(mark(Language::JavaScript, "`a ${b", false).open);
        assert!(!mark(Language::Rust, "\"a\"", false).open);
    }

    #[test]
    fn an_excerpt_may_begin_inside_a_comment() {
        let marks = mark(Language::Go, "it's */ x := 'y' /* z */", true);
        assert_eq!(marks.classes.iter().filter(|class| **class == Class::Comment).count(), 14);
    }
}
