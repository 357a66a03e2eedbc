//! The port to files that a provider stores, and the record of those that were uploaded.

use async_trait::async_trait;
use bytes::Bytes;

use crate::{
    ProviderId, Timestamp,
    upstream::{CallCtx, ProviderError},
};

/// What a provider does with an uploaded file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reading {
    /// The provider extracts a text from it, which can be sent to any model.
    Extracted,
    /// The provider's own models read it, by its id.
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

/// A file as the provider lists it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VendorFile {
    /// The provider's name for it.
    pub id: String,
    /// The name that it was given.
    pub name: String,
    /// Its size in bytes, when the provider says.
    pub bytes: Option<u64>,
}

/// Files that a provider stores.
#[async_trait]
pub trait Files: Send + Sync {
    /// What the provider does with files.
    fn reading(&self) -> Reading;

    /// The largest file that is taken, in bytes.
    fn max_bytes(&self) -> u64;

    /// Uploads a file once: an upload is not repeated by itself.
    ///
    /// # Errors
    /// The vendor refuses it or cannot be reached.
    async fn upload(&self, file: Upload, call: &CallCtx) -> Result<VendorFile, ProviderError>;

    /// The files that the provider stores for this key, of all who use it.
    ///
    /// # Errors
    /// The vendor cannot be reached or its list cannot be understood.
    async fn list(&self, call: &CallCtx) -> Result<Vec<VendorFile>, ProviderError>;

    /// The text that was made of a file ([`Reading::Extracted`]), or its content.
    ///
    /// # Errors
    /// There is no such file, or the provider does not give its content back.
    async fn content(&self, id: &str, call: &CallCtx) -> Result<Bytes, ProviderError>;

    /// Removes a file.
    ///
    /// # Errors
    /// There is no such file, or the vendor cannot be reached.
    async fn delete(&self, id: &str, call: &CallCtx) -> Result<(), ProviderError>;
}

/// A file that this owner has uploaded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UploadedFile {
    /// The provider that stores it.
    pub provider: ProviderId,
    /// The provider's name for it.
    pub id: String,
    /// BLAKE3 of its content as 64 hex digits: the same content is not uploaded twice.
    pub hash: String,
    /// The name of the file that it was made from, without folders.
    pub name: String,
    /// Its size in bytes.
    pub bytes: u64,
    /// When it was uploaded.
    pub uploaded_at: Timestamp,
}
