//! `OLLAMA_HOST` as Ollama itself reads it
//! (<https://github.com/ollama/ollama/blob/main/envconfig/config.go>): often without a scheme, sometimes without a host or a port, and
//! as the address that a server listens on.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// How all addresses of a machine are written, next to the numbers that mean them.
const EVERYWHERE: [&str; 3] = ["", "0", "*"];
/// The most characters of a wrong port that are told.
const MOST_TOLD: usize = 60;
/// Ollama's own port.
const PORT: &str = "11434";

/// The vendor's own service, which is reached over https alone.
const CLOUD: &str = "ollama.com";

/// The address that a client asks, or why it is none. What is no address for another reason is left for the check of addresses.
///
/// # Errors
/// The port is none.
pub fn address(host: &str) -> Result<String, String> {
    let host = host.trim().trim_matches(['"', '\'', ' ']);
    if host.is_empty() {
        return Ok(String::new());
    }
    let (scheme, rest, usual) = match host.split_once("://") {
        // With a scheme, its own port is the usual one.
        Some((scheme, rest)) => match scheme.to_ascii_lowercase().as_str() {
            "http" => ("http", rest, ""),
            "https" => ("https", rest, ""),
            _ => return Ok(host.to_owned()),
        },
        None => ("http", host, PORT),
    };
    let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
    let (name, port) = split(authority);
    let is_cloud = name.trim_end_matches('.').eq_ignore_ascii_case(CLOUD);
    let (scheme, usual) = if is_cloud && usual == PORT { ("https", "") } else { (scheme, usual) };
    let port = if port.is_empty() { usual } else { port };
    if !port.is_empty() && !port.parse::<u16>().is_ok_and(|port| port > 0) {
        return Err(format!(
            "`{}` is no port; write a number from 1 to 65535",
            port.chars().take(MOST_TOLD).collect::<String>()
        ));
    }
    let port = if port.is_empty() { String::new() } else { format!(":{port}") };
    Ok(format!("{scheme}://{}{port}/{path}", reachable(name)))
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
    // The dot says that the name is whole, and nothing else.
    let name = name.strip_suffix('.').unwrap_or(name);
    let parsed = name.parse::<IpAddr>().map(|address| address.to_canonical());
    let address = match parsed {
        _ if EVERYWHERE.contains(&name) => IpAddr::V4(Ipv4Addr::LOCALHOST),
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
            ("0:8080", "http://127.0.0.1:8080/"),
            ("0", "http://127.0.0.1:11434/"),
            ("*:8080", "http://127.0.0.1:8080/"),
            ("http://*:8080", "http://127.0.0.1:8080/"),
            ("localhost.", "http://localhost:11434/"),
            ("localhost.:99", "http://localhost:99/"),
            ("[::ffff:0.0.0.0]", "http://127.0.0.1:11434/"),
            ("[::ffff:127.0.0.1]:99", "http://127.0.0.1:99/"),
            ("HTTP://box:99", "http://box:99/"),
            ("HTTPS://Ollama.Example/api", "https://Ollama.Example/api"),
            ("ollama.com", "https://ollama.com/"),
            ("Ollama.com.", "https://Ollama.com/"),
            ("ollama.com:8443", "https://ollama.com:8443/"),
            ("http://ollama.com", "http://ollama.com/"),
        ] {
            assert_eq!(address(host).as_deref(), Ok(wanted), "{host}");
        }
    }

    #[test]
    fn a_wrong_port_is_told() {
        for host in ["box:port", "box:0", "box:65536", "box:-1", ":x", "[::1]:x", "http://box:x/v1", "*:1e3"]
        {
            let told = address(host);
            assert!(told.as_ref().is_err_and(|told| told.contains("is no port")), "{host}: {told:?}");
        }
    }
}
