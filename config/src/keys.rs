//! Every setting: where it may come from, its default, what it means.

use super::{
    env,
    key::{Key, key, secret},
};

/// Model for calls that name none.
pub static DEFAULT_MODEL: Key = key(
    "default_model",
    &[env::EXAI_DEFAULT_MODEL, "DEFAULT_MODEL"],
    "auto",
    "Model for calls that name none: a name, provider/name, or auto for the default of the first configured provider",
);
/// Language of answers.
pub static LOCALE: Key = key(
    "locale",
    &[env::EXAI_LOCALE, "LOCALE"],
    "",
    "Language of the experts' answers, such as German or de-DE",
);
/// A user's own system prompts.
pub static PROMPTS_DIR: Key = key(
    "prompts_dir",
    &[env::EXAI_PROMPTS_DIR],
    "",
    "Folder with system prompts of your own; when empty, the folder prompts next to config.toml",
);
/// Which tools are shown.
pub static TOOL_PROFILE: Key = key(
    "tool_profile",
    &[env::EXAI_TOOL_PROFILE, "TOOL_PROFILE"],
    "standard",
    "Tools that clients are shown: lite, standard or full",
);
/// Single tools instead of a profile.
pub static ENABLED_TOOLS: Key = key(
    "enabled_tools",
    &[env::EXAI_ENABLED_TOOLS, "ENABLED_TOOLS"],
    "",
    "Names of the tools to show instead of a profile, separated by commas",
);
/// Tools that are taken away.
pub static DISABLED_TOOLS: Key = key(
    "disabled_tools",
    &[env::EXAI_DISABLED_TOOLS, "DISABLED_TOOLS"],
    "",
    "Names of tools that are never shown, separated by commas",
);
/// Folders that may be read.
pub static ROOTS: Key = key(
    "roots",
    &[env::EXAI_ROOTS],
    "",
    "Folders that may be read besides the project, separated like PATH in the environment",
);
/// What is logged.
pub static LOG_FILTER: Key =
    key("log.filter", &[env::EXAI_LOG, "LOG_LEVEL"], "warn,exai=info", "What is logged to stderr");
/// How it is logged.
pub static LOG_FORMAT: Key = key(
    "log.format",
    &[env::EXAI_LOG_FORMAT],
    "auto",
    "text, json, or auto: text on a terminal, json otherwise",
);
/// Folder of the database.
pub static DATA_DIR: Key = key(
    "store.dir",
    &[env::EXAI_DATA_DIR],
    "",
    "Folder of the database; the platform's data folder when empty",
);
/// Durability.
pub static STORE_SYNC: Key = key(
    "store.sync",
    &[env::EXAI_STORE_SYNC],
    "normal",
    "normal survives a crash of the process, full also a power loss",
);
/// Seconds for a whole call.
pub static CALL_SECONDS: Key =
    key("limits.call_seconds", &[env::EXAI_CALL_SECONDS], "900", "The longest a call may take");
/// Seconds for one model of a consensus.
pub static CONSENSUS_SECONDS: Key = key(
    "limits.consensus_seconds",
    &[env::EXAI_CONSENSUS_SECONDS],
    "300",
    "The longest one model of a consensus may take",
);
/// Seconds for an agent of clink.
pub static CLINK_SECONDS: Key =
    key("limits.clink_seconds", &[env::EXAI_CLINK_SECONDS], "900", "The longest an agent of clink may take");
/// Seconds to connect.
pub static CONNECT_SECONDS: Key =
    key("limits.connect_seconds", &[env::EXAI_CONNECT_SECONDS], "10", "To connect to a provider");
/// Seconds until the first byte.
pub static FIRST_BYTE_SECONDS: Key =
    key("limits.first_byte_seconds", &[env::EXAI_FIRST_BYTE_SECONDS], "300", "Until a provider's first byte");
/// Seconds of silence.
pub static IDLE_SECONDS: Key =
    key("limits.idle_seconds", &[env::EXAI_IDLE_SECONDS], "300", "Of silence within an answer");
/// Seconds for one run of git.
pub static GIT_SECONDS: Key =
    key("limits.git_seconds", &[env::EXAI_GIT_SECONDS], "30", "The longest that one run of git may take");
/// Seconds for a permit.
pub static PERMIT_WAIT_SECONDS: Key = key(
    "limits.permit_wait_seconds",
    &[env::EXAI_PERMIT_WAIT_SECONDS],
    "30",
    "That an attempt waits for its turn before over_capacity",
);
/// Upstream attempts at once.
pub static UPSTREAM_LIMIT: Key =
    key("limits.upstream", &[env::EXAI_UPSTREAM_LIMIT], "24", "Attempts at providers at once");
/// For GLM.
pub static GLM_LIMIT: Key = key("limits.glm", &[env::EXAI_GLM_LIMIT], "4", "Attempts at GLM at once");
/// For Kimi.
pub static KIMI_LIMIT: Key = key("limits.kimi", &[env::EXAI_KIMI_LIMIT], "6", "Attempts at Kimi at once");
/// Client requests in flight.
pub static IN_FLIGHT_LIMIT: Key = key(
    "limits.in_flight",
    &[env::EXAI_IN_FLIGHT_LIMIT],
    "256",
    "Calls that ask models at once; more wait for their turn",
);
/// Calls of one session that ask models.
pub static SESSION_LIMIT: Key = key(
    "limits.session",
    &[env::EXAI_SESSION_LIMIT],
    "8",
    "Calls of one session over the network that ask models at once; more wait for their turn",
);
/// The most tokens of one file.
pub static FILE_TOKENS: Key = key(
    "limits.file_tokens",
    &[env::EXAI_FILE_TOKENS],
    "0",
    "The most tokens of one file in a prompt; 0 lets it take what the model's window allows",
);
/// The longest answer.
pub static ANSWER_CHARS: Key = key(
    "answers.max_chars",
    &[env::EXAI_ANSWER_CHARS],
    "",
    "The most characters of an answer, at least 1,500; by the client when empty, any number when 0",
);
/// Attempts after the first.
pub static RETRIES: Key = key("limits.retries", &[env::EXAI_RETRIES], "2", "Attempts after the first");
/// Order of those that may answer.
pub static ROUTING_STRATEGY: Key = key(
    "routing.strategy",
    &[env::EXAI_ROUTING_STRATEGY],
    "listed",
    "Who answers a call that names no model: listed, quality, performance, load, round_robin or cost",
);
/// Whether the server chooses.
pub static ROUTING_ENABLED: Key = key(
    "routing.enabled",
    &[env::EXAI_ROUTING_ENABLED, "ROUTER_ENABLED"],
    "true",
    "false: a call that names no model always goes to default_model, or else to the first provider's, and to no other model",
);
/// The model that picks models.
pub static ROUTING_SELECTOR: Key = key(
    "routing.selector",
    &[env::EXAI_ROUTING_SELECTOR],
    "",
    "A small model that picks among those that may answer, such as glm/glm-5.3-flash; it is asked once for a class of calls",
);
/// Whether another model is asked.
pub static ROUTING_FALLBACK: Key = key(
    "routing.fallback",
    &[env::EXAI_ROUTING_FALLBACK],
    "true",
    "false: no other model is asked when the one that the server chose is not available",
);
/// Second requests.
pub static ROUTING_HEDGE: Key = key(
    "routing.hedge",
    &[env::EXAI_ROUTING_HEDGE],
    "false",
    "true: when a request takes unusually long, a second one is sent, which costs money",
);
/// Where the HTTP server listens.
pub static SERVE_LISTEN: Key = key(
    "serve.listen",
    &[env::EXAI_LISTEN],
    "127.0.0.1:3010",
    "Where `exai-mcp serve` listens: HOST:PORT or unix:PATH; other machines reach it only when there is a key",
);
/// The key of the HTTP server.
pub static SERVE_TOKEN: Key = secret(
    "serve.token",
    &[env::EXAI_TOKEN],
    "The key that clients of `exai-mcp serve` must show; without one every program on this machine may connect",
);
/// The certificate of the HTTP server.
pub static SERVE_TLS_CERT: Key = key(
    "serve.tls_cert",
    &[env::EXAI_TLS_CERT],
    "",
    "PEM file with the certificate chain that serve shows; read again when it changes",
);
/// The key of that certificate.
pub static SERVE_TLS_KEY: Key =
    key("serve.tls_key", &[env::EXAI_TLS_KEY], "", "PEM file with the key of that certificate");
/// Names of this machine.
pub static SERVE_HOSTS: Key = key(
    "serve.hosts",
    &[env::EXAI_ALLOWED_HOSTS],
    "",
    "Host names besides this machine's own under which it may be called, separated by commas",
);
/// Pages that may call.
pub static SERVE_ORIGINS: Key = key(
    "serve.origins",
    &[env::EXAI_ALLOWED_ORIGINS],
    "",
    "Origins of web pages that may call, such as https://app.example.com, separated by commas; pages of this machine always may",
);
/// Sessions at once.
pub static SERVE_SESSIONS: Key = key(
    "serve.sessions",
    &[env::EXAI_SESSIONS_LIMIT],
    "1000",
    "Sessions at once of clients that need one. 0: each request stands alone, for several servers behind a proxy",
);
/// Sessions at once of one client.
pub static SERVE_CLIENT_SESSIONS: Key =
    key("serve.client_sessions", &[env::EXAI_CLIENT_SESSIONS], "100", "Sessions at once of one client");
/// Calls a second.
pub static SERVE_RATE: Key = key(
    "serve.rate",
    &[env::EXAI_RATE],
    "50",
    "Calls a second over the network of all clients together; 0 means no bound",
);
/// Calls a second of one client.
pub static SERVE_CLIENT_RATE: Key = key(
    "serve.client_rate",
    &[env::EXAI_CLIENT_RATE],
    "20",
    "Calls a second over the network of one client, whatever its door or session; 0 means no bound",
);
/// The size of a message.
pub static SERVE_MESSAGE_MEGABYTES: Key = key(
    "serve.message_megabytes",
    &[env::EXAI_MESSAGE_MEGABYTES],
    "4",
    "The most megabytes of one message over HTTP, WebSocket and SSE; 64 KB on a WebSocket that has shown no key yet",
);
/// What the end of a connection means.
pub static SERVE_ON_DISCONNECT: Key = key(
    "serve.on_disconnect",
    &[env::EXAI_ON_DISCONNECT],
    "finish",
    "What happens to a call over the network whose client goes away: finish (its answer is kept) or cancel",
);
/// Time for the end.
pub static SERVE_DRAIN_SECONDS: Key = key(
    "serve.drain_seconds",
    &[env::EXAI_DRAIN_SECONDS],
    "30",
    "How long calls may take to finish once the server was told to end",
);
/// Models that may be asked.
pub static MODELS_ALLOW: Key = key(
    "models.allow",
    &[env::EXAI_MODELS_ALLOW, "ALLOWED_MODELS"],
    "",
    "Patterns of models that may be asked, separated by commas, such as glm/*; all when empty",
);
/// Models that are not asked.
pub static MODELS_DENY: Key = key(
    "models.deny",
    &[env::EXAI_MODELS_DENY, "DENIED_MODELS"],
    "",
    "Patterns of models that are never asked, such as */*-pro",
);
/// Failures that open a breaker.
pub static BREAKER_FAILURES: Key = key(
    "breaker.failures",
    &[env::EXAI_BREAKER_FAILURES],
    "5",
    "Failures in a row after which a model is left alone",
);
/// How long it stays open.
pub static BREAKER_SECONDS: Key = key(
    "breaker.seconds",
    &[env::EXAI_BREAKER_SECONDS],
    "30",
    "How long it is left alone before one call tries",
);
/// The most that one run may cost.
pub static BUDGET_CALL: Key =
    key("budget.call_usd", &[env::EXAI_BUDGET_CALL_USD], "", "The most that one run may cost, in US dollars");
/// The most that a day may cost.
pub static BUDGET_DAY: Key =
    key("budget.day_usd", &[env::EXAI_BUDGET_DAY_USD], "", "The most that the runs of one day may cost");
/// The most that a day of all users may cost.
pub static BUDGET_SERVER_DAY: Key = key(
    "budget.server_day_usd",
    &[env::EXAI_BUDGET_SERVER_DAY_USD],
    "",
    "The most that the runs of one day may cost, of all users of the database together",
);
/// The most that a thread may cost.
pub static BUDGET_THREAD: Key =
    key("budget.thread_usd", &[env::EXAI_BUDGET_THREAD_USD], "", "The most that one thread may cost");
/// Cache lifetime.
pub static CACHE_SECONDS: Key = key(
    "cache.seconds",
    &[env::EXAI_CACHE_SECONDS],
    "600",
    "How long an answer may be given again; 0 switches the cache off",
);
/// Cache size.
pub static CACHE_MEGABYTES: Key =
    key("cache.megabytes", &[env::EXAI_CACHE_MEGABYTES], "64", "The most memory for cached answers");
/// The custom endpoint's address.
pub static CUSTOM_URL: Key =
    key("custom.base_url", &[env::CUSTOM_API_URL], "", "Address of any OpenAI-compatible endpoint");
/// The custom endpoint's key.
pub static CUSTOM_KEY: Key =
    secret("custom.api_key", &[env::CUSTOM_API_KEY], "Key of that endpoint, if it wants one");
/// The custom endpoint's model.
pub static CUSTOM_MODEL: Key = key("custom.model", &[env::CUSTOM_MODEL_NAME], "", "Model to use there");
/// The custom endpoint's models.
pub static CUSTOM_MODELS_FILE: Key = key(
    "custom.models_file",
    &[env::CUSTOM_MODELS_CONFIG_PATH],
    "",
    "JSON file with model_name, aliases and context_window of its models",
);

/// Unencrypted endpoints.
pub static ALLOW_HTTP: Key = key(
    "allow_http",
    &[env::EXAI_ALLOW_HTTP],
    "false",
    "true allows http:// to endpoints on other machines: keys, prompts and files are readable on the way",
);

/// Keys of an agent's own vendor.
pub static INHERITED_KEYS: Key = key(
    "inherited_keys",
    &[env::EXAI_INHERITED_KEYS],
    "false",
    "true uses a key of the vendor of the agent that starts the server like any other, also when it may be the agent's own",
);

/// What is asked first, and what concerns single tools.
static GENERAL: [&Key; 7] =
    [&DEFAULT_MODEL, &LOCALE, &PROMPTS_DIR, &TOOL_PROFILE, &ENABLED_TOOLS, &DISABLED_TOOLS, &ROOTS];
/// An endpoint of the user's own, storage, logs, limits.
static REST: [&Key; 54] = [
    &CUSTOM_URL,
    &CUSTOM_KEY,
    &CUSTOM_MODEL,
    &CUSTOM_MODELS_FILE,
    &ALLOW_HTTP,
    &INHERITED_KEYS,
    &DATA_DIR,
    &STORE_SYNC,
    &LOG_FILTER,
    &LOG_FORMAT,
    &CALL_SECONDS,
    &CONSENSUS_SECONDS,
    &CLINK_SECONDS,
    &CONNECT_SECONDS,
    &FIRST_BYTE_SECONDS,
    &IDLE_SECONDS,
    &GIT_SECONDS,
    &PERMIT_WAIT_SECONDS,
    &UPSTREAM_LIMIT,
    &GLM_LIMIT,
    &KIMI_LIMIT,
    &IN_FLIGHT_LIMIT,
    &SESSION_LIMIT,
    &FILE_TOKENS,
    &ANSWER_CHARS,
    &RETRIES,
    &ROUTING_ENABLED,
    &ROUTING_STRATEGY,
    &ROUTING_SELECTOR,
    &ROUTING_FALLBACK,
    &ROUTING_HEDGE,
    &MODELS_ALLOW,
    &MODELS_DENY,
    &BREAKER_FAILURES,
    &BREAKER_SECONDS,
    &BUDGET_CALL,
    &BUDGET_DAY,
    &BUDGET_SERVER_DAY,
    &BUDGET_THREAD,
    &CACHE_SECONDS,
    &CACHE_MEGABYTES,
    &SERVE_LISTEN,
    &SERVE_TOKEN,
    &SERVE_TLS_CERT,
    &SERVE_TLS_KEY,
    &SERVE_HOSTS,
    &SERVE_ORIGINS,
    &SERVE_SESSIONS,
    &SERVE_CLIENT_SESSIONS,
    &SERVE_RATE,
    &SERVE_CLIENT_RATE,
    &SERVE_MESSAGE_MEGABYTES,
    &SERVE_ON_DISCONNECT,
    &SERVE_DRAIN_SECONDS,
];

/// Every key, in the order in which they are shown.
pub fn all() -> impl Iterator<Item = &'static Key> {
    GENERAL.into_iter().chain(super::vendors::keys()).chain(REST)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_documented_settings_are_complete() {
        let page = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/configuration.md");
        let page = std::fs::read_to_string(page).unwrap();
        let rows: Vec<&str> =
            page.lines().skip_while(|line| !line.starts_with("| Name | Environment")).skip(2).collect();
        let end = rows.iter().position(|line| line.is_empty()).unwrap();
        let expected: Vec<String> = all().map(row).collect();
        assert_eq!(rows[..end].join("\n"), expected.join("\n"));
    }

    fn row(key: &Key) -> String {
        let code = |word: &&str| format!("`{word}`");
        let names: Vec<String> = key.env.iter().map(code).collect();
        let default = if key.default.is_empty() { " ".to_owned() } else { format!(" `{}` ", key.default) };
        format!("| `{}` | {} |{default}| {} |", key.path, names.join(", "), key.about)
    }
}
