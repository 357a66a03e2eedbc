//! Connections whose caller has shown no key yet: few of one address and few of all, none for long, so that no client can take the places
//! of others. When there are too many, the oldest goes: a client that has a key shows it soon, and was let in a moment ago.

use std::{
    collections::{BTreeMap, HashMap, btree_map::OccupiedEntry},
    fmt,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    sync::Arc,
    time::Duration,
};

use parking_lot::Mutex;
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time::{Instant, sleep, sleep_until},
};
use tokio_util::sync::CancellationToken;

/// How long one may be there before it goes for another of its address. Many clients that start at once are served one after the
/// other within it.
const YOUNG: Duration = Duration::from_secs(2);

/// Between looks whether one more has to go.
const A_MOMENT: Duration = Duration::from_millis(50);
/// How many times as many as are served may be there, waiting ones included, before the oldest goes at once.
const CROWD: usize = 4;

/// The most connections of one address that are served before their client has shown a key. Of all addresses together it is half of all
/// that may be open. Where no key is needed every client is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StrangerLimits {
    /// Of HTTP.
    pub connections: usize,
    /// Of WebSockets.
    pub websockets: usize,
}

impl Default for StrangerLimits {
    fn default() -> Self {
        Self { connections: 256, websockets: 16 }
    }
}

/// Where a connection comes from, as far as it is one client: a single host, or for IPv6 the network of one, which has 2^64 addresses
/// to choose from. All clients of a socket in the file system count as one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Address {
    V4(Ipv4Addr),
    /// The first 64 bits.
    V6(u64),
    #[cfg(unix)]
    Local,
}

impl From<IpAddr> for Address {
    fn from(address: IpAddr) -> Self {
        match address.to_canonical() {
            IpAddr::V4(address) => Self::V4(address),
            IpAddr::V6(address) => {
                let [a, b, c, d, ..] = address.segments().map(u64::from);
                Self::V6(a << 48 | b << 32 | c << 16 | d)
            }
        }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::V4(address) => address.fmt(out),
            Self::V6(network) => write!(out, "{}/64", Ipv6Addr::from_bits(u128::from(*network) << 64)),
            #[cfg(unix)]
            Self::Local => out.write_str("the local socket"),
        }
    }
}

/// All of them.
#[derive(Debug, Clone)]
pub(super) struct Strangers {
    open: Arc<Mutex<Open>>,
    each: usize,
    all: usize,
}

#[derive(Debug, Default)]
struct Open {
    next: u64,
    /// In the order in which they came.
    line: BTreeMap<u64, CancellationToken>,
    addresses: HashMap<Address, OfAddress>,
}

#[derive(Debug)]
struct OfAddress {
    /// All of them, also those that wait for their turn.
    count: usize,
    turns: Arc<Semaphore>,
    /// Those that have it, and since when.
    having: BTreeMap<u64, Instant>,
}

impl Strangers {
    /// At most so many of one address are served at once, and at most so many of all are there.
    pub(super) fn new(each: usize, all: usize) -> Self {
        Self { open: Arc::default(), each, all: all.max(1) }
    }

    /// One more. When there are too many of all, the oldest has to go.
    pub(super) fn arrive(&self, address: Address) -> Stranger {
        let mut open = self.open.lock();
        let number = open.next;
        open.next += 1;
        while open.line.len() >= self.all {
            let Some((_, oldest)) = open.line.pop_first() else { break };
            oldest.cancel();
        }
        let of_address = open.addresses.entry(address).or_insert_with(|| OfAddress {
            count: 0,
            turns: Arc::new(Semaphore::new(self.each)),
            having: BTreeMap::new(),
        });
        of_address.count += 1;
        let is_crowded = of_address.count > self.each.saturating_mul(CROWD);
        let oldest = if is_crowded { of_address.having.pop_first() } else { None };
        if let Some(oldest) = oldest.and_then(|(number, _)| open.line.remove(&number)) {
            oldest.cancel();
        }
        let closed = CancellationToken::new();
        open.line.insert(number, closed.clone());
        Stranger { strangers: self.clone(), number, address, closed, turn: None }
    }
}

/// One of them, until this is dropped.
#[derive(Debug)]
pub(super) struct Stranger {
    strangers: Strangers,
    number: u64,
    address: Address,
    closed: CancellationToken,
    turn: Option<OwnedSemaphorePermit>,
}

impl Stranger {
    /// Cancelled when it has to go for another.
    pub(super) fn closed(&self) -> CancellationToken {
        self.closed.clone()
    }

    /// Waits until it is its turn: while an address has many that are young, each further one waits, and then the oldest goes for it.
    /// False when it has to go itself.
    pub(super) async fn take_turn(&mut self) -> bool {
        let Some(turns) = self.with_address(|of_address| Arc::clone(&of_address.turns)) else { return false };
        let closed = self.closed.clone();
        let turn = tokio::select! {
            biased;
            () = closed.cancelled() => return false,
            turn = self.wait(turns) => turn,
        };
        self.turn = turn;
        let number = self.number;
        self.with_address(|of_address| of_address.having.insert(number, Instant::now()));
        self.turn.is_some()
    }

    async fn wait(&self, turns: Arc<Semaphore>) -> Option<OwnedSemaphorePermit> {
        let make_room = async {
            loop {
                sleep_until(self.oldest_is_young_until()).await;
                self.send_away_the_oldest();
                // It needs a moment to go, and its place is given to the one that has waited longest.
                sleep(A_MOMENT).await;
            }
        };
        tokio::select! {
            biased;
            turn = turns.acquire_owned() => turn.ok(),
            () = make_room => None,
        }
    }

    fn oldest_is_young_until(&self) -> Instant {
        let since =
            self.with_address(|of_address| of_address.having.first_key_value().map(|(_, since)| *since));
        since.flatten().unwrap_or_else(Instant::now) + YOUNG
    }

    /// Unless it is young, or as many are going as wait.
    fn send_away_the_oldest(&self) {
        let mut open = self.strangers.open.lock();
        let now = Instant::now();
        let Some(of_address) = open.addresses.get_mut(&self.address) else { return };
        let served = self.strangers.each.saturating_sub(of_address.turns.available_permits());
        let (waiting, going) =
            (of_address.count.saturating_sub(served), served.saturating_sub(of_address.having.len()));
        let oldest = of_address.having.first_entry().filter(|oldest| *oldest.get() + YOUNG <= now);
        let Some((number, _)) = oldest.filter(|_| waiting > going).map(OccupiedEntry::remove_entry) else {
            return;
        };
        if let Some(oldest) = open.line.remove(&number) {
            oldest.cancel();
        }
    }

    fn with_address<T>(&self, with: impl FnOnce(&mut OfAddress) -> T) -> Option<T> {
        self.strangers.open.lock().addresses.get_mut(&self.address).map(with)
    }
}

impl Drop for Stranger {
    fn drop(&mut self) {
        let mut open = self.strangers.open.lock();
        open.line.remove(&self.number);
        if let Some(of_address) = open.addresses.get_mut(&self.address) {
            of_address.having.remove(&self.number);
            of_address.count -= 1;
            if of_address.count == 0 {
                open.addresses.remove(&self.address);
            }
        }
    }
}

/// The place of a connection among the strangers, until a request of it has shown a key.
#[derive(Debug, Clone, Default)]
pub(super) struct Unknown(Arc<Mutex<Option<Stranger>>>);

impl Unknown {
    pub(super) fn new(stranger: Option<Stranger>) -> Self {
        Self(Arc::new(Mutex::new(stranger)))
    }

    /// It has.
    pub(super) fn is_known_now(&self) {
        // It is dropped without this lock: it takes that of all strangers.
        let stranger = self.0.lock().take();
        drop(stranger);
    }

    /// Until a stranger has to go: for another, or because it has been one for too long. For ever once it is none.
    pub(super) async fn has_to_go(&self, until: Instant) {
        let closed = self.0.lock().as_ref().map(Stranger::closed);
        if let Some(closed) = closed {
            drop(tokio::time::timeout_at(until, closed.cancelled()).await);
            if self.0.lock().is_some() {
                return;
            }
        }
        std::future::pending::<()>().await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> Address {
        text.parse::<IpAddr>().unwrap().into()
    }

    async fn has_turn(strangers: &Strangers, address: &str) -> Stranger {
        let mut stranger = strangers.arrive(of(address));
        assert!(stranger.take_turn().await);
        stranger
    }

    #[test]
    fn one_client_is_one_address() {
        assert_eq!(of("::ffff:192.0.2.1"), of("192.0.2.1"));
        assert_ne!(of("192.0.2.1"), of("192.0.2.2"));
        assert_eq!(of("2001:db8:0:1::1"), of("2001:db8:0:1:ffff:ffff:ffff:ffff"));
        assert_ne!(of("2001:db8:0:1::1"), of("2001:db8:0:2::1"));
    }

    #[tokio::test(start_paused = true)]
    async fn the_oldest_goes_for_the_newest() {
        let strangers = Strangers::new(2, 100);
        let first = has_turn(&strangers, "192.0.2.1").await;
        let second = has_turn(&strangers, "192.0.2.1").await;
        let _elsewhere = has_turn(&strangers, "192.0.2.2").await;
        let begun = Instant::now();
        let mut third = strangers.arrive(of("192.0.2.1"));
        let leave = async {
            first.closed().cancelled().await;
            assert_eq!(begun.elapsed(), YOUNG);
            drop(first);
        };
        assert!(tokio::join!(third.take_turn(), leave).0);
        assert!(!second.closed().is_cancelled());
    }

    /// Idle ones that wait themselves do not keep the next one waiting.
    #[tokio::test(flavor = "multi_thread")]
    async fn all_that_wait_are_served() {
        let strangers = Strangers::new(64, 1000);
        let idle = (0..100).map(|_| strangers.arrive(of("192.0.2.1"))).map(|mut stranger| {
            tokio::spawn(async move {
                assert!(stranger.take_turn().await);
                stranger.closed().cancelled().await;
            })
        });
        let mut idle: Vec<_> = idle.collect();
        // As many as have waited have had to go.
        for _ in 0..36 {
            let (gone, _, rest) = futures::future::select_all(idle).await;
            gone.unwrap();
            idle = rest;
        }
        let last = has_turn(&strangers, "192.0.2.1").await;
        assert!(!last.closed().is_cancelled());
        assert_eq!(strangers.open.lock().line.len(), 64);
    }

    #[tokio::test(start_paused = true)]
    async fn many_at_once_take_turns() {
        let strangers = Strangers::new(13, 100);
        let begun = Instant::now();
        let clients = (0..50).map(|_| async {
            let stranger = has_turn(&strangers, "192.0.2.1").await;
            tokio::time::sleep(Duration::from_millis(10)).await;
            assert!(!stranger.closed().is_cancelled());
        });
        futures::future::join_all(clients).await;
        assert_eq!(begun.elapsed(), Duration::from_millis(40));
        // What is no longer used is forgotten.
        let open = strangers.open.lock();
        assert!(open.line.is_empty() && open.addresses.is_empty());
    }

    #[tokio::test(start_paused = true)]
    async fn a_crowd_does_not_wait() {
        let strangers = Strangers::new(1, 100);
        let first = has_turn(&strangers, "192.0.2.1").await;
        let _waiting: Vec<_> = (1..CROWD).map(|_| strangers.arrive(of("192.0.2.1"))).collect();
        assert!(!first.closed().is_cancelled());
        let _one_more = strangers.arrive(of("192.0.2.1"));
        assert!(first.closed().is_cancelled());
    }

    #[tokio::test(start_paused = true)]
    async fn all_together_have_a_bound() {
        let strangers = Strangers::new(2, 3);
        let mut all = Vec::new();
        for index in 0..5 {
            all.push(has_turn(&strangers, &format!("192.0.2.{index}")).await);
        }
        let gone: Vec<_> = all.iter().map(|stranger| stranger.closed().is_cancelled()).collect();
        assert_eq!(gone, [true, true, false, false, false]);
    }

    #[tokio::test(start_paused = true)]
    async fn strangers_do_not_stay() {
        let strangers = Strangers::new(2, 3);
        let (silent, known) = (strangers.arrive(of("192.0.2.1")), strangers.arrive(of("192.0.2.1")));
        let (silent, known) = (Unknown::new(Some(silent)), Unknown::new(Some(known)));
        let until = Instant::now() + Duration::from_secs(60);
        known.is_known_now();
        silent.has_to_go(until).await;
        assert_eq!(Instant::now(), until);
        let later = until + Duration::from_secs(600);
        assert!(tokio::time::timeout_at(later, known.has_to_go(until)).await.is_err());
    }
}
