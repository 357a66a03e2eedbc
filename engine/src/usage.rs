//! What runs have used: tokens, money and time, summed up by day, model, tool or thread.

use std::collections::BTreeMap;

use exai_core::{Identity, Timestamp, store::UsageRecord};

use crate::{engine::Engine, error::EngineError};

/// The most runs of one report; a report of more says that it is cut.
pub const MAX_RUNS: u32 = 100_000;

/// What is reported.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UsageQuery {
    /// Runs that ended at this moment or later.
    pub since: Timestamp,
    /// Runs that ended before this moment.
    pub until: Timestamp,
    /// What the rows are.
    pub group: UsageGroup,
}

/// The sums.
#[derive(Debug, Clone, PartialEq)]
pub struct UsageReport {
    /// A row for each group: days latest first, the others dearest first.
    pub rows: Vec<UsageRow>,
    /// All rows together.
    pub total: UsageSum,
    /// Whether the span has more than [`MAX_RUNS`] runs, of which only the latest are summed up.
    pub is_cut: bool,
}

/// One group of a report.
#[derive(Debug, Clone, PartialEq)]
pub struct UsageRow {
    /// The day, model, tool or thread.
    pub name: String,
    /// What its runs used.
    pub sum: UsageSum,
}

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
    /// Reads the word that clients write.
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
    /// Prompt tokens that came from a provider's cache.
    pub cached_input_tokens: u64,
    /// Answer tokens of thinking.
    pub reasoning_tokens: u64,
    /// US dollars of the runs whose price is known.
    pub cost_usd: f64,
    /// Runs whose price is known.
    pub priced: u64,
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
            Some(cost) => {
                self.cost_usd += cost;
                self.priced += 1;
            }
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

impl Engine {
    /// Sums up what the owner's runs used, those that have just ended included.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn usage(&self, who: &Identity, query: &UsageQuery) -> Result<UsageReport, EngineError> {
        let records = self.settled_store().await.usage(who, query.since, query.until, MAX_RUNS).await?;
        Ok(sum_up(&records, query.group))
    }
}

fn sum_up(records: &[UsageRecord], group: UsageGroup) -> UsageReport {
    let (mut groups, mut total) = (BTreeMap::<String, UsageSum>::new(), UsageSum::default());
    for record in records {
        groups.entry(group.key(record)).or_default().add(record);
        total.add(record);
    }
    let mut rows: Vec<UsageRow> = groups.into_iter().map(|(name, sum)| UsageRow { name, sum }).collect();
    if group == UsageGroup::Day {
        rows.reverse();
    } else {
        rows.sort_by(|left, right| {
            right.sum.cost_usd.total_cmp(&left.sum.cost_usd).then(right.sum.calls.cmp(&left.sum.calls))
        });
    }
    UsageReport { rows, total, is_cut: records.len() == MAX_RUNS as usize }
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
    fn dearest_first_and_unknown_prices_counted() {
        let records = [
            record("a", Some(0.1), 10, false),
            record("b", Some(0.5), 30, false),
            record("b", None, 20, true),
        ];
        let UsageReport { rows, total, is_cut } = sum_up(&records, UsageGroup::Model);
        assert!(!is_cut);
        assert_eq!(rows.iter().map(|row| row.name.as_str()).collect::<Vec<_>>(), ["p/b", "p/a"]);
        assert_eq!((total.calls, total.failed, total.priced, total.unpriced), (3, 1, 2, 1));
        assert_eq!(total.input_tokens, 30);
        assert!((total.cost_usd - 0.6).abs() < 1e-9);
        assert_eq!((total.percentile(50), total.percentile(95)), (Some(10), Some(30)));
        assert_eq!(UsageSum::default().percentile(50), None);
    }
}
