//! Asks each configured provider for its list of models with each of its keys: the cheapest question that needs one.

use std::{sync::Arc, time::Duration};

use exai_clients::Finding;
use exai_core::{
    Kind, RequestId,
    humanize::counted,
    provider::{CallCtx, Provider, ProviderError},
    secret::{ExposeSecret as _, SecretString},
};
use exai_providers::{EndpointSettings, HttpSettings};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::config::Config;

/// How long one provider may take.
const LIMIT: Duration = Duration::from_secs(20);
/// A key that nobody has.
const NOBODYS: &str = "exai-mcp-doctor-asks-with-a-wrong-key";

/// One line for each key, or for each provider that has none. No key is ever shown.
pub(super) async fn probe(config: &Config, stop: &CancellationToken) -> Vec<Finding> {
    let http = HttpSettings {
        connect: config.limits.connect,
        allow_insecure: config.allow_http,
        list_retries: 0,
        ..HttpSettings::default()
    };
    let mut findings = Vec::new();
    for reason in &config.endpoints.left_out {
        findings.push(Finding::error(reason.clone(), "correct it in the configuration"));
    }
    for settings in &config.endpoints.settings {
        if stop.is_cancelled() {
            break;
        }
        let keys: Vec<SecretString> = settings.key.iter().flat_map(each).collect();
        if keys.is_empty() {
            findings.push(tried(settings, None, "no key", &http, stop).await);
        }
        for (index, key) in keys.iter().enumerate() {
            let which = match keys.len() {
                1 => format!("the key from {}", settings.key_origin),
                all => format!("key {} of {all} from {}", index + 1, settings.key_origin),
            };
            findings.push(tried(settings, Some(key), &which, &http, stop).await);
        }
    }
    if findings.is_empty() {
        findings.push(Finding::doubt("no provider is configured, so there is no key to test", "set one"));
    }
    findings
}

/// Each of several keys that are written with commas between them.
fn each(keys: &SecretString) -> Vec<SecretString> {
    let one = |key: &str| SecretString::from(key.trim().to_owned());
    keys.expose_secret().split(',').filter(|key| !key.trim().is_empty()).map(one).collect()
}

async fn tried(
    settings: &EndpointSettings,
    key: Option<&SecretString>,
    which: &str,
    http: &HttpSettings,
    stop: &CancellationToken,
) -> Finding {
    let name = &settings.id;
    let (asked, takes_any_name) = ask(settings, key, http, stop).await;
    match asked {
        Ok(count) if key.is_none() => {
            Finding::well(format!("{name}: ok, it lists {} and no key is sent", counted(count, "model")))
        }
        Ok(count) => {
            // Gateways and servers at home may show their list to anybody.
            let nobodys = SecretString::from(NOBODYS.to_owned());
            if takes_any_name && ask(settings, Some(&nobodys), http, stop).await.0.is_ok() {
                return Finding::doubt(
                    format!(
                        "{name}: ok, it lists {}, but a wrong key gets the list too, so {which} is not tested",
                        counted(count, "model")
                    ),
                    "`exai-mcp status --probe` asks a model",
                );
            }
            let models = counted(count, "model");
            Finding::well(format!("{name}: ok, {which} is accepted ({models} listed)"))
        }
        Err(error) => refused(settings, which, &error),
    }
}

/// How many models the provider lists, and whether it takes names that are not in a list.
async fn ask(
    settings: &EndpointSettings,
    key: Option<&SecretString>,
    http: &HttpSettings,
    stop: &CancellationToken,
) -> (Result<usize, ProviderError>, bool) {
    let one = EndpointSettings { key: key.cloned(), ..settings.clone() };
    let provider: Arc<dyn Provider> =
        match exai_providers::build(vec![one], http.clone()).map(|mut all| all.pop()) {
            Ok(Some(provider)) => provider,
            Ok(None) => return (Err(unusable(settings, "it cannot be used")), false),
            Err(error) => return (Err(unusable(settings, &error.to_string())), false),
        };
    let ctx = CallCtx {
        request_id: RequestId::from("doctor"),
        deadline: Instant::now() + LIMIT,
        cancel: stop.child_token(),
    };
    let listed = provider.live_models(&ctx).await;
    (listed.map(|models| models.len()), provider.accepts_unknown_models())
}

fn unusable(settings: &EndpointSettings, why: &str) -> ProviderError {
    ProviderError::new(settings.id.clone(), Kind::InvalidInput, why)
}

fn refused(settings: &EndpointSettings, which: &str, error: &ProviderError) -> Finding {
    let name = &settings.id;
    match error.kind() {
        Kind::Auth | Kind::Forbidden => Finding::error(
            format!("{name}: refused, {which} is not accepted: {}", error.message),
            "copy the key again from the vendor's page",
        ),
        Kind::Quota => Finding::error(
            format!("{name}: refused, {which} has no money or quota left: {}", error.message),
            "look at the account at the vendor",
        ),
        Kind::Unreachable | Kind::Timeout | Kind::Unavailable | Kind::RateLimited => Finding::error(
            format!("{name}: unreachable, {which} is not tested: {}", error.message),
            "check the address, the network and a proxy; is the server running?",
        ),
        Kind::Cancelled => {
            Finding::doubt(format!("{name}: not tested, because you stopped it"), "run it again")
        }
        _ => Finding::error(
            format!("{name}: it answers, but lists no models, so {which} is not tested: {}", error.message),
            "check the address; `exai-mcp status --probe` asks a model",
        ),
    }
}
