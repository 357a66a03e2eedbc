//! Conversation with a model: the caller's words, files, and the thread so far.

use exai_answers::{
    citations,
    status::{self as answer_status, AnswerStatus},
};
use exai_context::{
    evidence::FileReport,
    files::{Origin, Wanted},
};
use exai_core::{
    Mention, ThreadId,
    chat::{Message, Request, Thinking},
    run::Phase,
    store::Write,
    thread::{Answer, Thread, TurnBody, UserMessage},
};
use exai_prompts::Prompt;
use futures::FutureExt as _;

use crate::{
    anchored::{Anchored, Room, gather_anchored},
    call::Call,
    engine::Engine,
    error::EngineError,
    follow_up::files_required,
    history, images,
    named_files::{check_named, check_readable},
    prompt_files::{bytes_of, gather},
    threads::Appended,
    turn::{Asking, Rendered, Turn},
    window,
    workflow::step::MAX_IMAGES,
};
use exai_inference::{
    delivery::Delivery,
    fallback::PassedOver,
    routing::{Choice, Facts, Needs, Provenance},
};

/// The longest prompt, in characters. Longer material belongs into files.
pub const MAX_PROMPT_CHARS: usize = 300_000;
/// The tool's name in threads and runs.
const TOOL: &str = "chat";

/// What the caller says.
#[derive(Debug, Clone, Default)]
pub struct ChatInput {
    /// The words.
    pub prompt: String,
    /// Files to read with it.
    pub files: Vec<String>,
    /// The thread to continue.
    pub continuation_id: Option<String>,
    /// The model, as the user wrote it.
    pub model: Option<String>,
    /// Sent only when set.
    pub temperature: Option<f32>,
    /// Sent only when set.
    pub thinking: Option<Thinking>,
    /// Images: paths or `data:` URLs.
    pub images: Vec<String>,
    /// Whether the model may search the web.
    pub web_search: bool,
    /// When the model asks for files, add them and ask once more.
    pub add_files: bool,
    /// Do not take the answer from the cache.
    pub fresh: bool,
    /// When no model can be asked, take a stored answer to the same question, however old.
    pub allow_stale: bool,
}

/// What came back.
#[derive(Debug)]
pub struct ChatOutcome {
    /// The text and how it was got.
    pub delivery: Delivery,
    /// The completion before it, when the model asked for files and got them.
    pub first: Option<Delivery>,
    /// The web search that was asked for cannot be had from this model.
    pub without_web: bool,
    /// How the model was found.
    pub provenance: Provenance,
    /// Models that could not be had before.
    pub passed_over: Vec<PassedOver>,
    /// The model's request for files, when that is its whole answer.
    pub files_required: Option<serde_json::Value>,
    /// `path:line` mentions, checked.
    pub mentions: Vec<Mention>,
    /// What the answer is worth.
    pub status: AnswerStatus,
    /// What happened to the offered files.
    pub files: Vec<FileReport>,
    /// Earlier turns that did not fit.
    pub dropped_turns: usize,
    /// The thread.
    pub thread: ThreadId,
    /// Turns that the thread may still take.
    pub remaining_turns: u32,
    /// Whether everything is durable already.
    pub persisted: bool,
}

/// The caller's words, ready to be answered.
struct Begun {
    thread: Option<Thread>,
    choice: Choice,
    rendered: Rendered,
    appended: Appended,
    prologue: Vec<Write>,
}

impl Engine {
    /// Says something to a model and returns its answer.
    ///
    /// # Errors
    /// Anything that [`EngineError`] names. The caller's words are in the thread by then, unless the input was refused or the
    /// thread could not be read.
    pub async fn chat(&self, input: ChatInput, call: &Call) -> Result<ChatOutcome, EngineError> {
        call.phase(Phase::Packing);
        check(&input)?;
        let thread_id = self.threads.parse(input.continuation_id.as_deref())?;
        check_named(&input.files, call).await?;
        let needs = self.chat_needs(&input, call).await;
        let choice = self.choose_model(TOOL, input.model.as_deref(), &needs, call).await?;
        let begun = self
            .threads
            .retrying(thread_id, call, |thread| {
                self.begin_chat(&input, choice.clone(), &needs, thread, call).boxed()
            })
            .await?;
        let Begun { thread, choice, rendered, appended, prologue } = begun;
        let render = |choice: Choice| {
            let (input, thread) = (&input, thread.as_ref());
            async move { self.chat_request(input, thread, &choice, call).await }.boxed()
        };
        let asking = Asking {
            tool: TOOL,
            prompt_version: self.settings.wording.version(Prompt::Chat),
            appended,
            prologue,
            fresh: input.fresh,
            allow_stale: input.allow_stale,
            add_files: input.add_files,
            web_search: input.web_search,
            is_usable: answer_status::is_usable_text,
            choice,
            rendered,
            render: &render,
        };
        let turn = self.ask(asking, call).await?;
        Ok(self.chatted(turn, call).await)
    }

    /// Appends the caller's words to the thread, or prepares them as the beginning of one.
    async fn begin_chat(
        &self,
        input: &ChatInput,
        choice: Choice,
        needs: &Needs,
        thread: Option<Thread>,
        call: &Call,
    ) -> Result<Begun, EngineError> {
        let choice = self.refine(choice, TOOL, needs, thread.as_ref(), call).await;
        let rendered = self.chat_request(input, thread.as_ref(), &choice, call).await?;
        let message = TurnBody::Message(UserMessage {
            text: input.prompt.clone(),
            files: rendered.gathered.file_refs(),
            images: kept(&input.images),
            ..UserMessage::default()
        });
        // A new thread cannot conflict with anything, so its first turn need not be awaited before the model is asked.
        let (appended, prologue) = match &thread {
            None => {
                let (id, prologue) = self.threads.prologue(TOOL, message);
                (Appended { thread: id, next_seq: 1, persisted: true }, prologue)
            }
            Some(known) => (self.threads.append(Some(known), TOOL, message, call).await?, Vec::new()),
        };
        Ok(Begun { thread, choice, rendered, appended, prologue })
    }

    async fn chatted(&self, mut turn: Turn, call: &Call) -> ChatOutcome {
        let answer = Answer {
            // Those of the question are in its turn.
            files: if turn.first.is_some() { turn.gathered.file_refs() } else { Vec::new() },
            ..turn.answer()
        };
        let kept = self.keep(&mut turn, TurnBody::Answer(answer), call).await;
        let text = &turn.delivery.completion.reply.text;
        ChatOutcome {
            files_required: files_required(text),
            mentions: citations::cite_text(text, &turn.gathered.files),
            status: AnswerStatus::of_text(&turn.delivery.completion.reply),
            first: turn.first,
            without_web: turn.without_web,
            provenance: turn.provenance,
            passed_over: turn.passed_over,
            files: turn.gathered.report,
            dropped_turns: turn.dropped_turns,
            thread: kept.thread,
            remaining_turns: kept.remaining_turns,
            persisted: kept.persisted,
            delivery: turn.delivery,
        }
    }

    /// What a conversation needs of its model.
    pub(crate) async fn chat_needs(&self, input: &ChatInput, call: &Call) -> Needs {
        let facts = Facts {
            with_expert: false,
            question: input.prompt.chars().count(),
            file_bytes: bytes_of(&input.files, call).await,
            with_images: !input.images.is_empty(),
            web_search: input.web_search,
            thinking: input.thinking.or(self.preferences().thinking_for(TOOL)),
            with_functions: false,
        };
        facts.needs()
    }

    pub(crate) async fn chat_request(
        &self,
        input: &ChatInput,
        thread: Option<&Thread>,
        choice: &Choice,
        call: &Call,
    ) -> Result<Rendered, EngineError> {
        let preferences = self.preferences();
        let earlier = thread.filter(|_| choice.model.may_see()).map(shown_before).unwrap_or_default();
        let images = images::read(&input.images, &earlier, call).await?;
        let system = self.settings.wording.system(Prompt::Chat, preferences.locale.as_deref());
        let room = window::remaining(&choice.model, &[&system, &input.prompt])?;
        let asking = history::Asking::Prompt(&input.prompt);
        let budget = self.history_room(&choice.model, room);
        let mut history = thread
            .map(|thread| history::render(thread, asking, choice.provider.id(), budget))
            .unwrap_or_default();
        let mut wanted: Vec<Wanted> =
            input.files.iter().map(|path| Wanted { path: path.clone(), from: Origin::Call }).collect();
        let earlier_files = thread.map(|thread| history::files(thread, asking)).unwrap_or_default();
        wanted.extend(earlier_files.into_iter().filter(|file| !input.files.contains(&file.path)));
        let tokens = room.saturating_sub(history.tokens).saturating_sub(images.tokens());
        let room = Room { tokens, file_tokens: self.settings.file_tokens };
        let mut gathered = match thread {
            None => gather(call, wanted, tokens, room.file_tokens).await?,
            Some(thread) => {
                let Anchored { before, gathered } =
                    gather_anchored(call, thread, &history.shown, wanted, room).await?;
                history = history::render_with(thread, asking, choice.provider.id(), budget, &before);
                gathered
            }
        };
        check_readable("absolute_file_paths", !input.files.is_empty(), &gathered)?;
        let mut last = gathered.text.clone();
        if !last.is_empty() {
            last.push('\n');
        }
        last.push_str(&input.prompt);
        let mut messages = history.messages;
        let mut question = Message::user(last);
        question.parts.extend(images.parts);
        messages.push(question);
        gathered.report.extend(images.report);
        let request = Request {
            model: choice.model.id.clone(),
            system: system.into(),
            messages: history::alternate(messages),
            temperature: input.temperature,
            thinking: input.thinking.or(preferences.thinking_for(TOOL)),
            max_output_tokens: None,
            json: false,
            web_search: input.web_search && choice.provider.searches_web(&choice.model),
            tools: exai_core::function_calling::Tooling::default(),
        };
        Ok(Rendered { request, gathered, dropped_turns: history.dropped, digest: None })
    }
}

/// The images that the thread remembers: those that are files.
fn kept(images: &[String]) -> Vec<String> {
    images.iter().filter(|image| !image.starts_with("data:")).cloned().collect()
}

/// The images of earlier turns, latest first, as many as one call may show.
fn shown_before(thread: &Thread) -> Vec<String> {
    let mut images: Vec<String> = Vec::new();
    for turn in thread.turns.iter().rev() {
        let TurnBody::Message(message) = &turn.body else { continue };
        images.extend(
            message.images.iter().filter(|image| !images.contains(image)).cloned().collect::<Vec<_>>(),
        );
    }
    images.truncate(MAX_IMAGES);
    images
}

fn check(input: &ChatInput) -> Result<(), EngineError> {
    if input.prompt.trim().is_empty() {
        return Err(EngineError::invalid("prompt", "say what you want to know"));
    }
    if input.images.len() > MAX_IMAGES {
        let count = input.images.len();
        return Err(EngineError::invalid(
            "images",
            format!("has {count} entries, at most {MAX_IMAGES} are taken"),
        ));
    }
    let count = input.prompt.chars().count();
    if count > MAX_PROMPT_CHARS {
        return Err(EngineError::invalid(
            "prompt",
            format!(
                "has {count} characters, at most {MAX_PROMPT_CHARS} are taken; put long material into a file and name it in absolute_file_paths"
            ),
        ));
    }
    Ok(())
}
