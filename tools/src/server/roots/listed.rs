//! The folders that a client lists. It is asked when a call first names files, and again when it says that they have changed.
#![expect(deprecated, reason = "the session era has no other way to learn the client's folders")]

use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use exai_engine::roots::{RootCandidate, RootOrigin, file_url_path};
use rmcp::{
    Peer, RoleServer,
    model::{ListRootsRequest, ServerRequest},
    service::PeerRequestOptions,
};
use serde_json::Value;
use tokio::{
    sync::watch,
    time::{Instant, timeout_at},
};

/// How long an answer is waited for while calls go on without it. After that the next call asks again.
const LATEST: Duration = Duration::from_secs(60);
/// The most folders of one list.
const MOST: usize = 1000;

/// What one client has listed. Clones are the same.
#[derive(Clone)]
pub(super) struct Listed {
    limit: Duration,
    home: Option<PathBuf>,
    state: watch::Sender<State>,
}

#[derive(Default)]
struct State {
    /// None when they are not known, or not known any more.
    folders: Option<Arc<[RootCandidate]>>,
    question: Question,
    was_asked: bool,
}

#[derive(Default, Clone, Copy, PartialEq, Eq)]
enum Question {
    #[default]
    None,
    Asked {
        /// How long calls wait.
        until: Instant,
        /// The folders have changed since, so the answer may be an old one.
        is_outdated: bool,
    },
}

impl Listed {
    pub(super) fn new(limit: Duration, home: Option<PathBuf>) -> Self {
        Self { limit, home, state: watch::Sender::default() }
    }

    /// The folders; none when the client has not told them in time.
    pub(super) async fn folders(&self, peer: &Peer<RoleServer>) -> Option<Arc<[RootCandidate]>> {
        let begins = self.state.send_if_modified(|state| {
            let begins = state.folders.is_none() && state.question == Question::None;
            if begins {
                state.question = self.question();
            }
            begins
        });
        if begins {
            self.ask(peer.clone());
        }
        let mut state = self.state.subscribe();
        // A client whose folders change all the time does not hold a call up.
        let most = Instant::now() + 2 * self.limit;
        loop {
            let until = match &*state.borrow_and_update() {
                State { folders: Some(folders), .. } => return Some(Arc::clone(folders)),
                State { question: Question::Asked { until, .. }, .. } => most.min(*until),
                State { question: Question::None, .. } => return None,
            };
            if timeout_at(until, state.changed()).await.is_err() {
                tracing::info!(
                    "the client has not listed its roots within {:?}; the call goes on without",
                    self.limit
                );
                return None;
            }
        }
    }

    /// What was listed counts no more. A client that was asked is asked again, and one that was not is asked by the first call.
    pub(super) fn changed(&self, peer: &Peer<RoleServer>) {
        let begins = self.state.send_if_modified(|state| {
            state.folders = None;
            let begins = state.was_asked && state.question == Question::None;
            state.question = match state.question {
                Question::None if !begins => Question::None,
                Question::None => self.question(),
                Question::Asked { .. } => {
                    Question::Asked { until: Instant::now() + self.limit, is_outdated: true }
                }
            };
            begins
        });
        if begins {
            self.ask(peer.clone());
        }
    }

    fn question(&self) -> Question {
        Question::Asked { until: Instant::now() + self.limit, is_outdated: false }
    }

    /// Asks in a task of its own, which outlives the call: an answer that comes late is an answer. There is one such task at a time.
    fn ask(&self, peer: Peer<RoleServer>) {
        let this = self.clone();
        tokio::spawn(async move {
            loop {
                let told = this.told(&peer).await;
                let mut is_outdated = false;
                this.state.send_modify(|state| {
                    state.was_asked = true;
                    is_outdated = matches!(state.question, Question::Asked { is_outdated: true, .. });
                    if is_outdated {
                        state.question = this.question();
                    } else {
                        state.question = Question::None;
                        state.folders.clone_from(&told);
                    }
                });
                if !is_outdated {
                    return;
                }
            }
        });
    }

    /// One question; none when it is not answered at all. A client that answers with an error has no folders.
    async fn told(&self, peer: &Peer<RoleServer>) -> Option<Arc<[RootCandidate]>> {
        let request = ServerRequest::ListRootsRequest(ListRootsRequest::default());
        let options = PeerRequestOptions::with_timeout(LATEST);
        let answer = match peer.send_request_with_option(request, options).await {
            Ok(question) => question.await_response().await,
            Err(error) => Err(error),
        };
        match answer.map(|answer| serde_json::to_value(answer).unwrap_or_default()) {
            Ok(answer) => Some(folders_in(&answer, self.home.as_deref()).into()),
            Err(rmcp::ServiceError::McpError(error)) => {
                tracing::info!("the client does not list its roots: {error}");
                Some(Arc::default())
            }
            Err(error) => {
                tracing::info!("the client did not list its roots: {error}");
                None
            }
        }
    }
}

/// The folders of a list. What is none is passed over: the others are good all the same.
fn folders_in(answer: &Value, home: Option<&Path>) -> Vec<RootCandidate> {
    let entries = match answer.get("roots") {
        Some(Value::Array(entries)) => entries.as_slice(),
        Some(entry) => std::slice::from_ref(entry),
        None => &[],
    };
    let named = entries.iter().take(MOST).filter_map(|entry| {
        let address = entry.as_str().or_else(|| entry.get("uri")?.as_str())?;
        Some(RootCandidate { path: path(address.trim(), home)?, origin: RootOrigin::ClientRoots })
    });
    let folders: Vec<RootCandidate> = named.collect();
    let passed_over = entries.len() - folders.len();
    if passed_over > 0 {
        tracing::info!(passed_over, "the client listed roots that are no folders of this machine");
    }
    folders
}

/// The path that a client means: a `file:` address, or a path as it is.
fn path(address: &str, home: Option<&Path>) -> Option<PathBuf> {
    const FILE: &str = "file:";
    if let Some(scheme) = address.get(..FILE.len())
        && scheme.eq_ignore_ascii_case(FILE)
    {
        let rest = address.get(FILE.len()..)?;
        // With one slash there is no host (RFC 8089, appendix B).
        let slashes = if rest.starts_with("//") { "" } else { "//" };
        return file_url_path(&format!("{FILE}{slashes}{rest}"));
    }
    if let Some(below) = address.strip_prefix("~/") {
        return home.map(|home| home.join(below));
    }
    let path = PathBuf::from(address);
    path.is_absolute().then_some(path)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn paths(roots: &Value) -> Vec<String> {
        let folders = folders_in(&json!({ "roots": roots }), Some(Path::new("/home/me")));
        assert!(folders.iter().all(|folder| folder.origin == RootOrigin::ClientRoots));
        folders.iter().map(|folder| folder.path.display().to_string()).collect()
    }

    #[test]
    fn folders_are_read_however_written() {
        for (address, path) in [
            ("file:///a/b", "/a/b"),
            ("file:///a/with%20space", "/a/with space"),
            ("file://localhost/a", "/a"),
            ("FILE:///a", "/a"),
            ("file:/a/b", "/a/b"),
            ("/a/b", "/a/b"),
            (" /a/b\n", "/a/b"),
            ("/a/100%20", "/a/100%20"),
            ("~/work", "/home/me/work"),
        ] {
            assert_eq!(paths(&json!([{"uri": address, "name": "n"}])), [path], "{address}");
            assert_eq!(paths(&json!([address])), [path], "{address}");
            assert_eq!(paths(&json!(address)), [path], "{address}");
        }
    }

    #[test]
    fn bad_entries_do_not_hide_good_ones() {
        let roots = json!([
            {"uri": "https://example.com/a"}, {"uri": 7}, {}, null, 5, ["/x"], {"path": "/x"},
            {"uri": "file://other.example/x"}, {"uri": "file:///%zz"}, {"uri": "src"}, {"uri": ""},
            {"uri": "file:///good", "name": 7}, "/plain",
        ]);
        assert_eq!(paths(&roots), ["/good", "/plain"]);
        for none in [json!([]), json!(null), json!(7), json!({})] {
            assert_eq!(paths(&none), Vec::<String>::new());
        }
        assert_eq!(folders_in(&json!([1]), None), []);
        assert_eq!(paths(&json!(vec!["/a"; MOST + 1])).len(), MOST);
    }
}
