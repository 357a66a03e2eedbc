//! How money is set aside and freed.

use exai_core::{
    HoldId, Identity, Timestamp,
    store::{Hold, SpendingLimits, StoreError},
};
use sqlx::SqliteConnection;

use crate::sqlite::{
    expiry::least_run_id,
    script::{Script, key, refused},
    spending::{HOLD, spent, sums},
    statements::{FORGET_EXPIRED_HOLDS, RELEASE},
};

/// A hold, if every limit allows it. Holds of processes that are gone go first.
pub(super) fn hold(
    script: &mut Script,
    who: &Identity,
    hold: &Hold,
    now: Timestamp,
) -> Result<(), StoreError> {
    script.push_some(FORGET_EXPIRED_HOLDS, [None]).bind(now.0).finish()?;
    let SpendingLimits { day, thread, server_day } = hold.limits;
    script
        .push(HOLD, &[1])
        .bind(who.tenant.clone())
        .bind(who.owner.clone())
        .bind(key(hold.id.as_uuid()))
        .bind(hold.thread.map(|thread| key(thread.as_uuid())))
        .bind(hold.usd)
        .bind(least_run_id(hold.since).to_vec())
        .bind(hold.expires_at.0)
        .bind(day)
        .bind(thread)
        .bind(server_day)
        .bind(true)
        .finish()
}

/// The end of a hold.
pub(super) fn release(script: &mut Script, who: &Identity, id: HoldId) -> Result<(), StoreError> {
    script
        .push_some(RELEASE, [None])
        .bind(who.tenant.clone())
        .bind(who.owner.clone())
        .bind(key(id.as_uuid()))
        .finish()
}

/// Which limit a hold would have exceeded.
pub(super) async fn why_not(
    conn: &mut SqliteConnection,
    who: &Identity,
    hold: &Hold,
) -> Result<StoreError, sqlx::Error> {
    let spent = sums(&spent(who, hold, true).fetch_one(conn).await?)?;
    Ok(match hold.limits.exceeded(spent, hold.usd) {
        Some((which, limit, spent)) => StoreError::OverBudget { which, limit, spent },
        None => refused(&format!("hold {} was not made", hold.id)),
    })
}
