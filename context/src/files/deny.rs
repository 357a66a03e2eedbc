//! Names that hold secrets, wherever they lie. The second line of defence: the first is that only files beneath a root are read.

use std::ffi::OsStr;
use std::path::{Component, Path};

/// Folders that programs keep keys and tokens in.
const KEY_FOLDERS: &[&str] = &[
    ".ssh",
    ".gnupg",
    ".aws",
    ".azure",
    ".kube",
    ".password-store",
    ".oci",
    ".gcloud",
    ".vault",
    ".keychain",
];

/// The same, where the folder's name alone says too little.
const KEY_PLACES: &[(&str, &str)] = &[
    (".docker", "config.json"),
    (".config", "gcloud"),
    (".config", "gh"),
    (".config", "hub"),
    (".config", "op"),
    (".local", "keyrings"),
    (".cargo", "credentials"),
    (".cargo", "credentials.toml"),
    (".gem", "credentials"),
    (".m2", "settings.xml"),
    (".gradle", "gradle.properties"),
    ("share", "keyrings"),
    ("library", "keychains"),
];

const VERSION_CONTROL: &[&str] = &[".git", ".hg", ".svn"];

/// Whether version control keeps an entry of this name for itself.
pub(crate) fn is_version_control(name: &OsStr) -> bool {
    VERSION_CONTROL.iter().any(|known| name.eq_ignore_ascii_case(known))
}

const CREDENTIAL_FILES: &[&str] = &[
    ".netrc",
    "_netrc",
    ".npmrc",
    ".yarnrc.yml",
    ".pypirc",
    ".pgpass",
    ".my.cnf",
    ".git-credentials",
    ".htpasswd",
    ".dockercfg",
    ".boto",
    ".s3cfg",
    ".terraformrc",
    ".vault-token",
    ".credentials",
    "credentials",
    "credentials.json",
    "credentials.toml",
    "credentials.yml",
    "credentials.yaml",
    "credentials.tfrc.json",
    "application_default_credentials.json",
    "rclone.conf",
    "master.key",
];

const KEY_EXTENSIONS: &[&str] = &["p12", "pfx", "jks", "keystore", "kdbx", "ppk", "keychain", "keychain-db"];

const KEY_STEMS: &[&str] = &["id_rsa", "id_dsa", "id_ecdsa", "id_ed25519"];

const ENV_SAMPLES: &[&str] = &["example", "sample", "template", "dist"];

/// Why a canonical path is refused for its name, if it is. The names of files do not condemn a folder: a virtual environment
/// may well be called `.env`.
pub(crate) fn by_name(path: &Path, is_folder: bool) -> Option<&'static str> {
    let mut parent = String::new();
    let mut parts = path.components().peekable();
    while let Some(part) = parts.next() {
        let Component::Normal(name) = part else { continue };
        // Case is folded because some file systems fold it.
        let name = name.to_string_lossy().to_ascii_lowercase();
        if VERSION_CONTROL.contains(&name.as_str()) {
            return Some("internals of version control");
        }
        if KEY_FOLDERS.contains(&name.as_str()) || KEY_PLACES.contains(&(parent.as_str(), name.as_str())) {
            return Some("a place where keys are kept");
        }
        if parts.peek().is_none() && !is_folder {
            return file_name(&name);
        }
        parent = name;
    }
    None
}

fn file_name(name: &str) -> Option<&'static str> {
    if is_env(name) {
        return Some("an environment file usually holds secrets; a copy named .env.example may be given");
    }
    if CREDENTIAL_FILES.contains(&name) {
        return Some("a file of credentials");
    }
    let public = name.ends_with(".pub");
    let key_stem = KEY_STEMS.iter().any(|stem| {
        name.strip_prefix(stem)
            .is_some_and(|rest| !rest.starts_with(|next: char| next.is_ascii_alphanumeric()))
    });
    let key_extension = extension(name).is_some_and(|extension| KEY_EXTENSIONS.contains(&extension));
    if key_extension || (key_stem && !public && !is_source(name)) {
        Some("a private key or key store")
    } else {
        None
    }
}

/// `.env`, `.env.local`, `.envrc`, `prod.env`; but not the samples that projects commit.
fn is_env(name: &str) -> bool {
    if extension(name).is_some_and(|last| ENV_SAMPLES.contains(&last)) {
        return false;
    }
    if let Some(stem) = name.strip_suffix(".env") {
        return !ENV_SAMPLES.contains(&stem.trim_start_matches('.'));
    }
    name.starts_with(".env")
}

/// A program about keys (`id_rsa.rs`, `id_rsa_test.go`) is not a key.
fn is_source(name: &str) -> bool {
    extension(name)
        .is_some_and(|extension| ["rs", "go", "py", "js", "ts", "c", "h", "java", "md"].contains(&extension))
}

fn extension(name: &str) -> Option<&str> {
    name.rsplit_once('.').map(|(_, extension)| extension)
}

/// Why a file is refused for what it contains: it is a private key in one of the armoured forms. A program that merely
/// mentions such a key is not refused; certificates and key files are searched as a whole.
pub(crate) fn by_content(path: &Path, content: &[u8]) -> Option<&'static str> {
    const REASON: &str = "a private key";
    let text = content.strip_prefix(b"\xef\xbb\xbf").unwrap_or(content).trim_ascii_start();
    let first = text.split(|byte| *byte == b'\n').next().unwrap_or_default();
    if first.starts_with(b"-----BEGIN ") && memchr::memmem::find(first, b"PRIVATE KEY").is_some() {
        return Some(REASON);
    }
    let armoured = path.extension().and_then(OsStr::to_str).is_some_and(|extension| {
        ["pem", "key", "crt", "cer", "asc"].iter().any(|known| extension.eq_ignore_ascii_case(known))
    });
    (armoured && memchr::memmem::find(content, b"PRIVATE KEY-----").is_some()).then_some(REASON)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_hold_secrets_are_refused() {
        for path in [
            "/p/.ssh/config",
            "/p/.SSH/known_hosts",
            "/p/.aws/credentials",
            "/p/.docker/config.json",
            "/p/.config/gcloud/x",
            "/p/.git/config",
            "/p/.git",
            "/p/.env",
            "/p/.env.local",
            "/p/.envrc",
            "/p/prod.env",
            "/p/id_rsa",
            "/p/id_rsa.bak",
            "/p/id_ed25519",
            "/p/store.p12",
            "/p/a.PFX",
            "/p/release.keystore",
            "/p/.netrc",
            "/p/.npmrc",
            "/p/.pypirc",
            "/p/credentials.json",
            "/p/.password-store/bank.gpg",
            "/p/.kube/config",
            "/p/.gnupg",
        ] {
            assert!(by_name(Path::new(path), false).is_some(), "{path}");
        }
    }

    #[test]
    fn ordinary_names_pass() {
        for path in [
            "/p/src/env.rs",
            "/p/.env.example",
            "/p/.env.sample",
            "/p/.env.template",
            "/p/example.env",
            "/p/.gitignore",
            "/p/.github/workflows/ci.yml",
            "/p/id_rsa.pub",
            "/p/id_rsa_test.go",
            "/p/src/credentials.rs",
            "/p/keys.rs",
            "/p/docker/config.json",
            "/p/environment.md",
            "/p/id_rsa1_notes.txt",
            "/p/.config/app.toml",
        ] {
            assert_eq!(by_name(Path::new(path), false), None, "{path}");
        }
        assert_eq!(by_name(Path::new("/p/.env"), true), None);
        assert!(by_name(Path::new("/p/.ssh"), true).is_some());
    }

    #[test]
    fn a_private_key_is_known_by_content() {
        let key = b"-----BEGIN OPENSSH PRIVATE KEY-----\nabc\n";
        assert!(by_content(Path::new("notes.txt"), key).is_some());
        assert!(by_content(Path::new("x"), b"\n\n-----BEGIN PGP PRIVATE KEY BLOCK-----\n").is_some());
        let bundle = b"-----BEGIN CERTIFICATE-----\nx\n-----BEGIN RSA PRIVATE KEY-----\n";
        assert!(by_content(Path::new("server.pem"), bundle).is_some());
        assert_eq!(by_content(Path::new("server.pem"), b"-----BEGIN CERTIFICATE-----\nx\n"), None);
        assert_eq!(
            by_content(Path::new("parse.rs"), b"const A: &str = \"-----BEGIN RSA PRIVATE KEY-----\";"),
            None
        );
    }
}
