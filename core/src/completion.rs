//! What asking a model came to.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::{ModelId, ProviderId, RunId, chat::Reply};

/// An answer with everything that is said about it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Completion {
    /// The answer.
    pub reply: Reply,
    /// The run that got it.
    pub run: RunId,
    /// Who answered.
    pub provider: ProviderId,
    /// The model as we asked for it.
    pub model: ModelId,
    /// Upstream attempts of the run.
    pub attempts: u32,
    /// Wall time of the run.
    pub duration: Duration,
    /// US dollars at list price, when the price is known.
    pub cost_usd: Option<f64>,
}

impl Completion {
    /// Bytes that the answer takes in the cache, roughly.
    #[must_use]
    pub fn weight(&self) -> usize {
        let opaque: usize = self
            .reply
            .opaque
            .iter()
            .map(|part| serde_json::to_string(part).map_or(0, |json| json.len()))
            .sum();
        self.reply.text.len() + opaque + 512
    }
}
