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
    if let Some(failure) = causes.iter().find_map(|cause| tls(*cause)) {
        return Some(of_tls(host, &place, failure));
    }
    // The HTTP library has no types for these two.
    if says("proxy authorization required") {
        return Some(PROXY_WANTS_PASSWORD.to_owned());
    }
    if says("dns error") {
        return Some(format!(
            "the name {host} is not known to the network; check the base URL for a typing error, then DNS"
        ));
    }
    let refused = causes.iter().filter_map(|cause| cause.downcast_ref::<io::Error>());
    let is_refused = refused.into_iter().any(|cause| cause.kind() == io::ErrorKind::ConnectionRefused);
    // A server at home is not started; a vendor's refuses nobody, but a proxy on the way may be gone.
    let what_to_do = if base_url::is_loopback(url) {
        "start the server, or correct the port in the base URL"
    } else {
        "check the port in the base URL, a firewall, and the proxy if one is set"
    };
    is_refused.then(|| format!("{host} cannot be reached: nothing listens at {place}; {what_to_do}"))
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
        other => {
            format!("the TLS certificate of {host} is not accepted ({other}); the server needs another one")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn certificates_have_their_sentences() {
        let url = Url::parse("https://llm.example:8443/v1").unwrap();
        for (problem, words) in [
            (CertificateError::Expired, "has expired"),
            (CertificateError::NotValidForName, "another name"),
            (CertificateError::UnknownIssuer, "SSL_CERT_FILE"),
            (CertificateError::Revoked, "not accepted"),
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
