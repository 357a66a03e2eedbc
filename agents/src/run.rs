//! Runs an agent once, in a process group of its own, with a cleared environment and limits of time and output.

use std::{path::Path, process::Stdio, time::Duration};

use exai_core::process::{Running, read_at_most};
use tokio::{
    io::AsyncWriteExt as _,
    process::Command,
    time::{Instant, timeout_at},
};
use tokio_util::sync::CancellationToken;

use crate::{Agent, ClinkSettings, DEPTH_VARIABLE, USUAL};

/// How much of an agent's standard error is read in bytes, and how much of its end is reported in characters.
const MAX_COMPLAINT: u64 = 256 * 1024;
const REPORTED_COMPLAINT: usize = 2_000;

/// How an agent ended, and what it printed.
#[derive(Debug)]
pub struct Ended {
    /// Its standard output.
    pub stdout: Vec<u8>,
    /// Whether that was longer than is read.
    pub cut: bool,
    /// The end of its standard error.
    pub stderr: String,
    /// Its exit code, when it ended by itself.
    pub exit_code: Option<i32>,
}

/// The bounds of the call that runs an agent.
#[derive(Debug, Clone)]
pub struct Bounds {
    /// When the call ends.
    pub deadline: Instant,
    /// The longest the call may take.
    pub limit: Duration,
    /// Cancelled when nobody waits any more.
    pub cancel: CancellationToken,
}

/// Why an agent did not come to its end.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// Its program cannot be started or talked to.
    #[error("the agent {agent} cannot be run: {source}")]
    Unusable {
        /// The agent.
        agent: String,
        /// What the system says.
        #[source]
        source: std::io::Error,
    },
    /// It took too long.
    #[error("the agent {agent} was still working after {limit:?}")]
    Timeout {
        /// The agent.
        agent: String,
        /// The limit.
        limit: Duration,
    },
    /// The caller gave up.
    #[error("the call was cancelled")]
    Cancelled,
}

/// Runs the agent to its end, its limit, or the end of the call.
///
/// # Errors
/// Anything that [`RunError`] names.
pub async fn run(
    settings: &ClinkSettings,
    agent: &Agent,
    program: &Path,
    folder: &Path,
    prompt: &str,
    bounds: &Bounds,
) -> Result<Ended, RunError> {
    let failed = |source: std::io::Error| RunError::Unusable { agent: agent.name.clone(), source };
    let mut running = Running(command(settings, agent, program, folder).spawn().map_err(failed)?);
    let own = Instant::now() + settings.time_limit;
    let (until, limit) =
        if own < bounds.deadline { (own, settings.time_limit) } else { (bounds.deadline, bounds.limit) };
    let stopped = tokio::select! {
        biased;
        ended = timeout_at(until, to_end(&mut running, prompt, settings.max_output_bytes)) => match ended {
            Ok(ended) => return ended.map_err(failed),
            Err(_elapsed) => RunError::Timeout { agent: agent.name.clone(), limit },
        },
        () = bounds.cancel.cancelled() => RunError::Cancelled,
    };
    end_gently(&running, settings.grace).await;
    Err(stopped)
}

/// Asks the agent and all that it has started to end, and gives them a moment. Nothing waits for the process, so that its group keeps
/// its number until `running` is dropped and kills what is left.
async fn end_gently(running: &Running, grace: Duration) {
    running.terminate();
    tokio::time::sleep(grace).await;
}

async fn to_end(running: &mut Running, prompt: &str, most: u64) -> std::io::Result<Ended> {
    let child = &mut running.0;
    let (input, output, errors) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
    let write = async {
        if let Some(mut pipe) = input {
            // An agent may end before it has read everything; its exit code says whether that is a failure.
            drop(pipe.write_all(prompt.as_bytes()).await);
        }
    };
    let complain = async {
        let mut errors = errors;
        let (said, _) = read_at_most(errors.as_mut(), MAX_COMPLAINT).await?;
        if let Some(rest) = &mut errors {
            tokio::io::copy(rest, &mut tokio::io::sink()).await?;
        }
        Ok::<_, std::io::Error>(said)
    };
    tokio::pin!(complain);
    let mut complained = None;
    let both = async { tokio::join!(write, read_at_most(output, most)).1 };
    tokio::pin!(both);
    let (stdout, cut) = loop {
        tokio::select! {
            read = &mut both => break read?,
            said = &mut complain, if complained.is_none() => complained = Some(said?),
        }
    };
    if cut {
        // The rest of its output is not read; the agent ends when `running` is dropped.
        return Ok(Ended { stdout, cut, stderr: String::new(), exit_code: None });
    }
    let complained = match complained {
        Some(said) => said,
        None => complain.await?,
    };
    let complained = String::from_utf8_lossy(&complained).trim().to_owned();
    let skip = complained.chars().count().saturating_sub(REPORTED_COMPLAINT);
    let stderr = complained.chars().skip(skip).collect();
    let status = running.0.wait().await?;
    Ok(Ended { stdout, cut, stderr, exit_code: status.code() })
}

fn command(settings: &ClinkSettings, agent: &Agent, program: &Path, folder: &Path) -> Command {
    let mut command = Command::new(program);
    command.args(agent.arguments()).current_dir(folder);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
    #[cfg(unix)]
    command.process_group(0);
    command.env_clear();
    let usual = |name: &str| USUAL.contains(&name) || name.starts_with("LC_") || name.starts_with("XDG_");
    for (name, value) in &settings.environment {
        if usual(name) || agent.env.contains(name) {
            command.env(name, value);
        }
    }
    if !agent.allow_edits {
        command.envs(&agent.read_only_env);
    }
    command.env("TERM", "dumb").env("NO_COLOR", "1").env(DEPTH_VARIABLE, "1");
    command
}
