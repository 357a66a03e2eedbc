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
    classify::{ErrorBody, Failure, classify, hidden_error, quoted},
    origin::Origin,
};

/// How the bytes ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    /// The vendor said that this is all.
    Said,
    /// The connection ended or broke.
    Silent,
}

/// An event, as far as it is the same in every format.
pub(super) enum Event {
    /// What the format has to understand.
    Value(Value),
    /// The vendor says that this is all.
    Done,
    /// Words that only keep the connection open.
    Nothing,
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

    /// Tells events apart by what is the same in every format.
    pub(super) fn event(&self, name: Option<&str>, data: &str) -> Result<Event, ProviderError> {
        let data = data.trim();
        if data == "[DONE]" {
            return Ok(Event::Done);
        }
        let is_error = name.is_some_and(|name| name.trim() == "error");
        match self.parse(data) {
            Ok(value) if is_error => Err(self.failure(ErrorBody::from_json(&value))),
            Ok(value) => Ok(Event::Value(value)),
            Err(_) if is_error => Err(self.failure(ErrorBody::from_text(data))),
            Err(_) if !data.starts_with(['{', '[']) => Ok(Event::Nothing),
            Err(error) => {
                Err(self.origin.caused(Kind::Protocol, "the answer contains broken JSON; try again", error))
            }
        }
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
        hidden_error(value).map_or(Ok(()), |error| Err(self.failure(error)))
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
            (Ending::WindowFull, _) => {
                let code = Some(word.to_owned());
                Err(self.failure(ErrorBody { code, ..ErrorBody::default() }))
            }
        }
    }

    /// The text ended in what may be a thought or the answer's own words, so that nobody knows whether it is whole.
    pub(super) fn ends_in_doubt(&mut self) {
        if !self.has_calls() {
            self.finish = Some(Finish::Failed("it ends within a thought".into()));
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
