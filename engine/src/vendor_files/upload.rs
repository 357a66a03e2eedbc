//! Puts a file at a vendor's, unless the same content lies there already.

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

/// How long a call waits until the record of a file is durable.
const RECORDED: Duration = Duration::from_secs(2);
/// Letters of the hash in a file's name.
const HASH_SHOWN: usize = 12;

impl Engine {
    /// The file at the vendor's, and whether it lay there already.
    pub(super) async fn put(
        &self,
        provider: &Arc<dyn Provider>,
        file: FileBytes,
        call: &Call,
    ) -> Result<(UploadedFile, bool), EngineError> {
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
            return Ok((known, true));
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
        Ok((record, false))
    }

    /// What this principal has put there with the same content.
    async fn lies_there(
        &self,
        provider: &Arc<dyn Provider>,
        hash: &str,
        call: &Call,
    ) -> Option<UploadedFile> {
        let files = self.store().uploaded_files(&call.principal.identity, MAX_FILES).await.ok()?;
        files.into_iter().find(|file| file.provider == *provider.id() && file.hash == hash)
    }

    /// Forgets a file that its vendor no longer has.
    pub(super) async fn forget(&self, file: &UploadedFile, call: &Call) {
        let forget = Write::ForgetFile { provider: file.provider.clone(), id: file.id.clone() };
        let mut commit = self.store().write(&call.principal.identity, vec![forget]);
        if !commit.within(RECORDED).await.unwrap_or(false) {
            tracing::warn!(request_id = %call.request_id, file = file.id, "a removed file is not forgotten yet");
        }
    }

    /// A file of this principal by the vendor's id for it.
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

/// Whether a vendor says that it does not have a file.
pub(super) fn is_gone(error: &EngineError) -> bool {
    matches!(error, EngineError::Completion(InferenceError::Provider { error, .. }) if error.status == Some(404) || error.kind == Kind::NotFound)
}
