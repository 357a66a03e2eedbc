//! The network server: where it listens, who may come in, for how long the end may take.

use std::{collections::BTreeMap, net::SocketAddr, path::PathBuf, sync::Arc, time::Duration};

use exai_core::{
    Principal,
    secret::{ExposeSecret as _, SecretString},
};
use exai_server::{
    Allowed, Credential, Credentials, LocalRates, RateLimits, ServerSettings, SessionLimits, check_key,
};
use exai_transports::http::McpSettings;
use serde::Deserialize;

use super::{
    key::Key,
    keys,
    layers::Layers,
    limits::{number, seconds},
    meant_keys, paths,
    place::Places,
    problems::Problems,
};

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
    /// Who may come in, in words, one for each key.
    pub clients: Vec<String>,
    /// Why the server must not listen: a key was meant to be needed, and is missing or was not understood.
    pub shut: Vec<String>,
    /// The keys of those who may come in; shared with the server's settings.
    pub keys: Credentials,
    /// Who may come in, and what callers may take.
    pub server: ServerSettings,
    /// How MCP behaves there.
    pub mcp: McpSettings,
}

/// Reads it. `unread` is what the user's files have that could not be read: a key may have been among it.
pub(super) fn read(
    layers: &Layers,
    places: &Places,
    (call, unread): (Duration, Vec<String>),
    problems: &mut Problems,
) -> Serve {
    let Keys { credentials, clients, wrong } = Keys::read(layers);
    let (listen, unusable) = listen(layers, problems);
    wrong.iter().for_each(|text| problems.error(text.clone()));
    let signs = if credentials.is_empty() && wrong.is_empty() {
        meant_keys::signs(layers, places)
    } else {
        ["serve", "client"].into_iter().flat_map(|beginning| layers.misspelled(beginning)).collect()
    };
    for sign in &signs {
        // Names that are no settings were told of when the file was read.
        if !problems.warnings().contains(sign) {
            problems.warn(sign.clone());
        }
    }
    if credentials.is_empty() && unusable.is_none() && is_open(&listen) {
        problems.warn(format!(
            "{} = {listen}: other machines reach it and no key is needed, so serve will not start; set EXAI_TOKEN (at least 16 \
             characters), or listen on 127.0.0.1",
            keys::SERVE_LISTEN.path
        ));
    }
    let sessions = number(layers, &keys::SERVE_SESSIONS, 0, 1_000_000, problems);
    let megabytes: usize = number(layers, &keys::SERVE_MESSAGE_MEGABYTES, 1, 8, problems);
    // A call without progress is silent for all of its time, and its session must outlast it.
    let session_idle = McpSettings::default().session_idle.max(call + Duration::from_secs(300));
    let keys = Credentials::new(credentials);
    Serve {
        listen,
        keys: keys.clone(),
        cancel_on_disconnect: cancel_on_disconnect(layers, problems),
        tls_cert: file(layers, &keys::SERVE_TLS_CERT, problems),
        tls_key: file(layers, &keys::SERVE_TLS_KEY, problems),
        token: token(layers),
        clients,
        shut: unread.into_iter().chain(signs).chain(wrong).chain(unusable).collect(),
        server: ServerSettings {
            allowed: Allowed::new(list(layers, &keys::SERVE_HOSTS), list(layers, &keys::SERVE_ORIGINS)),
            authenticator: Arc::new(keys.clone()),
            rate: Arc::new(LocalRates::new(RateLimits {
                all: number(layers, &keys::SERVE_RATE, 0, 1_000_000, problems),
                each: number(layers, &keys::SERVE_CLIENT_RATE, 0, 1_000_000, problems),
            })),
            max_body_bytes: megabytes * 1024 * 1024,
            drain: Duration::min(
                seconds(layers, &keys::SERVE_DRAIN_SECONDS, problems),
                Duration::from_secs(3_600),
            ),
            ..ServerSettings::default()
        },
        mcp: McpSettings {
            sessions: SessionLimits {
                all: sessions,
                each: number(layers, &keys::SERVE_CLIENT_SESSIONS, 1, 1_000_000, problems),
            },
            session_idle,
            call_limit: call,
        },
    }
}

/// Where to listen; the path of a socket is expanded as any other. One that cannot be expanded is returned as the reason not to listen
/// at all: another place might let in more than was meant.
fn listen(layers: &Layers, problems: &mut Problems) -> (String, Option<String>) {
    let found = layers.look_up(&keys::SERVE_LISTEN);
    let told = |problem: &str| format!("{} (from {}): {problem}", keys::SERVE_LISTEN.path, found.origin);
    match with_socket_path(layers, &found.value) {
        Ok(Some(socket)) => return (socket, None),
        Ok(None) => {}
        Err(problem) => {
            problems.error(told(&problem));
            return (found.value.clone(), Some(told(&problem)));
        }
    }
    let port = found.value.rsplit_once(':').map(|(host, port)| (host, port.parse::<u16>()));
    if !matches!(port, Some((host, Ok(_))) if !host.is_empty()) {
        let value = super::clip(&found.value);
        problems.error(told(&format!("`{value}` is no address to listen on; write HOST:PORT or unix:PATH")));
    }
    (found.value, None)
}

/// `unix:PATH` with the path that is meant; `None` for another kind of address.
pub(super) fn with_socket_path(layers: &Layers, address: &str) -> Result<Option<String>, String> {
    let Some(path) = address.trim().strip_prefix("unix:") else { return Ok(None) };
    paths::expanded(layers, path).map(|path| Some(format!("unix:{}", path.display())))
}

/// Whether other machines reach an address. Of names nothing is known before they are looked up.
fn is_open(listen: &str) -> bool {
    listen.parse::<SocketAddr>().is_ok_and(|address| !exai_server::is_loopback(&address))
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

/// A file of a setting. One that is not there, or cannot be understood, stays set: without its certificate a server must not start.
fn file(layers: &Layers, key: &Key, problems: &mut Problems) -> Option<PathBuf> {
    let written = layers.look_up(key).value;
    if written.is_empty() {
        return None;
    }
    let Some(path) = paths::path_of(layers, key, problems) else { return Some(PathBuf::from(written)) };
    if !path.is_file() {
        problems.error(format!("{}: there is no file {}", key.path, path.display()));
    }
    Some(path)
}

fn token(layers: &Layers) -> Option<SecretString> {
    let token = layers.look_up(&keys::SERVE_TOKEN).value.trim().to_owned();
    (!token.is_empty()).then(|| SecretString::from(token))
}

/// The keys that are configured, and what is wrong with them.
#[derive(Default)]
struct Keys {
    credentials: Vec<Credential>,
    clients: Vec<String>,
    wrong: Vec<String>,
}

impl Keys {
    fn read(layers: &Layers) -> Self {
        let mut keys = Self::default();
        let mut used = BTreeMap::new();
        if let Some(token) = token(layers) {
            let place = "serve.token (EXAI_TOKEN)".to_owned();
            let who = Principal { key_id: Some("serve.token".into()), ..Principal::local() };
            keys.add(place, token.expose_secret(), who, &mut used);
        } else if let Some(place) = layers.left_empty(&keys::SERVE_TOKEN) {
            keys.wrong.push(format!("{place}: the key is empty; set it, or remove the name"));
        }
        match layers.only_tables("clients") {
            Ok(tables) => {
                for (index, table) in tables.into_iter().enumerate() {
                    keys.add_client(layers, &format!("clients, entry {}", index + 1), table, &mut used);
                }
            }
            Err(wrong) => keys.wrong.push(wrong),
        }
        keys
    }

    fn add_client(
        &mut self,
        layers: &Layers,
        place: &str,
        table: &toml::Table,
        used: &mut BTreeMap<String, String>,
    ) {
        match table.clone().try_into::<Entry>() {
            Ok(entry) if entry.name.trim().is_empty() => self.wrong.push(format!("{place}: name is empty")),
            Ok(entry) => match layers.secret_variable(&entry.token_env) {
                Some(key) => {
                    let name = entry.name.trim();
                    let owner = Principal { key_id: Some(name.into()), ..Principal::new("local", name) };
                    self.add(format!("{place}: {}", entry.token_env), &key, owner, used);
                }
                None => self.wrong.push(format!("{place}: {} is not set", entry.token_env)),
            },
            Err(error) => {
                self.wrong.push(format!("{}: {place}: {}", layers.user_file().display(), error.message()));
            }
        }
    }

    fn add(&mut self, place: String, key: &str, who: Principal, used: &mut BTreeMap<String, String>) {
        let key = key.trim();
        if let Err(problem) = check_key(key) {
            self.wrong.push(format!("{place}: {problem}"));
        } else if let Some(other) = used.get(key) {
            self.wrong.push(format!("{place}: the same key as {other}; each client needs its own"));
        } else {
            self.clients.push(format!("{} ({place})", who.identity.owner));
            self.credentials.push(Credential::new(key, who));
            used.insert(key.to_owned(), place);
        }
    }
}
