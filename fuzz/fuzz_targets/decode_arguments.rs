//! Any JSON object as the arguments of a tool; the first byte chooses the tool. A mistake names its field, no sentence grows with what
//! was sent, and what is taken is of the type that the schema says, also when it is sent again.

#![no_main]

use std::sync::LazyLock;

use exai_tools::fuzzing::Tools;
use libfuzzer_sys::fuzz_target;

static TOOLS: LazyLock<Tools> = LazyLock::new(Tools::default);

fuzz_target!(|bytes: &[u8]| {
    let [tool, arguments @ ..] = bytes else { return };
    if let Ok(arguments) = serde_json::from_slice(arguments) {
        TOOLS.decode(usize::from(*tool), &arguments);
    }
});
