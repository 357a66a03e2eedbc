//! Durable storage: threads, runs and usage in an SQLite file, behind the [`exai_core::store::Store`] port.

mod queue;
mod sqlite;

pub use sqlite::{Retry, Settings, SqliteStore, Sync};
