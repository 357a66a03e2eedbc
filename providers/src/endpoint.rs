//! The provider port for one configured endpoint.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use exai_core::{
    EndpointIdentity, Kind, ModelId, ProviderId,
    chat::{Message, Part, Request, Role},
    files::Files,
    model::{Capability, ModelSpec},
    provider::{CallCtx, Preview, Provider, ProviderError, ReplyStream},
    secret::{ExposeSecret, SecretString, masked},
};
use reqwest::header::HeaderValue;
use url::Url;

use crate::{
    base_url,
    error::BuildError,
    http::Http,
    keyring::Keyring,
    models_list,
    optional::{MOST_FIELDS, Memory, Omission, Omissions, Rejected},
    origin::Origin,
    roster::Roster,
    secrets::{Secrets, bare_key},
    settings::EndpointSettings,
    vendor::{Auth, WebSearch, Wire},
    wire::{
        self, Written,
        chat_completions::{self, Dialect},
        generate_content, messages, responses,
    },
};

/// A vendor's own address, a gateway or a server at home.
pub(crate) struct Endpoint {
    pub(crate) keys: Keyring,
    pub(crate) base: Url,
    identity: EndpointIdentity,
    is_vendors_own: bool,
    is_last_resort: bool,
    roster: Roster,
    refused: Memory,
    pub(crate) http: Arc<Http>,
}

impl Endpoint {
    pub(crate) fn new(settings: EndpointSettings, http: Arc<Http>) -> Result<Self, BuildError> {
        let vendor = settings.vendor.facts();
        let address = settings.base_url.as_deref().filter(|text| !text.trim().is_empty()).or(vendor.base_url);
        let address = address.ok_or_else(|| BuildError::BaseUrl {
            id: settings.id.clone(),
            problem: "is missing; this endpoint has none of its own",
        })?;
        let base = base_url::normalise(address, vendor, &settings.id, http.settings.allow_insecure)?;
        let text = settings.key.as_ref().map(|key| key.expose_secret().to_owned()).unwrap_or_default();
        let keys: Vec<&str> = text.split(',').map(bare_key).filter(|key| !key.is_empty()).collect();
        if keys.iter().any(|key| HeaderValue::from_str(key).is_err()) {
            return Err(BuildError::Key { key_origin: settings.key_origin });
        }
        let identity = identity(&base, &keys);
        let is_vendors_own = base.host_str().is_some_and(|host| vendor.hosts.contains(&host));
        let secrets = Secrets::of(keys.iter().copied());
        let origin = |key: Option<SecretString>, key_origin: String| Origin {
            provider: settings.id.clone(),
            vendor,
            key,
            key_origin,
            secrets: secrets.clone(),
        };
        let count = keys.len();
        let mut origins = keys.iter().enumerate().map(|(place, key)| {
            let which = if count > 1 { format!(" (key {} of {count})", place + 1) } else { String::new() };
            origin(Some(SecretString::from(*key)), format!("{}{which}", settings.key_origin))
        });
        let first = origins.next().unwrap_or_else(|| origin(None, settings.key_origin.clone()));
        let keys = Keyring::new(first, origins.collect());
        let is_last_resort = settings.is_last_resort;
        let roster = Roster::new(settings.id, settings.vendor, settings.models);
        let refused = Memory::default();
        Ok(Self { keys, base, identity, is_vendors_own, is_last_resort, roster, refused, http })
    }

    /// The model that is asked for.
    fn known(&self, request: &Request) -> Result<ModelSpec, ProviderError> {
        let name = request.model.as_str();
        self.roster.model(name).ok_or_else(|| {
            let message = format!(
                "the model `{name}` is not known here; list the models, or add it to the configuration"
            );
            self.keys.first().error(Kind::ModelNotFound, &message)
        })
    }

    /// The vendors' own servers answer nothing without a key, so this fails before a request is made.
    pub(crate) fn check_key(&self) -> Result<(), ProviderError> {
        let origin = self.keys.first();
        if self.is_vendors_own && origin.key.is_none() {
            let message = format!("no key is configured; set {}", origin.key_origin);
            return Err(origin.error(Kind::Auth, &message));
        }
        Ok(())
    }
}

impl Endpoint {
    /// The request as it goes out.
    fn written(
        &self,
        origin: &Origin,
        model: &ModelSpec,
        request: &Request,
        omissions: &Omissions,
    ) -> Result<Written, ProviderError> {
        let folded;
        let request = if omissions.has(Omission::System) {
            folded = without_system(request);
            &folded
        } else {
            request
        };
        let written = match (origin.vendor.wire)(model, request) {
            Wire::ChatCompletions => {
                let dialect = Dialect { sampling: self.roster.sampling(model), model: model.clone() };
                chat_completions::written(origin, &self.base, &dialect, request)
            }
            Wire::Responses => responses::written(origin, &self.base, model, request),
            Wire::Messages => messages::written(origin, &self.base, model, request),
            Wire::GenerateContent => generate_content::written(origin, &self.base, model, request),
        }?;
        Ok(Written { body: omissions.applied(written.body), ..written })
    }

    /// Asks once. What the vendor refuses of the optional fields is left out at once: it has not begun to answer.
    async fn ask(
        &self,
        origin: &Arc<Origin>,
        model: &ModelSpec,
        request: &Request,
        call: &CallCtx,
    ) -> Result<ReplyStream, ProviderError> {
        let known = self.refused.of(&model.id);
        let mut omissions = known.clone();
        let mut is_lasting = true;
        for _ in 0..MOST_FIELDS {
            let written = self.written(origin, model, request, &omissions)?;
            let failure = match self.exchange(origin, written, model, request, call).await {
                Ok(reply) => {
                    if is_lasting && omissions != known {
                        self.refused.learn(&model.id, omissions);
                    }
                    return Ok(reply);
                }
                Err(failure) => failure,
            };
            let Some(rejected) = failure.source.as_ref().and_then(|source| source.downcast_ref::<Rejected>())
            else {
                return Err(failure);
            };
            // One answer was no JSON; the next may be.
            is_lasting &= !rejected.is_of_this_answer();
            // Written once more, because a copy of every request would cost more than one of those that are refused.
            let refused = self.written(origin, model, request, &omissions)?;
            let Some(more) = omissions.with(rejected, &refused.body, !request.system.is_empty()) else {
                return Err(failure);
            };
            tracing::info!(
                request_id = %call.request_id, provider = %origin.provider, model = %model.id,
                "a field was refused and is left out: {failure}"
            );
            omissions = more;
        }
        let written = self.written(origin, model, request, &omissions)?;
        self.exchange(origin, written, model, request, call).await
    }

    async fn exchange(
        &self,
        origin: &Arc<Origin>,
        written: Written,
        model: &ModelSpec,
        request: &Request,
        call: &CallCtx,
    ) -> Result<ReplyStream, ProviderError> {
        let (http, name, asker) = (&*self.http, model.id.as_str(), Arc::clone(origin));
        let asked = name.to_owned();
        match (origin.vendor.wire)(model, request) {
            Wire::ChatCompletions => {
                let decoder = chat_completions::Decoder::new(asker, asked);
                wire::exchange(http, origin, written, call, name, decoder).await
            }
            Wire::Responses => {
                let decoder = responses::Decoder::new(asker, asked);
                wire::exchange(http, origin, written, call, name, decoder).await
            }
            Wire::Messages => {
                let decoder = messages::Decoder::new(asker, asked);
                wire::exchange(http, origin, written, call, name, decoder).await
            }
            Wire::GenerateContent => {
                let decoder = generate_content::Decoder::new(asker, asked);
                wire::exchange(http, origin, written, call, name, decoder).await
            }
        }
    }
}

/// The request with its system prompt in front of the first message of the caller.
fn without_system(request: &Request) -> Request {
    let mut request = request.clone();
    let system = Part::text(std::mem::replace(&mut request.system, "".into()));
    match request.messages.iter_mut().find(|message| message.role == Role::User) {
        Some(first) => first.parts.insert(0, system),
        None => request.messages.insert(0, Message { role: Role::User, parts: vec![system] }),
    }
    request
}

/// The address and all keys, each with its length, so that no two different endpoints hash the same bytes.
fn identity(base: &Url, keys: &[&str]) -> EndpointIdentity {
    let mut hasher = blake3::Hasher::new_derive_key("exai-mcp 2026-11 address and keys of an endpoint");
    for part in std::iter::once(base.as_str()).chain(keys.iter().copied()) {
        hasher.update(&(part.len() as u64).to_le_bytes());
        hasher.update(part.as_bytes());
    }
    EndpointIdentity(*hasher.finalize().as_bytes())
}

#[async_trait]
impl Provider for Endpoint {
    fn id(&self) -> &ProviderId {
        &self.keys.first().provider
    }

    fn identity(&self) -> EndpointIdentity {
        self.identity
    }

    fn models(&self) -> Arc<[ModelSpec]> {
        self.roster.models()
    }

    fn accepts_unknown_models(&self) -> bool {
        self.keys.first().vendor.is_open
    }

    fn is_vendor_endpoint(&self) -> bool {
        self.is_vendors_own
    }

    fn rank(&self) -> Option<u8> {
        self.keys.first().vendor.rank
    }

    fn is_last_resort(&self) -> bool {
        self.is_last_resort
    }

    fn default_permits(&self) -> Option<usize> {
        self.keys.first().vendor.permits
    }

    fn searches_web(&self, model: &ModelSpec) -> bool {
        model.can(Capability::WebSearch) && self.keys.first().vendor.quirks.web_search != WebSearch::Absent
    }

    fn takes_tool_choice(&self, request: &Request) -> bool {
        let (choice, vendor) = (&request.tools.choice, self.keys.first().vendor);
        let Ok(model) = self.known(request) else { return true };
        match (vendor.wire)(&model, request) {
            Wire::ChatCompletions => vendor.quirks.forcing.takes(choice),
            Wire::Responses | Wire::GenerateContent => true,
            Wire::Messages => messages::takes(&model, request),
        }
    }

    fn takes_output_cap(&self, model: &ModelSpec) -> bool {
        !self.refused.of(&model.id).has(Omission::Cap)
    }

    fn model(&self, name: &str) -> Option<ModelSpec> {
        self.roster.model(name)
    }

    async fn chat(&self, request: &Request, call: &CallCtx) -> Result<ReplyStream, ProviderError> {
        let model = self.known(request)?;
        self.check_key()?;
        // A file belongs to the account of the first key.
        let reads = request.messages.iter().flat_map(|message| &message.parts);
        let reads = reads.into_iter().any(|part| matches!(part, Part::File { .. }));
        let (place, origin) = if reads { (0, self.keys.first()) } else { self.keys.pick() };
        let asked = self.ask(origin, &model, request, call).await;
        asked.map_err(|failure| self.keys.judge(place, failure))
    }

    fn preview(&self, request: &Request) -> Result<Option<Preview>, ProviderError> {
        let (model, origin) = (self.known(request)?, self.keys.first());
        let written = self.written(origin, &model, request, &self.refused.of(&model.id))?;
        let mut headers = vec![("content-type".to_owned(), "application/json".to_owned())];
        if let Some(key) = &origin.key {
            let masked = masked(key);
            headers.push(match origin.vendor.auth {
                Auth::Bearer => ("authorization".to_owned(), format!("Bearer {masked}")),
                Auth::Header(name) => (name.to_owned(), masked),
            });
        }
        headers.extend(
            origin.vendor.headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())),
        );
        // What we have written is JSON.
        let body = serde_json::from_slice(&written.body).unwrap_or_default();
        Ok(Some(Preview { url: written.url.to_string(), headers, body }))
    }

    fn files(&self) -> Option<&dyn Files> {
        self.keys.first().vendor.files.as_ref().map(|_| -> &dyn Files { self })
    }

    fn web_search(&self) -> Option<&dyn exai_core::web_search::WebSearch> {
        self.keys.first().vendor.search.as_ref().map(|_| -> &dyn exai_core::web_search::WebSearch { self })
    }

    fn keys(&self) -> (usize, usize) {
        self.keys.count()
    }

    fn list_age(&self) -> Option<Duration> {
        self.roster.list_age()
    }

    async fn live_models(&self, call: &CallCtx) -> Result<Vec<ModelId>, ProviderError> {
        self.check_key()?;
        let listed = models_list::fetch(&self.http, self.keys.pick().1, &self.base, call).await?;
        self.roster.learn(&listed);
        Ok(listed)
    }
}
