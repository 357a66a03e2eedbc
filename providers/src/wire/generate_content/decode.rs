//! The chunks of an answer, each a whole `GenerateContentResponse` with what is new in it.

use std::{collections::VecDeque, sync::Arc};

use exai_core::{
    Kind,
    chat::{Delta, Usage},
    provider::ProviderError,
};
use serde_json::{Value, json};

use crate::{
    origin::Origin,
    wire::{
        accumulator::{Accumulator, End},
        decode::Decode,
        ending,
        spoken::Spoken,
        tool_calls::Piece,
        usage,
    },
};

/// Reads an answer to its end.
pub(crate) struct Decoder {
    answer: Accumulator,
    spoken: Spoken,
    /// The parts with calls as they came: their signatures have to come back.
    called: Vec<Value>,
}

impl Decoder {
    pub(crate) fn new(origin: Arc<Origin>, asked: String) -> Self {
        Self { answer: Accumulator::new(origin, asked), spoken: Spoken::new(), called: Vec::new() }
    }

    fn chunk(&mut self, chunk: &Value, out: &mut VecDeque<Delta>) -> Result<(), ProviderError> {
        self.answer.model(chunk.get("modelVersion"), out);
        if let Some(reason) = chunk.pointer("/promptFeedback/blockReason").and_then(Value::as_str) {
            let message = format!("the vendor's filter refused the request ({reason}); rephrase it");
            return Err(self.answer.origin().error(Kind::ContentFiltered, &message));
        }
        self.answer.usage(chunk.get("usageMetadata").and_then(counts), out);
        let Some(candidate) = chunk.pointer("/candidates/0") else { return Ok(()) };
        self.answer.check_part(candidate)?;
        let parts = match candidate.pointer("/content/parts").or_else(|| candidate.get("content")) {
            Some(Value::Array(parts)) => parts.as_slice(),
            // Others write one part in the place of a list.
            only => only.map(std::slice::from_ref).unwrap_or_default(),
        };
        for part in parts {
            self.call(part)?;
            if part.get("thought").and_then(Value::as_bool) == Some(true) {
                self.answer.thought(part.get("text"), out);
            } else {
                self.spoken.more(part.get("text").and_then(Value::as_str), &mut self.answer, out);
            }
        }
        match ending::word(candidate.get("finishReason")) {
            Some(word) => {
                let explanation = candidate.get("finishMessage");
                self.answer.ended(&word, ending::reason_of(&word), explanation)
            }
            None => Ok(()),
        }
    }

    /// A call comes whole. It seldom has an id, so its place is its index.
    fn call(&mut self, part: &Value) -> Result<(), ProviderError> {
        let Some(call) = part.get("functionCall") else { return Ok(()) };
        let text = |name: &str| call.get(name).and_then(Value::as_str);
        self.answer.call(Piece {
            index: u64::try_from(self.called.len()).ok(),
            id: text("id"),
            name: text("name"),
            arguments: call.get("args"),
        })?;
        self.called.push(part.clone());
        Ok(())
    }
}

/// Thoughts are not part of the candidates' tokens. A figure that is none spoils the others.
fn counts(counted: &Value) -> Option<Usage> {
    let number = |name: &str| match counted.get(name) {
        None | Some(Value::Null) => Some(0),
        Some(figure) => usage::count(figure),
    };
    counted.get("promptTokenCount")?;
    let thoughts = number("thoughtsTokenCount")?;
    Some(Usage {
        input_tokens: number("promptTokenCount")?,
        output_tokens: number("candidatesTokenCount")?.saturating_add(thoughts),
        cached_input_tokens: number("cachedContentTokenCount")?,
        reasoning_tokens: thoughts,
        estimated: false,
    })
}

impl Decode for Decoder {
    fn answer(&self) -> &Accumulator {
        &self.answer
    }

    fn answer_mut(&mut self) -> &mut Accumulator {
        &mut self.answer
    }

    fn value(
        &mut self,
        _name: Option<&str>,
        value: &Value,
        out: &mut VecDeque<Delta>,
    ) -> Result<bool, ProviderError> {
        self.chunk(value, out).map(|()| false)
    }

    fn whole(&mut self, reply: &Value, out: &mut VecDeque<Delta>) -> Result<(), ProviderError> {
        self.answer.check(reply)?;
        self.chunk(reply, out)
    }

    fn end(&mut self, _end: End, out: &mut VecDeque<Delta>) -> Result<(), ProviderError> {
        self.spoken.finish(&mut self.answer, out);
        let opaque = (!self.called.is_empty()).then(|| json!({"parts": std::mem::take(&mut self.called)}));
        // Nothing but its reason marks the end of this format.
        self.answer.end(End::Silent, opaque, out)
    }
}

#[cfg(test)]
mod tests {
    use exai_core::chat::Finish;

    use super::*;
    use crate::{vendor::VendorKind, wire::tests::read};

    fn stream(chunks: &[Value]) -> String {
        chunks.iter().map(|chunk| format!("data: {chunk}\n\n")).collect()
    }

    fn decoder(origin: Origin) -> Decoder {
        Decoder::new(Arc::new(origin), "asked".to_owned())
    }

    fn said(text: &str, finish: Option<&str>) -> Value {
        json!({"candidates": [{"content": {"role": "model", "parts": [{"text": text}]}, "finishReason": finish}]})
    }

    #[test]
    fn chunks_are_read_with_growing_counts() {
        let chunks = [
            json!({"candidates": [{"content": {"parts": [{"text": "hm", "thought": true}]}}], "modelVersion": "gemini-4-argon",
                "usageMetadata": {"promptTokenCount": 9, "thoughtsTokenCount": 4}}),
            said("The ", None),
            json!({"candidates": [{"content": {"parts": [{"text": "answer"}]}, "finishReason": "STOP"}],
                "usageMetadata": {"promptTokenCount": 9, "candidatesTokenCount": 2, "thoughtsTokenCount": 4, "cachedContentTokenCount": 5}}),
        ];
        let whole = read(VendorKind::Gemini, decoder, &stream(&chunks));
        assert_eq!(
            (whole.text.as_str(), whole.thought.as_str(), whole.finish),
            ("The answer", "hm", Some(Finish::Stop))
        );
        let usage = whole.usage.unwrap();
        assert_eq!(
            (usage.input_tokens, usage.output_tokens, usage.cached_input_tokens, usage.reasoning_tokens),
            (9, 6, 5, 4)
        );
        let listed = read(VendorKind::Gemini, decoder, &json!(chunks).to_string());
        assert_eq!(listed.text, "The answer", "chunks in a list");
    }

    #[test]
    fn one_part_needs_no_list() {
        let part = json!({"text": "yes"});
        for content in [json!({"parts": part}), part.clone(), json!([part])] {
            let chunk = json!({"candidates": [{"content": content, "finishReason": "STOP"}]});
            assert_eq!(read(VendorKind::Gemini, decoder, &stream(&[chunk])).text, "yes", "{content}");
        }
    }

    #[test]
    fn a_failed_end_is_explained() {
        let chunk = json!({"candidates": [{"content": {"parts": [{"text": "x"}]}, "finishReason": "MALFORMED_FUNCTION_CALL",
            "finishMessage": "Malformed function call: print(\n  larch)"}]});
        let origin = Origin {
            provider: "gemini".into(),
            vendor: VendorKind::Gemini.facts(),
            key: None,
            key_origin: "KEY".to_owned(),
            secrets: crate::secrets::Secrets::default(),
        };
        let error = decoder(origin).value(None, &chunk, &mut VecDeque::new()).unwrap_err();
        assert_eq!(error.kind, Kind::Protocol);
        let words = "(MALFORMED_FUNCTION_CALL); try again: Malformed function call: print( larch)";
        assert!(error.message.ends_with(words), "{error}");
        for word in ["MALFORMED_FUNCTION_CALL", "UNEXPECTED_TOOL_CALL"] {
            let whole = read(VendorKind::Gemini, decoder, &stream(&[said("x", Some(word))]));
            assert_eq!(whole.finish, Some(Finish::Failed(word.into())));
        }
    }

    #[test]
    fn ends_and_failures_have_their_names() {
        for (word, finish) in [
            ("MAX_TOKENS", Finish::Length),
            ("SAFETY", Finish::Filter),
            ("OTHER", Finish::Unknown("OTHER".into())),
        ] {
            assert_eq!(
                read(VendorKind::Gemini, decoder, &stream(&[said("x", Some(word))])).finish,
                Some(finish),
                "{word}"
            );
        }
        assert_eq!(
            read(VendorKind::Gemini, decoder, &stream(&[said("x", None)])).finish,
            Some(Finish::cut())
        );
        for (body, kind) in [
            (json!({"promptFeedback": {"blockReason": "PROHIBITED_CONTENT"}}), Kind::ContentFiltered),
            (
                json!({"error": {"code": 503, "status": "UNAVAILABLE", "message": "overloaded"}}),
                Kind::Unavailable,
            ),
            (
                json!([{"error": {"code": 429, "status": "RESOURCE_EXHAUSTED", "message": "slow"}}]),
                Kind::RateLimited,
            ),
            (
                json!({"error": {"code": 429, "status": "RESOURCE_EXHAUSTED", "message": "quota", "details": [
                {"@type": "type.googleapis.com/google.rpc.QuotaFailure", "violations": [{"quotaId": "GenerateRequestsPerDayPerProject"}]}]}}),
                Kind::Quota,
            ),
            (
                json!({"error": {"code": 400, "status": "INVALID_ARGUMENT", "message": "API key not valid.", "details": [
                {"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": "API_KEY_INVALID"}]}}),
                Kind::Auth,
            ),
        ] {
            assert_eq!(read(VendorKind::Gemini, decoder, &body.to_string()).error, Some(kind), "{body}");
        }
    }
}
