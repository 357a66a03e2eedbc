//! The list of tools that clients see now, and the clients to notify when it changes.

use std::{
    collections::HashMap,
    sync::{Arc, LazyLock},
};

use arc_swap::ArcSwap;
use exai_clients::fit::{MAX_RESULT_CHARS, MAX_RESULT_KEY};
use parking_lot::Mutex;
use rmcp::{
    Peer, RoleServer,
    model::{MetaObject, Tool},
};
use serde_json::{Map, Value, json};
use tokio::sync::watch;

use super::{
    aliases,
    profile::{self, Shown},
};
use crate::reply::part_call;

/// Makes Claude Code load a tool at the start instead of on search (code.claude.com/docs/en/mcp, "Tool search").
const ALWAYS_LOAD_KEY: &str = "anthropic/alwaysLoad";
/// Most conversations with experts begin with one of these tools.
const ENTRY_TOOLS: [&str; 2] = ["chat", "codereview"];
/// The most clients that are remembered for notifications; more than a process serves.
const MAX_PEERS: usize = 4_096;

/// The tools that are shown now.
pub(crate) struct Listing {
    pub(crate) shown: Shown,
    pub(crate) tools: Vec<Tool>,
}

/// The present listing and the clients that know it.
pub(crate) struct ToolList {
    every: Vec<Tool>,
    /// What each tool's schema demands, with values that fit.
    demanded: HashMap<String, Map<String, Value>>,
    present: ArcSwap<Listing>,
    /// Clients that get a notification because they have a session; the others subscribe.
    peers: Mutex<Vec<Peer<RoleServer>>>,
    /// Counts the changes; subscriptions wait for it.
    changes: watch::Sender<u64>,
}

impl ToolList {
    /// The list of `all` tools, of which `shown` are shown now. `agents_edit` says that an agent behind `clink` may change files.
    pub(crate) fn new(all: Vec<Tool>, agents_edit: bool, shown: Shown) -> Self {
        let every: Vec<Tool> = all.into_iter().map(|tool| marked(tool, agents_edit)).collect();
        let present = ArcSwap::from_pointee(listing(&every, shown));
        let demanded = every.iter().map(|tool| (tool.name.to_string(), part_call::demanded(tool))).collect();
        Self { every, demanded, present, peers: Mutex::default(), changes: watch::Sender::new(0) }
    }

    /// The arguments without which clients may not send a call of this tool, by whatever name it is called.
    pub(crate) fn demanded(&self, tool: &str) -> &Map<String, Value> {
        static NOTHING: LazyLock<Map<String, Value>> = LazyLock::new(Map::new);
        self.demanded.get(aliases::canonical(tool)).unwrap_or(&NOTHING)
    }

    pub(crate) fn now(&self) -> Arc<Listing> {
        self.present.load_full()
    }

    /// Shows other tools from now on. True when the list is a different one.
    pub(crate) fn show(&self, shown: Shown) -> bool {
        let next = Arc::new(listing(&self.every, shown));
        let before = self.present.swap(Arc::clone(&next));
        let names =
            |listing: &Listing| listing.tools.iter().map(|tool| tool.name.clone()).collect::<Vec<_>>();
        let changed = names(&before) != names(&next);
        if changed {
            self.changes.send_modify(|count| *count += 1);
        }
        changed
    }

    /// Remembers a client that has finished its handshake.
    pub(crate) fn remember(&self, peer: Peer<RoleServer>) {
        let mut peers = self.peers.lock();
        peers.retain(|known| !known.is_transport_closed());
        if peers.len() < MAX_PEERS {
            peers.push(peer);
        }
    }

    /// Notifies every remembered client that tools and prompts have changed.
    pub(crate) async fn notify_clients(&self) {
        let peers = self.peers.lock().clone();
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

/// The tool with what its clients should know about it in addition to the schema.
fn marked(mut tool: Tool, agents_may_edit: bool) -> Tool {
    if tool.name == "clink"
        && agents_may_edit
        && let Some(annotations) = &mut tool.annotations
    {
        // The user allows an agent to change files, so the client must not believe that the tool only reads.
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
