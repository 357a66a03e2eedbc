//! Which folders a call may read: those that are known at start, and those that the client lists.

mod listed;

use std::{path::PathBuf, sync::Arc, time::Duration};

use async_trait::async_trait;
use exai_engine::{
    RootSource,
    roots::{GitSettings, RootCandidate, Roots, user_excludes},
};
use parking_lot::Mutex;
use rmcp::{Peer, RoleServer};
use tokio::sync::OnceCell;
use tokio_util::sync::CancellationToken;

use self::listed::Listed;

/// Where the folders come from that may be read.
#[derive(Debug, Clone)]
pub struct RootPolicy {
    /// Folders that are known at start: configured, the client's project, the working directory.
    pub fixed: Vec<RootCandidate>,
    /// The user's home, which is never a root.
    pub home: Option<PathBuf>,
    /// Whether a client that declares roots is asked for them.
    pub ask_client: bool,
    /// How long a call waits for the client's answer. One that comes later counts for the calls after it.
    pub client_limit: Duration,
    /// How git is asked for the ignore file that the user has for all repositories.
    pub git: GitSettings,
}

/// The roots of one session. A clone is another session, whose client lists folders of its own.
pub(crate) struct SessionRoots {
    shared: Arc<Shared>,
    client: Arc<ClientRoots>,
}

/// What is the same for every session.
struct Shared {
    policy: RootPolicy,
    excludes: OnceCell<Option<PathBuf>>,
    /// The roots without those of a client.
    fixed: OnceCell<Arc<Roots>>,
}

struct ClientRoots {
    listed: Listed,
    resolved: Mutex<Option<Resolved>>,
}

/// The roots with those of the client.
#[derive(Clone)]
struct Resolved {
    /// What it had listed then.
    listed: Arc<[RootCandidate]>,
    roots: Arc<Roots>,
}

impl Clone for SessionRoots {
    fn clone(&self) -> Self {
        Self::over(Arc::clone(&self.shared))
    }
}

impl SessionRoots {
    pub(crate) fn new(policy: RootPolicy) -> Self {
        Self::over(Arc::new(Shared { policy, excludes: OnceCell::new(), fixed: OnceCell::new() }))
    }

    fn over(shared: Arc<Shared>) -> Self {
        let listed = Listed::new(shared.policy.client_limit, shared.policy.home.clone());
        let client = ClientRoots { listed, resolved: Mutex::default() };
        Self { shared, client: Arc::new(client) }
    }

    /// The roots for a call of this peer. Only a client of the session era can be asked anything.
    pub(crate) fn of_call(&self, peer: Peer<RoleServer>, legacy: bool) -> Arc<dyn RootSource> {
        let (shared, client) = (Arc::clone(&self.shared), Arc::clone(&self.client));
        Arc::new(CallRoots { shared, client, peer, legacy })
    }

    /// The client says that its folders are others now.
    pub(crate) fn changed(&self, peer: &Peer<RoleServer>) {
        self.client.listed.changed(peer);
    }
}

impl Shared {
    async fn resolve(&self, listed: &[RootCandidate]) -> Arc<Roots> {
        let candidates: Vec<RootCandidate> = self.policy.fixed.iter().chain(listed).cloned().collect();
        let home = self.policy.home.clone();
        let roots = tokio::task::spawn_blocking(move || Roots::resolve(candidates, home.as_deref())).await;
        let never = CancellationToken::new();
        let excludes = self.excludes.get_or_init(|| user_excludes(&self.policy.git, &never)).await.clone();
        Arc::new(roots.unwrap_or_default().with_user_excludes(excludes))
    }
}

struct CallRoots {
    shared: Arc<Shared>,
    client: Arc<ClientRoots>,
    peer: Peer<RoleServer>,
    legacy: bool,
}

#[async_trait]
impl RootSource for CallRoots {
    async fn roots(&self) -> Arc<Roots> {
        let listed = if self.may_ask() { self.client.listed.folders(&self.peer).await } else { None };
        let Some(listed) = listed.filter(|listed| !listed.is_empty()) else {
            return Arc::clone(self.shared.fixed.get_or_init(|| self.shared.resolve(&[])).await);
        };
        let known = self.client.resolved.lock().clone();
        if let Some(known) = known.filter(|known| Arc::ptr_eq(&known.listed, &listed)) {
            return known.roots;
        }
        let roots = self.shared.resolve(&listed).await;
        *self.client.resolved.lock() = Some(Resolved { listed, roots: Arc::clone(&roots) });
        roots
    }
}

impl CallRoots {
    fn may_ask(&self) -> bool {
        let declared = self.peer.peer_info().is_some_and(|info| info.capabilities.roots.is_some());
        self.shared.policy.ask_client && self.legacy && declared
    }
}
