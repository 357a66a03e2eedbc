//! Private keys within any text: armoured ones, also as the strings of a program or of JSON, and those of a few programs that have a form
//! of their own.
//!
//! A text that only mentions how such keys begin is none. A dummy key of a test looks like any other and counts as one.

use memchr::memmem::{Finder, find_iter};

/// The fewest signs in one piece that are the text of a key and no word. The shortest lines of armoured keys have 64.
const LEAST_RUN: usize = 32;
/// The most bytes between `BEGIN` and `PRIVATE KEY`.
const LONGEST_KIND: usize = 40;
/// The most lines such as `Proc-Type: 4,ENCRYPTED` between the first line of a key and its text.
const MAX_HEADERS: usize = 10;
/// The fewest signs of the private part of a JSON web key: 32 bytes.
const LEAST_JSON_KEY: usize = 43;
/// How many bytes tell whether a key begins at a place. Whoever searches a text in pieces lets them overlap by as much.
pub(crate) const OVERLAP: usize = 4096;

/// Whether a private key stands in a text, with at least the beginning of its secret part.
pub(crate) fn holds_private_key(text: &[u8]) -> bool {
    is_armoured(text) || is_putty(text) || is_age(text) || is_wireguard(text) || is_json_web_key(text)
}

/// Whether a whole line is the first or the last one of an armoured private key.
pub(crate) fn is_key_border(line: &[u8]) -> bool {
    let line = line.trim_ascii_start();
    let begins = [&b"-----BEGIN "[..], b"-----END ", b"---- BEGIN ", b"---- END "];
    begins.iter().any(|begin| line.starts_with(begin)) && Finder::new("PRIVATE KEY").find(line).is_some()
}

/// `-----BEGIN RSA PRIVATE KEY-----` and its kind, with the text of a key behind it.
fn is_armoured(text: &[u8]) -> bool {
    const NAME: &[u8] = b"PRIVATE KEY";
    find_iter(text, NAME).any(|at| {
        let before = text.get(at.saturating_sub(LONGEST_KIND)..at).unwrap_or_default();
        let after = text.get(at + NAME.len()..).unwrap_or_default();
        let after = after.strip_prefix(b" BLOCK").unwrap_or(after);
        let after = after.strip_prefix(b" ").unwrap_or(after);
        begins(before) && after.strip_prefix(b"----").is_some_and(has_key_text)
    })
}

/// Whether `-----BEGIN ` and the kind of the key end here.
fn begins(before: &[u8]) -> bool {
    let Some(at) = memchr::memmem::rfind(before, b"BEGIN ") else { return false };
    let kind = before.get(at + 6..).unwrap_or_default();
    let dashes = before.get(..at).unwrap_or_default().trim_ascii_end();
    dashes.ends_with(b"----")
        && kind.iter().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit() || *byte == b' ')
}

/// Whether the text of a key follows: behind the ends of lines as they are or as programs write them, quotes, signs of comments, and
/// headers.
fn has_key_text(mut text: &[u8]) -> bool {
    text = text.get(..OVERLAP).unwrap_or(text);
    let mut headers = 0;
    loop {
        text = after_separators(text);
        let end = text.iter().position(|byte| !is_base64(*byte)).unwrap_or(text.len());
        let run = text.get(..end).unwrap_or_default();
        // A name of a program may be as long, but hardly a whole line of a key without a digit.
        if run.len() >= LEAST_RUN && run.iter().any(|byte| byte.is_ascii_digit() || *byte == b'+') {
            return true;
        }
        match after_header(text).filter(|_| headers < MAX_HEADERS) {
            Some(rest) => (text, headers) = (rest, headers + 1),
            None => return false,
        }
    }
}

fn is_base64(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'=')
}

/// Drops what stands between the lines of a key: `-----\n" +` and the like.
fn after_separators(mut text: &[u8]) -> &[u8] {
    loop {
        let start = text;
        for escape in [&b"\\r"[..], b"\\n", b"\\\n", b"\\"] {
            text = text.strip_prefix(escape).unwrap_or(text);
        }
        let is_separator = |byte: &u8| byte.is_ascii_whitespace() || b"-\"'`+,.;|#*>&(){}[]<".contains(byte);
        text = match text.split_first() {
            // A plus sign may also be the first one of the key.
            Some((first, rest))
                if is_separator(first) && !text.iter().take(LEAST_RUN).all(|byte| is_base64(*byte)) =>
            {
                rest
            }
            _ => text,
        };
        if text.len() == start.len() {
            return text;
        }
    }
}

/// Drops a line such as `DEK-Info: AES-128-CBC,0A1B`, which may end as programs write the end of a line.
fn after_header(text: &[u8]) -> Option<&[u8]> {
    let name = text.iter().take_while(|byte| byte.is_ascii_alphanumeric() || **byte == b'-').count();
    if name == 0 || text.get(name) != Some(&b':') {
        return None;
    }
    let rest = text.get(name..)?;
    let end = rest.windows(2).position(|pair| pair.starts_with(b"\n") || pair == b"\\n")?;
    let width = if rest.get(end) == Some(&b'\n') { 1 } else { 2 };
    rest.get(end + width..)
}

/// A key of PuTTY.
fn is_putty(text: &[u8]) -> bool {
    let begin = memchr::memmem::find(text, b"PuTTY-User-Key-File-");
    begin
        .and_then(|at| text.get(at..))
        .is_some_and(|key| memchr::memmem::find(key, b"Private-Lines:").is_some())
}

/// A key of age: Bech32 in capitals.
fn is_age(text: &[u8]) -> bool {
    const PREFIX: &[u8] = b"AGE-SECRET-KEY-1";
    let is_sign = |byte: &&u8| byte.is_ascii_uppercase() || byte.is_ascii_digit();
    let rest = |at: usize| text.get(at + PREFIX.len()..).unwrap_or_default();
    find_iter(text, PREFIX).any(|at| rest(at).iter().take_while(is_sign).count() >= 58)
}

/// A key of WireGuard: 32 bytes in base64, in a setting of its own.
fn is_wireguard(text: &[u8]) -> bool {
    const NAME: &[u8] = b"PrivateKey";
    find_iter(text, NAME).any(|at| {
        let rest = text.get(at + NAME.len()..).unwrap_or_default().trim_ascii_start();
        let value = rest.strip_prefix(b"=").unwrap_or_default().trim_ascii_start();
        let run = value.iter().take_while(|byte| is_base64(**byte)).count();
        run == 44 && value.get(43) == Some(&b'=')
    })
}

/// A JSON web key with its private part (RFC 7517, RFC 7518).
fn is_json_web_key(text: &[u8]) -> bool {
    const PRIVATE: &[u8] = b"\"d\"";
    if memchr::memmem::find(text, b"\"kty\"").is_none() {
        return false;
    }
    find_iter(text, PRIVATE).any(|at| {
        let rest = text.get(at + PRIVATE.len()..).unwrap_or_default().trim_ascii_start();
        let rest = rest.strip_prefix(b":").unwrap_or_default().trim_ascii_start();
        let value = rest.strip_prefix(b"\"").unwrap_or_default();
        let is_sign = |byte: &&u8| byte.is_ascii_alphanumeric() || matches!(**byte, b'-' | b'_');
        value.iter().take_while(is_sign).count() >= LEAST_JSON_KEY
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The text of no key: a counter.
    const RUN: &str = "AAAABBBBCCCCDDDDEEEEFFFFGGGGHHHH22223333444455556666777788889999";

    fn key(kind: &str) -> String {
        format!("-----BEGIN {kind}PRIVATE KEY-----")
    }

    #[test]
    fn keys_are_found_in_any_text() {
        for text in [
            format!("notes\n\n    {}\n    {RUN}\n", key("")),
            format!("{}\r\n{RUN}\r\n", key("RSA ")),
            format!("{}\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,0A1B\n\n{RUN}\n", key("EC ")),
            format!("{{\"private_key\": \"{}\\n{RUN}\\n\"}}", key("")),
            format!(
                "{{\"k\": \"{}\\nProc-Type: 4,ENCRYPTED\\nDEK-Info: AES-128-CBC,0A1B\\n\\n{RUN}\\n\"}}",
                key("RSA ")
            ),
            format!("'{}\\r\\nProc-Type: 4,ENCRYPTED\\r\\n\\r\\n{RUN}\\r\\n'", key("EC ")),
            format!("k = '-----BEGIN PGP PRIVATE KEY BLOCK-----\\nVersion: x\\n\\n{RUN}\\n'"),
            format!("const K: &str = \"{}\\n\\\n    {RUN}\\n\\\n", key("OPENSSH ")),
            format!("k = \"{}\\n\" +\n    \"{RUN}\\n\" +\n", key("RSA ")),
            format!("KEY='{}\n+{}\n'", key("ENCRYPTED "), &RUN[1..]),
            format!("# {}\n# {RUN}\n", key("DSA ")),
            format!("-----BEGIN PGP PRIVATE KEY BLOCK-----\nVersion: GnuPG v2\nComment: x\n\n{RUN}\n"),
            format!("---- BEGIN SSH2 ENCRYPTED PRIVATE KEY ----\nComment: \"x\"\n{RUN}\n"),
            format!("PuTTY-User-Key-File-3: ssh-rsa\nComment: x\nPrivate-Lines: 1\n{RUN}\n"),
            format!("# public key: age1x\nAGE-SECRET-KEY-1{}\n", &RUN[..58]),
            format!("[Interface]\nPrivateKey = {}=\n", &RUN[..43]),
            format!("{{\"kty\": \"EC\", \"d\" : \"{}\"}}", &RUN[..43]),
        ] {
            assert!(holds_private_key(text.as_bytes()), "{text}");
        }
    }

    #[test]
    fn what_mentions_a_key_is_none() {
        for text in [
            "const A: &str = \"-----BEGIN RSA PRIVATE KEY-----\";\nAbstractAuthenticationProcessingFilterFactory factory;\n".to_owned(),
            "if text.startswith('-----BEGIN PRIVATE KEY-----') or text.startswith('x'): pass\n".to_owned(),
            "-----BEGIN PRIVATE KEY-----\n...\n-----END PRIVATE KEY-----\n".to_owned(),
            "-----BEGIN PRIVATE KEY----- is how a key begins, and programs look for these words in files.\n".to_owned(),
            format!("-----BEGIN PUBLIC KEY-----\n{RUN}\n-----BEGIN CERTIFICATE-----\n{RUN}\n"),
            format!("PRIVATE KEY----\n{RUN}\n"),
            "AGE-SECRET-KEY-1\nPrivateKey = <yours>\nPuTTY-User-Key-File-3\n".to_owned(),
            format!("{{\"kty\": \"EC\", \"x\": \"{RUN}\", \"d\": \"...\"}}"),
            format!("{{\"d\": \"{RUN}\"}}"),
        ] {
            assert!(!holds_private_key(text.as_bytes()), "{text}");
        }
    }

    /// A text made to be slow to search is not.
    #[test]
    fn many_beginnings_are_searched_quickly() {
        let text = "-----BEGIN PRIVATE KEY-----\nA: b\n".repeat(100_000);
        assert!(!holds_private_key(text.as_bytes()));
    }
}
