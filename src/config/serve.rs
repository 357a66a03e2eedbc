//! The network door: where it listens, who may come in, for how long the end may take.

use std::{path::PathBuf, time::Duration};

use exai_core::{
    Principal,
    secret::{ExposeSecret as _, SecretString},
};
use exai_transports::http::{Allowed, Credential, Credentials, HttpSettings};
use serde::Deserialize;

use super::{
    keys::{self, Key},
    layers::Layers,
    limits::{number, seconds},
    problems::Problems,
};

/// The shortest key that is taken: a shorter one can be guessed.
const LEAST_KEY: usize = 16;

/// An entry of `[[clients]]`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    /// Whose threads and files these are.
    name: String,
    /// Name of the environment variable that holds the key.
    token_env: String,
}

/// Where and how the server listens.
#[derive(Debug, Clone)]
pub struct Serve {
    /// `HOST:PORT` or `unix:PATH`.
    pub listen: String,
    /// Whether a client that goes away has cancelled what it asked for.
    pub cancel_on_disconnect: bool,
    /// The certificate chain that is shown, in PEM.
    pub tls_cert: Option<PathBuf>,
    /// Its key, in PEM.
    pub tls_key: Option<PathBuf>,
    /// The key of the user of this machine, for those who come in as well as for those who check.
    pub token: Option<SecretString>,
    /// Of the door.
    pub http: HttpSettings,
}

/// Reads it. What is wrong is reported; a key that cannot be used lets nobody in.
pub(super) fn read(layers: &Layers, call: Duration, problems: &mut Problems) -> Serve {
    let sessions = number(layers, &keys::SERVE_SESSIONS, 0, 1_000_000, problems);
    let usual = HttpSettings::default();
    // A call without progress is silent for all of its time, and its session must outlast it.
    let session_idle = usual.session_idle.max(call + Duration::from_secs(300));
    Serve {
        listen: layers.look_up(&keys::SERVE_LISTEN).value,
        cancel_on_disconnect: cancel_on_disconnect(layers, problems),
        tls_cert: file(layers, &keys::SERVE_TLS_CERT),
        tls_key: file(layers, &keys::SERVE_TLS_KEY),
        token: token(layers),
        http: HttpSettings {
            allowed: Allowed::new(list(layers, &keys::SERVE_HOSTS), list(layers, &keys::SERVE_ORIGINS)),
            credentials: credentials(layers, problems),
            session_idle,
            call_limit: call,
            max_sessions: (sessions, number(layers, &keys::SERVE_CLIENT_SESSIONS, 1, 1_000_000, problems)),
            calls_a_second: (
                number(layers, &keys::SERVE_RATE, 0, 1_000_000, problems),
                number(layers, &keys::SERVE_CLIENT_RATE, 0, 1_000_000, problems),
            ),
            drain: Duration::min(
                seconds(layers, &keys::SERVE_DRAIN_SECONDS, problems),
                Duration::from_secs(3_600),
            ),
            ..usual
        },
    }
}

fn list(layers: &Layers, key: &Key) -> Vec<String> {
    let text = layers.look_up(key).value;
    text.split(',').map(str::trim).filter(|word| !word.is_empty()).map(str::to_owned).collect()
}

impl Serve {
    /// Where clients of this configuration find the server.
    #[must_use]
    pub fn url(&self) -> String {
        let scheme = if self.tls_cert.is_some() { "wss" } else { "ws" };
        if self.listen.starts_with("unix:") {
            self.listen.clone()
        } else {
            format!("{scheme}://{}", self.listen)
        }
    }
}

fn cancel_on_disconnect(layers: &Layers, problems: &mut Problems) -> bool {
    match layers.look_up(&keys::SERVE_ON_DISCONNECT).value.as_str() {
        "finish" => false,
        "cancel" => true,
        other => {
            problems.error(format!(
                "serve.on_disconnect: `{other}` is neither finish nor cancel; finish is used"
            ));
            false
        }
    }
}

fn file(layers: &Layers, key: &Key) -> Option<PathBuf> {
    let path = layers.look_up(key).value;
    (!path.is_empty()).then(|| PathBuf::from(path))
}

fn token(layers: &Layers) -> Option<SecretString> {
    let token = layers.look_up(&keys::SERVE_TOKEN).value.trim().to_owned();
    (!token.is_empty()).then(|| SecretString::from(token))
}

fn credentials(layers: &Layers, problems: &mut Problems) -> Credentials {
    let mut all = Vec::new();
    if let Some(token) = token(layers) {
        all.push(credential("serve.token (EXAI_TOKEN)", token.expose_secret(), Principal::local(), problems));
    }
    for (index, table) in layers.tables("clients").into_iter().enumerate() {
        let place = format!("clients, entry {}", index + 1);
        match table.clone().try_into::<Entry>() {
            Ok(entry) if entry.name.trim().is_empty() => problems.error(format!("{place}: name is empty")),
            Ok(entry) => match layers.secret_variable(&entry.token_env) {
                Some(key) => {
                    let owner = Principal::new("local", entry.name.trim());
                    all.push(credential(&format!("{place}: {}", entry.token_env), &key, owner, problems));
                }
                None => problems.error(format!("{place}: {} is not set", entry.token_env)),
            },
            Err(error) => {
                problems.error(format!("{}: {place}: {}", layers.user_file().display(), error.message()));
            }
        }
    }
    Credentials::new(all)
}

/// One that is too short is replaced by one that nobody knows: a door that was meant to be locked must not stand open.
fn credential(place: &str, key: &str, who: Principal, problems: &mut Problems) -> Credential {
    let key = exai_core::secret::SecretString::from(key.trim().to_owned());
    if key.expose_secret().len() >= LEAST_KEY {
        return Credential::new(key.expose_secret(), who);
    }
    problems.error(format!("{place}: a key has at least {LEAST_KEY} characters; this one lets nobody in"));
    Credential::lost(who)
}
