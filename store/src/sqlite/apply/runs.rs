//! How runs, their attempts and their usage become SQL.

use exai_core::{
    Identity, RunId, Timestamp,
    run::{Attempt, Run, RunOutcome, RunState},
    store::StoreError,
};

use crate::sqlite::{
    script::{Binds, Script, count, json, key, refused},
    statements::{ATTEMPT_OF_RUN, FORGET_ORPHAN, RECORD_RUN, START_RUN, USAGE_OF_RUN},
};

/// The start of a run.
pub(super) fn start(script: &mut Script, who: &Identity, run: &Run) -> Result<(), StoreError> {
    bind_start(script.push_some(START_RUN, [None]), who, run).finish()
}

/// A whole run, and its usage.
pub(super) fn record(script: &mut Script, who: &Identity, run: &Run) -> Result<(), StoreError> {
    let is_open = matches!(run.state, RunState::Queued | RunState::Running);
    let (Some(at), Some(outcome), false) = (run.ended_at, &run.outcome, is_open) else {
        return Err(refused(&format!("run {} has not ended", run.id)));
    };
    bind_start(script.push(RECORD_RUN, &[1]), who, run)
        .bind(at.0)
        .bind(json(outcome)?)
        .bind(outcome.first_token_ms.map(count))
        .bind(outcome.error_kind.clone())
        .finish()?;
    usage(script, who, run.id, at, outcome)
}

/// What is left of a run whose thread is gone.
pub(super) fn orphan(script: &mut Script, who: &Identity, run: RunId) -> Result<(), StoreError> {
    script
        .push_some(FORGET_ORPHAN, [None])
        .bind(who.tenant.clone())
        .bind(who.owner.clone())
        .bind(key(run.as_uuid()))
        .finish()
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

fn usage(
    script: &mut Script,
    who: &Identity,
    run: RunId,
    at: Timestamp,
    outcome: &RunOutcome,
) -> Result<(), StoreError> {
    let RunOutcome { usage, cost_usd, duration_ms, attempts, .. } = outcome;
    script
        // Only a run that asked a provider used something.
        .push_some(USAGE_OF_RUN, [None])
        .bind(at.day())
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
        .bind(key(run.as_uuid()))
        .finish()
}

/// One attempt of a run.
pub(super) fn attempt(
    script: &mut Script,
    who: &Identity,
    run: RunId,
    attempt: &Attempt,
) -> Result<(), StoreError> {
    let usage = attempt.usage.as_ref();
    script
        .push(ATTEMPT_OF_RUN, &[1])
        .bind(who.tenant.clone())
        .bind(who.owner.clone())
        .bind(key(run.as_uuid()))
        .bind(attempt.number)
        .bind(attempt.provider.as_str().to_owned())
        .bind(attempt.model.as_str().to_owned())
        .bind(attempt.started_at.0)
        .bind(attempt.ended_at.0)
        .bind(attempt.first_token_ms.map(count))
        .bind(attempt.error_kind.clone())
        .bind(usage.map(|usage| count(usage.input_tokens)))
        .bind(usage.map(|usage| count(usage.output_tokens)))
        .bind(usage.map(|usage| count(usage.cached_input_tokens)))
        .bind(usage.map(|usage| count(usage.reasoning_tokens)))
        .bind(usage.map(|usage| i64::from(usage.estimated)))
        .finish()
}
