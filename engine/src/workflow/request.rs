//! What an expert is sent at the end of an investigation: history, evidence, question.

use std::collections::BTreeSet;

use exai_context::{
    files::{Origin, Wanted},
    git::PackedChanges,
};
use exai_core::chat::{Message, Request};
use futures::{FutureExt as _, future::BoxFuture};

use super::{
    StoredStep, question,
    repeated::{self, Earlier},
    spec::ExpertRule,
    written::{ShownChanges, Written, digest},
};
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
    /// The request to the expert, and what its files are. It begins with the request before it, where that still holds.
    pub(super) async fn expert_request(
        &self,
        stored: &StoredStep<'_>,
        rule: &ExpertRule,
        choice: &Choice,
        call: &Call,
    ) -> Result<Rendered, EngineError> {
        Ok(self.written(stored, rule, choice, call).await?.rendered)
    }

    /// Boxed, because a request that begins with the one before it writes that one first.
    pub(super) fn written<'a>(
        &'a self,
        stored: &'a StoredStep<'_>,
        rule: &'a ExpertRule,
        choice: &'a Choice,
        call: &'a Call,
    ) -> BoxFuture<'a, Result<Written, EngineError>> {
        async move {
            if let Some(earlier) = self.earlier(stored, rule, choice, call).await
                && let Some(written) = self.continued(stored, rule, choice, earlier, call).await?
            {
                return Ok(written);
            }
            self.written_anew(stored, rule, choice, call).await
        }
        .boxed()
    }

    /// A request that repeats nothing: earlier turns in short, and all evidence before the question.
    async fn written_anew(
        &self,
        stored: &StoredStep<'_>,
        rule: &ExpertRule,
        choice: &Choice,
        call: &Call,
    ) -> Result<Written, EngineError> {
        let system = self.settings.wording.system(rule.prompt, self.preferences().locale.as_deref());
        let images = stored.images(call).await?;
        let question = question::text(stored, stored.work);
        let room = window::remaining(&choice.model, &[&system, &question])?;
        let earlier = stored.thread.map(|thread| {
            let budget = self.history_room(&choice.model, room);
            let history = history::render(thread, stored.asking(), choice.provider.id(), budget);
            (history, history::files(thread, stored.asking()))
        });
        let (history, earlier_files) = earlier.unwrap_or_default();
        let mut wanted = wanted_files(stored);
        let room = room.saturating_sub(history.tokens).saturating_sub(images.tokens());
        let alone = wanted.is_empty();
        let changes = self.packed_changes(stored, room, alone, call).await?;
        let shown = ShownChanges { text: changes.text.clone(), room: (room, alone) };
        wanted.extend(unless_wanted(earlier_files, &wanted, &changes));
        let named = wanted.iter().map(|file| file.path.clone()).collect();
        let room = room.saturating_sub(changes.tokens);
        let mut gathered = gather(call, wanted, room, self.settings.file_tokens).await?;
        gathered.report.extend(images.report);
        let last = joined(&[&changes.text, &gathered.text, &question]);
        let gathered = gathered.beside(changes);
        check_readable("relevant_files", !stored.step.relevant_files.is_empty(), &gathered)?;
        let mut messages = history.messages;
        let mut asked = Message::user(last);
        asked.parts.extend(images.parts);
        messages.push(asked);
        let request = self.request(stored, rule, choice, system, messages);
        Ok(Written { rendered: rendered(request, gathered, history.dropped), wanted: named, changes: shown })
    }

    /// The request that begins with the one before it; `None` when there is no room for all of both.
    async fn continued(
        &self,
        stored: &StoredStep<'_>,
        rule: &ExpertRule,
        choice: &Choice,
        earlier: Earlier<'_>,
        call: &Call,
    ) -> Result<Option<Written>, EngineError> {
        let Earlier { written, since, thread, work } = earlier;
        // What had no room is named again to be given now, and only a request of its own has room for it.
        let is_named_again = |path: &String| written.wanted.contains(path);
        if written.rendered.gathered.lacks_room() && stored.step.relevant_files.iter().any(is_named_again) {
            return Ok(None);
        }
        let system = self.settings.wording.system(rule.prompt, self.preferences().locale.as_deref());
        let mut images = stored.images(call).await?;
        let mut messages = written.rendered.request.messages;
        images.parts.retain(|image| !messages.iter().any(|message| message.parts.contains(image)));
        messages.extend(history::after(thread, since, stored.asking(), choice.provider.id()));
        let new_steps = repeated::not_in(stored.work, &work);
        let question = question::text(stored, &new_steps);
        let taken: u32 = messages.iter().map(history::cost_of).fold(images.tokens(), u32::saturating_add);
        let room = window::remaining(&choice.model, &[&system, &question])?;
        let Some(room) = room.checked_sub(taken) else { return Ok(None) };
        let mut wanted = wanted_files(stored);
        wanted.retain(|file| !written.wanted.contains(&file.path));
        let (changes, shown) =
            self.new_changes(stored, &written.changes, room, wanted.is_empty(), call).await?;
        let known: BTreeSet<String> =
            written.rendered.gathered.file_refs().into_iter().map(|file| file.path).collect();
        let mut earlier_files = history::files(thread, stored.asking());
        earlier_files.retain(|file| !known.contains(&file.path) && !written.wanted.contains(&file.path));
        wanted.extend(unless_wanted(earlier_files, &wanted, &changes));
        let named = wanted.iter().map(|file| file.path.clone()).chain(written.wanted).collect();
        let room = room.saturating_sub(changes.tokens);
        let new = gather(call, wanted, room, self.settings.file_tokens).await?;
        let new = new.only(|file| !written.rendered.gathered.files.iter().any(|known| known.shows(file)));
        if new.lacks_room() {
            return Ok(None);
        }
        let last = joined(&[&changes.text, &new.text, &exai_prompts::question::unchanged(), &question]);
        let mut gathered = written.rendered.gathered.and(new.beside(changes));
        gathered.report.extend(images.report);
        check_readable("relevant_files", !stored.step.relevant_files.is_empty(), &gathered)?;
        let mut asked = Message::user(last);
        asked.parts.extend(images.parts);
        messages.push(asked);
        let request = self.request(stored, rule, choice, system, messages);
        let rendered = rendered(request, gathered, written.rendered.dropped_turns);
        Ok(Some(Written { rendered, wanted: named, changes: shown }))
    }

    /// The changes that the request before does not show, and what is shown with both.
    async fn new_changes(
        &self,
        stored: &StoredStep<'_>,
        before: &ShownChanges,
        room: u32,
        alone: bool,
        call: &Call,
    ) -> Result<(PackedChanges, ShownChanges), EngineError> {
        let (its_room, was_alone) = before.room;
        let as_before = self.packed_changes(stored, its_room, was_alone, call).await?;
        if as_before.text == before.text {
            return Ok((PackedChanges::default(), before.clone()));
        }
        let changes = self.packed_changes(stored, room, alone, call).await?;
        let shown = ShownChanges { text: changes.text.clone(), room: (room, alone) };
        Ok((changes, shown))
    }

    fn request(
        &self,
        stored: &StoredStep<'_>,
        rule: &ExpertRule,
        choice: &Choice,
        system: String,
        messages: Vec<Message>,
    ) -> Request {
        Request {
            model: choice.model.id.clone(),
            system: system.into(),
            messages: history::alternate(messages),
            temperature: stored.input.temperature,
            thinking: Some(stored.thinking(self)),
            max_output_tokens: None,
            json: rule.prompt.answers_in_json(),
            web_search: stored.input.web_search && choice.provider.searches_web(&choice.model),
            tools: exai_core::function_calling::Tooling::default(),
        }
    }
}

/// The rendered text lives on in the request; the evidence itself is kept for checking citations.
fn rendered(request: Request, gathered: Gathered, dropped_turns: usize) -> Rendered {
    let digest = Some(digest(&request));
    Rendered { request, gathered: Gathered { text: String::new(), ..gathered }, dropped_turns, digest }
}

/// The files of earlier turns that neither the caller names nor the changes show.
fn unless_wanted(earlier: Vec<Wanted>, wanted: &[Wanted], changes: &PackedChanges) -> Vec<Wanted> {
    let is_other =
        |file: &Wanted| !wanted.iter().any(|own| own.path == file.path) && !changes.shows(&file.path);
    earlier.into_iter().filter(is_other).collect()
}

/// Texts with a line break between them; empty ones are left out.
fn joined(texts: &[&str]) -> String {
    let there: Vec<&str> = texts.iter().copied().filter(|text| !text.is_empty()).collect();
    there.join("\n")
}

impl StoredStep<'_> {
    /// The images of this call and of earlier steps.
    async fn images(&self, call: &Call) -> Result<Images, EngineError> {
        let earlier: Vec<String> = self.work.iter().flat_map(|step| step.images.clone()).collect();
        images::read(&self.input.images, &earlier, call).await
    }

    fn asking(&self) -> history::Asking<'_> {
        history::Asking::Step { tool: self.spec.name, step: self.step, work: self.work }
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
