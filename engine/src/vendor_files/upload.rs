//! Uploads a file to a provider, unless it has the same content already.

use std::{sync::Arc, time::Duration};

use exai_context::files::FileBytes;
use exai_core::{
    Kind,
    files::{Upload, UploadedFile},
    provider::Provider,
    store::Write,
};

use super::{MAX_FILES, ctx, failed, mark};
use crate::{call::Call, engine::Engine, error::EngineError};
use exai_inference::error::InferenceError;

/// The longest wait until the record of a file is durable.
const RECORDED: Duration = Duration::from_secs(2);
/// How many digits of the hash a file's name has.
const HASH_SHOWN: usize = 12;

/// A file that a provider has.
pub(super) struct Placed {
    pub file: UploadedFile,
    /// Whether it was there before this call.
    pub was_there: bool,
}

impl Engine {
    /// Uploads the file unless the provider has it.
    pub(super) async fn put(
        &self,
        provider: &Arc<dyn Provider>,
        file: FileBytes,
        call: &Call,
    ) -> Result<Placed, EngineError> {
        let port = self.file_port(provider)?;
        if file.bytes.len() as u64 > port.max_bytes() {
            let text = format!(
                "{} has {} bytes; {} takes at most {}",
                file.path,
                file.bytes.len(),
                provider.id(),
                port.max_bytes()
            );
            return Err(EngineError::invalid("file_path", text));
        }
        if let Some(known) = self.lies_there(provider, &file.hash, call).await {
            return Ok(Placed { file: known, was_there: true });
        }
        let name =
            file.absolute.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let shown: String = file.hash.chars().take(HASH_SHOWN).collect();
        let bytes = file.bytes.len() as u64;
        let upload = Upload {
            name: format!("{}{shown}-{name}", mark(&call.principal.identity)),
            bytes: file.bytes.into(),
        };
        let there = port.upload(upload, &ctx(call)).await.map_err(failed)?;
        let record = UploadedFile {
            provider: provider.id().clone(),
            id: there.id,
            hash: file.hash,
            name,
            bytes,
            uploaded_at: self.clock.now(),
        };
        let mut commit =
            self.store().write(&call.principal.identity, vec![Write::RememberFile(record.clone())]);
        if !commit.within(RECORDED).await.unwrap_or(false) {
            tracing::warn!(request_id = %call.request_id, file = record.id, "the record of an uploaded file is not stored yet");
        }
        Ok(Placed { file: record, was_there: false })
    }

    /// The file with the same content that this principal has uploaded.
    async fn lies_there(
        &self,
        provider: &Arc<dyn Provider>,
        hash: &str,
        call: &Call,
    ) -> Option<UploadedFile> {
        let files = self.store().uploaded_files(&call.principal.identity, MAX_FILES).await.ok()?;
        files.into_iter().find(|file| file.provider == *provider.id() && file.hash == hash)
    }

    /// Forgets a file that its provider no longer has.
    pub(super) async fn forget(&self, file: &UploadedFile, call: &Call) {
        let forget = Write::ForgetFile { provider: file.provider.clone(), id: file.id.clone() };
        let mut commit = self.store().write(&call.principal.identity, vec![forget]);
        if !commit.within(RECORDED).await.unwrap_or(false) {
            tracing::warn!(request_id = %call.request_id, file = file.id, "a removed file is not forgotten yet");
        }
    }

    /// A file of this principal by the id that its provider gave it.
    pub(super) async fn own_file(&self, id: &str, call: &Call) -> Result<UploadedFile, EngineError> {
        let files = self.store().uploaded_files(&call.principal.identity, MAX_FILES).await;
        let files = files.map_err(EngineError::from_store)?;
        files.into_iter().find(|file| file.id == id.trim()).ok_or_else(|| {
            let id: String = id.chars().take(80).collect();
            EngineError::invalid(
                "file_id",
                format!("`{id}` is no file that was put at a vendor's from here; file_manage with operation list shows those"),
            )
        })
    }
}

/// Whether a provider says that it does not have a file.
pub(super) fn is_gone(error: &EngineError) -> bool {
    matches!(error, EngineError::Completion(InferenceError::Provider { error, .. }) if error.status == Some(404) || error.kind == Kind::NotFound)
}
