//! One turn of a thread: choose the model, ask it, keep the answer. Every tool that asks a model comes through here.

use async_trait::async_trait;
use exai_answers::status::is_refused;
use exai_core::ThreadId;
use exai_core::{
    chat::Request,
    store::{Commit, Write},
    thread::{Answer, ModelRef, Thread, TurnBody},
};
use futures::future::BoxFuture;

use crate::{
    call::Call, engine::Engine, error::EngineError, follow_up::Round, prompt_files::Gathered,
    threads::Appended, workflow::spec,
};
use exai_inference::{
    delivery::{Answered, Delivery, Unwritten},
    error::InferenceError,
    fallback::{Inquiry, PassedOver, Replied},
    question::Question,
    routing::{Choice, Chosen, Needs, Picking, Provenance},
};

/// The most characters of a refusal that are told of.
const MOST_SAID: usize = 200;

/// A request as one model is asked it.
pub(crate) struct Rendered {
    pub request: Request,
    /// The files in it.
    pub gathered: Gathered,
    /// Earlier turns that did not fit.
    pub dropped_turns: usize,
    /// Hash of what the model reads, for tools whose next request repeats it.
    pub digest: Option<String>,
}

/// Writes the request for a model.
pub(crate) type Render<'a> =
    dyn Fn(Choice) -> BoxFuture<'a, Result<Rendered, EngineError>> + Send + Sync + 'a;

/// A turn that is about to be answered.
pub(crate) struct Asking<'a> {
    /// The tool that asks.
    pub tool: &'static str,
    /// The version of its system prompt.
    pub prompt_version: u32,
    /// The question's turn.
    pub appended: Appended,
    /// What begins a new thread, when that is not stored yet.
    pub prologue: Vec<Write>,
    /// Do not take the answer from the cache.
    pub fresh: bool,
    /// Take an older answer when no model can be asked.
    pub allow_stale: bool,
    /// When the model asks for files, add them and ask once more.
    pub add_files: bool,
    /// Whether the caller asked for a search of the web.
    pub web_search: bool,
    /// Whether an answer may be given to another call.
    pub is_usable: fn(&exai_core::chat::Reply) -> bool,
    /// The model that is asked first.
    pub choice: Choice,
    /// The request to it.
    pub rendered: Rendered,
    /// Writes the request to another one.
    pub render: &'a Render<'a>,
}

/// A turn that was answered.
pub(crate) struct Turn {
    pub delivery: Delivery,
    /// The run before it, when the model had asked for files and got them.
    pub first: Option<Delivery>,
    /// The search of the web that was asked for is not offered by this model.
    pub without_web: bool,
    /// How the model was found.
    pub provenance: Provenance,
    pub passed_over: Vec<PassedOver>,
    pub gathered: Gathered,
    pub dropped_turns: usize,
    pub choice: Choice,
    digest: Option<String>,
    unwritten: Unwritten,
    written: Option<Commit>,
    appended: Appended,
    tool: &'static str,
}

impl Turn {
    /// Hash of what the model was sent.
    pub(crate) fn digest(&self) -> Option<String> {
        self.digest.clone()
    }

    /// The answer for the thread, without files.
    pub(crate) fn answer(&self) -> Answer {
        let completion = &self.delivery.completion;
        Answer {
            text: completion.reply.text.clone(),
            model: Some(ModelRef { provider: completion.provider.clone(), model: completion.model.clone() }),
            tool_calls: completion.reply.tool_calls.clone(),
            opaque: completion.reply.opaque.clone(),
            run: Some(completion.run),
            files: Vec::new(),
            request: self.digest.clone(),
        }
    }
}

/// The place of an answered turn in its thread.
pub(crate) struct Kept {
    pub thread: ThreadId,
    /// Turns that the thread may still take.
    pub remaining_turns: u32,
    /// Whether everything is durable already.
    pub persisted: bool,
}

impl Engine {
    /// Chooses the model: the thread's own, the selector's, or the first that can. `None` when no model is to be asked.
    ///
    /// # Errors
    /// The named model is not known, not allowed, or cannot do what the call needs.
    pub(crate) async fn choose_able(
        &self,
        tool: &str,
        requested: Option<&str>,
        needs: &Needs,
        call: &Call,
    ) -> Result<Chosen, EngineError> {
        Ok(self.inference.router().choose_able(tool, requested, needs, call).await?)
    }

    /// Like [`Self::choose_able`], for tools that cannot do without a model.
    pub(crate) async fn choose_model(
        &self,
        tool: &str,
        requested: Option<&str>,
        needs: &Needs,
        call: &Call,
    ) -> Result<Choice, EngineError> {
        match self.choose_able(tool, requested, needs, call).await? {
            Chosen::Model(choice) => Ok(*choice),
            Chosen::Offline { by_request } => Err(self.no_model(tool, by_request)),
        }
    }

    /// Why a tool that no inspection stands in for cannot answer without a model.
    pub(crate) fn no_model(&self, tool: &str, offline_was_named: bool) -> EngineError {
        if !offline_was_named {
            return EngineError::NoModel { hint: self.settings.hints.configure.clone() };
        }
        let inspecting = spec::ALL.iter().filter(|spec| spec.inspects()).map(|spec| spec.name);
        let able = inspecting.collect::<Vec<_>>().join(", ");
        EngineError::invalid(
            "model",
            format!("`offline` asks no model, and {tool} cannot answer without one; these can: {able}"),
        )
    }

    /// Keeps a conversation with its model; else lets the selector pick, where the user wants that.
    pub(crate) async fn refine(
        &self,
        choice: Choice,
        tool: &str,
        needs: &Needs,
        thread: Option<&Thread>,
        call: &Call,
    ) -> Choice {
        self.inference.refine(choice, Picking { tool, needs, thread }, call).await
    }

    /// Puts the question to its model, or to the next that answers.
    pub(crate) async fn ask(&self, asking: Asking<'_>, call: &Call) -> Result<Turn, EngineError> {
        let Asking { tool, appended, web_search, .. } = asking;
        let inquiry = Conversation { engine: self, call, render: asking.render, add_files: asking.add_files };
        let Rendered { request, gathered, dropped_turns, digest } = asking.rendered;
        let question = Question {
            tool,
            prompt_version: asking.prompt_version,
            thread: Some(appended.thread),
            choice: asking.choice,
            request,
            fresh: asking.fresh,
            allow_stale: asking.allow_stale,
            is_usable: asking.is_usable,
            alone: false,
            is_last: true,
            prologue: asking.prologue,
        };
        let context = Context { gathered, dropped_turns, digest };
        let Replied { reply, choice, passed_over } =
            self.inference.ask_in_turn(&inquiry, question, context, call).await?;
        let Reply { round: Round { answered, gathered, first }, dropped_turns, digest } = reply;
        let Answered { delivery, unwritten, written } = answered;
        Ok(Turn {
            delivery,
            first,
            without_web: web_search && !choice.provider.searches_web(&choice.model),
            provenance: choice.provenance(self.clock.now()),
            passed_over,
            gathered,
            dropped_turns,
            choice,
            digest,
            unwritten,
            written,
            appended,
            tool,
        })
    }

    /// Stores what the turn leaves in its thread.
    pub(crate) async fn keep(&self, turn: &mut Turn, body: TurnBody, call: &Call) -> Kept {
        let (appended, unwritten) = (turn.appended, std::mem::take(&mut turn.unwritten));
        let stored = self.threads.append_next(appended, turn.tool, body, unwritten, call).await;
        let begun = self.threads.written(turn.written.take()).await;
        Kept {
            thread: appended.thread,
            remaining_turns: self.settings.max_turns.saturating_sub(appended.next_seq + 1),
            persisted: appended.persisted && stored && begun,
        }
    }
}

/// A question of a thread that can be put to one model after the other.
struct Conversation<'c, 'r> {
    engine: &'c Engine,
    call: &'c Call,
    render: &'r Render<'r>,
    add_files: bool,
}

/// What goes with a request.
struct Context {
    gathered: Gathered,
    dropped_turns: usize,
    digest: Option<String>,
}

/// What a model replied, and what its request had left out.
struct Reply {
    round: Round,
    dropped_turns: usize,
    digest: Option<String>,
}

#[async_trait]
impl Inquiry for Conversation<'_, '_> {
    type Context = Context;
    type Reply = Reply;
    type Error = EngineError;

    async fn render(&self, choice: &Choice) -> Result<(Request, Context), EngineError> {
        let Rendered { request, gathered, dropped_turns, digest } = (self.render)(choice.clone()).await?;
        Ok((request, Context { gathered, dropped_turns, digest }))
    }

    async fn ask(&self, question: Question, context: Context) -> Result<Reply, EngineError> {
        let Context { gathered, dropped_turns, digest } = context;
        let (is_last, model) = (question.is_last, question.choice.model.qualified());
        let round = self.engine.consult_round(question, gathered, self.add_files, self.call).await?;
        let reply = &round.answered.delivery.completion.reply;
        if !is_last && is_refused(reply) {
            let said = reply.text.trim().chars().take(MOST_SAID).collect();
            return Err(InferenceError::Refused { model, said }.into());
        }
        Ok(Reply { round, dropped_turns, digest })
    }

    fn adopt(&self, answered: Answered, context: Context) -> Reply {
        let Context { gathered, dropped_turns, digest } = context;
        Reply { round: Round { answered, gathered, first: None }, dropped_turns, digest }
    }

    fn failure(error: EngineError) -> Result<InferenceError, EngineError> {
        match error {
            EngineError::Completion(failure) => Ok(failure),
            other => Err(other),
        }
    }
}
