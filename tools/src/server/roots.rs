//! Which folders a call may read. The client is asked for them at most once, when a call names files.

use std::{path::PathBuf, sync::Arc, time::Duration};

use async_trait::async_trait;
use exai_engine::{
    RootSource,
    roots::{GitSettings, RootCandidate, RootOrigin, Roots, file_url_path, user_excludes},
};
use rmcp::{Peer, RoleServer};
use tokio::sync::OnceCell;
use tokio_util::sync::CancellationToken;

/// Where the folders come from that may be read.
#[derive(Debug, Clone)]
pub struct RootPolicy {
    /// Folders that are known at start: configured, the client's project, the working directory.
    pub fixed: Vec<RootCandidate>,
    /// The user's home, which is never a root.
    pub home: Option<PathBuf>,
    /// Whether a client that declares roots is asked for them.
    pub ask_client: bool,
    /// How long the client may take to answer.
    pub client_limit: Duration,
    /// How git is asked for the ignore file that the user has for all repositories.
    pub git: GitSettings,
}

/// The roots of one server instance, resolved at the first call that needs them.
#[derive(Clone)]
pub(crate) struct SessionRoots {
    policy: Arc<RootPolicy>,
    resolved: Arc<OnceCell<Arc<Roots>>>,
}

impl SessionRoots {
    pub(crate) fn new(policy: RootPolicy) -> Self {
        Self { policy: Arc::new(policy), resolved: Arc::new(OnceCell::new()) }
    }

    /// The roots for a call of this peer.
    pub(crate) fn of_call(&self, peer: Peer<RoleServer>, legacy: bool) -> Arc<dyn RootSource> {
        Arc::new(CallRoots { session: self.clone(), peer, legacy })
    }
}

struct CallRoots {
    session: SessionRoots,
    peer: Peer<RoleServer>,
    /// Only a client of the session era can be asked anything.
    legacy: bool,
}

#[async_trait]
impl RootSource for CallRoots {
    async fn roots(&self) -> Arc<Roots> {
        let resolve = async {
            let mut candidates = self.session.policy.fixed.clone();
            candidates.extend(self.ask_client().await);
            let home = self.session.policy.home.clone();
            let roots =
                tokio::task::spawn_blocking(move || Roots::resolve(candidates, home.as_deref())).await;
            let excludes = user_excludes(&self.session.policy.git, &CancellationToken::new()).await;
            Arc::new(roots.unwrap_or_default().with_user_excludes(excludes))
        };
        Arc::clone(self.session.resolved.get_or_init(|| resolve).await)
    }
}

impl CallRoots {
    #[expect(deprecated, reason = "the session era has no other way to learn the client's folders")]
    async fn ask_client(&self) -> Vec<RootCandidate> {
        let declared = self.peer.peer_info().is_some_and(|info| info.capabilities.roots.is_some());
        if !self.session.policy.ask_client || !self.legacy || !declared {
            return Vec::new();
        }
        match tokio::time::timeout(self.session.policy.client_limit, self.peer.list_roots()).await {
            Ok(Ok(listed)) => listed.roots.iter().filter_map(|root| candidate(&root.uri)).collect(),
            Ok(Err(error)) => {
                tracing::info!("the client did not list its roots: {error}");
                Vec::new()
            }
            Err(_elapsed) => {
                tracing::info!(
                    "the client did not list its roots within {:?}",
                    self.session.policy.client_limit
                );
                Vec::new()
            }
        }
    }
}

fn candidate(uri: &str) -> Option<RootCandidate> {
    let path = file_url_path(uri)?;
    Some(RootCandidate { path, origin: RootOrigin::ClientRoots })
}
