//! Conversation with a model that may ask for functions. The caller runs them and comes back with what they gave.

mod exchange;

use exai_answers::status as answer_status;
use exai_core::{
    ThreadId,
    chat::{Message, Part, Request, Role, Thinking},
    function_calling::{ToolCall, ToolChoice, ToolSpec, Tooling},
    thread::{Thread, TurnBody},
};
use futures::FutureExt as _;

use crate::{
    call::Call,
    engine::Engine,
    error::EngineError,
    prompt_files::Gathered,
    turn::{Asking, Rendered},
    window,
};
use exai_inference::{
    delivery::Delivery,
    error::InferenceError,
    fallback::PassedOver,
    routing::{Choice, Facts, Needs, Provenance},
};

/// The tool's name in threads and runs.
pub(crate) const TOOL: &str = "chat_with_tools";
/// The most functions that vendors take.
pub const MAX_TOOLS: usize = 128;
/// The longest name that all vendors take.
const MAX_NAME: usize = 64;

/// What the caller says.
#[derive(Debug, Clone, Default)]
pub struct ToolChatInput {
    /// Instructions to the model; empty means none.
    pub system: String,
    /// What is new in the conversation, oldest first; it ends with words of the caller or with what functions gave.
    pub messages: Vec<Message>,
    /// The functions.
    pub tools: Tooling,
    /// The thread to continue.
    pub continuation_id: Option<String>,
    /// The model, as the user wrote it.
    pub model: Option<String>,
    /// Sent only when set.
    pub temperature: Option<f32>,
    /// Sent only when set.
    pub thinking: Option<Thinking>,
    /// Whether the model may search the web, through its provider.
    pub web_search: bool,
    /// Do not take the answer from the cache.
    pub fresh: bool,
}

/// What came back.
#[derive(Debug)]
pub struct ToolChatOutcome {
    /// The text and how it was got.
    pub delivery: Delivery,
    /// What the caller is asked to run.
    pub calls: Vec<ToolCall>,
    /// The provider has no option for how functions are to be called, so the model decided.
    pub choice_left_to_model: bool,
    /// The web search that was asked for cannot be had from this model.
    pub without_web: bool,
    /// How the model was found.
    pub provenance: Provenance,
    /// Models that could not be had before.
    pub passed_over: Vec<PassedOver>,
    /// Earlier messages that did not fit.
    pub dropped: usize,
    /// The thread.
    pub thread: ThreadId,
    /// Turns that the thread may still take.
    pub remaining_turns: u32,
    /// Whether everything is durable already.
    pub persisted: bool,
}

impl Engine {
    /// Says something to a model that may ask for functions, and returns its answer or its calls.
    ///
    /// # Errors
    /// Anything that [`EngineError`] names: among them calls without a result, and results without a call.
    pub async fn chat_with_tools(
        &self,
        input: ToolChatInput,
        call: &Call,
    ) -> Result<ToolChatOutcome, EngineError> {
        check(&input)?;
        let thread_id = self.threads.parse(input.continuation_id.as_deref())?;
        let thread = self.threads.load(thread_id, call).await?;
        let spoken = exchange::joined(thread.as_ref(), &input.messages)?;
        if input.tools.is_empty() && (exchange::has_calls(&spoken.before) || exchange::has_calls(&spoken.new))
        {
            let text = "the conversation holds calls of functions: give the same functions again";
            return Err(EngineError::invalid("tools", text));
        }
        let needs = self.tool_needs(&input);
        let choice = self.choose_model(TOOL, input.model.as_deref(), &needs, call).await?;
        let choice = self.refine(choice, TOOL, &needs, thread.as_ref(), call).await;
        let bodies = spoken.new.iter().map(exchange::body).collect();
        let rendered = self.tool_request(&input, &spoken, thread.as_ref(), &choice)?;
        let appended = self.threads.append_all(thread.as_ref(), TOOL, bodies, call).await?;
        let render = |choice: Choice| {
            let rendered = self.tool_request(&input, &spoken, thread.as_ref(), &choice);
            async move { rendered }.boxed()
        };
        let asking = Asking {
            tool: TOOL,
            prompt_version: 0,
            appended,
            prologue: Vec::new(),
            fresh: input.fresh,
            allow_stale: false,
            add_files: false,
            web_search: input.web_search,
            is_usable: answer_status::is_usable_text,
            choice,
            rendered,
            render: &render,
        };
        let mut turn = self.ask(asking, call).await?;
        let Rendered { request, .. } = self.tool_request(&input, &spoken, thread.as_ref(), &turn.choice)?;
        let answer = turn.answer();
        let calls = answer.tool_calls.clone();
        let kept = self.keep(&mut turn, TurnBody::Answer(answer), call).await;
        Ok(ToolChatOutcome {
            calls,
            choice_left_to_model: !turn.choice.provider.takes_tool_choice(&request),
            without_web: turn.without_web,
            provenance: turn.provenance,
            passed_over: turn.passed_over,
            dropped: turn.dropped_turns,
            delivery: turn.delivery,
            thread: kept.thread,
            remaining_turns: kept.remaining_turns,
            persisted: kept.persisted,
        })
    }

    fn tool_needs(&self, input: &ToolChatInput) -> Needs {
        let words = |message: &Message| {
            message
                .parts
                .iter()
                .map(|part| if let Part::Text { text } = part { text.chars().count() } else { 0 })
                .sum::<usize>()
        };
        let facts = Facts {
            with_expert: false,
            question: input.messages.iter().map(words).sum(),
            web_search: input.web_search,
            thinking: input.thinking.or(self.preferences().thinking_for(TOOL)),
            with_functions: !input.tools.is_empty(),
            ..Facts::default()
        };
        facts.needs()
    }

    /// The request to a model.
    fn tool_request(
        &self,
        input: &ToolChatInput,
        spoken: &exchange::Spoken,
        thread: Option<&Thread>,
        choice: &Choice,
    ) -> Result<Rendered, EngineError> {
        let functions: String = input.tools.specs.iter().map(|spec| spec.parameters.to_string()).collect();
        let room = window::remaining(&choice.model, &[&input.system, &functions])?;
        let new: u32 = spoken.new.iter().map(exchange::cost).fold(0, u32::saturating_add);
        let Some(room) = room.checked_sub(new) else {
            let (needed, limit) = (u64::from(new), u64::from(room));
            return Err(InferenceError::TooLarge { model: choice.model.qualified(), needed, limit }.into());
        };
        let earlier = exchange::before(thread, choice.provider.id());
        let exchange::Fitting { mut messages, dropped } =
            exchange::fitting(earlier, self.history_room(&choice.model, room));
        messages.extend(spoken.new.iter().cloned());
        let request = Request {
            model: choice.model.id.clone(),
            system: input.system.as_str().into(),
            messages: exchange::joining_results(messages),
            temperature: input.temperature,
            thinking: input.thinking.or(self.preferences().thinking_for(TOOL)),
            max_output_tokens: None,
            json: false,
            web_search: input.web_search && choice.provider.searches_web(&choice.model),
            tools: input.tools.clone(),
        };
        Ok(Rendered { request, gathered: Gathered::default(), dropped_turns: dropped, digest: None })
    }
}

fn check(input: &ToolChatInput) -> Result<(), EngineError> {
    match input.messages.last() {
        None => return Err(EngineError::invalid("messages", "say something: a text, or a list of messages")),
        Some(last) if last.role == Role::Assistant => {
            let text = "must end with a message of the user or with the result of a call";
            return Err(EngineError::invalid("messages", text));
        }
        Some(_) => {}
    }
    let specs = &input.tools.specs;
    if specs.len() > MAX_TOOLS {
        let text = format!("has {} functions, at most {MAX_TOOLS} are taken", specs.len());
        return Err(EngineError::invalid("tools", text));
    }
    for (place, spec) in specs.iter().enumerate() {
        check_name(&spec.name)?;
        if specs.iter().take(place).any(|earlier| earlier.name == spec.name) {
            return Err(EngineError::invalid("tools", format!("`{}` is given twice", spec.name)));
        }
    }
    let is_there = |name: &str| specs.iter().any(|spec: &ToolSpec| spec.name == name);
    match &input.tools.choice {
        ToolChoice::Named(name) if !is_there(name) => {
            Err(EngineError::invalid("tool_choice", format!("`{name}` is not among the tools")))
        }
        ToolChoice::Required if specs.is_empty() => {
            Err(EngineError::invalid("tool_choice", "there are no tools to call"))
        }
        _ => Ok(()),
    }
}

fn check_name(name: &str) -> Result<(), EngineError> {
    let fits = name.chars().all(|sign| sign.is_ascii_alphanumeric() || matches!(sign, '_' | '-'));
    if name.is_empty() || name.len() > MAX_NAME || !fits {
        let shown: String = name.chars().take(MAX_NAME).collect();
        let text = format!("`{shown}`: a name has 1 to {MAX_NAME} letters, digits, `_` and `-`");
        return Err(EngineError::invalid("tools", text));
    }
    Ok(())
}
