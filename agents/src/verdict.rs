//! Whether what an agent printed is an answer.

use crate::{
    failure::{AgentFailure, MAX_REASON, speaks_of_login},
    known,
    output::Read,
    run::Ended,
};

/// The longest text that can be a refusal and nothing else, in bytes.
const LONGEST_REFUSAL: usize = 300;

/// Why there is no answer; `None` when there is one. The exit code alone says neither: agents end with 1 after an answer, and with 0 after
/// a failure.
#[must_use]
pub fn failure(agent: &str, read: &Read, ended: &Ended) -> Option<AgentFailure> {
    let said = read.text.trim();
    let is_understood = read.parsed && !read.is_plain;
    // For plain text nothing vouches but a good end. Where the output was cut, the end is ours.
    let is_trusted = is_understood || ended.exit_code == Some(0) || (ended.cut && read.parsed);
    if read.failure.is_none() && !said.is_empty() && is_trusted && !(read.is_plain && is_refusal(said)) {
        return None;
    }
    let reason = read.failure.clone().or_else(|| complaint(&ended.stderr)).or_else(|| end_of(said));
    let reason = reason.unwrap_or_else(|| "it printed nothing".to_owned());
    let end = match ended.exit_code {
        Some(code) => format!("exit code {code}"),
        None if ended.cut => "it printed more than is read".to_owned(),
        None => "ended by a signal".to_owned(),
    };
    Some(AgentFailure::new(agent, end, &reason, known::login(agent)))
}

/// Whether plain text is what agents print when nobody is logged in, whatever their exit code is.
fn is_refusal(text: &str) -> bool {
    let words = text.to_ascii_lowercase();
    let asks = [
        "not logged in",
        "please run /login",
        "set an auth method",
        "no auth type is selected",
        "invalid api key",
    ];
    words.len() < LONGEST_REFUSAL && asks.iter().any(|ask| words.contains(ask))
}

/// What matters of standard error: the reason in an error object, else the line that names an error and not the stack behind it.
fn complaint(stderr: &str) -> Option<String> {
    if stderr.trim().is_empty() {
        return None;
    }
    let object = stderr
        .find('{')
        .and_then(|at| serde_json::from_str::<serde_json::Value>(stderr.get(at..)?.trim()).ok());
    let told =
        object.as_ref().and_then(|object| object.get("error")?.get("message")?.as_str().map(str::to_owned));
    if told.is_some() {
        return told;
    }
    let lines = || stderr.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with("at "));
    let telling = |line: &&str| {
        let line = line.to_ascii_lowercase();
        line.contains("error") || speaks_of_login(&line)
    };
    lines().find(telling).map_or_else(|| end_of(stderr), |line| Some(line.to_owned()))
}

/// The end of a text, where programs say why they end.
fn end_of(text: &str) -> Option<String> {
    let text = text.trim();
    let skip = text.chars().count().saturating_sub(MAX_REASON);
    (!text.is_empty()).then(|| text.chars().skip(skip).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stack_is_no_reason() {
        let stack = "Loaded cached credentials.\nfile:///x.js:9\n  throw new Error(y)\nError: Please set an Auth method\n    at f (x.js:1)\n    at g";
        assert!(complaint(stack).unwrap().contains("Error"));
        let json = "note\n{\"session_id\":\"1\",\"error\":{\"type\":\"Error\",\"message\":\"Please set an Auth method\",\"code\":41}}";
        assert_eq!(complaint(json).as_deref(), Some("Please set an Auth method"));
        assert_eq!(complaint("nothing helps").as_deref(), Some("nothing helps"));
    }
}
