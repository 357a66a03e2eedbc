//! The byte stream as the SDK's transport: which lines become messages, and which are answered here.

use std::{future::Future, sync::Arc, time::Duration};

use rmcp::{
    RoleServer,
    model::{
        ClientJsonRpcMessage, ClientNotification, ClientRequest, ErrorData, GetMeta as _, JsonRpcMessage,
        JsonRpcRequest, ProtocolVersion, RequestId, ServerJsonRpcMessage,
    },
    transport::Transport,
};
use tokio::io::AsyncRead;

use super::{
    connection::{Connection, over_capacity},
    framer::{Frame, Framer},
    in_flight::Admission,
    outbox::Refusal,
};
use crate::message::{self, Rejection};

/// How often the handlers get a turn before a request above the limit is refused. A client that sends a burst of
/// requests that take microseconds is then slowed down instead of turned away.
const TURNS: u32 = 64;

/// Reads and sends the messages of one connection.
///
/// [`Transport::receive`] is dropped and called again at any time, so all of its state is here.
pub(super) struct LineTransport<R> {
    framer: Framer<R>,
    connection: Arc<Connection>,
    max_line: usize,
    retry_after: Duration,
    /// Versions that may open a connection without a handshake.
    versions: Vec<ProtocolVersion>,
    /// The SDK has left the handshake.
    opened: bool,
    /// A message that waits for its turns, and how many it had.
    parked: Option<ClientJsonRpcMessage>,
    turns: u32,
}

impl<R> LineTransport<R> {
    pub(super) fn new(
        input: R,
        connection: Arc<Connection>,
        settings: &super::ConnectionSettings,
        versions: Vec<ProtocolVersion>,
    ) -> Self {
        Self {
            framer: Framer::new(input, settings.max_line_bytes),
            connection,
            max_line: settings.max_line_bytes,
            retry_after: settings.retry_after,
            versions,
            opened: false,
            parked: None,
            turns: 0,
        }
    }

    /// The message in a line, unless the line is answered here.
    fn read(&self, frame: Frame) -> Option<ClientJsonRpcMessage> {
        let rejection = match frame {
            Frame::Line(line) => match message::read(self.framer.bytes(line)) {
                Ok(understood) => return Some(understood.message),
                Err(refused) if refused.is_answered => refused.rejection,
                Err(refused) => {
                    tracing::debug!(rejection = ?refused.rejection, "a line was passed over");
                    return None;
                }
            },
            Frame::Oversized { bytes, id } => Rejection::too_large(bytes, self.max_line, id),
        };
        tracing::debug!(?rejection, "a line was refused");
        self.answer(&rejection);
        None
    }

    fn answer(&self, answer: &impl serde::Serialize) {
        if let Err(error) = self.connection.outbox.push(answer) {
            tracing::debug!(?error, "an error could not be answered");
        }
    }

    fn refuse(&self, id: RequestId, error: ErrorData) {
        self.answer(&ServerJsonRpcMessage::error(error, Some(id)));
    }

    /// Passes the message on, or answers it, or parks it for a turn.
    fn admit(&mut self, message: ClientJsonRpcMessage) -> Option<ClientJsonRpcMessage> {
        match &message {
            JsonRpcMessage::Request(request) => match self.connection.in_flight.admit(request) {
                Admission::Admitted => self.opened = self.opened || self.opens(request),
                Admission::Duplicate => {
                    self.refuse(request.id.clone(), ErrorData::invalid_request("request id is in use", None));
                    return None;
                }
                Admission::Full if self.turns < TURNS => {
                    self.turns += 1;
                    self.parked = Some(message);
                    return None;
                }
                Admission::Full => {
                    let error = over_capacity(self.connection.in_flight.limit(), self.retry_after);
                    self.refuse(request.id.clone(), error);
                    self.turns = 0;
                    return None;
                }
            },
            // Before the handshake the SDK ends the connection on anything but a request.
            _ if !self.opened => {
                tracing::debug!("a message before the handshake is ignored");
                return None;
            }
            JsonRpcMessage::Notification(notification) => {
                if let ClientNotification::CancelledNotification(cancelled) = &notification.notification
                    && let Some(id) = &cancelled.params.request_id
                {
                    self.connection.in_flight.cancelled(id);
                }
            }
            JsonRpcMessage::Response(_) | JsonRpcMessage::Error(_) => {}
        }
        self.turns = 0;
        Some(message)
    }

    /// Whether the SDK leaves the handshake with this request: `initialize`, or one that carries all that the stateless
    /// protocol asks for.
    fn opens(&self, request: &JsonRpcRequest<ClientRequest>) -> bool {
        match &request.request {
            ClientRequest::InitializeRequest(_) => true,
            ClientRequest::PingRequest(_) | ClientRequest::DiscoverRequest(_) => false,
            request => {
                let meta = request.get_meta();
                meta.missing_required_keys(&ProtocolVersion::V_2026_07_28).is_empty()
                    && meta.protocol_version().is_some_and(|version| self.versions.contains(&version))
            }
        }
    }

    /// Waits until every answer is on its way, or until the client waits no more. Then the protocol loop may end: what is
    /// still running is owed to no client and is dropped, so that the loop has nothing to wait for.
    async fn finish(&mut self) {
        let connection = &self.connection;
        while connection.in_flight.owed() > 0 {
            tokio::select! {
                () = connection.changed.notified() => {}
                () = connection.abandon.cancelled() => return,
            }
        }
        connection.abandon.cancel();
    }
}

impl<R: AsyncRead + Unpin> LineTransport<R> {
    async fn fill(&mut self) {
        tokio::select! {
            biased;
            () = self.connection.stop.cancelled() => self.framer.stop(),
            outcome = self.framer.fill() => {
                if let Err(error) = outcome {
                    self.connection.read_failed(error);
                }
                if self.framer.ended() {
                    self.connection.input_ended.cancel();
                }
            }
        }
    }

    /// Lets the client take its answers. Reads a little meanwhile, to see the end of the input.
    async fn decongest(&mut self) {
        let connection = self.connection.clone();
        if self.framer.may_read_ahead() {
            tokio::select! {
                () = connection.changed.notified() => {}
                () = self.fill() => {}
            }
        } else {
            tokio::select! {
                () = connection.changed.notified() => {}
                () = connection.abandon.cancelled() => {}
            }
        }
    }
}

impl<R: AsyncRead + Send + Unpin + 'static> Transport<RoleServer> for LineTransport<R> {
    type Error = std::io::Error;

    fn send(
        &mut self,
        item: ServerJsonRpcMessage,
    ) -> impl Future<Output = Result<(), Self::Error>> + Send + 'static {
        let connection = self.connection.clone();
        // Added now, not when the future runs: the order of the calls is the order on the wire.
        let outcome = match &item {
            JsonRpcMessage::Response(response) => {
                let outcome = connection.outbox.push(&item);
                connection.in_flight.answered(&response.id);
                match outcome {
                    Err(Refusal::Unserialisable(error)) => {
                        tracing::error!(%error, "an answer has no JSON form");
                        let error =
                            ErrorData::internal_error("internal error: the answer has no JSON form", None);
                        connection.outbox.push(&ServerJsonRpcMessage::error(error, Some(response.id.clone())))
                    }
                    outcome => outcome,
                }
            }
            JsonRpcMessage::Error(error) => {
                let outcome = connection.outbox.push(&item);
                if let Some(id) = &error.id {
                    connection.in_flight.answered(id);
                }
                outcome
            }
            JsonRpcMessage::Request(_) | JsonRpcMessage::Notification(_) => connection.outbox.push(&item),
        };
        connection.changed.notify_one();
        async move {
            match outcome {
                Ok(()) => connection.outbox.room().await,
                Err(Refusal::Closed) => Err(std::io::ErrorKind::BrokenPipe.into()),
                Err(Refusal::Unserialisable(error)) => Err(error.into()),
            }
        }
    }

    async fn receive(&mut self) -> Option<ClientJsonRpcMessage> {
        loop {
            if self.connection.abandon.is_cancelled() {
                return None;
            }
            if self.connection.is_congested() {
                self.decongest().await;
                continue;
            }
            let message = match self.parked.take() {
                Some(message) => Some(message),
                None => match self.framer.next() {
                    Some(frame) => self.read(frame),
                    None if self.framer.ended() => {
                        self.finish().await;
                        return None;
                    }
                    None => {
                        self.fill().await;
                        continue;
                    }
                },
            };
            if let Some(message) = message.and_then(|message| self.admit(message)) {
                return Some(message);
            }
            if self.parked.is_some() {
                tokio::task::yield_now().await;
            }
        }
    }

    async fn close(&mut self) -> Result<(), Self::Error> {
        self.connection.outbox.close();
        Ok(())
    }
}
