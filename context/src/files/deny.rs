//! Names that hold secrets, wherever they lie. The second line of defence: the first is that only files beneath a root are read.

use std::ffi::OsStr;
use std::path::{Component, Path};

use super::private_key::{holds_private_key, is_key_border};
use super::secret_names::file_name;
use crate::evidence::PRIVATE_KEY;

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
    (".composer", "auth.json"),
    (".codex", "auth.json"),
    (".streamlit", "secrets.toml"),
    (".kaggle", "kaggle.json"),
    (".gradle", "gradle.properties"),
    ("share", "keyrings"),
    ("library", "keychains"),
];

const VERSION_CONTROL: &[&str] = &[".git", ".hg", ".svn"];

/// Whether version control keeps an entry of this name for itself.
pub(crate) fn is_version_control(name: &OsStr) -> bool {
    VERSION_CONTROL.iter().any(|known| name.eq_ignore_ascii_case(known))
}

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

/// Why a file is refused for what it contains: a private key. A file that begins like one is refused whatever follows, and so are
/// certificates and key files that have the first line of a key anywhere.
pub(crate) fn by_content(path: &Path, content: &[u8]) -> Option<&'static str> {
    let text = content.strip_prefix(b"\xef\xbb\xbf").unwrap_or(content).trim_ascii_start();
    let first = text.split(|byte| *byte == b'\n').next().unwrap_or_default();
    let is_key = is_key_border(first)
        || is_armoured(path) && memchr::memmem::find(content, b"PRIVATE KEY-----").is_some();
    (is_key || holds_private_key(content)).then_some(PRIVATE_KEY)
}

/// Whether files of this name are written between lines of dashes.
fn is_armoured(path: &Path) -> bool {
    path.extension().and_then(OsStr::to_str).is_some_and(|extension| {
        ["pem", "key", "crt", "cer", "asc"].iter().any(|known| extension.eq_ignore_ascii_case(known))
    })
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
            "/p/terraform.tfstate",
            "/p/prod/TERRAFORM.tfstate.backup",
            "/p/terraform.tfstate.1700000000.backup",
            "/p/prod.tfvars",
            "/p/prod.auto.tfvars.json",
            "/p/kubeconfig",
            "/p/prod.kubeconfig",
            "/p/kubeconfig.yaml.bak",
            "/p/.dev.vars",
            "/p/.dev.vars.staging",
            "/p/.npmrc~",
            "/p/.pypirc.old",
            "/p/.credentials.json",
            "/p/.credentials.json.swp",
            "/p/.kubeconfig.swp",
            "/p/my-service-account.json",
            "/p/serviceAccountKey.json",
            "/p/shop-firebase-adminsdk-x1y2z-0a1b2c.json",
            "/p/client_secret_12-ab.apps.googleusercontent.com.json",
            "/p/server.pem.bak",
            "/p/server.pem.txt",
            "/p/server.key.bak",
            "/p/server.key.2",
            "/p/store.jks.orig",
            "/p/ssh_host_ed25519_key",
            "/p/AuthKey_AB12.p8",
            "/p/.streamlit/secrets.toml",
            "/p/local.settings.json",
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
            "/p/main.tf",
            "/p/example.tfvars",
            "/p/terraform.tfvars.example",
            "/p/tfstate.rs",
            "/p/.dev.vars.example",
            "/p/kubeconfig.go",
            "/p/service-account.example.json",
            "/p/service_account.py",
            "/p/server.pem",
            "/p/server.key",
            "/p/server.pem.pub",
            "/p/load.pem.ts",
            "/p/server.pem.example",
            "/p/ssh_host_rsa_key.pub",
            "/p/notes.bak",
            "/p/v1.2",
            "/p/~",
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
        assert_eq!(by_content(Path::new("server.txt"), bundle), None);
        assert_eq!(by_content(Path::new("server.pem"), b"-----BEGIN CERTIFICATE-----\nx\n"), None);
        let within = format!("{{\"k\": \"-----BEGIN PRIVATE KEY-----\\n{}\"}}", "Ab1+".repeat(16));
        assert!(by_content(Path::new("key.json"), within.as_bytes()).is_some());
    }
}
