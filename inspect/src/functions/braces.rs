//! Functions by what comes before a brace: every language but Python.

use super::*;

/// What a brace opens.
enum Block {
    /// A function, with the place of its name in the header.
    Function(Range<usize>),
    /// A place inside which the rules about nested functions begin again, such as an anonymous class.
    Scope,
    Other,
}

macro_rules! pattern {
    ($name:ident, $pattern:expr) => {
        static $name: LazyLock<Option<Regex>> = LazyLock::new(|| regex($pattern));
    };
}

pattern!(RUST, r"\bfn\s+([A-Za-z_]\w*)[^;]*\z");
pattern!(GO, r"(?s:.*)\bfunc\s*(?:\(\)\s*)?([A-Za-z_]\w*)\s*(?:\[\]\s*)?\(\)[^=;\n]*\z");
pattern!(JAVA, r"(?s)\A(.*?)\b([A-Za-z_]\w*)\s*\(\)\s*(?:throws\s[\w.,\s<>]+)?\z");
pattern!(
    C,
    r"(?s)\A(.*?)([A-Za-z_~][\w:~]*|operator\s*[^\w\s]{1,3})\s*\(\)(?:\s|const\b|noexcept\b(?:\s*\(\))?|override\b|final\b|volatile\b|&|->\s*[\w:<>,*&\s]+|__\w+\s*(?:\(\))?|:\s*[A-Za-z_].*)*\z"
);
pattern!(BOUND_FUNCTION, r"([\w$]+)\s*(?::[^=;]*)?[=:]\s*(?:async\s+)?function\s*\*?\s*\(\)\s*(?::[^;]*)?\z");
pattern!(NAMED_FUNCTION, r"\bfunction\s*\*?\s*([\w$]+)\s*(?:<[^;]*>\s*)?\(\)\s*(?::[^;]*)?\z");
pattern!(
    BOUND_ARROW,
    r"\b(?:const|let|var)\s+([\w$]+)\s*(?::[^\n]*)?=\s*(?:async\b\s*)?(?:<[^;]*>\s*)?(?:\(\)|[\w$]+)\s*(?::[^;]*)?=>\s*\z"
);
pattern!(
    FIELD_ARROW,
    r"([\w$]+)\s*(?::[^=\n]*)?[=:]\s*(?:async\b\s*)?(?:<[^;]*>\s*)?(?:\(\)|[\w$]+)\s*(?::[^;=]*)?=>\s*\z"
);
pattern!(METHOD, r"(?:\A|[\n,*\s])(#?[\w$]+)\??\s*(?:<[^;]*>\s*)?\(\)\s*(?::\s*[^\s=][^=]*)?\z");
pattern!(
    RUST_TEST,
    r"#\[\s*(?:\w+::)*(?:test|rstest|test_case|quickcheck|wasm_bindgen_test|bench)\b|#!?\[\s*cfg\s*\(\s*(?:test\b|all\s*\([^\]]*\btest\b)"
);
pattern!(JAVA_TEST, r"@(?:\w+\.)*(?:Test|ParameterizedTest|RepeatedTest|TestFactory)\b");
pattern!(SCRIPT_TEST, r#"(?:^|[^\w.$])((?:it|test)(?:\.\w+)*)\s*\(\s*["'`]"#);

const KEYWORDS: &[&[u8]] = &[
    b"if",
    b"for",
    b"while",
    b"switch",
    b"catch",
    b"with",
    b"function",
    b"return",
    b"synchronized",
    b"try",
    b"await",
    b"do",
    b"else",
    b"new",
    b"sizeof",
    b"super",
    b"this",
    b"throw",
    b"case",
    b"__attribute__",
    b"alignas",
    b"decltype",
];

/// The functions of the chunk, and the ranges of test code.
pub(super) fn read(chunk: &Chunk) -> (Vec<Function>, Vec<Range<usize>>) {
    let mut functions: Vec<Function> = Vec::new();
    let mut tests: Vec<Range<usize>> = Vec::new();
    let mut inside = vec![false; chunk.structure.brackets.len()];
    for (index, bracket) in chunk.structure.brackets.iter().enumerate() {
        let nested = bracket.parent.and_then(|parent| inside.get(parent)).copied().unwrap_or(false);
        let mut within = nested;
        if bracket.byte == b'{' {
            let header = chunk.structure.header(chunk.language, index);
            let close = chunk.structure.close_of(index);
            let end = close.map_or(chunk.text.len(), |close| close + 1);
            let test = is_test_block(chunk, &header, bracket.at);
            let start = match block(chunk.language, &header, nested) {
                Block::Function(name) => {
                    within = true;
                    let function = function(chunk, &header, name, close, test);
                    let start = function.start;
                    functions.push(function);
                    start
                }
                Block::Scope => {
                    within = false;
                    header.start
                }
                Block::Other => header.start,
            };
            if test || functions.last().is_some_and(|function| function.start == start && function.test) {
                tests.push(start..end);
            }
        }
        if let Some(slot) = inside.get_mut(index) {
            *slot = within;
        }
    }
    if chunk.language.is_script() {
        tests.extend(script_tests(chunk, &mut functions));
    }
    if chunk.language == Language::Rust && is_test_file(chunk) {
        tests.push(0..chunk.text.len());
    }
    functions.sort_by_key(|function| function.start);
    (functions, tests)
}

fn block(language: Language, header: &Header, nested: bool) -> Block {
    let text = header.text.as_slice();
    let name = match language {
        Language::Rust => capture(&RUST, text, 1),
        // The brace of a type in the signature, not the one of the body.
        Language::Go if text.trim_ascii_end().ends_with(b"interface") => None,
        Language::Go if text.trim_ascii_end().ends_with(b"struct") => None,
        Language::Go => capture(&GO, text, 1),
        Language::Java => return java(text, nested),
        Language::C | Language::Cpp if nested => None,
        Language::C | Language::Cpp => capture(&C, text, 2).filter(|name| is_name(text, name)),
        _ => script(text),
    };
    name.map_or(Block::Other, Block::Function)
}

fn java(text: &[u8], nested: bool) -> Block {
    let Some(found) = JAVA.as_ref().and_then(|regex| regex.captures(text)) else { return Block::Other };
    let before = found.get(1).map_or(&b""[..], |group| group.as_bytes()).trim_ascii_end();
    let Some(name) = found.get(2).map(|group| group.range()).filter(|name| is_name(text, name)) else {
        return Block::Other;
    };
    let words: Vec<&[u8]> = before.split(u8::is_ascii_whitespace).collect();
    if words.last() == Some(&&b"new"[..]) {
        return Block::Scope;
    }
    let expression = words.iter().any(|word| {
        matches!(*word, b"class" | b"record" | b"enum" | b"interface" | b"return" | b"else" | b"=" | b"->")
    });
    let ends_like_a_type = before
        .last()
        .is_none_or(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'>' | b']' | b')'));
    if expression || !ends_like_a_type || (nested && before.is_empty()) {
        Block::Other
    } else {
        Block::Function(name)
    }
}

fn script(text: &[u8]) -> Option<Range<usize>> {
    let tail = text.trim_ascii_end();
    if matches!(tail.last(), Some(b':' | b'<' | b'|' | b'&' | b',')) {
        return None;
    }
    let patterns: &[&LazyLock<Option<Regex>>] = if tail.ends_with(b"=>") {
        &[&BOUND_ARROW, &FIELD_ARROW]
    } else {
        &[&NAMED_FUNCTION, &BOUND_FUNCTION, &METHOD]
    };
    let name =
        patterns.iter().find_map(|regex| capture(regex, text, 1)).filter(|name| is_name(text, name))?;
    let before = text.get(..name.start).unwrap_or_default();
    let inherits = before.split(u8::is_ascii_whitespace).any(|word| matches!(word, b"extends" | b"class"));
    (!inherits).then_some(name)
}

fn capture(regex: &LazyLock<Option<Regex>>, text: &[u8], group: usize) -> Option<Range<usize>> {
    let captures: Captures<'_> = regex.as_ref()?.captures(text)?;
    captures.get(group).map(|group| group.range())
}

fn is_name(text: &[u8], name: &Range<usize>) -> bool {
    text.get(name.clone()).is_some_and(|name| !KEYWORDS.contains(&name))
}

fn function(
    chunk: &Chunk,
    header: &Header,
    name: Range<usize>,
    close: Option<usize>,
    test: bool,
) -> Function {
    let start = header.offsets.get(name.start).copied().unwrap_or(header.start);
    let name = String::from_utf8_lossy(header.text.get(name).unwrap_or_default()).into_owned();
    let test = test
        || match chunk.language {
            Language::Go => {
                ["Test", "Benchmark", "Fuzz", "Example"].iter().any(|prefix| name.starts_with(prefix))
            }
            Language::C | Language::Cpp => {
                name.starts_with("test_")
                    || matches!(name.as_str(), "TEST" | "TEST_F" | "TEST_P" | "TEST_CASE")
            }
            _ => false,
        };
    Function {
        name,
        start,
        end: close.map_or(chunk.text.len(), |close| close + 1),
        line: chunk.line(start),
        end_line: close.map(|close| chunk.line(close)),
        test,
    }
}

/// Whether an attribute, an annotation or the name of the module says that the block is test code.
fn is_test_block(chunk: &Chunk, header: &Header, open: usize) -> bool {
    let raw = chunk.code.get(header.start..open).unwrap_or_default();
    match chunk.language {
        Language::Rust => {
            let text = header.text.trim_ascii();
            let attribute =
                raw.contains(&b'#') && RUST_TEST.as_ref().is_some_and(|regex| regex.is_match(raw));
            attribute || text.ends_with(b"mod tests") || text.ends_with(b"mod test")
        }
        Language::Java => raw.contains(&b'@') && JAVA_TEST.as_ref().is_some_and(|regex| regex.is_match(raw)),
        _ => false,
    }
}

fn is_test_file(chunk: &Chunk) -> bool {
    let head = chunk.code.get(..chunk.code.len().min(4_000)).unwrap_or_default();
    head.split(|byte| *byte == b'\n').any(|line| line.trim_ascii().starts_with(b"#![cfg(test)]"))
}

/// `it("…", …)` and `test("…", …)`: the callback has no name, so the call stands for the test.
fn script_tests(chunk: &Chunk, functions: &mut Vec<Function>) -> Vec<Range<usize>> {
    let mut ranges = Vec::new();
    let Some(regex) = SCRIPT_TEST.as_ref() else { return ranges };
    for found in regex.captures_iter(&chunk.source) {
        let Some(call) = found.get(1).filter(|call| chunk.class(call.start()) == Class::Code) else {
            continue;
        };
        let open = chunk
            .source
            .get(call.end()..)
            .and_then(|rest| memchr::memchr(b'(', rest))
            .map(|at| at + call.end());
        let close = open.and_then(|open| chunk.structure.close_of(chunk.structure.bracket_at(open)?));
        let end = close.map_or(chunk.text.len(), |close| close + 1);
        ranges.push(call.start()..end);
        functions.push(Function {
            name: String::from_utf8_lossy(call.as_bytes()).into_owned(),
            start: call.start(),
            end,
            line: chunk.line(call.start()),
            end_line: close.map(|close| chunk.line(close)),
            test: true,
        });
    }
    ranges
}

#[cfg(test)]
mod tests {
    use crate::source::Source;
    use exai_context::evidence::{EvidenceFile, Segment};

    /// `name first-last` of every function, tests with a star.
    fn functions(path: &str, text: &str) -> Vec<String> {
        let lines = u32::try_from(text.lines().count()).unwrap();
        let segments = vec![Segment { first_line: 1, text: text.into() }];
        let file = EvidenceFile {
            path: path.into(),
            absolute: path.into(),
            hash: String::new(),
            bytes: 0,
            lines,
            segments,
            removed: Vec::new(),
        };
        let source = Source::of(&file);
        let shown = |function: &super::Function| {
            let end = function.end_line.map_or_else(|| "?".into(), |end| end.to_string());
            format!("{}{} {}-{end}", function.name, if function.test { "*" } else { "" }, function.line)
        };
        source.chunks.iter().flat_map(|chunk| &chunk.functions).map(shown).collect()
    }

    #[test]
    fn rust() {
        let text = "impl A {\n  /// fn no() {}\n  pub async fn a<T: B<[u8; 4]>>(x: T)\n  where T: C {\n    || { 1 };\n  }\n}\ntrait D { fn e(); fn f() { g!{} } }\n#[tokio::test]\nasync fn h() {\n}\n";
        assert_eq!(functions("a.rs", text), ["a 3-6", "f 8-8", "h* 10-11"]);
    }

    #[test]
    fn go() {
        let text = "func A(f func() int) interface{} {\n\tgo func() {}()\n}\nfunc (s *S[T]) B() (x struct{}, err error) {\n}\ntype S struct {\n}\nfunc TestC(t *testing.T) {}\n";
        assert_eq!(functions("a.go", text), ["A 1-3", "B 4-5", "TestC* 8-8"]);
    }

    #[test]
    fn java() {
        let text = "@A(b) class C extends D {\n  @Get(\"x\")\n  public Map<String, X> e(@P(\"y\") int a) throws F, G {\n    if (a) { } else if (b) { } for (int i = 0; i < 1; i++) { }\n    new H(1) {\n      void i() { }\n    };\n    try (J k = l()) { } catch (M n) { }\n  }\n  C() { }\n  record O(int p) { }\n  @Test void q() { }\n}\n";
        assert_eq!(functions("A.java", text), ["e 3-9", "i 6-6", "C 10-10", "q* 12-12"]);
    }

    #[test]
    fn c_and_cpp() {
        let text = "static int *a(int b)\n{\n  if (b) { } FOR_EACH(x, y) { } do { } while (0);\n}\nstruct s t = { 1 };\nEXPORT(int) c(void) {}\nA::A(int b) : c(b), d() {}\nauto B::e() const noexcept -> int {\n}\nTEST(F, g) {}\nnamespace h { class I { void j() override {} }; }\n";
        assert_eq!(
            functions("a.cpp", text),
            ["a 1-4", "c 6-6", "A::A 7-7", "B::e 8-9", "TEST* 10-10", "j 11-11"]
        );
    }

    #[test]
    fn typescript() {
        let text = "export function a({ b, c }: { b: string; c: D }): Promise<{ e: F }> {\n  if (g) { }\n  h(() => {\n  })\n}\nconst i = async (j: K): Promise<L> => {\n}\nclass M extends n(O) {\n  p = (q) => {\n  }\n  static async r<S>(t: S): Promise<void> {\n  }\n  constructor() { super() }\n}\nx.y = function () { }\nit('z', () => {\n})\n";
        assert_eq!(
            functions("a.ts", text),
            ["a 1-5", "i 6-7", "p 9-10", "r 11-12", "constructor 13-13", "y 15-15", "it* 16-17"]
        );
    }

    #[test]
    fn python() {
        let text = "class A:\n    @b\n    async def c(\n        self,\n    ) -> int:\n        x = \"\"\"\ndef no():\n\"\"\"\n        def d(): return 1\n        return x\n\n    # comment\n\ndef test_e():\n    pass\n";
        assert_eq!(functions("a.py", text), ["c 3-10", "d 9-9", "test_e* 14-15"]);
    }
}
