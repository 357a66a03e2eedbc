//! Any bytes as what a client sends over a WebSocket; the first byte says how they are cut. The messages are the same wherever they
//! are cut, none is longer than allowed, and each is read as a frame of both dialects.

#![no_main]

use exai_server::fuzzing::{Heard, read};
use exai_transports::fuzzing::{read_frame, read_message};
use libfuzzer_sys::fuzz_target;

const MOST: usize = 300;

fuzz_target!(|bytes: &[u8]| {
    let [size, sent @ ..] = bytes else { return };
    let heard = read(sent, usize::MAX, MOST);
    assert_eq!(read(sent, usize::from(*size), MOST), heard, "in pieces of {size}");
    for message in heard {
        let frame = match &message {
            Heard::Text(text) => text.as_bytes(),
            Heard::Binary(bytes) => bytes,
            _ => continue,
        };
        read_frame(frame);
        read_message(frame);
    }
    // Masks hide words from the fuzzer.
    read_frame(sent);
});
