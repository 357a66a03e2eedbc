//! Connections: accepted one by one so that heads have a time limit, and there are not too many.

use std::{convert::Infallible, pin::pin, sync::Arc, time::Duration};

use axum::{Router, body::Body, http::Request};
use exai_core::auth::Authenticator;
use hyper::{
    body::Incoming,
    service::{Service as _, service_fn},
};
use hyper_util::{
    rt::{TokioExecutor, TokioIo, TokioTimer},
    server::conn::auto,
    service::TowerToHyperService,
};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    sync::Semaphore,
    time::{Instant, timeout},
};
use tokio_rustls::TlsAcceptor;
use tokio_util::{
    sync::CancellationToken,
    task::{TaskTracker, task_tracker::TaskTrackerToken},
};

use super::{
    activity::{Activity, Watched},
    listener::{Accepted, Listener},
    preface_timeout::PrefaceTimeout,
    settings::ServerSettings,
    strangers::{Address, Stranger, Strangers, Unknown},
    write_timeout::WriteTimeout,
};

/// After an accept that failed because this process has no more descriptors.
const PAUSE: Duration = Duration::from_millis(50);
/// The most bytes of a request's head, and of what is read ahead of a body.
const MOST_OF_A_HEAD: usize = 64 * 1024;
/// The most bytes of a body over HTTP/2 that may be on their way before a handler reads them.
const WINDOW: u32 = 256 * 1024;
/// The most requests of one connection over HTTP/2 at once, whose answers its client may leave unread; further ones wait at the client.
const MOST_STREAMS: u32 = 16;
/// The most bytes of an answer that wait for such a client.
const MOST_UNREAD: usize = 16 * 1024;
/// The most bytes of a request's head over HTTP/2, as that protocol counts them.
const MOST_OF_A_HEADER_LIST: u32 = 64 * 1024;

/// The connections of one listener.
pub(super) struct Connections {
    places: Arc<Semaphore>,
    most: usize,
    times: Times,
    authenticator: Arc<dyn Authenticator>,
    strangers: Strangers,
    open: TaskTracker,
    ending: CancellationToken,
    /// Connections that were accepted and have not said anything.
    silent: TaskTracker,
}

impl Connections {
    pub(super) fn new(settings: &ServerSettings) -> Self {
        Self {
            places: Arc::new(Semaphore::new(settings.max_connections)),
            most: settings.max_connections,
            times: Times { wait: settings.header_wait, unread: settings.write_wait },
            authenticator: Arc::clone(&settings.authenticator),
            strangers: Strangers::new(settings.strangers.connections, settings.max_connections / 2),
            open: TaskTracker::new(),
            ending: CancellationToken::new(),
            silent: TaskTracker::new(),
        }
    }

    /// Counts the open connections while they come and go.
    pub(super) fn counter(&self) -> impl Fn() -> usize + Send + Sync + Clone + 'static {
        let (places, most) = (Arc::clone(&self.places), self.most);
        move || most.saturating_sub(places.available_permits())
    }

    /// Accepts until `shutdown`; the listener is closed then.
    pub(super) async fn accept(&self, listener: Listener, router: Router, shutdown: CancellationToken) {
        loop {
            let next = async {
                let place = Arc::clone(&self.places).acquire_owned().await;
                (place, listener.accept().await)
            };
            let (place, accepted) = tokio::select! {
                biased;
                () = shutdown.cancelled() => return,
                next = next => next,
            };
            let (Ok(place), Ok((socket, address, peer))) = (place, accepted) else {
                tracing::warn!("a connection could not be accepted");
                tokio::time::sleep(PAUSE).await;
                continue;
            };
            let stranger = self.authenticator.needs_key().then(|| self.strangers.arrive(address));
            let conversation = Conversation {
                peer,
                router: router.clone(),
                ending: self.ending.clone(),
                times: self.times,
                silent: self.silent.token(),
            };
            let open = self.open.token();
            let tls = listener.tls.as_ref().map(super::tls::Tls::acceptor);
            tokio::spawn(async move {
                let until = Instant::now() + conversation.times.wait;
                if let Some(unknown) = unknown(stranger).await {
                    let origin = Origin { address, unknown: unknown.clone() };
                    let peer = conversation.peer.clone();
                    tokio::select! {
                        biased;
                        () = unknown.has_to_go(until) => {
                            tracing::debug!(peer, "closed: no key was shown, in time or before there were too many");
                        }
                        () = conversation.begin(socket, tls, origin) => {}
                    }
                }
                drop((place, open));
            });
        }
    }

    /// Waits until the connections that were accepted last have said something, at most `limit`: one that is ended before its first
    /// request was read is reset, and its client cannot know whether it was served.
    pub(super) async fn heard(&self, limit: Duration) {
        self.silent.close();
        drop(timeout(limit, self.silent.wait()).await);
    }

    /// Ends idle connections at once and waits for the others at most `limit`.
    pub(super) async fn close(self, limit: Duration) {
        self.ending.cancel();
        self.open.close();
        drop(timeout(limit, self.open.wait()).await);
    }
}

/// How long the other side may take.
#[derive(Debug, Clone, Copy)]
struct Times {
    /// For each step, and between requests.
    wait: Duration,
    /// To read what is sent to it.
    unread: Duration,
}

/// What its requests know of a connection.
#[derive(Debug, Clone)]
struct Origin {
    address: Address,
    unknown: Unknown,
}

/// The place of a stranger once it is its turn; `None` when it has to go before.
async fn unknown(stranger: Option<Stranger>) -> Option<Unknown> {
    let Some(mut stranger) = stranger else { return Some(Unknown::default()) };
    stranger.take_turn().await.then(|| Unknown::new(Some(stranger)))
}

/// What is spoken on one connection.
struct Conversation {
    /// What the log calls the other side.
    peer: String,
    router: Router,
    /// Cancelled when it has to come to its end.
    ending: CancellationToken,
    times: Times,
    /// Held until the other side has said something.
    silent: TaskTrackerToken,
}

impl Conversation {
    /// Secures the connection where it must be, and speaks.
    async fn begin(self, socket: Accepted, tls: Option<TlsAcceptor>, origin: Origin) {
        match (socket, tls) {
            (Accepted::Tcp(socket), None) => self.speak(socket, origin).await,
            (Accepted::Tcp(socket), Some(tls)) => match timeout(self.times.wait, tls.accept(socket)).await {
                Ok(Ok(socket)) => self.speak(socket, origin).await,
                Ok(Err(error)) => tracing::debug!(peer = self.peer, "no secure connection: {error}"),
                Err(_elapsed) => tracing::debug!(peer = self.peer, "no secure connection in time"),
            },
            #[cfg(unix)]
            (Accepted::Unix(socket), _) => self.speak(socket, origin).await,
        }
    }

    /// HTTP on one connection.
    async fn speak<S>(self, socket: S, origin: Origin)
    where
        S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    {
        let mut builder = auto::Builder::new(TokioExecutor::new());
        builder
            .http1()
            .timer(TokioTimer::new())
            .header_read_timeout(self.times.wait)
            .max_buf_size(MOST_OF_A_HEAD);
        let mut http2 = builder.http2();
        http2.timer(TokioTimer::new()).keep_alive_interval(Some(Duration::from_secs(30)));
        http2.initial_stream_window_size(WINDOW).initial_connection_window_size(WINDOW);
        http2.max_concurrent_streams(MOST_STREAMS).max_send_buf_size(MOST_UNREAD);
        http2.max_header_list_size(MOST_OF_A_HEADER_LIST);
        let (router, activity) = (TowerToHyperService::new(self.router), Activity::new());
        let requests = activity.clone();
        let service = service_fn(move |mut request: Request<Incoming>| {
            request.extensions_mut().insert(origin.address);
            request.extensions_mut().insert(origin.unknown.clone());
            let (exchange, answer) = (requests.begin(), router.call(request));
            async move { Ok::<_, Infallible>(answer.await?.map(|body| Body::new(Watched::new(body, exchange)))) }
        });
        let socket = WriteTimeout::within(socket, self.times.unread);
        let socket = PrefaceTimeout::within(socket, self.times.wait, self.silent);
        let mut connection =
            pin!(builder.serve_connection_with_upgrades(TokioIo::new(socket), service).into_owned());
        let to_its_end = async {
            tokio::select! {
                biased;
                ended = connection.as_mut() => return ended,
                () = self.ending.cancelled() => {}
                () = activity.idle(self.times.wait) => {}
            }
            connection.as_mut().graceful_shutdown();
            // What is still under way may finish; a client that neither asks nor goes has no more time.
            tokio::select! {
                biased;
                ended = connection.as_mut() => ended,
                () = activity.idle(self.times.wait) => Ok(()),
            }
        };
        tokio::select! {
            biased;
            ended = to_its_end => {
                if let Err(error) = ended {
                    tracing::debug!(peer = self.peer, "a connection ended: {error}");
                }
            }
            () = activity.unread(self.times.unread) => {
                tracing::debug!(peer = self.peer, "closed: what was sent is not read");
            }
        }
    }
}
