//! What the vendor says next: a text, a failure or silence, with its timing and its faults.

use std::time::Duration;

use axum::http::{HeaderName, HeaderValue};
use bytes::Bytes;
use serde_json::Value;

use crate::{Gate, Usage, UsagePlace};

/// Characters in a piece of a streamed text when the test does not say otherwise.
const PIECE_CHARS: usize = 12;

/// One answer of the vendor. Start with a constructor, refine with the other methods.
///
/// Methods about pieces, lines and events change what a client sees when its request has `stream: true`; the same
/// answer is one plain JSON reply otherwise. Pieces are the deltas that carry reasoning or content, in that order.
///
/// # Panics
///
/// The methods that only make sense for a text panic on any other answer, so that a test cannot believe it asked for
/// a fault that never happens.
#[derive(Debug, Clone)]
pub struct Answer {
    pub(crate) what: What,
    pub(crate) headers: Vec<(HeaderName, HeaderValue)>,
    pub(crate) gate: Option<Gate>,
    pub(crate) latency: Duration,
    pub(crate) cut_after: Option<usize>,
    pub(crate) split_every: Option<usize>,
}

#[derive(Debug, Clone)]
pub(crate) enum What {
    Text(Box<Text>),
    Whole { status: u16, content_type: &'static str, body: Bytes },
    RawStream(Vec<Bytes>),
    ByModelName,
    Never,
    HangUp,
}

#[derive(Debug, Clone)]
pub(crate) struct Text {
    pub(crate) content: String,
    /// Key and text.
    pub(crate) reasoning: Option<(&'static str, String)>,
    pub(crate) refusal: Option<String>,
    /// Name and arguments of functions that the model calls.
    pub(crate) calls: Vec<(String, String)>,
    pub(crate) model: Option<String>,
    pub(crate) usage: Usage,
    pub(crate) usage_place: UsagePlace,
    pub(crate) finish_reason: String,
    pub(crate) pieces: Pieces,
    pub(crate) piece_delay: Duration,
    /// What happens once so many pieces are out, in the order the test named them.
    pub(crate) interruptions: Vec<(usize, Interruption)>,
    pub(crate) done: bool,
    pub(crate) crlf: bool,
    pub(crate) single_line_ends: bool,
    pub(crate) replaced: Vec<(Vec<u8>, Vec<u8>)>,
    pub(crate) comments: bool,
    pub(crate) garbage: Option<String>,
    pub(crate) error: Option<Value>,
    pub(crate) endless_line: Option<usize>,
}

#[derive(Debug, Clone)]
pub(crate) enum Pieces {
    OfChars(usize),
    Given(Vec<String>),
}

#[derive(Debug, Clone)]
pub(crate) enum Interruption {
    Hold(Gate),
    Stall,
    Cut,
}

// === impl Answer: constructors ===

impl Answer {
    /// A normal reply with this content.
    #[must_use]
    pub fn text(content: impl Into<String>) -> Self {
        Self::new(What::Text(Box::new(Text::new(content.into()))))
    }

    /// A normal reply streamed in exactly these pieces; a plain reply has them joined.
    #[must_use]
    pub fn pieces<S: Into<String>>(pieces: impl IntoIterator<Item = S>) -> Self {
        let pieces: Vec<String> = pieces.into_iter().map(Into::into).collect();
        Self::text(pieces.concat()).with_text(|text| text.pieces = Pieces::Given(pieces))
    }

    /// Any status with a JSON body.
    #[must_use]
    pub fn json(status: u16, body: &Value) -> Self {
        Self::whole(status, "application/json", body.to_string())
    }

    /// Any status with any body.
    #[must_use]
    pub fn whole(status: u16, content_type: &'static str, body: impl Into<Bytes>) -> Self {
        Self::new(What::Whole { status, content_type, body: body.into() })
    }

    /// An event stream of exactly these bytes, each item its own HTTP chunk: for shapes that have no method here.
    #[must_use]
    pub fn raw_stream<B: Into<Bytes>>(chunks: impl IntoIterator<Item = B>) -> Self {
        Self::new(What::RawStream(chunks.into_iter().map(Into::into).collect()))
    }

    /// The behaviour that the requested model's name asks for: `key=number` anywhere in the name, several allowed.
    ///
    /// `latency=50` waits so many milliseconds, `gap=5` so many between pieces, `words=200` answers that many words,
    /// `fail=429` answers the usual error of that status. Without `words` the content is `ok: ` and the first 40
    /// characters of the last user message.
    #[must_use]
    pub fn by_model_name() -> Self {
        Self::new(What::ByModelName)
    }

    /// Takes the request and never answers; ends when the client goes away.
    #[must_use]
    pub fn never() -> Self {
        Self::new(What::Never)
    }

    /// Closes the connection without a byte of reply.
    #[must_use]
    pub fn hang_up() -> Self {
        Self::new(What::HangUp)
    }

    fn new(what: What) -> Self {
        let latency = Duration::ZERO;
        Self { what, headers: Vec::new(), gate: None, latency, cut_after: None, split_every: None }
    }
}

// === impl Answer: any answer ===

impl Answer {
    /// Adds a header to the reply.
    ///
    /// # Panics
    ///
    /// When HTTP does not allow the name or the value.
    #[must_use]
    #[expect(
        clippy::expect_used,
        reason = "a header that cannot be sent is a mistake in the test that wrote it"
    )]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        let name = HeaderName::from_bytes(name.as_bytes()).expect("a header name that HTTP allows");
        self.headers.push((name, HeaderValue::from_str(value).expect("a header value that HTTP allows")));
        self
    }

    /// Waits at the gate before the first byte, status line included.
    #[must_use]
    pub fn gated(mut self, gate: &Gate) -> Self {
        self.gate = Some(gate.clone());
        self
    }

    /// Waits this long before the first byte, after the gate.
    #[must_use]
    pub fn latency(mut self, latency: Duration) -> Self {
        self.latency = latency;
        self
    }

    /// Drops the connection after so many bytes of the body, with no regular end.
    #[must_use]
    pub fn cut_after(mut self, bytes: usize) -> Self {
        self.cut_after = Some(bytes);
        self
    }

    /// Sends the body in HTTP chunks of so many bytes: lines and UTF-8 characters fall apart anywhere.
    #[must_use]
    pub fn split_every(mut self, bytes: usize) -> Self {
        self.split_every = Some(bytes.max(1));
        self
    }
}

// === impl Answer: texts ===

impl Answer {
    /// Adds reasoning under `reasoning_content` (GLM, Kimi, DeepSeek), streamed before the content.
    #[must_use]
    pub fn reasoning(self, text: impl Into<String>) -> Self {
        self.reasoning_as("reasoning_content", text)
    }

    /// Adds reasoning under another key, such as `reasoning` (vLLM, Ollama, OpenRouter).
    #[must_use]
    pub fn reasoning_as(self, key: &'static str, text: impl Into<String>) -> Self {
        self.with_text(|answer| answer.reasoning = Some((key, text.into())))
    }

    /// Puts a thought before the content inside `<think>` tags, as MiniMax does. The pieces become the default ones.
    #[must_use]
    pub fn think(self, thought: &str) -> Self {
        self.with_text(|text| {
            text.content = format!("<think>{thought}</think>{}", text.content);
            text.pieces = Pieces::OfChars(PIECE_CHARS);
        })
    }

    /// Adds a `refusal` behind the content, as OpenAI does in its place.
    #[must_use]
    pub fn refusal(self, text: impl Into<String>) -> Self {
        self.with_text(|answer| answer.refusal = Some(text.into()))
    }

    /// Adds a call of a function, lent or not; the reason of the end stays as it is.
    #[must_use]
    pub fn call(self, name: impl Into<String>, arguments: &Value) -> Self {
        self.with_text(|answer| answer.calls.push((name.into(), arguments.to_string())))
    }

    /// Names a model in the reply other than the requested one.
    #[must_use]
    pub fn model(self, name: impl Into<String>) -> Self {
        self.with_text(|text| text.model = Some(name.into()))
    }

    /// Sets the token counts.
    #[must_use]
    pub fn usage(self, usage: Usage) -> Self {
        self.with_text(|text| text.usage = usage)
    }

    /// Sets where a stream carries the token counts.
    #[must_use]
    pub fn usage_place(self, place: UsagePlace) -> Self {
        self.with_text(|text| text.usage_place = place)
    }

    /// Ends with this reason in place of `stop`.
    #[must_use]
    pub fn finish_reason(self, reason: impl Into<String>) -> Self {
        self.with_text(|text| text.finish_reason = reason.into())
    }

    /// Streams pieces of so many characters.
    #[must_use]
    pub fn piece_chars(self, chars: usize) -> Self {
        self.with_text(|text| text.pieces = Pieces::OfChars(chars.max(1)))
    }

    /// Waits this long before every piece but the first.
    #[must_use]
    pub fn piece_delay(self, delay: Duration) -> Self {
        self.with_text(|text| text.piece_delay = delay)
    }

    /// Waits at the gate once so many pieces are out.
    #[must_use]
    pub fn hold_after(self, pieces: usize, gate: &Gate) -> Self {
        let hold = Interruption::Hold(gate.clone());
        self.with_text(|text| text.interruptions.push((pieces, hold)))
    }

    /// Falls silent once so many pieces are out, with the connection open.
    #[must_use]
    pub fn stall_after(self, pieces: usize) -> Self {
        self.with_text(|text| text.interruptions.push((pieces, Interruption::Stall)))
    }

    /// Drops the connection once so many pieces are out.
    #[must_use]
    pub fn cut_after_pieces(self, pieces: usize) -> Self {
        self.with_text(|text| text.interruptions.push((pieces, Interruption::Cut)))
    }

    /// Ends the stream without `data: [DONE]`.
    #[must_use]
    pub fn without_done(self) -> Self {
        self.with_text(|text| text.done = false)
    }

    /// Ends every line of the stream with CR LF.
    #[must_use]
    pub fn crlf(self) -> Self {
        self.with_text(|text| text.crlf = true)
    }

    /// Ends every event of the stream with one line end in place of two.
    #[must_use]
    pub fn single_line_ends(self) -> Self {
        self.with_text(|text| text.single_line_ends = true)
    }

    /// Replaces these bytes of the stream, everywhere: for JSON and text that no serialiser writes.
    #[must_use]
    pub fn replaced(self, old: impl Into<Vec<u8>>, new: impl Into<Vec<u8>>) -> Self {
        self.with_text(|text| text.replaced.push((old.into(), new.into())))
    }

    /// Puts an SSE comment line before every event, as OpenRouter does while it waits.
    #[must_use]
    pub fn comments(self) -> Self {
        self.with_text(|text| text.comments = true)
    }

    /// Puts a `data:` line that is not JSON after the first piece.
    #[must_use]
    pub fn garbage(self, data: impl Into<String>) -> Self {
        self.with_text(|text| text.garbage = Some(data.into()))
    }

    /// Ends the stream, status 200, with this `error` object after the pieces: no finish, no `[DONE]`.
    #[must_use]
    pub fn error_in_stream(self, error: Value) -> Self {
        self.with_text(|text| text.error = Some(error))
    }

    /// After the pieces sends one data line of so many bytes that has no line end, and ends the body.
    #[must_use]
    pub fn endless_line(self, bytes: usize) -> Self {
        self.with_text(|text| text.endless_line = Some(bytes))
    }

    fn with_text(mut self, change: impl FnOnce(&mut Text)) -> Self {
        let is_text = matches!(self.what, What::Text(_));
        assert!(is_text, "only an answer made by Answer::text or Answer::pieces can be changed like this");
        if let What::Text(text) = &mut self.what {
            change(text);
        }
        self
    }
}

// === impl Text ===

impl Text {
    fn new(content: String) -> Self {
        Self {
            content,
            reasoning: None,
            refusal: None,
            calls: Vec::new(),
            model: None,
            usage: Usage::default(),
            usage_place: UsagePlace::default(),
            finish_reason: "stop".to_owned(),
            pieces: Pieces::OfChars(PIECE_CHARS),
            piece_delay: Duration::ZERO,
            interruptions: Vec::new(),
            done: true,
            crlf: false,
            single_line_ends: false,
            replaced: Vec::new(),
            comments: false,
            garbage: None,
            error: None,
            endless_line: None,
        }
    }
}
