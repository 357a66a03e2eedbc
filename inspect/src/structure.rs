//! Which bracket closes which, and what comes before a block: enough structure to find functions, loops and arguments.

use super::language::Language;

/// One bracket of the code.
#[derive(Debug, Clone)]
pub(super) struct Bracket {
    /// Byte offset in the chunk.
    pub(super) at: usize,
    /// One of `()[]{}`.
    pub(super) byte: u8,
    /// Index of the other one of the pair.
    pub(super) partner: Option<usize>,
    /// Index of the opening bracket of the innermost closed pair around this one.
    pub(super) parent: Option<usize>,
}

/// The brackets of a chunk, in order.
#[derive(Debug, Default)]
pub(super) struct Structure {
    pub(super) brackets: Vec<Bracket>,
    skeleton: Vec<u8>,
}

/// What comes before a `{`, with bracketed parts reduced to `()` or `[]` and blanks to one.
#[derive(Debug, Default)]
pub(super) struct Header {
    /// The reduced text; a run of blanks with a line break is `\n`.
    pub(super) text: Vec<u8>,
    /// Where each byte of `text` came from.
    pub(super) offsets: Vec<usize>,
    /// Where the header begins in the chunk.
    pub(super) start: usize,
}

/// Bytes that a header search may walk back, and bytes that it may keep: bounds the work on degenerate input.
const HEADER_WALK: usize = 4_000;
const HEADER_KEPT: usize = 600;

impl Structure {
    /// Reads the brackets of `code`, in which comments and string contents are blank.
    pub(super) fn of(language: Language, code: &[u8]) -> Self {
        let skeleton = if language.is_c() { without_directives(code) } else { code.to_vec() };
        let mut brackets: Vec<Bracket> = memchr_brackets(&skeleton)
            .map(|(at, byte)| Bracket { at, byte, partner: None, parent: None })
            .collect();
        pair(&mut brackets);
        nest(&mut brackets);
        Self { brackets, skeleton }
    }

    /// Index of the opening bracket of the innermost closed pair around `at`.
    pub(super) fn enclosing(&self, at: usize) -> Option<usize> {
        let last = self.brackets.partition_point(|bracket| bracket.at < at).checked_sub(1)?;
        let bracket = self.brackets.get(last)?;
        if is_opening(bracket.byte) && bracket.partner.is_some() { Some(last) } else { bracket.parent }
    }

    /// The pairs around `at`, from the inside out.
    pub(super) fn ancestors(&self, at: usize) -> impl Iterator<Item = (usize, &Bracket)> {
        let mut next = self.enclosing(at);
        std::iter::from_fn(move || {
            let index = next?;
            let bracket = self.brackets.get(index)?;
            next = bracket.parent;
            Some((index, bracket))
        })
    }

    /// Where the pair that opens at the bracket `index` closes.
    pub(super) fn close_of(&self, index: usize) -> Option<usize> {
        let partner = self.brackets.get(index)?.partner?;
        self.brackets.get(partner).map(|bracket| bracket.at)
    }

    /// Index of the bracket that is exactly at `at`.
    pub(super) fn bracket_at(&self, at: usize) -> Option<usize> {
        self.brackets.binary_search_by_key(&at, |bracket| bracket.at).ok()
    }

    /// What comes before the opening bracket `index`, back to the previous statement or block.
    pub(super) fn header(&self, language: Language, index: usize) -> Header {
        let Some(open) = self.brackets.get(index) else { return Header::default() };
        let mut at = open.at;
        let mut next = index;
        let mut kept: Vec<(u8, usize)> = Vec::new();
        let mut start = 0;
        for _ in 0..HEADER_WALK {
            let Some(before) = at.checked_sub(1) else { break };
            let bracket = next.checked_sub(1).and_then(|previous| self.brackets.get(previous));
            if let Some(bracket) = bracket.filter(|bracket| bracket.at == before) {
                let Some((partner, opened)) = self.jump(language, bracket) else {
                    start = at;
                    break;
                };
                kept.extend([(bracket.byte, before), (opened.byte, opened.at)]);
                at = opened.at;
                next = partner;
                start = at;
                continue;
            }
            let byte = self.skeleton.get(before).copied().unwrap_or(b';');
            if byte == b';' || kept.len() > HEADER_KEPT {
                start = at;
                break;
            }
            keep(&mut kept, byte, before);
            at = before;
            start = at;
        }
        kept.reverse();
        let (text, offsets) = kept.into_iter().unzip();
        Header { text, offsets, start }
    }

    /// The pair that ends with `bracket`, when a header may contain it.
    fn jump(&self, language: Language, bracket: &Bracket) -> Option<(usize, &Bracket)> {
        if is_opening(bracket.byte) {
            return None;
        }
        let partner = bracket.partner?;
        let opened = self.brackets.get(partner)?;
        if bracket.byte != b'}' {
            return Some((partner, opened));
        }
        let before = self.skeleton.get(opened.at.saturating_sub(64)..opened.at)?.trim_ascii_end();
        let is_type = match language {
            Language::Go => before.ends_with(b"interface") || before.ends_with(b"struct"),
            Language::TypeScript => matches!(before.last(), Some(b':' | b'|' | b'&' | b'<')),
            _ => false,
        };
        is_type.then_some((partner, opened))
    }
}

fn keep(kept: &mut Vec<(u8, usize)>, byte: u8, at: usize) {
    if !byte.is_ascii_whitespace() {
        kept.push((byte, at));
        return;
    }
    let blank = if byte == b'\n' { b'\n' } else { b' ' };
    match kept.last_mut() {
        Some((last, _)) if *last == b' ' || *last == b'\n' => {
            if blank == b'\n' {
                *last = b'\n';
            }
        }
        _ => kept.push((blank, at)),
    }
}

fn is_opening(byte: u8) -> bool {
    matches!(byte, b'(' | b'[' | b'{')
}

fn memchr_brackets(code: &[u8]) -> impl Iterator<Item = (usize, u8)> {
    let brackets = |byte: &u8| matches!(byte, b'(' | b')' | b'[' | b']' | b'{' | b'}');
    code.iter().copied().enumerate().filter(move |(_, byte)| brackets(byte))
}

/// Pairs the brackets. A closing brace closes the nearest open brace and gives up what is open inside; other strays are ignored.
fn pair(brackets: &mut [Bracket]) {
    let mut stack: Vec<(usize, u8)> = Vec::new();
    let mut braces = 0_usize;
    let mut pairs = Vec::new();
    for (index, bracket) in brackets.iter().enumerate() {
        let wanted = match bracket.byte {
            b')' => b'(',
            b']' => b'[',
            b'}' => b'{',
            byte => {
                braces += usize::from(byte == b'{');
                stack.push((index, byte));
                continue;
            }
        };
        if wanted == b'{' && braces > 0 {
            while stack.last().is_some_and(|(_, byte)| *byte != b'{') {
                stack.pop();
            }
            braces -= 1;
        }
        if stack.last().is_some_and(|(_, byte)| *byte == wanted)
            && let Some((opened, _)) = stack.pop()
        {
            pairs.push((opened, index));
        }
    }
    for (opened, closed) in pairs {
        if let Some(bracket) = brackets.get_mut(opened) {
            bracket.partner = Some(closed);
        }
        if let Some(bracket) = brackets.get_mut(closed) {
            bracket.partner = Some(opened);
        }
    }
}

/// Sets the parents, looking only at brackets that have a partner.
fn nest(brackets: &mut [Bracket]) {
    let mut stack: Vec<usize> = Vec::new();
    for (index, bracket) in brackets.iter_mut().enumerate() {
        let paired = bracket.partner.is_some();
        if paired && !is_opening(bracket.byte) {
            stack.pop();
        }
        bracket.parent = stack.last().copied();
        if paired && is_opening(bracket.byte) {
            stack.push(index);
        }
    }
}

/// Blanks preprocessor lines and the branches after `#else`, which would otherwise open the same block twice.
fn without_directives(code: &[u8]) -> Vec<u8> {
    let mut kept = code.to_vec();
    let mut start = 0;
    let mut continued = false;
    let mut skipped: Vec<bool> = Vec::new();
    for line in code.split_inclusive(|&byte| byte == b'\n') {
        let words = line.trim_ascii();
        let directive = continued || words.starts_with(b"#");
        if directive && !continued {
            let name = words.get(1..).unwrap_or_default().trim_ascii_start();
            if name.starts_with(b"if") {
                skipped.push(matches!(name.trim_ascii_end(), b"if 0"));
            } else if name.starts_with(b"el") {
                if let Some(branch) = skipped.last_mut() {
                    // The branch after `#if 0` is the live one.
                    *branch = !*branch;
                }
            } else if name.starts_with(b"endif") {
                skipped.pop();
            }
        }
        continued = directive && words.ends_with(b"\\");
        if directive || skipped.last().copied().unwrap_or(false) {
            let range = kept.get_mut(start..start + line.len()).unwrap_or_default();
            range.iter_mut().filter(|byte| **byte != b'\n').for_each(|byte| *byte = b' ');
        }
        start += line.len();
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header(language: Language, code: &str) -> String {
        let structure = Structure::of(language, code.as_bytes());
        let last = structure.brackets.iter().rposition(|bracket| bracket.byte == b'{').unwrap();
        String::from_utf8(structure.header(language, last).text).unwrap()
    }

    #[test]
    fn headers_reach_back_to_the_statement() {
        assert_eq!(
            header(Language::Rust, "a; pub  fn f(x: [u8; 2]) -> (A, B)\nwhere T: C {"),
            " pub fn f() -> ()\nwhere T: C "
        );
        assert_eq!(
            header(Language::Java, "if (a) { } @A(b) int f(int c) throws D {"),
            " @A() int f() throws D "
        );
        assert_eq!(header(Language::Go, "func f() interface{} {}"), "func f() interface{} ");
        assert_eq!(header(Language::TypeScript, "f({ a, b }: { a: string; b: T }): { c: D } {"), "f(): {} ");
        assert_eq!(header(Language::JavaScript, "f(() => {"), "() => ");
    }

    #[test]
    fn strays_do_not_break_other_pairs() {
        let structure = Structure::of(Language::Rust, b"{ ( ] } ) { }");
        let partners: Vec<_> = structure.brackets.iter().map(|bracket| bracket.partner).collect();
        assert_eq!(partners, [Some(3), None, None, Some(0), None, Some(6), Some(5)]);
        assert_eq!(structure.enclosing(5), Some(0));
    }

    #[test]
    fn only_one_branch_of_the_preprocessor_counts() {
        let code = b"#if A\nif (x) {\n#else\nif (y) {\n#endif\n}\n#define B {\n#if 0\n{\n#endif\n";
        let structure = Structure::of(Language::C, code);
        assert_eq!(structure.brackets.iter().filter(|bracket| bracket.byte == b'{').count(), 1);
    }
}
