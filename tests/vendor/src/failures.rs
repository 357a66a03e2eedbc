//! The failures that vendors document, ready to script.
//!
//! Shapes are from the vendors' public error references: OpenAI "Error codes", Z.AI "Error codes" (`api-code`),
//! MiniMax "Error codes" (`errorcode`).

use serde_json::json;

use crate::Answer;

impl Answer {
    /// An error in OpenAI's shape: `{"error": {"message", "type", "param", "code"}}`.
    #[must_use]
    pub fn error(status: u16, kind: &str, code: &str, message: &str) -> Self {
        let body = json!({"error": {"message": message, "type": kind, "param": null, "code": code}});
        Self::json(status, &body)
    }

    /// 401: the key is wrong.
    #[must_use]
    pub fn invalid_key() -> Self {
        Self::error(401, "invalid_request_error", "invalid_api_key", "Incorrect API key provided: sk-mock.")
    }

    /// 429 that passes with time; `retry_after` is the header's value: seconds or an HTTP date.
    #[must_use]
    pub fn rate_limited(retry_after: &str) -> Self {
        let message = "Rate limit reached for requests per minute.";
        Self::error(429, "requests", "rate_limit_exceeded", message).header("retry-after", retry_after)
    }

    /// 429 that does not pass: there is no money left.
    #[must_use]
    pub fn quota_exhausted() -> Self {
        let message = "You exceeded your current quota, please check your plan and billing details.";
        Self::error(429, "insufficient_quota", "insufficient_quota", message)
    }

    /// 400: the prompt does not fit the model's window.
    #[must_use]
    pub fn context_too_long() -> Self {
        let message = "This model's maximum context length is 8192 tokens. However, your messages resulted in 9000 \
                       tokens. Please reduce the length of the messages.";
        Self::error(400, "invalid_request_error", "context_length_exceeded", message)
    }

    /// 400: this field is not known, or not for this model.
    #[must_use]
    pub fn unsupported(field: &str) -> Self {
        let message = format!("Unsupported parameter: '{field}' is not supported with this model.");
        let error = json!({"message": message, "type": "invalid_request_error", "param": field, "code": "unsupported_parameter"});
        Self::json(400, &json!({"error": error}))
    }

    /// 404: no such model for this key.
    #[must_use]
    pub fn model_not_found(model: &str) -> Self {
        let message = format!("The model `{model}` does not exist or you do not have access to it.");
        Self::error(404, "invalid_request_error", "model_not_found", &message)
    }

    /// 500.
    #[must_use]
    pub fn server_error() -> Self {
        let message = "The server had an error while processing your request.";
        Self::error(500, "server_error", "server_error", message)
    }

    /// 503: too busy for now.
    #[must_use]
    pub fn overloaded() -> Self {
        let message = "The engine is currently overloaded, please try again later.";
        Self::error(503, "service_unavailable_error", "server_is_overloaded", message)
    }

    /// A GLM error: the code is a number in a string, and the same status can mean pace or money.
    ///
    /// `1113` with 429 is an empty balance, `1302` with 429 is too many requests at once.
    #[must_use]
    pub fn glm_error(status: u16, code: &str, message: &str) -> Self {
        Self::json(status, &json!({"error": {"code": code, "message": message}}))
    }

    /// A MiniMax error: status 200 with a `base_resp` code other than 0; `1008` is an empty balance.
    #[must_use]
    pub fn minimax_error(code: u32, message: &str) -> Self {
        Self::json(200, &json!({"choices": null, "base_resp": {"status_code": code, "status_msg": message}}))
    }

    /// 407 of a proxy that wants a user and a password; what it answers to `CONNECT`, too.
    #[must_use]
    pub fn proxy_wants_password() -> Self {
        let page = "<html><head><title>407 Proxy Authentication Required</title></head></html>";
        Self::whole(407, "text/html", page).header("proxy-authenticate", "Basic realm=\"proxy\"")
    }

    /// 502 with a page of HTML from a proxy in front of the vendor.
    #[must_use]
    pub fn proxy_page() -> Self {
        let page = "<html>\r\n<head><title>502 Bad Gateway</title></head>\r\n<body>\r\n\
                    <center><h1>502 Bad Gateway</h1></center>\r\n</body>\r\n</html>\r\n";
        Self::whole(502, "text/html", page)
    }
}
