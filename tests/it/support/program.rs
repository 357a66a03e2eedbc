//! The program as a child process, driven by the SDK's own client.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    process::Stdio,
    sync::Arc,
};

use exai_mock_vendor::Vendor;
use rmcp::{
    ClientHandler, RoleClient, ServiceExt as _,
    model::{
        CallToolRequest, CallToolRequestParams, ClientRequest, ProgressNotificationParam, ServerResult, Tool,
    },
    service::{NotificationContext, PeerRequestOptions, RequestHandle, RunningService},
    transport::TokioChildProcess,
};
use serde_json::Value;
use tempfile::TempDir;
use tokio::{process::Command, sync::watch};

use super::{Reply, within};

/// The model that is configured unless a test says otherwise; the mock vendor answers it by default.
pub(crate) const MODEL: &str = "mock-model";

/// What a program is started with.
pub(crate) struct Setup {
    pub(crate) vendor: Vendor,
    /// Configuration and data; lives as long as the setup, so that a program can be started again on it.
    pub(crate) home: TempDir,
    /// The working directory, and so the readable root.
    pub(crate) project: TempDir,
    env: BTreeMap<String, String>,
    /// A command that starts the program, when it is not started directly.
    pub(super) launcher: Vec<String>,
}

impl Setup {
    /// A vendor, an empty project, and the vendor configured as the custom endpoint.
    pub(crate) async fn new() -> Self {
        let vendor = Vendor::start().await;
        let setup = Self {
            env: BTreeMap::from([
                ("CUSTOM_API_URL".to_owned(), vendor.url()),
                ("CUSTOM_MODEL_NAME".to_owned(), MODEL.to_owned()),
            ]),
            vendor,
            home: tempfile::tempdir().expect("a temporary folder"),
            project: tempfile::tempdir().expect("a temporary folder"),
            launcher: Vec::new(),
        };
        // A server whose named folder is missing does not start without a key.
        std::fs::create_dir_all(setup.home.path().join("config")).expect("the folder can be made");
        setup.with("EXAI_CACHE_SECONDS", "600")
    }

    /// The same without any provider.
    pub(crate) async fn without_provider() -> Self {
        let mut setup = Self::new().await;
        setup.env.remove("CUSTOM_API_URL");
        setup.env.remove("CUSTOM_MODEL_NAME");
        setup
    }

    /// Sets a variable of the program's environment.
    pub(crate) fn with(mut self, name: &str, value: &str) -> Self {
        self.env.insert(name.to_owned(), value.to_owned());
        self
    }

    /// Tells the program the window of its model, in tokens.
    pub(crate) fn with_window(self, tokens: u32) -> Self {
        let path = self.home.path().join("models.json");
        let models = serde_json::json!({"models": [{"model_name": MODEL, "context_window": tokens}]});
        std::fs::write(&path, models.to_string()).expect("the file can be written");
        let path = path.to_str().expect("a path is text").to_owned();
        self.with("CUSTOM_MODELS_CONFIG_PATH", &path)
    }

    /// Writes a file of the project.
    pub(crate) fn file(&self, name: &str, text: impl AsRef<[u8]>) -> PathBuf {
        let path = self.project.path().join(name);
        std::fs::create_dir_all(path.parent().expect("a parent")).expect("the folder can be made");
        std::fs::write(&path, text).expect("the file can be written");
        path
    }

    /// The database file.
    pub(crate) fn database(&self) -> PathBuf {
        self.home.path().join("data").join("exai.db")
    }

    /// The program with this setup's environment and nothing of ours.
    #[expect(clippy::disallowed_methods, reason = "the program under test needs to find git and a shell")]
    pub(crate) fn command(&self) -> Command {
        let program = env!("CARGO_BIN_EXE_exai-mcp");
        let mut command = Command::new(self.launcher.first().map_or(program, String::as_str));
        if let Some((_, rest)) = self.launcher.split_first() {
            command.args(rest).arg(program);
        }
        command.current_dir(self.project.path()).env_clear();
        command.env("HOME", self.home.path()).env("PATH", std::env::var_os("PATH").unwrap_or_default());
        command.envs(&self.env);
        command.env("EXAI_CONFIG_DIR", self.home.path().join("config"));
        command.env("EXAI_DATA_DIR", self.home.path().join("data"));
        command.kill_on_drop(true);
        command
    }

    /// Runs a subcommand to its end: exit code, standard output, standard error.
    pub(crate) async fn run(&self, arguments: &[&str]) -> (i32, String, String) {
        let mut command = self.command();
        command.args(arguments).stdin(Stdio::null());
        let output = within("the command's end", command.output()).await.expect("the program can be started");
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("output is text");
        (output.status.code().unwrap_or(-1), text(output.stdout), text(output.stderr))
    }

    /// Starts the server.
    pub(crate) async fn start(&self) -> Program {
        Program::start(self.command()).await
    }
}

/// A running server with a client.
pub(crate) struct Program {
    client: RunningService<RoleClient, Watcher>,
    pid: u32,
    progress: watch::Receiver<Vec<ProgressNotificationParam>>,
}

/// Collects progress notifications.
#[derive(Clone, Default)]
struct Watcher(Arc<watch::Sender<Vec<ProgressNotificationParam>>>);

impl ClientHandler for Watcher {
    async fn on_progress(
        &self,
        params: ProgressNotificationParam,
        _context: NotificationContext<RoleClient>,
    ) {
        self.0.send_modify(|notes| notes.push(params));
    }
}

impl Program {
    async fn start(command: Command) -> Self {
        let process = TokioChildProcess::new(command).expect("the program can be started");
        let pid = process.id().expect("the program runs");
        let watcher = Watcher::default();
        let progress = watcher.0.subscribe();
        let client = within("the handshake", watcher.serve(process)).await.expect("the handshake succeeds");
        Self { client, pid, progress }
    }

    /// The tools as listed.
    pub(crate) async fn tools(&self) -> Vec<Tool> {
        within("tools/list", self.client.list_all_tools()).await.expect("the list")
    }

    /// Calls a tool and waits for the answer.
    pub(crate) async fn call(&self, tool: &str, arguments: Value) -> Reply {
        let handle = self.begin(tool, arguments).await;
        Self::answer(handle).await
    }

    /// Calls a tool without waiting.
    pub(crate) async fn begin(&self, tool: &str, arguments: Value) -> RequestHandle<RoleClient> {
        let Value::Object(arguments) = arguments else { panic!("arguments are an object") };
        let params = CallToolRequestParams::new(tool.to_owned()).with_arguments(arguments);
        let request = ClientRequest::CallToolRequest(CallToolRequest::new(params));
        let options = PeerRequestOptions::no_options();
        self.client.send_cancellable_request(request, options).await.expect("the request can be sent")
    }

    /// The answer to a call that was begun.
    pub(crate) async fn answer(handle: RequestHandle<RoleClient>) -> Reply {
        match within("the answer", handle.await_response()).await.expect("an answer") {
            ServerResult::CallToolResult(result) => Reply::read(&result),
            other => panic!("expected a tool's answer, got {other:?}"),
        }
    }

    /// Progress messages so far.
    pub(crate) fn progress(&self) -> Vec<ProgressNotificationParam> {
        self.progress.borrow().clone()
    }

    /// Waits until the progress messages so far are what a test waits for.
    pub(crate) async fn wait_for_progress(
        &self,
        what: &str,
        ready: impl Fn(&[ProgressNotificationParam]) -> bool,
    ) {
        let mut progress = self.progress.clone();
        within(what, progress.wait_for(|notes| ready(notes))).await.expect("the client is there");
    }

    pub(crate) fn pid(&self) -> u32 {
        self.pid
    }

    /// Ends the process with SIGKILL and waits until it is gone.
    pub(crate) async fn kill(self) {
        let status = std::process::Command::new("kill").args(["-9", &self.pid.to_string()]).status();
        assert!(status.expect("kill can be run").success());
        within("the end of the client", self.client.waiting()).await.expect("the client ends");
    }

    /// Closes the input in order and waits for the end of the process.
    pub(crate) async fn stop(self) {
        within("the end of the program", self.client.cancel()).await.expect("the client ends");
    }
}

/// Makes the listed files of a small project that has something to review.
pub(crate) fn sample_project(root: &Path) -> Vec<&'static str> {
    let files = [
        (
            "src/pages.py",
            "def page_count(total, size):\n    if size < 1:\n        raise ValueError(\"size\")\n    return total // size\n",
        ),
        ("src/main.py", "from pages import page_count\n\nprint(page_count(51, 50))\n"),
    ];
    for (name, text) in files {
        let path = root.join(name);
        std::fs::create_dir_all(path.parent().expect("a parent")).expect("the folder can be made");
        std::fs::write(path, text).expect("the file can be written");
    }
    files.map(|(name, _)| name).to_vec()
}
