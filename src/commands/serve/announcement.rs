//! What `serve` says of itself at its start: what it may read, whom it asks, who may come in, and what is odd about that.

use exai_context::files::Roots;

use crate::{App, app, config::Config};

/// The door at which the server listens, as far as strangers are concerned.
pub(super) enum Door {
    /// A socket in the file system that only its owner may open.
    Socket,
    /// An address that only this machine reaches.
    Machine,
    /// An address that other machines reach too, encrypted or not.
    Network { is_encrypted: bool },
}

impl Door {
    /// The door behind the address that a listener tells.
    pub(super) fn of(url: &str, is_local: bool, is_encrypted: bool) -> Self {
        if url.starts_with("unix:") {
            Self::Socket
        } else if is_local {
            Self::Machine
        } else {
            Self::Network { is_encrypted }
        }
    }

    /// Who may come in without a key.
    fn without_key(&self) -> &'static str {
        match self {
            Self::Socket => "no key is needed: every program of the socket's owner may connect",
            Self::Machine | Self::Network { .. } => {
                "no key is needed: every program on this machine may connect"
            }
        }
    }
}

/// The lines behind the address.
pub(super) fn announcement(config: &Config, app: &App, door: &Door) -> String {
    let roots = Roots::resolve(app::configured(&config.roots), config.places.home.as_deref());
    let folders: Vec<String> = roots.paths().iter().map(|path| path.display().to_string()).collect();
    let models = app.engine.models();
    let providers: Vec<String> =
        models.providers().iter().map(|provider| provider.id().to_string()).collect();
    let clients = &config.serve.clients;
    let line = |name: &str, values: &[String], none: &str| {
        let values = if values.is_empty() { none.to_owned() } else { values.join(", ") };
        format!("  {name:<10} {values}")
    };
    let mut said = vec![
        line("folders:", &folders, "none"),
        line("providers:", &providers, "none"),
        line("clients:", clients, door.without_key()),
    ];
    let mut warnings = Vec::new();
    for ignored in roots.ignored() {
        warnings.push(format!("the folder {} is not open: {}", ignored.path.display(), ignored.reason));
    }
    if folders.is_empty() {
        warnings.push("no folder is open, so no file can be read: set roots (EXAI_ROOTS)".to_owned());
    }
    if providers.is_empty() {
        warnings.push(
            "no provider has a key, so no model can be asked: exai-mcp doctor says what to set".to_owned(),
        );
    }
    if matches!(door, Door::Network { is_encrypted: false }) {
        warnings.push(
            "keys and answers travel to other machines without encryption: set serve.tls_cert and serve.tls_key, or put a \
             proxy with TLS before the server"
                .to_owned(),
        );
    }
    said.extend(warnings.into_iter().map(|text| format!("warning: {text}")));
    said.join("\n") + "\n"
}
