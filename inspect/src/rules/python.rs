//! Rules for Python.

use exai_core::Severity;

use crate::argument::{Argument, argument, built_sql, callee, contains, inside, not_fixed, parentheses};
use crate::rule::{Rule, Scope, Site};

pub(super) const RULES: &[Rule] = &[
    Rule::new("python-eval", Severity::Medium, r"(?:^|[^\w.])((?:eval|exec)\s*\()").guard(evaluates).says(
        "eval or exec of a value",
        "The text is run as Python: whoever controls it controls the process.",
        "Parse it instead (`ast.literal_eval`, `json.loads`), or map names to functions.",
    ),
    Rule::new("python-shell", Severity::Medium, r"\bshell\s*=\s*True\b").guard(shell_command_not_fixed).says(
        "shell=True with a command that is not fixed",
        "Whatever the value contains is run by the shell: `;`, `$(…)` and quotes included.",
        "Pass the program and its arguments as a list, without `shell=True`.",
    ),
    Rule::new("python-os-system", Severity::Medium, r"\bos\.(?:system|popen)\s*\(").guard(not_fixed).says(
        "Shell command built at run time",
        "os.system and os.popen hand the text to the shell, with everything in it.",
        "Use `subprocess.run([...])` with a list.",
    ),
    Rule::new(
        "python-except-pass",
        Severity::Medium,
        r"^[ \t]*(except(?:\s+\(?(?:Base)?Exception\)?(?:\s+as\s+\w+)?)?\s*:\s*pass)\b",
    )
    .scope(Scope::Production)
    .guard(without_comment)
    .says(
        "Every exception is swallowed",
        "Defects such as a misspelt name vanish here together with the expected failure.",
        "Catch the exception that is expected, or log what was caught.",
    ),
    Rule::new("python-bare-except", Severity::Low, r"^[ \t]*(except\s*:)").guard(handles_silently).says(
        "Bare except",
        "It also catches KeyboardInterrupt and SystemExit, so the program may not stop when told to.",
        "Write `except Exception:` or name the exception.",
    ),
    Rule::new("python-mutable-default", Severity::Low, r"[\w\]]\s*(=\s*(?:\[|\{|(?:list|dict|set)\(\s*\)))")
        .guard(is_default_argument)
        .says(
            "Mutable default argument",
            "The default is made once: what one call puts in, the next call finds.",
            "Use `None` as the default and make the object inside the function.",
        ),
    Rule::new("python-pickle", Severity::Medium, r"\b(?:c?[pP]ickle|dill|cloudpickle)\.loads?\s*\(")
        .scope(Scope::Production)
        .says(
            "Unpickling",
            "Loading a pickle runs code that the pickle names: data from outside can take over the process.",
            "Use JSON or another plain format for data that others can write.",
        ),
    Rule::new("python-yaml", Severity::Medium, r"\byaml\.(?:load|load_all)\s*(\()")
        .guard(unsafe_loader)
        .says(
            "yaml.load without a safe loader",
            "The full loader builds arbitrary objects from tags in the document.",
            "Use `yaml.safe_load`.",
        ),
    Rule::new("python-verify", Severity::High, r"\bverify\s*=\s*False\b")
        .scope(Scope::Production)
        .guard(is_request)
        .says(
            "TLS certificates are not checked",
            "Anyone on the network path can read and change the traffic.",
            "Remove `verify=False`; pass the path of a private authority's certificate instead.",
        ),
    Rule::new(
        "python-timeout",
        Severity::Medium,
        r"\brequests\.(?:get|post|put|delete|patch|head|options|request)\s*(\()",
    )
    .scope(Scope::Production)
    .guard(waits_forever)
    .says(
        "Request without a timeout",
        "requests waits for ever by default: one silent server holds the thread.",
        "Pass `timeout=` with the seconds you can wait.",
    ),
    Rule::new("python-sql", Severity::High, r"\.(?:execute|executemany|executescript|raw)\s*\(")
        .guard(built_sql)
        .says(
            "SQL built from values",
            "A value that contains SQL changes the statement (SQL injection).",
            "Write placeholders into the statement and pass the values as parameters.",
        ),
    Rule::new("python-mktemp", Severity::Medium, r"\btempfile\.mktemp\s*\(").says(
        "tempfile.mktemp",
        "Another process can create the file between the naming and the opening.",
        "Use `tempfile.mkstemp` or `NamedTemporaryFile`.",
    ),
    Rule::new("python-assert-tuple", Severity::High, r"^[ \t]*(assert\s*\()").guard(asserts_a_tuple).says(
        "assert on a tuple is always true",
        "A tuple that is not empty is true, so the condition is never checked.",
        "Remove the parentheses: `assert condition, message`.",
    ),
    Rule::new("python-is-literal", Severity::Medium, r#"\bis\s+(?:not\s+)?(?:["']|\d)"#)
        .guard(compares_value)
        .says(
            "Identity comparison with a literal",
            "`is` compares objects, not values; whether it holds depends on the interpreter.",
            "Use `==` or `!=`.",
        ),
];

fn evaluates(site: &Site<'_>) -> bool {
    let head = site.chunk.code.get(site.start.saturating_sub(8)..site.start).unwrap_or_default();
    let empty = site.chunk.code.get(site.end..).unwrap_or_default().trim_ascii_start().starts_with(b")");
    !head.trim_ascii_end().ends_with(b"def") && !empty && not_fixed(site)
}

fn shell_command_not_fixed(site: &Site<'_>) -> bool {
    let Some((open, _)) = parentheses(site.chunk, site.start) else { return false };
    let called = callee(site.chunk, open);
    !called.is_empty()
        && !site.chunk.code.get(..open).is_some_and(|head| is_definition(head, called.len()))
        && !matches!(argument(site.chunk, open + 1), Argument::Fixed(_))
}

/// Whether the name of `length` bytes at the end of `head` is being defined.
fn is_definition(head: &[u8], length: usize) -> bool {
    head.get(..head.len().saturating_sub(length)).unwrap_or_default().trim_ascii_end().ends_with(b"def")
}

fn without_comment(site: &Site<'_>) -> bool {
    let rows = site.chunk.row(site.start)..=site.chunk.row(site.end.saturating_sub(1)) + 1;
    rows.into_iter().all(|row| {
        let comment = site.chunk.comments.get(site.chunk.row_range(row)).unwrap_or_default();
        comment.trim_ascii().is_empty()
    })
}

/// The handler neither raises again nor is it only `pass`, which has a rule of its own; its end must be given.
fn handles_silently(site: &Site<'_>) -> bool {
    let chunk = site.chunk;
    let row = chunk.row(site.start);
    let indent = |row: usize| {
        let code = chunk.code.get(chunk.row_range(row)).unwrap_or_default();
        code.iter().position(|byte| !byte.is_ascii_whitespace())
    };
    let Some(own) = indent(row) else { return false };
    let rest = chunk.code.get(site.end..).unwrap_or_default().trim_ascii_start();
    if rest.starts_with(b"pass") {
        return false;
    }
    let body = (row + 1..row + 40).take_while(|row| indent(*row).is_none_or(|depth| depth > own));
    let mut body = std::iter::once(row).chain(body);
    !body.any(|row| contains(chunk.code.get(chunk.row_range(row)).unwrap_or_default(), b"raise"))
}

fn is_default_argument(site: &Site<'_>) -> bool {
    let Some((open, _)) = parentheses(site.chunk, site.start) else { return false };
    let name = callee(site.chunk, open);
    !name.is_empty()
        && site.chunk.code.get(..open).is_some_and(|head| is_definition(head.trim_ascii_end(), name.len()))
}

fn unsafe_loader(site: &Site<'_>) -> bool {
    inside(site.chunk, site.start).is_some_and(|arguments| {
        !contains(arguments, b"Loader")
            || contains(arguments, b"UnsafeLoader")
            || contains(arguments, b"yaml.Loader")
    })
}

fn is_request(site: &Site<'_>) -> bool {
    let Some((open, _)) = parentheses(site.chunk, site.start) else { return false };
    let called = callee(site.chunk, open);
    [&b"requests."[..], b"httpx.", b"session.", b"client.", b"jwt."].iter().any(|name| contains(called, name))
}

fn waits_forever(site: &Site<'_>) -> bool {
    let imported = contains(&site.chunk.code, b"import requests");
    imported
        && inside(site.chunk, site.start)
            .is_some_and(|arguments| !contains(arguments, b"timeout") && !contains(arguments, b"**"))
}

/// The whole condition is in parentheses that hold a comma of their own.
fn asserts_a_tuple(site: &Site<'_>) -> bool {
    let chunk = site.chunk;
    let Some(index) = chunk.structure.bracket_at(site.end - 1) else { return false };
    let Some(close) = chunk.structure.close_of(index) else { return false };
    let after = chunk.code.get(close + 1..chunk.row_range(chunk.row(close)).end).unwrap_or_default();
    let commas = chunk.code.get(site.end..close.min(site.end + 2_000)).unwrap_or_default();
    let mut commas = commas.iter().enumerate().filter(|(_, byte)| **byte == b',');
    let generator = contains(chunk.code.get(site.end..close).unwrap_or_default(), b" for ");
    after.trim_ascii().is_empty()
        && !generator
        && commas.any(|(offset, _)| chunk.structure.enclosing(site.end + offset) == Some(index))
}

fn compares_value(site: &Site<'_>) -> bool {
    // In a `match` of prose inside code there is nothing before `is`; a comparison has a value there.
    let head =
        site.chunk.code.get(site.start.saturating_sub(80)..site.start).unwrap_or_default().trim_ascii_end();
    head.last().is_some_and(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b')' | b']'))
}
