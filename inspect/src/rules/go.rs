//! Rules for Go.

use exai_core::Severity;

use crate::argument::{Argument, argument, contains, sprintf_sql};
use crate::language::Language;
use crate::rule::{Rule, Scope, Site, View};

pub(super) const RULES: &[Rule] = &[
    Rule::new("go-ignored-error", Severity::Low, r"^[ \t]*(_\s*=\s*([A-Za-z_][\w.]*)\()")
        .scope(Scope::Production)
        .guard(may_return_an_error)
        .says(
            "Result assigned to _",
            "If the call fails nobody learns of it: neither the caller nor the log.",
            "Return or log the error, or say in a comment why it does not matter.",
        ),
    Rule::new("go-ignored-second", Severity::Low, r"^[ \t]*(?:if\s+)?(\w+\s*,\s*_\s*:?=\s*([A-Za-z_][\w.]*)\()")
        .scope(Scope::Production)
        .guard(may_return_an_error)
        .says(
            "Second result ignored",
            "When it is an error, the first result is used although the call failed.",
            "Name the second result and check it.",
        ),
    Rule::new("go-panic", Severity::Low, r"(?:^|[^\w.])(panic\()").scope(Scope::Production).guard(not_a_must).says(
        "panic outside main",
        "Ends the whole process unless a caller recovers.",
        "Return an error, unless this state is a defect of the program itself.",
    ),
    Rule::new(
        "go-shell",
        Severity::Medium,
        r#"\bexec\.Command(?:Context)?\(\s*(?:\w+\s*,\s*)?"(?:/bin/)?(?:ba|z|da)?sh"\s*,\s*"-l?c"\s*,"#,
    )
    .view(View::Source)
    .guard(script_is_not_fixed)
    .says(
        "Shell command built at run time",
        "Whatever the value contains is run by the shell: `;`, `$(…)` and quotes included.",
        "Start the program itself with `exec.Command(program, args...)`, or pass the value as `$1`.",
    ),
    Rule::new("go-certificates", Severity::High, r"\bInsecureSkipVerify\s*[:=]\s*true\b").scope(Scope::Production).says(
        "TLS certificates are not checked",
        "Anyone on the network path can read and change the traffic.",
        "Remove the field; add a private authority to `RootCAs` instead.",
    ),
    Rule::new("go-defer-in-loop", Severity::Medium, r"^[ \t]*(defer)\b").scope(Scope::Production).guard(runs_in_a_loop).says(
        "defer inside a loop",
        "Nothing is released until the function returns: files and locks pile up with every turn.",
        "Move the body of the loop into a function, or release at its end.",
    ),
    Rule::new(
        "go-sql",
        Severity::High,
        r"\.(?:Query|QueryRow|Exec|Prepare|Raw)(?:Context)?\(\s*(?:[A-Za-z_][\w.()]*\s*,\s*)?(?:fmt\.Sprintf\()?",
    )
    .guard(sql_from_values)
    .says(
        "SQL built from values",
        "A value that contains SQL changes the statement (SQL injection).",
        "Write placeholders into the statement and pass the values as arguments.",
    ),
    Rule::new("go-http-timeout", Severity::Low, r"\bhttp\.(?:Get|Post|PostForm|Head)\(").scope(Scope::Production).says(
        "Request without a timeout",
        "The default client waits for ever: one silent server holds the goroutine.",
        "Use an `http.Client` with `Timeout`, or a request with a context.",
    ),
];

/// Calls whose ignored result is known not to be an error, or whose error custom ignores.
const HARMLESS: &[&str] = &[
    "copy",
    "len",
    "append",
    "cap",
    "strings.Cut",
    "bytes.Cut",
    "strings.CutPrefix",
    "strings.CutSuffix",
    "runtime.Caller",
    "os.LookupEnv",
    "context.WithCancel",
    "context.WithTimeout",
    "debug.ReadBuildInfo",
    "utf8.DecodeRuneInString",
    "utf8.DecodeRune",
    "utf8.DecodeLastRuneInString",
    "filepath.Split",
    "path.Split",
];
const HARMLESS_METHODS: &[&str] = &[
    ".Close",
    ".Load",
    ".LoadOrStore",
    ".LoadAndDelete",
    ".Deadline",
    ".Get",
    ".Lookup",
    ".FieldByName",
    ".WriteString",
];

fn may_return_an_error(site: &Site<'_>) -> bool {
    let name = site.word.clone().and_then(|word| site.chunk.text.get(word)).unwrap_or_default();
    let row = site.chunk.row_range(site.chunk.row(site.start));
    let explained = !site.chunk.comments.get(row).unwrap_or_default().trim_ascii().is_empty();
    // `x.(T)` is a type assertion; a name in capitals without a package may be a conversion, which has one result.
    !explained
        && !name.ends_with('.')
        && !name.starts_with("fmt.")
        && !HARMLESS.contains(&name)
        && !HARMLESS_METHODS.iter().any(|method| name.ends_with(method))
}

/// In `main`, in `init` and in functions named Must a panic is custom.
fn not_a_must(site: &Site<'_>) -> bool {
    let chunk = site.chunk;
    let in_main = contains(&chunk.code, b"package main");
    let Some(function) = chunk.function_at(site.start) else { return false };
    let name = function.name.to_ascii_lowercase();
    !in_main && !name.starts_with("must") && name != "init"
}

fn script_is_not_fixed(site: &Site<'_>) -> bool {
    !matches!(argument(site.chunk, site.end), Argument::Fixed(_))
}

fn runs_in_a_loop(site: &Site<'_>) -> bool {
    for (index, bracket) in site.chunk.structure.ancestors(site.start).take(50) {
        if bracket.byte != b'{' {
            return false;
        }
        let header = site.chunk.structure.header(Language::Go, index);
        let text = header.text.trim_ascii();
        let line = text.rsplit(|byte| *byte == b'\n').next().unwrap_or_default().trim_ascii();
        if contains(line, b"func") {
            return false;
        }
        if line == b"for" || line.starts_with(b"for ") {
            return true;
        }
    }
    false
}

fn sql_from_values(site: &Site<'_>) -> bool {
    let call = site.chunk.code.get(site.start..site.end).unwrap_or_default();
    if contains(call, b"Sprintf") { sprintf_sql(site) } else { crate::argument::built_sql(site) }
}
