//! Turns what people write as a base URL into the one that requests are built on.

use std::net::IpAddr;

use exai_core::ProviderId;
use url::{Host, Url};

use crate::{error::BuildError, vendor::Vendor};

/// Ends of addresses that people copy from examples.
const OPERATIONS: [&str; 3] = ["/chat/completions", "/completions", "/models"];

/// The address without a trailing slash, with a version in its path.
pub(crate) fn normalise(
    text: &str,
    vendor: &Vendor,
    id: &ProviderId,
    allow_insecure: bool,
) -> Result<Url, BuildError> {
    let refuse = |problem| BuildError::BaseUrl { id: id.clone(), problem };
    let mut url = Url::parse(text.trim())
        .map_err(|_| refuse("is not a URL; write it like https://api.example.com/v1"))?;
    match url.scheme() {
        "https" => {}
        "http" if allow_insecure || is_loopback(&url) => {}
        "http" => {
            return Err(refuse(
                "is not encrypted, so what is sent can be read on the way; use https, or set allow_http = true (EXAI_ALLOW_HTTP)",
            ));
        }
        _ => return Err(refuse("must begin with https:// or http://")),
    }
    if url.host().is_none() {
        return Err(refuse("names no host"));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(refuse("contains a user name or password; configure the key as a key"));
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err(refuse("has a part after `?` or `#`; leave it out"));
    }
    let mut path = url.path().trim_end_matches('/');
    for operation in OPERATIONS {
        path = path.strip_suffix(operation).unwrap_or(path);
    }
    let mut path = path.trim_end_matches('/').to_owned();
    if !path.split('/').any(is_version) {
        path.push_str(vendor.version_path);
    }
    url.set_path(&once_each(&path));
    Ok(url)
}

/// The path without a version that stands twice: it was added to an address that had it.
fn once_each(path: &str) -> String {
    let mut segments: Vec<&str> = path.split('/').collect();
    segments.dedup_by(|next, before| next == before && is_version(next));
    segments.join("/")
}

/// The address of an operation such as `chat/completions`.
pub(crate) fn operation(base: &Url, name: &str) -> Url {
    let mut url = base.clone();
    url.set_path(&format!("{}/{name}", base.path().trim_end_matches('/')));
    url
}

/// Whether the address is on this machine.
pub(crate) fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(ip)) => ip.is_loopback(),
        Some(Host::Ipv6(ip)) => IpAddr::V6(ip).to_canonical().is_loopback(),
        Some(Host::Domain(name)) => {
            let name = name.strip_suffix('.').unwrap_or(name);
            name == "localhost" || name.ends_with(".localhost")
        }
        None => false,
    }
}

/// `v1`, `v4`, `v1beta`.
fn is_version(segment: &str) -> bool {
    segment.strip_prefix('v').is_some_and(|rest| rest.starts_with(|first: char| first.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vendor::VendorKind;

    fn check(text: &str, vendor: VendorKind) -> Result<String, String> {
        normalise(text, vendor.facts(), &ProviderId::from("x"), false)
            .map(|url| operation(&url, "chat/completions").to_string())
            .map_err(|error| error.to_string())
    }

    #[test]
    fn people_write_bases_in_many_ways() {
        use VendorKind::{Custom, Glm, Kimi, OpenAi};
        for (text, vendor, path) in [
            ("https://api.openai.com/v1", OpenAi, "https://api.openai.com/v1/chat/completions"),
            ("https://api.openai.com/v1/v1/", OpenAi, "https://api.openai.com/v1/chat/completions"),
            ("https://api.openai.com", OpenAi, "https://api.openai.com/v1/chat/completions"),
            (" https://api.openai.com/v1/ ", OpenAi, "https://api.openai.com/v1/chat/completions"),
            (
                "https://api.openai.com/v1/chat/completions",
                OpenAi,
                "https://api.openai.com/v1/chat/completions",
            ),
            ("https://api.z.ai/api/paas/v4/", Glm, "https://api.z.ai/api/paas/v4/chat/completions"),
            ("https://api.z.ai", Glm, "https://api.z.ai/api/paas/v4/chat/completions"),
            (
                "https://api.z.ai/api/coding/paas/v4",
                Glm,
                "https://api.z.ai/api/coding/paas/v4/chat/completions",
            ),
            ("https://api.moonshot.cn/", Kimi, "https://api.moonshot.cn/v1/chat/completions"),
            ("http://localhost:11434", Custom, "http://localhost:11434/v1/chat/completions"),
            ("http://[::1]:8080/v1", Custom, "http://[::1]:8080/v1/chat/completions"),
            ("http://127.0.0.1:1/openai", Custom, "http://127.0.0.1:1/openai/v1/chat/completions"),
            ("https://g.example/v1beta/openai/", Custom, "https://g.example/v1beta/openai/chat/completions"),
        ] {
            assert_eq!(check(text, vendor).as_deref(), Ok(path), "{text}");
        }
    }

    #[test]
    fn what_could_leak_or_mislead_is_refused() {
        for (text, part) in [
            ("http://api.example.com/v1", "is not encrypted"),
            ("http://127.0.0.1.example.com/v1", "is not encrypted"),
            ("https://user:pass@api.example.com/v1", "password"),
            ("https://api.example.com/v1?key=abc", "after `?`"),
            ("https://api.example.com/v1#x", "after `?`"),
            ("ftp://api.example.com", "must begin"),
            ("api.example.com/v1", "not a URL"),
        ] {
            let error = check(text, VendorKind::Custom).unwrap_err();
            assert!(
                error.contains(part) && !error.contains("pass@") && !error.contains("abc"),
                "{text}: {error}"
            );
        }
        let id = ProviderId::from("x");
        assert!(normalise("http://10.0.0.5:8000", VendorKind::Custom.facts(), &id, true).is_ok());
    }
}
