//! The order of writes, and waiting for them.

use exai_core::ThreadId;

use super::{Bench, ann};
use crate::support::{LONG, append, creation};

pub(crate) async fn batches_keep_their_order(bench: &Bench) {
    let id = ThreadId::new();
    let mut commits = vec![bench.store.write(&ann(), vec![creation(id)])];
    commits.extend((0..50).map(|seq| bench.store.write(&ann(), vec![append(id, seq, &seq.to_string())])));
    for commit in &mut commits {
        assert!(commit.within(LONG).await.unwrap());
    }
    let expected: Vec<_> = (0..50).map(|seq| seq.to_string()).collect();
    assert_eq!(bench.texts(&ann(), id).await.unwrap(), expected);
}

pub(crate) async fn flush_waits_for_everything(bench: &Bench) {
    assert_eq!(bench.store.waiting(), 0);
    let ids: Vec<_> = (0..20).map(|_| ThreadId::new()).collect();
    for id in &ids {
        // Nobody waits for the commit; it is written all the same.
        drop(bench.store.write(&ann(), vec![creation(*id)]));
    }
    assert!(bench.store.flush(LONG).await);
    assert_eq!(bench.store.waiting(), 0);
    assert_eq!(bench.store.threads(&ann(), 99).await.unwrap().len(), ids.len());
}

pub(crate) async fn a_read_follows_its_own_writes(bench: &Bench) {
    let id = ThreadId::new();
    drop(bench.store.write(&ann(), vec![creation(id), append(id, 0, "a")]));
    assert_eq!(bench.texts(&ann(), id).await.unwrap(), ["a"]);
}

pub(crate) async fn an_open_store_passes_its_check(bench: &Bench) {
    bench.store.check().await.unwrap();
}
