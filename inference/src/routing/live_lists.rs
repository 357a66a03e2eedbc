//! The endpoints' own lists of models: read when somebody looks for what is not known, kept for an hour, read again behind the call
//! that finds them older. Never at the start: a list that nobody needs costs nobody a request.

use std::{sync::Arc, time::Duration};

use exai_core::{
    Kind, RequestId,
    lease::Lease,
    model::{ModelOrigin, ModelSpec},
    provider::{CallCtx, Provider, ProviderError},
};
use futures::future::join_all;
use tokio::time::Instant;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use super::{Models, is_auto};
use crate::{error::InferenceError, scope::CallScope};

/// How long a list is taken to be what the endpoint has.
const LIFETIME: Duration = Duration::from_secs(3_600);
/// A list that is younger is not read again because a name is not in it.
const YOUNG: Duration = Duration::from_secs(60);
/// How long a call waits for lists that may have its name.
const WAIT: Duration = Duration::from_secs(5);
/// How long a list may take that nobody waits for.
const BEHIND: Duration = Duration::from_secs(20);

/// What work behind calls needs.
pub(crate) struct Background {
    /// Waited for at the end.
    pub tasks: TaskTracker,
    /// So that each list is read once at a time.
    pub leases: Arc<dyn Lease>,
    /// Ends the work with the process.
    pub closing: CancellationToken,
}

/// Reads the endpoints' lists.
pub(super) struct LiveLists {
    models: Models,
    background: Background,
}

impl LiveLists {
    pub(super) fn new(models: Models, background: Background) -> Self {
        Self { models, background }
    }

    /// Reads lists again that are old or were never read. Returns at once; who asks next sees them.
    pub(super) fn refresh(&self) {
        for provider in self.models.providers() {
            if provider.list_age().is_some_and(|age| age < LIFETIME) {
                continue;
            }
            let (provider, leases) = (Arc::clone(provider), Arc::clone(&self.background.leases));
            let ctx = CallCtx {
                request_id: RequestId::from("models"),
                deadline: Instant::now() + BEHIND,
                cancel: self.background.closing.child_token(),
            };
            self.background.tasks.spawn(async move {
                let name = format!("models-list/{}", provider.id());
                if let Some(_lease) = leases.take(&name, BEHIND).await {
                    // The next call that needs the list reads it again, and tells why it could not.
                    read(&*provider, &ctx).await.ok();
                }
            });
        }
    }

    /// Looks for a name that nobody knows in the lists of those who may have it.
    pub(super) async fn look_for(&self, name: &str, call: &CallScope) {
        if is_auto(name) {
            return;
        }
        let named = name.split_once('/').map(|(provider, _)| provider);
        let providers = self.models.providers();
        let owner = providers
            .iter()
            .find(|provider| named.is_some_and(|name| provider.id().as_str().eq_ignore_ascii_case(name)));
        let asked = providers.iter().filter(|provider| owner.is_none_or(|owner| owner.id() == provider.id()));
        read_all(asked, call).await;
    }

    /// Reads the lists of the endpoints that take any name: they are the only ones who know what they have. Returns why lists were not
    /// read, in the order of configuration.
    pub(super) async fn read_open(&self, call: &CallScope) -> Vec<ProviderError> {
        let open = self.models.providers().iter().filter(|provider| provider.accepts_unknown_models());
        read_all(open, call).await
    }
}

/// Reads the lists that are not young, within the time that a call waits for them. Returns the failures.
async fn read_all(asked: impl Iterator<Item = &Arc<dyn Provider>>, call: &CallScope) -> Vec<ProviderError> {
    let ctx = CallCtx {
        request_id: call.request_id.clone(),
        deadline: call.deadline.min(Instant::now() + WAIT),
        cancel: call.cancel.clone(),
    };
    let ctx = &ctx;
    let due = asked.filter(|provider| provider.list_age().is_none_or(|age| age >= YOUNG));
    join_all(due.map(|provider| async move { read(&**provider, ctx).await }))
        .await
        .into_iter()
        .filter_map(Result::err)
        .collect()
}

async fn read(provider: &dyn Provider, ctx: &CallCtx) -> Result<(), ProviderError> {
    let listed = provider.live_models(ctx).await;
    match &listed {
        Ok(models) => {
            tracing::debug!(provider = %provider.id(), models = models.len(), "the endpoint listed its models");
        }
        Err(error) => {
            tracing::debug!(provider = %provider.id(), "the endpoint did not list its models: {error}");
        }
    }
    listed.map(|_| ())
}

/// Why no model was found in lists of which some could not be read; `otherwise` where that says nothing about the endpoint.
pub(super) fn why_unlisted(failures: Vec<ProviderError>, otherwise: InferenceError) -> InferenceError {
    let mut failures = failures.into_iter();
    match failures.next() {
        // An endpoint without a list answers all the same, once a model is named.
        Some(error)
            if matches!(
                error.kind,
                Kind::NotFound | Kind::ModelNotFound | Kind::UpstreamRejected | Kind::Protocol
            ) =>
        {
            let provider = &error.provider;
            let why = format!(
                "{provider} names no model, and its list could not be read ({}). Pass `model`, or set `default_model` in the \
                 configuration (EXAI_DEFAULT_MODEL)",
                error.message
            );
            InferenceError::NothingToChoose { why }
        }
        Some(error) => InferenceError::Provider { error, attempts: 1 },
        None => otherwise,
    }
}

/// Whether a model is one that nobody has vouched for: it is merely in a list, or in none.
pub fn is_unvouched(model: &ModelSpec) -> bool {
    matches!(model.origin, ModelOrigin::Endpoint | ModelOrigin::PassedThrough)
}
