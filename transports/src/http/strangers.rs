//! Connections whose caller has shown no key yet: few of one address, so that nobody can take the places of others.

use std::{
    collections::HashMap,
    net::{IpAddr, Ipv4Addr},
    sync::{Arc, Mutex, PoisonError},
};

/// Where a connection comes from, as far as it is one client: a single host, or for IPv6 the network of one, which has 2^64 addresses
/// to choose from. Everybody at a socket in the file system is the same.
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

/// How many there are of each address.
#[derive(Debug, Clone)]
pub(super) struct Strangers {
    open: Arc<Mutex<HashMap<Address, usize>>>,
    most: usize,
}

impl Strangers {
    /// At most so many of one address.
    pub(super) fn new(most: usize) -> Self {
        Self { open: Arc::default(), most }
    }

    /// The most of one address.
    pub(super) fn most(&self) -> usize {
        self.most
    }

    /// Lets one more in; `None` when its address has as many as it may.
    pub(super) fn admit(&self, address: Address) -> Option<Stranger> {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let count = open.entry(address).or_default();
        if *count >= self.most {
            return None;
        }
        *count += 1;
        Some(Stranger { open: Arc::clone(&self.open), address })
    }
}

/// One of them, until this is dropped.
#[derive(Debug)]
pub(super) struct Stranger {
    open: Arc<Mutex<HashMap<Address, usize>>>,
    address: Address,
}

impl Drop for Stranger {
    fn drop(&mut self) {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = open.get_mut(&self.address) {
            *count -= 1;
            if *count == 0 {
                open.remove(&self.address);
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
        drop(self.0.lock().unwrap_or_else(PoisonError::into_inner).take());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> Address {
        text.parse::<IpAddr>().unwrap().into()
    }

    #[test]
    fn one_client_is_one_address() {
        assert_eq!(of("::ffff:192.0.2.1"), of("192.0.2.1"));
        assert_ne!(of("192.0.2.1"), of("192.0.2.2"));
        assert_eq!(of("2001:db8:0:1::1"), of("2001:db8:0:1:ffff:ffff:ffff:ffff"));
        assert_ne!(of("2001:db8:0:1::1"), of("2001:db8:0:2::1"));
    }

    #[test]
    fn each_address_has_its_own_places() {
        let strangers = Strangers::new(2);
        let first = strangers.admit(of("192.0.2.1")).unwrap();
        let _second = strangers.admit(of("192.0.2.1")).unwrap();
        assert!(strangers.admit(of("192.0.2.1")).is_none());
        assert!(strangers.admit(of("192.0.2.2")).is_some());
        drop(first);
        assert!(strangers.admit(of("192.0.2.1")).is_some());
        // What is no longer used is forgotten.
        assert_eq!(strangers.open.lock().unwrap().len(), 1);
    }
}
