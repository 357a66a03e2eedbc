//! Finds secrets that look committed, and keeps their values out of every quote.

use std::ops::Range;
use std::sync::LazyLock;

use exai_core::Severity;
use regex::bytes::Regex;

use super::chunk::Chunk;
use super::functions::{merge, regex};
use super::language::Language;
use super::lexer::Class;
use super::report::{Hit, Report};
use super::source::Source;

/// A kind of credential with a recognisable form; group 1 is the secret.
struct Kind {
    id: &'static str,
    severity: Severity,
    pattern: &'static str,
    title: &'static str,
}

/// The forms are documented by the vendors, mostly on their pages about secret scanning.
const KINDS: &[Kind] = &[
    Kind {
        id: "secret-private-key",
        severity: Severity::Critical,
        pattern: r"-----BEGIN (?:[A-Z0-9]+ ){0,3}PRIVATE KEY(?: BLOCK)?-----((?:[A-Za-z0-9+/=:,.\s-]|\\[nr]|[\x22'+*#|>]){40,})",
        title: "Private key in the file",
    },
    Kind {
        id: "secret-aws-key",
        severity: Severity::High,
        pattern: r"\b((?:AKIA|ASIA)[A-Z2-7]{16})\b",
        title: "AWS access key ID in the file",
    },
    Kind {
        id: "secret-github-token",
        severity: Severity::Critical,
        pattern: r"\b(gh[pousr]_[A-Za-z0-9]{36,255}|github_pat_[A-Za-z0-9_]{60,255})\b",
        title: "GitHub token in the file",
    },
    Kind {
        id: "secret-gitlab-token",
        severity: Severity::High,
        pattern: r"\b(glpat-[A-Za-z0-9_-]{20,120})",
        title: "GitLab token in the file",
    },
    Kind {
        id: "secret-slack-token",
        severity: Severity::High,
        pattern: r"\b(xox[abeprs]-[A-Za-z0-9-]{20,250}|hooks\.slack\.com/services/T\w{6,12}/B\w{6,12}/\w{20,30})",
        title: "Slack credential in the file",
    },
    Kind {
        id: "secret-google-key",
        severity: Severity::High,
        pattern: r"\b(AIza[0-9A-Za-z_-]{35})",
        title: "Google API key in the file",
    },
    Kind {
        id: "secret-stripe-key",
        severity: Severity::Critical,
        pattern: r"\b((?:sk|rk)_live_[0-9A-Za-z]{16,250})",
        title: "Stripe live key in the file",
    },
    Kind {
        id: "secret-npm-token",
        severity: Severity::High,
        pattern: r"\b(npm_[A-Za-z0-9]{36})\b",
        title: "npm token in the file",
    },
    Kind {
        id: "secret-model-key",
        severity: Severity::High,
        pattern: r"\b((?:sk-(?:ant-|proj-|svcacct-|or-v1-)?|xai-|gsk_|hf_)[A-Za-z0-9_-]{20,250})",
        title: "Model provider key in the file",
    },
    Kind {
        id: "secret-url-password",
        severity: Severity::High,
        pattern: r#"\b[a-z][a-z0-9+.-]{1,20}://[^\s:/@"'<>]{1,80}:([^\s:/@"'<>{}$]{8,120})@[A-Za-z0-9]"#,
        title: "Password in a URL",
    },
];

/// A secret that was found.
struct Secret {
    rule: &'static str,
    severity: Severity,
    title: &'static str,
    /// Where the finding is.
    at: usize,
    /// What quotes must not show.
    value: Range<usize>,
}

/// Name, sign and quoted value in a program.
const IN_CODE: &str = concat!(
    r"(?i)(?:password|passwd|secret|token|api_?key|access_?key|auth_?key|private_?key|secret_?key)",
    r#"["']?\s*(?::\s*[&'\w\[\]<>|. ]{1,30}=|:=|=>|[:=])\s*(?:[A-Za-z]{1,2})?["'`]([^"'`\s\\]{8,200})["'`]"#
);

/// Name, sign and value in a settings file.
const IN_SETTINGS: &str = concat!(
    r"(?i)^[ \t]*(?:[#;][ \t]*)?(?:export\s+|-\s+)?[\x22']?[\w.-]*(?:password|passwd|secret|token|api[_-]?key|access[_-]?key|auth[_-]?key|",
    r#"private[_-]?key|secret[_-]?key)["']?\s*[:=]\s*["']?([^\s"'#,]{8,200})"#
);

static COMPILED: LazyLock<Vec<(&'static Kind, Regex)>> =
    LazyLock::new(|| KINDS.iter().filter_map(|kind| Some((kind, regex(kind.pattern)?))).collect());
static CODE: LazyLock<Option<Regex>> = LazyLock::new(|| regex(IN_CODE));
static SETTINGS: LazyLock<Option<Regex>> = LazyLock::new(|| regex(IN_SETTINGS));

const DETAIL: &str =
    "Whoever can read the repository or its history can use it. The value is masked in the quote.";
const FIX: &str = "Revoke it at its issuer, read it from the environment or a secret store, and remove it from the history.";

/// Matches of one kind in one chunk that are looked at.
const MATCHES_PER_KIND: usize = 1_000;

/// Looks for secrets and records where they stand, so that no quote of the chunk shows them.
pub(super) fn find(source: &Source<'_>, chunk: &mut Chunk, report: &mut Report) {
    let mut found: Vec<Secret> = Vec::new();
    let mut hidden: Vec<Range<usize>> = Vec::new();
    for (kind, regex) in COMPILED.iter() {
        for captures in regex.captures_iter(chunk.text.as_bytes()).take(MATCHES_PER_KIND) {
            let (Some(whole), Some(secret)) = (captures.get(0), captures.get(1)) else { continue };
            let is_key = kind.id == "secret-private-key";
            let meant =
                if is_key { is_key_material(secret.as_bytes()) } else { looks_random(secret.as_bytes()) };
            let in_value = !chunk.language.is_code() || chunk.class(secret.start()) != Class::Code;
            if meant {
                hidden.push(secret.range());
            }
            if meant && in_value && !(kind.id == "secret-url-password" && is_local(chunk, secret.end())) {
                let at = if is_key { whole.start() } else { secret.start() };
                found.push(Secret {
                    rule: kind.id,
                    severity: kind.severity,
                    title: kind.title,
                    at,
                    value: secret.range(),
                });
            }
        }
    }
    let apart = |range: &Range<usize>, known: &[Secret]| {
        known.iter().all(|known| range.end <= known.value.start || known.value.end <= range.start)
    };
    let assigned = assigned(chunk);
    let named = assigned.iter().filter(|(range, meant)| *meant && !source.test && apart(range, &found));
    let named: Vec<Secret> = named
        .map(|(value, _)| Secret {
            rule: "secret-assigned",
            severity: Severity::High,
            title: "Secret assigned in the file",
            at: value.start,
            value: value.clone(),
        })
        .collect();
    found.extend(named);
    // What is not reported, such as a password in a comment or a test, is not shown either.
    hidden.extend(assigned.into_iter().map(|(range, _)| range));
    chunk.secrets = merge(hidden);
    for Secret { rule, severity, title, at, .. } in found {
        // Credentials in tests are mostly made up; they are worth a look, not an alarm.
        let severity = if source.test || chunk.is_test(at) { severity.max(Severity::Low) } else { severity };
        report.add(
            &source.file.path,
            Hit {
                rule,
                severity,
                line: chunk.line(at),
                end_line: None,
                quote: quote(chunk, chunk.row(at)),
                title: title.to_owned(),
                detail: DETAIL.to_owned(),
                fix: FIX.to_owned(),
            },
        );
    }
}

/// Values that look like secrets by their names, and whether each is worth a finding.
fn assigned(chunk: &Chunk) -> Vec<(Range<usize>, bool)> {
    let settings = !chunk.language.is_code();
    let Some(regex) = (if settings { SETTINGS.as_ref() } else { CODE.as_ref() }) else { return Vec::new() };
    let captures = regex.captures_iter(chunk.text.as_bytes()).take(MATCHES_PER_KIND);
    let values = captures.filter_map(|captures| captures.get(1));
    let values =
        values.filter(|value| looks_random(value.as_bytes()) && !looks_like_a_name(value.as_bytes()));
    let judged = values.map(|value| {
        let before = chunk.class(value.start().saturating_sub(1));
        let meant = match chunk.language {
            Language::Other => false,
            _ if settings => before != Class::Comment && ends_line(chunk, value.end()),
            // A literal of its own, not a line of prose inside a longer one.
            _ => before == Class::Quote && !chunk.is_test(value.start()),
        };
        (value.range(), meant)
    });
    judged.collect()
}

/// Whether nothing follows but what a settings file may have after a value.
fn ends_line(chunk: &Chunk, at: usize) -> bool {
    let end = chunk.row_range(chunk.row(at)).end.max(at);
    let rest = chunk.text.as_bytes().get(at..end).unwrap_or_default();
    let rest = rest.strip_prefix(b"\"").or_else(|| rest.strip_prefix(b"'")).unwrap_or(rest).trim_ascii();
    rest.is_empty() || rest == b"," || rest.starts_with(b"#") || rest.starts_with(b"//")
}

/// Words that give a placeholder away.
const PLACEHOLDERS: &[&str] = &[
    "example",
    "changeme",
    "change-me",
    "change_me",
    "your",
    "xxx",
    "placeholder",
    "dummy",
    "fake",
    "sample",
    "redacted",
    "insert",
    "replace",
    "todo",
    "test",
    "demo",
    "12345",
    "abcde",
    "...",
    "***",
    "${",
    "{{",
    "$(",
    "%(",
    "%s",
    "<",
    "://",
    "process.env",
    "os.environ",
    "getenv",
    "secrets.",
    "vault:",
    "!ref",
];

/// Bits per character below which a value is no machine-made secret.
const LOW_ENTROPY: f64 = 3.0;

/// Whether the value has letters, digits and variety, and is no placeholder.
fn looks_random(value: &[u8]) -> bool {
    let lower = String::from_utf8_lossy(value).to_ascii_lowercase();
    value.iter().any(u8::is_ascii_digit)
        && value.iter().any(u8::is_ascii_alphabetic)
        && !value.starts_with(b"$")
        && !value.starts_with(b"/")
        && !PLACEHOLDERS.iter().any(|word| lower.contains(word))
        && entropy(value) >= LOW_ENTROPY
}

/// Names and versions: lower-case words with short numbers between separators, such as `token-v2` or `auth.key.1`.
fn looks_like_a_name(value: &[u8]) -> bool {
    if value.iter().any(|byte| matches!(byte, b'(' | b'[' | b'{' | b' ')) {
        return true;
    }
    value.split(|byte| matches!(byte, b'-' | b'_' | b'.' | b':' | b'/')).all(|part| {
        let letters = part.iter().take_while(|byte| byte.is_ascii_alphabetic()).count();
        let digits = part.len() - letters;
        part.iter().skip(letters).all(u8::is_ascii_digit) && digits <= 2
    })
}

/// Shannon entropy in bits per byte.
fn entropy(value: &[u8]) -> f64 {
    let mut counts = [0_u32; 256];
    for byte in value {
        if let Some(count) = counts.get_mut(usize::from(*byte)) {
            *count += 1;
        }
    }
    let total = f64::from(u32::try_from(value.len()).unwrap_or(u32::MAX));
    let share = counts.iter().filter(|count| **count > 0).map(|count| f64::from(*count) / total);
    -share.map(|share| share * share.log2()).sum::<f64>()
}

/// Whether what follows the header is a key rather than prose or code about keys.
fn is_key_material(body: &[u8]) -> bool {
    let letters: Vec<u8> = body.iter().copied().filter(u8::is_ascii_alphanumeric).take(64).collect();
    letters.len() >= 40 && letters.iter().any(u8::is_ascii_digit) && entropy(&letters) > LOW_ENTROPY
}

fn is_local(chunk: &Chunk, at: usize) -> bool {
    let host = chunk.text.as_bytes().get(at + 1..).unwrap_or_default();
    [&b"localhost"[..], b"127.", b"0.0.0.0", b"db:", b"db/", b"host", b"example"]
        .iter()
        .any(|name| host.starts_with(name))
}

/// Longest quote, in characters.
const QUOTE: usize = 240;

/// The line unchanged, cut when it is very long. Secrets in it show a few characters and then `****`.
pub(super) fn quote(chunk: &Chunk, row: usize) -> String {
    let line = chunk.row_range(row);
    let mut quote = String::new();
    let mut at = line.start;
    let first = chunk.secrets.partition_point(|secret| secret.end <= line.start);
    let secrets = chunk.secrets.get(first..).unwrap_or_default();
    for secret in secrets.iter().take_while(|secret| secret.start < line.end) {
        let from = secret.start.max(at);
        quote.push_str(chunk.text.get(at..from).unwrap_or_default());
        if from == secret.start {
            let shown = if secret.len() >= 16 { 4 } else { 2 };
            quote.extend(chunk.text.get(secret.clone()).unwrap_or_default().chars().take(shown));
        }
        quote.push_str("****");
        at = secret.end.min(line.end);
    }
    quote.push_str(chunk.text.get(at..line.end).unwrap_or_default());
    quote.chars().take(QUOTE).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_pattern_compiles() {
        assert_eq!(COMPILED.len(), KINDS.len());
        assert!(CODE.is_some() && SETTINGS.is_some());
    }

    #[test]
    fn names_and_placeholders_are_not_secrets() {
        for value in
            ["access_token_v2", "your-key-7h3k9", "${TOKEN_1A2B}", "aaaaaaaa1111", "/etc/keys/k3y9x2"]
        {
            let value = value.as_bytes();
            assert!(!looks_random(value) || looks_like_a_name(value), "{}", String::from_utf8_lossy(value));
        }
        assert!(looks_random(b"Tr0ub4dor&3") && !looks_like_a_name(b"Tr0ub4dor&3"));
    }
}
