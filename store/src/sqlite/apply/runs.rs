//! How runs, their attempts and their usage become SQL.

use exai_core::{
    Identity, RunId, Timestamp,
    run::{Attempt, Run, RunOutcome, RunState},
    store::StoreError,
};
use serde::Serialize;

use crate::sqlite::{
    script::{Binds, Script, count, json, key, refused},
    statements::{ATTEMPTS_OF_RUN, FINISH_RUN, FORGET_ORPHAN, RECORD_RUN, START_RUN, USAGE_OF_RUN},
};

/// How a run ended.
#[derive(Clone, Copy)]
pub(super) struct End<'a> {
    pub(super) id: RunId,
    pub(super) state: RunState,
    pub(super) at: Timestamp,
    pub(super) outcome: &'a RunOutcome,
}

impl<'a> End<'a> {
    /// The end of a run that is recorded as a whole.
    fn of(run: &'a Run) -> Result<Self, StoreError> {
        let is_open = matches!(run.state, RunState::Queued | RunState::Running);
        match (run.ended_at, &run.outcome) {
            (Some(at), Some(outcome)) if !is_open => Ok(Self { id: run.id, state: run.state, at, outcome }),
            _ => Err(refused(&format!("run {} has not ended", run.id))),
        }
    }
}

/// The start of a run.
pub(super) fn start(script: &mut Script, who: &Identity, run: &Run) -> Result<(), StoreError> {
    bind_start(script.push_some(START_RUN, [None]), who, run).finish()
}

/// The end of a run that was started, and its usage.
pub(super) fn finish(script: &mut Script, who: &Identity, end: End<'_>) -> Result<(), StoreError> {
    bind_end(script.push(FINISH_RUN, &[1]).bind(end.state.as_str()), end)?
        .bind(who.tenant.clone())
        .bind(who.owner.clone())
        .bind(key(end.id.as_uuid()))
        .finish()?;
    usage(script, who, end)
}

/// A whole run, and its usage.
pub(super) fn record(script: &mut Script, who: &Identity, run: &Run) -> Result<(), StoreError> {
    let end = End::of(run)?;
    bind_end(bind_start(script.push(RECORD_RUN, &[1]), who, run), end)?.finish()?;
    script
        .push_some(FORGET_ORPHAN, [None])
        .bind(who.tenant.clone())
        .bind(who.owner.clone())
        .bind(key(run.id.as_uuid()))
        .finish()?;
    usage(script, who, end)
}

fn bind_start<'a>(binds: Binds<'a>, who: &Identity, run: &Run) -> Binds<'a> {
    binds
        .bind(who.tenant.clone())
        .bind(who.owner.clone())
        .bind(key(run.id.as_uuid()))
        .bind(run.thread.map(|thread| key(thread.as_uuid())))
        .bind(run.tool.clone())
        .bind(run.request.0.to_vec())
        .bind(run.provider.as_str().to_owned())
        .bind(run.model.as_str().to_owned())
        .bind(run.started_at.0)
        .bind(run.deadline_at.0)
        .bind(run.door.clone())
        .bind(run.client.clone())
        .bind(run.key_id.as_ref().map(|id| id.as_str().to_owned()))
        .bind(run.source.as_str())
        .bind(run.state.as_str())
}

fn bind_end<'a>(binds: Binds<'a>, end: End<'_>) -> Result<Binds<'a>, StoreError> {
    Ok(binds
        .bind(end.at.0)
        .bind(json(end.outcome)?)
        .bind(end.outcome.first_token_ms.map(count))
        .bind(end.outcome.error_kind.clone()))
}

fn usage(script: &mut Script, who: &Identity, end: End<'_>) -> Result<(), StoreError> {
    let RunOutcome { usage, cost_usd, duration_ms, attempts, .. } = end.outcome;
    script
        // Only a run that asked a provider used something.
        .push_some(USAGE_OF_RUN, [None])
        .bind(end.at.day())
        .bind(count(usage.input_tokens))
        .bind(count(usage.output_tokens))
        .bind(count(usage.cached_input_tokens))
        .bind(count(usage.reasoning_tokens))
        .bind(usage.estimated)
        .bind(*cost_usd)
        .bind(count(*duration_ms))
        .bind(*attempts)
        .bind(who.tenant.clone())
        .bind(who.owner.clone())
        .bind(key(end.id.as_uuid()))
        .finish()
}

/// An attempt as the statement takes it apart.
#[derive(Serialize)]
struct Written<'a> {
    number: u32,
    provider: &'a str,
    model: &'a str,
    started_at: i64,
    ended_at: i64,
    first_token_ms: Option<i64>,
    error_kind: Option<&'a str>,
    input_tokens: Option<i64>,
    output_tokens: Option<i64>,
    cached_input_tokens: Option<i64>,
    reasoning_tokens: Option<i64>,
    estimated: Option<i64>,
}

impl<'a> Written<'a> {
    fn of(attempt: &'a Attempt) -> Self {
        let usage = attempt.usage.as_ref();
        Self {
            number: attempt.number,
            provider: attempt.provider.as_str(),
            model: attempt.model.as_str(),
            started_at: attempt.started_at.0,
            ended_at: attempt.ended_at.0,
            first_token_ms: attempt.first_token_ms.map(count),
            error_kind: attempt.error_kind.as_deref(),
            input_tokens: usage.map(|usage| count(usage.input_tokens)),
            output_tokens: usage.map(|usage| count(usage.output_tokens)),
            cached_input_tokens: usage.map(|usage| count(usage.cached_input_tokens)),
            reasoning_tokens: usage.map(|usage| count(usage.reasoning_tokens)),
            estimated: usage.map(|usage| i64::from(usage.estimated)),
        }
    }
}

/// All attempts of a run, in the place of those that are stored.
pub(super) fn attempts(
    script: &mut Script,
    who: &Identity,
    run: RunId,
    attempts: &[Attempt],
) -> Result<(), StoreError> {
    let written: Vec<_> = attempts.iter().map(Written::of).collect();
    script
        .push_some(ATTEMPTS_OF_RUN, [None, Some(attempts.len() as u64)])
        .bind(who.tenant.clone())
        .bind(who.owner.clone())
        .bind(key(run.as_uuid()))
        .bind(who.tenant.clone())
        .bind(who.owner.clone())
        .bind(key(run.as_uuid()))
        .bind(json(&written)?)
        .finish()
}
