//! A file that says how the server is, for monitors that read files.

use std::{fs, io, path::PathBuf, sync::Arc, time::Duration};

use exai_core::{Clock as _, SystemClock};
use exai_server::{Health, Trouble};
use serde_json::json;
use tokio::time::{MissedTickBehavior, interval, timeout};
use tokio_util::sync::CancellationToken;

/// How often it is written.
pub(crate) const EVERY: Duration = Duration::from_secs(10);
/// The longest that a look may take.
const LIMIT: Duration = Duration::from_secs(1);

/// Writes it until the end, and takes it away then: a file that is there is one of a server that runs.
pub(super) async fn keep(path: PathBuf, url: String, health: Arc<dyn Health>, end: CancellationToken) {
    let mut ticks = interval(EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            _ = ticks.tick() => {}
            () = end.cancelled() => break,
        }
        let looked = timeout(LIMIT, health.trouble()).await;
        let trouble = looked.unwrap_or_else(|_elapsed| Some(Trouble::silent_database()));
        let (word, trouble) = Trouble::words(trouble.as_ref());
        let text = json!({"status": word, "trouble": trouble, "time": SystemClock.now().to_rfc3339(),
            "pid": std::process::id(), "url": url, "figures": health.figures()});
        if let Err(error) = write(&path, &text.to_string()) {
            tracing::warn!("{} cannot be written: {error}", path.display());
        }
    }
    drop(fs::remove_file(&path));
}

/// A reader sees the old text or the new one, never half of it.
fn write(path: &PathBuf, text: &str) -> io::Result<()> {
    let mut new = path.clone().into_os_string();
    new.push(".new");
    fs::write(&new, text)?;
    fs::rename(&new, path)
}
