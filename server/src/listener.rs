//! Where connections come from: TCP or a socket in the file system, secured or not.

use std::{io, net::SocketAddr, path::PathBuf};

use tokio::net::{TcpListener, TcpStream};
#[cfg(unix)]
use tokio::net::{UnixListener, UnixStream};

use super::{strangers::Address, tls::Tls};

/// A listener, and the certificate that it shows.
#[derive(Debug)]
pub struct Listener {
    socket: Socket,
    pub(super) tls: Option<Tls>,
}

#[derive(Debug)]
enum Socket {
    Tcp(TcpListener),
    #[cfg(unix)]
    Unix(UnixListener, PathBuf),
}

/// A connection, not yet secured.
pub(super) enum Accepted {
    Tcp(TcpStream),
    #[cfg(unix)]
    Unix(UnixStream),
}

impl Listener {
    /// Over TCP.
    #[must_use]
    pub fn tcp(listener: TcpListener) -> Self {
        Self { socket: Socket::Tcp(listener), tls: None }
    }

    /// Over a socket in the file system, and where it is. A process that may open it may come in, so the file should be its owner's alone.
    #[cfg(unix)]
    #[must_use]
    pub fn unix(listener: UnixListener, path: PathBuf) -> Self {
        Self { socket: Socket::Unix(listener, path), tls: None }
    }

    /// Secured.
    #[must_use]
    pub fn with_tls(mut self, tls: Option<Tls>) -> Self {
        self.tls = tls;
        self
    }

    /// Where clients find a path of it. A socket in the file system has one address for all paths.
    ///
    /// # Errors
    /// The system does not say.
    pub fn url(&self, path: &str) -> io::Result<String> {
        let scheme = if self.tls.is_some() { "https" } else { "http" };
        match &self.socket {
            Socket::Tcp(listener) => Ok(format!("{scheme}://{}{path}", listener.local_addr()?)),
            #[cfg(unix)]
            Socket::Unix(_, file) => Ok(format!("unix:{}", file.display())),
        }
    }

    /// Whether only this machine reaches it. An address that the system does not tell counts as one that others reach.
    #[must_use]
    pub fn is_local(&self) -> bool {
        match &self.socket {
            Socket::Tcp(listener) => listener.local_addr().is_ok_and(|address| is_loopback(&address)),
            #[cfg(unix)]
            Socket::Unix(..) => true,
        }
    }

    /// The next connection, where it comes from, and what it is called in the log.
    pub(super) async fn accept(&self) -> io::Result<(Accepted, Address, String)> {
        match &self.socket {
            Socket::Tcp(listener) => {
                let (socket, peer) = listener.accept().await?;
                // A reply in two segments would wait for the other side's acknowledgement of the first: 40 ms on every call.
                if let Err(error) = socket.set_nodelay(true) {
                    tracing::debug!(%peer, "TCP_NODELAY cannot be set: {error}");
                }
                Ok((Accepted::Tcp(socket), peer.ip().into(), peer.to_string()))
            }
            #[cfg(unix)]
            Socket::Unix(listener, _) => {
                let (socket, _unnamed) = listener.accept().await?;
                Ok((Accepted::Unix(socket), Address::Local, "the local socket".to_owned()))
            }
        }
    }
}

/// Whether an address is reached from this machine only.
#[must_use]
pub fn is_loopback(address: &SocketAddr) -> bool {
    address.ip().to_canonical().is_loopback()
}
