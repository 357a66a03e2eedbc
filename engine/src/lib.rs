//! The thinking: context, workflow, expert consultations as durable runs, cache, attempts, offline inspection.
//!
//! Sees the outside world only through the ports of `exai_core`; knows no vendor, no SQL and no MCP.

pub mod citations;
pub mod context;
pub mod evidence;
pub mod inspect;
pub mod parse;
