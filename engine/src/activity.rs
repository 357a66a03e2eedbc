//! Recent runs, for people and clients that ask what the server has done and is doing.

use exai_core::{Identity, run::Run, store::RunFilter};

use crate::{engine::Engine, error::EngineError};

/// Which runs are wanted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ActivityQuery {
    /// What they have in common.
    pub filter: RunFilter,
    /// The most runs.
    pub limit: u32,
}

/// The runs that match.
#[derive(Debug, Clone, PartialEq)]
pub struct Activity {
    /// Latest first.
    pub runs: Vec<Run>,
}

impl Engine {
    /// The latest runs of the owner, those that are under way here and those that have just ended included.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn activity(&self, who: &Identity, query: &ActivityQuery) -> Result<Activity, EngineError> {
        // Asked before the store: a run that ends in between is then in both, and not in neither.
        let under_way = self.inference.running(who);
        let stored = self.settled_store().await.recent_runs(who, &query.filter, query.limit).await?;
        Ok(Activity { runs: merged(stored, under_way, query) })
    }
}

/// Stored runs and those under way, each once: as it is stored when it has ended there, else as it is in memory.
fn merged(mut stored: Vec<Run>, under_way: Vec<Run>, query: &ActivityQuery) -> Vec<Run> {
    stored.retain(|run| run.ended_at.is_some() || under_way.iter().all(|other| other.id != run.id));
    let is_new = |run: &Run| stored.iter().all(|other| other.id != run.id);
    let mut runs: Vec<Run> =
        under_way.into_iter().filter(|run| query.filter.lets_through(run) && is_new(run)).collect();
    runs.append(&mut stored);
    runs.sort_by_key(|run| std::cmp::Reverse(run.id));
    runs.truncate(usize::try_from(query.limit).unwrap_or(usize::MAX));
    runs
}

#[cfg(test)]
mod tests {
    use exai_core::{
        RequestHash, RunId, Timestamp,
        run::{RunState, Source},
    };

    use super::*;

    fn run(id: RunId, state: RunState) -> Run {
        let is_open = state == RunState::Running;
        Run {
            id,
            thread: None,
            tool: "chat".to_owned(),
            door: None,
            client: None,
            key_id: None,
            source: Source::Fresh,
            request: RequestHash([0; 32]),
            provider: "custom".into(),
            model: "mock-model".into(),
            state,
            started_at: Timestamp(1_000),
            deadline_at: Timestamp(9_000),
            ended_at: (!is_open).then_some(Timestamp(2_000)),
            outcome: None,
        }
    }

    /// What a list shows of runs that are known by the order of their ids.
    fn shown(stored: Vec<Run>, under_way: Vec<Run>, query: &ActivityQuery) -> Vec<(RunId, RunState)> {
        merged(stored, under_way, query).into_iter().map(|run| (run.id, run.state)).collect()
    }

    #[test]
    fn runs_in_both_places_count_once() {
        use RunState::{Done, Running};
        let mut ids = [RunId::new(), RunId::new(), RunId::new()];
        ids.sort();
        let [old, ended, open] = ids;
        let query = ActivityQuery { limit: 9, ..ActivityQuery::default() };
        let stored = vec![run(open, Running), run(ended, Done), run(old, Done)];
        let under_way = vec![run(open, Running), run(ended, Running)];
        assert_eq!(
            shown(stored.clone(), under_way.clone(), &query),
            [(open, Running), (ended, Done), (old, Done)]
        );
        let latest = ActivityQuery { limit: 1, ..query.clone() };
        assert_eq!(shown(stored, under_way.clone(), &latest), [(open, Running)]);
        let others = RunFilter { tool: Some("debug".to_owned()), ..RunFilter::default() };
        assert_eq!(shown(Vec::new(), under_way, &ActivityQuery { filter: others, ..query }), []);
    }

    /// A run that was suspended beyond its deadline and still goes on is no interrupted one.
    #[test]
    fn memory_knows_better_what_runs() {
        let id = RunId::new();
        let late = Run { state: RunState::Interrupted, ended_at: None, ..run(id, RunState::Running) };
        let interrupted = RunFilter { state: Some(RunState::Interrupted), ..RunFilter::default() };
        let query = ActivityQuery { filter: interrupted, limit: 9 };
        assert_eq!(shown(vec![late.clone()], vec![run(id, RunState::Running)], &query), []);
        assert_eq!(shown(vec![late], Vec::new(), &query), [(id, RunState::Interrupted)]);
    }
}
