//! Connections: accepted one by one so that Nagle is off, heads have a time limit, and there are not too many.

use std::{sync::Arc, time::Duration};

use axum::Router;
use hyper_util::{
    rt::{TokioExecutor, TokioIo, TokioTimer},
    server::{conn::auto, graceful::GracefulShutdown},
    service::TowerToHyperService,
};
use tokio::{net::TcpListener, sync::Semaphore};
use tokio_util::sync::CancellationToken;

use super::HttpSettings;

/// After an accept that failed because this process has no more descriptors.
const PAUSE: Duration = Duration::from_millis(50);

/// The connections of one listener.
pub(super) struct Connections {
    places: Arc<Semaphore>,
    header_wait: Duration,
    open: GracefulShutdown,
}

impl Connections {
    pub(super) fn new(settings: &HttpSettings) -> Self {
        Self {
            places: Arc::new(Semaphore::new(settings.max_connections)),
            header_wait: settings.header_wait,
            open: GracefulShutdown::new(),
        }
    }

    /// Accepts until `shutdown`; the listener is closed then.
    pub(super) async fn accept(&self, listener: TcpListener, router: Router, shutdown: CancellationToken) {
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
            let (Ok(place), Ok((socket, peer))) = (place, accepted) else {
                tracing::warn!("a connection could not be accepted");
                tokio::time::sleep(PAUSE).await;
                continue;
            };
            // A reply in two segments would wait for the other side's acknowledgement of the first: 40 ms on every call.
            if let Err(error) = socket.set_nodelay(true) {
                tracing::debug!(%peer, "TCP_NODELAY cannot be set: {error}");
            }
            let mut builder = auto::Builder::new(TokioExecutor::new());
            builder.http1().timer(TokioTimer::new()).header_read_timeout(self.header_wait);
            builder.http2().timer(TokioTimer::new()).keep_alive_interval(Some(Duration::from_secs(30)));
            let service = TowerToHyperService::new(router.clone());
            let connection =
                builder.serve_connection_with_upgrades(TokioIo::new(socket), service).into_owned();
            let connection = self.open.watch(connection);
            tokio::spawn(async move {
                if let Err(error) = connection.await {
                    tracing::debug!(%peer, "a connection ended: {error}");
                }
                drop(place);
            });
        }
    }

    /// Ends idle connections at once and waits for the others at most `limit`.
    pub(super) async fn close(self, limit: Duration) {
        drop(tokio::time::timeout(limit, self.open.shutdown()).await);
    }
}
