//! The choice for a call: the model it names, else a rule of the user, else the user's preference, else the first that may answer.

use super::{Choice, Chosen, Needs, Router, Strategy, is_auto, live_lists::why_unlisted};
use crate::{error::InferenceError, scope::CallScope};

impl Router {
    /// Chooses the model for a call of `tool`: the one it names, else the user's preference, else among the configured vendors' models
    /// for the purpose by what else it needs.
    ///
    /// # Errors
    /// [`InferenceError::UnknownModel`] with near names; why nobody can be chosen, where nobody is named.
    pub async fn choose(
        &self,
        tool: &str,
        requested: Option<&str>,
        needs: &Needs,
        call: &CallScope,
    ) -> Result<Chosen, InferenceError> {
        let preferences = self.preferences();
        let is_named = requested.is_some_and(|name| !is_auto(name));
        if !is_named && preferences.routes && !self.models.providers().is_empty() {
            let by_rule = self.models.by_rule(&preferences.rules, tool, needs, &preferences.allowed);
            if let Some(choice) = by_rule {
                return Ok(Chosen::Model(Box::new(self.in_order(choice, Strategy::Listed, needs))));
            }
        }
        let preferred = preferences.model_for(tool);
        let named = requested.map(str::trim).filter(|name| !is_auto(name)).or(preferred);
        if let Some(name) = named.filter(|name| !self.models.knows(name)) {
            self.lists.look_for(name, call).await;
        }
        let choice = match self.models.choose(requested, preferred, needs.purpose, &preferences.allowed) {
            Ok(Chosen::Model(choice)) => *choice,
            Ok(offline @ Chosen::Offline { .. }) => return Ok(offline),
            // Endpoints of the user's own may be configured by their address alone; then their lists say what they have.
            Err(InferenceError::NothingToChoose { .. }) => {
                let failures = self.lists.read_open(call).await;
                let of_lists = self.models.of_lists(&preferences.allowed);
                let nothing = || self.models.nothing_to_choose(&preferences.allowed);
                of_lists.ok_or_else(|| why_unlisted(failures, nothing()))?
            }
            Err(error) => return Err(error),
        };
        Ok(Chosen::Model(Box::new(if preferences.routes {
            self.in_order(choice, preferences.strategy, needs)
        } else {
            Choice { others: Vec::new(), ..choice }
        })))
    }
}
