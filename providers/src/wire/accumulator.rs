//! What is known so far of one answer. The decoders of all formats map their events onto this; it turns them into deltas.

use std::{borrow::Cow, cell::Cell, collections::VecDeque, sync::Arc};

use exai_core::{
    Kind,
    chat::{Delta, Finish, Usage},
    provider::ProviderError,
};
use serde_json::Value;

use super::{
    ending::Ending,
    mend::{Halves, mend},
    tool_calls::{Piece, ToolCalls},
};
use crate::{
    classify::{ErrorBody, Failure, classify, hidden_error, means_failure, quoted, speaks_of_failure},
    origin::Origin,
};

const BOM: char = '\u{feff}';

/// How the bytes ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    /// The vendor said that this is all.
    Said,
    /// The connection ended or broke.
    Silent,
}

/// An event, as far as it is the same in every format.
#[derive(Debug, Default)]
pub(crate) struct Event {
    /// What the format has to understand: objects, seldom more than one.
    pub(super) values: Vec<Value>,
    /// The vendor says that this is all.
    pub(super) is_last: bool,
}

/// One answer to its end.
pub(crate) struct Accumulator {
    origin: Arc<Origin>,
    /// The model that was asked, for messages.
    asked: String,
    model: String,
    usage: Option<Usage>,
    finish: Option<Finish>,
    text_bytes: usize,
    has_thought: bool,
    /// The vendor marked what it said as a refusal.
    is_refusal: bool,
    /// Words in the stream that nobody understands.
    unread: Option<String>,
    calls: ToolCalls,
    /// Whether halves of characters came.
    has_halves: Cell<bool>,
    text_halves: Halves,
    thought_halves: Halves,
}

impl Accumulator {
    pub(super) fn new(origin: Arc<Origin>, asked: String) -> Self {
        Self {
            origin,
            asked,
            model: String::new(),
            usage: None,
            finish: None,
            text_bytes: 0,
            has_thought: false,
            is_refusal: false,
            unread: None,
            calls: ToolCalls::default(),
            has_halves: Cell::new(false),
            text_halves: Halves::default(),
            thought_halves: Halves::default(),
        }
    }

    pub(super) fn origin(&self) -> &Origin {
        &self.origin
    }

    /// Whether the vendor already said why the answer ended.
    pub(super) fn has_finish(&self) -> bool {
        self.finish.is_some()
    }

    pub(super) fn has_text(&self) -> bool {
        self.text_bytes > 0
    }

    /// Whether the vendor has paused its model.
    pub(super) fn is_paused(&self) -> bool {
        self.finish == Some(Finish::Paused)
    }

    /// Whether the vendor has stopped the answer early, and says so.
    pub(super) fn is_cut(&self) -> bool {
        matches!(self.finish, Some(Finish::Length | Finish::Filter | Finish::Failed(_)))
    }

    pub(super) fn has_calls(&self) -> bool {
        !self.calls.is_empty()
    }

    /// Whether nothing was said, thought or called yet.
    pub(super) fn is_empty(&self) -> bool {
        !self.has_text() && !self.has_thought && self.calls.is_empty()
    }

    // === what comes in ===

    /// Reads what is the same in every format: JSON, the word for the end, and failures, whatever their shape.
    pub(super) fn event(&mut self, name: Option<&str>, data: &str) -> Result<Event, ProviderError> {
        let mut data = data.trim_start_matches(BOM).trim();
        // Some proxies wrap an event that is one already.
        while let Some(inner) = data.strip_prefix("data:") {
            data = inner.trim();
        }
        let is_failure = name.is_some_and(means_failure);
        match self.parse_all(data) {
            Ok(event) if is_failure => {
                let mut body = event.values.first().map(ErrorBody::from_json).unwrap_or_default();
                body.message = body.message.or_else(|| quoted(data));
                Err(self.failure(body))
            }
            Ok(event) => {
                for value in &event.values {
                    match value {
                        Value::Object(_) => self.check_named(name, value)?,
                        Value::String(text) => self.no_json(text)?,
                        Value::Number(status) => self.no_json(&status.to_string())?,
                        _ => {}
                    }
                }
                Ok(event)
            }
            Err(_) if is_failure => Err(self.failure(ErrorBody::from_text(data))),
            Err(_) if !is_like_json(data) => self.no_json(data).map(|()| Event::default()),
            Err(error) => {
                Err(self.origin.caused(Kind::Protocol, "the answer contains broken JSON; try again", error))
            }
        }
    }

    /// Words in the place of JSON. Most only keep the connection open; nobody knows what the others stand for.
    fn no_json(&mut self, text: &str) -> Result<(), ProviderError> {
        if speaks_of_failure(text) {
            return Err(self.failure(ErrorBody::from_text(text)));
        }
        if self.unread.is_none() && !keeps_alive(text) {
            self.unread = quoted(text);
        }
        Ok(())
    }

    /// Reads one JSON value or several in a row, and the word for the end behind them. Items of a list count as values.
    pub(super) fn parse_all(&self, text: &str) -> serde_json::Result<Event> {
        let text = text.trim_start_matches(BOM).trim();
        let (text, is_last) = match text.strip_suffix("[DONE]") {
            Some("") => return Ok(Event { values: Vec::new(), is_last: true }),
            Some(before) => (before.trim(), true),
            None => (text, false),
        };
        let read = match self.parse(text) {
            Ok(value) => vec![value],
            Err(error) => self.several(text).ok_or(error)?,
        };
        let mut values = Vec::with_capacity(read.len());
        for value in read {
            match value {
                Value::Array(items) => values.extend(items),
                other => values.push(other),
            }
        }
        Ok(Event { values, is_last })
    }

    /// Objects and lists in a row.
    fn several(&self, text: &str) -> Option<Vec<Value>> {
        let (mended, has_halves) = mend(text);
        let mut values = Vec::new();
        for value in serde_json::Deserializer::from_str(&mended).into_iter::<Value>() {
            values.push(value.ok().filter(|value| value.is_object() || value.is_array())?);
        }
        self.has_halves.set(self.has_halves.get() || has_halves);
        Some(values)
    }

    /// Reads JSON, mended where that is needed.
    pub(super) fn parse(&self, text: &str) -> serde_json::Result<Value> {
        serde_json::from_str(text).or_else(|error| {
            let (mended, has_halves) = mend(text);
            let value = serde_json::from_str(&mended).map_err(|_| error)?;
            self.has_halves.set(self.has_halves.get() || has_halves);
            Ok(value)
        })
    }

    /// The text with whole characters, of which halves may have come in different pieces.
    pub(super) fn whole_characters<'a>(&mut self, text: &'a str) -> Cow<'a, str> {
        if self.has_halves.get() { self.text_halves.join(text) } else { Cow::Borrowed(text) }
    }

    /// Fails when an answer that looks like success reports a failure.
    pub(super) fn check(&self, value: &Value) -> Result<(), ProviderError> {
        self.check_named(None, value)
    }

    /// Fails when a part of an answer reports a failure.
    pub(super) fn check_part(&self, part: &Value) -> Result<(), ProviderError> {
        self.check_named(Some("part"), part)
    }

    fn check_named(&self, name: Option<&str>, value: &Value) -> Result<(), ProviderError> {
        hidden_error(name, value).map_or(Ok(()), |error| Err(self.failure(error)))
    }

    /// The model's name as the vendor gives it.
    pub(super) fn model(&mut self, model: Option<&Value>, out: &mut VecDeque<Delta>) {
        if let Some(model) = words(model)
            && model != self.model
        {
            model.clone_into(&mut self.model);
            out.push_back(Delta::Model(model.to_owned()));
        }
    }

    /// Token counts so far; the last ones count.
    pub(super) fn usage(&mut self, usage: Option<Usage>, out: &mut VecDeque<Delta>) {
        if let Some(usage) = usage
            && self.usage != Some(usage)
        {
            self.usage = Some(usage);
            out.push_back(Delta::Usage(usage));
        }
    }

    /// Text of whole characters.
    pub(super) fn say(&mut self, text: String, out: &mut VecDeque<Delta>) {
        if text.is_empty() {
            return;
        }
        self.text_bytes += text.len();
        out.push_back(Delta::Text(text));
    }

    /// What follows, or what was said last, is the model's refusal.
    pub(super) fn refuses(&mut self) {
        self.is_refusal = true;
    }

    pub(super) fn thought(&mut self, thought: Option<&Value>, out: &mut VecDeque<Delta>) {
        if let Some(thought) = words(thought) {
            self.think(thought.to_owned(), out);
        }
    }

    pub(super) fn think(&mut self, mut thought: String, out: &mut VecDeque<Delta>) {
        self.has_thought = true;
        if self.has_halves.get() {
            thought = self.thought_halves.join(&thought).into_owned();
        }
        out.push_back(Delta::Reasoning(thought));
    }

    /// The last so many bytes of the text were a thought.
    pub(super) fn was_thought(&mut self, bytes: usize, out: &mut VecDeque<Delta>) {
        self.text_bytes = self.text_bytes.saturating_sub(bytes);
        self.has_thought = true;
        out.push_back(Delta::WasReasoning(bytes));
    }

    /// Fails at one call too many: an answer of which a part is missing is none.
    pub(super) fn call(&mut self, piece: Piece<'_>) -> Result<(), ProviderError> {
        if self.calls.add(piece) {
            Ok(())
        } else {
            Err(self.broken("the answer calls too many functions; try again"))
        }
    }

    /// The vendor gives `word` as the reason of the end, which means `ending`, and may explain it. Later words count more than earlier
    /// ones.
    pub(super) fn ended(
        &mut self,
        word: &str,
        ending: Ending,
        explanation: Option<&Value>,
    ) -> Result<(), ProviderError> {
        match (ending, words(explanation)) {
            (Ending::Reason(Finish::Failed(_)), Some(explanation)) => {
                let said = quoted(explanation).unwrap_or_default();
                Err(self.broken(&format!("the model's answer failed ({word}); try again: {said}")))
            }
            (Ending::Reason(Finish::Failed(word)), None) if !self.has_text() => {
                let message = format!(
                    "the service failed while it answered ({}); try again or choose another model",
                    word.as_str()
                );
                Err(self.origin.error(Kind::Unavailable, &message))
            }
            (Ending::Reason(finish), _) => {
                self.finish = Some(finish);
                Ok(())
            }
            // What was said is the beginning of an answer, and less to read would make it no longer.
            (Ending::WindowFull, _) if self.has_text() => {
                self.finish = Some(Finish::Length);
                Ok(())
            }
            (Ending::WindowFull, _) => {
                let code = Some("context_length_exceeded".to_owned());
                let message = quoted(word);
                Err(self.failure(ErrorBody { code, message, ..ErrorBody::default() }))
            }
        }
    }

    /// The text ended in what may be a thought or the answer's own words, so that nobody knows whether it is whole.
    pub(super) fn ends_in_doubt(&mut self) {
        if !self.has_calls() {
            self.finish = Some(Finish::Unknown("it ends within a thought".into()));
        }
    }

    /// Takes an unknown reason for that of the calls which the answer has: some servers end calls with words of their own.
    pub(super) fn trust_calls(&mut self) {
        if self.has_calls() && matches!(self.finish, Some(Finish::Unknown(_))) {
            self.finish = Some(Finish::ToolCalls);
        }
    }

    // === how it ends ===

    /// Closes the answer: what the vendor wants back, the calls, the reason.
    pub(super) fn end(
        &mut self,
        end: End,
        opaque: Option<Value>,
        out: &mut VecDeque<Delta>,
    ) -> Result<(), ProviderError> {
        if let Some(sign) = self.text_halves.rest() {
            self.say(sign.to_string(), out);
        }
        let finish = match (self.finish.take(), end) {
            // Some end a refusal as they end an answer, some as their filter does.
            (Some(Finish::Stop | Finish::Filter | Finish::Unknown(_)), _) | (None, End::Said)
                if self.is_refusal =>
            {
                Finish::Refused
            }
            // The words may stand for a part of the answer, or for why there is no more of it.
            (None, End::Said) if self.unread.is_some() && !self.is_empty() => {
                Finish::Failed(self.unread.as_deref().unwrap_or_default().into())
            }
            // A call of one named function ends with `stop` at OpenAI's.
            (Some(Finish::Stop), _) | (None, End::Said) if self.has_calls() => Finish::ToolCalls,
            (Some(finish), _) => finish,
            (None, End::Said) if self.has_text() || self.has_thought => Finish::Stop,
            (None, End::Silent) if self.has_text() => Finish::cut(),
            (None, End::Said) => {
                return Err(self.broken("the answer holds no model's reply; try again or check the base URL"));
            }
            (None, End::Silent) => return Err(self.broken("the answer broke off before its text; try again")),
        };
        out.extend(opaque.map(Delta::Opaque));
        self.calls.hand_on(out);
        out.push_back(Delta::Finished(finish));
        Ok(())
    }

    pub(super) fn failure(&self, body: ErrorBody) -> ProviderError {
        classify(&self.origin, &Failure::inside(body, Some(&self.asked)))
    }

    pub(super) fn broken(&self, message: &str) -> ProviderError {
        self.origin.error(Kind::Protocol, message)
    }
}

/// Words that only keep a connection open.
const ALIVE: [&str; 14] = [
    "ping",
    "pong",
    "heartbeat",
    "keepalive",
    "alive",
    "processing",
    "waiting",
    "still",
    "connected",
    "ready",
    "open",
    "started",
    "ok",
    "noop",
];

fn keeps_alive(text: &str) -> bool {
    let text = text.to_ascii_lowercase();
    let mut words =
        text.split(|letter: char| !letter.is_alphabetic()).filter(|word| !word.is_empty()).peekable();
    words.peek().is_none() || words.any(|word| ALIVE.contains(&word))
}

/// Whether a text begins as JSON objects and lists of them do, and not as a line of a log does.
pub(super) fn is_like_json(text: &str) -> bool {
    let inner = text.strip_prefix('[').map(str::trim_start);
    text.starts_with('{')
        || inner.is_some_and(|inner| inner.is_empty() || inner.starts_with(['{', '[', '"', ']']))
}

fn words(value: Option<&Value>) -> Option<&str> {
    value.and_then(Value::as_str).filter(|text| !text.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vendor::VendorKind;

    /// What an answer comes to that has said `text`, has called when `calls`, and got `word` as its reason.
    fn ended(text: &str, calls: bool, word: Option<Finish>, end: End) -> Result<Finish, Kind> {
        let vendor = VendorKind::Custom;
        let origin = Origin {
            provider: vendor.name().into(),
            vendor: vendor.facts(),
            key: None,
            key_origin: "KEY".to_owned(),
            secrets: crate::secrets::Secrets::default(),
        };
        let mut answer = Accumulator::new(Arc::new(origin), "asked".to_owned());
        let mut out = VecDeque::new();
        answer.say(text.to_owned(), &mut out);
        if calls {
            answer.call(Piece { name: Some("read"), ..Piece::default() }).unwrap();
        }
        if let Some(finish) = word {
            answer.ended("word", Ending::Reason(finish), None).map_err(|error| error.kind)?;
        }
        answer.end(end, None, &mut out).map_err(|error| error.kind)?;
        match out.pop_back() {
            Some(Delta::Finished(finish)) => Ok(finish),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn one_rule_decides_every_end() {
        let failed = || Finish::Failed("word".into());
        let unknown = || Finish::Unknown("word".into());
        for (text, calls, word, end, expected) in [
            ("x", false, Some(Finish::Stop), End::Silent, Ok(Finish::Stop)),
            ("", false, Some(Finish::Stop), End::Said, Ok(Finish::Stop)),
            ("x", true, Some(Finish::Stop), End::Said, Ok(Finish::ToolCalls)),
            ("x", true, Some(Finish::Length), End::Said, Ok(Finish::Length)),
            ("x", true, Some(unknown()), End::Said, Ok(unknown())),
            ("x", false, Some(failed()), End::Said, Ok(failed())),
            ("", false, Some(failed()), End::Said, Err(Kind::Unavailable)),
            // Without a reason only the vendor's word that this is all makes an end.
            ("x", false, None, End::Said, Ok(Finish::Stop)),
            ("", true, None, End::Said, Ok(Finish::ToolCalls)),
            ("x", false, None, End::Silent, Ok(Finish::cut())),
            ("x", true, None, End::Silent, Ok(Finish::cut())),
            ("", false, None, End::Said, Err(Kind::Protocol)),
            ("", true, None, End::Silent, Err(Kind::Protocol)),
        ] {
            let case = format!("{text:?} {calls} {word:?} {end:?}");
            assert_eq!(ended(text, calls, word, end), expected, "{case}");
        }
    }
}
