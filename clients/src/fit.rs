//! What clients can show of an answer, and the answer in parts of that size.

mod part_call;
mod parts;
mod split;

pub use self::{
    part_call::PartCall,
    parts::{Pointer, parts},
};

/// How many characters of an answer Claude Code may show when a tool asks for it; its own limit is 25,000 tokens, and 500,000
/// characters at most (code.claude.com/docs/en/mcp, "MCP output limits and warnings").
pub const MAX_RESULT_KEY: &str = "anthropic/maxResultSizeChars";
/// Long enough for a review of many findings.
pub const MAX_RESULT_CHARS: u32 = 120_000;
/// The most characters of an answer when nothing is known of the client: what all clients show whose limits are known, but one that
/// tells its name.
const USUAL: usize = 18_000;
/// Claude Code shows 25,000 tokens, and what a tool's `anthropic/maxResultSizeChars` says where there is one.
const CLAUDE: (&str, usize) = ("claude-code", 60_000);
/// Clients with limits of their own, by the beginning of the name they give, and the most characters that reach their model unshortened.
/// Measured with Codex 0.169, Gemini CLI 0.61, Qwen Code 0.24, Copilot CLI 1.0, Cline CLI 3.0, OpenCode 1.18 and Kimi Code 2.1: above it
/// they cut out the middle, or give their model a short beginning, or nothing but the path of a file.
const CLIENTS: [(&str, usize); 7] = [
    // 10,000 tokens, with the JSON around a result; a script that prints a result has quotes and line ends escaped once more.
    ("codex-mcp-client", 30_000),
    ("gemini-cli-mcp-client", 36_000),
    ("qwen-cli-mcp-client", 24_000),
    ("copilot-cli", 18_000),
    ("@cline/core", 7_000),
    ("opencode", 45_000),
    ("kimi-code", 45_000),
];
/// The client name of the command line. Its answers are never cut, because a person reads them and saves files from them.
pub const OWN_CLIENT: &str = "exai-mcp-run";

/// How many characters an answer may have for a client of this name; `None` means any. `answers_long` says whether its tool told Claude Code so,
/// `setting` is the user's own limit.
#[must_use]
pub fn of_client(name: Option<&str>, answers_long: bool, setting: Option<usize>) -> Option<usize> {
    if name == Some(OWN_CLIENT) {
        return None;
    }
    if let Some(setting) = setting {
        return (setting > 0).then_some(setting);
    }
    let name = name.unwrap_or_default().to_ascii_lowercase();
    if name.starts_with(CLAUDE.0) {
        return Some(if answers_long { MAX_RESULT_CHARS as usize } else { CLAUDE.1 });
    }
    let known = CLIENTS.iter().find(|(client, _)| name.starts_with(client));
    Some(known.map_or(USUAL, |(_, limit)| *limit))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_setting_beats_the_clients_limit() {
        assert_eq!(of_client(Some("claude-code"), true, None), Some(120_000));
        assert_eq!(of_client(Some("Claude-Code/2.1"), false, None), Some(60_000));
        assert_eq!(of_client(Some("qwen-cli-mcp-client-exai"), true, None), Some(24_000));
        assert_eq!(of_client(Some("@cline/core"), true, None), Some(7_000));
        for other in ["other", "", "my-opencode"] {
            assert_eq!(of_client(Some(other), true, None), Some(USUAL));
        }
        assert_eq!(of_client(Some("@cline/core"), true, Some(50_000)), Some(50_000));
        assert_eq!(of_client(None, true, Some(7)), Some(7));
        assert_eq!(of_client(None, true, Some(0)), None);
        assert_eq!(of_client(Some(OWN_CLIENT), false, Some(7)), None);
    }
}
