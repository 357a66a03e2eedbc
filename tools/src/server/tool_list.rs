//! The list of tools that clients see now, and who has to be told when it changes.

use std::sync::{Arc, Mutex, PoisonError, RwLock};

use rmcp::{
    Peer, RoleServer,
    handler::server::router::tool::ToolRouter,
    model::{MetaObject, Tool},
};
use serde_json::{Map, Value, json};
use tokio::sync::watch;

use super::{
    ExaiServer, ServerParts,
    profile::{self, Shown},
};

/// How many characters of an answer Claude Code may show when a tool asks for it; its own limit is 25,000 tokens, and 500,000
/// characters at most (code.claude.com/docs/en/mcp, "MCP output limits and warnings").
pub(crate) const MAX_RESULT_KEY: &str = "anthropic/maxResultSizeChars";
/// Long enough for a review of many findings.
pub(crate) const MAX_RESULT_CHARS: u32 = 120_000;
/// Loads a tool at the start instead of on search (same page, "Tool search").
const ALWAYS_LOAD_KEY: &str = "anthropic/alwaysLoad";
/// The two tools that most conversations with experts begin with.
const ENTRY_TOOLS: [&str; 2] = ["chat", "codereview"];
/// The most clients that are remembered for notifications; more than a process serves.
const MAX_PEERS: usize = 4_096;

/// The tools that are shown now.
pub(crate) struct Listing {
    pub(crate) shown: Shown,
    pub(crate) tools: Vec<Tool>,
}

/// The present listing and the clients that know it.
pub(crate) struct Listings {
    every: Vec<Tool>,
    present: RwLock<Arc<Listing>>,
    /// Clients of the session era, told by a notification.
    peers: Mutex<Vec<Peer<RoleServer>>>,
    /// Counts the changes; subscriptions of later clients wait for it.
    changes: watch::Sender<u64>,
}

impl Listings {
    pub(crate) fn new(router: &ToolRouter<ExaiServer>, parts: &ServerParts) -> Self {
        let edits = parts.engine.settings().clink.agents.iter().any(|agent| agent.allow_edits);
        let every: Vec<Tool> = router.list_all().into_iter().map(|tool| marked(tool, edits)).collect();
        let present = RwLock::new(Arc::new(listing(&every, parts.shown.clone())));
        Self { every, present, peers: Mutex::default(), changes: watch::Sender::new(0) }
    }

    pub(crate) fn now(&self) -> Arc<Listing> {
        Arc::clone(&self.present.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Shows other tools from now on. Whether the list is another one.
    pub(crate) fn show(&self, shown: Shown) -> bool {
        let next = listing(&self.every, shown);
        let mut present = self.present.write().unwrap_or_else(PoisonError::into_inner);
        let names =
            |listing: &Listing| listing.tools.iter().map(|tool| tool.name.clone()).collect::<Vec<_>>();
        let changed = names(&present) != names(&next);
        *present = Arc::new(next);
        drop(present);
        if changed {
            self.changes.send_modify(|count| *count += 1);
        }
        changed
    }

    /// Remembers a client that has finished its handshake.
    pub(crate) fn remember(&self, peer: Peer<RoleServer>) {
        let mut peers = self.peers.lock().unwrap_or_else(PoisonError::into_inner);
        peers.retain(|known| !known.is_transport_closed());
        if peers.len() < MAX_PEERS {
            peers.push(peer);
        }
    }

    /// Tells every client of the session era that tools and prompts have changed.
    pub(crate) async fn tell(&self) {
        let peers = self.peers.lock().unwrap_or_else(PoisonError::into_inner).clone();
        for peer in peers {
            // A client that is gone needs no notice.
            drop(peer.notify_tool_list_changed().await);
            drop(peer.notify_prompt_list_changed().await);
        }
    }

    pub(crate) fn changes(&self) -> watch::Receiver<u64> {
        self.changes.subscribe()
    }
}

fn listing(every: &[Tool], shown: Shown) -> Listing {
    let tools = every.iter().filter(|tool| shown.has(&tool.name)).cloned().collect();
    Listing { shown, tools }
}

/// The tool with what its clients should know about it beside the schema.
fn marked(mut tool: Tool, agents_may_edit: bool) -> Tool {
    if tool.name == "clink"
        && agents_may_edit
        && let Some(annotations) = &mut tool.annotations
    {
        // The user has allowed an agent to change files, so the client must not take the tool for a reader.
        annotations.read_only_hint = Some(false);
        annotations.destructive_hint = Some(true);
    }
    let mut meta: Map<String, Value> = Map::new();
    if ENTRY_TOOLS.contains(&tool.name.as_ref()) {
        meta.insert(ALWAYS_LOAD_KEY.to_owned(), json!(true));
    }
    if profile::answers_long(&tool.name) {
        meta.insert(MAX_RESULT_KEY.to_owned(), json!(MAX_RESULT_CHARS));
    }
    if !meta.is_empty() {
        tool.meta = Some(MetaObject::from(meta));
    }
    tool
}
