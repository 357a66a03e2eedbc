//! Damages well-formed answers in the ways in which models do, and knows which findings are still complete.

/// SplitMix64 (Steele, Lea and Flood, 2014): the same cases in every run and with every version of a crate.
pub(crate) struct Rng(pub(crate) u64);

impl Rng {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    fn below(&mut self, bound: usize) -> usize {
        (self.next() % bound.max(1) as u64) as usize
    }

    fn one_in(&mut self, bound: usize) -> bool {
        self.below(bound) == 0
    }

    fn of<'t>(&mut self, texts: &[&'t str]) -> &'t str {
        texts[self.below(texts.len())]
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Damage {
    Cut,
    CutInFence,
    Fenced,
    Prose,
    TrailingCommas,
    SingleQuotes,
    SingleQuotesUnescaped,
    Comments,
    ControlCharacters,
    BareKeys,
    SmartQuotes,
    DuplicatedBraces,
    PythonLiterals,
    MissingCommas,
    InnerQuotes,
    DoubledBraces,
    MissingEnd,
    Several,
}

pub(crate) struct Damaged {
    pub(crate) text: String,
    /// Numbers of the findings that are complete in the text.
    pub(crate) complete: Vec<usize>,
}

/// A piece of well-formed JSON.
#[derive(Debug, Clone)]
struct Token {
    text: String,
    /// Whether it is a string that names a member.
    key: bool,
    /// The finding that this token closes.
    closes: Option<usize>,
}

impl Token {
    fn is_string(&self) -> bool {
        self.text.starts_with('"')
    }

    fn inner(&self) -> &str {
        &self.text[1..self.text.len() - 1]
    }
}

impl Damage {
    pub(crate) const ALL: [Self; 18] = [
        Self::Cut,
        Self::CutInFence,
        Self::Fenced,
        Self::Prose,
        Self::TrailingCommas,
        Self::SingleQuotes,
        Self::SingleQuotesUnescaped,
        Self::Comments,
        Self::ControlCharacters,
        Self::BareKeys,
        Self::SmartQuotes,
        Self::DuplicatedBraces,
        Self::PythonLiterals,
        Self::MissingCommas,
        Self::InnerQuotes,
        Self::DoubledBraces,
        Self::MissingEnd,
        Self::Several,
    ];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Cut => "cut",
            Self::CutInFence => "cut inside a fence",
            Self::Fenced => "fenced",
            Self::Prose => "prose around",
            Self::TrailingCommas => "trailing commas",
            Self::SingleQuotes => "single quotes",
            Self::SingleQuotesUnescaped => "single quotes, unescaped",
            Self::Comments => "comments",
            Self::ControlCharacters => "control characters",
            Self::BareKeys => "bare keys",
            Self::SmartQuotes => "smart quotes",
            Self::DuplicatedBraces => "duplicated closing braces",
            Self::PythonLiterals => "Python literals",
            Self::MissingCommas => "missing commas",
            Self::InnerQuotes => "unescaped inner quotes",
            Self::DoubledBraces => "doubled braces",
            Self::MissingEnd => "missing closing brackets",
            Self::Several => "several at once",
        }
    }

    pub(crate) fn apply(self, json: &str, rng: &mut Rng) -> Damaged {
        let mut tokens = tokens(json);
        let all: Vec<usize> = tokens.iter().filter_map(|token| token.closes).collect();
        match self {
            Self::Cut => return cut(&tokens, rng),
            Self::CutInFence => {
                let cut = cut(&tokens, rng);
                return Damaged { text: format!("Here it is:\n```json\n{}", cut.text), ..cut };
            }
            Self::MissingEnd => {
                while tokens.last().is_some_and(|last| last.closes.is_none() && !last.is_string()) {
                    tokens.pop();
                    if rng.one_in(2) {
                        break;
                    }
                }
            }
            Self::Several => {
                let kinds = [
                    Self::TrailingCommas,
                    Self::Comments,
                    Self::PythonLiterals,
                    Self::BareKeys,
                    Self::ControlCharacters,
                ];
                for _ in 0..3 {
                    kinds[rng.below(kinds.len())].rewrite(&mut tokens, rng);
                }
                let text = around(&text_of(&tokens), rng);
                return Damaged { text, complete: all };
            }
            other => other.rewrite(&mut tokens, rng),
        }
        let text = text_of(&tokens);
        let text = match self {
            Self::Fenced => format!(
                "{}\n{text}\n```{}",
                rng.of(&["```json", "```", "~~~\n```JSON"]),
                rng.of(&["", "\n", "\nDone."])
            ),
            Self::Prose => around(&text, rng),
            _ => text,
        };
        Damaged { text, complete: all }
    }

    fn rewrite(self, tokens: &mut [Token], rng: &mut Rng) {
        for index in 0..tokens.len() {
            let next_closes = tokens.get(index + 1).is_some_and(|next| matches!(next.text.trim(), "}" | "]"));
            let next_opens = tokens.get(index + 1).is_some_and(|next| next.text.trim() == "{");
            let token = &mut tokens[index];
            match self {
                Self::TrailingCommas if next_closes && token.text.trim() != "[" && rng.one_in(2) => {
                    token.text.push(',');
                }
                Self::SingleQuotes if token.is_string() => {
                    token.text = format!("'{}'", token.inner().replace("\\\"", "\"").replace('\'', "\\'"));
                }
                Self::SingleQuotesUnescaped if token.is_string() => {
                    token.text = format!("'{}'", token.inner().replace("\\\"", "\""));
                }
                Self::Comments
                    if !token.is_string()
                        && matches!(token.text.trim(), "," | "{" | "[" | ":" | "}")
                        && rng.one_in(3) =>
                {
                    token.text +=
                        rng.of(&[" // it's a \"note\", {x}\n", " /* see [1], \"x\": */ ", " # don't }\n"]);
                }
                Self::ControlCharacters if token.is_string() => token.text = with_raw_controls(&token.text),
                Self::BareKeys if token.key && token.is_string() && !rng.one_in(4) => {
                    token.text = token.inner().to_owned();
                }
                Self::SmartQuotes if token.is_string() => {
                    // A word processor changes the escaped quotes too.
                    let inner = if rng.one_in(2) {
                        token.inner().replace("\\\"", "\\”")
                    } else {
                        token.inner().to_owned()
                    };
                    token.text = format!("“{inner}”");
                }
                Self::DuplicatedBraces if token.text.trim() == "}" && rng.one_in(2) => token.text.push('}'),
                Self::PythonLiterals => match token.text.as_str() {
                    "true" => token.text = "True".into(),
                    "false" => token.text = "False".into(),
                    "null" => token.text = "None".into(),
                    text if token.key && text == "\"positives\"" => {
                        token.text = "\"done\": True, \"rest\": None, \"positives\"".into();
                    }
                    _ => {}
                },
                Self::MissingCommas if token.text.trim() == "," && next_opens => {
                    token.text = rng.of(&["", "\n", " "]).into();
                }
                Self::MissingCommas if token.text.trim() == "," && rng.one_in(6) => token.text = "\n".into(),
                Self::InnerQuotes if token.is_string() && !token.key => {
                    token.text = token.text.replace("\\\"", "\"");
                }
                Self::DoubledBraces if matches!(token.text.trim(), "{" | "}") => {
                    token.text = token.text.trim().repeat(2);
                }
                _ => {}
            }
        }
    }
}

fn around(json: &str, rng: &mut Rng) -> String {
    let before = [
        "Here is the review:\n\n",
        "I looked at `fn f() { g(); }` and at items [1] and [2].\n",
        "<think>The shape is {\"status\": ...}. Let me see: {x}</think>\n",
        "First a note: don't merge \"as is\".\n```json\n",
        "{\"draft\": true}\n",
    ];
    let after =
        ["\n", "\n```\nDone.", "\nTell me {if} you need [more].", " // end", "\nAn example: {\"a\": 1}"];
    format!("{}{json}{}", rng.of(&before), rng.of(&after))
}

/// Ends the text anywhere; a finding counts when its closing brace is before the cut.
fn cut(tokens: &[Token], rng: &mut Rng) -> Damaged {
    let text = text_of(tokens);
    let mut at = rng.below(text.len());
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    let (mut end, mut complete) = (0, Vec::new());
    for token in tokens {
        end += token.text.len();
        complete.extend(token.closes.filter(|_| end <= at));
    }
    Damaged { text: text[..at].to_owned(), complete }
}

fn text_of(tokens: &[Token]) -> String {
    tokens.iter().map(|token| token.text.as_str()).collect()
}

/// `\n` and `\t` as the characters they stand for; an escaped backslash stays.
fn with_raw_controls(text: &str) -> String {
    let mut raw = String::new();
    let mut characters = text.chars();
    while let Some(c) = characters.next() {
        match (c, if c == '\\' { characters.next() } else { None }) {
            (_, Some('n')) => raw.push('\n'),
            (_, Some('t')) => raw.push('\t'),
            (_, Some(other)) => raw.extend(['\\', other]),
            (_, None) => raw.push(c),
        }
    }
    raw
}

/// Splits well-formed JSON, white space included, so that the pieces joined are the text again.
fn tokens(json: &str) -> Vec<Token> {
    let mut tokens: Vec<Token> = Vec::new();
    let bytes = json.as_bytes();
    let (mut at, mut depth, mut findings_depth, mut number) = (0, 0, None, 0);
    while at < bytes.len() {
        let start = at;
        let mut closes = None;
        match bytes[at] {
            b'"' => {
                at += 1;
                while bytes[at] != b'"' {
                    at += if bytes[at] == b'\\' { 2 } else { 1 };
                }
                at += 1;
            }
            b'{' | b'[' => {
                let last_key = tokens.iter().rev().find(|token| token.key).map(|token| token.text.as_str());
                if bytes[at] == b'[' && depth == 1 && last_key == Some("\"findings\"") {
                    findings_depth = Some(depth + 1);
                }
                depth += 1;
                at += 1;
            }
            b'}' | b']' => {
                depth -= 1;
                if bytes[at] == b'}' && findings_depth == Some(depth) {
                    closes = Some(number);
                    number += 1;
                }
                if findings_depth == Some(depth + 1) && bytes[at] == b']' {
                    findings_depth = None;
                }
                at += 1;
            }
            b',' | b':' => {
                if bytes[at] == b':'
                    && let Some(key) = tokens.iter_mut().rev().find(|token| !token.text.trim().is_empty())
                {
                    key.key = true;
                }
                at += 1;
            }
            b if b.is_ascii_whitespace() => {
                // White space belongs to the piece before it unless that is a string or a literal.
                at += 1;
            }
            _ => {
                while at < bytes.len() && !matches!(bytes[at], b',' | b'}' | b']' | b' ' | b'\n') {
                    at += 1;
                }
            }
        }
        let text = &json[start..at];
        match tokens.last_mut() {
            Some(last) if text.trim().is_empty() && matches!(last.text.trim(), "{" | "[" | "," | ":") => {
                last.text.push_str(text);
            }
            Some(_) if text.trim().is_empty() => {}
            _ => tokens.push(Token { text: text.to_owned(), key: false, closes }),
        }
    }
    tokens
}
