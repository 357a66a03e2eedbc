//! Other names for tools, as clients of other servers write them.

/// Suffixes that editors appended for the predecessor's tools.
const SUFFIXES: [&str; 4] = ["_EXAI-WS", "-EXAI-WS", "_EXAI_WS", "-EXAI_WS"];

/// What other servers call a tool that does the same; accepted in calls, never listed.
const OTHER_NAMES: [(&str, &str); 14] = [
    ("health", "status"),
    ("self-check", "status"),
    ("provider_capabilities", "status"),
    ("toolcall_log_tail", "activity"),
    ("kimi_intent_analysis", "route"),
    ("glm_payload_preview", "payload_preview"),
    ("kimi_capture_headers", "payload_preview"),
    ("kimi_chat_with_tools", "chat_with_tools"),
    ("glm_web_search", "web_search"),
    ("smart_file_query", "file_query"),
    ("smart_file_download", "file_download"),
    ("kimi_manage_files", "file_manage"),
    ("review", "codereview"),
    ("thinkdeeper", "thinkdeep"),
];

/// The tool's own name, for a name with a predecessor's suffix or a name of another server.
#[must_use]
pub fn canonical(name: &str) -> &str {
    let name = SUFFIXES.iter().find_map(|suffix| before(name, suffix)).unwrap_or(name);
    OTHER_NAMES.iter().find(|(other, _)| *other == name).map_or(name, |(_, own)| own)
}

/// The part before a suffix. The name of a window may follow it: `chat_EXAI-WS-VSCode1`.
fn before<'a>(name: &'a str, suffix: &str) -> Option<&'a str> {
    let (before, after) = name.split_once(suffix)?;
    (after.is_empty() || after.starts_with('-')).then_some(before)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn suffixes_are_taken_off() {
        assert_eq!(canonical("chat_EXAI-WS"), "chat");
        assert_eq!(canonical("debug-EXAI_WS"), "debug");
        assert_eq!(canonical("chat_EXAI-WS-VSCode1"), "chat");
        assert_eq!(canonical("chat_EXAI-WSX"), "chat_EXAI-WSX");
        assert_eq!(canonical("chat"), "chat");
    }

    #[test]
    fn other_servers_names_mean_our_tools() {
        assert_eq!(canonical("self-check"), "status");
        assert_eq!(canonical("toolcall_log_tail_EXAI-WS"), "activity");
        assert_eq!(canonical("thinkdeeper"), "thinkdeep");
    }
}
