//! Why no connection came about, in a sentence that says what to do.

use std::{error::Error, io};

use rustls::{CertificateError, Error as TlsError};
use url::Url;

use crate::base_url;

type Cause<'a> = &'a (dyn Error + 'static);

fn next<'a>(cause: &Cause<'a>) -> Option<Cause<'a>> {
    let cause: Cause<'a> = *cause;
    cause.source()
}

/// The sentence for a failure of the connection; `None` when its cause has none of its own.
pub(crate) fn sentence(url: &Url, error: Cause<'_>) -> Option<String> {
    let host = url.host_str().unwrap_or("the host");
    let place = url.port_or_known_default().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"));
    let causes: Vec<Cause<'_>> = std::iter::successors(Some(error), next).collect();
    let says = |words: &str| causes.iter().any(|cause| cause.to_string().contains(words));
    let is_refused = causes.iter().any(|cause| is_refusal(*cause));
    // The HTTP library has no types for what a proxy does, nor for names.
    if says("tunnel error") {
        return Some(of_proxy(&place, is_refused, says));
    }
    if let Some(failure) = causes.iter().find_map(|cause| tls(*cause)) {
        return Some(of_tls(host, &place, failure));
    }
    if says("dns error") {
        return Some(format!(
            "the name {host} is not known to the network; check the base URL for a typing error, then DNS"
        ));
    }
    // A server at home is not started; a vendor's refuses nobody, but a proxy on the way may be gone.
    let what_to_do = if base_url::is_loopback(url) {
        "start the server, or correct the port in the base URL"
    } else {
        "check the port in the base URL, a firewall, and the proxy if one is set"
    };
    is_refused.then(|| format!("{host} cannot be reached: nothing listens at {place}; {what_to_do}"))
}

fn is_refusal(cause: Cause<'_>) -> bool {
    cause.downcast_ref::<io::Error>().is_some_and(|cause| cause.kind() == io::ErrorKind::ConnectionRefused)
}

/// The way to `place` leads over a proxy, which failed or said no. The HTTP library hands on neither its name nor its status.
fn of_proxy(place: &str, is_refused: bool, says: impl Fn(&str) -> bool) -> String {
    let problem = if says("proxy authorization required") {
        return PROXY_WANTS_PASSWORD.to_owned();
    } else if says("dns error") {
        "the name of the proxy is not known to the network"
    } else if is_refused {
        "nothing listens at the proxy's address"
    } else if says("failed to create underlying connection") {
        "no connection with the proxy came about"
    } else if says("tunnel error: unsuccessful") {
        "the proxy refuses to connect to it"
    } else {
        "the proxy broke off"
    };
    format!(
        "{place} cannot be reached: {problem}; correct HTTPS_PROXY or the system's proxy, or name the host in NO_PROXY"
    )
}

/// What to do about a proxy's 407.
pub(crate) const PROXY_WANTS_PASSWORD: &str = "the proxy between here and the vendor wants a user and a password (HTTP 407); \
     set them in HTTPS_PROXY as http://user:password@host:port, or name the host in NO_PROXY";

/// A failure of TLS, which the layers between wrap.
fn tls(cause: Cause<'_>) -> Option<&TlsError> {
    cause.downcast_ref::<TlsError>().or_else(|| {
        let inner = cause.downcast_ref::<io::Error>()?.get_ref()?;
        inner.downcast_ref::<TlsError>().or_else(|| tls_in_io(inner))
    })
}

fn tls_in_io<'a>(inner: &'a (dyn Error + Send + Sync + 'static)) -> Option<&'a TlsError> {
    inner.downcast_ref::<io::Error>()?.get_ref()?.downcast_ref::<TlsError>()
}

fn of_tls(host: &str, place: &str, failure: &TlsError) -> String {
    match failure {
        TlsError::InvalidMessage(_) => format!(
            "{place} does not speak TLS; if that is meant, write http:// in place of https:// in the base URL"
        ),
        TlsError::InvalidCertificate(problem) => of_certificate(host, problem),
        other => format!(
            "no TLS connection with {host} came about ({other}); check the base URL and whatever inspects TLS between"
        ),
    }
}

fn of_certificate(host: &str, problem: &CertificateError) -> String {
    match problem {
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => format!(
            "the TLS certificate of {host} has expired; the server needs a new one, or the clock of this machine is wrong"
        ),
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
            format!("the TLS certificate of {host} is not valid yet; check the clock of this machine")
        }
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => format!(
            "the TLS certificate of {host} was made for another name; use that name in the base URL, and check DNS"
        ),
        CertificateError::UnknownIssuer => format!(
            "this machine does not trust who issued the TLS certificate of {host}; add the issuer to the system's \
             certificates, or name its file in SSL_CERT_FILE"
        ),
        CertificateError::Other(inner) if format!("{inner:?}").contains("CaUsedAsEndEntity") => format!(
            "the TLS certificate of {host} is that of an issuer (CA:TRUE), as openssl makes them, and no server's; make \
             one with `-addext basicConstraints=critical,CA:FALSE`, and name its file in SSL_CERT_FILE"
        ),
        CertificateError::Other(inner) => of_other(host, &inner.0),
        other => of_other(host, other),
    }
}

fn of_other(host: &str, problem: &impl std::fmt::Display) -> String {
    format!("the TLS certificate of {host} is not accepted ({problem}); the server needs another one")
}

/// The sentence for a client that cannot be made because this machine trusts nobody; `None` when that is not why.
pub(crate) fn without_issuers(error: Cause<'_>) -> Option<&'static str> {
    // The verifier has no type for it.
    let is_cause = |cause: Cause<'_>| cause.to_string().contains("No CA certificates were loaded");
    std::iter::successors(Some(error), next).any(is_cause).then_some(NO_ISSUERS)
}

const NO_ISSUERS: &str = "this machine has no certificates of issuers that can be read, so that no server can be trusted; \
     correct SSL_CERT_FILE and SSL_CERT_DIR where they are set, or install the system's certificates (ca-certificates)";

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use rustls::OtherError;

    use super::*;

    #[derive(Debug, thiserror::Error)]
    enum Problem {
        #[error("ca used as end entity")]
        CaUsedAsEndEntity,
        #[error("the policy forbids it")]
        Policy,
    }

    #[derive(Debug, thiserror::Error)]
    #[error("tunnel error: {0}")]
    struct Tunnel(&'static str, #[source] Option<io::Error>);

    #[test]
    fn a_proxys_failure_is_its_own() {
        let url = Url::parse("https://llm.example/v1").unwrap();
        let connecting = "failed to create underlying connection";
        let refused = || Some(io::Error::from(io::ErrorKind::ConnectionRefused));
        for (what, cause, words) in [
            (connecting, refused(), "nothing listens at the proxy's address"),
            (
                connecting,
                Some(io::Error::other("dns error: no such name")),
                "the name of the proxy is not known",
            ),
            (connecting, Some(io::Error::from(io::ErrorKind::TimedOut)), "no connection with the proxy"),
            ("unsuccessful", None, "the proxy refuses to connect to it"),
            ("unexpected end of file", None, "the proxy broke off"),
            ("proxy authorization required", None, "(HTTP 407)"),
        ] {
            let said = sentence(&url, &io::Error::other(Tunnel(what, cause))).unwrap();
            assert!(said.contains(words) && said.contains("NO_PROXY"), "{what}: {said}");
        }
        let direct = sentence(&url, &refused().unwrap()).unwrap();
        assert!(direct.contains("nothing listens at llm.example:443"), "{direct}");
    }

    #[test]
    fn a_machine_without_issuers_is_named() {
        let cause =
            io::Error::other(TlsError::General("No CA certificates were loaded from the system".to_owned()));
        assert!(without_issuers(&cause).unwrap().contains("SSL_CERT_FILE"));
        assert_eq!(without_issuers(&io::Error::other("no")), None);
    }

    #[test]
    fn certificates_have_their_sentences() {
        let url = Url::parse("https://llm.example:8443/v1").unwrap();
        for (problem, words) in [
            (CertificateError::Expired, "has expired"),
            (CertificateError::NotValidForName, "another name"),
            (CertificateError::UnknownIssuer, "SSL_CERT_FILE"),
            (CertificateError::Revoked, "not accepted"),
            (CertificateError::Other(OtherError(Arc::new(Problem::CaUsedAsEndEntity))), "CA:FALSE"),
            (CertificateError::Other(OtherError(Arc::new(Problem::Policy))), "(the policy forbids it)"),
        ] {
            let inner = io::Error::other(TlsError::InvalidCertificate(problem));
            let wrapped = io::Error::other(inner);
            let sentence = sentence(&url, &wrapped).unwrap();
            assert!(sentence.contains(words) && sentence.contains("llm.example"), "{sentence}");
        }
        let broken = io::Error::other(TlsError::HandshakeNotComplete);
        assert!(sentence(&url, &broken).unwrap().contains("no TLS connection"));
        assert_eq!(sentence(&url, &io::Error::other("something")), None);
    }
}
