//! What `serve` says of itself at its start: what it may read, whom it asks, who may come in, and what is odd about that.

use exai_context::files::Roots;

use crate::{App, app, config::Config};

/// The lines behind the address. `is_local` says whether only this machine reaches it, `is_encrypted` whether TLS is spoken.
pub(super) fn announcement(config: &Config, app: &App, is_local: bool, is_encrypted: bool) -> String {
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
        line("clients:", clients, "no key is needed: every program on this machine may connect"),
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
    if !is_local && !is_encrypted {
        warnings.push(
            "keys and answers travel to other machines without encryption: set serve.tls_cert and serve.tls_key, or put a \
             proxy with TLS before the server"
                .to_owned(),
        );
    }
    said.extend(warnings.into_iter().map(|text| format!("warning: {text}")));
    said.join("\n") + "\n"
}
