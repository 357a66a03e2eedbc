//! Wildcards as git compares them, with a cost that is linear in pattern and path and is counted.
//!
//! A regular expression for the same pattern takes about a thousand bytes for each of its characters; what is kept here takes at
//! most twelve. Comparing keeps the set of all places in the pattern that the path so far can have reached, so no pattern makes
//! it go back.

/// Comparisons that are still allowed, and the room that they need.
#[derive(Debug)]
pub(crate) struct Comparing {
    steps: u64,
    now: Vec<bool>,
    next: Vec<bool>,
}

impl Comparing {
    pub(crate) fn new(steps: u64) -> Self {
        Self { steps, now: Vec::new(), next: Vec::new() }
    }

    /// Whether nothing may be compared any more. What was compared since is not to be trusted.
    pub(crate) fn is_spent(&self) -> bool {
        self.steps == 0
    }

    pub(crate) fn count(&mut self, steps: usize) {
        self.steps = self.steps.saturating_sub(steps as u64);
    }
}

/// A pattern with wildcards.
#[derive(Debug)]
pub(super) struct Glob {
    tokens: Box<[Token]>,
    /// Which bytes each class takes, a bit a byte.
    classes: Box<[[u64; 4]]>,
    /// The fewest bytes that it can match.
    shortest: usize,
}

#[derive(Debug, Clone, Copy)]
enum Token {
    Byte(u8),
    /// Any byte but a slash.
    One,
    /// Any number of bytes, none of them a slash.
    Many,
    /// Any number of bytes. When a slash follows, `skips` it: `**/` also stands for nothing.
    Deep {
        skips: bool,
    },
    Class(u16),
}

impl Glob {
    /// Reads a pattern; says why it can never match anything.
    pub(super) fn new(pattern: &[u8]) -> Result<Self, &'static str> {
        let mut tokens = Vec::with_capacity(pattern.len());
        let mut classes = Vec::new();
        let mut at = 0;
        while let Some(&byte) = pattern.get(at) {
            let begun = at;
            at += 1;
            tokens.push(match byte {
                b'?' => Token::One,
                b'*' => {
                    at += pattern.iter().skip(at).take_while(|byte| **byte == b'*').count();
                    stars(pattern, begun, at)
                }
                b'[' => {
                    let (class, end) = class(pattern, at)?;
                    at = end;
                    classes.push(class);
                    Token::Class(u16::try_from(classes.len() - 1).map_err(|_| "it has too many classes")?)
                }
                b'\\' => {
                    let escaped = pattern.get(at).ok_or("it ends with a backslash")?;
                    at += 1;
                    Token::Byte(*escaped)
                }
                byte => Token::Byte(byte),
            });
        }
        let mut shortest = tokens.len();
        for (at, token) in tokens.iter().enumerate() {
            match token {
                Token::Many => shortest -= 1,
                Token::Deep { skips } => shortest -= 1 + usize::from(*skips && at + 1 < tokens.len()),
                Token::Byte(_) | Token::One | Token::Class(_) => {}
            }
        }
        Ok(Self { tokens: tokens.into(), classes: classes.into(), shortest })
    }

    /// Whether it matches all of `text`.
    pub(super) fn matches(&self, text: &[u8], work: &mut Comparing) -> bool {
        work.count(self.tokens.len().min(text.len()) / 8);
        if text.len() < self.shortest || !self.ends_like(text) {
            return false;
        }
        let Comparing { steps, now, next } = work;
        let places = self.tokens.len() + 1;
        for set in [&mut *now, &mut *next] {
            set.clear();
            set.resize(places, false);
        }
        if let Some(start) = now.first_mut() {
            *start = true;
        }
        self.without_a_byte(now);
        for &byte in text {
            // Everything that is looked at is paid for.
            *steps = steps.saturating_sub(places as u64);
            if *steps == 0 || !now.contains(&true) {
                return false;
            }
            next.fill(false);
            for (place, token) in self.tokens.iter().enumerate() {
                if now.get(place) != Some(&true) {
                    continue;
                }
                let reached = match *token {
                    Token::Byte(wanted) => (byte == wanted).then_some(place + 1),
                    Token::One => (byte != b'/').then_some(place + 1),
                    Token::Class(class) => self.takes(class, byte).then_some(place + 1),
                    Token::Many => (byte != b'/').then_some(place),
                    Token::Deep { .. } => Some(place),
                };
                mark(next, reached);
            }
            self.without_a_byte(next);
            std::mem::swap(now, next);
        }
        now.last() == Some(&true)
    }

    /// Adds the places that are reached from those in the set without a byte of the path.
    fn without_a_byte(&self, set: &mut [bool]) {
        for (place, token) in self.tokens.iter().enumerate() {
            if set.get(place) != Some(&true) {
                continue;
            }
            match token {
                Token::Many => mark(set, Some(place + 1)),
                Token::Deep { skips } => {
                    mark(set, Some(place + 1));
                    mark(set, skips.then_some(place + 2));
                }
                Token::Byte(_) | Token::One | Token::Class(_) => {}
            }
        }
    }

    /// Most patterns end with letters that most paths do not end with.
    fn ends_like(&self, text: &[u8]) -> bool {
        for (token, byte) in self.tokens.iter().rev().zip(text.iter().rev()) {
            match token {
                Token::Byte(wanted) if wanted != byte => return false,
                Token::Byte(_) => {}
                _ => return true,
            }
        }
        true
    }

    fn takes(&self, class: u16, byte: u8) -> bool {
        self.classes.get(usize::from(class)).is_some_and(|class| holds(class, byte))
    }
}

fn mark(set: &mut [bool], place: Option<usize>) {
    if let Some(place) = place.and_then(|place| set.get_mut(place)) {
        *place = true;
    }
}

/// What the stars from `begun` to `end` mean: two or more that fill a component cross slashes.
fn stars(pattern: &[u8], begun: usize, end: usize) -> Token {
    let opens = begun.checked_sub(1).is_none_or(|before| pattern.get(before) == Some(&b'/'));
    let rest = pattern.get(end..).unwrap_or_default();
    let closes = rest.is_empty() || rest.starts_with(b"/") || rest.starts_with(b"\\/");
    if end - begun > 1 && opens && closes {
        Token::Deep { skips: rest.starts_with(b"/") }
    } else {
        Token::Many
    }
}

fn holds(class: &[u64; 4], byte: u8) -> bool {
    class.get(usize::from(byte >> 6)).is_some_and(|bits| bits >> (byte & 63) & 1 == 1)
}

fn add(class: &mut [u64; 4], bytes: impl IntoIterator<Item = u8>) {
    for byte in bytes {
        if let Some(bits) = class.get_mut(usize::from(byte >> 6)) {
            *bits |= 1 << (byte & 63);
        }
    }
}

/// The class whose bracket is before `at`, and where the pattern goes on.
fn class(pattern: &[u8], mut at: usize) -> Result<([u64; 4], usize), &'static str> {
    const OPEN: &str = "its `[` is not closed";
    let mut class = [0_u64; 4];
    let negated = matches!(pattern.get(at), Some(b'!' | b'^'));
    at += usize::from(negated);
    let mut first = true;
    // The byte that a range can begin with.
    let mut low: Option<u8> = None;
    loop {
        let byte = *pattern.get(at).ok_or(OPEN)?;
        let rest = pattern.get(at + 1..).unwrap_or_default();
        match (byte, rest) {
            (b']', _) if !first => break,
            (b'-', [end, ..]) if low.is_some() && *end != b']' => {
                at += 1 + usize::from(*end == b'\\');
                let high = *pattern.get(at).ok_or(OPEN)?;
                add(&mut class, low.unwrap_or(high)..=high);
                low = None;
            }
            (b'[', [b':', name @ ..]) if named_end(name)?.is_some() => {
                let length = named_end(name)?.unwrap_or_default();
                add(&mut class, named(name.get(..length).unwrap_or_default())?);
                at += 1 + length + 2;
                low = None;
            }
            (byte, _) => {
                at += usize::from(byte == b'\\');
                let plain = *pattern.get(at).ok_or(OPEN)?;
                add(&mut class, [plain]);
                low = Some(plain);
            }
        }
        first = false;
        at += 1;
    }
    if negated {
        class = class.map(|bits| !bits);
    }
    // No class takes a slash.
    if let Some(bits) = class.get_mut(usize::from(b'/' >> 6)) {
        *bits &= !(1 << (b'/' & 63));
    }
    Ok((class, at + 1))
}

/// The length of the name in `name:]…`; nothing when the bracket before it is an ordinary one.
fn named_end(rest: &[u8]) -> Result<Option<usize>, &'static str> {
    let close = rest.iter().position(|byte| *byte == b']').ok_or("its `[:` is not closed")?;
    Ok(close.checked_sub(1).filter(|colon| rest.get(*colon) == Some(&b':')))
}

fn named(name: &[u8]) -> Result<Vec<u8>, &'static str> {
    let test: fn(&u8) -> bool = match name {
        b"alnum" => u8::is_ascii_alphanumeric,
        b"alpha" => u8::is_ascii_alphabetic,
        b"blank" => |byte| matches!(byte, b' ' | b'\t'),
        b"cntrl" => u8::is_ascii_control,
        b"digit" => u8::is_ascii_digit,
        b"graph" => u8::is_ascii_graphic,
        b"lower" => u8::is_ascii_lowercase,
        b"print" => |byte| matches!(byte, b' '..=b'~'),
        b"punct" => u8::is_ascii_punctuation,
        b"space" => |byte| byte.is_ascii_whitespace() || *byte == 0x0b,
        b"upper" => u8::is_ascii_uppercase,
        b"xdigit" => u8::is_ascii_hexdigit,
        _ => return Err("it names an unknown class"),
    };
    Ok((0..=u8::MAX).filter(test).collect())
}
