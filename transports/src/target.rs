//! A server that runs elsewhere, and how to connect to it: over TCP, secured or not, or over a socket in the file system.

use std::{path::PathBuf, sync::Arc, time::Duration};

use http_body_util::{BodyExt as _, Full};
use hyper::{Request, client::conn::http1::handshake};
use hyper_util::rt::TokioIo;
use rustls_platform_verifier::ConfigVerifierExt as _;
use secrecy::{ExposeSecret as _, SecretString};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
    time::{sleep, timeout},
};
use tokio_rustls::{
    TlsConnector,
    rustls::{ClientConfig, pki_types::ServerName},
};
use tokio_tungstenite::{
    WebSocketStream, client_async_with_config,
    tungstenite::{
        self,
        client::IntoClientRequest as _,
        error::ProtocolError,
        http::{HeaderMap, HeaderValue, StatusCode, header},
        protocol::WebSocketConfig,
    },
};
use tokio_util::task::AbortOnDropHandle;
use url::Url;

/// The longest that one attempt may take.
const ATTEMPT: Duration = Duration::from_secs(10);
/// A stream that does not end is read for so long.
const STREAM: Duration = Duration::from_secs(1);
/// The most that is read of an answer.
const MOST_BYTES: usize = 16 * 1024 * 1024;

/// A stream of bytes, secured or not.
pub(crate) trait Bytes: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Bytes for T {}

/// A WebSocket to a server.
pub(crate) type Socket = WebSocketStream<Box<dyn Bytes>>;

/// Why there is no connection.
#[derive(Debug, thiserror::Error)]
pub enum Refused {
    /// No process listens there.
    #[error("no server answers at {0}")]
    Unanswered(String),
    /// A process does, but refuses us.
    #[error("{0}")]
    Unwelcome(String),
}

/// An answer of HTTP.
#[derive(Debug)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// What was said about it.
    pub headers: HeaderMap,
    /// What was said.
    pub body: Vec<u8>,
}

/// Where the server is, and how to come in.
#[derive(Debug, Clone)]
pub struct Target {
    url: Url,
    /// The socket in the file system, in the place of the URL's host.
    path: Option<PathBuf>,
    key: Option<SecretString>,
}

impl Target {
    /// From `ws://`, `wss://`, `http://`, `https://` or `unix:PATH`; the path of MCP over HTTP is understood as that of its WebSocket.
    ///
    /// # Errors
    /// It is no such address.
    pub fn new(address: &str, key: Option<SecretString>) -> Result<Self, String> {
        let complain = || {
            format!(
                "`{address}` is no address of a server; write ws://HOST:PORT/ws, wss://HOST:PORT/ws or unix:PATH"
            )
        };
        let path = address.strip_prefix("unix:").map(PathBuf::from);
        let mut url = match &path {
            Some(_) => Url::parse("ws://localhost"),
            None => Url::parse(address),
        }
        .map_err(|_error| complain())?;
        let scheme = match url.scheme() {
            "ws" | "http" => "ws",
            "wss" | "https" => "wss",
            _ => return Err(complain()),
        };
        url.set_scheme(scheme).map_err(|()| complain())?;
        if url.host_str().is_none() {
            return Err(complain());
        }
        if matches!(url.path(), "" | "/" | crate::http::MCP_PATH) {
            url.set_path(crate::http::WEBSOCKET_PATH);
        }
        Ok(Self { url, path, key })
    }

    /// Where a server would have to listen to be found: `HOST:PORT` or `unix:PATH`.
    #[must_use]
    pub fn place(&self) -> String {
        match &self.path {
            Some(path) => format!("unix:{}", path.display()),
            None => self.authority(),
        }
    }

    fn authority(&self) -> String {
        let host = self.url.host_str().unwrap_or_default();
        format!("{host}:{}", self.url.port_or_known_default().unwrap_or_default())
    }

    /// Opens a WebSocket, once.
    pub(crate) async fn upgrade(&self, max_message: usize) -> Result<Socket, Refused> {
        let attempt = async {
            let bytes = self.open().await?;
            self.upgraded(bytes, max_message).await
        };
        timeout(ATTEMPT, attempt).await.map_err(|_elapsed| Refused::Unanswered(self.place()))?
    }

    /// Asks for a path.
    ///
    /// # Errors
    /// No process answers, or not as a server of HTTP does.
    pub async fn get(&self, path: &str) -> Result<Answer, Refused> {
        self.request("GET", path, &[], String::new()).await
    }

    /// The path of the address.
    #[must_use]
    pub fn path(&self) -> &str {
        self.url.path()
    }

    /// Sends a request of HTTP and reads the whole answer; of a stream of events, what came within a second.
    ///
    /// # Errors
    /// As [`Self::get`].
    pub async fn request(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: String,
    ) -> Result<Answer, Refused> {
        let odd = |error: &dyn std::fmt::Display| {
            Refused::Unwelcome(format!("{} does not answer as it should: {error}", self.place()))
        };
        let attempt = async {
            let bytes = self.open().await?;
            let (mut sender, connection) =
                handshake(TokioIo::new(bytes)).await.map_err(|error| odd(&error))?;
            let connection = AbortOnDropHandle::new(tokio::spawn(connection));
            let mut request =
                Request::builder().method(method).uri(path).header(header::HOST, self.authority());
            for (name, value) in headers {
                request = request.header(*name, *value);
            }
            if let Some(bearer) = self.bearer()? {
                request = request.header(header::AUTHORIZATION, bearer);
            }
            let request =
                request.body(Full::<hyper::body::Bytes>::from(body)).map_err(|error| odd(&error))?;
            let answer = sender.send_request(request).await.map_err(|error| odd(&error))?;
            let (head, mut stream) = answer.into_parts();
            let mut body = Vec::new();
            let enough = sleep(STREAM);
            let mut enough = std::pin::pin!(enough);
            while body.len() < MOST_BYTES {
                let frame = tokio::select! {
                    frame = stream.frame() => frame,
                    () = &mut enough => break,
                };
                match frame {
                    Some(Ok(frame)) => body.extend_from_slice(frame.data_ref().map_or(&[][..], |data| data)),
                    Some(Err(error)) => return Err(odd(&error)),
                    None => break,
                }
            }
            drop(connection);
            Ok(Answer { status: head.status.as_u16(), headers: head.headers, body })
        };
        timeout(ATTEMPT, attempt).await.map_err(|_elapsed| Refused::Unanswered(self.place()))?
    }

    async fn open(&self) -> Result<Box<dyn Bytes>, Refused> {
        let unanswered = || Refused::Unanswered(self.place());
        match &self.path {
            #[cfg(unix)]
            Some(path) => {
                let socket = tokio::net::UnixStream::connect(path).await.map_err(|_error| unanswered())?;
                Ok(Box::new(socket))
            }
            #[cfg(not(unix))]
            Some(_) => Err(unanswered()),
            None => {
                let socket = TcpStream::connect(self.authority()).await.map_err(|_error| unanswered())?;
                // One message is one segment: nothing is gained by waiting for more.
                socket.set_nodelay(true).map_err(|_error| unanswered())?;
                self.secured(socket).await
            }
        }
    }

    fn bearer(&self) -> Result<Option<HeaderValue>, Refused> {
        let Some(key) = &self.key else { return Ok(None) };
        let mut bearer = HeaderValue::from_str(&format!("Bearer {}", key.expose_secret()))
            .map_err(|_error| Refused::Unwelcome("the key has characters that no header takes".to_owned()))?;
        bearer.set_sensitive(true);
        Ok(Some(bearer))
    }

    async fn secured(&self, socket: TcpStream) -> Result<Box<dyn Bytes>, Refused> {
        if self.url.scheme() == "ws" {
            return Ok(Box::new(socket));
        }
        let complain = |error: &dyn std::fmt::Display| {
            Refused::Unwelcome(format!("no secure connection to {}: {error}", self.authority()))
        };
        let config = ClientConfig::with_platform_verifier().map_err(|error| complain(&error))?;
        let host = self.url.host_str().unwrap_or_default().trim_matches(['[', ']']).to_owned();
        let name = ServerName::try_from(host).map_err(|error| complain(&error))?;
        let stream = TlsConnector::from(Arc::new(config)).connect(name, socket).await;
        Ok(Box::new(stream.map_err(|error| complain(&error))?))
    }

    async fn upgraded(&self, bytes: Box<dyn Bytes>, max_message: usize) -> Result<Socket, Refused> {
        let complain = |error: &tungstenite::Error| {
            Refused::Unwelcome(match error {
                // A server that is just ending accepts and hangs up.
                tungstenite::Error::Io(_)
                | tungstenite::Error::ConnectionClosed
                | tungstenite::Error::Protocol(ProtocolError::HandshakeIncomplete) => {
                    return Refused::Unanswered(self.place());
                }
                tungstenite::Error::Http(answer) if answer.status() == StatusCode::UNAUTHORIZED => {
                    format!(
                        "{} wants another key: set EXAI_TOKEN to the one it was started with",
                        self.place()
                    )
                }
                tungstenite::Error::Http(answer) => {
                    format!("{} answers with HTTP {}; is it an exai-mcp serve?", self.url, answer.status())
                }
                other => format!("{} does not speak WebSocket: {other}", self.url),
            })
        };
        let mut request = self.url.as_str().into_client_request().map_err(|error| complain(&error))?;
        request.headers_mut().insert(header::SEC_WEBSOCKET_PROTOCOL, HeaderValue::from_static("mcp"));
        if let Some(bearer) = self.bearer()? {
            request.headers_mut().insert(header::AUTHORIZATION, bearer);
        }
        let config =
            WebSocketConfig::default().max_message_size(Some(max_message)).max_frame_size(Some(max_message));
        let upgraded = client_async_with_config(request, bytes, Some(config)).await;
        upgraded.map(|(socket, _answer)| socket).map_err(|error| complain(&error))
    }
}
