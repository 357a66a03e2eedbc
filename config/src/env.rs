//! Every environment name that the program reads, and the only place that reads the environment.

use std::collections::BTreeMap;

/// Folder of `config.toml` and `.env`; the platform's own convention when absent.
pub const EXAI_CONFIG_DIR: &str = "EXAI_CONFIG_DIR";
/// Folder of the database; the platform's own convention when absent.
pub const EXAI_DATA_DIR: &str = "EXAI_DATA_DIR";
/// Folders that may be read, separated like `PATH`.
pub const EXAI_ROOTS: &str = "EXAI_ROOTS";
/// Model for calls that name none.
pub const EXAI_DEFAULT_MODEL: &str = "EXAI_DEFAULT_MODEL";
/// Language of answers.
pub const EXAI_LOCALE: &str = "EXAI_LOCALE";
/// What is logged, in the syntax of tracing's environment filter.
pub const EXAI_LOG: &str = "EXAI_LOG";
/// How it is logged: auto, text or json.
pub const EXAI_LOG_FORMAT: &str = "EXAI_LOG_FORMAT";
/// Durability of the database: normal survives the process, full also a power loss.
pub const EXAI_STORE_SYNC: &str = "EXAI_STORE_SYNC";
/// Folder with system prompts of the user.
pub const EXAI_PROMPTS_DIR: &str = "EXAI_PROMPTS_DIR";
/// Which tools are shown: lite, standard or full.
pub const EXAI_TOOL_PROFILE: &str = "EXAI_TOOL_PROFILE";
/// Tools to show instead of a profile.
pub const EXAI_ENABLED_TOOLS: &str = "EXAI_ENABLED_TOOLS";
/// Tools that are never shown.
pub const EXAI_DISABLED_TOOLS: &str = "EXAI_DISABLED_TOOLS";
/// The most characters of an answer.
pub const EXAI_ANSWER_CHARS: &str = "EXAI_ANSWER_CHARS";
/// Seconds for a whole call.
pub const EXAI_CALL_SECONDS: &str = "EXAI_CALL_SECONDS";
/// Seconds for an agent of clink.
pub const EXAI_CLINK_SECONDS: &str = "EXAI_CLINK_SECONDS";
/// Seconds for one model of a consensus.
pub const EXAI_CONSENSUS_SECONDS: &str = "EXAI_CONSENSUS_SECONDS";
/// Seconds to connect to a provider.
pub const EXAI_CONNECT_SECONDS: &str = "EXAI_CONNECT_SECONDS";
/// Seconds until a provider's first byte.
pub const EXAI_FIRST_BYTE_SECONDS: &str = "EXAI_FIRST_BYTE_SECONDS";
/// Seconds of silence within an answer.
pub const EXAI_IDLE_SECONDS: &str = "EXAI_IDLE_SECONDS";
/// Seconds for one run of git.
pub const EXAI_GIT_SECONDS: &str = "EXAI_GIT_SECONDS";
/// What git gets to see of the environment: where programs are, and where the user's own configuration lies.
pub const FOR_GIT: [&str; 8] =
    ["PATH", "HOME", "XDG_CONFIG_HOME", "USERPROFILE", "HOMEDRIVE", "HOMEPATH", "SYSTEMROOT", "TMPDIR"];
/// The index that git names to the hooks of a commit.
pub const GIT_INDEX_FILE: &str = "GIT_INDEX_FILE";
/// Seconds that an attempt waits for its turn.
pub const EXAI_PERMIT_WAIT_SECONDS: &str = "EXAI_PERMIT_WAIT_SECONDS";
/// Upstream attempts at once.
pub const EXAI_UPSTREAM_LIMIT: &str = "EXAI_UPSTREAM_LIMIT";
/// Upstream attempts at once for GLM.
pub const EXAI_GLM_LIMIT: &str = "EXAI_GLM_LIMIT";
/// Upstream attempts at once for Kimi.
pub const EXAI_KIMI_LIMIT: &str = "EXAI_KIMI_LIMIT";
/// Client requests in flight.
pub const EXAI_IN_FLIGHT_LIMIT: &str = "EXAI_IN_FLIGHT_LIMIT";
/// Calls of one session that ask models.
pub const EXAI_SESSION_LIMIT: &str = "EXAI_SESSION_LIMIT";
/// The most tokens of one file in a prompt.
pub const EXAI_FILE_TOKENS: &str = "EXAI_FILE_TOKENS";
/// Attempts after the first.
pub const EXAI_RETRIES: &str = "EXAI_RETRIES";
/// Where the HTTP server listens.
pub const EXAI_LISTEN: &str = "EXAI_LISTEN";
/// The key of the HTTP server.
pub const EXAI_TOKEN: &str = "EXAI_TOKEN";
/// The certificate of the HTTP server.
pub const EXAI_TLS_CERT: &str = "EXAI_TLS_CERT";
/// Its key.
pub const EXAI_TLS_KEY: &str = "EXAI_TLS_KEY";
/// Host names under which this machine may be called.
pub const EXAI_ALLOWED_HOSTS: &str = "EXAI_ALLOWED_HOSTS";
/// Origins of pages that may call.
pub const EXAI_ALLOWED_ORIGINS: &str = "EXAI_ALLOWED_ORIGINS";
/// Sessions at once.
pub const EXAI_SESSIONS_LIMIT: &str = "EXAI_SESSIONS_LIMIT";
/// Sessions at once of one client.
pub const EXAI_CLIENT_SESSIONS: &str = "EXAI_CLIENT_SESSIONS";
/// Calls a second of all clients.
pub const EXAI_RATE: &str = "EXAI_RATE";
/// Calls a second of one client.
pub const EXAI_CLIENT_RATE: &str = "EXAI_CLIENT_RATE";
/// What happens to calls whose client goes away.
pub const EXAI_ON_DISCONNECT: &str = "EXAI_ON_DISCONNECT";
/// The most megabytes of a message over the network.
pub const EXAI_MESSAGE_MEGABYTES: &str = "EXAI_MESSAGE_MEGABYTES";
/// Time for calls to finish at the end.
pub const EXAI_DRAIN_SECONDS: &str = "EXAI_DRAIN_SECONDS";
/// Whether the server chooses where no model is named.
pub const EXAI_ROUTING_ENABLED: &str = "EXAI_ROUTING_ENABLED";
/// The model that picks models.
pub const EXAI_ROUTING_SELECTOR: &str = "EXAI_ROUTING_SELECTOR";
/// Who answers a call that names no model.
pub const EXAI_ROUTING_STRATEGY: &str = "EXAI_ROUTING_STRATEGY";
/// Whether another model is asked when that one is not available.
pub const EXAI_ROUTING_FALLBACK: &str = "EXAI_ROUTING_FALLBACK";
/// Whether a second request is sent when one takes long.
pub const EXAI_ROUTING_HEDGE: &str = "EXAI_ROUTING_HEDGE";
/// Models that may be asked.
pub const EXAI_MODELS_ALLOW: &str = "EXAI_MODELS_ALLOW";
/// Models that are never asked.
pub const EXAI_MODELS_DENY: &str = "EXAI_MODELS_DENY";
/// Failures in a row after which a model is left alone.
pub const EXAI_BREAKER_FAILURES: &str = "EXAI_BREAKER_FAILURES";
/// Seconds for which it is.
pub const EXAI_BREAKER_SECONDS: &str = "EXAI_BREAKER_SECONDS";
/// The most that one run may cost, in US dollars.
pub const EXAI_BUDGET_CALL_USD: &str = "EXAI_BUDGET_CALL_USD";
/// The most that a day may cost.
pub const EXAI_BUDGET_DAY_USD: &str = "EXAI_BUDGET_DAY_USD";
/// The most that a day of all users may cost.
pub const EXAI_BUDGET_SERVER_DAY_USD: &str = "EXAI_BUDGET_SERVER_DAY_USD";
/// The most that a thread may cost.
pub const EXAI_BUDGET_THREAD_USD: &str = "EXAI_BUDGET_THREAD_USD";
/// Seconds that an answer may be given again.
pub const EXAI_CACHE_SECONDS: &str = "EXAI_CACHE_SECONDS";
/// Megabytes of cached answers.
pub const EXAI_CACHE_MEGABYTES: &str = "EXAI_CACHE_MEGABYTES";
/// Key of OpenAI.
pub const OPENAI_API_KEY: &str = "OPENAI_API_KEY";
/// Address of OpenAI, for proxies of it.
pub const OPENAI_BASE_URL: &str = "OPENAI_BASE_URL";
/// Key of GLM (z.ai).
pub const GLM_API_KEY: &str = "GLM_API_KEY";
/// Address of GLM.
pub const GLM_BASE_URL: &str = "GLM_BASE_URL";
/// Key of Kimi (Moonshot).
pub const KIMI_API_KEY: &str = "KIMI_API_KEY";
/// Address of Kimi.
pub const KIMI_BASE_URL: &str = "KIMI_BASE_URL";
/// Key of MiniMax.
pub const MINIMAX_API_KEY: &str = "MINIMAX_API_KEY";
/// Address of MiniMax.
pub const MINIMAX_BASE_URL: &str = "MINIMAX_BASE_URL";
/// Address of any OpenAI-compatible endpoint.
pub const CUSTOM_API_URL: &str = "CUSTOM_API_URL";
/// Its key, if it wants one.
pub const CUSTOM_API_KEY: &str = "CUSTOM_API_KEY";
/// The model to use there.
pub const CUSTOM_MODEL_NAME: &str = "CUSTOM_MODEL_NAME";
/// A JSON file with names, aliases and windows of its models.
pub const CUSTOM_MODELS_CONFIG_PATH: &str = "CUSTOM_MODELS_CONFIG_PATH";
/// Whether keys and prompts may go to another machine without encryption.
pub const EXAI_ALLOW_HTTP: &str = "EXAI_ALLOW_HTTP";
/// Whether keys that an agent may have handed on are used like others.
pub const EXAI_INHERITED_KEYS: &str = "EXAI_INHERITED_KEYS";
/// The project folder, as Claude Code tells it to its servers.
pub const CLAUDE_PROJECT_DIR: &str = "CLAUDE_PROJECT_DIR";

/// Names of variables that say something to this program and whose values are not Unicode, so that [`process`] leaves them out.
#[must_use]
pub fn undecodable() -> Vec<String> {
    std::env::vars_os()
        .filter(|(name, value)| name.to_str().is_none() || value.to_str().is_none())
        .map(|(name, _)| name.to_string_lossy().into_owned())
        .filter(|name| name.starts_with(PREFIX) || name == GIT_INDEX_FILE)
        .collect()
}

/// How the names of this program's own variables begin.
pub const PREFIX: &str = "EXAI_";

/// The process environment as text; values that are not Unicode are left out, because no setting can mean them.
#[must_use]
pub fn process() -> BTreeMap<String, String> {
    std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        .collect()
}
