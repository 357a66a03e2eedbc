//! The door a test holds shut while it looks at what the program does in the meantime.

use std::sync::Arc;

use tokio::sync::watch;

/// Holds answers back until the test opens it; once open it stays open. Clones share one door.
#[derive(Debug, Clone)]
pub struct Gate(Arc<watch::Sender<Door>>);

#[derive(Debug, Default)]
struct Door {
    open: bool,
    arrivals: usize,
}

// === impl Gate ===

impl Gate {
    /// Makes a closed gate.
    #[must_use]
    pub fn new() -> Self {
        Self(Arc::new(watch::Sender::new(Door::default())))
    }

    /// Opens the gate for everything that waits and everything that will come.
    pub fn open(&self) {
        self.0.send_modify(|door| door.open = true);
    }

    /// Waits until `n` answers, counted over the gate's life, have reached it.
    pub async fn wait_for_arrivals(&self, n: usize) {
        self.wait(|door| door.arrivals >= n).await;
    }

    /// Counts an arrival and waits for the door to open.
    pub(crate) async fn pass(&self) {
        self.0.send_modify(|door| door.arrivals += 1);
        self.wait(|door| door.open).await;
    }

    async fn wait(&self, ready: impl FnMut(&Door) -> bool) {
        // `self` owns the sender, so the channel cannot close while we wait: there is no error to handle.
        self.0.subscribe().wait_for(ready).await.map(drop).ok();
    }
}

impl Default for Gate {
    fn default() -> Self {
        Self::new()
    }
}
