//! Names of files that hold secrets, in small letters.

const CREDENTIAL_FILES: &str = ".netrc _netrc .npmrc _npmrc .yarnrc.yml .pypirc .pgpass .my.cnf .mylogin.cnf .msmtprc .fetchmailrc .ftpconfig .ftppass \
    sftp-config.json .passwd-s3fs .databrickscfg .dockerconfigjson .vault_pass .vault-pass .vault_password vault_pass.txt \
    vault_password.txt .git-credentials .htpasswd .dockercfg .boto .s3cfg .terraformrc .vault-token .credentials \
    .credentials.json credentials credentials.csv credentials.ini credentials.xml credentials.json credentials.toml \
    credentials.yml credentials.yaml credentials.tfrc.json application_default_credentials.json rclone.conf master.key \
    terraform.rc local.settings.json kubeconfig kubeconfig.json kubeconfig.yaml kubeconfig.yml client_secret.json \
    client_secrets.json";

/// What stands in the names of files with the key of a service account, whose rest is the project's or the key's own name.
const ACCOUNT_WORDS: &str =
    "service-account service_account serviceaccount firebase-adminsdk client_secret_ gcp-key";

/// Extensions of files in which tools keep values that they were given, secret ones too.
const STATE_EXTENSIONS: &[&str] = &["tfstate", "tfvars", "kubeconfig"];

const KEY_EXTENSIONS: &str =
    "p12 pfx pkcs12 jks jceks bks keystore keytab kdb kdbx ppk pvk p8 agekey keychain keychain-db";

const KEY_STEMS: &[&str] = &["id_rsa", "id_dsa", "id_ecdsa", "id_ed25519"];

const SAMPLES: &[&str] = &["example", "sample", "template", "dist"];

/// What programs and people add to the name of a copy. Numbers count as well.
const COPIES: &str = "bak backup old orig original save saved copy prev tmp swp swo";

/// Whether a name is one of those in a list, which are apart by blanks.
fn has(names: &str, name: &str) -> bool {
    names.split(' ').any(|known| known == name)
}

/// Why a file is refused for its name in small letters, if it is.
pub(super) fn file_name(name: &str) -> Option<&'static str> {
    if is_env(name) {
        return Some("an environment file usually holds secrets; a copy named .env.example may be given");
    }
    // A copy of a secret is one. Editors put a dot in front of their own.
    let original = original_of(name);
    let hidden = original.strip_prefix('.').filter(|_| original.len() < name.len());
    [Some(name), Some(original), hidden].into_iter().flatten().find_map(secret_name).or_else(|| {
        let is_key_copy = original.len() < name.len() && extension(original) == Some("key");
        is_key_copy.then_some(KEY_FILE)
    })
}

const KEY_FILE: &str = "a private key or key store";

fn secret_name(name: &str) -> Option<&'static str> {
    if has(CREDENTIAL_FILES, name) || is_account(name) {
        return Some("a file of credentials");
    }
    if is_state(name) {
        return Some("its tool keeps secret values in it");
    }
    let public = name.ends_with(".pub");
    let key_stem = KEY_STEMS.iter().any(|stem| {
        name.strip_prefix(stem)
            .is_some_and(|rest| !rest.starts_with(|next: char| next.is_ascii_alphanumeric()))
    });
    let host_key = name.starts_with("ssh_host_") && name.ends_with("_key");
    let key_extension = extension(name).is_some_and(|extension| has(KEY_EXTENSIONS, extension));
    let is_other = public || is_source(name) || is_sample(name);
    (key_extension || host_key || (key_stem || is_kept_pem(name)) && !is_other).then_some(KEY_FILE)
}

/// The name without what was added for a copy: `terraform.tfstate.1700000000.backup`, `store.p12~`.
fn original_of(mut name: &str) -> &str {
    loop {
        let shorter = name.strip_suffix('~').or_else(|| {
            let (stem, last) = name.rsplit_once('.')?;
            let is_number = !last.is_empty() && last.bytes().all(|byte| byte.is_ascii_digit());
            (is_number || has(COPIES, last)).then_some(stem)
        });
        match shorter.filter(|shorter| !shorter.is_empty()) {
            Some(shorter) => name = shorter,
            None => return name,
        }
    }
}

fn is_sample(name: &str) -> bool {
    name.split('.').any(|part| SAMPLES.contains(&part))
}

/// `server.pem.txt`: whoever renames such a file keeps something in it. A plain `.pem` is mostly a certificate, and its text decides.
fn is_kept_pem(name: &str) -> bool {
    name.rsplit_once('.').is_some_and(|(stem, _)| stem.ends_with(".pem"))
}

/// `my-service-account.json`, also with the name of its project or key.
fn is_account(name: &str) -> bool {
    extension(name) == Some("json")
        && !is_sample(name)
        && ACCOUNT_WORDS.split(' ').any(|word| name.contains(word))
}

/// `terraform.tfstate`, `prod.tfvars`, `prod.tfvars.json`, `.dev.vars`, `.dev.vars.staging`.
fn is_state(name: &str) -> bool {
    let bare = name.strip_suffix(".json").unwrap_or(name);
    let is_vars = name == ".dev.vars" || name.starts_with(".dev.vars.");
    (is_vars || extension(bare).is_some_and(|extension| STATE_EXTENSIONS.contains(&extension)))
        && !is_sample(name)
}

/// `.env`, `.env.local`, `.envrc`, `prod.env`; but not the samples that projects commit.
fn is_env(name: &str) -> bool {
    if extension(name).is_some_and(|last| SAMPLES.contains(&last)) {
        return false;
    }
    if let Some(stem) = name.strip_suffix(".env") {
        return !SAMPLES.contains(&stem.trim_start_matches('.'));
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
