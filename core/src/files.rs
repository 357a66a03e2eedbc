//! The port to files that lie at a vendor's, and the record of those that were put there.

use async_trait::async_trait;
use bytes::Bytes;

use crate::{
    ProviderId, Timestamp,
    provider::{CallCtx, ProviderError},
};

/// What becomes of a file at its vendor's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reading {
    /// The vendor makes a text of it, which any model can be shown.
    Extracted,
    /// The vendor's own models read it, by its id.
    ById,
}

/// A file on its way.
#[derive(Debug, Clone)]
pub struct Upload {
    /// The name under which it is listed.
    pub name: String,
    /// The whole content.
    pub bytes: Bytes,
}

/// A file as the vendor lists it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VendorFile {
    /// The vendor's name for it.
    pub id: String,
    /// The name that it was given.
    pub name: String,
    /// Its size in bytes, when the vendor says.
    pub bytes: Option<u64>,
}

/// Files at a vendor's.
#[async_trait]
pub trait Files: Send + Sync {
    /// What becomes of files here.
    fn reading(&self) -> Reading;

    /// The largest file that is taken, in bytes.
    fn max_bytes(&self) -> u64;

    /// Puts a file there, once: an upload is not repeated by itself.
    ///
    /// # Errors
    /// The vendor refuses it or cannot be reached.
    async fn upload(&self, file: Upload, call: &CallCtx) -> Result<VendorFile, ProviderError>;

    /// The files that the vendor keeps, of all users of the same key.
    ///
    /// # Errors
    /// The vendor cannot be reached or its list cannot be understood.
    async fn list(&self, call: &CallCtx) -> Result<Vec<VendorFile>, ProviderError>;

    /// The text that was made of a file ([`Reading::Extracted`]), or its content.
    ///
    /// # Errors
    /// There is no such file, or the vendor does not give its content out.
    async fn content(&self, id: &str, call: &CallCtx) -> Result<Bytes, ProviderError>;

    /// Removes a file.
    ///
    /// # Errors
    /// There is no such file, or the vendor cannot be reached.
    async fn delete(&self, id: &str, call: &CallCtx) -> Result<(), ProviderError>;
}

/// A file that this owner has put at a vendor's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UploadedFile {
    /// Where it lies.
    pub provider: ProviderId,
    /// The vendor's name for it.
    pub id: String,
    /// BLAKE3 of its content as 64 hex digits: the same content is not put there twice.
    pub hash: String,
    /// The name of the file that it was made from, without folders.
    pub name: String,
    /// Its size in bytes.
    pub bytes: u64,
    /// When it was put there.
    pub uploaded_at: Timestamp,
}
