//! What each model of a consensus is sent. In the first round nothing of the others and nothing of the agent's own view is in it.

use exai_context::files::{Origin, Wanted};
use exai_core::{
    chat::{Message, Request, Thinking},
    thread::Thread,
};
use exai_prompts::{Prompt, question};

use super::{ConsensusInput, Spoken, TOOL, Voice, letters::letters, roster::Consultant};
use crate::{
    call::Call, engine::Engine, error::EngineError, history, images, prompt_files::gather, turn::Rendered,
    window,
};
use exai_inference::routing::Choice;

/// Keys the fence around other models' answers, like that around files.
const FENCE_KEY: &[u8; 32] = b"exai-mcp opinions fence, edition";

/// What all models of one consensus are asked.
pub(super) struct Matter<'a> {
    pub question: &'a str,
    pub input: &'a ConsensusInput,
    /// Files of step 1 and of this call.
    pub files: Vec<String>,
    /// The thread with nothing but the user's own words; `None` when there are none.
    pub before: Option<Thread>,
}

/// A model in the second round.
pub(super) struct Critic<'a> {
    pub consultant: &'a Consultant,
    /// Its own answer in the first round.
    pub own: &'a str,
    /// The others' answers by their letters.
    pub others: &'a [(char, &'a str)],
}

impl Engine {
    /// The first round.
    pub(super) async fn opinion_request(
        &self,
        matter: &Matter<'_>,
        consultant: &Consultant,
        call: &Call,
    ) -> Result<Rendered, EngineError> {
        let locale = self.preferences().locale.clone();
        let system = consultant.system(&self.settings.wording, locale.as_deref());
        self.request_about(matter, &consultant.choice, system, matter.question, call).await
    }

    /// The second round: the same question and files, the model's own answer, and the others' without names.
    pub(super) async fn critique_request(
        &self,
        matter: &Matter<'_>,
        critic: Critic<'_>,
        call: &Call,
    ) -> Result<Rendered, EngineError> {
        let Critic { consultant, own, others } = critic;
        let locale = self.preferences().locale.clone();
        let system = self.settings.wording.system(Prompt::ConsensusCritique, locale.as_deref());
        let named: Vec<(String, &str)> =
            others.iter().map(|(letter, text)| (format!("Consultant {letter}"), *text)).collect();
        let question = question::critique(matter.question, own.trim(), &fenced(&named));
        self.request_about(matter, &consultant.choice, system, &question, call).await
    }

    /// The synthesis: all answers with names and stances.
    pub(super) async fn synthesis_request(
        &self,
        matter: &Matter<'_>,
        choice: &Choice,
        voices: &[Voice],
        call: &Call,
    ) -> Result<Rendered, EngineError> {
        let locale = self.preferences().locale.clone();
        let system = self.settings.wording.system(Prompt::ConsensusSynthesis, locale.as_deref());
        let mut named: Vec<(String, &str)> = Vec::new();
        let mut silent = String::new();
        for voice in voices {
            let name = format!("{} (stance: {})", voice.name, voice.stance.as_str());
            match voice.opinion.as_ref() {
                Some(spoken) if spoken.ballot.vote().is_some() => {
                    named.push((name.clone(), spoken.opinion.text.trim()));
                    if let Some(critique) =
                        voice.critique.as_ref().filter(|critique| critique.ballot.vote().is_some())
                    {
                        named
                            .push((format!("{name}, after seeing the others"), critique.opinion.text.trim()));
                    }
                }
                Some(Spoken { ballot: super::Ballot::NoVote(why), .. }) => {
                    silent.push_str(&format!("- {name}: no vote, {}\n", why.as_str()));
                }
                Some(_) | None => silent.push_str(&format!("- {name}: no vote, not asked\n")),
            }
        }
        let mut answers = fenced(&named);
        let letters: Vec<String> =
            letters(voices).into_iter().map(|(letter, name)| format!("{letter} is {name}")).collect();
        if !letters.is_empty() {
            answers.push_str(&question::letters_stand_for(&letters.join(", ")));
        }
        let question = question::synthesis(matter.question, &answers, &silent);
        let rendered = self.request_about(matter, choice, system, &question, call).await?;
        Ok(Rendered { request: Request { json: true, ..rendered.request }, ..rendered })
    }

    async fn request_about(
        &self,
        matter: &Matter<'_>,
        choice: &Choice,
        system: String,
        question: &str,
        call: &Call,
    ) -> Result<Rendered, EngineError> {
        let images = images::read(&matter.input.images, &[], call).await?;
        let room = window::remaining(&choice.model, &[&system, question])?.saturating_sub(images.tokens());
        let (history, earlier) = matter
            .before
            .as_ref()
            .map(|thread| {
                let asking = history::Asking::Prompt(question);
                let budget = self.history_room(&choice.model, room);
                (
                    history::render(thread, asking, choice.provider.id(), budget),
                    history::files(thread, asking),
                )
            })
            .unwrap_or_default();
        let mut wanted: Vec<Wanted> =
            matter.files.iter().map(|path| Wanted { path: path.clone(), from: Origin::Call }).collect();
        wanted.extend(earlier.into_iter().filter(|file| !matter.files.contains(&file.path)));
        let mut gathered =
            gather(call, wanted, room.saturating_sub(history.tokens), self.settings.file_tokens).await?;
        let mut text = std::mem::take(&mut gathered.text);
        if !text.is_empty() {
            text.push('\n');
        }
        text.push_str(question);
        let mut asked = Message::user(text);
        asked.parts.extend(images.parts);
        let dropped_turns = history.dropped;
        let mut messages = history.messages;
        messages.push(asked);
        let preferred = self.preferences().thinking_for(TOOL);
        let request = Request {
            model: choice.model.id.clone(),
            system: system.into(),
            messages: history::alternate(messages),
            temperature: None,
            thinking: Some(matter.input.thinking.or(preferred).unwrap_or(Thinking::Medium)),
            max_output_tokens: None,
            json: false,
            web_search: false,
            tools: exai_core::function_calling::Tooling::default(),
        };
        gathered.report.extend(images.report);
        Ok(Rendered { request, gathered, dropped_turns, digest: None })
    }
}

/// Other models' answers between fences that no answer can close.
fn fenced(answers: &[(String, &str)]) -> String {
    let mut hasher = blake3::Hasher::new_keyed(FENCE_KEY);
    for (name, text) in answers {
        hasher.update(name.as_bytes());
        hasher.update(text.as_bytes());
    }
    let tag: String = hasher.finalize().to_hex().chars().take(16).collect();
    let mut fenced = question::answers_follow(&tag);
    for (name, text) in answers {
        fenced
            .push_str(&format!("<file path=\"{name}\" fence=\"{tag}\">\n{text}\n</file fence=\"{tag}\">\n"));
    }
    fenced
}
