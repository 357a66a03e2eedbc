//! Reading which files were uploaded to providers.

use async_trait::async_trait;

use super::StoreError;
use crate::{Identity, files::UploadedFile};

/// The record of files that were uploaded to providers.
#[async_trait]
pub trait VendorFiles: Send + Sync {
    /// The files that the owner has uploaded, latest first, at most `limit`.
    ///
    /// # Errors
    /// The database cannot be read.
    async fn uploaded_files(&self, who: &Identity, limit: u32) -> Result<Vec<UploadedFile>, StoreError>;
}
