//! Drives a decoder with the bytes of an answer, whatever they turn out to be: an event stream, one JSON reply or a web page.

use std::{collections::VecDeque, pin::Pin, sync::Arc};

use bytes::Bytes;
use exai_core::{
    Kind,
    chat::{Delta, Finish},
    provider::{ProviderError, ReplyStream},
};
use futures::{Stream, StreamExt, TryStreamExt, stream};
use parking_lot::Mutex;
use serde_json::Value;
use sse_stream::{Sse, SseStream};

use super::{
    accumulator::{End, Event, is_like_json},
    decode::Decode,
};
use crate::{
    classify::{ErrorBody, means_failure, quoted},
    http::{Broken, Limits},
    wait::Stop,
    wire::{
        gzip::{MARK, unpacked},
        lines::{BOM, EventTooLong, Lines},
        mend::Utf8,
    },
};

/// So much of an answer is kept for its quotation.
const HEAD_BYTES: usize = 1_024;

type Chunks = stream::BoxStream<'static, Result<Bytes, Broken>>;
type Events = Pin<Box<dyn Stream<Item = Result<Sse, sse_stream::Error>> + Send>>;

/// The answer as deltas. Ends after [`Delta::Finished`] or an error.
pub(crate) fn reply<D: Decode>(chunks: Chunks, decoder: D, limits: Limits) -> ReplyStream {
    let head = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&head);
    let chunks = chunks.inspect_ok(move |chunk| {
        let mut head = seen.lock();
        let room = HEAD_BYTES.saturating_sub(head.len()).min(chunk.len());
        head.extend(chunk.iter().take(room));
    });
    let source = Source::Unknown(chunks.boxed());
    let state =
        Reply { source, decoder, limits, head, queue: VecDeque::new(), failed: None, is_unpacked: false };
    stream::unfold(state, |mut reply| async move { reply.next().await.map(|item| (item, reply)) }).boxed()
}

struct Reply<D> {
    source: Source,
    decoder: D,
    limits: Limits,
    /// The first bytes, to be quoted when nothing in the answer was understood.
    head: Arc<Mutex<Vec<u8>>>,
    queue: VecDeque<Delta>,
    /// Told after the deltas that came before it.
    failed: Option<ProviderError>,
    is_unpacked: bool,
}

enum Source {
    /// Nothing but white space so far.
    Unknown(Chunks),
    Events(Events),
    /// Over; the connection is let go.
    Closed,
}

impl<D: Decode> Reply<D> {
    async fn next(&mut self) -> Option<Result<Delta, ProviderError>> {
        loop {
            if let Some(delta) = self.queue.pop_front() {
                return Some(Ok(self.decoder.origin().clean(delta)));
            }
            if let Some(error) = self.failed.take() {
                return Some(Err(error));
            }
            match std::mem::replace(&mut self.source, Source::Closed) {
                Source::Closed => return None,
                Source::Unknown(chunks) => self.recognise(chunks).await,
                Source::Events(events) => self.read_event(events).await,
            }
        }
    }

    /// The content type is not asked: servers send events as plain text and JSON as events.
    async fn recognise(&mut self, mut chunks: Chunks) {
        let mut seen = Vec::new();
        loop {
            match chunks.next().await {
                None => return self.end(End::Silent),
                Some(Err(broken)) => return self.broken(broken),
                Some(Ok(chunk)) => seen.extend_from_slice(&chunk),
            }
            skip_blanks(&mut seen);
            match seen.first() {
                None => {}
                Some(_) if BOM.starts_with(&seen) || seen == b"[" || seen == MARK[..1] => {}
                Some(_) if seen.starts_with(&MARK) && !self.is_unpacked => {
                    return self.unpack(seen, chunks).await;
                }
                Some(b'{' | b'[') if is_like_json(&String::from_utf8_lossy(&seen)) => {
                    return self.read_whole(seen, chunks).await;
                }
                Some(b'<') => return self.page(seen, chunks).await,
                Some(_) => {
                    let head = stream::iter([Ok(Bytes::from(seen))]);
                    self.source = Source::Events(events(head.chain(chunks), self.limits.event_bytes));
                    return;
                }
            }
        }
    }

    /// An answer that was compressed although its head does not say so. Nothing is unpacked twice.
    async fn unpack(&mut self, mut body: Vec<u8>, mut chunks: Chunks) {
        self.is_unpacked = true;
        loop {
            match chunks.next().await {
                None => break,
                Some(Err(broken)) => return self.broken(broken),
                Some(Ok(chunk)) => body.extend_from_slice(&chunk),
            }
        }
        match unpacked(&body, self.limits.answer_bytes) {
            Ok(body) => {
                *self.head.lock() = body.iter().take(HEAD_BYTES).copied().collect();
                self.source = Source::Unknown(stream::iter([Ok(Bytes::from(body))]).boxed());
            }
            Err(error) => {
                let packed = "the answer is compressed and cannot be unpacked; try again";
                self.failed = Some(self.decoder.origin().caused(Kind::Protocol, packed, error));
            }
        }
    }

    /// A web page. Its title may come with a later chunk.
    async fn page(&mut self, mut seen: Vec<u8>, mut chunks: Chunks) {
        while seen.len() < HEAD_BYTES
            && let Some(Ok(chunk)) = chunks.next().await
        {
            seen.extend_from_slice(&chunk);
        }
        if has_events(&seen) {
            let head = stream::iter([Ok(Bytes::from(seen))]);
            self.source = Source::Events(events(head.chain(chunks), self.limits.event_bytes));
            return;
        }
        let page = "the answer is a web page and not a model's reply; check the base URL and any proxy";
        self.failed = Some(self.quoting(self.decoder.origin().error(Kind::Protocol, page)));
    }

    async fn read_event(&mut self, mut events: Events) {
        match events.next().await {
            None => self.end(End::Silent),
            Some(Err(sse_stream::Error::Body(cause))) => match cause.downcast::<Broken>() {
                Ok(broken) => self.broken(*broken),
                Err(cause) => {
                    self.failed = Some(self.decoder.origin().caused(Kind::Protocol, NO_EVENTS, cause));
                }
            },
            Some(Err(_)) if self.decoder.has_finish() => self.end(End::Silent),
            Some(Err(error)) => {
                self.failed = Some(self.decoder.origin().caused(Kind::Protocol, NO_EVENTS, error));
            }
            Some(Ok(event)) => {
                // A failure may have no words but its name.
                let name = event.event;
                let unsaid = || name.as_deref().is_some_and(means_failure).then(String::new);
                let Some(data) = event.data.or_else(unsaid) else {
                    self.source = Source::Events(events);
                    return;
                };
                let had_finish = self.decoder.has_finish();
                match self.decoder.event(name.as_deref(), &data, &mut self.queue) {
                    Ok(false) => self.source = Source::Events(events),
                    Ok(true) => self.end(End::Said),
                    // The answer was whole before this; token counts may still come.
                    Err(error) if had_finish => {
                        tracing::debug!("what follows the end of an answer is passed over: {error}");
                        self.source = Source::Events(events);
                    }
                    Err(error) => self.failed = Some(error),
                }
            }
        }
    }

    /// A reply that was not streamed although it was asked to be.
    async fn read_whole(&mut self, mut body: Vec<u8>, mut chunks: Chunks) {
        let broken = loop {
            match chunks.next().await {
                None => break None,
                Some(Err(broken)) => break Some(broken),
                Some(Ok(chunk)) => body.extend_from_slice(&chunk),
            }
        };
        let read = self.decoder.answer().parse_all(&String::from_utf8_lossy(&body));
        match (read, broken) {
            // More was announced than there is, but a value that is whole lacks nothing.
            (Ok(read), None | Some(Broken::Connection(_) | Broken::Stopped(Stop::Limit, _))) => {
                match self.whole(&read) {
                    Ok(end) => self.end_whole(end),
                    Err(error) => self.failed = Some(error),
                }
            }
            (_, Some(broken)) => self.broken(broken),
            (Err(_), None) if has_events(&body) => {
                let body = stream::iter([Ok(Bytes::from(body))]);
                self.source = Source::Events(events(body, self.limits.event_bytes));
            }
            (Err(error), None) => {
                let broken = "the answer is broken JSON; try again";
                let failed = self.decoder.origin().caused(Kind::Protocol, broken, error);
                self.failed = Some(self.quoting(failed));
            }
        }
    }

    /// Reads one reply, or chunks in a list or in a row.
    fn whole(&mut self, read: &Event) -> Result<End, ProviderError> {
        // One piece of a stream is no reply.
        let is_piece = |value: &Value| value.pointer("/choices/0/delta").is_some_and(Value::is_object);
        if let ([only], false) = (read.values.as_slice(), read.is_last)
            && !is_piece(only)
        {
            return self.decoder.whole(only, &mut self.queue).map(|()| End::Said);
        }
        let mut is_last = read.is_last || read.values.is_empty();
        for value in &read.values {
            let had_finish = self.decoder.has_finish();
            let checked = self.decoder.answer().check(value);
            match checked.and_then(|()| self.decoder.value(None, value, &mut self.queue)) {
                Ok(is_over) => is_last |= is_over,
                Err(_) if had_finish => break,
                Err(error) => return Err(error),
            }
        }
        Ok(if is_last { End::Said } else { End::Silent })
    }

    /// A whole reply that says nothing, in no place that is known, is quoted.
    fn end_whole(&mut self, end: End) {
        let says_nothing = self.decoder.answer().is_empty();
        self.end(end);
        let is_good_end = |delta: &Delta| matches!(delta, Delta::Finished(Finish::Stop | Finish::Unknown(_)));
        if says_nothing && self.queue.back().is_some_and(is_good_end) {
            self.queue.pop_back();
            let empty = "the model returned an empty answer; try again";
            self.failed = Some(self.quoting(self.decoder.origin().error(Kind::Protocol, empty)));
        }
    }

    fn end(&mut self, end: End) {
        if let Err(error) = self.decoder.end(end, &mut self.queue) {
            let is_understood = error.kind != Kind::Protocol || !self.decoder.answer().is_empty();
            self.failed = Some(if is_understood { error } else { self.quoting(error) });
        }
    }

    /// The failure with the beginning of what came in the place of an answer.
    fn quoting(&self, failed: ProviderError) -> ProviderError {
        let head = self.head.lock();
        let text = || quoted(&String::from_utf8_lossy(&head));
        let Some(said) = ErrorBody::from_bytes(&head).message.or_else(text) else { return failed };
        let message = format!("{}: {said}", failed.message);
        ProviderError { source: failed.source, ..self.decoder.origin().error(failed.kind, &message) }
    }

    /// Once the vendor said why it ended, what breaks afterwards costs nothing but token counts.
    fn broken(&mut self, broken: Broken) {
        match broken {
            Broken::Stopped(Stop::Cancelled, _) => {}
            _ if self.decoder.has_finish() => return self.end(End::Silent),
            Broken::Connection(_) => {
                self.end(End::Silent);
                if self.failed.is_none() {
                    return;
                }
            }
            _ => {}
        }
        self.failed = Some(broken.into_error(self.decoder.origin()));
    }
}

/// Leaves out what stands before the first letter of an answer.
fn skip_blanks(seen: &mut Vec<u8>) {
    loop {
        let blank = seen.iter().position(|byte| !byte.is_ascii_whitespace()).unwrap_or(seen.len());
        seen.drain(..blank);
        if !seen.starts_with(BOM) {
            return;
        }
        seen.drain(..BOM.len());
    }
}

/// Whether bytes that begin otherwise have a line of an event stream in them.
fn has_events(bytes: &[u8]) -> bool {
    bytes.split(|byte| matches!(byte, b'\n' | b'\r')).skip(1).any(|line| {
        let line = line.trim_ascii_start();
        [b"data:".as_slice(), b"event:", b"{\""].iter().any(|beginning| line.starts_with(beginning))
    })
}

const NO_EVENTS: &str = "the answer is not a readable event stream; try again or check the base URL";

/// The events in filtered bytes.
fn events(chunks: impl Stream<Item = Result<Bytes, Broken>> + Send + 'static, cap: usize) -> Events {
    let state = Some((Box::pin(chunks), Utf8::default(), Lines::new(cap)));
    let filtered = stream::unfold(state, |state| async move {
        let (mut chunks, mut utf8, mut lines) = state?;
        let mut pieces = Vec::new();
        let (end, state) = match chunks.next().await {
            None => (Some(Ok(Bytes::from_static(lines.finish()))), None),
            Some(Err(broken)) => (Some(Err(broken)), None),
            Some(Ok(chunk)) => match lines.push(&utf8.push(&chunk), &mut pieces) {
                Ok(()) => (None, Some((chunks, utf8, lines))),
                Err(EventTooLong(limit)) => {
                    (Some(Err(Broken::TooLong { what: "an event of the answer", limit })), None)
                }
            },
        };
        Some((stream::iter(pieces.into_iter().map(Ok).chain(end)), state))
    });
    let filtered = filtered.flatten();
    Box::pin(SseStream::from_bytes_stream(filtered))
}

#[cfg(test)]
mod tests;
