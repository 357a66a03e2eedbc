//! The models that are asked: the caller's list, checked and resolved before anything is stored or sent.

use std::collections::BTreeSet;

use exai_core::model::{Mark, ModelSpec, Status};
use exai_prompts::Wording;
use serde::{Deserialize, Serialize};

use super::{MAX_VOICES, TOOL};
use crate::{call::Call, engine::Engine, error::EngineError};
use exai_inference::routing::{Choice, Chosen, Needs, is_unvouched};

/// How many models the server chooses when the caller names none.
const CHOSEN: usize = 3;

/// A model as the caller names it. Kept in the thread as it came.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct VoiceInput {
    /// The model, as the user wrote it.
    pub model: String,
    /// What it argues for.
    pub stance: Stance,
    /// The stance in the caller's words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stance_prompt: Option<String>,
}

/// What a model argues for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Stance {
    /// For the proposal.
    For,
    /// Against it.
    Against,
    /// As the evidence has it.
    #[default]
    Neutral,
}

impl Stance {
    /// The word on the wire.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::For => "for",
            Self::Against => "against",
            Self::Neutral => "neutral",
        }
    }
}

/// A model of the roster, with the provider that serves it.
pub(super) struct Consultant {
    pub input: VoiceInput,
    pub choice: Choice,
}

impl Consultant {
    /// Its system message, with the stance and the caller's own words for it.
    pub(super) fn system(&self, wording: &Wording, locale: Option<&str>) -> String {
        let stance = match self.input.stance {
            Stance::For => exai_prompts::Stance::For,
            Stance::Against => exai_prompts::Stance::Against,
            Stance::Neutral => exai_prompts::Stance::Neutral,
        };
        wording.consultant(stance, self.input.stance_prompt.as_deref(), locale)
    }
}

/// All models that are asked.
pub(super) struct Roster {
    pub consultants: Vec<Consultant>,
    /// What the caller should know about it.
    pub notes: Vec<String>,
}

impl Engine {
    /// Resolves the roster. Every mistake is found here, before any model is asked.
    pub(super) async fn roster(
        &self,
        named: Vec<VoiceInput>,
        with_images: bool,
        call: &Call,
    ) -> Result<Roster, EngineError> {
        if self.models().providers().is_empty() {
            return Err(EngineError::NoModel { hint: self.settings.hints.configure.clone() });
        }
        let mut notes = Vec::new();
        if named.len() > MAX_VOICES {
            let count = named.len();
            return Err(EngineError::invalid(
                "models",
                format!("has {count} entries, at most {MAX_VOICES} are taken"),
            ));
        }
        let consultants = if named.is_empty() {
            let chosen = self.chosen(with_images, call).await?;
            let names: Vec<String> = chosen.iter().map(|one| one.choice.model.qualified()).collect();
            notes.push(format!("no models were named; the server chose {}", names.join(", ")));
            chosen
        } else {
            let mut consultants = Vec::new();
            for input in named {
                consultants.push(self.consultant(input, call).await?);
            }
            consultants
        };
        check_twins(&consultants)?;
        if let Some(blind) = consultants.iter().find(|one| with_images && !one.choice.model.may_see()) {
            let name = blind.choice.model.qualified();
            return Err(EngineError::invalid(
                "images",
                format!("{name} does not take pictures; leave it out, or them"),
            ));
        }
        if consultants.len() == 1 {
            notes.push("one model was asked: one opinion is no consensus".to_owned());
        }
        Ok(Roster { consultants, notes })
    }

    async fn consultant(&self, input: VoiceInput, call: &Call) -> Result<Consultant, EngineError> {
        if input.model.trim().is_empty() {
            return Err(EngineError::invalid(
                "models",
                "every entry needs `model`, for example [{\"model\":\"gpt-6-luna\",\"stance\":\"for\"},{\"model\":\"kimi-k3.1-pro\"}]",
            ));
        }
        match self.inference.router().choose(TOOL, Some(&input.model), &Needs::of(Mark::Deep), call).await? {
            Chosen::Model(choice) => Ok(Consultant { input, choice: *choice }),
            Chosen::Offline { .. } => Err(EngineError::invalid(
                "models",
                "`offline` has no opinion; name models, or leave models out",
            )),
        }
    }

    /// The models that the server asks when none is named: the candidates, else the one that any other tool would ask.
    async fn chosen(&self, with_images: bool, call: &Call) -> Result<Vec<Consultant>, EngineError> {
        let mut chosen: Vec<Choice> = self.candidates(with_images).into_iter().take(CHOSEN).collect();
        if chosen.is_empty() {
            let needs = Needs::of(Mark::Deep);
            if let Ok(Chosen::Model(choice)) = self.inference.router().choose(TOOL, None, &needs, call).await
            {
                chosen.push(*choice);
            }
        }
        if chosen.is_empty() {
            return Err(EngineError::invalid(
                "models",
                "no configured model can be chosen; name the models to ask",
            ));
        }
        let named = |choice: &Choice| VoiceInput { model: choice.model.qualified(), ..VoiceInput::default() };
        Ok(chosen.into_iter().map(|choice| Consultant { input: named(&choice), choice }).collect())
    }

    /// The models that the server may choose by itself: different vendors first, the best of each; then the second best.
    pub(super) fn candidates(&self, with_images: bool) -> Vec<Choice> {
        let preferences = self.preferences();
        let mut candidates: Vec<(usize, usize, Choice)> = Vec::new();
        for (place, provider) in self.models().providers().iter().enumerate() {
            let models = provider.models();
            let mut usable: Vec<&ModelSpec> = models
                .iter()
                .filter(|model| is_usable(model) && (!with_images || model.may_see()))
                .filter(|model| preferences.allowed.check(model).is_ok())
                .collect();
            usable.sort_by_key(|model| {
                let deep = model.marks.contains(&Mark::Deep);
                let marked = !model.marks.is_empty();
                (!deep, !marked, u8::MAX - model.intelligence)
            });
            candidates.extend(usable.into_iter().enumerate().map(|(rank, model)| {
                let choice = Choice {
                    provider: std::sync::Arc::clone(provider),
                    model: model.clone(),
                    requested: exai_inference::routing::AUTO.to_owned(),
                    fallback_reason: None,
                    routed_by: None,
                    others: Vec::new(),
                };
                (rank, place, choice)
            }));
        }
        candidates.sort_by_key(|(rank, place, _)| (*rank, *place));
        candidates.into_iter().map(|(_, _, choice)| choice).collect()
    }
}

fn is_usable(model: &ModelSpec) -> bool {
    model.status == Status::Active && !is_unvouched(model)
}

/// The same model with the same stance twice is no second opinion.
fn check_twins(consultants: &[Consultant]) -> Result<(), EngineError> {
    let mut seen = BTreeSet::new();
    for one in consultants {
        let name = one.choice.model.qualified();
        if !seen.insert((name.clone(), one.input.stance, one.input.stance_prompt.clone())) {
            return Err(EngineError::invalid(
                "models",
                format!(
                    "{name} with stance {} is named twice; give each a different stance",
                    one.input.stance.as_str()
                ),
            ));
        }
    }
    Ok(())
}
