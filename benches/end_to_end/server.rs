//! The release binary as a child process, spoken to line by line.

use std::{
    fs,
    io::{BufRead as _, BufReader, Write as _},
    path::Path,
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
};

use exai_mock_vendor::Vendor;
use serde_json::{Value, json};
use tempfile::TempDir;

/// Ticks of `/proc/PID/stat` a second, as Linux has reported them to programs on every architecture for decades.
const TICKS: f64 = 100.0;
/// Large enough that a hundred files fit.
const WINDOW: u32 = 1_000_000;

/// A running server.
pub(crate) struct Server {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
    next_id: u64,
}

impl Server {
    /// Starts the server and shakes hands.
    pub(crate) fn start(vendor: &Vendor, home: &Path, project: &TempDir) -> Self {
        let models = home.join("models.json");
        let known = json!({"models": [{"model_name": "mock-model", "context_window": WINDOW}]});
        fs::write(&models, known.to_string()).expect("a file");
        let url = vendor.url();
        let models = models.display().to_string();
        let environment = [
            ("CUSTOM_API_URL", url.as_str()),
            ("CUSTOM_MODEL_NAME", "mock-model"),
            ("CUSTOM_MODELS_CONFIG_PATH", &models),
        ];
        Self::start_in(home, project, &environment)
    }

    /// The same with the configuration that lies in `home`.
    pub(crate) fn start_in(home: &Path, project: &TempDir, environment: &[(&str, &str)]) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_exai-mcp"))
            .current_dir(project.path())
            .env_clear()
            .env("EXAI_CONFIG_DIR", home.join("config"))
            .env("EXAI_DATA_DIR", home.join("data"))
            .envs(environment.iter().copied())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("the program can be started");
        let (input, output) = (child.stdin.take().expect("a pipe"), child.stdout.take().expect("a pipe"));
        let mut server = Self { child, input, output: BufReader::new(output), next_id: 0 };
        let about = json!({"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "bench", "version": "1"}});
        server.request("initialize", &about);
        server.line(&json!({"jsonrpc": "2.0", "method": "notifications/initialized"}));
        server
    }

    /// Calls a tool; a failure ends the measurement.
    pub(crate) fn call(&mut self, tool: &str, arguments: &Value) -> Value {
        let answer = self.request("tools/call", &super::call(tool, arguments));
        assert_ne!(answer["result"]["isError"], true, "{answer}");
        answer
    }

    /// Sends a request and waits for its answer.
    pub(crate) fn request(&mut self, method: &str, params: &Value) -> Value {
        self.send(method, params);
        self.receive()
    }

    /// Sends a request; its id.
    pub(crate) fn send(&mut self, method: &str, params: &Value) -> u64 {
        self.next_id += 1;
        let id = self.next_id;
        self.line(&json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params}));
        id
    }

    pub(crate) fn receive(&mut self) -> Value {
        let mut line = String::new();
        self.output.read_line(&mut line).expect("the server answers");
        serde_json::from_str(&line).expect("JSON")
    }

    fn line(&mut self, message: &Value) {
        writeln!(self.input, "{message}").expect("the server reads");
    }

    /// User and system time of the process.
    pub(crate) fn cpu_seconds(&self) -> f64 {
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.child.id())).expect("Linux");
        let fields: Vec<&str> = stat.rsplit(')').next().expect("fields").split_whitespace().collect();
        let ticks = |at: usize| fields[at].parse::<f64>().expect("a number");
        (ticks(11) + ticks(12)) / TICKS
    }

    /// Memory that the process holds, in kB.
    pub(crate) fn resident_kb(&self) -> usize {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id())).expect("Linux");
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("a line");
        line.trim().trim_end_matches(" kB").trim().parse().expect("a number")
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // The process has had its use; nothing is measured any more.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}
