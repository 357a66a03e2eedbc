//! Calls a server over HTTP in the order in which clients find out what it can do.

use std::{collections::BTreeMap, time::Duration};

use exai_clients::Finding;
use exai_transports::{
    Target,
    target::{Answer, Refused},
};
use serde_json::{Value, json};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

/// Where clients look for OAuth when they are refused (RFC 9728, RFC 8414, OpenID Connect Discovery).
const WELL_KNOWN: [&str; 4] = [
    "/.well-known/oauth-protected-resource/mcp",
    "/.well-known/oauth-protected-resource",
    "/.well-known/oauth-authorization-server",
    "/.well-known/openid-configuration",
];
const ACCEPT: (&str, &str) = ("accept", "application/json, text/event-stream");
/// How long the end of a session may take.
const END: Duration = Duration::from_secs(5);
const JSON: (&str, &str) = ("content-type", "application/json");

/// Replays those calls and says what happened.
pub(super) async fn probe(
    url: &str,
    headers: &BTreeMap<String, String>,
    stop: &CancellationToken,
) -> Vec<Finding> {
    let target = match Target::new(url, None) {
        Ok(target) => target,
        Err(error) => return vec![Finding::error(error, "correct the url")],
    };
    let own: Vec<(&str, &str)> =
        headers.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    if url.starts_with("ws") {
        return vec![tokio::select! {
            finding = greeting_over_websocket(&target) => finding,
            () = stop.cancelled() => stopped(),
        }];
    }
    match replay(&target, path_of(url), &own, stop).await {
        Ok(findings) => findings,
        Err(refused) => vec![Finding::error(refused.to_string(), fix_for(&refused))],
    }
}

fn path_of(url: &str) -> &str {
    let after = url.split_once("://").map_or(url, |(_, rest)| rest);
    after.find('/').map_or("/", |at| &after[at..])
}

fn fix_for(refused: &Refused) -> &'static str {
    match refused {
        Refused::Unanswered(_) => "start it with `exai-mcp serve`, or correct the url",
        Refused::Unwelcome(_) => "correct the url; the path of MCP is /mcp",
    }
}

async fn greeting_over_websocket(target: &Target) -> Finding {
    match target.get("/health").await {
        Ok(answer) if answer.status == 200 => Finding::well(format!("{} is ready", target.place())),
        Ok(answer) => Finding::error(
            format!("{} answers with HTTP {}", target.place(), answer.status),
            "`exai-mcp health` says more",
        ),
        Err(refused) => Finding::error(refused.to_string(), fix_for(&refused)),
    }
}

fn stopped() -> Finding {
    Finding::doubt("not tried to the end, because you stopped it", "run it again")
}

async fn replay(
    target: &Target,
    path: &str,
    own: &[(&str, &str)],
    stop: &CancellationToken,
) -> Result<Vec<Finding>, Refused> {
    let mut findings = Vec::new();
    let session = {
        let begin = begin(target, path, own, &mut findings);
        tokio::pin!(begin);
        tokio::select! {
            session = &mut begin => session?,
            // A session may be on its way, and must be known to be ended.
            () = stop.cancelled() => timeout(END, begin).await.unwrap_or(Ok(None))?,
        }
    };
    let Some(session) = session else {
        findings.extend(stop.is_cancelled().then(stopped));
        return Ok(findings);
    };
    let about = [("mcp-session-id", session.as_str()), ("mcp-protocol-version", "2025-11-25")];
    let ours = with(own, &[JSON, ACCEPT, about[0], about[1]]);
    let listed = tokio::select! {
        listed = list(target, path, &ours) => listed,
        () = stop.cancelled() => Ok(stopped()),
    };
    // A session ends whatever came of it.
    if timeout(END, target.request("DELETE", path, &ours, String::new())).await.is_err() {
        findings.push(Finding::doubt("the session was not ended in time", "the server ends it by itself"));
    }
    findings.push(listed?);
    Ok(findings)
}

async fn list(target: &Target, path: &str, ours: &[(&str, &str)]) -> Result<Finding, Refused> {
    let ready = json!({"jsonrpc": "2.0", "method": "notifications/initialized"});
    target.request("POST", path, ours, ready.to_string()).await?;
    let list = json!({"jsonrpc": "2.0", "id": 2, "method": "tools/list"});
    let answer = target.request("POST", path, ours, list.to_string()).await?;
    Ok(judged("tools/list", &answer, |told| {
        told["result"]["tools"].as_array().is_some_and(|all| !all.is_empty())
    }))
}

/// Greets the server in both ways; the session that it opens.
async fn begin(
    target: &Target,
    path: &str,
    own: &[(&str, &str)],
    findings: &mut Vec<Finding>,
) -> Result<Option<String>, Refused> {
    let meta = json!({"io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientInfo": {"name": "exai-mcp doctor", "version": env!("CARGO_PKG_VERSION")},
        "io.modelcontextprotocol/clientCapabilities": {}});
    let discover = json!({"jsonrpc": "2.0", "id": 1, "method": "server/discover", "params": {"_meta": meta}});
    let newer =
        with(own, &[JSON, ACCEPT, ("mcp-protocol-version", "2026-07-28"), ("mcp-method", "server/discover")]);
    let answer = target.request("POST", path, &newer, discover.to_string()).await?;
    if answer.status == 401 {
        findings.push(Finding::error(
            "the server needs a key, or a different one",
            "add `Authorization: Bearer KEY` to the headers of this entry, with the key that the server has in EXAI_TOKEN",
        ));
        for known in WELL_KNOWN {
            let answer = target.request("GET", known, &[], String::new()).await?;
            if answer.status == 200 || serde_json::from_slice::<Value>(&answer.body).is_err() {
                let what = format!(
                    "{known} answers with HTTP {}, which sends clients into an OAuth sign-in",
                    answer.status
                );
                findings.push(Finding::doubt(what, "a proxy in front of the server must pass its 404 on"));
            }
        }
        return Ok(None);
    }
    findings.push(judged("2026-07-28, server/discover", &answer, |told| {
        told["result"]["supportedVersions"].is_array()
    }));
    let hello = json!({"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": {"protocolVersion": "2025-11-25",
        "capabilities": {}, "clientInfo": {"name": "exai-mcp doctor", "version": env!("CARGO_PKG_VERSION")}}});
    let older = with(own, &[JSON, ACCEPT]);
    let answer = target.request("POST", path, &older, hello.to_string()).await?;
    findings.push(judged("2025-11-25, initialize", &answer, |told| told["result"]["serverInfo"].is_object()));
    Ok(answer.headers.get("mcp-session-id").and_then(|id| id.to_str().ok()).map(str::to_owned))
}

fn with<'a>(own: &[(&'a str, &'a str)], more: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
    own.iter().chain(more).copied().collect()
}

fn judged(what: &str, answer: &Answer, is_well: impl Fn(&Value) -> bool) -> Finding {
    let text = String::from_utf8_lossy(&answer.body);
    // An answer is JSON, or the last event of a stream.
    let event =
        text.lines().filter_map(|line| line.strip_prefix("data:")).rfind(|data| data.trim().starts_with('{'));
    let told: Value = serde_json::from_str(event.unwrap_or(&text)).unwrap_or_default();
    if answer.status == 200 && is_well(&told) {
        return Finding::well(what);
    }
    let said = told["error"]["message"].as_str().unwrap_or_default();
    let fix = match answer.status {
        403 => "name the host in serve.hosts, and the origin in serve.origins",
        404 => "correct the path of the url: it is /mcp",
        429 => "wait, or raise serve.client_rate",
        502..=504 => "a proxy answers instead of the server: is the server running?",
        _ => "look at the server's log",
    };
    Finding::error(format!("{what}: HTTP {} {said}", answer.status), fix)
}
