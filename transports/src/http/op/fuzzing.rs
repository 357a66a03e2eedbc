//! The fuzzer's entry to both dialects of a WebSocket.

use serde::de::IgnoredAny;

use super::{
    super::{mcp_dialect, pacing},
    hello::Hello,
    request,
};

/// The most bytes of a refusal without its id.
const MOST_REFUSAL: usize = 1024;
/// The longest id that is echoed.
const MOST_ID: usize = 256;

/// Reads any bytes as a frame of each dialect.
///
/// # Panics
/// What is no JSON is understood or free, an answer is longer than its bound, or two readers of a frame see different things in it.
pub fn read_frame(frame: &[u8]) {
    let is_json = serde_json::from_slice::<IgnoredAny>(frame).is_ok();
    let is_object = is_json && frame.trim_ascii_start().first() == Some(&b'{');
    assert!(is_json || !pacing::is_free(frame) && !request::is_free(frame), "what is not understood is free");
    let names_it = memchr::memmem::find(frame, br#""jsonrpc""#).is_some();
    let is_list = frame.trim_ascii_start().starts_with(b"[");
    // Within an object the key may be written with escapes, and a text may name it by chance.
    assert!((is_json && !is_list) || names_it == mcp_dialect::claims(frame), "MCP takes what names it");
    let hello = Hello::read(frame);
    assert_eq!(hello.is_some(), is_json, "what is JSON, and what is not");
    let (id, said) = request::parse(frame);
    if let Some(Ok(hello)) = &hello {
        assert!(is_object && said.is_err(), "a hello is said once");
        // Two names of at most 100 bytes, each of which JSON may write six times as long.
        assert!(hello.client().to_string().len() <= 1_300, "a name without a bound");
    }
    match said {
        Ok(request) => {
            assert!(is_object, "a request is an object");
            let is_free = matches!(request, request::Request::Ping | request::Request::Cancel);
            assert_eq!(request::is_free(frame), is_free, "paced as another request than it is");
            if let request::Request::Call { name, arguments } = request {
                assert!(!name.is_empty() && arguments.starts_with(['{', '"']));
            }
        }
        Err(refusal) => {
            assert!(!refusal.message.is_empty() && !refusal.code.is_empty());
            let id_bytes = id.as_ref().map_or(0, |id| id.to_string().len());
            assert!(id_bytes <= MOST_ID, "an id without a bound");
            let answer = request::refused(id.as_ref(), &refusal).to_string();
            assert!(answer.len() <= MOST_REFUSAL + id_bytes, "{} bytes", answer.len());
        }
    }
}
