//! Money: what is set aside counts until it is freed, and no two batches get the same.

use exai_core::{
    HoldId, Identity, ThreadId, Timestamp,
    run::{Run, RunState},
    store::{Hold, SpendingLimit, SpendingLimits, Spent, StoreError, Write},
};
use futures::future::join_all;

use super::{Bench, ann, strangers};
use crate::support::{DAY, NOON, creation, finish, run, run_at};

const MIDNIGHT: Timestamp = Timestamp(NOON.0 - DAY / 2);

fn hold(usd: f64, limits: SpendingLimits) -> Hold {
    Hold {
        id: HoldId::new(),
        thread: None,
        usd,
        limits,
        since: MIDNIGHT,
        expires_at: NOON.plus_millis(60_000),
    }
}

fn a_day(limit: f64) -> SpendingLimits {
    SpendingLimits { day: Some(limit), ..SpendingLimits::default() }
}

fn a_thread(limit: f64) -> SpendingLimits {
    SpendingLimits { thread: Some(limit), ..SpendingLimits::default() }
}

fn of_all(limit: f64) -> SpendingLimits {
    SpendingLimits { server_day: Some(limit), ..SpendingLimits::default() }
}

/// Which limit refused it, and what was spent of that in hundredths of a cent.
fn refusal(outcome: Result<(), StoreError>) -> Option<(SpendingLimit, i64)> {
    match outcome {
        Ok(()) => None,
        Err(StoreError::OverBudget { which, spent, .. }) => Some((which, (spent * 10_000.0).round() as i64)),
        Err(other) => panic!("{other}"),
    }
}

async fn held(bench: &Bench, who: &Identity, hold: &Hold) -> Option<(SpendingLimit, i64)> {
    refusal(bench.commit(who, vec![Write::Hold(hold.clone())]).await)
}

/// Records a finished run, which costs 1.25 cents.
async fn spend(bench: &Bench, who: &Identity, run: &Run) {
    bench.accept(who, vec![finish(run, RunState::Done)]).await;
}

pub(crate) async fn no_two_holds_get_the_same_money(bench: &Bench) {
    let holds: Vec<Hold> = (0..50).map(|_| hold(0.25, a_day(1.0))).collect();
    let who = ann();
    let outcomes = join_all(holds.iter().map(|hold| held(bench, &who, hold))).await;
    let refused: Vec<_> = outcomes.into_iter().flatten().collect();
    assert_eq!(refused, vec![(SpendingLimit::Day, 10_000); 46]);
    let freed = holds.iter().map(|hold| Write::Release(hold.id)).collect();
    bench.accept(&ann(), freed).await;
    assert_eq!(held(bench, &ann(), &hold(1.0, a_day(1.0))).await, None, "all of it is free again");
}

pub(crate) async fn spent_money_counts_in_its_day(bench: &Bench) {
    spend(bench, &ann(), &run_at(MIDNIGHT.plus_millis(-1), ThreadId::new())).await;
    spend(bench, &ann(), &run_at(MIDNIGHT, ThreadId::new())).await;
    assert_eq!(bench.store.spent_since(&ann(), MIDNIGHT).await.unwrap(), 0.0125);
    assert_eq!(held(bench, &ann(), &hold(0.99, a_day(1.0))).await, Some((SpendingLimit::Day, 125)));
    assert_eq!(held(bench, &ann(), &hold(0.9875, a_day(1.0))).await, None);
}

pub(crate) async fn a_thread_has_money_of_its_own(bench: &Bench) {
    let thread = ThreadId::new();
    let of = |thread, usd| Hold { thread: Some(thread), ..hold(usd, a_thread(0.5)) };
    bench.accept(&ann(), vec![creation(thread)]).await;
    spend(bench, &ann(), &run_at(NOON.plus_millis(-3 * DAY), thread)).await;
    assert_eq!(held(bench, &ann(), &of(thread, 0.4)).await, None);
    assert_eq!(held(bench, &ann(), &of(thread, 0.1)).await, Some((SpendingLimit::Thread, 4_125)));
    assert_eq!(held(bench, &ann(), &of(ThreadId::new(), 0.1)).await, None);
}

pub(crate) async fn all_owners_share_the_servers_money(bench: &Bench) {
    for who in strangers() {
        spend(bench, &who, &run(ThreadId::new())).await;
        assert_eq!(held(bench, &who, &hold(0.2, a_day(0.3))).await, None, "each has a day of its own");
    }
    assert_eq!(held(bench, &ann(), &hold(0.6, of_all(1.0))).await, Some((SpendingLimit::ServerDay, 4_250)));
    assert_eq!(held(bench, &ann(), &hold(0.6, a_day(1.0))).await, None);
}

pub(crate) async fn holds_of_the_dead_expire(bench: &Bench) {
    assert_eq!(held(bench, &ann(), &hold(0.9, a_day(1.0))).await, None);
    bench.clock.advance_millis(59_999);
    assert_eq!(held(bench, &ann(), &hold(0.9, a_day(1.0))).await, Some((SpendingLimit::Day, 9_000)));
    bench.clock.advance_millis(1);
    assert_eq!(held(bench, &ann(), &hold(0.9, a_day(1.0))).await, None);
}

pub(crate) async fn a_record_replaces_its_hold(bench: &Bench) {
    let own = hold(0.5, a_day(1.0));
    assert_eq!(held(bench, &ann(), &own).await, None);
    bench.accept(&ann(), vec![finish(&run(ThreadId::new()), RunState::Done), Write::Release(own.id)]).await;
    assert_eq!(held(bench, &ann(), &hold(0.9875, a_day(1.0))).await, None, "1.25 cents are spent, none held");
    assert_eq!(
        refusal(bench.commit(&ann(), vec![Write::Release(own.id), Write::Hold(hold(0.1, a_day(1.0)))]).await),
        Some((SpendingLimit::Day, 10_000)),
        "freeing twice frees nothing else"
    );
}

pub(crate) async fn earlier_holds_go_first(bench: &Bench) {
    let [first, second] = [0.5, 0.25].map(|usd| hold(usd, a_day(1.0)));
    for one in [&first, &second] {
        assert_eq!(held(bench, &ann(), one).await, None);
    }
    let spent = async |hold| bench.store.spent_before(&ann(), hold).await.unwrap();
    assert_eq!(spent(&first).await, Spent::default());
    assert_eq!(spent(&second).await, Spent { day: 0.5, ..Spent::default() });
    for stranger in strangers() {
        assert_eq!(bench.store.spent_before(&stranger, &second).await.unwrap(), Spent::default());
    }
}
