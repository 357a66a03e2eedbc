//! The thinking: workflow, expert consultations as durable runs, cache, attempts.
//!
//! Sees the outside world only through the ports of `exai_core`; knows no vendor, no SQL and no MCP.

pub mod call;
pub mod chat;
pub mod clink;
pub mod consensus;
pub mod engine;
pub mod error;
pub mod files;
mod gather;
mod history;
mod images;
pub mod inference;
pub mod overview;
pub mod probe;
mod round;
pub mod settings;
mod threads;
pub mod tool_chat;
pub mod transcript;
pub mod web_search;
mod window;
pub mod workflow;

pub use exai_context as context;
pub use inference::{attempt, budget, cache, consulted, expert, fallback, health, preferences, routing};

pub use call::{Call, FixedRoots, RootSource};
pub use engine::{Engine, Parts};
pub use error::EngineError;
pub use preferences::{Preferences, ToolPreferences};
pub use settings::Settings;

/// How a newcomer gets a model, wherever the lack of one is reported.
pub const HOW_TO_CONFIGURE: &str = "Set OPENAI_API_KEY, GLM_API_KEY, KIMI_API_KEY or MINIMAX_API_KEY, or CUSTOM_API_URL for any \
    OpenAI-compatible endpoint, in the server's environment or in the file that `exai-mcp config path` prints.";
