//! `exai-mcp doctor`: tries the server the way each client does, and says what is wrong and how to fix it.

mod call;
mod keys;
mod process;
mod start;

use std::{fs, path::Path, process::ExitCode};

use exai_clients::{CLIENTS, Entry, Finding, Found, Start, Way, Weight, all, client_of, named, of_file};
use exai_core::private;
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use super::{print, print_json};
use crate::{
    cli::{DoctorArgs, program},
    config::{
        Config, env,
        hints::{first_keys, listed},
    },
    lifecycle,
};

/// The exit code of a command that was stopped by Ctrl-C, as shells have it.
const STOPPED: u8 = 130;

/// The name of a test that is about no client's entry.
const WITHOUT_ENTRY: &str = "started without an entry";

/// What was tried, and what came of it.
struct Section {
    title: String,
    findings: Vec<Finding>,
}

pub(crate) async fn run(args: &DoctorArgs, config: &Config) -> anyhow::Result<ExitCode> {
    let project = std::env::current_dir()?;
    let stop = CancellationToken::new();
    lifecycle::cancel_on_signal(stop.clone());
    let mut sections = vec![Section { title: "This machine".to_owned(), findings: machine(config) }];
    if let Some(url) = &args.http {
        let headers = args.header.iter().filter_map(|header| header.split_once(':'));
        let headers =
            headers.map(|(name, value)| (name.trim().to_owned(), value.trim().to_owned())).collect();
        sections.push(Section { title: url.clone(), findings: call::probe(url, &headers, &stop).await });
    } else if args.keys {
        sections.push(Section { title: "Keys".to_owned(), findings: keys::probe(config, &stop).await });
    } else {
        for entry in entries(args, config, &project, &mut sections)? {
            if stop.is_cancelled() {
                break;
            }
            sections.push(tried(entry, &project, &stop).await);
        }
    }
    let broken =
        sections.iter().flat_map(|section| &section.findings).any(|finding| finding.weight == Weight::Error);
    if args.json {
        let told = |section: &Section| json!({"what": section.title, "findings": section.findings.iter().map(Finding::json).collect::<Vec<Value>>()});
        print_json(&json!(sections.iter().map(told).collect::<Vec<_>>()))?;
    } else {
        let told = |section: &Section| {
            let lines: String = section.findings.iter().map(Finding::lines).collect();
            format!("{}\n{lines}", section.title)
        };
        print(&sections.iter().map(told).collect::<Vec<_>>().join("\n"))?;
    }
    Ok(match (stop.is_cancelled(), broken) {
        (true, _) => ExitCode::from(STOPPED),
        (false, true) => ExitCode::FAILURE,
        (false, false) => ExitCode::SUCCESS,
    })
}

/// What holds for every client.
fn machine(config: &Config) -> Vec<Finding> {
    let problems = |all: &[String], make: fn(String, &str) -> Finding| -> Vec<Finding> {
        all.iter()
            .map(|problem| make(problem.clone(), "`exai-mcp config show` says where each setting comes from"))
            .collect()
    };
    let mut findings = problems(config.problems.errors(), Finding::error);
    let data = &config.places.data;
    let probe = data.join(".doctor");
    match private::create_dir(data)
        .and_then(|()| fs::write(&probe, ""))
        .and_then(|()| fs::remove_file(&probe))
    {
        Ok(()) => findings.push(Finding::well(format!("threads are kept in {}", data.display()))),
        Err(error) => {
            let what = format!("{} cannot be written: {error}", data.display());
            findings.push(Finding::error(what, "set EXAI_DATA_DIR to a folder of yours"));
        }
    }
    match config.endpoints.settings.len() {
        0 => findings.push(Finding::doubt(
            "no provider is configured: reviews are done by local inspection, and chat does not work",
            &format!("set a key such as {}", listed(&first_keys(), "or")),
        )),
        count => {
            let names: Vec<String> =
                config.endpoints.settings.iter().map(|endpoint| endpoint.id.to_string()).collect();
            findings.push(Finding::well(format!("{count} configured: {}", names.join(", "))));
        }
    }
    findings
}

/// The entries to try: of the named files, of the named client, or all that there are; and else this program by itself.
fn entries(
    args: &DoctorArgs,
    config: &Config,
    project: &Path,
    sections: &mut Vec<Section>,
) -> anyhow::Result<Vec<Entry>> {
    let mut found = Found::default();
    if args.files.is_empty() {
        found = all(config.places.home.as_deref(), project, &env::process());
    }
    for file in &args.files {
        let (client, format) = client_of(file);
        if !of_file(client, format, file, &env::process(), &mut found) {
            let what = format!("{}: no entry of this server", file.display());
            found.findings.push(Finding::error(what, "`exai-mcp config mcp-json` prints one"));
        }
    }
    let Found { mut entries, findings } = found;
    let client = args.client.as_deref().map(named).transpose().map_err(anyhow::Error::msg)?;
    if let Some(client) = client {
        entries.retain(|entry| entry.client.name == client.name);
    }
    let any_findings = !findings.is_empty();
    if any_findings {
        sections.push(Section { title: "Files".to_owned(), findings });
    }
    if entries.is_empty() && (!any_findings || client.is_some()) {
        let whose = client.map_or("known clients".to_owned(), |client| client.name.to_owned());
        let none = format!(
            "the files of {whose} have no entry of this server, so this program is started without one"
        );
        sections.push(Section {
            title: "Clients".to_owned(),
            findings: vec![Finding::doubt(none, "docs/clients.md has an entry for each client")],
        });
        entries.push(Entry {
            client: client.unwrap_or(&CLIENTS[0]),
            file: program(),
            name: WITHOUT_ENTRY.to_owned(),
            way: Way::Start(Start { command: program().display().to_string(), ..Start::default() }),
            findings: Vec::new(),
        });
    }
    Ok(entries)
}

async fn tried(entry: Entry, project: &Path, stop: &CancellationToken) -> Section {
    let title = if entry.name == WITHOUT_ENTRY {
        format!("{WITHOUT_ENTRY} · {}", entry.file.display())
    } else {
        format!("{} · {} · {}", entry.client.name, entry.file.display(), entry.name)
    };
    let mut findings = entry.findings;
    match &entry.way {
        Way::Start(Start { command, arguments, environment, folder }) => {
            let command = expanded(command, &mut findings);
            let arguments: Vec<_> = arguments.iter().map(|word| expanded(word, &mut findings)).collect();
            let environment = environment
                .iter()
                .map(|(name, value)| (name.clone(), expanded(value, &mut findings)))
                .collect();
            let folder = folder.as_ref().map(|folder| expanded(folder, &mut findings));
            let program = Start { command, arguments, environment, folder };
            findings.extend(start::probe(entry.client, &entry.name, &program, project, stop).await);
        }
        Way::Call { url, headers } => {
            let url = expanded(url, &mut findings);
            let headers =
                headers.iter().map(|(name, value)| (name.clone(), expanded(value, &mut findings))).collect();
            findings.extend(call::probe(&url, &headers, stop).await);
        }
    }
    Section { title, findings }
}

/// A text with the variables that clients put in: `${NAME}`, `${NAME:-else}`, `${env:NAME}`. One that is not set stays as it is
/// written, as it does with clients, and is a finding.
fn expanded(text: &str, findings: &mut Vec<Finding>) -> String {
    let (mut whole, mut rest) = (String::new(), text);
    while let Some((before, after)) = rest.split_once("${") {
        let Some((inside, behind)) = after.split_once('}') else { break };
        whole.push_str(before);
        let (name, otherwise) =
            inside.split_once(":-").map_or((inside, None), |(name, other)| (name, Some(other)));
        let name = name.strip_prefix("env:").unwrap_or(name);
        let value = match name {
            "workspaceFolder" => std::env::current_dir().ok().map(|folder| folder.display().to_string()),
            name => env::process().remove(name),
        };
        match value.or_else(|| otherwise.map(str::to_owned)) {
            Some(value) => whole.push_str(&value),
            // The editor asks its user for it.
            None if name.starts_with("input:") => whole.push_str(&format!("${{{inside}}}")),
            None => {
                let what = format!("${{{inside}}} is not set here");
                // Only some clients know a default; those that write `${env:NAME}` have none.
                let how = if inside.starts_with("env:") {
                    "set it where the client is started"
                } else {
                    "set it where the client is started, or write `:-` after the name to leave it empty"
                };
                findings.push(Finding::doubt(what, how));
                whole.push_str(&format!("${{{inside}}}"));
            }
        }
        rest = behind;
    }
    whole.push_str(rest);
    whole
}
