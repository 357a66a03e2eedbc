//! What an answer says of how its model was found.

use std::sync::Arc;

use exai_core::{
    Timestamp,
    model::{ModelOrigin, ModelSpec, Status},
};

use super::{AUTO, Choice};

/// How many days before its end a model's answers begin to say so.
const WARN_DAYS: i64 = 30;

/// How a model was found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Provenance {
    /// What the caller asked for, `auto` when nothing.
    pub requested: String,
    /// Why the model is not the one that was asked for, or would have come first.
    pub fallback_reason: Option<&'static str>,
    /// The user's rule or the selector that chose it.
    pub routed_by: Option<Arc<str>>,
    /// Whether the model's window is a fact or an assumption.
    pub window_known: bool,
    /// That nobody vouches for the model's name.
    pub unlisted: bool,
    /// That the model will not be answered much longer, and what comes after it.
    pub ends: Option<String>,
    /// That it was asked because no other could be, although its vendor may be the one of the agent that asks.
    pub last_resort: bool,
}

impl Choice {
    /// What is told of it, at this moment.
    #[must_use]
    pub fn provenance(&self, now: Timestamp) -> Provenance {
        Provenance {
            requested: self.requested.clone(),
            fallback_reason: self.fallback_reason,
            routed_by: self.routed_by.clone(),
            window_known: self.model.window_known,
            unlisted: !self.provider.accepts_unknown_models()
                && self.model.origin == ModelOrigin::PassedThrough,
            last_resort: self.provider.is_last_resort()
                && (self.requested == AUTO || self.fallback_reason.is_some()),
            ends: self.provider.is_vendor_endpoint().then(|| ends(&self.model, now)).flatten(),
        }
    }
}

/// A warning when the vendor has announced the end of a model for the next 30 days, or for a day that has passed.
#[must_use]
pub fn ends(model: &ModelSpec, now: Timestamp) -> Option<String> {
    const DAY_MS: i64 = 24 * 60 * 60 * 1000;
    let date = model.retires.as_deref().filter(|_| model.status != Status::Retired)?;
    // Dates as `YYYY-MM-DD` sort like the days themselves.
    if date > now.plus_millis(WARN_DAYS * DAY_MS).day().as_str() {
        return None;
    }
    let next = match &model.successor {
        Some(successor) => format!("; its vendor names {successor} as the successor"),
        None => String::new(),
    };
    Some(format!("{} ends on {date}{next}", model.qualified()))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The end of a model is announced thirty days before.
    #[test]
    fn the_end_of_a_model_is_announced() {
        let ending = ModelSpec {
            retires: Some("2026-12-21".to_owned()),
            successor: Some("next".into()),
            ..ModelSpec::unknown("here".into(), "old".into(), None)
        };
        // Noon of the 21st of November 2026.
        const NOON: Timestamp = Timestamp(1_795_262_400_000);
        let on = |days: i64| ends(&ending, NOON.plus_millis(days * 86_400_000));
        assert_eq!(on(-1), None);
        let told = "here/old ends on 2026-12-21; its vendor names next as the successor";
        assert_eq!(on(0).as_deref(), Some(told));
        assert_eq!(on(40).as_deref(), Some(told));
        let retired = ModelSpec { status: Status::Retired, ..ending };
        assert_eq!(ends(&retired, Timestamp(i64::MAX / 2)), None);
    }
}
