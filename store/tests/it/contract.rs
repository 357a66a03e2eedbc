//! What every store must do, whatever database is behind it.
//!
//! Each function takes a fresh [`Bench`] and tells one rule. [`store_contract!`] makes a test of each, for one way to open a store.

pub(crate) mod answers;
pub(crate) mod queue;
pub(crate) mod runs;
pub(crate) mod spending;
pub(crate) mod threads;
pub(crate) mod usage;
pub(crate) mod vendor_files;

use std::{any::Any, sync::Arc};

use exai_core::{
    Identity, ManualClock, ThreadId,
    store::{Store, StoreError, Write},
};

use crate::support::commit;

/// A store with default limits, and the clock by which it expires things; it shows [`NOON`](crate::support::NOON) at first.
pub(crate) struct Bench {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) clock: ManualClock,
    /// What goes when the test ends, such as the folder of the database.
    pub(crate) _place: Box<dyn Any + Send>,
}

impl Bench {
    /// Writes and waits until it is durable.
    pub(crate) async fn commit(&self, who: &Identity, batch: Vec<Write>) -> Result<(), StoreError> {
        commit(&*self.store, who, batch).await
    }

    /// Writes what must be accepted.
    pub(crate) async fn accept(&self, who: &Identity, batch: Vec<Write>) {
        self.commit(who, batch).await.unwrap();
    }

    /// The texts of a thread's messages; `None` when there is no such thread.
    pub(crate) async fn texts(&self, who: &Identity, id: ThreadId) -> Option<Vec<String>> {
        crate::support::texts(&*self.store, who, id).await
    }
}

/// Others who must see nothing of `ann` of `team`: the same tenant, and the same name in another tenant.
pub(crate) fn strangers() -> [Identity; 2] {
    [Identity::new("team", "bob"), Identity::new("rivals", "ann")]
}

pub(crate) fn ann() -> Identity {
    Identity::new("team", "ann")
}

/// Makes the contract's tests for the store that the function opens: `store_contract!(crate::support::sqlite);`
macro_rules! store_contract {
    ($open:path) => {
        $crate::contract::store_contract! { @each $open;
            threads {
                bodies_come_back_as_they_were,
                a_batch_happens_whole_or_not,
                turns_follow_without_a_gap,
                a_thread_takes_200_turns,
                an_unknown_thread_takes_no_turns,
                threads_are_listed_latest_first,
                threads_are_found_by_their_words,
                threads_expire_unless_continued,
                others_see_no_thread,
                a_role_change_orphans_nothing,
                a_deleted_thread_takes_its_own,
            }
            runs {
                a_run_comes_back_as_it_was,
                an_open_run_reads_as_interrupted,
                the_latest_end_counts,
                a_whole_run_is_recorded_at_once,
                a_start_after_the_end_changes_nothing,
                a_recorded_end_finishes_a_start,
                records_outlive_their_threads,
                an_open_run_is_not_recorded,
                attempts_are_kept_in_order,
                lone_runs_are_listed,
                runs_are_filtered_latest_first,
                the_latest_answer_to_a_request,
                others_see_no_run,
            }
            usage {
                each_finished_run_leaves_one_row,
                usage_is_read_by_span,
                usage_outlives_its_thread,
                answers_given_again_are_not_billed,
                others_see_no_usage,
            }
            spending {
                no_two_holds_get_the_same_money,
                spent_money_counts_in_its_day,
                a_thread_has_money_of_its_own,
                all_owners_share_the_servers_money,
                holds_of_the_dead_expire,
                a_record_replaces_its_hold,
                earlier_holds_go_first,
            }
            answers {
                kept_answers_are_replaced,
                a_late_answer_reads_as_interrupted,
                kept_answers_expire,
                answers_of_a_thread_latest_first,
                others_see_no_answer,
                forgetting_answers_keeps_the_latest_moment,
                stored_answers_are_counted,
            }
            vendor_files {
                files_are_listed_latest_first,
                files_are_forgotten_and_replaced,
                others_see_no_file,
            }
            queue {
                batches_keep_their_order,
                flush_waits_for_everything,
                a_read_follows_its_own_writes,
                an_open_store_passes_its_check,
            }
        }
    };
    (@each $open:path; $($room:ident { $($rule:ident),* $(,)? })*) => {
        $(mod $room {
            $(#[tokio::test]
            async fn $rule() {
                $crate::contract::$room::$rule(&$open()).await;
            })*
        })*
    };
}
pub(crate) use store_contract;
