//! `OLLAMA_HOST` as Ollama itself reads it
//! (<https://github.com/ollama/ollama/blob/main/envconfig/config.go>): often without a scheme, sometimes without a host or a port, and
//! as the address that a server listens on.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Ollama's own port.
const PORT: &str = "11434";

/// The address that a client asks. What is no address is left for the check of addresses to refuse.
pub(super) fn address(host: &str) -> String {
    let host = host.trim().trim_matches(['"', '\'', ' ']);
    if host.is_empty() {
        return String::new();
    }
    let (scheme, rest, usual) = match host.split_once("://") {
        // With a scheme, its own port is the usual one.
        Some((scheme @ ("http" | "https"), rest)) => (scheme, rest, ""),
        Some(_) => return host.to_owned(),
        None => ("http", host, PORT),
    };
    let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
    let (name, port) = split(authority);
    let port = if port.is_empty() { usual } else { port };
    let port = if port.is_empty() { String::new() } else { format!(":{port}") };
    format!("{scheme}://{}{port}/{path}", reachable(name))
}

/// Host and port; the host of an IPv6 address without brackets has colons of its own.
fn split(authority: &str) -> (&str, &str) {
    if let Some(inside) = authority.strip_prefix('[') {
        let (name, behind) = inside.split_once(']').unwrap_or((inside, ""));
        return (name, behind.strip_prefix(':').unwrap_or(behind));
    }
    match authority.rsplit_once(':') {
        Some((name, port)) if !name.contains(':') => (name, port),
        _ => (authority, ""),
    }
}

/// A server that listens everywhere is asked on this machine.
fn reachable(name: &str) -> String {
    let address = match name.parse::<IpAddr>() {
        _ if name.is_empty() => IpAddr::V4(Ipv4Addr::LOCALHOST),
        Ok(IpAddr::V4(address)) if address.is_unspecified() => IpAddr::V4(Ipv4Addr::LOCALHOST),
        Ok(IpAddr::V6(address)) if address.is_unspecified() => IpAddr::V6(Ipv6Addr::LOCALHOST),
        Ok(address) => address,
        Err(_) => return name.to_owned(),
    };
    match address {
        IpAddr::V4(address) => address.to_string(),
        IpAddr::V6(address) => format!("[{address}]"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ollamas_own_variable_becomes_an_address() {
        for (host, wanted) in [
            ("", ""),
            ("127.0.0.1:11434", "http://127.0.0.1:11434/"),
            ("0.0.0.0", "http://127.0.0.1:11434/"),
            ("0.0.0.0:8080", "http://127.0.0.1:8080/"),
            (":11434", "http://127.0.0.1:11434/"),
            (":8080", "http://127.0.0.1:8080/"),
            ("box", "http://box:11434/"),
            ("box:", "http://box:11434/"),
            ("box:99", "http://box:99/"),
            (" \"box:99\" ", "http://box:99/"),
            ("100.0.0.0", "http://100.0.0.0:11434/"),
            ("::1", "http://[::1]:11434/"),
            ("::", "http://[::1]:11434/"),
            ("[::]:8080", "http://[::1]:8080/"),
            ("[fe80::2]", "http://[fe80::2]:11434/"),
            ("[fe80::2]:99", "http://[fe80::2]:99/"),
            ("http://box:99/v1", "http://box:99/v1"),
            ("http://0.0.0.0:99/", "http://127.0.0.1:99/"),
            ("http://[::]:99", "http://[::1]:99/"),
            ("http://box", "http://box/"),
            ("https://ollama.example", "https://ollama.example/"),
            ("https://ollama.example:8443/api/", "https://ollama.example:8443/api/"),
            ("ftp://box", "ftp://box"),
            ("box:port", "http://box:port/"),
        ] {
            assert_eq!(address(host), wanted, "{host}");
        }
    }
}
