//! Tool names as clients of other servers write them.

/// Suffixes that editors appended for the predecessor's tools.
const SUFFIXES: [&str; 4] = ["_EXAI-WS", "-EXAI-WS", "_EXAI_WS", "-EXAI_WS"];

/// The name without a predecessor's suffix.
pub(crate) fn canonical(name: &str) -> &str {
    SUFFIXES.iter().find_map(|suffix| name.strip_suffix(suffix)).unwrap_or(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn suffixes_are_taken_off() {
        assert_eq!(canonical("chat_EXAI-WS"), "chat");
        assert_eq!(canonical("debug-EXAI_WS"), "debug");
        assert_eq!(canonical("chat"), "chat");
    }
}
