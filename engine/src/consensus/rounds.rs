//! The rounds: all models at once, each with a deadline of its own, and every answer stored as it comes.

use std::sync::Arc;

use exai_answers::{citations::cite_text, status as answer_status};
use exai_context::evidence::FileReport;
use exai_core::{
    Mention,
    run::Phase,
    thread::{ModelRef, Opinion, Round, TurnBody},
};
use futures::{StreamExt as _, stream::FuturesUnordered};

use super::{
    ENOUGH, Spoken, TOOL,
    letters::letter,
    plan::Plan,
    prompt::{Critic, Matter},
    session::Session,
};
use crate::{call::Call, engine::Engine, error::EngineError, threads::Appended, turn::Rendered};
use exai_inference::{
    delivery::{Answered, Unwritten},
    error::InferenceError,
    question::Question,
    routing::Choice,
};

/// The asking part of one call.
pub(super) struct Rounds<'a> {
    pub engine: &'a Engine,
    pub matter: &'a Matter<'a>,
    pub call: &'a Call,
    pub appended: Appended,
    /// What happened to the offered files, as the first model got them.
    pub files: Vec<FileReport>,
    /// What the call fails with when no model answers.
    pub first_error: Option<EngineError>,
}

/// One model's question in a round.
struct Asking {
    index: usize,
    choice: Choice,
    rendered: Result<Rendered, EngineError>,
}

/// One model's answer in a round.
struct Heard {
    index: usize,
    choice: Choice,
    answer: Result<Answered, EngineError>,
    files: Vec<FileReport>,
    mentions: Vec<Mention>,
}

impl Rounds<'_> {
    /// Asks the planned places, each blind to the others.
    pub(super) async fn opinions(&mut self, plan: &mut Plan) -> Result<(), EngineError> {
        let mut asking = Vec::new();
        for index in &plan.asked {
            let Some(consultant) = plan.consultants.get(*index) else { continue };
            let rendered = self.engine.opinion_request(self.matter, consultant, self.call).await;
            // What is wrong with the call itself is wrong for all.
            if let Err(error @ EngineError::InvalidInput { .. }) = rendered {
                return Err(error);
            }
            asking.push(Asking { index: *index, choice: consultant.choice.clone(), rendered });
        }
        self.round(Round::Opinion, asking, &mut plan.session).await
    }

    /// Shows every model that voted the votes of the others, without names.
    pub(super) async fn critiques(&mut self, plan: &mut Plan) -> Result<(), EngineError> {
        let voices = plan.session.voices(&plan.consultants);
        let voted: Vec<(usize, &str)> = voices
            .iter()
            .enumerate()
            .filter_map(|(index, voice)| voice.opinion.as_ref().map(|spoken| (index, spoken)))
            .filter(|(_, spoken)| spoken.ballot.vote().is_some())
            .map(|(index, spoken)| (index, spoken.opinion.text.as_str()))
            .collect();
        if voted.len() < ENOUGH {
            return Ok(());
        }
        let mut asking = Vec::new();
        for (index, own) in &voted {
            let Some(consultant) = plan.consultants.get(*index) else { continue };
            if plan.session.has_answered(Round::Critique, *index) {
                continue;
            }
            let others: Vec<(char, &str)> = voted
                .iter()
                .filter(|(other, _)| other != index)
                .map(|(other, text)| (letter(*other), *text))
                .collect();
            let critic = Critic { consultant, own, others: &others };
            let rendered = self.engine.critique_request(self.matter, critic, self.call).await;
            asking.push(Asking { index: *index, choice: consultant.choice.clone(), rendered });
        }
        self.round(Round::Critique, asking, &mut plan.session).await
    }

    /// Has one model put the answers together.
    pub(super) async fn synthesis(&mut self, plan: &mut Plan, choice: Choice) -> Result<(), EngineError> {
        let voices = plan.session.voices(&plan.consultants);
        let votes = voices.iter().filter(|voice| voice.last().is_some_and(voted)).count();
        if votes < ENOUGH || plan.session.has_answered(Round::Synthesis, 0) {
            return Ok(());
        }
        let rendered = self.engine.synthesis_request(self.matter, &choice, &voices, self.call).await;
        self.round(Round::Synthesis, vec![Asking { index: 0, choice, rendered }], &mut plan.session).await
    }

    /// Asks at the same time and stores each answer as it comes.
    async fn round(
        &mut self,
        round: Round,
        asking: Vec<Asking>,
        session: &mut Session,
    ) -> Result<(), EngineError> {
        let mut waiting: Vec<String> = asking.iter().map(|one| one.choice.model.qualified()).collect();
        let all = waiting.len();
        self.tell(round, all, &waiting);
        let fresh = self.matter.input.fresh;
        let (engine, call, thread) = (self.engine, self.call, self.appended.thread);
        let mut open: FuturesUnordered<_> = asking
            .into_iter()
            .map(|one| async move {
                let Asking { index, choice, rendered } = one;
                let Rendered { request, gathered, .. } = match rendered {
                    Ok(rendered) => rendered,
                    Err(error) => {
                        let (files, mentions) = (Vec::new(), Vec::new());
                        return Heard { index, choice, answer: Err(error), files, mentions };
                    }
                };
                let prompt = match round {
                    Round::Opinion => exai_prompts::Prompt::Consensus,
                    Round::Critique => exai_prompts::Prompt::ConsensusCritique,
                    Round::Synthesis => exai_prompts::Prompt::ConsensusSynthesis,
                };
                let question = Question {
                    tool: TOOL,
                    prompt_version: engine.settings.wording.version(prompt),
                    thread: Some(thread),
                    choice: choice.clone(),
                    request,
                    fresh,
                    allow_stale: false,
                    is_usable: match round {
                        Round::Synthesis => answer_status::is_usable_object,
                        Round::Opinion | Round::Critique => answer_status::is_usable_text,
                    },
                    alone: false,
                    is_last: true,
                    prologue: Vec::new(),
                };
                let own = call.apart(engine.settings.consensus_limit);
                let answer = engine.inference.complete(question, &own).await.map_err(EngineError::from);
                let said = answer.as_ref().map(|answered| answered.delivery.completion.reply.text.as_str());
                let mentions = said.map_or_else(|_| Vec::new(), |text| cite_text(text, &gathered.files));
                Heard { index, choice, answer, files: gathered.report, mentions }
            })
            .collect();
        while let Some(heard) = open.next().await {
            if heard.answer.as_ref().is_err_and(EngineError::is_cancelled) {
                return Err(InferenceError::Cancelled.into());
            }
            let name = heard.choice.model.qualified();
            if let Some(place) = waiting.iter().position(|waiting| *waiting == name) {
                waiting.remove(place);
            }
            self.keep(round, heard, session).await;
            self.tell(round, all, &waiting);
        }
        Ok(())
    }

    /// Stores an answer, or that there is none.
    async fn keep(&mut self, round: Round, heard: Heard, session: &mut Session) {
        let Heard { index, choice, answer, files, mentions } = heard;
        if self.files.is_empty() {
            self.files = files;
        }
        let model = ModelRef { provider: choice.provider.id().clone(), model: choice.model.id.clone() };
        let place = u32::try_from(index).unwrap_or(u32::MAX);
        session.mentions.push((round, place, mentions));
        let (opinion, unwritten) = match answer {
            Ok(Answered { delivery, unwritten, .. }) => {
                let completion = Arc::clone(&delivery.completion);
                let from_cache = delivery.source.age().is_some();
                let opinion = Opinion {
                    work: session.seq,
                    round,
                    index: place,
                    model,
                    text: completion.reply.text.clone(),
                    error: None,
                    complete: completion.reply.finish.is_complete(),
                    run: Some(completion.run),
                    usage: completion.reply.usage,
                    cost_usd: if from_cache { Some(0.0) } else { completion.cost_usd },
                    duration_ms: u64::try_from(completion.duration.as_millis()).unwrap_or(u64::MAX),
                    attempts: completion.attempts,
                    from_cache,
                };
                (opinion, unwritten)
            }
            Err(error) => {
                let opinion = Opinion {
                    work: session.seq,
                    round,
                    index: place,
                    model,
                    text: String::new(),
                    error: Some(format!("{}: {error}", error.kind().code())),
                    complete: false,
                    run: None,
                    usage: exai_core::chat::Usage::default(),
                    cost_usd: None,
                    duration_ms: 0,
                    attempts: error.attempts(),
                    from_cache: false,
                };
                self.first_error.get_or_insert(error);
                (opinion, Unwritten::default())
            }
        };
        let body = TurnBody::Opinion(opinion.clone());
        let persisted =
            self.engine.threads.append_next(self.appended, TOOL, body, unwritten, self.call).await;
        self.appended.next_seq = self.appended.next_seq.saturating_add(1);
        self.appended.persisted &= persisted;
        session.keep(opinion);
    }

    /// Says in the call's progress which models have answered and which have not.
    fn tell(&self, round: Round, all: usize, waiting: &[String]) {
        let word = match round {
            Round::Opinion => "answered",
            Round::Critique => "critiques",
            Round::Synthesis => "synthesis",
        };
        let mut text = format!("{} of {all} {word}", all - waiting.len());
        if !waiting.is_empty() {
            text.push_str(&format!(", waiting for {}", waiting.join(", ")));
        }
        self.call.progress.send_modify(|event| {
            event.phase = Phase::Asking;
            event.model = Some(text);
        });
    }
}

fn voted(spoken: &Spoken) -> bool {
    spoken.ballot.vote().is_some()
}
