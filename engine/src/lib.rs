//! The use cases: workflows, chat, consensus, lent functions, files at providers, other agents, threads and usage.
//!
//! Sees the outside world only through the ports of `exai_core`; knows no provider by name, no SQL and no MCP.

pub mod activity;
mod anchored;
pub mod answers;
pub mod call;
pub mod chat;
pub mod clink;
pub mod consensus;
pub mod engine;
pub mod error;
mod follow_up;
mod history;
mod images;
mod named_files;
mod needs;
pub mod probe;
mod prompt_files;
pub mod roots;
pub mod route;
pub mod settings;
pub mod stats;
pub mod threads;
pub mod tool_chat;
mod turn;
pub mod usage;
pub mod vendor_files;
pub mod web_search;
mod window;
pub mod workflow;

// Outcomes name the files that were read. The code that shows an outcome knows the engine and not the crate below it.
pub use exai_answers::{self as reading, Understood};
pub use exai_context::evidence::{FileReport, FileStatus};
pub use exai_core::transcript;
pub use exai_inference::{
    self as inference, delivery, fallback, routing,
    routing::{Preferences, ToolPreferences},
};

pub use call::Call;
pub use engine::{Engine, Parts};
pub use error::EngineError;
pub use exai_answers::status::AnswerStatus;
pub use roots::{FixedRoots, RootSource};
pub use settings::Settings;
