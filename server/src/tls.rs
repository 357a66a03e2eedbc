//! The server's certificate, which may be replaced while it runs.

use std::{fs, io, path::PathBuf, sync::Arc, time::SystemTime};

use arc_swap::ArcSwap;
use parking_lot::Mutex;
use tokio_rustls::{
    TlsAcceptor,
    rustls::{
        ServerConfig,
        pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _},
    },
};

/// What is offered beneath TLS, best first.
const PROTOCOLS: [&[u8]; 2] = [b"h2", b"http/1.1"];

/// A certificate that cannot be used, and why.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file that cannot be read as what it should be.
    #[error("{0}: {1}")]
    File(PathBuf, String),
    /// Certificate and key do not make a server.
    #[error("the certificate and its key cannot be used: {0}")]
    Unusable(#[from] tokio_rustls::rustls::Error),
}

/// A certificate chain and its key, from PEM files. Clones share what was read.
#[derive(Debug, Clone)]
pub struct Tls(Arc<Files>);

#[derive(Debug)]
struct Files {
    certificate: PathBuf,
    key: PathBuf,
    config: ArcSwap<ServerConfig>,
    seen: Mutex<Option<Stamp>>,
}

/// When the two files were written.
#[derive(Debug, PartialEq, Eq)]
struct Stamp {
    certificate: SystemTime,
    key: SystemTime,
}

impl Tls {
    /// Reads the files.
    ///
    /// # Errors
    /// One cannot be read, or they do not belong together.
    pub fn load(certificate: PathBuf, key: PathBuf) -> Result<Self, TlsError> {
        let seen = Mutex::new(stamp(&certificate, &key).ok());
        let config = ArcSwap::new(read(&certificate, &key)?);
        Ok(Self(Arc::new(Files { certificate, key, config, seen })))
    }

    /// Reads them again if they were written since. New connections get the new certificate; when it cannot be used they get the one
    /// before. True when there was a new one.
    ///
    /// # Errors
    /// As [`Self::load`]; asked again when the files change once more.
    pub fn reload(&self) -> Result<bool, TlsError> {
        let files = &self.0;
        let now = stamp(&files.certificate, &files.key).ok();
        {
            let mut seen = files.seen.lock();
            if *seen == now {
                return Ok(false);
            }
            *seen = now;
        }
        let config = read(&files.certificate, &files.key)?;
        files.config.store(config);
        Ok(true)
    }

    pub(super) fn acceptor(&self) -> TlsAcceptor {
        TlsAcceptor::from(self.0.config.load_full())
    }
}

fn stamp(certificate: &PathBuf, key: &PathBuf) -> io::Result<Stamp> {
    Ok(Stamp { certificate: fs::metadata(certificate)?.modified()?, key: fs::metadata(key)?.modified()? })
}

fn read(certificate: &PathBuf, key: &PathBuf) -> Result<Arc<ServerConfig>, TlsError> {
    let of = |path: &PathBuf, error: &dyn std::fmt::Display| TlsError::File(path.clone(), error.to_string());
    let chain = CertificateDer::pem_file_iter(certificate).map_err(|error| of(certificate, &error))?;
    let chain: Vec<_> = chain.collect::<Result<_, _>>().map_err(|error| of(certificate, &error))?;
    if chain.is_empty() {
        return Err(of(certificate, &"there is no certificate in it"));
    }
    let private = PrivateKeyDer::from_pem_file(key).map_err(|error| of(key, &error))?;
    let mut config = ServerConfig::builder().with_no_client_auth().with_single_cert(chain, private)?;
    config.alpn_protocols = PROTOCOLS.iter().map(|name| name.to_vec()).collect();
    Ok(Arc::new(config))
}
