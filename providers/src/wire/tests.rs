//! What the tests of all formats share: an answer as bytes, folded together.

use std::time::Duration;

use bytes::Bytes;
use exai_core::{
    Kind,
    chat::{Delta, Finish, Usage},
    function_calling::ToolCall,
};
use futures::{StreamExt as _, executor::block_on, stream::iter};
use serde_json::Value;

use super::{decode::Decode, stream};
use crate::{
    http::{Broken, Limits},
    origin::Origin,
    vendor::VendorKind,
};

mod failures;
mod thoughts;
mod tools;

pub(super) const LIMITS: Limits = Limits {
    first_byte: Duration::from_secs(1),
    idle: Duration::from_secs(1),
    event_bytes: 64 * 1024,
    answer_bytes: 1 << 20,
};

/// An answer with its neighbouring texts joined, so that two ways of cutting it compare equal.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Whole {
    pub(super) text: String,
    pub(super) thought: String,
    pub(super) opaque: Vec<Value>,
    pub(super) calls: Vec<ToolCall>,
    pub(super) models: Vec<String>,
    pub(super) usage: Option<Usage>,
    pub(super) finish: Option<Finish>,
    pub(super) error: Option<Kind>,
}

/// Reads chunks to their end, which must be exactly one.
pub(super) fn read_chunks<D: Decode>(
    vendor: VendorKind,
    decoder: impl Fn(Origin) -> D,
    chunks: Vec<Result<Bytes, Broken>>,
) -> Whole {
    let origin = Origin {
        provider: vendor.name().into(),
        vendor: vendor.facts(),
        key: None,
        key_origin: "KEY".to_owned(),
        secrets: crate::secrets::Secrets::default(),
    };
    let mut whole = Whole::default();
    for item in block_on(stream::reply(iter(chunks).boxed(), decoder(origin), LIMITS).collect::<Vec<_>>()) {
        assert!(whole.finish.is_none() && whole.error.is_none(), "something follows the end");
        match item {
            Ok(Delta::Text(text)) => whole.text.push_str(&text),
            Ok(Delta::Reasoning(thought)) => whole.thought.push_str(&thought),
            Ok(Delta::WasReasoning(bytes)) => {
                let text = whole.text.split_off(whole.text.len() - bytes);
                whole.thought.push_str(&text);
            }
            Ok(Delta::Opaque(json)) => whole.opaque.push(json),
            Ok(Delta::ToolCall(call)) => whole.calls.push(call),
            Ok(Delta::Model(model)) => whole.models.push(model),
            Ok(Delta::Usage(usage)) => whole.usage = Some(usage),
            Ok(Delta::Finished(reason)) => whole.finish = Some(reason),
            Err(error) => whole.error = Some(error.kind),
        }
    }
    assert!(whole.finish.is_some() != whole.error.is_some(), "exactly one end: {whole:?}");
    whole
}

/// Reads a body, and the same body byte by byte, which must come to the same.
pub(super) fn read<D: Decode>(vendor: VendorKind, decoder: impl Fn(Origin) -> D, body: &str) -> Whole {
    let at_once = read_chunks(vendor, &decoder, vec![Ok(Bytes::copy_from_slice(body.as_bytes()))]);
    let bytes = body.as_bytes().iter().map(|byte| Ok(Bytes::copy_from_slice(&[*byte])));
    assert_eq!(read_chunks(vendor, &decoder, bytes.collect()), at_once, "{body}");
    at_once
}
