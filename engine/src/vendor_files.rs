//! Files at providers: uploaded once, read by a model, fetched back, removed. A caller sees and touches only files of its own.

mod download;
mod manage;
mod query;
mod upload;

use std::sync::Arc;

use exai_context::files::Rejection;
use exai_core::{
    Identity,
    files::Files,
    provider::{CallCtx, Provider, ProviderError},
};

pub use download::{DownloadInput, Downloaded};
pub use manage::{FileRow, ManageInput, Managed, Operation};
pub use query::{FileQueryInput, FileQueryOutcome, Passed};

use crate::{call::Call, engine::Engine, error::EngineError};

/// The most records of files that are read for one owner.
const MAX_FILES: u32 = 10_000;

impl Engine {
    /// The provider of that name, or the first that takes files.
    fn filing(&self, name: Option<&str>) -> Result<Arc<dyn Provider>, EngineError> {
        let takes: Vec<&Arc<dyn Provider>> =
            self.models().providers().iter().filter(|provider| provider.files().is_some()).collect();
        let named = name.map(str::trim).filter(|name| !exai_inference::routing::is_auto(name));
        let found = match named {
            None => takes.first().copied(),
            Some(name) => {
                takes.iter().find(|provider| provider.id().as_str().eq_ignore_ascii_case(name)).copied()
            }
        };
        if let Some(provider) = found {
            return Ok(Arc::clone(provider));
        }
        let names: Vec<&str> = takes.iter().map(|provider| provider.id().as_str()).collect();
        match named {
            Some(name) if !names.is_empty() => {
                let name: String = name.chars().take(40).collect();
                let text = format!("`{name}` takes no files here; these do: {}", names.join(", "));
                Err(EngineError::invalid("provider", text))
            }
            _ => Err(self.no_files()),
        }
    }

    fn no_files(&self) -> EngineError {
        EngineError::NotOffered { what: "reading of files", hint: self.settings.hints.files.clone() }
    }

    fn file_port<'a>(&self, provider: &'a Arc<dyn Provider>) -> Result<&'a dyn Files, EngineError> {
        provider.files().ok_or_else(|| self.no_files())
    }
}

fn ctx(call: &Call) -> CallCtx {
    CallCtx { request_id: call.request_id.clone(), deadline: call.deadline, cancel: call.cancel.clone() }
}

fn failed(error: ProviderError) -> EngineError {
    EngineError::of_provider(error)
}

fn rejected(field: &'static str, written: &str, rejection: &Rejection) -> EngineError {
    let written: String = written.chars().take(200).collect();
    EngineError::invalid(field, format!("{written}: {rejection}"))
}

/// The mark in the names of this owner's files, because others may upload to the same account.
fn mark(who: &Identity) -> String {
    let hash = blake3::hash(format!("{}\n{}", who.tenant, who.owner).as_bytes()).to_hex();
    format!("exai-{}-", hash.chars().take(8).collect::<String>())
}

async fn blocking<T: Send + 'static>(
    what: &str,
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, EngineError> {
    tokio::task::spawn_blocking(work).await.map_err(|error| EngineError::Internal {
        what: format!("{what} failed"),
        source: Some(Box::new(error)),
    })
}
