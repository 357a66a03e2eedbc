//! Rules for Rust.

use exai_core::Severity;

use crate::argument::{Argument, argument};
use crate::chunk::Chunk;
use crate::rule::{Rule, Scope, Site, View};

pub(super) const RULES: &[Rule] = &[
    Rule::new("rust-unwrap", Severity::Low, r"\.unwrap\(\s*\)").scope(Scope::Production).guard(not_a_lock).says(
        "unwrap() outside tests",
        "A None or Err here stops the thread with a panic instead of reaching the caller.",
        "Return the error with `?`, or handle the other case.",
    ),
    Rule::new("rust-expect", Severity::Info, r#"\.expect\(\s*""#).view(View::Source).scope(Scope::Production).says(
        "expect() outside tests",
        "A panic when the stated expectation does not hold; fine for true invariants, wrong for input.",
        "Return an error unless the message names an invariant of this code.",
    ),
    Rule::new("rust-unsafe", Severity::Medium, r"\bunsafe\s*(?:\{|impl\b)").guard(without_safety_comment).says(
        "unsafe without a SAFETY comment",
        "Nobody can check that the conditions of this block hold, because they are not written down.",
        "Add a `// SAFETY:` comment that says why each condition holds.",
    ),
    Rule::new("rust-transmute", Severity::Medium, r"\btransmute\s*(?:::\s*<[^;{}]{0,200}>)?\s*\(")
        .guard(without_safety_comment)
        .says(
            "transmute",
            "Reinterprets the bytes without any check: a wrong size, layout or lifetime is undefined behaviour.",
            "Use a safe conversion (`from_ne_bytes`, `cast`, `to_bits`), or state in a SAFETY comment why it holds.",
        ),
    Rule::new("rust-static-mut", Severity::Medium, r"\bstatic\s+mut\s+\w").guard(without_safety_comment).says(
        "static mut",
        "Every access is a potential data race; references to it are undefined behaviour as soon as two exist.",
        "Use an atomic, a Mutex, or OnceLock.",
    ),
    Rule::new("rust-panic", Severity::Low, r"\bpanic!\s*[\(\{\[]").scope(Scope::Production).says(
        "panic! outside tests",
        "Stops the thread; a caller cannot handle it.",
        "Return an error, unless this state is a defect of the program itself.",
    ),
    Rule::new("rust-unfinished", Severity::Medium, r"\b(?:todo|unimplemented)!\s*[\(\{\[]")
        .scope(Scope::Production)
        .says(
            "Unfinished code that panics",
            "The macro stands in for code that was not written: reaching it stops the thread.",
            "Write the missing code, or return an error that says it is not supported.",
        ),
    Rule::new(
        "rust-dropped-result",
        Severity::Low,
        r"\blet\s+_\s*=\s*[^;{}]{0,300}?(?:\.await|\.write_all\([^;{}]{0,200}\)|\.flush\(\)|\bfs::\w+\([^;{}]{0,200}\))\s*;",
    )
    .scope(Scope::Production)
    .guard(unexplained)
    .says(
        "Result dropped with `let _ =`",
        "If this fails nobody learns of it: neither the caller nor the log.",
        "Use `?`, log the error, or say in a comment why failure does not matter.",
    ),
    Rule::new("rust-certificates", Severity::High, r"\bdanger_accept_invalid_(?:certs|hostnames)\s*\(\s*true\b")
        .scope(Scope::Production)
        .says(
            "TLS certificates are not checked",
            "Anyone on the network path can read and change the traffic.",
            "Remove the call; trust a private authority with `add_root_certificate` instead.",
        ),
    Rule::new(
        "rust-shell",
        Severity::Medium,
        r#"\bCommand::new\(\s*"(?:/bin/)?(?:ba|z|da)?sh"\s*\)\s*\.args?\(\s*(?:&?\s*\[\s*)?"-l?c"(?:\s*,|\s*\)\s*\.arg\()"#,
    )
    .view(View::Source)
    .guard(script_is_not_fixed)
    .says(
        "Shell command built at run time",
        "Whatever the value contains is run by the shell: `;`, `$(…)` and quotes included.",
        "Start the program itself with `Command::new(program).args(…)`, or pass the value as `$1`.",
    ),
    Rule::new(
        "rust-sql",
        Severity::High,
        r"\b(?:query|query_as|query_scalar|execute|raw_sql|prepare)\s*(?:::\s*<[^;{}]{0,120}>)?\s*\(\s*&?\s*format!\s*\(",
    )
    .guard(formatted_sql)
    .says(
        "SQL built with format!",
        "A value that contains SQL changes the statement (SQL injection).",
        "Write placeholders into the statement and bind the values.",
    ),
];

/// `lock().unwrap()` passes on a panic of another thread; that is the custom, not a defect.
fn not_a_lock(site: &Site<'_>) -> bool {
    let before =
        site.chunk.code.get(site.start.saturating_sub(40)..site.start).unwrap_or_default().trim_ascii_end();
    ![&b".lock()"[..], b".read()", b".write()", b".join()", b"_lock()"]
        .iter()
        .any(|call| before.ends_with(call))
}

fn comment_says(chunk: &Chunk, row: usize, word: &[u8]) -> bool {
    let comment = chunk.comments.get(chunk.row_range(row)).unwrap_or_default();
    comment.windows(word.len()).any(|part| part.eq_ignore_ascii_case(word))
}

/// No comment says SAFETY on the line, on the next one or in the comments right above; an excerpt that begins here proves nothing.
fn without_safety_comment(site: &Site<'_>) -> bool {
    let chunk = site.chunk;
    let row = chunk.row(site.start);
    if comment_says(chunk, row, b"safety") || comment_says(chunk, row + 1, b"safety") {
        return false;
    }
    let mut code_lines = 0;
    for above in (row.saturating_sub(40)..row).rev() {
        if comment_says(chunk, above, b"safety") {
            return false;
        }
        let code = chunk.code.get(chunk.row_range(above)).unwrap_or_default().trim_ascii();
        let comment = chunk.comments.get(chunk.row_range(above)).unwrap_or_default().trim_ascii();
        let passes = code.starts_with(b"#[") || (code.is_empty() && !comment.is_empty());
        // The statement, or an unsafe item that shares the comment, may have begun a little above.
        let continues =
            !code.is_empty() && !code.ends_with(b";") && !code.ends_with(b"}") && !code.ends_with(b"{");
        code_lines += usize::from(!passes);
        if !passes && (!continues || code_lines > 3) && !code.starts_with(b"unsafe impl") {
            return true;
        }
    }
    !(chunk.partial && row < 3)
}

fn unexplained(site: &Site<'_>) -> bool {
    let row = site.chunk.row(site.start);
    let end = site.chunk.row(site.end.saturating_sub(1));
    let rows = row.saturating_sub(1)..=end;
    let comment = |row: usize| site.chunk.comments.get(site.chunk.row_range(row)).unwrap_or_default();
    rows.into_iter().all(|row| comment(row).trim_ascii().is_empty()) && !(site.chunk.partial && row == 0)
}

fn script_is_not_fixed(site: &Site<'_>) -> bool {
    let chunk = site.chunk;
    let after = chunk.source.get(site.end..(site.end + 200).min(chunk.source.len())).unwrap_or_default();
    let borrow = after.iter().take_while(|byte| byte.is_ascii_whitespace() || **byte == b'&').count();
    argument(chunk, site.end + borrow) == Argument::Value
}

fn formatted_sql(site: &Site<'_>) -> bool {
    match argument(site.chunk, site.end) {
        Argument::Fixed(text) => {
            let values = text.replace("{{", "").split('{').skip(1).any(|field| {
                let name = field.split(['}', ':']).next().unwrap_or(field);
                name.is_empty() || name.chars().any(|c| c.is_ascii_lowercase())
            });
            crate::argument::is_sql(&text) && values
        }
        _ => false,
    }
}
