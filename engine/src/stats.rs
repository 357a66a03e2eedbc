//! What the server is doing and what was used: figures for people, all of them measured.

use std::collections::BTreeMap;

use exai_core::{
    Identity,
    store::{StoreError, UsageRecord},
};

use crate::engine::Engine;
pub use exai_inference::load::Load;

/// What usage is summed up by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UsageGroup {
    /// Days, UTC.
    Day,
    /// `provider/model`.
    Model,
    /// Tools.
    Tool,
    /// Threads.
    Thread,
}

impl UsageGroup {
    /// Reads the word of the wire.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Some(match word {
            "day" => Self::Day,
            "model" => Self::Model,
            "tool" => Self::Tool,
            "thread" => Self::Thread,
            _ => return None,
        })
    }

    fn key(self, record: &UsageRecord) -> String {
        match self {
            Self::Day => record.day.clone(),
            Self::Model => format!("{}/{}", record.provider, record.model),
            Self::Tool => record.tool.clone(),
            Self::Thread => record.thread.map_or_else(|| "(deleted)".to_owned(), |thread| thread.to_string()),
        }
    }
}

/// Usage of one group, or of all.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct UsageSum {
    /// Finished runs.
    pub calls: u64,
    /// Those without an answer.
    pub failed: u64,
    /// Prompt tokens, cached ones included.
    pub input_tokens: u64,
    /// Answer tokens, thinking included.
    pub output_tokens: u64,
    /// Prompt tokens that came from a vendor's cache.
    pub cached_input_tokens: u64,
    /// Answer tokens of thinking.
    pub reasoning_tokens: u64,
    /// US dollars of the runs whose price is known.
    pub cost_usd: f64,
    /// Runs that used tokens and have no known price.
    pub unpriced: u64,
    durations: Vec<u64>,
}

impl UsageSum {
    fn add(&mut self, record: &UsageRecord) {
        self.calls += 1;
        self.failed += u64::from(record.failed == Some(true));
        self.input_tokens = self.input_tokens.saturating_add(record.usage.input_tokens);
        self.output_tokens = self.output_tokens.saturating_add(record.usage.output_tokens);
        self.cached_input_tokens = self.cached_input_tokens.saturating_add(record.usage.cached_input_tokens);
        self.reasoning_tokens = self.reasoning_tokens.saturating_add(record.usage.reasoning_tokens);
        let used = record.usage.input_tokens + record.usage.output_tokens > 0;
        match record.cost_usd {
            Some(cost) => self.cost_usd += cost,
            None => self.unpriced += u64::from(used),
        }
        if record.failed != Some(true) {
            self.durations.push(record.duration_ms);
        }
    }

    /// The wall time in milliseconds that so many percent of the answered runs did not exceed; `None` without any.
    #[must_use]
    pub fn percentile(&self, percent: usize) -> Option<u64> {
        let mut sorted = self.durations.clone();
        sorted.sort_unstable();
        // The nearest rank: the smallest value with at least so many percent at or below it.
        let rank = (sorted.len() * percent).div_ceil(100).max(1);
        sorted.get(rank - 1).copied()
    }
}

/// Sums records up by group, in the groups' order, and over all.
#[must_use]
pub fn sum_up(records: &[UsageRecord], group: UsageGroup) -> (Vec<(String, UsageSum)>, UsageSum) {
    let (mut groups, mut total) = (BTreeMap::<String, UsageSum>::new(), UsageSum::default());
    for record in records {
        groups.entry(group.key(record)).or_default().add(record);
        total.add(record);
    }
    let mut rows: Vec<(String, UsageSum)> = groups.into_iter().collect();
    if group == UsageGroup::Day {
        rows.reverse();
    } else {
        rows.sort_by(|(_, left), (_, right)| {
            right.cost_usd.total_cmp(&left.cost_usd).then(right.calls.cmp(&left.calls))
        });
    }
    (rows, total)
}

impl Engine {
    /// What the owner's runs have cost since midnight, UTC; what is under way is not in it.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn spent_today(&self, who: &Identity) -> Result<f64, StoreError> {
        self.inference.spent_today(who).await
    }

    /// What is going on at this moment.
    #[must_use]
    pub fn load(&self) -> Load {
        self.inference.load()
    }
}

#[cfg(test)]
mod tests {
    use exai_core::chat::Usage;

    use super::*;

    fn record(model: &str, cost_usd: Option<f64>, duration_ms: u64, failed: bool) -> UsageRecord {
        UsageRecord {
            day: "2026-01-02".into(),
            provider: "p".into(),
            model: model.into(),
            tool: "chat".into(),
            thread: None,
            failed: Some(failed),
            usage: Usage { input_tokens: 10, output_tokens: 5, ..Usage::default() },
            cost_usd,
            duration_ms,
        }
    }

    #[test]
    fn the_dearest_comes_first_and_unknown_prices_are_counted() {
        let records = [
            record("a", Some(0.1), 10, false),
            record("b", Some(0.5), 30, false),
            record("b", None, 20, true),
        ];
        let (rows, total) = sum_up(&records, UsageGroup::Model);
        assert_eq!(rows.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>(), ["p/b", "p/a"]);
        assert_eq!((total.calls, total.failed, total.unpriced, total.input_tokens), (3, 1, 1, 30));
        assert!((total.cost_usd - 0.6).abs() < 1e-9);
        assert_eq!((total.percentile(50), total.percentile(95)), (Some(10), Some(30)));
        assert_eq!(UsageSum::default().percentile(50), None);
    }
}
