//! What every request passes, whatever its path: the name it calls this machine by, and the page that it comes from.

use std::{any::Any, sync::Arc};

use axum::{
    extract::{Request, State},
    http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header, uri::Authority},
    middleware::Next,
    response::{IntoResponse as _, Response},
};
use url::{Host, Url};

use super::problem;

/// A longer `Origin` is none: a name of a host has at most 253 bytes. What is let through is repeated in the answer.
const LONGEST_ORIGIN: usize = 300;

/// Names and pages that are let through besides those of this machine. A page that resolves its own name to this machine (DNS
/// rebinding) is recognised by both.
#[derive(Debug, Clone, Default)]
pub struct Allowed {
    hosts: Arc<[String]>,
    origins: Arc<[String]>,
}

impl Allowed {
    /// These besides this machine's own: hosts as `name` or `name:port`, origins as `https://name` or `https://name:port`.
    #[must_use]
    pub fn new(hosts: Vec<String>, origins: Vec<String>) -> Self {
        let lower = |all: Vec<String>| all.into_iter().map(|one| one.trim().to_ascii_lowercase()).collect();
        Self { hosts: lower(hosts), origins: lower(origins) }
    }

    /// Every name that the request gives has to be allowed: proxies and servers do not agree on which of several counts.
    fn host(&self, headers: &HeaderMap, request: &Request) -> bool {
        let mut named = headers.get_all(header::HOST).iter();
        let (first, second) = (named.next(), named.next());
        // HTTP/2 has it in the address, and so may a request that is meant for a proxy.
        let address = request.uri().authority();
        if second.is_some() || (first.is_none() && address.is_none()) {
            return false;
        }
        let of_header = first.is_none_or(|named| named.to_str().is_ok_and(|named| self.name(named)));
        of_header && address.is_none_or(|address| self.name(address.as_str()))
    }

    fn name(&self, named: &str) -> bool {
        // Nearly every request, and none of what follows is needed for it.
        if is_plainly_this_machine(named) {
            return true;
        }
        let Ok(authority) = named.parse::<Authority>() else { return false };
        let whole = authority.as_str().to_ascii_lowercase();
        let name = authority.host().to_ascii_lowercase();
        // What is behind the host has to be a port, and nothing may be before it.
        let port = whole.strip_prefix(&name).map(|rest| rest.strip_prefix(':').unwrap_or(rest));
        let is_whole = port.is_some_and(|port| port.is_empty() && whole == name || is_port(port));
        is_whole && (is_this_machine(&name) || self.hosts.iter().any(|host| *host == whole || *host == name))
    }

    fn origin(&self, origin: &HeaderValue) -> bool {
        if origin.len() > LONGEST_ORIGIN {
            return false;
        }
        let Ok(origin) = origin.to_str() else { return false };
        let origin = origin.trim().to_ascii_lowercase();
        if self.origins.contains(&origin) {
            return true;
        }
        if !has_only_a_host(&origin) {
            return false;
        }
        let Ok(url) = Url::parse(&origin) else { return false };
        matches!(url.scheme(), "http" | "https") && url.host().is_some_and(|host| is_loopback(&host))
    }
}

/// Whether behind the scheme there is a host and perhaps a port, as browsers write an origin (RFC 6454, 7), and nothing else.
fn has_only_a_host(origin: &str) -> bool {
    let host = origin.split_once("://").map(|(_, host)| host);
    host.is_some_and(|host| host.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-.:[]".contains(&byte)))
}

/// A number from 1 to 65535.
fn is_port(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_digit()) && text.parse::<u16>().is_ok_and(|port| port > 0)
}

fn is_plainly_this_machine(named: &str) -> bool {
    let port = named.strip_prefix("127.0.0.1").or_else(|| named.strip_prefix("localhost"));
    port.is_some_and(|port| port.is_empty() || port.strip_prefix(':').is_some_and(is_port))
}

fn is_this_machine(name: &str) -> bool {
    let bare = name.trim_start_matches('[').trim_end_matches(']');
    name == "localhost"
        || bare.parse::<std::net::IpAddr>().is_ok_and(|address| address.to_canonical().is_loopback())
}

fn is_loopback(host: &Host<&str>) -> bool {
    match host {
        Host::Domain(name) => *name == "localhost",
        Host::Ipv4(address) => address.is_loopback(),
        Host::Ipv6(address) => address.is_loopback(),
    }
}

/// Headers of a protocol that a page may use besides those of HTTP and of the server itself.
#[derive(Debug, Clone, Default)]
pub struct PageHeaders {
    /// Those that it may send.
    pub request: Vec<HeaderName>,
    /// Those that it may read.
    pub response: Vec<HeaderName>,
}

/// What every request is compared with.
#[derive(Debug, Clone)]
pub(super) struct Guard(Arc<Rules>);

#[derive(Debug)]
struct Rules {
    allowed: Allowed,
    request_headers: HeaderValue,
    response_headers: HeaderValue,
}

impl Guard {
    pub(super) fn new(allowed: Allowed, of_protocols: &[PageHeaders]) -> Self {
        // A list of names is always a value: they consist of visible ASCII.
        let list = |names: Vec<&str>| {
            HeaderValue::from_str(&names.join(", ")).unwrap_or_else(|_| HeaderValue::from_static(""))
        };
        let added = of_protocols.iter().flat_map(|headers| &headers.request).map(HeaderName::as_str);
        let common = ["authorization", "content-type", "accept", "last-event-id"].into_iter();
        let request = common.chain(added).chain(["x-api-key"]).collect();
        let added = of_protocols.iter().flat_map(|headers| &headers.response).map(HeaderName::as_str);
        let response = added.chain(["retry-after", "www-authenticate"]).collect();
        Self(Arc::new(Rules { allowed, request_headers: list(request), response_headers: list(response) }))
    }
}

/// Checks host and origin and answers the questions of browsers. tower-http's layer for CORS would answer every `OPTIONS` itself, with
/// 200 where browsers get 204 here, and name two further headers in `Vary`.
pub(super) async fn check(State(Guard(rules)): State<Guard>, request: Request, next: Next) -> Response {
    if !rules.allowed.host(request.headers(), &request) {
        let text = "this host name is not served; set serve.hosts (EXAI_ALLOWED_HOSTS) to let it through";
        return problem(StatusCode::FORBIDDEN, "host_not_allowed", text);
    }
    let Some(origin) = request.headers().get(header::ORIGIN).cloned() else {
        return next.run(request).await;
    };
    if !rules.allowed.origin(&origin) {
        let text = "pages of this origin are not let through; set serve.origins (EXAI_ALLOWED_ORIGINS)";
        return problem(StatusCode::FORBIDDEN, "origin_not_allowed", text);
    }
    let asks_first = request.method() == Method::OPTIONS
        && request.headers().contains_key(header::ACCESS_CONTROL_REQUEST_METHOD);
    let mut response =
        if asks_first { StatusCode::NO_CONTENT.into_response() } else { next.run(request).await };
    let headers = response.headers_mut();
    headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
    headers.append(header::VARY, HeaderValue::from_static("origin"));
    if asks_first {
        headers.insert(
            header::ACCESS_CONTROL_ALLOW_METHODS,
            HeaderValue::from_static("GET, POST, DELETE, OPTIONS"),
        );
        headers.insert(header::ACCESS_CONTROL_ALLOW_HEADERS, rules.request_headers.clone());
        headers.insert(header::ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static("600"));
    } else {
        headers.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, rules.response_headers.clone());
    }
    response
}

/// The answer for a handler that panicked; the connection and the others go on.
pub(super) fn panicked(panic: Box<dyn Any + Send>) -> Response {
    let said = match panic.downcast::<String>() {
        Ok(text) => *text,
        Err(other) => other.downcast_ref::<&str>().copied().unwrap_or("no text").to_owned(),
    };
    tracing::error!(panic = said, "a request broke its handler");
    let text = "internal error; the server goes on";
    problem(StatusCode::INTERNAL_SERVER_ERROR, "internal", text)
}
