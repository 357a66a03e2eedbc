//! One sentence for the caller: what happened, what to do, and what the vendor said.

use std::time::Duration;

use exai_core::Kind;

use crate::{classify::Failure, origin::Origin, unreached::PROXY_WANTS_PASSWORD};

/// What stands behind the name of a key that is not set.
const NOT_SET: &str = " (not set)";

pub(super) fn message(origin: &Origin, kind: Kind, failure: &Failure<'_>, wait: Option<Duration>) -> String {
    let key = &origin.key_origin;
    let sends_key = origin.key.is_some();
    let status = failure.status.map(|status| format!(" (HTTP {status})")).unwrap_or_default();
    let mut text = match kind {
        Kind::Auth if !sends_key => {
            format!("no key was sent, and one is wanted{status}: {}", where_to_set(key))
        }
        Kind::Quota if !sends_key => {
            format!(
                "a balance or plan limit is used up{status}; top it up or choose a model of another provider"
            )
        }
        Kind::Auth => format!("the key in {key} was refused{status}; check it and what it may be used for"),
        Kind::Quota => format!(
            "the balance or plan limit behind {key} is used up{status}; top it up or choose a model of another provider"
        ),
        Kind::RateLimited => match wait {
            Some(wait) => {
                format!("too many requests{status}; wait {:.1} s and try again", wait.as_secs_f64())
            }
            None => format!("too many requests{status}; wait a moment and try again"),
        },
        Kind::Unavailable => {
            format!("the service is overloaded or failed{status}; try again or choose another model")
        }
        Kind::ModelNotFound => format!(
            "the model `{}` does not exist here or is not open to this key{status}; list the models and choose another",
            failure.model.unwrap_or("?")
        ),
        Kind::ContextTooLong => format!(
            "the request does not fit the model's context window{status}; send less or choose a model with a larger window"
        ),
        Kind::ContentFiltered => format!("the content filter stopped the request{status}; reword it"),
        Kind::Unreachable => PROXY_WANTS_PASSWORD.to_owned(),
        _ => rejected(failure, &status),
    };
    if failure.body.is_page {
        text.push_str("; the answer was a web page, so check the base URL and any proxy");
    }
    if let Some(said) = &failure.body.message {
        text.push_str(": ");
        text.push_str(said);
    }
    text
}

/// Where the key belongs that is not there.
fn where_to_set(origin: &str) -> String {
    let name = origin.trim_end_matches(NOT_SET).trim_start_matches("environment ");
    let is_variable = name.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_');
    if is_variable && !name.is_empty() {
        format!("set {name}")
    } else {
        "name the variable that holds it in the endpoint's api_key_env".to_owned()
    }
}

fn rejected(failure: &Failure<'_>, status: &str) -> String {
    match (failure.status, &failure.body.param) {
        (Some(300..=399), _) => {
            format!("the address answered with a redirect{status}; set the base URL to the final address")
        }
        (Some(404 | 405), _) => {
            format!("there is no chat interface at this address{status}; check the base URL")
        }
        (_, Some(param)) => format!(
            "the request was refused because of `{param}`{status}; the same request will be refused again"
        ),
        _ => format!("the request was refused{status}; the same request will be refused again"),
    }
}
