//! Rules for C and C++.

use exai_core::Severity;

use crate::argument::{Argument, argument, contains, inside, not_fixed};
use crate::lexer::is_word;
use crate::rule::{Rule, Scope, Site, View};

pub(super) const RULES: &[Rule] = &[
    Rule::new("c-gets", Severity::High, r"(?:^|[^\w.>])(gets\s*\()").guard(is_a_call).says(
        "gets",
        "It cannot know the size of the buffer: a long line overwrites memory.",
        "Use `fgets` with the size.",
    ),
    Rule::new("c-strcpy", Severity::Medium, r"(?:^|[^\w.>])((?:strcpy|strcat|stpcpy)\s*\()")
        .guard(copies_a_value)
        .says(
            "Unbounded string copy",
            "A source longer than the target overwrites memory.",
            "Use `snprintf(dst, sizeof dst, \"%s\", src)`, or check the length first.",
        ),
    Rule::new("c-sprintf", Severity::Medium, r"(?:^|[^\w.>])(v?sprintf\s*\()").guard(prints_a_string).says(
        "Unbounded sprintf",
        "An argument longer than expected overwrites memory behind the buffer.",
        "Use `snprintf` with the size of the buffer.",
    ),
    Rule::new("c-scanf", Severity::High, r#"(?:^|[^\w.>])(f?scanf\s*\()[^;"]{0,80}"[^"\n]*%\[?s"#)
        .view(View::Source)
        .says(
            "scanf with an unbounded %s",
            "A word longer than the buffer overwrites memory.",
            "Give the width (`%31s` for 32 bytes).",
        ),
    Rule::new("c-system", Severity::Medium, r"(?:^|[^\w.>])((?:system|popen)\s*\()")
        .guard(is_a_call_with_a_value)
        .says(
            "Shell command built at run time",
            "Whatever the value contains is run by the shell: `;`, `$(…)` and quotes included.",
            "Start the program itself with `execv` or `posix_spawn`.",
        ),
    Rule::new(
        "c-format",
        Severity::Medium,
        r"(?:^|[^\w.>])((?:printf\s*\(|(?:fprintf|syslog)\s*\(\s*\w+\s*,)\s*([A-Za-z_]\w*)\s*\))",
    )
    .guard(format_is_a_variable)
    .says(
        "Format string is a variable",
        "A `%` in the value reads or writes memory that was not meant.",
        "Print it with `\"%s\"`.",
    ),
    Rule::new(
        "c-realloc",
        Severity::Medium,
        r"(?:^|[^\w.>*\]])(([A-Za-z_][\w.]*(?:->\w+)*)\s*=\s*(?:\([^()]*\)\s*)?realloc\s*\()",
    )
    .guard(overwrites_its_own_pointer)
    .says(
        "realloc into its own pointer",
        "When it fails the old block is lost, and the pointer is null.",
        "Keep the result in another variable and check it first.",
    ),
    Rule::new(
        "c-malloc",
        Severity::Low,
        r"(?:^|[^\w.>*\]])(([A-Za-z_]\w*)\s*=\s*(?:\([^()]*\)\s*)?(?:malloc|calloc)\s*\([^;]{0,200};)",
    )
    .scope(Scope::Production)
    .guard(not_checked)
    .says(
        "Allocation used without a check",
        "When memory runs out the pointer is null, and its first use ends the program.",
        "Check the pointer before its first use.",
    ),
    Rule::new("c-tmpnam", Severity::Medium, r"(?:^|[^\w.>])((?:tmpnam|mktemp|tempnam)\s*\()")
        .guard(is_a_call)
        .says(
            "Temporary name without a file",
            "Another process can create the file between the naming and the opening.",
            "Use `mkstemp`.",
        ),
];

/// Rules for what only C++ has.
pub(super) const PLUS: &[Rule] =
    &[Rule::new("cpp-empty-catch", Severity::Medium, r"\bcatch\s*\([^()]*\)\s*\{\s*\}")
        .scope(Scope::Production)
        .guard(|site| {
            site.chunk.comments.get(site.start..site.end).unwrap_or_default().trim_ascii().is_empty()
        })
        .says(
            "Empty catch",
            "Every exception vanishes here, expected or not.",
            "Handle the expected exception and pass the others on, or say why none matters.",
        )];

/// Not a declaration: no type comes before the name.
fn is_a_call(site: &Site<'_>) -> bool {
    let head = site.chunk.code.get(site.start.saturating_sub(80)..site.start).unwrap_or_default();
    let head = head.strip_suffix(b"std::").unwrap_or(head).trim_ascii_end();
    let word = head.rsplit(|byte| !is_word(*byte)).next().unwrap_or_default();
    let line = head.rsplit(|byte| *byte == b'\n').next().unwrap_or_default();
    let pointer_type =
        head.ends_with(b"*") && line.trim_ascii().iter().all(|byte| is_word(*byte) || b" *".contains(byte));
    !pointer_type && (word.is_empty() || matches!(word, b"return" | b"else" | b"do"))
}

fn is_a_call_with_a_value(site: &Site<'_>) -> bool {
    is_a_call(site) && not_fixed(site)
}

/// Where the second argument begins, for an opening parenthesis right before `from`.
fn second_argument(site: &Site<'_>, from: usize) -> Option<usize> {
    let chunk = site.chunk;
    let index = chunk.structure.bracket_at(from.checked_sub(1)?)?;
    let arguments = inside(chunk, from - 1)?;
    let mut commas =
        arguments.iter().enumerate().filter(|(_, byte)| **byte == b',').map(|(offset, _)| from + offset);
    commas.find(|at| chunk.structure.enclosing(*at) == Some(index)).map(|at| at + 1)
}

fn copies_a_value(site: &Site<'_>) -> bool {
    is_a_call(site)
        && second_argument(site, site.end)
            .is_some_and(|at| !matches!(argument(site.chunk, at), Argument::Fixed(_)))
}

/// A format with only numbers in it has a bounded length, more or less; one with `%s` or a variable has not.
fn prints_a_string(site: &Site<'_>) -> bool {
    let Some(at) = second_argument(site, site.end).filter(|_| is_a_call(site)) else { return false };
    match argument(site.chunk, at) {
        Argument::Fixed(format) => format.contains("%s"),
        _ => true,
    }
}

/// Names in capitals are macros, usually literals.
fn format_is_a_variable(site: &Site<'_>) -> bool {
    let name = site.word.clone().and_then(|word| site.chunk.code.get(word)).unwrap_or_default();
    is_a_call(site) && name.iter().any(u8::is_ascii_lowercase)
}

fn overwrites_its_own_pointer(site: &Site<'_>) -> bool {
    let chunk = site.chunk;
    let name = site.word.clone().and_then(|word| chunk.code.get(word)).unwrap_or_default();
    let Some(arguments) = inside(chunk, site.end - 1) else { return false };
    arguments.split(|byte| *byte == b',').next().unwrap_or_default().trim_ascii() == name
}

/// None of the next lines names the pointer in a condition; the lines must be given.
fn not_checked(site: &Site<'_>) -> bool {
    let chunk = site.chunk;
    let name = site.word.clone().and_then(|word| chunk.code.get(word)).unwrap_or_default();
    let row = chunk.row(site.end.saturating_sub(1));
    if u32::try_from(row + 6).unwrap_or(u32::MAX) > chunk.line_count() {
        let function_ends = chunk.function_at(site.start).is_some_and(|function| function.end_line.is_some());
        if !function_ends {
            return false;
        }
    }
    let head = chunk.code.get(chunk.row_range(chunk.row(site.start))).unwrap_or_default();
    let next = chunk.code.get(site.end..chunk.row_range(row + 6).end.max(site.end)).unwrap_or_default();
    let condition = |line: &[u8]| {
        let asks = [&b"if"[..], b"assert", b"ASSERT", b"CHECK", b"while", b"?", b"return", b"die"];
        contains(line, name) && asks.iter().any(|word| contains(line, word))
    };
    !contains(head, b"if (")
        && !contains(head, b"while (")
        && !next.split(|byte| *byte == b'\n').any(condition)
}
