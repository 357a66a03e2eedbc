//! How often the client of a WebSocket may call, for the dialect that is spoken on it: only that knows what is a call, and how one is refused.

use std::{net::IpAddr, sync::Arc};

use exai_core::{Identity, rate::RateLimiter};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::{
    admission::{Admission, TooFast, of_address},
    strangers::Address,
    wrong_keys::WrongKeys,
};

/// How the calls of one WebSocket are admitted.
#[derive(Debug, Clone)]
pub struct Pace {
    admission: Admission,
    wrong_keys: WrongKeys,
    address: Address,
    needs_key: bool,
}

impl Pace {
    pub(super) fn new(
        admission: Admission,
        wrong_keys: WrongKeys,
        address: Address,
        needs_key: bool,
    ) -> Self {
        Self { admission, wrong_keys, address, needs_key }
    }

    /// For a dialect that is tried without a server: the calls of all of its connections together.
    #[must_use]
    pub fn of_one_address(rates: Arc<dyn RateLimiter>) -> Self {
        let (address, ending) = (Address::from(IpAddr::from([127, 0, 0, 1])), CancellationToken::new());
        Self::new(Admission::new(rates, ending.clone()), WrongKeys::new(ending), address, false)
    }

    /// Waits until a call of this caller that came at this moment may go on.
    ///
    /// # Errors
    /// It may not, and says when to try again.
    pub async fn enter(&self, who: &Identity, came: Instant) -> Result<(), TooFast> {
        self.admission.enter(&self.counted(who), came).await
    }

    /// As [`Self::enter`] for a caller that does not wait.
    ///
    /// # Errors
    /// It would have to.
    pub async fn enter_now(&self, who: &Identity) -> Result<(), TooFast> {
        self.admission.enter_now(&self.counted(who)).await
    }

    /// A key was shown that is none: returns when its client may be told so.
    pub async fn wrong_key(&self) {
        if self.wrong_keys.shown(self.address).await.is_err() {
            tracing::debug!(address = %self.address, "so many wrong keys wait that this one is refused at once");
        }
    }

    /// Who is counted: the caller whose key was shown, or the address where no key is needed.
    pub(super) fn counted(&self, who: &Identity) -> Identity {
        if self.needs_key { who.clone() } else { of_address(self.address) }
    }
}
