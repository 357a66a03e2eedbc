//! Times and bounds, and that each outer one is larger than the inner ones.

use std::{str::FromStr, time::Duration};

use exai_engine::inference::{
    attempt::AttemptSettings, budget::BudgetSettings, cache::CacheSettings, health::BreakerSettings,
};
use exai_providers::VendorKind;

use super::{choice, key::Key, keys, layers::Layers, problems::Problems};

/// Providers with a setting of their own for attempts at once.
const PROVIDER_LIMITS: [(VendorKind, &Key); 2] =
    [(VendorKind::Glm, &keys::GLM_LIMIT), (VendorKind::Kimi, &keys::KIMI_LIMIT)];

/// Times and bounds.
#[derive(Debug, Clone)]
pub struct Limits {
    /// For a whole call.
    pub call: Duration,
    /// For one model of a consensus.
    pub consensus: Duration,
    /// For an agent of clink.
    pub clink: Duration,
    /// To connect to a provider.
    pub connect: Duration,
    /// Until a provider's first byte.
    pub first_byte: Duration,
    /// Of silence within an answer.
    pub idle: Duration,
    /// For one run of git.
    pub git: Duration,
    /// Client requests in flight.
    pub in_flight: usize,
    /// Calls of one session over the network that ask models at once.
    pub session: usize,
    /// The most tokens of one file in a prompt.
    pub file_tokens: Option<u32>,
    /// The most characters of an answer; `None` leaves it to the client.
    pub answer_chars: Option<usize>,
    /// Permits and retries.
    pub attempts: AttemptSettings,
    /// The answer cache.
    pub cache: CacheSettings,
    /// What runs may cost.
    pub budget: BudgetSettings,
}

impl Limits {
    /// Reads and checks them. A value that cannot be used is reported and replaced by its default.
    #[must_use]
    pub fn read(layers: &Layers, problems: &mut Problems) -> Self {
        let mut attempts = AttemptSettings {
            global_permits: number(layers, &keys::UPSTREAM_LIMIT, 1, 10_000, problems),
            permit_wait: seconds(layers, &keys::PERMIT_WAIT_SECONDS, problems),
            retries: number(layers, &keys::RETRIES, 0, 10, problems),
            hedge: choice(layers, &keys::ROUTING_HEDGE, [("false", false), ("true", true)], problems),
            breaker: BreakerSettings {
                failures: number(layers, &keys::BREAKER_FAILURES, 1, 1_000, problems),
                open_for: seconds(layers, &keys::BREAKER_SECONDS, problems),
            },
            ..AttemptSettings::default()
        };
        for (vendor, key) in PROVIDER_LIMITS {
            let most = number(layers, key, 1, 10_000, problems);
            attempts.provider_permits.insert(vendor.name().into(), most);
        }
        let cache_seconds: u64 = number(layers, &keys::CACHE_SECONDS, 0, 86_400 * 30, problems);
        let megabytes: u64 = number(layers, &keys::CACHE_MEGABYTES, 1, 65_536, problems);
        let limits = Self {
            call: seconds(layers, &keys::CALL_SECONDS, problems),
            consensus: seconds(layers, &keys::CONSENSUS_SECONDS, problems),
            clink: seconds(layers, &keys::CLINK_SECONDS, problems),
            connect: seconds(layers, &keys::CONNECT_SECONDS, problems),
            first_byte: seconds(layers, &keys::FIRST_BYTE_SECONDS, problems),
            idle: seconds(layers, &keys::IDLE_SECONDS, problems),
            git: seconds(layers, &keys::GIT_SECONDS, problems),
            in_flight: number(layers, &keys::IN_FLIGHT_LIMIT, 1, 65_536, problems),
            session: number(layers, &keys::SESSION_LIMIT, 1, 65_536, problems),
            file_tokens: Some(number(layers, &keys::FILE_TOKENS, 0, u32::MAX, problems))
                .filter(|tokens| *tokens > 0),
            answer_chars: (!layers.look_up(&keys::ANSWER_CHARS).value.is_empty())
                .then(|| number(layers, &keys::ANSWER_CHARS, 0, 10_000_000, problems)),
            attempts,
            budget: BudgetSettings {
                call: dollars(layers, &keys::BUDGET_CALL, problems),
                day: dollars(layers, &keys::BUDGET_DAY, problems),
                thread: dollars(layers, &keys::BUDGET_THREAD, problems),
                server_day: dollars(layers, &keys::BUDGET_SERVER_DAY, problems),
            },
            cache: CacheSettings {
                lifetime: Duration::from_secs(cache_seconds),
                max_bytes: megabytes * 1024 * 1024,
            },
        };
        limits.check(problems);
        limits
    }

    /// An inner wait that is as long as the wait around it can never be the one that ends.
    fn check(&self, problems: &mut Problems) {
        let nested = [
            (&keys::CONNECT_SECONDS, self.connect, &keys::FIRST_BYTE_SECONDS, self.first_byte),
            (&keys::FIRST_BYTE_SECONDS, self.first_byte, &keys::CALL_SECONDS, self.call),
            (&keys::IDLE_SECONDS, self.idle, &keys::CALL_SECONDS, self.call),
            (&keys::CONSENSUS_SECONDS, self.consensus, &keys::CALL_SECONDS, self.call),
            (&keys::PERMIT_WAIT_SECONDS, self.attempts.permit_wait, &keys::CALL_SECONDS, self.call),
        ];
        for (inner, inner_value, outer, outer_value) in nested {
            if inner_value >= outer_value {
                problems.error(format!(
                    "{} ({} s) must be below {} ({} s)",
                    inner.path,
                    inner_value.as_secs(),
                    outer.path,
                    outer_value.as_secs()
                ));
            }
        }
    }
}

/// An amount, or no limit. One that cannot be read allows nothing, because a user who sets a limit wants it to be kept.
fn dollars(layers: &Layers, key: &Key, problems: &mut Problems) -> Option<f64> {
    let found = layers.look_up(key);
    if found.value.is_empty() {
        return None;
    }
    let amount = found.value.trim_start_matches('$').parse::<f64>().ok();
    let amount = amount.filter(|amount| amount.is_finite() && *amount >= 0.0);
    if amount.is_none() {
        problems.error(format!(
            "{} (from {}): expected an amount in US dollars, got `{}`; nothing is allowed until it is corrected",
            key.path, found.origin, found.value
        ));
    }
    Some(amount.unwrap_or(0.0))
}

pub(super) fn seconds(layers: &Layers, key: &Key, problems: &mut Problems) -> Duration {
    Duration::from_secs(number(layers, key, 1, 86_400, problems))
}

pub(super) fn number<N>(layers: &Layers, key: &Key, least: N, most: N, problems: &mut Problems) -> N
where
    N: FromStr + PartialOrd + std::fmt::Display + Copy,
{
    let found = layers.look_up(key);
    match found.value.parse::<N>() {
        Ok(number) if number >= least && number <= most => number,
        _ => {
            problems.error(format!(
                "{} (from {}): expected a whole number from {least} to {most}, got `{}`",
                key.path, found.origin, found.value
            ));
            // The defaults are numbers within bounds; a test reads all of them.
            key.default.parse().unwrap_or(least)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn defaults_of_vendors_are_their_own() {
        for (vendor, key) in PROVIDER_LIMITS {
            assert_eq!(key.default.parse().ok(), vendor.permits(), "{}", key.path);
        }
        let with_limit = |vendor: &VendorKind| vendor.permits().is_some();
        assert_eq!(VendorKind::NAMED.into_iter().filter(with_limit).count(), PROVIDER_LIMITS.len());
    }
}
