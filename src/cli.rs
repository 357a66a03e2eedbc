//! The command line.

use std::{
    io::{self, IsTerminal as _},
    path::PathBuf,
    process::ExitCode,
};

use clap::{Args, CommandFactory as _, Parser, Subcommand, ValueEnum};
use exai_core::Severity;
use exai_tools::profile::Profile;

use crate::{
    App, Config, commands, exit, lifecycle,
    telemetry::{self, Telling},
    terminal::print,
};

/// A team of expert models for a coding agent.
///
/// Without a command, and with a pipe as its input, this is an MCP server (stdio). Add it to a client, for example with
/// `claude mcp add exai -- exai-mcp`.
#[derive(Debug, Parser)]
#[command(name = "exai-mcp", version, arg_required_else_help = false)]
pub struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Serve several clients over HTTP
    Serve(ServeArgs),
    /// Connect a client's pipe to a running server
    Connect(ConnectArgs),
    /// Check a running server: exit code 0 ready, 1 not ready, 2 no answer
    Health(HealthArgs),
    /// Start the server as each client does, and say what is wrong and how to fix it
    Doctor(DoctorArgs),
    /// Run a tool here and show its answer
    #[command(alias = "call")]
    Run(RunArgs),
    /// Show the models that can be asked
    Models(ModelsArgs),
    /// Show, search, export and delete stored conversations
    #[command(subcommand)]
    Threads(ThreadsCommand),
    /// Show what works now and what to do next
    Status {
        /// Ask each provider a tiny question, which costs money
        #[arg(long)]
        probe: bool,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Show the latest runs
    Activity(ActivityArgs),
    /// Show the tokens, money and time used
    Usage(UsageArgs),
    /// Show and clear the cached answers
    #[command(subcommand)]
    Cache(CacheCommand),
    /// Show the tools and what their list costs a client
    Tools(ToolsArgs),
    /// Show the system prompts in force
    #[command(subcommand)]
    Prompts(PromptsCommand),
    /// Show and check the configuration
    #[command(subcommand)]
    Config(ConfigCommand),
    /// Show the version
    Version {
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
}

/// Arguments of `serve`.
#[derive(Debug, Args)]
pub(crate) struct ServeArgs {
    /// Where to listen instead of serve.listen; port 0 takes a free one
    #[arg(long, value_name = "HOST:PORT | unix:PATH")]
    pub listen: Option<String>,
    /// When the port is taken, try this many ports after it
    #[arg(long, value_name = "COUNT")]
    pub port_range: Option<u16>,
    /// Serve over TLS with this certificate chain (PEM) instead of serve.tls_cert
    #[arg(long, value_name = "FILE")]
    pub tls_cert: Option<PathBuf>,
    /// The private key of that certificate (PEM) instead of serve.tls_key
    #[arg(long, value_name = "FILE")]
    pub tls_key: Option<PathBuf>,
    /// Write the server's health to this file every 10 seconds
    #[arg(long, value_name = "FILE")]
    pub health_file: Option<PathBuf>,
    /// Write the log to this file instead of standard error; at 8 MB it becomes FILE.1 and begins anew
    #[arg(long, value_name = "FILE")]
    pub log_file: Option<PathBuf>,
}

/// Arguments of `doctor`.
#[derive(Debug, Args)]
pub(crate) struct DoctorArgs {
    /// Client configuration files to check instead of those at their usual places
    pub files: Vec<PathBuf>,
    /// Check only the entries of this client, such as "Claude Code" or Codex
    #[arg(long)]
    pub client: Option<String>,
    /// Call the server at this address over HTTP instead of checking entries
    #[arg(long, value_name = "URL", conflicts_with_all = ["files", "client"])]
    pub http: Option<String>,
    /// With --http: also send this header, such as "Authorization: Bearer KEY"
    #[arg(long, value_name = "NAME: VALUE", requires = "http")]
    pub header: Vec<String>,
    /// Ask each configured provider for its list of models with each of its keys, instead of checking entries
    #[arg(long, conflicts_with_all = ["files", "client", "http"])]
    pub keys: bool,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `health`.
#[derive(Debug, Args)]
pub(crate) struct HealthArgs {
    /// Where the server is; the default is serve.listen
    #[arg(value_name = "http://HOST:PORT")]
    pub url: Option<String>,
    /// Read the file that `serve --health-file` writes instead
    #[arg(long, value_name = "FILE", conflicts_with = "url")]
    pub file: Option<PathBuf>,
}

/// Arguments of `connect`.
#[derive(Debug, Args)]
pub(crate) struct ConnectArgs {
    /// Where the server is; the default is serve.listen. EXAI_TOKEN is the key
    #[arg(value_name = "ws://HOST:PORT/ws")]
    pub url: Option<String>,
    /// Start a server there if none answers
    #[arg(long)]
    pub spawn: bool,
}

/// Arguments of `run`.
#[derive(Debug, Args)]
pub(crate) struct RunArgs {
    /// The tool, such as codereview, debug, chat or planner
    pub tool: String,
    /// Files or folders to read; path:10-40 for a range
    pub files: Vec<String>,
    /// What to ask or do; read from standard input when it is a pipe
    #[arg(short, long)]
    pub prompt: Option<String>,
    /// The model, such as gpt-6.1-sol, kimi/kimi-k3.1-pro, auto or offline
    #[arg(short, long)]
    pub model: Option<String>,
    /// Continue a thread
    #[arg(short, long = "continue", value_name = "ID")]
    pub continuation_id: Option<String>,
    /// Set any other argument of the tool; the value is JSON or plain text
    #[arg(short, long = "arg", value_name = "NAME=VALUE")]
    pub arguments: Vec<String>,
    /// Print the tool's answer as JSON, as MCP clients get it
    #[arg(long)]
    pub json: bool,
    /// Say which model would answer, which ones come after it and why, instead of asking
    #[arg(long, conflicts_with_all = ["write", "fail_on"])]
    pub explain: bool,
    /// Look only at what is staged in git (precommit, codereview, secaudit)
    #[arg(long)]
    pub staged: bool,
    /// Look at what has changed since this branch or commit (precommit, codereview, secaudit)
    #[arg(long, value_name = "REVISION", conflicts_with = "staged")]
    pub base: Option<String>,
    /// Save the files in the answer under this folder (chat)
    #[arg(long, value_name = "DIR")]
    pub write: Option<PathBuf>,
    /// With --write: replace existing files
    #[arg(long, requires = "write")]
    pub force: bool,
    /// Exit with 1 if a finding is at least this severe, with 3 if the review was not made, not read or not whole
    #[arg(long, value_name = "SEVERITY", value_enum)]
    pub fail_on: Option<FailOn>,
    /// With --fail-on: accept a review that was not shown everything that was named or has changed
    #[arg(long, requires = "fail_on")]
    pub allow_partial: bool,
}

/// The severities of `--fail-on`.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum FailOn {
    Critical,
    High,
    Medium,
    Low,
    Info,
}

impl From<FailOn> for Severity {
    fn from(word: FailOn) -> Self {
        match word {
            FailOn::Critical => Self::Critical,
            FailOn::High => Self::High,
            FailOn::Medium => Self::Medium,
            FailOn::Low => Self::Low,
            FailOn::Info => Self::Info,
        }
    }
}

/// Arguments of `models`.
#[derive(Debug, Args)]
pub(crate) struct ModelsArgs {
    /// Show only this provider
    #[arg(long)]
    pub provider: Option<String>,
    /// Also ask each endpoint for its list of models
    #[arg(long)]
    pub live: bool,
    /// Show also the models that are retired, or kept out by models.allow and models.deny
    #[arg(long)]
    pub all: bool,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum ThreadsCommand {
    /// List the latest threads
    List {
        /// The most entries to show
        #[arg(long, default_value_t = 20)]
        limit: u32,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Find threads that contain these words
    Search {
        /// The words
        #[arg(required = true)]
        words: Vec<String>,
        /// The most entries to show
        #[arg(long, default_value_t = 20)]
        limit: u32,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Print a thread as Markdown
    Export {
        /// The thread's id
        id: String,
    },
    /// Delete a thread with everything in it
    Delete {
        /// The thread's id
        id: String,
        /// Do not ask for confirmation
        #[arg(long)]
        yes: bool,
    },
    /// Show a whole thread
    Show {
        /// The thread's id
        id: String,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
}

/// Arguments of `activity`.
#[derive(Debug, Args)]
pub(crate) struct ActivityArgs {
    /// Show only runs of this tool
    #[arg(long)]
    pub tool: Option<String>,
    /// Show only runs in this state: running, done, failed, cancelled or interrupted
    #[arg(long)]
    pub state: Option<String>,
    /// Show only models whose provider/model contains this
    #[arg(long)]
    pub model: Option<String>,
    /// Show only runs of this thread
    #[arg(long)]
    pub thread: Option<String>,
    /// Show only runs since a date or within a span such as 24h or 7d
    #[arg(long)]
    pub since: Option<String>,
    /// The most entries to show
    #[arg(long, default_value_t = 20)]
    pub limit: u32,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `usage`.
#[derive(Debug, Args)]
pub(crate) struct UsageArgs {
    /// Group by day, model, tool or thread
    #[arg(long, default_value = "day")]
    pub by: String,
    /// Count runs since a date or within a span such as 24h or 7d
    #[arg(long, default_value = "30d")]
    pub since: String,
    /// Count runs until a date
    #[arg(long)]
    pub until: Option<String>,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum CacheCommand {
    /// Show how many answers there are, their size and their age
    Stats {
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Forget all cached answers, in running servers too
    Clear,
}

/// Arguments of `tools`.
#[derive(Debug, Args)]
pub(crate) struct ToolsArgs {
    /// Show how many bytes and estimated tokens each tool's entry takes
    #[arg(long)]
    pub cost: bool,
    /// Use this profile instead of the configured one
    #[arg(long, value_enum)]
    pub profile: Option<ProfileArg>,
    /// Print every tool with every field it accepts, as Markdown
    #[arg(long, conflicts_with_all = ["cost", "json"])]
    pub markdown: bool,
    /// Print the list as MCP clients get it
    #[arg(long)]
    pub json: bool,
}

/// The profiles of `--profile`.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum ProfileArg {
    Lite,
    Standard,
    Full,
}

impl From<ProfileArg> for Profile {
    fn from(word: ProfileArg) -> Self {
        match word {
            ProfileArg::Lite => Self::Lite,
            ProfileArg::Standard => Self::Standard,
            ProfileArg::Full => Self::Full,
        }
    }
}

#[derive(Debug, Subcommand)]
pub(crate) enum PromptsCommand {
    /// List every prompt, its origin and its length
    List,
    /// Print a prompt as it is sent
    Show {
        /// The prompt's name
        name: String,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum ConfigCommand {
    /// Show every setting, its value and where it came from; secrets are masked
    Show,
    /// Report everything that is wrong with the configuration; exit with 1 if anything is
    Check,
    /// Show the folders and files in use
    Path,
    /// Print an entry for an MCP client's configuration, without secrets
    McpJson,
    /// Print a commented `.env` file with every setting
    EnvExample,
}

impl Cli {
    /// Does what the command line says and returns the exit code; `docs/errors.md` has the table.
    #[must_use]
    pub fn run(self) -> ExitCode {
        let telling = match self.command {
            None | Some(Command::Serve(_) | Command::Connect(_)) => Telling::Log,
            Some(Command::Config(ConfigCommand::Check) | Command::Doctor(_)) => Telling::Nothing,
            Some(_) => Telling::Lines,
        };
        let many = matches!(self.command, Some(Command::Serve(_)));
        // A pipeline must be able to tell an answer with findings from none.
        let otherwise =
            if matches!(self.command, Some(Command::Run(_))) { exit::NOT_MADE } else { exit::FINDINGS };
        if self.command.is_none() && io::stdin().is_terminal() {
            return short_help();
        }
        let result = Config::load().map_err(anyhow::Error::from).and_then(|config| {
            let log = match &self.command {
                Some(Command::Serve(args)) => args.log_file.as_deref(),
                _ => None,
            };
            telemetry::start(&config, telling, log)?;
            in_runtime(many, Box::pin(dispatch(self.command, config)))
        });
        let code = result.unwrap_or_else(|error| {
            telemetry::complain(&error);
            exit::of_error(&error, otherwise)
        });
        telemetry::flush();
        code
    }
}

async fn dispatch(command: Option<Command>, config: Config) -> anyhow::Result<ExitCode> {
    match command {
        None => {
            let app = built(&config)?;
            Box::pin(lifecycle::serve_stdio(app, &config)).await.map(|()| ExitCode::SUCCESS)
        }
        Some(Command::Serve(args)) => Box::pin(commands::serve::run(&args, &config)).await,
        Some(Command::Connect(args)) => Box::pin(commands::connect::run(&args, &config)).await,
        Some(Command::Doctor(args)) => commands::doctor::run(&args, &config).await,
        Some(Command::Health(args)) => commands::health::run(&args, &config).await,
        Some(Command::Run(args)) => Box::pin(commands::run::run(args, built(&config)?)).await,
        Some(Command::Models(args)) => commands::models::run(&args, &built(&config)?, &config).await,
        Some(Command::Threads(command)) => commands::threads::run(&command, &built(&config)?).await,
        Some(Command::Status { probe, json }) => commands::status::run(probe, json, built(&config)?).await,
        Some(Command::Activity(args)) => commands::activity::run(&args, built(&config)?).await,
        Some(Command::Usage(args)) => commands::usage::run(&args, built(&config)?).await,
        Some(Command::Cache(command)) => commands::cache::run(&command, &built(&config)?).await,
        Some(Command::Tools(args)) => commands::tools::run(&args, &built(&config)?).await,
        Some(Command::Prompts(command)) => commands::prompts::run(&command, &config),
        Some(Command::Config(command)) => commands::config::run(&command, &config),
        Some(Command::Version { json }) => commands::version::run(json, &config),
    }
}

/// The program for one command.
fn built(config: &Config) -> anyhow::Result<App> {
    App::builder(config).build()
}

fn in_runtime<F>(many: bool, work: F) -> anyhow::Result<ExitCode>
where
    F: Future<Output = anyhow::Result<ExitCode>>,
{
    // One thread for one client: nearly all the work is waiting, what is not (files, answers, the database) has threads of its
    // own, and waking a second worker for every message costs more than it saves.
    let mut builder = if many {
        tokio::runtime::Builder::new_multi_thread()
    } else {
        tokio::runtime::Builder::new_current_thread()
    };
    let runtime = builder.enable_all().build()?;
    let result = runtime.block_on(work);
    // A blocked read of standard input must not hold up the exit.
    runtime.shutdown_background();
    result
}

fn short_help() -> ExitCode {
    let mut help = Cli::command().render_help().ansi().to_string();
    help.push_str("\nThis is a terminal, so no server was started. Try: exai-mcp run codereview src\n");
    if print(&help).is_ok() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// The program's own path, for client configurations.
pub(crate) fn program() -> PathBuf {
    std::env::current_exe().unwrap_or_else(|_| PathBuf::from("exai-mcp"))
}
