//! What the caller of a write holds until the write is durable.

use std::time::Duration;

use tokio::sync::oneshot;

use super::StoreError;

/// A queued batch. Awaiting it tells when it is durable; dropping it does not take the batch back.
#[derive(Debug)]
pub struct Commit(oneshot::Receiver<Result<(), StoreError>>);

/// The writer's end of a [`Commit`].
pub type CommitSender = oneshot::Sender<Result<(), StoreError>>;

impl Commit {
    /// A commit and the end that resolves it.
    #[must_use]
    pub fn pending() -> (CommitSender, Self) {
        let (sender, receiver) = oneshot::channel();
        (sender, Self(receiver))
    }

    /// A batch that was refused at once.
    #[must_use]
    pub fn refused(error: StoreError) -> Self {
        let (sender, commit) = Self::pending();
        // The receiver is alive: it is returned below.
        drop(sender.send(Err(error)));
        commit
    }

    /// Waits at most `limit`. `Ok(false)` means that the batch is still queued and will be written later.
    ///
    /// # Errors
    /// The batch was refused or storage failed for good.
    pub async fn within(&mut self, limit: Duration) -> Result<bool, StoreError> {
        match tokio::time::timeout(limit, &mut self.0).await {
            Err(_elapsed) => Ok(false),
            Ok(Ok(result)) => result.map(|()| true),
            Ok(Err(_closed)) => Err(StoreError::Unavailable {
                reason: "the writer has stopped".to_owned(),
                hint: "Restart the server.".to_owned(),
                source: None,
            }),
        }
    }
}
