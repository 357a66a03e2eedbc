//! Rules for Java.

use exai_core::Severity;

use crate::argument::{built_sql, contains, not_fixed};
use crate::rule::{Rule, Scope, Site, View};

pub(super) const RULES: &[Rule] = &[
    Rule::new("java-empty-catch", Severity::Medium, r"\bcatch\s*\([^()]*\)\s*\{\s*\}")
        .scope(Scope::Production)
        .guard(unexplained_catch)
        .says(
            "Empty catch",
            "Every exception of that type vanishes here, expected or not.",
            "Handle it, pass it on, or name it `ignored` and say why none matters.",
        ),
    Rule::new("java-print-stack-trace", Severity::Low, r"\.printStackTrace\(\s*\)").scope(Scope::Production).says(
        "printStackTrace",
        "The trace goes to standard error, past the log and its levels, and the program goes on.",
        "Log the exception, or pass it on.",
    ),
    Rule::new("java-exec", Severity::Medium, r"\bgetRuntime\(\)\s*\.\s*exec\s*\(").guard(not_fixed).says(
        "Command line built at run time",
        "The text is split at blanks: a value with a blank in it becomes other arguments.",
        "Use `ProcessBuilder` with a list of arguments.",
    ),
    Rule::new(
        "java-sql",
        Severity::High,
        r"\.(?:executeQuery|executeUpdate|execute|prepareStatement|createQuery|createNativeQuery|queryForObject|queryForList)\s*\(",
    )
    .guard(built_sql)
    .says(
        "SQL built from values",
        "A value that contains SQL changes the statement (SQL injection).",
        "Write `?` into the statement and set the values as parameters.",
    ),
    Rule::new("java-deserialise", Severity::Medium, r"\.readObject\s*\(\s*\)").guard(from_object_stream).says(
        "Java deserialisation",
        "Reading an object stream can run code of any class on the path: data from outside can take over the process.",
        "Use a plain format, or set an `ObjectInputFilter`.",
    ),
    Rule::new("java-weak-hash", Severity::Low, r#"\bMessageDigest\.getInstance\(\s*"(?:MD2|MD5|SHA-?1)""#)
        .view(View::Source)
        .scope(Scope::Production)
        .says(
            "Weak hash function",
            "Collisions are cheap to make; good enough against accidents, not against people.",
            "Use SHA-256, or a password hash for passwords.",
        ),
    Rule::new(
        "java-weak-cipher",
        Severity::Medium,
        r#"\bCipher\.getInstance\(\s*"(?:DES|DESede|RC2|RC4|ARCFOUR|Blowfish|AES/ECB)\b"#,
    )
    .view(View::Source)
    .says(
        "Weak cipher",
        "Old ciphers can be broken, and ECB shows equal blocks as equal.",
        "Use `AES/GCM/NoPadding` with a fresh nonce for every message.",
    ),
    Rule::new("java-trust-all", Severity::High, r"\bvoid\s+checkServerTrusted\s*\([^()]*\)[^{};]{0,120}\{\s*\}")
        .scope(Scope::Production)
        .says(
            "TLS certificates are not checked",
            "An empty check trusts every server: anyone on the network path can read and change the traffic.",
            "Use the default trust manager; add a private authority to a trust store instead.",
        ),
    Rule::new("java-hostname", Severity::High, r"\bNoopHostnameVerifier\b|\bALLOW_ALL_HOSTNAME_VERIFIER\b")
        .scope(Scope::Production)
        .guard(not_an_import)
        .says(
            "Host names are not checked",
            "A certificate for any other name is accepted: anyone who has one can pose as the server.",
            "Remove the verifier and use the default one.",
        ),
    Rule::new("java-string-identity", Severity::Medium, r#"[=!]=\s*"|"\s*[=!]=\s*[A-Za-z_]"#).says(
        "Strings compared with ==",
        "It compares references: two equal strings may differ.",
        "Use `equals`.",
    ),
];

fn unexplained_catch(site: &Site<'_>) -> bool {
    let comment = site.chunk.comments.get(site.start..site.end).unwrap_or_default();
    let code = site.chunk.code.get(site.start..site.end).unwrap_or_default();
    comment.trim_ascii().is_empty() && !contains(code, b" ignore") && !contains(code, b" expected")
}

fn from_object_stream(site: &Site<'_>) -> bool {
    contains(&site.chunk.code, b"new ObjectInputStream")
}

fn not_an_import(site: &Site<'_>) -> bool {
    let row = site.chunk.code.get(site.chunk.row_range(site.chunk.row(site.start))).unwrap_or_default();
    !row.trim_ascii_start().starts_with(b"import")
}
