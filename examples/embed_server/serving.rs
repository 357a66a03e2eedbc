//! The server: its configuration, and its routes.

use std::{collections::BTreeMap, path::Path, sync::Arc};

use async_trait::async_trait;
use axum::{Extension, Router, routing::get};
use exai_core::Principal;
use exai_engine::Engine;
use exai_mcp::{
    App, Config,
    config::{env, keys, layers::Layers},
};
use exai_server::{Credential, Credentials, Health, Lifecycle, Server, ServerSettings, Trouble, check_key};
use serde_json::{Value, json};

/// A configuration without an environment: files and database live in `home`, which is also the one readable folder.
pub(crate) fn configuration(home: &Path) -> Config {
    let folder = home.display().to_string();
    // The folder of the files is looked up before any file is read, so it is given as the environment would give it.
    let mut layers =
        Layers::from_environment(BTreeMap::from([(env::EXAI_CONFIG_DIR.to_owned(), folder.clone())]));
    layers.set(&keys::DATA_DIR, folder);
    layers.set(&keys::LOCALE, "English".to_owned());
    Config::read(layers, home)
}

/// MCP and `GET /hello`, for clients that show the key.
pub(crate) fn server(app: &App, config: &Config, key: &str, lifecycle: Lifecycle) -> anyhow::Result<Server> {
    check_key(key)?;
    let keys = Credentials::new(vec![Credential::new(key, Principal::new("local", "guest"))]);
    let settings = ServerSettings { authenticator: Arc::new(keys), ..config.serve.server.clone() };
    let server = Server::new(settings, Arc::new(Database(app.engine.clone())), lifecycle);
    let server = exai_transports::http::mount(server, app.server.clone(), &config.serve.mcp);
    Ok(server.with_key(Router::new().route("/hello", get(hello))))
}

/// The server has found out who asks before the request comes here.
async fn hello(Extension(who): Extension<Principal>) -> String {
    format!("hello {}\n", who.identity.owner)
}

/// The program can work as long as its database can be read.
struct Database(Engine);

#[async_trait]
impl Health for Database {
    async fn trouble(&self) -> Option<Trouble> {
        let looked = self.0.store().check().await;
        looked.err().map(|error| Trouble::Degraded(error.to_string()))
    }

    fn figures(&self) -> Value {
        json!({})
    }
}
