//! Any bytes as a vendor's answer: the first byte chooses the format, the second how the rest is cut. The answer comes to exactly one
//! end, and to the same words wherever it was cut.

#![no_main]

use exai_providers::fuzzing::{read, read_list};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let [format, cut, body @ ..] = bytes else { return };
    let whole = read(*format, &[body]);
    let pieces: Vec<&[u8]> = body.chunks(usize::from(*cut).max(1)).collect();
    assert_eq!(read(*format, &pieces), whole);
    read_list(body);
});
