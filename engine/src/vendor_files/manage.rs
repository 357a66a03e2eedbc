//! Lists and removes the files that a principal has uploaded to providers.

use std::{sync::Arc, time::Duration};

use exai_core::{
    files::{UploadedFile, VendorFile},
    provider::Provider,
};

use super::{MAX_FILES, ctx, failed, mark, upload::is_gone};
use crate::{call::Call, engine::Engine, error::EngineError};

/// A file that was uploaded longer ago has expired.
const EXPIRY: Duration = Duration::from_secs(30 * 24 * 60 * 60);

/// What to do with files.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Operation {
    /// Lists them.
    #[default]
    List,
    /// Removes one.
    Delete,
    /// Removes all.
    CleanupAll,
    /// Removes those of which the database has no record.
    CleanupOrphaned,
    /// Removes those that were uploaded more than 30 days ago.
    CleanupExpired,
}

/// What is asked for.
#[derive(Debug, Clone, Default)]
pub struct ManageInput {
    /// What to do.
    pub operation: Operation,
    /// The file to remove.
    pub file_id: Option<String>,
    /// The only provider whose files are meant; all when `None` or `auto`.
    pub provider: Option<String>,
    /// The most files.
    pub limit: usize,
    /// Whether files are only listed that would be removed.
    pub dry_run: bool,
}

/// A file, and whether its provider has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileRow {
    /// The provider.
    pub provider: String,
    /// The id that the provider gave it.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Its size in bytes, when known.
    pub bytes: Option<u64>,
    /// When it was uploaded; `None` when the database has no record of it.
    pub uploaded_at: Option<exai_core::Timestamp>,
    /// Whether the provider still has it.
    pub is_there: bool,
}

/// What was done.
#[derive(Debug, Default)]
pub struct Managed {
    /// The files listed, removed, or that would be removed.
    pub files: Vec<FileRow>,
    /// Those that could not be removed, with the reason.
    pub failed: Vec<(FileRow, String)>,
    /// Whether there are more files than the limit.
    pub is_cut: bool,
    /// How many files of others the same providers have; these are neither shown nor touched.
    pub others: usize,
    /// Providers that could not be asked, with the reason.
    pub silent: Vec<(String, String)>,
}

impl Engine {
    /// Lists or removes files.
    ///
    /// # Errors
    /// The file or the provider is not known; the database cannot be read.
    pub async fn manage_files(&self, input: &ManageInput, call: &Call) -> Result<Managed, EngineError> {
        if input.operation == Operation::Delete {
            return self.delete_one(input, call).await;
        }
        let mut managed = Managed::default();
        let mut rows = self.all_files(input, &mut managed, call).await?;
        let now = self.clock.now();
        rows.retain(|row| match input.operation {
            Operation::List | Operation::Delete => true,
            Operation::CleanupAll => row.uploaded_at.is_some(),
            Operation::CleanupOrphaned => row.uploaded_at.is_none(),
            Operation::CleanupExpired => {
                row.uploaded_at.is_some_and(|at| u128::from(now.millis_since(at)) > EXPIRY.as_millis())
            }
        });
        managed.is_cut = rows.len() > input.limit;
        rows.truncate(input.limit);
        if input.operation == Operation::List || input.dry_run {
            managed.files = rows;
            return Ok(managed);
        }
        for row in rows {
            match self.remove(&row, call).await {
                Ok(()) => managed.files.push(row),
                Err(error) => managed.failed.push((row, error.to_string())),
            }
        }
        Ok(managed)
    }

    async fn delete_one(&self, input: &ManageInput, call: &Call) -> Result<Managed, EngineError> {
        let id = input.file_id.as_deref().filter(|id| !id.trim().is_empty());
        let id = id.ok_or_else(|| EngineError::invalid("file_id", "name the file to delete"))?;
        let row = remembered(&self.own_file(id, call).await?, true);
        if !input.dry_run {
            self.remove(&row, call).await?;
        }
        Ok(Managed { files: vec![row], ..Managed::default() })
    }

    /// Removes a file at its provider, then its record. A file that the provider no longer has counts as removed.
    async fn remove(&self, row: &FileRow, call: &Call) -> Result<(), EngineError> {
        let provider = self.filing(Some(&row.provider))?;
        let port = self.file_port(&provider)?;
        let removed = port.delete(&row.id, &ctx(call)).await.map_err(failed);
        if let Err(error) = removed
            && !is_gone(&error)
        {
            return Err(error);
        }
        let file = UploadedFile {
            provider: provider.id().clone(),
            id: row.id.clone(),
            hash: String::new(),
            name: row.name.clone(),
            bytes: 0,
            uploaded_at: self.clock.now(),
        };
        self.forget(&file, call).await;
        Ok(())
    }

    /// The files in the database, and those that providers have under this principal's mark.
    async fn all_files(
        &self,
        input: &ManageInput,
        managed: &mut Managed,
        call: &Call,
    ) -> Result<Vec<FileRow>, EngineError> {
        let named = input.provider.as_deref().filter(|name| !exai_inference::routing::is_auto(name));
        let providers: Vec<Arc<dyn Provider>> = match named {
            Some(name) => vec![self.filing(Some(name))?],
            None => {
                // At least one, or the error that says which could be configured.
                drop(self.filing(None)?);
                let all = self.models().providers().iter().filter(|provider| provider.files().is_some());
                all.map(Arc::clone).collect()
            }
        };
        let known = self.store().uploaded_files(&call.principal.identity, MAX_FILES).await;
        let known = known.map_err(EngineError::from_store)?;
        let mark = mark(&call.principal.identity);
        let mut rows = Vec::new();
        for provider in providers {
            let Some(port) = provider.files() else { continue };
            let own: Vec<&UploadedFile> =
                known.iter().filter(|file| file.provider == *provider.id()).collect();
            let there = match port.list(&ctx(call)).await {
                Ok(there) => Some(there),
                Err(error) => {
                    managed.silent.push((provider.id().as_str().to_owned(), error.to_string()));
                    None
                }
            };
            let is_there = |file: &UploadedFile| {
                there.as_ref().is_none_or(|there| there.iter().any(|listed| listed.id == file.id))
            };
            rows.extend(own.iter().map(|file| remembered(file, is_there(file))));
            for listed in there.iter().flatten() {
                if own.iter().any(|file| file.id == listed.id) {
                    continue;
                }
                if listed.name.starts_with(&mark) {
                    rows.push(stray(&provider, listed));
                } else {
                    managed.others += 1;
                }
            }
        }
        Ok(rows)
    }
}

fn remembered(file: &UploadedFile, is_there: bool) -> FileRow {
    FileRow {
        provider: file.provider.as_str().to_owned(),
        id: file.id.clone(),
        name: file.name.clone(),
        bytes: Some(file.bytes),
        uploaded_at: Some(file.uploaded_at),
        is_there,
    }
}

fn stray(provider: &Arc<dyn Provider>, listed: &VendorFile) -> FileRow {
    FileRow {
        provider: provider.id().as_str().to_owned(),
        id: listed.id.clone(),
        name: listed.name.clone(),
        bytes: listed.bytes,
        uploaded_at: None,
        is_there: true,
    }
}
