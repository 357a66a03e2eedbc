//! Answers as bytes: every shape of a stream that vendors send, and every way in which it can fall apart.

use std::sync::Arc;

use exai_core::chat::{Finish, Usage};
use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::{
    origin::Origin,
    vendor::VendorKind,
    wire::{
        chat_completions::Decoder,
        tests::{LIMITS, Whole, read_chunks},
    },
};

fn read(vendor: VendorKind, chunks: Vec<Result<Bytes, Broken>>) -> Whole {
    read_chunks(vendor, |origin| Decoder::new(Arc::new(origin), "asked".to_owned()), chunks)
}

fn text(vendor: VendorKind, body: &str) -> Whole {
    read(vendor, vec![Ok(Bytes::copy_from_slice(body.as_bytes()))])
}

/// The failure that a body comes to.
fn failure(body: &str) -> ProviderError {
    let origin = Origin {
        provider: "custom".into(),
        vendor: VendorKind::Custom.facts(),
        key: None,
        key_origin: "KEY".to_owned(),
        secrets: crate::secrets::Secrets::default(),
    };
    let chunks = stream::iter([Ok(Bytes::copy_from_slice(body.as_bytes()))]).boxed();
    let decoder = Decoder::new(Arc::new(origin), "asked".to_owned());
    let items = futures::executor::block_on(reply(chunks, decoder, LIMITS).collect::<Vec<_>>());
    items.into_iter().find_map(Result::err).unwrap()
}

fn events(items: &[Value]) -> String {
    items.iter().map(|item| format!("data: {item}\n\n")).collect()
}

fn piece(text: &str) -> Value {
    json!({"choices": [{"index": 0, "delta": {"content": text}}]})
}

fn finish(reason: &str) -> Value {
    json!({"choices": [{"index": 0, "delta": {}, "finish_reason": reason}]})
}

/// A stream with everything in it: CRLF, comments, nulls, repeated names, thoughts, wide characters, counts in their own chunk.
fn recorded() -> String {
    let items = [
        json!({"id": "", "model": "", "choices": [], "prompt_filter_results": []}),
        json!({"model": "m-1", "choices": [{"delta": {"role": "assistant", "content": null,
            "reasoning_content": "weigh"}}], "usage": null}),
        json!({"model": "m-1", "choices": [{"delta": {"reasoning_content": "ing…", "content": ""}}]}),
        json!({"model": "m-1", "choices": [{"delta": {"content": "Grüße 日本"}, "finish_reason": null}]}),
        json!({"model": "m-1", "choices": [{"delta": {"content": " 🦀 </end>"}}]}),
        finish("stop"),
        json!({"choices": [], "usage": {"prompt_tokens": 7, "completion_tokens": 5,
            "prompt_tokens_details": {"cached_tokens": 2}}}),
    ];
    let mut text = String::from("\u{feff}: connected\r\n\r\nretry: 5\r\nid: 1\r\n\r\n");
    for (index, item) in items.iter().enumerate() {
        let end = if index % 2 == 0 { "\r\n" } else { "\n" };
        text.push_str(&format!(": alive{end}event: message{end}data: {item}{end}{end}"));
    }
    text + "data: [DONE]\n\n"
}

fn recorded_whole() -> Whole {
    Whole {
        text: "Grüße 日本 🦀 </end>".to_owned(),
        thought: "weighing…".to_owned(),
        models: vec!["m-1".to_owned()],
        usage: Some(Usage { input_tokens: 7, output_tokens: 5, cached_input_tokens: 2, ..Usage::default() }),
        finish: Some(Finish::Stop),
        ..Whole::default()
    }
}

#[test]
fn a_recorded_stream_reads_as_a_whole() {
    assert_eq!(text(VendorKind::Glm, &recorded()), recorded_whole());
}

proptest! {
    #[test]
    fn chunk_boundaries_do_not_matter(cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..40)) {
        let bytes = recorded().into_bytes();
        let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut.index(bytes.len())).collect();
        cuts.extend([0, bytes.len()]);
        cuts.sort_unstable();
        let chunks = cuts.windows(2).map(|pair| Ok(Bytes::copy_from_slice(&bytes[pair[0]..pair[1]]))).collect();
        prop_assert_eq!(read(VendorKind::Glm, chunks), recorded_whole());
    }

    #[test]
    fn any_bytes_come_to_an_end(chunks in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..40), 0..12)) {
        read(VendorKind::MiniMax, chunks.into_iter().map(|chunk| Ok(Bytes::from(chunk))).collect());
    }

    #[test]
    fn any_json_comes_to_an_end(
        words in prop::collection::vec(
            prop::sample::select(vec![
                "data: ", "event: error", "\n", "\n\n", "\r", "{\"choices\":[{\"delta\":", "{\"content\":", "\"<think>\"",
                "\"</thi\"", "[1]", "null", "}}]}", "}", "]", "{\"error\":", "\"x\"", "[DONE]", "{\"usage\":{\"prompt_tokens\":-1}}",
                "{\"base_resp\":{\"status_code\":1002}}", "{\"choices\":[{\"finish_reason\":\"error\"}]}",
            ]),
            0..30,
        )
    ) {
        read(VendorKind::MiniMax, vec![Ok(Bytes::from(words.concat()))]);
    }

    #[test]
    fn cut_streams_keep_what_had_arrived(at in any::<prop::sample::Index>()) {
        let bytes = recorded().into_bytes();
        let at = at.index(bytes.len());
        let whole = read(VendorKind::Glm, vec![Ok(Bytes::copy_from_slice(&bytes[..at]))]);
        prop_assert!(recorded_whole().text.starts_with(&whole.text));
        match whole.finish {
            Some(finish) if finish == Finish::cut() => prop_assert!(!whole.text.is_empty()),
            Some(reason) => prop_assert_eq!(reason, Finish::Stop),
            None => prop_assert_eq!(whole.error, Some(Kind::Protocol)),
        }
    }
}

#[test]
fn an_answer_may_end_without_saying_so() {
    let custom = VendorKind::Custom;
    let said = |body: String| {
        let whole = text(custom, &body);
        (whole.text, whole.finish, whole.error)
    };
    let a = || "a".to_owned();
    for (body, expected) in [
        (events(&[piece("a"), finish("length")]), (a(), Some(Finish::Length), None)),
        (events(&[piece("a")]), (a(), Some(Finish::cut()), None)),
        (events(&[piece("a")]) + "data: [DONE]", (a(), Some(Finish::Stop), None)),
        (events(&[piece("a"), finish("stop")]).trim_end().to_owned(), (a(), Some(Finish::Stop), None)),
        (events(&[piece("")]) + "data: [DONE]\n\n", (String::new(), None, Some(Kind::Protocol))),
        ("data: [DONE]\n\n".to_owned(), (String::new(), None, Some(Kind::Protocol))),
        (String::new(), (String::new(), None, Some(Kind::Protocol))),
        (" \n\n ".to_owned(), (String::new(), None, Some(Kind::Protocol))),
        (events(&[finish("stop")]), (String::new(), Some(Finish::Stop), None)),
        (events(&[piece("a"), finish("made_up")]), (a(), Some(Finish::Unknown("made_up".into())), None)),
        (events(&[piece("a"), finish("sensitive")]), (a(), Some(Finish::Filter), None)),
        (
            events(&[piece("a"), finish("network_error")]),
            (a(), Some(Finish::Failed("network_error".into())), None),
        ),
        (events(&[finish("network_error")]), (String::new(), None, Some(Kind::Unavailable))),
        (events(&[piece("a"), finish("model_context_window_exceeded")]), (a(), Some(Finish::Length), None)),
    ] {
        assert_eq!(said(body.clone()), expected, "{body}");
    }
}

#[test]
fn failures_inside_a_good_status_are_failures() {
    let custom = VendorKind::Custom;
    let overloaded = json!({"error": {"type": "overloaded_error", "message": "busy"}});
    for (vendor, body, kind) in [
        (custom, events(&[piece("a"), overloaded.clone()]), Kind::Unavailable),
        (
            custom,
            format!("event: error\ndata: {}\n\n", json!({"message": "context length 5"})),
            Kind::ContextTooLong,
        ),
        (custom, "event: error\ndata: it broke\n\n".to_owned(), Kind::Unavailable),
        (custom, overloaded.to_string(), Kind::Unavailable),
        (custom, json!([{"error": {"code": 429, "message": "slow"}}]).to_string(), Kind::RateLimited),
        (
            custom,
            json!({"object": "error", "message": "bad", "code": 400}).to_string(),
            Kind::UpstreamRejected,
        ),
        (custom, "<!doctype html><p>login</p>".to_owned(), Kind::Protocol),
        (custom, "upstream connect error".to_owned(), Kind::Protocol),
        (custom, "data: {\"choices\": [{\n\n".to_owned(), Kind::Protocol),
        (custom, "{\"choices\": [{".to_owned(), Kind::Protocol),
        (custom, "data: {\"a\": \"\u{0}\"}\n\n".to_owned(), Kind::Protocol),
        (VendorKind::MiniMax, json!({"base_resp": {"status_code": 1008}}).to_string(), Kind::Quota),
        (VendorKind::MiniMax, events(&[json!({"base_resp": {"status_code": 1002}})]), Kind::RateLimited),
    ] {
        let whole = text(vendor, &body);
        assert_eq!(whole.error, Some(kind), "{body}");
    }
    assert_eq!(text(custom, &events(&[piece("a"), overloaded])).text, "a");
}

#[test]
fn replies_without_a_stream_are_accepted() {
    let reply = json!({"model": "m", "choices": [{"message": {"role": "assistant", "content": "<think>t</think>a"},
        "finish_reason": "stop"}], "usage": {"prompt_tokens": 1, "completion_tokens": 2}});
    let whole = text(VendorKind::Custom, &format!("\n\n{reply:#}"));
    assert_eq!((whole.text.as_str(), whole.thought.as_str()), ("a", "t"));
    assert_eq!((whole.finish, whole.usage.map(|usage| usage.output_tokens)), (Some(Finish::Stop), Some(2)));
}

#[test]
fn token_counts_are_found_everywhere() {
    let count = |n: u64| json!({"prompt_tokens": 9, "completion_tokens": n});
    let with = |mut value: Value, n: u64| {
        value["usage"] = count(n);
        value
    };
    let mut in_choice = finish("stop");
    in_choice["choices"][0]["usage"] = count(3);
    for items in [
        vec![piece("a"), with(finish("stop"), 3)],
        vec![with(piece("a"), 1), with(piece("b"), 2), with(finish("stop"), 3)],
        vec![piece("a"), in_choice],
        vec![piece("a"), finish("stop"), json!({"choices": [], "usage": count(3)})],
    ] {
        let whole = text(VendorKind::Kimi, &(events(&items) + "data: [DONE]\n\n"));
        assert_eq!(whole.usage.map(|usage| usage.output_tokens), Some(3), "{items:?}");
    }
    assert_eq!(text(VendorKind::Kimi, &events(&[piece("a"), finish("stop")])).usage, None);
}

#[test]
fn opaque_fields_precede_the_end() {
    let thought = |field: &str, value: Value| json!({"choices": [{"delta": {field: value}}]});
    let kimi =
        [thought("reasoning_content", json!("a")), thought("reasoning_content", json!("b")), finish("stop")];
    assert_eq!(text(VendorKind::Kimi, &events(&kimi)).opaque, [json!({"reasoning_content": "ab"})]);
    assert!(text(VendorKind::Glm, &events(&kimi)).opaque.is_empty());

    let minimax = [
        thought("reasoning_details", json!([{"text": "a"}])),
        thought("reasoning_details", json!([{"text": "ab"}])),
        piece("x"),
        // The last chunk repeats the whole message.
        json!({"choices": [{"message": {"content": "x", "reasoning_details": [{"text": "ab"}]},
            "finish_reason": "stop"}], "base_resp": {"status_code": 0}}),
    ];
    let whole = text(VendorKind::MiniMax, &events(&minimax));
    assert_eq!(whole.opaque, [json!({"reasoning_details": [{"text": "ab"}]})]);
    assert_eq!((whole.text.as_str(), whole.thought.as_str()), ("x", "ab"));
}

#[test]
fn an_endless_line_is_given_up() {
    let mut chunks = vec![Ok(Bytes::from_static(b"data: {\"choices\":[{\"delta\":{\"content\":\""))];
    chunks.extend((0..100).map(|_| Ok(Bytes::from(vec![b'x'; 1024]))));
    assert_eq!(read(VendorKind::Custom, chunks).error, Some(Kind::Protocol));
}

#[test]
fn breaks_after_the_finish_cost_nothing() {
    let body = || Ok(Bytes::from(events(&[piece("a"), finish("stop")])));
    let idle = || Err(Broken::Stopped(Stop::Limit, LIMITS.idle));
    assert_eq!(read(VendorKind::Custom, vec![body(), idle()]).finish, Some(Finish::Stop));
    let open = || Ok(Bytes::from(events(&[piece("a")])));
    assert_eq!(read(VendorKind::Custom, vec![open(), idle()]).error, Some(Kind::Timeout));
    let cancelled = Err(Broken::Stopped(Stop::Cancelled, LIMITS.idle));
    assert_eq!(read(VendorKind::Custom, vec![body(), cancelled]).error, Some(Kind::Cancelled));
}

/// What is broken in the JSON or in the bytes does not cost the answer.
#[test]
fn damaged_streams_are_read() {
    let chunk = |content: &str| format!(r#"data: {{"choices":[{{"delta":{{"content":"{content}"}}}}]}}"#);
    let done = r#"data: {"choices":[{"delta":{},"finish_reason":"stop","logprobs":NaN}]}"#;
    for (lines, text) in [
        (vec![chunk(r"a\ud83e"), chunk(r"\udd80b")], "a🦀b"),
        (vec![chunk(r"a\udd80b"), chunk(r"\ud83e")], "a\u{fffd}b\u{fffd}"),
        (vec![chunk("a\tb\u{1}")], "a\tb\u{1}"),
        (vec![chunk(r"a\xb")], r"a\xb"),
    ] {
        for end in ["\n\n", "\n", "\r\n", "\r"] {
            let body = format!("{}{end}{done}{end}data: [DONE]{end}", lines.join(end));
            let read = |chunks| {
                let whole = read(VendorKind::Custom, chunks);
                (whole.text, whole.finish)
            };
            let expected = (text.to_owned(), Some(Finish::Stop));
            assert_eq!(read(vec![Ok(Bytes::from(body.clone()))]), expected, "{body:?}");
            let bytes = body.bytes().map(|byte| Ok(Bytes::copy_from_slice(&[byte]))).collect();
            assert_eq!(read(bytes), expected, "{body:?}, byte by byte");
        }
    }
    let mut body = chunk("a~b").into_bytes();
    body.iter_mut().filter(|byte| **byte == b'~').for_each(|byte| *byte = 0xff);
    body.extend_from_slice(b"\n\ndata: [DONE]\n\n");
    assert_eq!(read(VendorKind::Custom, vec![Ok(Bytes::from(body))]).text, "a\u{fffd}b");
    let whole =
        b"{\"choices\":[{\"message\":{\"content\":\"a\xffb\tc\"},\"finish_reason\":\"stop\"}],\"x\":NaN}";
    assert_eq!(read(VendorKind::Custom, vec![Ok(Bytes::from_static(whole))]).text, "a\u{fffd}b\tc");
}

#[test]
fn text_in_odd_places_is_found() {
    let reply = |choice: Value| json!({"choices": [choice]}).to_string();
    for body in [
        reply(json!({"text": "yes", "finish_reason": "stop"})),
        reply(json!({"text": "yes", "message": null, "finish_reason": "stop"})),
        reply(json!({"message": "yes", "finish_reason": "stop"})),
        reply(json!({"message": {"content": {"type": "text", "text": "yes"}}, "finish_reason": "stop"})),
        reply(json!({"message": {"content": {"text": {"value": "yes"}}}, "finish_reason": "stop"})),
        events(&[
            json!({"choices": [{"text": "ye", "finish_reason": null}]}),
            json!({"choices": [{"text": "s", "finish_reason": "stop"}]}),
        ]),
    ] {
        let whole = text(VendorKind::Custom, &body);
        assert_eq!((whole.text.as_str(), whole.finish), ("yes", Some(Finish::Stop)), "{body}");
    }
}

/// A reply in which nothing is found is quoted, so that its reader sees what there is.
#[test]
fn what_says_nothing_is_quoted() {
    for body in [
        "{}",
        "[]",
        "null",
        r#"{"choices":[]}"#,
        r#"{"choices":[{"message":null,"finish_reason":"stop"}]}"#,
        r#"{"choices":[{"message":{"words":"yes"},"finish_reason":"stop"}]}"#,
        r#"{"completion":"yes"}"#,
    ] {
        let error = failure(body);
        assert_eq!(error.kind, Kind::Protocol, "{body}");
        assert!(error.message.ends_with(&format!(": {body}")), "{body}: {error}");
    }
}

/// What servers and proxies write around their events, and in the place of events.
#[test]
fn odd_frames_are_read() {
    let said = |content: &str| piece(content).to_string();
    let (ye, s, end) = (said("ye"), said("s"), finish("stop").to_string());
    let stream = format!("data: {ye}\n\ndata: {s}\n\ndata: {end}\n\n");
    let reply = json!({"choices": [{"message": {"content": "yes"}, "finish_reason": "stop"}]});
    let mut bodies = vec![
        format!("\u{feff}{reply}"),
        format!(" \n\u{feff}\n {reply:#}"),
        format!("{reply}\n[DONE]"),
        format!("[{reply}]"),
        format!("\u{feff}data: {ye}\n\n\u{feff}data: {s}\n\n\u{feff}data: {end}\n\n"),
        format!("  data: {ye}\n\n \tdata: {s}\n \n  data: {end}\n\n"),
        format!("data: \u{feff}{ye}\n\ndata: data: {s}\n\ndata: {end}\n\n"),
        format!("{ye}\n{s}\n{end}\n"),
        format!("{ye}\n{s}\n{end}\n[DONE]\n"),
        format!("{ye}\r\n\r\n{s}\r\n\r\n{end}"),
        format!("{ye}{s}{end}"),
        format!("data: {ye}{s}\n\ndata: {end}\n\n"),
        format!("data: {ye} {s} {end} [DONE]\n\n"),
        format!("data: [{ye},{s}]\n\ndata: {end}\n\n"),
        format!("data: {ye}\n\n{s}\n\n{end}\n\n"),
    ];
    for first in [
        "[info] model loaded",
        "[2026-11-26 10:00:00] ready",
        "INFO: ready",
        "{}",
        "{\"type\":\"ready\"}",
        "<!-- -->",
        "<!-- proxied -->\n",
        "HTTP/1.1 200 OK",
    ] {
        bodies.push(format!("{first}\n{stream}"));
    }
    for body in bodies {
        for chunks in
            [vec![body.as_bytes()], body.as_bytes().chunks(1).collect(), body.as_bytes().chunks(7).collect()]
        {
            let chunks = chunks.into_iter().map(|chunk| Ok(Bytes::copy_from_slice(chunk))).collect();
            let whole = read(VendorKind::Custom, chunks);
            assert_eq!((whole.text.as_str(), whole.finish), ("yes", Some(Finish::Stop)), "{body}");
        }
    }
}

/// Frames that are broken do not become whole by being read so.
#[test]
fn broken_frames_stay_broken() {
    let ye = piece("ye").to_string();
    for body in [
        format!("{ye}\n"),
        format!("{ye}\n{ye}\n"),
        format!("{ye}\n{{\"choices\":[{{\"del"),
        format!("data: {ye}{{\"choices\"\n\ndata: [DONE]\n\n"),
        format!("{{\"choices\"\n{ye}\n[DONE]"),
        format!("[{ye},"),
        "<html>\n<script>\nvar data = {};\n</script>".to_owned(),
    ] {
        let whole = text(VendorKind::Custom, &body);
        let is_whole = whole.finish.as_ref().is_some_and(Finish::is_complete);
        assert!(!is_whole, "{body}: {whole:?}");
    }
}

#[test]
fn unannounced_compression_is_undone() {
    use std::io::Write as _;
    let packed = |bytes: &[u8]| {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    };
    let streamed = events(&[piece("yes"), finish("stop")]);
    let reply = json!({"choices": [{"message": {"content": "yes"}, "finish_reason": "stop"}]}).to_string();
    for body in [streamed.clone(), reply] {
        let packed = packed(body.as_bytes());
        for size in [1, 2, packed.len()] {
            let chunks = packed.chunks(size).map(|chunk| Ok(Bytes::copy_from_slice(chunk))).collect();
            let whole = read(VendorKind::Custom, chunks);
            assert_eq!((whole.text.as_str(), whole.finish), ("yes", Some(Finish::Stop)), "{body}");
        }
    }
    let once = packed(streamed.as_bytes());
    for body in [packed(&once), once[..once.len() / 2].to_vec()] {
        assert_eq!(read(VendorKind::Custom, vec![Ok(Bytes::from(body))]).error, Some(Kind::Protocol));
    }
}
