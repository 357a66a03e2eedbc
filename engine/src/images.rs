//! Pictures of a call: which model may be shown them, and how they become parts of its message.

use exai_core::{
    chat::Part,
    model::{Capability, Mark, ModelSpec, Status},
};

use crate::{
    call::Call,
    context,
    engine::Engine,
    error::EngineError,
    evidence::{FileReport, FileStatus},
    routing::{Choice, Needs, Source},
};

/// Estimated tokens of one picture; vendors count between some 250 and 1,600 by size.
pub(crate) const IMAGE_TOKENS: u32 = 1_000;
/// How many models with vision an error names.
const NAMED: usize = 5;

/// Pictures ready to be sent.
#[derive(Debug, Default)]
pub(crate) struct Images {
    /// In the order in which they were named.
    pub parts: Vec<Part>,
    /// What became of each.
    pub report: Vec<FileReport>,
}

impl Images {
    /// Estimated tokens of all of them.
    pub(crate) fn tokens(&self) -> u32 {
        u32::try_from(self.parts.len()).unwrap_or(u32::MAX).saturating_mul(IMAGE_TOKENS)
    }
}

/// Reads `wanted`, off the async threads. A picture of this very call that cannot be given is an error: an answer without it would
/// be about something else. One that an `earlier` step named is reported.
pub(crate) async fn read(wanted: &[String], earlier: &[String], call: &Call) -> Result<Images, EngineError> {
    let all: Vec<(String, bool)> = wanted
        .iter()
        .map(|image| (image.clone(), true))
        .chain(earlier.iter().filter(|image| !wanted.contains(image)).map(|image| (image.clone(), false)))
        .collect();
    if all.is_empty() {
        return Ok(Images::default());
    }
    let roots = call.roots.roots().await;
    let work = tokio::task::spawn_blocking(move || {
        let mut images = Images::default();
        for (written, is_new) in all {
            let name = shown(&written);
            let (status, reason, tokens) = match context::image(&roots, &written) {
                Ok(data_url) => {
                    images.parts.push(Part::Image { data_url: data_url.into() });
                    (FileStatus::Included, None, IMAGE_TOKENS)
                }
                Err(rejection) if is_new => {
                    return Err(EngineError::invalid("images", format!("{name}: {rejection}")));
                }
                Err(rejection) => (rejection.status(), Some(rejection.to_string()), 0),
            };
            images.report.push(FileReport { path: name, status, reason, tokens });
        }
        Ok(images)
    });
    work.await.map_err(|error| EngineError::Internal {
        what: "reading the pictures failed".to_owned(),
        source: Some(Box::new(error)),
    })?
}

/// A path as it is; a `data:` URL without its data.
fn shown(written: &str) -> String {
    match written.split_once(',') {
        Some((header, _)) if written.starts_with("data:") => format!("{header},…"),
        _ => written.to_owned(),
    }
}

/// Of those that may answer only those that see, when there is one.
fn seeing_first(mut choice: Choice) -> Choice {
    let mut others = std::mem::take(&mut choice.others);
    others.retain(|other| may_see(&other.model));
    if may_see(&choice.model) {
        return Choice { others, ..choice };
    }
    if others.is_empty() {
        return choice;
    }
    let first = others.remove(0);
    Choice { fallback_reason: Some("images"), others, ..first }
}

impl Engine {
    /// Chooses like [`Engine::choose`], among models that see when the call has pictures.
    pub(crate) fn choose_seeing(
        &self,
        tool: &str,
        requested: Option<&str>,
        needs: &Needs,
    ) -> Result<Source, EngineError> {
        let (with_images, purpose) = (needs.vision, needs.purpose);
        let source = match self.choose(tool, requested, needs)? {
            Source::Model(choice) if with_images => Source::Model(Box::new(seeing_first(*choice))),
            source => source,
        };
        match source {
            Source::Model(choice) if with_images && !may_see(&choice.model) => {
                self.seeing_instead(&choice, purpose).map(|choice| Source::Model(Box::new(choice)))
            }
            source => Ok(source),
        }
    }

    /// Another model when the caller left the choice to the server; an error that names some otherwise.
    fn seeing_instead(&self, blind: &Choice, purpose: Mark) -> Result<Choice, EngineError> {
        let preferences = self.preferences();
        let mut seeing: Vec<Choice> = Vec::new();
        for provider in self.models.providers() {
            let models = provider.models();
            let usable = models.iter().filter(|model| {
                model.can(Capability::Vision)
                    && model.status != Status::Retired
                    && preferences.allowed.check(model).is_ok()
            });
            seeing.extend(usable.map(|model| Choice {
                provider: std::sync::Arc::clone(provider),
                model: model.clone(),
                requested: blind.requested.clone(),
                fallback_reason: Some("images"),
                others: Vec::new(),
            }));
        }
        seeing.sort_by_key(|choice| {
            let marked = choice.model.marks.contains(&purpose);
            (choice.model.provider != blind.model.provider, !marked, u8::MAX - choice.model.intelligence)
        });
        if blind.requested.eq_ignore_ascii_case(crate::routing::AUTO) && !seeing.is_empty() {
            return Ok(seeing.swap_remove(0));
        }
        let names: Vec<String> = seeing.iter().take(NAMED).map(|choice| choice.model.qualified()).collect();
        let advice = if names.is_empty() {
            "no configured model does; leave the pictures out and describe them".to_owned()
        } else {
            format!("models that do: {}", names.join(", "))
        };
        Err(EngineError::invalid(
            "images",
            format!("{} does not take pictures; {advice}", blind.model.qualified()),
        ))
    }
}

/// Whether a model can be shown a picture; one that nothing is known of is given the benefit of the doubt.
pub(crate) fn may_see(model: &ModelSpec) -> bool {
    model.can(Capability::Vision) || (model.capabilities.is_empty() && model.intelligence == 0)
}
