//! Starts the server as a client does, and speaks to it as a client would.

use std::{path::Path, time::Duration};

use exai_clients::{Client, Finding, Start};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, Lines},
    process::{ChildStdout, Command},
    time::{Instant, timeout},
};
use tokio_util::sync::CancellationToken;

use super::process::Trial;
use crate::config::env;

/// A list of tools above this costs a client more of its window than it should, in bytes.
const LONG_LIST: usize = 40_000;

/// Starts it, says what happened, and ends it whatever happened.
pub(super) async fn probe(
    client: &Client,
    server: &str,
    program: &Start,
    folder: &Path,
    stop: &CancellationToken,
) -> Vec<Finding> {
    let Start { command, arguments, environment, folder: own_folder } = program;
    let mut process = Command::new(command);
    let starts_in = own_folder.as_ref().map_or_else(|| folder.to_owned(), |own| folder.join(own));
    process.args(arguments).env_clear().current_dir(starts_in);
    process.envs(env::process().into_iter().filter(|(name, _)| client.hands_on(name)));
    process.envs(client.project_variable().map(|name| (name, folder)));
    process.envs(environment);
    let mut trial = match Trial::start(process) {
        Ok(trial) => trial,
        Err(error) => {
            let own = crate::cli::program();
            let fix = format!("write the whole path, such as {}", own.display());
            return vec![Finding::error(format!("`{command}` cannot be started: {error}"), &fix)];
        }
    };
    let limit = Duration::from_secs(client.start_seconds);
    let told = tokio::select! {
        told = timeout(limit, converse(&mut trial)) => Some(told),
        () = stop.cancelled() => None,
    };
    let findings = match told {
        None => vec![Finding::doubt("not tried to the end, because you stopped it", "run it again")],
        Some(Ok(Ok(told))) => judge(client, server, &told),
        Some(Ok(Err(why))) => {
            let fix = format!("run it by hand: {command} {}", arguments.join(" "));
            vec![Finding::error(format!("{why}{}", trial.last_words().await), &fix)]
        }
        Some(Err(_elapsed)) => {
            let told = format!("no answer within the {} s that {} waits", limit.as_secs(), client.name);
            vec![Finding::error(
                format!("{told}{}", trial.last_words().await),
                "run it by hand and see what it waits for",
            )]
        }
    };
    trial.end().await;
    findings
}

/// What a server said of itself.
struct Told {
    server: String,
    handshake: Duration,
    tools: Vec<Value>,
}

async fn converse(trial: &mut Trial) -> Result<Told, String> {
    let begun = Instant::now();
    let Some((mut input, output)) = trial.pipes() else {
        return Err("its pipes cannot be opened".to_owned());
    };
    let mut lines = BufReader::new(output).lines();
    let hello = json!({"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": {"protocolVersion": "2025-11-25",
        "capabilities": {}, "clientInfo": {"name": "exai-mcp doctor", "version": env!("CARGO_PKG_VERSION")}}});
    let list = json!({"jsonrpc": "2.0", "id": 2, "method": "tools/list"});
    let gone = |error: std::io::Error| format!("it ended before it was asked anything ({error})");
    input.write_all(format!("{hello}\n").as_bytes()).await.map_err(gone)?;
    let greeted = answer(&mut lines, 1).await?;
    let handshake = begun.elapsed();
    let ready = json!({"jsonrpc": "2.0", "method": "notifications/initialized"});
    input.write_all(format!("{ready}\n{list}\n").as_bytes()).await.map_err(gone)?;
    let listed = answer(&mut lines, 2).await?;
    let tools = listed["result"]["tools"].as_array().cloned().unwrap_or_default();
    let server = greeted["result"]["serverInfo"]["name"].as_str().unwrap_or("(nameless)").to_owned();
    Ok(Told { server, handshake, tools })
}

/// The answer to a request. Anything else on standard output breaks clients.
async fn answer(lines: &mut Lines<BufReader<ChildStdout>>, id: u64) -> Result<Value, String> {
    loop {
        let line = lines.next_line().await.map_err(|error| format!("its output cannot be read: {error}"))?;
        let line = line.ok_or_else(|| "it ended without an answer".to_owned())?;
        let Ok(message) = serde_json::from_str::<Value>(&line) else {
            let shown: String = line.chars().take(80).collect();
            return Err(format!("it writes text to standard output that is not a message: {shown}"));
        };
        if message["id"] == id {
            return match message.get("error") {
                Some(error) => Err(format!("it refuses: {}", error["message"].as_str().unwrap_or_default())),
                None => Ok(message),
            };
        }
    }
}

/// What a client would make of it.
fn judge(client: &Client, server: &str, told: &Told) -> Vec<Finding> {
    // As `exai-mcp tools --cost` counts the whole list.
    let bytes = json!({ "tools": told.tools }).to_string().len();
    let (count, took) = (told.tools.len(), told.handshake.as_millis());
    let mut findings =
        vec![Finding::well(format!("starts: handshake in {took} ms, {count} tools, {bytes} bytes of list"))];
    if told.server != "exai-mcp" {
        let what = format!("the program that it starts calls itself {}", told.server);
        findings.push(Finding::doubt(what, "check that this is the program you mean"));
    }
    if told.tools.is_empty() {
        findings
            .push(Finding::error("it has no tools", "look at `exai-mcp tools` and `exai-mcp config check`"));
    }
    if bytes > LONG_LIST {
        findings.push(Finding::doubt(
            "the list of tools is long",
            "EXAI_TOOL_PROFILE=standard or lite shows fewer",
        ));
    }
    let (longest, around) = client.longest_name;
    let names = told.tools.iter().filter_map(|tool| tool["name"].as_str());
    for name in names.filter(|name| name.len() + server.len() + around.len() > longest) {
        let what = format!(
            "{} drops {name}: with the server's name it has more than {longest} characters",
            client.name
        );
        findings.push(Finding::error(what, "give the entry a shorter name, such as exai"));
    }
    findings
}
