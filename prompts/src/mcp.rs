//! The prompts that a client offers its user: one for each tool, and `continue`.
//!
//! A prompt is a short order to the agent that names the exact tool; what the user typed goes into it.

use std::sync::LazyLock;

use crate::template::split_header;

/// What a client may suggest while an argument is typed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Completes {
    /// Nothing.
    Nothing,
    /// The models that can be asked.
    Model,
    /// The user's threads.
    Thread,
}

/// An argument of a prompt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Argument {
    /// Its name.
    pub name: &'static str,
    /// What to type.
    pub about: &'static str,
    /// Whether the prompt makes no sense without it.
    pub required: bool,
    /// What may be suggested.
    pub completes: Completes,
}

/// A prompt.
#[derive(Debug)]
pub struct McpPrompt {
    /// Its name, that of its tool.
    pub name: &'static str,
    /// A few words for menus.
    pub title: &'static str,
    /// One sentence.
    pub about: &'static str,
    /// In the order in which a client fills them from a command line.
    pub arguments: &'static [Argument],
    /// The order to the agent; `{name}` stands for an argument, and a line whose arguments are all left out is dropped.
    text: &'static str,
}

const fn argument(name: &'static str, about: &'static str, required: bool) -> Argument {
    Argument { name, about, required, completes: Completes::Nothing }
}

const MODEL: Argument = Argument {
    name: "model",
    about: "Model to ask; the server chooses when left out",
    required: false,
    completes: Completes::Model,
};
const FILES: Argument = argument("files", "Files or folders, separated by spaces", false);

/// Names that the peer gave two of its prompts.
const OTHER_NAMES: [(&str, &str); 2] = [("review", "codereview"), ("thinkdeeper", "thinkdeep")];

/// Every prompt, in the order of the tools.
pub static ALL: LazyLock<Vec<McpPrompt>> = LazyLock::new(|| parse(include_str!("../templates/mcp.md")));

/// The prompt of this name or of the peer's name for it.
#[must_use]
pub fn find(name: &str) -> Option<&'static McpPrompt> {
    let name = OTHER_NAMES.iter().find(|(other, _)| *other == name).map_or(name, |(_, own)| own);
    ALL.iter().find(|prompt| prompt.name == name)
}

impl McpPrompt {
    /// The order to the agent with the given arguments in their places.
    #[must_use]
    pub fn render<'a>(&self, given: impl Fn(&str) -> Option<&'a str>) -> String {
        let lines: Vec<String> = self.text.lines().filter_map(|line| self.line(line, &given)).collect();
        lines.join("\n").trim().to_owned()
    }

    fn line<'a>(&self, line: &str, given: &impl Fn(&str) -> Option<&'a str>) -> Option<String> {
        let mut out = String::new();
        let (mut rest, mut named, mut filled) = (line, false, false);
        while let Some((before, after)) = rest.split_once('{') {
            let Some((name, behind)) = after.split_once('}') else { break };
            out.push_str(before);
            if self.arguments.iter().any(|argument| argument.name == name) {
                named = true;
                if let Some(value) = given(name).map(str::trim).filter(|value| !value.is_empty()) {
                    filled = true;
                    out.push_str(value);
                }
            } else {
                out.push('{');
                out.push_str(name);
                out.push('}');
            }
            rest = behind;
        }
        out.push_str(rest);
        (!named || filled).then_some(out)
    }
}

/// Reads `## name | title | about`, `args: a*, b` and the text below.
fn parse(file: &'static str) -> Vec<McpPrompt> {
    split_header(file).1.split("\n## ").skip(1).filter_map(section).collect()
}

fn section(section: &'static str) -> Option<McpPrompt> {
    let (head, body) = section.split_once('\n')?;
    let mut head = head.split(" | ");
    let (name, title, about) = (head.next()?, head.next()?, head.next()?);
    let (args, text) = body.trim_start().split_once('\n')?;
    let arguments: Vec<Argument> = args.strip_prefix("args:")?.split(';').filter_map(declared).collect();
    // Read once for the life of the program, so that clients can be given plain references.
    Some(McpPrompt { name, title, about, arguments: Vec::leak(arguments), text: text.trim() })
}

/// `name*=what to type`, `model` or `files`.
fn declared(text: &'static str) -> Option<Argument> {
    match text.trim() {
        "" => None,
        "model" => Some(MODEL),
        "files" => Some(FILES),
        own => {
            let (name, about) = own.split_once('=')?;
            let (name, required) = name.strip_suffix('*').map_or((name, false), |name| (name, true));
            let completes = if name == "thread" { Completes::Thread } else { Completes::Nothing };
            Some(Argument { completes, ..argument(name, about, required) })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TOOLS: [&str; 29] = [
        "chat",
        "consensus",
        "codereview",
        "precommit",
        "secaudit",
        "debug",
        "analyze",
        "refactor",
        "testgen",
        "thinkdeep",
        "planner",
        "tracer",
        "docgen",
        "challenge",
        "apilookup",
        "clink",
        "listmodels",
        "status",
        "activity",
        "usage",
        "threads",
        "version",
        "route",
        "payload_preview",
        "chat_with_tools",
        "web_search",
        "file_query",
        "file_manage",
        "file_download",
    ];

    #[test]
    fn every_tool_has_a_prompt() {
        let names: Vec<&str> = ALL.iter().map(|prompt| prompt.name).collect();
        assert_eq!(names, TOOLS.into_iter().chain(["continue"]).collect::<Vec<_>>());
        for prompt in ALL.iter() {
            let text = prompt.render(|_| Some("X"));
            let tool = if prompt.name == "continue" { "continuation_id" } else { prompt.name };
            assert!(text.contains(tool), "{}: {text}", prompt.name);
            assert!(text.lines().count() <= 60 && !text.contains('{'), "{}: {text}", prompt.name);
            for argument in prompt.arguments {
                assert!(
                    prompt.text.contains(&format!("{{{}}}", argument.name)),
                    "{} {}",
                    prompt.name,
                    argument.name
                );
            }
        }
    }

    #[test]
    fn a_line_without_argument_is_dropped() {
        let chat = find("chat").unwrap();
        let text = chat.render(|name| (name == "question").then_some("why?"));
        assert!(text.contains("why?") && !text.contains("model") && !text.contains("files"), "{text}");
        let text = chat.render(|name| match name {
            "question" => Some("why {model}?"),
            "model" => Some("kimi"),
            _ => None,
        });
        assert!(text.contains("why {model}?") && text.contains("kimi"), "{text}");
    }

    #[test]
    fn the_peers_names_are_understood() {
        assert_eq!(find("review").unwrap().name, "codereview");
        assert_eq!(find("thinkdeeper").unwrap().name, "thinkdeep");
        assert!(find("nothing").is_none());
    }
}
