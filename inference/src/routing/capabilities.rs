//! Models that can do what a call cannot do without: see its pictures, call its functions.

use std::sync::Arc;

use exai_core::model::{Capability, ModelSpec, Status};

use super::{Choice, Chosen, Needs, Router, is_auto, is_unvouched};
use crate::{error::InferenceError, scope::CallScope};

/// How many models an error names.
const NAMED: usize = 5;

/// What a model cannot do of what must be.
fn inability(needs: &Needs, model: &ModelSpec) -> Option<&'static str> {
    if needs.vision && !model.may_see() {
        return Some("images");
    }
    (needs.functions && !model.may_call_functions()).then_some("tools")
}

/// Of those that may answer only those that can, when there is one.
fn able_first(mut choice: Choice, needs: &Needs) -> Choice {
    let mut others = std::mem::take(&mut choice.others);
    others.retain(|other| inability(needs, &other.model).is_none());
    match inability(needs, &choice.model) {
        Some(reason) if !others.is_empty() => {
            let first = others.remove(0);
            Choice { fallback_reason: Some(reason), others, ..first }
        }
        _ => Choice { others, ..choice },
    }
}

impl Router {
    /// Chooses like [`Router::choose`], among models that can do what the call cannot do without.
    pub async fn choose_able(
        &self,
        tool: &str,
        requested: Option<&str>,
        needs: &Needs,
        call: &CallScope,
    ) -> Result<Chosen, InferenceError> {
        let choice = match self.choose(tool, requested, needs, call).await? {
            Chosen::Model(choice) => able_first(*choice, needs),
            offline @ Chosen::Offline { .. } => return Ok(offline),
        };
        let able = match inability(needs, &choice.model) {
            Some(reason) => self.able_instead(&choice, needs, reason)?,
            None => choice,
        };
        Ok(Chosen::Model(Box::new(able)))
    }

    /// Another model when the caller left the choice to the server; an error that names some otherwise.
    fn able_instead(
        &self,
        unable: &Choice,
        needs: &Needs,
        reason: &'static str,
    ) -> Result<Choice, InferenceError> {
        let preferences = self.preferences();
        let mut able: Vec<Choice> = Vec::new();
        for provider in self.models.providers() {
            let models = provider.models();
            let usable = models.iter().filter(|model| {
                let known = !needs.vision || model.can(Capability::Vision);
                let known = known && (!needs.functions || model.can(Capability::Tools));
                known
                    && !is_unvouched(model)
                    && model.status != Status::Retired
                    && preferences.allowed.check(model).is_ok()
            });
            able.extend(usable.map(|model| Choice {
                provider: Arc::clone(provider),
                model: model.clone(),
                requested: unable.requested.clone(),
                fallback_reason: Some(reason),
                routed_by: None,
                others: Vec::new(),
            }));
        }
        able.sort_by_key(|choice| {
            let marked = choice.model.marks.contains(&needs.purpose);
            (choice.model.provider != unable.model.provider, !marked, u8::MAX - choice.model.intelligence)
        });
        if is_auto(&unable.requested) && !able.is_empty() {
            return Ok(able.swap_remove(0));
        }
        let names: Vec<String> = able.iter().take(NAMED).map(|choice| choice.model.qualified()).collect();
        let model = unable.model.qualified();
        Err(match (reason, names.as_slice()) {
            ("images", []) => InferenceError::Unable {
                field: "images",
                problem: format!(
                    "{model} does not take pictures; no configured model does; leave the pictures out and describe them"
                ),
            },
            ("images", names) => InferenceError::Unable {
                field: "images",
                problem: format!("{model} does not take pictures; models that do: {}", names.join(", ")),
            },
            (_, []) => InferenceError::Unable {
                field: "model",
                problem: format!("{model} cannot call functions; none of the configured models can"),
            },
            (_, names) => InferenceError::Unable {
                field: "model",
                problem: format!("{model} cannot call functions; these can: {}", names.join(", ")),
            },
        })
    }
}
