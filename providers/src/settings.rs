//! What a user decides about an endpoint and about HTTP; every duration here is the default and can be set.

use std::{collections::BTreeSet, time::Duration};

use exai_core::{
    ModelId, ProviderId,
    model::{Capability, Price},
    secret::SecretString,
};

use crate::vendor::VendorKind;

/// One source of models.
#[derive(Debug, Clone)]
pub struct EndpointSettings {
    /// The name that callers use in `provider/model`.
    pub id: ProviderId,
    /// Whose dialect it speaks.
    pub vendor: VendorKind,
    /// Where it is; the vendor's own address when absent. Needed for [`VendorKind::Custom`].
    pub base_url: Option<String>,
    /// The key, or several separated by commas, which are used in turns. Without one no key is sent, which servers at home need and
    /// vendors refuse.
    pub key: Option<SecretString>,
    /// Where the key comes from, such as the name of an environment variable: errors about the key name it.
    pub key_origin: String,
    /// Models that the user adds or corrects.
    pub models: Vec<ModelOverride>,
    /// Calls that will be made at the same time. Here it only sizes the connection pool; who limits calls is the engine.
    pub max_concurrency: Option<usize>,
    /// Whether it is asked behind every other when nothing is named.
    pub is_last_resort: bool,
}

impl EndpointSettings {
    /// An endpoint of `vendor` with everything else left to its defaults.
    #[must_use]
    pub fn new(id: ProviderId, vendor: VendorKind) -> Self {
        let key_origin = format!("the configuration of {id}");
        Self {
            id,
            vendor,
            base_url: None,
            key: None,
            key_origin,
            models: Vec::new(),
            max_concurrency: None,
            is_last_resort: false,
        }
    }
}

/// What the user says about a model. What is absent is taken from the catalogue, or not known.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ModelOverride {
    /// The endpoint's spelling.
    pub id: String,
    /// Further names.
    pub aliases: Vec<String>,
    /// Tokens of prompt and answer together.
    pub window: Option<u32>,
    /// Ceiling on the answer in tokens.
    pub max_output: Option<u32>,
    /// What it can do; replaces the catalogue's set.
    pub capabilities: Option<BTreeSet<Capability>>,
    /// Prices; replace the catalogue's.
    pub price: Option<Price>,
}

impl ModelOverride {
    /// Names a model and says nothing else about it.
    #[must_use]
    pub fn named(id: impl Into<String>) -> Self {
        Self { id: id.into(), ..Self::default() }
    }

    pub(crate) fn model_id(&self) -> ModelId {
        ModelId::new(self.id.as_str())
    }
}

/// How the wire is used, for all endpoints.
#[derive(Debug, Clone, PartialEq)]
pub struct HttpSettings {
    /// Longest wait for a connection, TLS included.
    pub connect: Duration,
    /// Longest wait from sending a request to the first byte of its answer's body.
    pub first_byte: Duration,
    /// Longest silence within an answer.
    pub idle: Duration,
    /// Longest wait for the text of a failure whose status is already known.
    pub error_body: Duration,
    /// Connections kept open to a host between calls.
    pub idle_connections: usize,
    /// How long an unused connection is kept.
    pub keep_alive: Duration,
    /// Largest event of a stream in bytes.
    pub max_event_bytes: usize,
    /// Largest answer in bytes, protocol included.
    pub max_answer_bytes: usize,
    /// Largest part of a failure's body that is read, in bytes.
    pub max_error_bytes: usize,
    /// Largest list of models in bytes.
    pub max_list_bytes: usize,
    /// Retries of the list of models, the only request that is repeated here.
    pub list_retries: u32,
    /// Shortest and longest pause before such a retry.
    pub list_retry_pause: (Duration, Duration),
    /// Allow `http://` to addresses that are not on this machine.
    pub allow_insecure: bool,
    /// Use the proxy that the system is configured with.
    pub system_proxy: bool,
    /// How this program names itself.
    pub user_agent: String,
}

impl Default for HttpSettings {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(10),
            first_byte: Duration::from_secs(300),
            idle: Duration::from_secs(300),
            error_body: Duration::from_secs(10),
            idle_connections: 32,
            keep_alive: Duration::from_secs(90),
            max_event_bytes: 1 << 20,
            max_answer_bytes: 32 << 20,
            max_error_bytes: 64 << 10,
            max_list_bytes: 8 << 20,
            list_retries: 2,
            list_retry_pause: (Duration::from_millis(250), Duration::from_secs(2)),
            allow_insecure: false,
            system_proxy: true,
            user_agent: concat!("exai-mcp/", env!("CARGO_PKG_VERSION")).to_owned(),
        }
    }
}
