//! The doctor ends what it starts: also when a program fails, leaves others behind, or somebody stops the doctor.

use std::{
    fs,
    net::{TcpListener, TcpStream},
    path::{Path, PathBuf},
    process::Stdio,
};

use serde_json::json;

use super::doctor;
use crate::support::{Setup, within};

/// A program that starts two others, one of them in a session of its own, notes their numbers, and does `then`.
fn breeder(setup: &Setup, then: &str) -> (PathBuf, PathBuf) {
    let (program, noted) = (setup.home.path().join("exai-mcp-breeder"), setup.home.path().join("noted"));
    let text = format!(
        "#!/bin/sh\nsetsid sleep 1000 >/dev/null 2>&1 &\na=$!\nsleep 1000 >/dev/null 2>&1 &\necho $$ $a $! > {noted}.new\nmv {noted}.new {noted}\n{then}\n",
        noted = noted.display()
    );
    fs::write(&program, text).unwrap();
    fs::set_permissions(&program, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    (program, noted)
}

/// The noted processes that are alive.
fn alive(noted: &Path) -> Vec<String> {
    let numbers = fs::read_to_string(noted).unwrap();
    let numbers: Vec<String> = numbers.split_whitespace().map(str::to_owned).collect();
    assert_eq!(numbers.len(), 3);
    numbers.into_iter().filter(|number| Path::new("/proc").join(number).exists()).collect()
}

fn entry(setup: &Setup, program: &Path, arguments: &[&str]) -> String {
    let file = setup.home.path().join("entry.json");
    let document = json!({"mcpServers": {"exai": {"command": program, "args": arguments}}});
    fs::write(&file, document.to_string()).unwrap();
    file.display().to_string()
}

/// A program that fails and one that ends leave nothing behind.
#[tokio::test]
async fn what_a_program_starts_ends_too() {
    for then in ["echo Welcome; wait", "exit 3"] {
        let setup = Setup::new().await;
        let (program, noted) = breeder(&setup, then);
        let (code, found) = doctor(&setup, &[&entry(&setup, &program, &[])]).await;
        assert_eq!(code, 1, "{found:#}");
        assert_eq!(alive(&noted), Vec::<String>::new(), "{then}");
    }
}

/// A server that a bridge starts to outlive it ends with the trial.
#[tokio::test]
async fn a_spawned_server_ends_too() {
    let setup = Setup::new().await;
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let own = Path::new(env!("CARGO_BIN_EXE_exai-mcp"));
    let file = entry(&setup, own, &["connect", "--spawn", &format!("ws://{free}/ws")]);
    let (code, found) = doctor(&setup, &[&file]).await;
    assert_eq!(code, 0, "{found:#}");
    assert!(TcpStream::connect(free).is_err(), "the server is still there");
}

/// Ctrl-C ends the trial and what it has started.
#[tokio::test]
async fn a_stopped_doctor_ends_what_it_started() {
    let setup = Setup::new().await;
    let (program, noted) = breeder(&setup, "wait");
    let file = entry(&setup, &program, &[]);
    let mut command = setup.command();
    command.args(["doctor", &file]).stdin(Stdio::null()).stdout(Stdio::piped());
    let doctor = command.spawn().unwrap();
    let is_there = async {
        while !noted.exists() {
            tokio::task::yield_now().await;
        }
    };
    within("the program's start", is_there).await;
    let pid = rustix::process::Pid::from_raw(i32::try_from(doctor.id().unwrap()).unwrap()).unwrap();
    rustix::process::kill_process(pid, rustix::process::Signal::INT).unwrap();
    let output = within("the doctor's end", doctor.wait_with_output()).await.unwrap();
    assert_eq!(output.status.code(), Some(130));
    assert!(String::from_utf8_lossy(&output.stdout).contains("because you stopped it"));
    assert_eq!(alive(&noted), Vec::<String>::new());
}
