//! Turns an answer and a request into a status, headers and the steps of a body.

use axum::{
    body::Body,
    http::{HeaderName, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};

use crate::{
    Answer,
    answer::What,
    ask::Ask,
    ledger::InFlight,
    line::Line,
    playback::{self, Step},
    sse,
};

/// What is sent once every wait before the first byte is over.
pub(crate) struct Reply {
    status: StatusCode,
    content_type: &'static str,
    length: Option<usize>,
    headers: Vec<(HeaderName, HeaderValue)>,
    steps: Vec<Step>,
}

// === impl Reply ===

impl Reply {
    /// Returns `None` for the answers that send nothing.
    pub(crate) fn new(answer: Answer, ask: &Ask, call: usize) -> Option<Self> {
        let mut reply = match answer.what {
            What::Text(text) if ask.stream => Self::events(sse::stream(&text, ask, call)),
            What::Text(text) => {
                Self::whole(200, "application/json", sse::plain(&text, ask, call).to_string().into())
            }
            What::Whole { status, content_type, body } => Self::whole(status, content_type, body),
            What::RawStream(chunks) => Self::events(chunks.into_iter().map(Step::Send).collect()),
            What::ByModelName | What::Never | What::HangUp => return None,
        };
        reply.headers = answer.headers;
        if let Some(size) = answer.split_every {
            reply.steps = playback::split(reply.steps, size);
        }
        if let Some(limit) = answer.cut_after {
            reply.steps = playback::cut(reply.steps, limit);
        }
        Some(reply)
    }

    fn whole(status: u16, content_type: &'static str, body: bytes::Bytes) -> Self {
        let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let length = Some(body.len());
        Self { status, content_type, length, headers: Vec::new(), steps: vec![Step::Send(body)] }
    }

    fn events(steps: Vec<Step>) -> Self {
        let content_type = "text/event-stream; charset=utf-8";
        Self { status: StatusCode::OK, content_type, length: None, headers: Vec::new(), steps }
    }

    pub(crate) fn into_response(self, visit: InFlight, line: Line) -> Response {
        let body = Body::from_stream(playback::play(self.steps, visit, line));
        let mut response = (self.status, [(header::CONTENT_TYPE, self.content_type)], body).into_response();
        if let Some(length) = self.length {
            response.headers_mut().insert(header::CONTENT_LENGTH, HeaderValue::from(length));
        }
        response.headers_mut().extend(self.headers);
        response
    }
}
