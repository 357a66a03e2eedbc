//! What the server is doing at this moment: figures for people, all of them measured.

use exai_core::{Identity, store::StoreError};

use crate::engine::Engine;
pub use exai_inference::load::Load;

impl Engine {
    /// Checks that the database can be read.
    ///
    /// # Errors
    /// It cannot; the error says why.
    pub async fn check_store(&self) -> Result<(), StoreError> {
        self.store().check().await
    }

    /// What the owner's finished runs have cost since midnight, UTC.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn spent_today(&self, who: &Identity) -> Result<f64, StoreError> {
        self.inference.spent_today(who).await
    }

    /// What is going on at this moment.
    #[must_use]
    pub fn load(&self) -> Load {
        self.inference.load()
    }
}
