//! What an expert is sent at the end of an investigation: history, evidence, question.

use exai_context::files::{Origin, Wanted};
use exai_core::chat::{Message, Request};

use super::{StoredStep, question, spec::ExpertRule};
use crate::{
    call::Call,
    engine::Engine,
    error::EngineError,
    history,
    images::{self, Images},
    named_files::check_readable,
    prompt_files::{Gathered, gather},
    turn::Rendered,
    window,
};
use exai_inference::routing::Choice;

impl Engine {
    /// The request to the expert, and what its files are.
    pub(super) async fn expert_request(
        &self,
        stored: &StoredStep<'_>,
        rule: &ExpertRule,
        choice: &Choice,
        call: &Call,
    ) -> Result<Rendered, EngineError> {
        let system = self.settings.wording.system(rule.prompt, self.preferences().locale.as_deref());
        let images = stored.images(call).await?;
        let question = question::text(stored);
        let room = window::remaining(&choice.model, &[&system, &question])?;
        let earlier = stored.thread.map(|thread| {
            let asking =
                history::Asking::Step { tool: stored.spec.name, step: stored.step, work: stored.work };
            let budget = self.history_room(&choice.model, room);
            let history = history::render(thread, asking, choice.provider.id(), budget);
            (history, history::files(thread, asking))
        });
        let (history, earlier_files) = earlier.unwrap_or_default();
        let mut wanted = wanted_files(stored);
        let room = room.saturating_sub(history.tokens).saturating_sub(images.tokens());
        let changes = self.packed_changes(stored, room, wanted.is_empty(), call).await?;
        wanted.extend(
            earlier_files
                .into_iter()
                .filter(|file| !wanted.iter().any(|own| own.path == file.path) && !changes.shows(&file.path))
                .collect::<Vec<_>>(),
        );
        let room = room.saturating_sub(changes.tokens);
        let mut gathered = gather(call, wanted, room, self.settings.file_tokens).await?;
        gathered.report.extend(images.report);
        let mut last = String::with_capacity(changes.text.len() + gathered.text.len() + question.len() + 2);
        last.push_str(&changes.text);
        if !last.is_empty() && !gathered.text.is_empty() {
            last.push('\n');
        }
        last.push_str(&gathered.text);
        let gathered = gathered.beside(changes);
        check_readable("relevant_files", !stored.step.relevant_files.is_empty(), &gathered)?;
        if !last.is_empty() {
            last.push('\n');
        }
        last.push_str(&question);
        let mut messages = history.messages;
        let mut asked = Message::user(last);
        asked.parts.extend(images.parts);
        messages.push(asked);
        let request = Request {
            model: choice.model.id.clone(),
            system: system.into(),
            messages: history::alternate(messages),
            temperature: stored.input.temperature,
            thinking: Some(stored.thinking(self)),
            max_output_tokens: None,
            json: rule.prompt.answers_in_json(),
            web_search: stored.input.web_search && choice.provider.searches_web(&choice.model),
            tools: exai_core::function_calling::Tooling::default(),
        };
        // The rendered text lives on in the request; the evidence itself is kept for checking citations.
        let gathered = Gathered { text: String::new(), ..gathered };
        Ok(Rendered { request, gathered, dropped_turns: history.dropped })
    }
}

impl StoredStep<'_> {
    /// The images of this call and of earlier steps.
    async fn images(&self, call: &Call) -> Result<Images, EngineError> {
        let earlier: Vec<String> = self.work.iter().flat_map(|step| step.images.clone()).collect();
        images::read(&self.input.images, &earlier, call).await
    }
}

/// The files of the present work, latest mention first: they are the ones that the question is about.
pub(super) fn wanted_files(stored: &StoredStep<'_>) -> Vec<Wanted> {
    let mut wanted: Vec<Wanted> = Vec::new();
    for path in stored.work.iter().rev().flat_map(|step| &step.relevant_files) {
        if !wanted.iter().any(|known| known.path == *path) {
            wanted.push(Wanted { path: path.clone(), from: Origin::Call });
        }
    }
    wanted
}
