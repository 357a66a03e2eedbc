//! Rules for JavaScript and TypeScript.

use exai_core::Severity;

use crate::argument::{Argument, argument, built, built_sql, contains, inside, not_fixed};
use crate::lexer::is_word;
use crate::rule::{Rule, Scope, Site, View};

pub(super) const RULES: &[Rule] = &[
    Rule::new("script-eval", Severity::Medium, r"(?:^|[^\w.$])((?:eval|new\s+Function)\s*\()")
        .guard(runs_a_value)
        .says(
            "Code made from text",
            "The text is run as code: whoever controls it controls the page or the process.",
            "Parse data with `JSON.parse`, or map names to functions.",
        ),
    Rule::new("script-inner-html", Severity::Medium, r"\.(?:innerHTML|outerHTML)\s*\+?=(?:[^=>]|$)")
        .guard(html_from_a_value)
        .says(
            "Markup set from a value",
            "A value that contains markup runs as script in the page (cross-site scripting).",
            "Use `textContent`, or sanitise the markup first.",
        ),
    Rule::new("script-dangerous-html", Severity::Medium, r"\bdangerouslySetInnerHTML\s*=")
        .guard(not_sanitised)
        .says(
            "dangerouslySetInnerHTML",
            "A value that contains markup runs as script in the page (cross-site scripting).",
            "Render the value as text, or sanitise the markup first.",
        ),
    Rule::new("script-document-write", Severity::Low, r"\bdocument\.write(?:ln)?\s*\(")
        .guard(not_fixed)
        .says(
            "document.write of a value",
            "It parses the value as markup, and replaces the page when it runs late.",
            "Create an element and set its `textContent`.",
        ),
    Rule::new("script-empty-catch", Severity::Medium, r"\bcatch\s*(?:\([^()]*\)\s*)?\{\s*\}")
        .scope(Scope::Production)
        .guard(without_comment)
        .says(
            "Empty catch",
            "Every error vanishes here, expected or not.",
            "Handle the expected error and pass the others on, or say why none matters.",
        ),
    Rule::new("script-exec", Severity::Medium, r"(?:^|[^\w.$]|\b(?:child_process|cp)\.)(exec(?:Sync)?\s*\()")
        .guard(shell_from_values)
        .says(
            "Shell command built from values",
            "Whatever the value contains is run by the shell: `;`, `$(…)` and quotes included.",
            "Use `execFile` or `spawn` with a list of arguments.",
        ),
    Rule::new(
        "script-sql",
        Severity::High,
        r"\.(?:query|execute|raw|\$queryRawUnsafe|\$executeRawUnsafe)\s*\(",
    )
    .guard(built_sql)
    .says(
        "SQL built from values",
        "A value that contains SQL changes the statement (SQL injection).",
        "Write placeholders into the statement and pass the values as parameters.",
    ),
    Rule::new("script-certificates", Severity::High, r"\brejectUnauthorized\s*:\s*false\b")
        .scope(Scope::Production)
        .says(
            "TLS certificates are not checked",
            "Anyone on the network path can read and change the traffic.",
            "Remove the option; pass a private authority as `ca` instead.",
        ),
    Rule::new("script-certificates-env", Severity::High, r#"\bNODE_TLS_REJECT_UNAUTHORIZED\s*=\s*["']?0\b"#)
        .view(View::Source)
        .scope(Scope::Production)
        .says(
            "TLS certificates are not checked",
            "The variable switches the check off for the whole process.",
            "Remove it; name a private authority in NODE_EXTRA_CA_CERTS instead.",
        ),
    Rule::new("script-async-foreach", Severity::Medium, r"\.forEach\s*\(\s*async\b").says(
        "forEach with an async callback",
        "forEach does not wait: the code after it runs first, and a rejection is unhandled.",
        "Use `for (const x of xs) await …`, or `await Promise.all(xs.map(…))`.",
    ),
    Rule::new(
        "script-random-secret",
        Severity::Medium,
        r"(?i)\b\w*(?:token|secret|password|nonce|sessionid|csrf)\w*\s*[:=][^;\n=]{0,120}\bMath\.random\s*\(",
    )
    .scope(Scope::Production)
    .says(
        "Secret from Math.random",
        "Its values can be predicted after a few have been seen.",
        "Use `crypto.randomUUID` or `crypto.getRandomValues`.",
    ),
    Rule::new("script-debugger", Severity::Low, r"^[ \t]*(debugger)[ \t]*;?[ \t]*$").says(
        "debugger statement",
        "Stops the program when developer tools are open.",
        "Remove it.",
    ),
    Rule::new("script-only", Severity::Medium, r"(?:^|[^\w.$])((?:describe|it|test)\.only\s*\()")
        .scope(Scope::Tests)
        .says(
            "Only this test runs",
            "`.only` switches every other test of the file off, so failures elsewhere go unseen.",
            "Remove `.only`.",
        ),
];

/// Rules for what only TypeScript has.
pub(super) const TYPED: &[Rule] = &[
    Rule::new(
        "typescript-any",
        Severity::Info,
        r"\bas\s+any\b|<any>\s*[\w(]|[\w)\]?]\s*:\s*any\b(?:\[\])*\s*[,;)={\n]",
    )
    .scope(Scope::Production)
    .says(
        "Type checking switched off with any",
        "Whatever passes through here is not checked, and spreads unchecked.",
        "Name the type, or use `unknown` and narrow it.",
    ),
    Rule::new("typescript-ignore", Severity::Low, r"@ts-(?:ignore|nocheck)\b").view(View::Comments).says(
        "Type error silenced",
        "The comment hides this error and every later one in the same place.",
        "Mend the type, or use `@ts-expect-error` with a reason.",
    ),
];

/// Some argument is more than literals; their contents are blank in the code.
fn runs_a_value(site: &Site<'_>) -> bool {
    let arguments = inside(site.chunk, site.end.saturating_sub(1)).unwrap_or_default();
    arguments.iter().any(|byte| is_word(*byte))
}

fn html_from_a_value(site: &Site<'_>) -> bool {
    // The pattern takes one byte past the `=`.
    let value = site
        .chunk
        .source
        .get(..site.end)
        .and_then(|head| memchr::memrchr(b'=', head))
        .map_or(site.end, |at| at + 1);
    !matches!(argument(site.chunk, value), Argument::Fixed(_)) && sanitised_nowhere(site, value)
}

fn not_sanitised(site: &Site<'_>) -> bool {
    sanitised_nowhere(site, site.end)
}

fn sanitised_nowhere(site: &Site<'_>, from: usize) -> bool {
    let code = site.chunk.code.get(from..(from + 200).min(site.chunk.code.len())).unwrap_or_default();
    let line = code.split(|byte| *byte == b'\n').next().unwrap_or_default().to_ascii_lowercase();
    ![&b"sanit"[..], b"purify", b"escape"].iter().any(|word| contains(&line, word))
}

fn without_comment(site: &Site<'_>) -> bool {
    site.chunk.comments.get(site.start..site.end).unwrap_or_default().trim_ascii().is_empty()
}

fn shell_from_values(site: &Site<'_>) -> bool {
    contains(&site.chunk.source, b"child_process") && built(site)
}
