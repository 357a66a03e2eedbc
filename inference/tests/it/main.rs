//! Completions against a real database and a provider that does what it is told.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on fails")]

mod judged;
mod record;
mod stream;
mod support;
