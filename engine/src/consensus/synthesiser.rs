//! Who puts the answers together: a model that has not voted, where there is one.

use std::collections::BTreeSet;

use exai_core::model::Mark;

use super::{Spoken, TOOL, Voice, roster::Consultant, session::Session};
use crate::{call::Call, engine::Engine, error::EngineError};
use exai_inference::routing::{Choice, Chosen, Needs, is_auto};

impl Engine {
    /// The model that puts the answers together, when one is asked for. A model that the caller names is asked; else a voter is asked
    /// only when no other model may be.
    pub(super) async fn synthesiser(
        &self,
        session: &Session,
        voters: &[Consultant],
        call: &Call,
    ) -> Result<Option<Choice>, EngineError> {
        let Some(named) = session.synthesis.as_deref() else { return Ok(None) };
        let router = self.inference.router();
        let choice = match router.choose(TOOL, Some(named), &Needs::of(Mark::Deep), call).await? {
            Chosen::Model(choice) => *choice,
            Chosen::Offline { .. } => {
                return Err(EngineError::invalid(
                    "synthesis",
                    "`offline` cannot put answers together; name a model",
                ));
            }
        };
        // Without routing every call that names no model goes to the user's default, and to no other model.
        if !is_auto(named) || !self.preferences().routes {
            return Ok(Some(choice));
        }
        Ok(Some(self.outsider_first(choice, voters)))
    }

    /// The choice, with the models that have not voted before those that have.
    fn outsider_first(&self, mut choice: Choice, voters: &[Consultant]) -> Choice {
        let mut all = std::mem::take(&mut choice.others);
        let falls_back = !all.is_empty() || self.preferences().falls_back && votes(&choice, voters);
        if votes(&choice, voters) {
            all.extend(self.candidates(false));
        }
        // Stable: the order of the routing stays among those that are alike in this.
        all.sort_by_key(|one| votes(one, voters));
        let outsider = all.first().is_some_and(|one| !votes(one, voters));
        if votes(&choice, voters) && outsider {
            let first = all.remove(0);
            all.push(std::mem::replace(&mut choice, first));
        }
        let mut seen = BTreeSet::from([choice.model.qualified()]);
        all.retain(|one| seen.insert(one.model.qualified()));
        Choice { others: if falls_back { all } else { Vec::new() }, ..choice }
    }
}

/// Whether a model is one of the voters, wherever it is served.
fn votes(choice: &Choice, voters: &[Consultant]) -> bool {
    voters.iter().any(|voter| voter.choice.model.id == choice.model.id)
}

/// The model of a synthesis that has voted itself.
pub(super) fn voter_of(synthesis: &Spoken, voices: &[Voice]) -> Option<String> {
    let model = &synthesis.opinion.model;
    let by = format!("{}/{}", model.provider, model.model);
    voices.iter().any(|voice| voice.name == by).then_some(by)
}
