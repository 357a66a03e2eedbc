//! Any bytes as what a client writes over stdio; the first byte says how many it writes at a time. Every line is understood, and
//! understood once more when it is written again, or refused with an answer of a bounded length.

#![no_main]

use exai_transports::fuzzing::read_lines;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let [size, lines @ ..] = bytes else { return };
    read_lines(lines, usize::from(*size));
});
