//! Other agents on this machine as sub-agents. They are started without a shell, are read-only unless the user has configured
//! otherwise, and end by a deadline.

mod prompt;

use std::{path::PathBuf, time::Duration};

use exai_core::process;
use exai_core::{
    Kind, ThreadId,
    chat::Usage,
    provider::ProviderError,
    run::Phase,
    thread::{Answer, ModelRef, TurnBody, UserMessage},
};
use tokio::time::Instant;

pub use exai_agents::{Agent, AgentFailure, ClinkSettings, DEPTH_VARIABLE, Parser, USUAL, built_in};
use exai_agents::{Bounds, RunError};

use crate::{call::Call, engine::Engine, error::EngineError};
use exai_inference::{delivery::Unwritten, error::InferenceError};

/// The tool's name in threads.
const TOOL: &str = "clink";
/// The longest prompt, in characters.
const MAX_PROMPT_CHARS: usize = 300_000;

/// What an agent is asked.
#[derive(Debug, Clone, Default)]
pub struct ClinkInput {
    /// The words.
    pub prompt: String,
    /// The agent; the first that is installed when `None`.
    pub cli_name: Option<String>,
    /// Its role; `default` when `None`.
    pub role: Option<String>,
    /// Files that it should look at. It gets their names, not their contents.
    pub files: Vec<String>,
    /// The thread to continue.
    pub continuation_id: Option<String>,
}

/// What an agent answered.
#[derive(Debug)]
pub struct ClinkOutcome {
    /// Its answer.
    pub text: String,
    /// The agent.
    pub agent: Agent,
    /// Its role.
    pub role: String,
    /// Wall time.
    pub duration: Duration,
    /// Its exit code, when it ended by itself.
    pub exit_code: Option<i32>,
    /// The end of its standard error.
    pub stderr: String,
    /// Whether its parser understood the output, which is taken as plain text otherwise.
    pub parsed: bool,
    /// The tokens that it reports.
    pub usage: Option<Usage>,
    /// The price that it reports, in US dollars.
    pub cost_usd: Option<f64>,
    /// Whether its output was longer than the limit.
    pub cut: bool,
    /// The thread.
    pub thread: ThreadId,
    /// Turns that the thread may still take.
    pub remaining_turns: u32,
    /// Whether everything is durable already.
    pub persisted: bool,
}

/// An agent, and where its program is.
struct Installed {
    agent: Agent,
    program: PathBuf,
}

impl Engine {
    /// Asks an installed agent, which runs in the first folder that is open to this server.
    ///
    /// # Errors
    /// The input is wrong, the thread is unknown, or the agent fails, which is a failure of a provider.
    pub async fn clink(&self, input: ClinkInput, call: &Call) -> Result<ClinkOutcome, EngineError> {
        call.phase(Phase::Packing);
        let settings = &self.settings.clink;
        check(&input, settings)?;
        let thread_id = self.threads.parse(input.continuation_id.as_deref())?;
        let Installed { agent, program } = self.agent(input.cli_name.as_deref())?;
        let role = input.role.as_deref().map(str::trim).filter(|role| !role.is_empty()).unwrap_or("default");
        let orders = agent.role(role).ok_or_else(|| {
            EngineError::invalid(
                "role",
                format!(
                    "`{role}` is no role of {}; its roles are {}",
                    agent.name,
                    agent.role_names().join(", ")
                ),
            )
        })?;
        let roots = call.roots.roots().await;
        let folder = roots.paths().first().cloned().ok_or_else(|| {
            EngineError::invalid(
                "cli_name",
                "no folder is open to this server, so there is nowhere to run an agent; configure a root",
            )
        })?;
        let thread = self.threads.load(thread_id, call).await?;
        let files = prompt::references(&roots, &input.files)?;
        let text = prompt::render(&orders, thread.as_ref(), &files, &input.prompt);
        let message = TurnBody::Message(UserMessage { text: input.prompt.clone(), ..UserMessage::default() });
        let appended = self.threads.append(thread.as_ref(), TOOL, message, call).await?;
        call.phase(Phase::Asking);
        call.progress.send_modify(|event| event.model = Some(format!("clink/{}", agent.name)));
        let begun = Instant::now();
        let bounds = Bounds { deadline: call.deadline, limit: call.limit, cancel: call.cancel.clone() };
        let ended =
            exai_agents::run(settings, &agent, &program, &folder, &text, &bounds).await.map_err(failed)?;
        let read = agent.parser.read(&ended.stdout);
        let said = read.text.trim().to_owned();
        if let Some(failure) = exai_agents::failure(&agent.name, &read, &ended) {
            return Err(failure.into());
        }
        let answer = TurnBody::Answer(Answer {
            text: said.clone(),
            model: Some(ModelRef { provider: "clink".into(), model: agent.name.as_str().into() }),
            ..Answer::default()
        });
        let persisted = self.threads.append_next(appended, TOOL, answer, Unwritten::default(), call).await;
        Ok(ClinkOutcome {
            text: said,
            role: role.to_owned(),
            duration: begun.elapsed(),
            exit_code: ended.exit_code,
            stderr: ended.stderr,
            parsed: read.parsed,
            usage: read.usage,
            cost_usd: read.cost_usd,
            cut: ended.cut,
            thread: appended.thread,
            remaining_turns: self.settings.max_turns.saturating_sub(appended.next_seq + 1),
            persisted: appended.persisted && persisted,
            agent,
        })
    }

    /// The named agent, or the first one that is installed.
    fn agent(&self, name: Option<&str>) -> Result<Installed, EngineError> {
        let settings = &self.settings.clink;
        let folders = process::folders(&settings.environment);
        let installed = |agent: &Agent| agent.find(&folders);
        let known = || settings.agents.iter().map(|agent| agent.name.as_str()).collect::<Vec<_>>().join(", ");
        let here: Vec<&str> = settings
            .agents
            .iter()
            .filter(|agent| installed(agent).is_some())
            .map(|agent| agent.name.as_str())
            .collect();
        let here = if here.is_empty() {
            "none is installed".to_owned()
        } else {
            format!("installed: {}", here.join(", "))
        };
        let wanted = name.map(str::trim).filter(|name| !name.is_empty());
        let Some(wanted) = wanted else {
            let first = settings
                .agents
                .iter()
                .find_map(|agent| Some(Installed { agent: agent.clone(), program: installed(agent)? }));
            return first.ok_or_else(|| {
                EngineError::invalid("cli_name", format!("no agent is on the search path (known: {}); install one, or configure [clink.NAME] with its command", known()))
            });
        };
        let agent = settings.agents.iter().find(|agent| agent.name.eq_ignore_ascii_case(wanted)).ok_or_else(
            || {
                EngineError::invalid(
                    "cli_name",
                    format!(
                        "`{wanted}` is not known; {here}; known: {}; others are configured as [clink.NAME]",
                        known()
                    ),
                )
            },
        )?;
        let program = installed(agent).ok_or_else(|| {
            let (name, command) = (&agent.name, &agent.command);
            let how = format!("install {command}, or write its whole path as command in [clink.{name}]");
            EngineError::invalid("cli_name", format!("`{command}` is not on the search path; {here}; {how}"))
        })?;
        Ok(Installed { agent: agent.clone(), program })
    }
}

fn failed(error: RunError) -> EngineError {
    match error {
        RunError::Unusable { .. } => {
            EngineError::of_provider(ProviderError::new("clink".into(), Kind::Unavailable, error.to_string()))
        }
        RunError::Timeout { agent, limit } => {
            let progress = format!(" (the agent {agent} was still working)");
            InferenceError::Timeout { limit, progress }.into()
        }
        RunError::Cancelled => InferenceError::Cancelled.into(),
    }
}

fn check(input: &ClinkInput, settings: &ClinkSettings) -> Result<(), EngineError> {
    if settings.nested {
        let problem = "this server was itself started by an agent of clink; it starts no further agents";
        return Err(EngineError::invalid("cli_name", problem));
    }
    if input.prompt.trim().is_empty() {
        return Err(EngineError::invalid("prompt", "say what the agent shall do"));
    }
    let count = input.prompt.chars().count();
    if count > MAX_PROMPT_CHARS {
        let problem = format!(
            "has {count} characters, at most {MAX_PROMPT_CHARS} are taken; put long material into a file and name it"
        );
        return Err(EngineError::invalid("prompt", problem));
    }
    Ok(())
}
