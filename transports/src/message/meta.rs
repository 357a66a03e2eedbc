//! What a client says about its request: `_meta`.

use rmcp::model::{ClientRequest, GetMeta as _, ProgressToken, RequestMetaObject};
use serde::Deserialize;
use serde_json::value::RawValue;

/// The longest progress token, in bytes. Each progress notification of a call repeats it.
const LONGEST_TOKEN: usize = 1024;

/// What a key of the protocol must hold, and whether it does.
type Rule = (&'static str, &'static str, fn(&RequestMetaObject) -> bool);

const RULES: [Rule; 5] = [
    ("progressToken", "a string or an integer", |meta| meta.get_progress_token().is_some()),
    ("io.modelcontextprotocol/protocolVersion", "a string", |meta| meta.protocol_version().is_some()),
    ("io.modelcontextprotocol/clientInfo", "an object with the strings `name` and `version`", |meta| {
        meta.client_info().is_some()
    }),
    ("io.modelcontextprotocol/clientCapabilities", "an object of capabilities", |meta| {
        meta.client_capabilities().is_some()
    }),
    ("io.modelcontextprotocol/logLevel", "a log level", |meta| meta.log_level().is_some()),
];

/// What the SDK would read as absent because it is of a wrong type, and what is too long. `null` is absent.
pub(super) fn check(request: &ClientRequest) -> Result<(), String> {
    let meta = request.get_meta();
    for (key, expected, holds) in RULES {
        if meta.get(key).is_some_and(|value| !value.is_null()) && !holds(meta) {
            return Err(format!("_meta.{key}: expected {expected}"));
        }
    }
    if let Some(ProgressToken(rmcp::model::NumberOrString::String(token))) = meta.get_progress_token()
        && token.len() > LONGEST_TOKEN
    {
        let length = token.len();
        return Err(format!("_meta.progressToken: has {length} bytes, at most {LONGEST_TOKEN} are accepted"));
    }
    Ok(())
}

/// What is wrong with parameters that the SDK does not read at all because of their `_meta`.
pub(super) fn fault(params: &str) -> Option<&'static str> {
    #[derive(Deserialize)]
    struct WithMeta<'a> {
        #[serde(borrow, rename = "_meta")]
        meta: Option<&'a RawValue>,
    }
    match serde_json::from_str::<WithMeta<'_>>(params) {
        Ok(WithMeta { meta: Some(meta) }) => {
            (!meta.get().starts_with('{')).then_some("_meta: expected an object")
        }
        Ok(_) => None,
        Err(_) => Some("_meta: may be there once only"),
    }
}
