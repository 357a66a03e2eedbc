//! Any bytes as a diff; the first byte says for how much of it there is room. Nothing is kept beyond the room, no line is lost
//! uncounted, and what was read says the same when it is written as a diff again.

#![no_main]

use exai_context::git::fuzzing::read;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let [room, diff @ ..] = bytes else { return };
    read(diff, u64::from(*room) * 4);
});
