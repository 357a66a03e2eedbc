//! Recognises a failure that arrives as if all were well: within an HTTP 200, or in the middle of a stream.

use serde_json::{Map, Value};

use super::body::{ErrorBody, said, says_something, word};

/// Fields that hold nothing but failures.
const FAILURES: [&str; 14] = [
    "error",
    "errors",
    "err",
    "fault",
    "exception",
    "error_msg",
    "error_message",
    "errorMessage",
    "err_msg",
    "errmsg",
    "error_code",
    "errorCode",
    "errcode",
    "err_code",
];
/// Fields that name what an object is, or how it went.
const NAMES: [&str; 5] = ["type", "object", "event", "status", "state"];
/// Fields that may hold an HTTP status.
const STATUSES: [&str; 6] = ["status", "statusCode", "status_code", "http_status", "httpStatus", "code"];
/// Fields that say with `false` that something failed.
const SUCCESSES: [&str; 2] = ["success", "ok"];
/// Fields of an answer, in any format. An object with one of them is more than the text of an error.
const PARTS: [&str; 14] = [
    "choices",
    "candidates",
    "content",
    "output",
    "delta",
    "response",
    "item",
    "part",
    "content_block",
    "usage",
    "usageMetadata",
    "promptFeedback",
    "data",
    "models",
];
/// Fields in which some gateways wrap the reply of the server behind them.
const WRAPS: [&str; 4] = ["data", "result", "body", "response"];
/// Codes of success.
const FINE: [&str; 6] = ["0", "200", "ok", "success", "succeeded", "none"];
/// Words that only a failure has, in a line that is no JSON.
const FAILING: [&str; 40] = [
    "error",
    "fail",
    "exception",
    "unavailable",
    "timeout",
    "timed out",
    "too many",
    "bad gateway",
    "bad request",
    "unauthorized",
    "forbidden",
    "not found",
    "not allowed",
    "denied",
    "overload",
    "busy",
    "limit",
    "quota",
    "refused",
    "rejected",
    "reset by",
    "abort",
    "cancel",
    "terminated",
    "killed",
    "invalid",
    "crash",
    "out of memory",
    "traceback",
    "panic",
    "unable to",
    "cannot",
    "could not",
    "can't",
    "couldn't",
    "not supported",
    "unsupported",
    "expired",
    "insufficient",
    "went wrong",
];

/// The failure that an answer reports although its status says that all is well. `name` is the name that the stream gave the event.
pub(crate) fn hidden_error(name: Option<&str>, answer: &Value) -> Option<ErrorBody> {
    let (answer, is_alone) = match answer {
        Value::Array(items) => (items.first()?, false),
        other => (other, true),
    };
    let fields = answer.as_object()?;
    let is_failure = name.is_some_and(means_failure)
        || reports(fields)
        || (is_alone && name.is_none_or(is_usual_name) && only_complains(fields));
    if is_failure {
        return Some(ErrorBody::from_json(answer));
    }
    let wrapped = WRAPS.iter().filter_map(|name| fields.get(*name));
    wrapped.filter(|inner| inner.as_object().is_some_and(reports)).map(ErrorBody::from_json).next()
}

/// Whether a line that is no JSON speaks of a failure.
pub(crate) fn speaks_of_failure(text: &str) -> bool {
    let text = text.to_lowercase();
    let begins_with_status = text
        .split_once(|letter: char| !letter.is_ascii_digit())
        .map_or(text.as_str(), |(digits, _)| digits)
        .parse()
        .is_ok_and(is_failed_status);
    begins_with_status || FAILING.iter().any(|word| text.contains(word))
}

/// Whether the name of an event or of an object is that of a failure.
pub(crate) fn means_failure(name: &str) -> bool {
    let name = name.trim().to_ascii_lowercase();
    ["error", "exception", "fault"].iter().any(|end| name.ends_with(end))
        || matches!(name.as_str(), "fail" | "failed" | "failure" | "aborted" | "timeout" | "errored")
}

/// Whether a field says that something failed, whatever stands beside it.
fn reports(fields: &Map<String, Value>) -> bool {
    let text = |name: &str| fields.get(name).and_then(Value::as_str);
    let is_false = |name: &&str| fields.get(*name).and_then(Value::as_bool) == Some(false);
    let status = |name: &&str| word(fields.get(*name)).and_then(|word| word.trim().parse().ok());
    FAILURES
        .iter()
        .any(|name| fields.get(*name).is_some_and(|value| says_something(value) && !is_fine(value)))
        || SUCCESSES.iter().any(is_false)
        || NAMES.iter().any(|name| text(name).is_some_and(means_failure))
        || STATUSES.iter().any(|name| status(name).is_some_and(is_failed_status))
        || fields
            .get("base_resp")
            .and_then(|base| base.get("status_code"))
            .is_some_and(|code| !code.is_null() && !is_fine(code))
}

/// Whether an object has nothing but words, or a code, for its reader: no part of an answer, and no name of its own.
fn only_complains(fields: &Map<String, Value>) -> bool {
    let has = |name: &&str| fields.get(*name).is_some_and(says_something);
    let is_fine_code =
        |name: &str| fields.get(name).is_none_or(|code| !says_something(code) || is_fine(code));
    let says_success = SUCCESSES.iter().any(|name| fields.get(*name).and_then(Value::as_bool) == Some(true));
    if says_success || PARTS.iter().any(has) || ["type", "object", "event"].iter().any(has) {
        return false;
    }
    !is_fine_code("code") || said(fields).is_some()
}

fn is_usual_name(name: &str) -> bool {
    matches!(name.trim(), "" | "message" | "data")
}

fn is_fine(code: &Value) -> bool {
    word(Some(code)).is_some_and(|word| FINE.contains(&word.trim().to_ascii_lowercase().as_str()))
}

fn is_failed_status(status: u16) -> bool {
    (400..600).contains(&status)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn failures_hide_in_success() {
        for body in [
            json!({"code": 500, "msg": "no", "success": false}),
            json!({"error_code": 1, "error_msg": "no"}),
            json!({"errors": ["no"]}),
            json!({"detail": "no"}),
            json!({"code": 500, "message": "no"}),
            json!({"code": "InvalidParameter", "message": "no", "request_id": "r"}),
            json!({"code": 20_012, "message": "no", "data": null}),
            json!({"status": "error", "message": "no"}),
            json!({"status": "FAILED", "reason": "no"}),
            json!({"statusCode": 503, "message": "no", "choices": [{"delta": {}}]}),
            json!({"status": "502", "statusText": "no"}),
            json!({"fault": {"faultstring": "no", "detail": {"errorcode": "x"}}}),
            json!({"err": "no"}),
            json!({"err": {"msg": "no"}, "choices": []}),
            json!({"exception": {"message": "no"}}),
            json!({"errorMessage": "no", "errorType": "Runtime.ExitError"}),
            json!({"ok": false, "description": "x", "message": "no"}),
            json!({"type": "overloaded_error", "message": "no"}),
            json!({"type": "InternalServerException", "message": "no"}),
            json!({"type": "about:blank", "title": "no", "status": 429}),
            json!({"object": "error", "message": "no", "usage": {"prompt_tokens": 1}}),
            json!({"message": "no", "id": "7"}),
            json!({"data": {"error": {"message": "no"}}}),
            json!({"response": {"status": "failed", "error": {"message": "no"}}}),
        ] {
            assert_eq!(
                hidden_error(None, &body).and_then(|body| body.message).as_deref(),
                Some("no"),
                "{body}"
            );
        }
        let limited = hidden_error(None, &json!({"title": "slow", "status": 429})).unwrap();
        assert_eq!(limited.code.as_deref(), Some("429"), "the kind follows from the status");
    }

    #[test]
    fn what_reports_no_failure_passes() {
        for fine in [
            json!({"success": true}),
            json!({"success": true, "message": "done"}),
            json!({"errors": [], "error": null}),
            json!({"error_msg": ""}),
            json!({"error": {"code": null, "message": null, "details": [{"a": ""}]}}),
            json!({"error": {}, "err": 0, "error_code": 0, "code": 0, "message": ""}),
            json!({"error": "ok", "code": "200"}),
            json!({"type": "ping"}),
            json!({"type": "progress", "message": "the search has begun"}),
            json!({"type": "response.mcp_call.failed", "item_id": "x"}),
            json!({"choices": [], "usage": {"total_tokens": 500}}),
            json!({"choices": [], "prompt_filter_results": [{"error": 0}]}),
            json!({"choices": [{"delta": {"content": "error"}}], "message": "x", "code": 0}),
            json!({"candidates": [{"content": {}}], "responseId": "500"}),
            json!([{"id": "m", "title": "A model of a list"}]),
            json!({"data": [{"id": "error"}], "message": "ok"}),
            json!({"message": {"content": "hello"}}),
            json!({}),
            json!([]),
            json!(null),
        ] {
            assert_eq!(hidden_error(None, &fine), None, "{fine}");
        }
    }

    #[test]
    fn an_events_name_counts() {
        let words = json!({"message": "x"});
        for (name, is_failure) in [
            (None, true),
            (Some("message"), true),
            (Some("error"), true),
            (Some("response.error"), true),
            (Some(" Exception"), true),
            (Some("failed"), true),
            (Some("progress"), false),
            (Some("ping"), false),
        ] {
            assert_eq!(hidden_error(name, &words).is_some(), is_failure, "{name:?}");
        }
    }

    #[test]
    fn lines_that_speak_of_failures() {
        for line in [
            "Internal Server Error",
            "502 Bad Gateway",
            "429",
            "upstream request timeout",
            "Too Many Requests",
            "Service Unavailable",
            "stream terminated",
            "CUDA out of memory",
            "Worker was killed",
        ] {
            assert!(speaks_of_failure(line), "{line}");
        }
        for line in ["ping", "still here", "keep-alive", "heartbeat 17", "200", "OPENROUTER PROCESSING", "4"]
        {
            assert!(!speaks_of_failure(line), "{line}");
        }
    }
}
