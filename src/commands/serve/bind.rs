//! Where the server listens: what the service manager hands over, a socket in the file system, or an address.

use std::{
    io,
    net::{IpAddr, SocketAddr},
    path::{Path, PathBuf},
};

use anyhow::Context as _;
use exai_server::{
    Listener, Tls,
    port_owner::{self, Held},
};
use tokio::net::{TcpListener, TcpSocket, lookup_host};

use crate::{cli::ServeArgs, config::Config};

/// Connections that wait to be accepted. Above it the system silently drops some of a burst, and a client that waits to hear
/// first waits for ever; the usual 128 is a small burst.
const BACKLOG: u32 = 4096;
/// How a socket in the file system is written.
const UNIX: &str = "unix:";

/// A place to listen at, and what goes when it is left.
pub(super) struct Bound {
    pub(super) listener: Listener,
    pub(super) tls: Option<Tls>,
    pub(super) left: Left,
}

/// Files that exist as long as the server does.
pub(super) enum Left {
    Note(#[expect(dead_code, reason = "removed when it is dropped")] Option<Held>),
    #[cfg(unix)]
    Socket(#[expect(dead_code, reason = "removed when it is dropped")] SocketFile),
    Nothing,
}

pub(super) async fn bind(args: &ServeArgs, config: &Config) -> anyhow::Result<Bound> {
    let tls = certificate(args, config)?;
    let named = args.listen.as_deref().map(|listen| config.address(listen)).transpose();
    let named = named.map_err(anyhow::Error::msg)?;
    let listen = named.as_deref().unwrap_or(&config.serve.listen);
    let (listener, left) = if let Some(listener) = inherited(config)? {
        (listener, Left::Nothing)
    } else if let Some(path) = listen.strip_prefix(UNIX) {
        in_files(Path::new(path)).await?
    } else {
        let listener = over_tcp(listen, args.port_range.unwrap_or(0), config).await?;
        let note = listener
            .local_addr()
            .ok()
            .and_then(|address| port_owner::leave_note(&config.places.data, address));
        (Listener::tcp(listener), Left::Note(note))
    };
    Ok(Bound { listener: listener.with_tls(tls.clone()), tls, left })
}

fn certificate(args: &ServeArgs, config: &Config) -> anyhow::Result<Option<Tls>> {
    let certificate = args.tls_cert.clone().or_else(|| config.serve.tls_cert.clone());
    let key = args.tls_key.clone().or_else(|| config.serve.tls_key.clone());
    match (certificate, key) {
        (Some(certificate), Some(key)) => {
            let tls = Tls::load(certificate, key);
            Ok(Some(tls.context("serve.tls_cert (--tls-cert) and serve.tls_key (--tls-key)")?))
        }
        (None, None) => Ok(None),
        (Some(_), None) => anyhow::bail!("a certificate needs its key: set serve.tls_key or --tls-key"),
        (None, Some(_)) => anyhow::bail!("a key needs its certificate: set serve.tls_cert or --tls-cert"),
    }
}

/// The socket that a service manager has opened (sd_listen_fds(3)).
#[cfg(unix)]
fn inherited(config: &Config) -> anyhow::Result<Option<Listener>> {
    let mut handed = listenfd::ListenFd::from_env();
    if handed.len() == 0 {
        return Ok(None);
    }
    if let Ok(Some(listener)) = handed.take_tcp_listener(0) {
        guard_open(&[listener.local_addr()?], config)?;
        listener.set_nonblocking(true)?;
        return Ok(Some(Listener::tcp(TcpListener::from_std(listener)?)));
    }
    let listener = handed.take_unix_listener(0).ok().flatten();
    let listener = listener.context("the service manager has handed over a socket that is no listener")?;
    listener.set_nonblocking(true)?;
    let address = listener.local_addr()?;
    let path = address.as_pathname().unwrap_or(Path::new("(unnamed)")).to_owned();
    guard_socket(&path, config)?;
    Ok(Some(Listener::unix(tokio::net::UnixListener::from_std(listener)?, path)))
}

/// A socket that others made may be open to every user of this machine.
#[cfg(unix)]
fn guard_socket(path: &Path, config: &Config) -> anyhow::Result<()> {
    use std::os::unix::fs::MetadataExt as _;
    let is_own = std::fs::symlink_metadata(path).is_ok_and(|socket| {
        socket.uid() == rustix::process::geteuid().as_raw() && socket.mode() & 0o077 == 0
    });
    anyhow::ensure!(
        is_own || config.serve.server.authenticator.needs_key(),
        "{} can be opened by other users, and no key would be needed: set SocketMode=0600 in the socket's unit, or set \
         EXAI_TOKEN (at least 16 characters)",
        path.display()
    );
    Ok(())
}

#[cfg(not(unix))]
fn inherited(_config: &Config) -> anyhow::Result<Option<Listener>> {
    Ok(None)
}

async fn over_tcp(listen: &str, more: u16, config: &Config) -> anyhow::Result<TcpListener> {
    let addresses: Vec<SocketAddr> = lookup_host(listen)
        .await
        .with_context(|| {
            format!(
                "`{listen}` is no address to listen on; write HOST:PORT, such as 127.0.0.1:3010, or unix:PATH"
            )
        })?
        .collect();
    guard_open(&addresses, config)?;
    let first = *addresses.first().with_context(|| format!("`{listen}` has no address"))?;
    let mut taken = Vec::new();
    for step in 0..=more {
        let Some(port) = first.port().checked_add(step) else { break };
        let tried: Vec<_> = addresses.iter().map(|address| SocketAddr::new(address.ip(), port)).collect();
        match listener_on(&tried) {
            Ok(listener) => return Ok(listener),
            Err(error) if error.kind() == io::ErrorKind::AddrInUse => {
                taken.push(SocketAddr::new(first.ip(), port));
            }
            Err(error) => return Err(anyhow::Error::new(error).context(format!("cannot listen on {listen}"))),
        }
    }
    Err(in_use(&taken, config))
}

/// Listens at the first of these addresses that is free.
fn listener_on(addresses: &[SocketAddr]) -> io::Result<TcpListener> {
    let mut last = io::Error::from(io::ErrorKind::AddrNotAvailable);
    for address in addresses {
        let made = (|| {
            let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
            // A server that is started again need not wait until the system has forgotten the connections of the one before.
            #[cfg(unix)]
            socket.set_reuseaddr(true)?;
            socket.bind(*address)?;
            socket.listen(BACKLOG)
        })();
        match made {
            Ok(listener) => return Ok(listener),
            Err(error) => last = error,
        }
    }
    Err(last)
}

fn in_use(taken: &[SocketAddr], config: &Config) -> anyhow::Error {
    let describe = |address: &SocketAddr| match port_owner::of(&config.places.data, *address) {
        Some(owner) => format!("{address} is in use by {owner}"),
        None => format!("{address} is in use"),
    };
    let taken: Vec<String> = taken.iter().map(describe).collect();
    anyhow::anyhow!(
        "{}; end that one, or choose another port with --listen, or let --port-range find one",
        taken.join(", ")
    )
}

/// An address that other machines reach is not opened unless a key is needed.
fn guard_open(addresses: &[SocketAddr], config: &Config) -> anyhow::Result<()> {
    let open = addresses.iter().find(|address| !exai_server::is_loopback(address));
    if let Some(address) = open
        && !config.serve.server.authenticator.needs_key()
    {
        anyhow::bail!(
            "{address} can be reached from other machines, and no key would be needed: set EXAI_TOKEN (at least 16 \
             characters), or listen on {}",
            if matches!(address.ip(), IpAddr::V6(_)) { "[::1]" } else { "127.0.0.1" }
        );
    }
    Ok(())
}

/// A socket that only its owner may open.
#[cfg(unix)]
async fn in_files(path: &Path) -> anyhow::Result<(Listener, Left)> {
    use std::{
        fs,
        os::unix::fs::{DirBuilderExt as _, FileTypeExt as _, PermissionsExt as _},
    };
    let what = || format!("cannot listen on {UNIX}{}", path.display());
    if let Ok(there) = fs::symlink_metadata(path) {
        anyhow::ensure!(there.file_type().is_socket(), "{}: there is a file that is no socket", what());
        if tokio::net::UnixStream::connect(path).await.is_ok() {
            anyhow::bail!(
                "{UNIX}{} is in use by another server; end that one, or choose another path",
                path.display()
            );
        }
        // Its server ended without taking it away.
        fs::remove_file(path).with_context(what)?;
    }
    // Between its creation and its permissions any user may open a socket, so it is made where no other user can look.
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let hidden = folder.join(format!(".exai-{}", std::process::id()));
    fs::DirBuilder::new().mode(0o700).create(&hidden).with_context(what)?;
    let made = (|| {
        let early = hidden.join("s");
        let listener = tokio::net::UnixListener::bind(&early)?;
        fs::set_permissions(&early, fs::Permissions::from_mode(0o600))?;
        fs::rename(&early, path)?;
        Ok::<_, io::Error>(listener)
    })();
    drop(fs::remove_dir_all(&hidden));
    Ok((Listener::unix(made.with_context(what)?, path.to_owned()), Left::Socket(SocketFile(path.to_owned()))))
}

#[cfg(not(unix))]
async fn in_files(_path: &Path) -> anyhow::Result<(Listener, Left)> {
    anyhow::bail!("there are no sockets in the file system here; listen on HOST:PORT")
}

/// The file of a socket; gone with the server.
#[derive(Debug)]
pub(super) struct SocketFile(PathBuf);

impl Drop for SocketFile {
    fn drop(&mut self) {
        drop(std::fs::remove_file(&self.0));
    }
}
