//! A second request for one that takes unusually long; whoever answers first counts, the other is taken back.

use exai_core::{
    chat::{Reply, Request},
    provider::{CallCtx, Provider, ProviderError},
};
use tokio::time::{Instant, sleep};

use super::{Asked, Attempts};
use crate::{
    events::RunEvents,
    health::{Admission, Pass},
};

impl Attempts {
    /// One attempt, or two side by side where the user wants that; how many were made.
    pub(super) async fn once_or_twice(
        &self,
        pass: Pass,
        asked: Asked<'_>,
        ctx: &CallCtx,
        events: &RunEvents,
    ) -> (Result<Reply, ProviderError>, u32) {
        let Asked { who, provider, request, money, .. } = asked;
        let begun = Instant::now();
        let mut first = std::pin::pin!(self.once(provider, request, ctx, events));
        let unusual =
            self.may_hedge(events).then(|| self.health.unusual(provider.id(), &request.model)).flatten();
        if let Some(unusual) = unusual {
            tokio::select! {
                biased;
                outcome = &mut first => return (told(pass, outcome, begun), 1),
                () = sleep(unusual) => {}
            }
            if let Some(second_pass) = self.second(provider, request) {
                let ignored = events.silent();
                let second_begun = Instant::now();
                let permit = self.permits.try_acquire(provider.id(), who);
                let mut second = std::pin::pin!(async {
                    let _permit = permit?;
                    // It costs as much again, for which nothing is held: only while the budget has room for the first.
                    money.check_money().await.ok()?;
                    Some(self.once(provider, request, ctx, &ignored).await)
                });
                tokio::select! {
                    outcome = &mut first => {
                        if outcome.is_ok() {
                            return (told(pass, outcome, begun), 2);
                        }
                        let failed = told(pass, outcome, begun);
                        return match second.await {
                            Some(outcome) => (told(second_pass, outcome, second_begun), 2),
                            None => (failed, 1),
                        };
                    }
                    outcome = &mut second => match outcome {
                        Some(Ok(reply)) => return (told(second_pass, Ok(reply), second_begun), 2),
                        Some(failed) => {
                            drop(told(second_pass, failed, second_begun));
                            return (told(pass, first.await, begun), 2);
                        }
                        None => {}
                    },
                }
            }
        }
        (told(pass, first.await, begun), 1)
    }

    /// A reader of every event would see the words of two answers.
    fn may_hedge(&self, events: &RunEvents) -> bool {
        self.settings.hedge && !events.is_followed()
    }

    fn second(&self, provider: &dyn Provider, request: &Request) -> Option<Pass> {
        match self.health.admit(provider.id(), &request.model) {
            Admission::Go(pass) if self.retry_budget.spend(provider.id()) => Some(pass),
            _ => None,
        }
    }
}

/// Tells the outcome to whoever keeps the model's health.
fn told(pass: Pass, outcome: Result<Reply, ProviderError>, begun: Instant) -> Result<Reply, ProviderError> {
    match &outcome {
        Ok(_) => pass.answered(begun.elapsed()),
        Err(failure) => pass.failed(failure),
    }
    outcome
}
