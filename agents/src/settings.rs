//! How agents are run.

use std::time::Duration;

use crate::known::{Agent, built_in};

/// How agents are run.
#[derive(Debug, Clone)]
pub struct ClinkSettings {
    /// The known agents, the preferred one first.
    pub agents: Vec<Agent>,
    /// The environment that agents may see; agents are looked for in its `PATH`.
    pub environment: Vec<(String, String)>,
    /// Whether this process was itself started as an agent.
    pub nested: bool,
    /// How long an agent may take.
    pub time_limit: Duration,
    /// How long it may take to end by itself before it is killed.
    pub grace: Duration,
    /// The most bytes of its output.
    pub max_output_bytes: u64,
}

impl Default for ClinkSettings {
    fn default() -> Self {
        Self {
            agents: built_in(),
            environment: Vec::new(),
            nested: false,
            time_limit: Duration::from_secs(900),
            grace: Duration::from_millis(500),
            max_output_bytes: 8 * 1024 * 1024,
        }
    }
}
