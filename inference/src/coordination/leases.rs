//! Leases within this process.

use std::{collections::HashMap, sync::Arc, time::Duration};

use async_trait::async_trait;
use exai_core::lease::{Lease, LeaseGuard};
use parking_lot::Mutex;
use tokio::time::Instant;

/// Leases that end with the process.
#[derive(Debug, Clone, Default)]
pub struct LocalLeases(Arc<Mutex<Held>>);

#[derive(Debug, Default)]
struct Held {
    next: u64,
    by_name: HashMap<String, Holder>,
}

#[derive(Debug)]
struct Holder {
    number: u64,
    until: Instant,
}

/// Gives a lease back, unless another holder has it by now.
struct Holding {
    leases: LocalLeases,
    name: String,
    number: u64,
}

impl Drop for Holding {
    fn drop(&mut self) {
        let mut held = self.leases.0.lock();
        if held.by_name.get(&self.name).is_some_and(|holder| holder.number == self.number) {
            held.by_name.remove(&self.name);
        }
    }
}

#[async_trait]
impl Lease for LocalLeases {
    async fn take(&self, name: &str, limit: Duration) -> Option<LeaseGuard> {
        let now = Instant::now();
        let mut held = self.0.lock();
        if held.by_name.get(name).is_some_and(|holder| holder.until > now) {
            return None;
        }
        held.next += 1;
        let number = held.next;
        held.by_name.insert(name.to_owned(), Holder { number, until: now + limit });
        Some(LeaseGuard::new(Holding { leases: self.clone(), name: name.to_owned(), number }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMIT: Duration = Duration::from_secs(5);

    #[tokio::test(start_paused = true)]
    async fn one_holder_at_a_time() {
        let leases = LocalLeases::default();
        let held = leases.take("a", LIMIT).await.unwrap();
        assert!(leases.take("a", LIMIT).await.is_none());
        assert!(leases.take("b", LIMIT).await.is_some());
        drop(held);
        assert!(leases.take("a", LIMIT).await.is_some());
    }

    /// A holder that comes too late must not end the lease of the next one.
    #[tokio::test(start_paused = true)]
    async fn leases_end_by_themselves() {
        let leases = LocalLeases::default();
        let late = leases.take("a", LIMIT).await.unwrap();
        tokio::time::advance(LIMIT).await;
        let _next = leases.take("a", LIMIT).await.unwrap();
        drop(late);
        assert!(leases.take("a", LIMIT).await.is_none());
    }
}
