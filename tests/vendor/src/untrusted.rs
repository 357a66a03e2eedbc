//! A server whose certificate nobody trusts: the handshake fails before a request is sent.

use std::{io, net::Ipv4Addr, sync::Arc};

use rcgen::{BasicConstraints, CertificateParams, IsCa, KeyPair};
use rustls::{
    ServerConfig,
    crypto::aws_lc_rs,
    pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer},
};
use tokio::{net::TcpListener, task::JoinHandle};
use tokio_rustls::TlsAcceptor;

/// A running server. Dropping it closes its port.
pub struct Untrusted {
    url: String,
    server: JoinHandle<()>,
}

impl Untrusted {
    /// Starts a server on a free loopback port, with a certificate that it has made itself.
    ///
    /// # Errors
    ///
    /// When the certificate cannot be made, or no port is free.
    pub async fn start() -> io::Result<Self> {
        Self::certified(IsCa::NoCa).await
    }

    /// The same with a certificate that calls itself an issuer's, as `openssl req -x509` makes them.
    ///
    /// # Errors
    ///
    /// When the certificate cannot be made, or no port is free.
    pub async fn start_as_issuer() -> io::Result<Self> {
        Self::certified(IsCa::Ca(BasicConstraints::Unconstrained)).await
    }

    async fn certified(is_ca: IsCa) -> io::Result<Self> {
        let names = ["localhost".to_owned(), "127.0.0.1".to_owned()];
        let mut params = CertificateParams::new(names).map_err(io::Error::other)?;
        params.is_ca = is_ca;
        let signing_key = KeyPair::generate().map_err(io::Error::other)?;
        let cert = params.self_signed(&signing_key).map_err(io::Error::other)?;
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(signing_key.serialize_der()));
        let config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(io::Error::other)?
            .with_no_client_auth()
            .with_single_cert(vec![cert.der().clone()], key)
            .map_err(io::Error::other)?;
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let url = format!("https://{}/v1", listener.local_addr()?);
        let server = tokio::spawn(async move {
            while let Ok((socket, _)) = listener.accept().await {
                // The client ends the handshake; whoever trusts the certificate meets silence.
                drop(acceptor.accept(socket).await);
            }
        });
        Ok(Self { url, server })
    }

    /// The base URL that a client is configured with.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }
}

impl Drop for Untrusted {
    fn drop(&mut self) {
        self.server.abort();
    }
}
