//! MCP prompts: instructions to the agent that a user picks from a menu, one for each tool that is shown, and `continue`.

use exai_prompts::mcp::{self, Completes, McpPrompt};
use rmcp::{
    ErrorData,
    model::{GetPromptRequestParams, GetPromptResult, Prompt, PromptArgument, PromptMessage, Role},
};
use serde_json::{Value, json};

use super::{aliases, state::ExaiServer};

/// The prompt that goes on with a thread; it belongs to no tool.
const CONTINUE: &str = "continue";

impl ExaiServer {
    fn shows(&self, prompt: &McpPrompt) -> bool {
        let listing = self.tools.now();
        if prompt.name == CONTINUE { listing.shown.has("chat") } else { listing.shown.has(prompt.name) }
    }

    /// The prompts of the tools that are shown.
    pub(crate) fn prompts(&self) -> Vec<Prompt> {
        let has_tool =
            |prompt: &&McpPrompt| prompt.name == CONTINUE || self.router.get(prompt.name).is_some();
        mcp::ALL.iter().filter(|prompt| self.shows(prompt)).filter(has_tool).map(described).collect()
    }

    /// A prompt with its arguments filled in.
    pub(crate) fn prompt(&self, request: &GetPromptRequestParams) -> Result<GetPromptResult, ErrorData> {
        let found = mcp::find(aliases::canonical(&request.name)).filter(|prompt| self.shows(prompt));
        let Some(prompt) = found else {
            let known: Vec<String> = self.prompts().into_iter().map(|prompt| prompt.name).collect();
            let asked: String = request.name.chars().take(80).collect();
            return Err(ErrorData::invalid_params(
                format!("there is no prompt `{asked}`; the prompts are {}", known.join(", ")),
                Some(json!({ "prompts": known })),
            ));
        };
        let given = |name: &str| {
            request.arguments.as_ref().and_then(|arguments| arguments.get(name)).and_then(Value::as_str)
        };
        let is_given = |name: &str| given(name).is_some_and(|value| !value.trim().is_empty());
        let missing: Vec<&str> = prompt
            .arguments
            .iter()
            .filter(|argument| argument.required && !is_given(argument.name))
            .map(|argument| argument.name)
            .collect();
        if !missing.is_empty() {
            return Err(ErrorData::invalid_params(
                format!("the prompt `{}` needs {}", prompt.name, missing.join(" and ")),
                Some(json!({ "missing": missing })),
            ));
        }
        let message = PromptMessage::new_text(Role::User, prompt.render(given));
        Ok(GetPromptResult::new(vec![message]).with_description(prompt.about))
    }

    /// What an argument of a prompt may be completed with.
    pub(crate) fn completes(&self, prompt: &str, argument: &str) -> Completes {
        let found = mcp::find(aliases::canonical(prompt)).filter(|prompt| self.shows(prompt));
        let argument = found.and_then(|prompt| prompt.arguments.iter().find(|known| known.name == argument));
        argument.map_or(Completes::Nothing, |argument| argument.completes)
    }
}

fn described(prompt: &McpPrompt) -> Prompt {
    let arguments: Vec<PromptArgument> = prompt
        .arguments
        .iter()
        .map(|argument| {
            PromptArgument::new(argument.name)
                .with_description(argument.about)
                .with_required(argument.required)
        })
        .collect();
    let arguments = (!arguments.is_empty()).then_some(arguments);
    Prompt::new(prompt.name, Some(prompt.about), arguments).with_title(prompt.title)
}
