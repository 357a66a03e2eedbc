//! A question about one file of any format: text is read here, the rest is read by a provider.

use std::sync::Arc;

use exai_answers::{
    citations,
    status::{self as answer_status, AnswerStatus},
};
use exai_context::{
    evidence::{EvidenceFile, FileReport, FileStatus, Segment},
    files::{self as context, FileBytes},
};
use exai_core::{
    chat::{Message, Part, Request, Role, Thinking},
    files::{Reading, UploadedFile},
    model::{Mark, ModelSpec},
    provider::Provider,
    run::Phase,
    thread::{FileRef, TurnBody, UserMessage},
};
use exai_prompts::Prompt;
use futures::FutureExt as _;

use super::{
    blocking, ctx, failed, rejected,
    upload::{Placed, is_gone},
};
use crate::{
    call::Call,
    chat::{ChatInput, ChatOutcome},
    engine::Engine,
    error::EngineError,
    named_files::check_named,
    prompt_files::{Gathered, rendered},
    turn::{Asking, Rendered},
    window,
};
use exai_inference::routing::{Choice, Chosen, Needs};

/// The tool's name in threads and runs.
const TOOL: &str = "file_query";
/// The largest file that is read, in bytes; providers take less.
const MAX_BYTES: u64 = 512 * 1024 * 1024;
/// Tokens of a prompt that are not the file.
const FRAME: u32 = 200;

/// What is asked.
#[derive(Debug, Clone, Default)]
pub struct FileQueryInput {
    /// The file, beneath the allowed folders.
    pub file_path: String,
    /// The question.
    pub question: String,
    /// The provider that reads a file which is not text; the first that reads files when `None` or `auto`.
    pub provider: Option<String>,
    /// The model, as the user wrote it.
    pub model: Option<String>,
    /// Sent only when set.
    pub thinking: Option<Thinking>,
    /// Whether the cache is left out.
    pub fresh: bool,
}

/// How the model got the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Passed {
    /// As text that was read here; it was not uploaded.
    AsText,
    /// Through a provider.
    At {
        /// The file at the provider.
        file: UploadedFile,
        /// Whether the provider had the same content already.
        was_there: bool,
        /// Whether the model got the text that the provider made of it, in part when that did not fit.
        as_text: bool,
    },
}

/// What came back.
#[derive(Debug)]
pub struct FileQueryOutcome {
    /// The answer.
    pub chat: ChatOutcome,
    /// How the model got the file.
    pub passed: Passed,
}

/// A file that is not text, as it is shown to a model, and the upload behind it.
struct Given {
    placed: Placed,
    shown: Shown,
}

/// How a file that is not text is shown to a model.
#[derive(Clone)]
enum Shown {
    Text(Arc<EvidenceFile>),
    AtVendor(Part),
}

impl Engine {
    /// Asks a model about a file.
    ///
    /// # Errors
    /// The file may not be read, no provider reads its format, or the model cannot be asked.
    pub async fn file_query(
        &self,
        input: FileQueryInput,
        call: &Call,
    ) -> Result<FileQueryOutcome, EngineError> {
        call.phase(Phase::Packing);
        if input.question.trim().is_empty() {
            return Err(EngineError::invalid("question", "say what you want to know about the file"));
        }
        check_named(std::slice::from_ref(&input.file_path), call).await?;
        let (roots, path) = (call.roots.roots().await, input.file_path.clone());
        let read =
            blocking("reading the file", move || context::read_bytes(&roots, &path, MAX_BYTES)).await?;
        let file = read.map_err(|rejection| rejected("file_path", &input.file_path, &rejection))?;
        if file.is_text {
            let chat = ChatInput {
                prompt: input.question,
                files: vec![input.file_path],
                model: input.model,
                thinking: input.thinking,
                fresh: input.fresh,
                ..ChatInput::default()
            };
            return Ok(FileQueryOutcome { chat: self.chat(chat, call).await?, passed: Passed::AsText });
        }
        let provider = self.filing(input.provider.as_deref())?;
        let Given { placed: Placed { file: there, was_there }, shown } =
            self.shown(&provider, file, call).await?;
        let as_text = matches!(shown, Shown::Text(_));
        let chat = self.ask_about(&input, &provider, &there, shown, call).await?;
        Ok(FileQueryOutcome { chat, passed: Passed::At { file: there, was_there, as_text } })
    }

    /// Uploads the file and finds how a model is shown it. A file that the provider no longer has is uploaded again.
    async fn shown(
        &self,
        provider: &Arc<dyn Provider>,
        file: FileBytes,
        call: &Call,
    ) -> Result<Given, EngineError> {
        let port = self.file_port(provider)?;
        let (path, absolute, hash) = (file.path.clone(), file.absolute.clone(), file.hash.clone());
        let again = FileBytes {
            path: file.path.clone(),
            absolute: file.absolute.clone(),
            bytes: file.bytes.clone(),
            hash: file.hash.clone(),
            is_text: false,
        };
        let mut placed = self.put(provider, file, call).await?;
        if port.reading() == Reading::ById {
            let part = Part::File { provider: provider.id().clone(), id: placed.file.id.clone() };
            return Ok(Given { placed, shown: Shown::AtVendor(part) });
        }
        let mut content = port.content(&placed.file.id, &ctx(call)).await.map_err(failed);
        if placed.was_there && content.as_ref().is_err_and(is_gone) {
            self.forget(&placed.file, call).await;
            placed = self.put(provider, again, call).await?;
            content = port.content(&placed.file.id, &ctx(call)).await.map_err(failed);
        }
        let text = String::from_utf8_lossy(&content?).into_owned();
        if text.trim().is_empty() {
            let problem = format!("{} found no text in it", provider.id());
            return Err(EngineError::invalid("file_path", format!("{path}: {problem}")));
        }
        let lines = u32::try_from(text.lines().count()).unwrap_or(u32::MAX);
        let segments = vec![Segment { first_line: 1, text }];
        let evidence = EvidenceFile {
            path,
            absolute,
            hash,
            bytes: placed.file.bytes,
            lines,
            segments,
            removed: Vec::new(),
        };
        Ok(Given { placed, shown: Shown::Text(Arc::new(evidence)) })
    }

    async fn ask_about(
        &self,
        input: &FileQueryInput,
        provider: &Arc<dyn Provider>,
        there: &UploadedFile,
        shown: Shown,
        call: &Call,
    ) -> Result<ChatOutcome, EngineError> {
        let choice = self.reader(input, provider, &shown, call).await?;
        let rendered = self.file_request(input, &shown, &choice)?;
        let reference = FileRef { path: input.file_path.clone(), hash: Some(there.hash.clone()) };
        let asked =
            UserMessage { text: input.question.clone(), files: vec![reference], ..UserMessage::default() };
        let appended = self.threads.append(None, TOOL, TurnBody::Message(asked), call).await?;
        let render = |choice: Choice| {
            let rendered = self.file_request(input, &shown, &choice);
            async move { rendered }.boxed()
        };
        let asking = Asking {
            tool: TOOL,
            prompt_version: self.settings.wording.version(Prompt::Chat),
            appended,
            prologue: Vec::new(),
            fresh: input.fresh,
            allow_stale: false,
            add_files: false,
            web_search: false,
            is_usable: answer_status::is_usable_text,
            choice,
            rendered,
            render: &render,
        };
        let mut turn = self.ask(asking, call).await?;
        let answer = TurnBody::Answer(turn.answer());
        let kept = self.keep(&mut turn, answer, call).await;
        Ok(ChatOutcome {
            files_required: None,
            mentions: citations::cite_text(&turn.delivery.completion.reply.text, &turn.gathered.files),
            status: AnswerStatus::of_text(&turn.delivery.completion.reply),
            first: None,
            without_web: false,
            provenance: turn.provenance,
            passed_over: turn.passed_over,
            files: turn.gathered.report,
            dropped_turns: 0,
            thread: kept.thread,
            remaining_turns: kept.remaining_turns,
            persisted: kept.persisted,
            delivery: turn.delivery,
        })
    }

    /// The model that is asked: any model about a text, a model of the provider about a file that it has.
    async fn reader(
        &self,
        input: &FileQueryInput,
        provider: &Arc<dyn Provider>,
        shown: &Shown,
        call: &Call,
    ) -> Result<Choice, EngineError> {
        let needs = Needs::of(Mark::Fast);
        let named = input.model.as_deref().filter(|name| !exai_inference::routing::is_auto(name));
        let own = provider.models();
        let usual = own.iter().find(|model| model.marks.contains(&Mark::Fast)).map(ModelSpec::qualified);
        // Without a name the provider that has the file is asked, even when another would come first.
        let name = named.map(str::to_owned).or(usual);
        let chosen = self.inference.router().choose(TOOL, name.as_deref(), &needs, call).await?;
        let choice = match chosen {
            Chosen::Model(choice) => choice,
            Chosen::Offline { by_request } => return Err(self.no_model(TOOL, by_request)),
        };
        if matches!(shown, Shown::AtVendor(_)) && choice.provider.id() != provider.id() {
            let text = format!(
                "{} cannot read a file that lies at {}; name one of its models, or leave it out",
                choice.model.qualified(),
                provider.id()
            );
            return Err(EngineError::invalid("model", text));
        }
        let requested = named.unwrap_or(exai_inference::routing::AUTO).to_owned();
        Ok(Choice { requested, others: Vec::new(), ..*choice })
    }

    fn file_request(
        &self,
        input: &FileQueryInput,
        shown: &Shown,
        choice: &Choice,
    ) -> Result<Rendered, EngineError> {
        let preferences = self.preferences();
        let system = self.settings.wording.system(Prompt::Chat, preferences.locale.as_deref());
        let room = window::remaining(&choice.model, &[&system, &input.question])?.saturating_sub(FRAME);
        let mut gathered = Gathered::default();
        let parts = match shown {
            Shown::AtVendor(part) => vec![part.clone(), Part::text(input.question.as_str())],
            Shown::Text(file) => {
                gathered = fitted(file, room)?;
                vec![Part::text(format!("{}\n{}", gathered.text, input.question))]
            }
        };
        let request = Request {
            model: choice.model.id.clone(),
            system: system.into(),
            messages: vec![Message { role: Role::User, parts }],
            temperature: None,
            thinking: input.thinking.or(preferences.thinking_for(TOOL)),
            max_output_tokens: None,
            json: false,
            web_search: false,
            tools: exai_core::function_calling::Tooling::default(),
        };
        Ok(Rendered { request, gathered, dropped_turns: 0, digest: None })
    }
}

/// The file, or its beginning and end when it does not fit.
fn fitted(file: &EvidenceFile, room: u32) -> Result<Gathered, EngineError> {
    let segments = context::cut(&file.path, &file.segments, room).ok_or_else(|| {
        EngineError::invalid("file_path", format!("{}: the model's window has no room for it", file.path))
    })?;
    let is_whole = segments.len() == 1
        && segments.iter().map(|segment| segment.text.len()).sum::<usize>()
            == file.segments.iter().map(|segment| segment.text.len()).sum::<usize>();
    let tokens = context::cost(&file.path, &segments);
    let status = if is_whole { FileStatus::Included } else { FileStatus::Excerpted };
    let reason = (!is_whole).then(|| format!("lines {} of {}", context::ranges(&segments), file.lines));
    let report = vec![FileReport::new(file.path.clone(), status, reason, tokens)];
    let files = vec![EvidenceFile { segments, ..file.clone() }];
    let text = rendered(&files);
    Ok(Gathered { files: Arc::new(files), report, text, left_out: String::new() })
}

#[cfg(test)]
mod tests {
    use exai_core::Kind;

    use super::*;

    #[test]
    fn a_long_text_is_reported_as_excerpted() {
        let text: String = (1..=1_000).map(|line| format!("line {line}\n")).collect();
        let file = EvidenceFile {
            path: "a.pdf".to_owned(),
            absolute: "/a.pdf".into(),
            hash: "0".repeat(64),
            bytes: 1,
            lines: 1_000,
            segments: vec![Segment { first_line: 1, text }],
            removed: Vec::new(),
        };
        let whole = fitted(&file, 100_000).unwrap();
        assert_eq!(whole.report[0].status, FileStatus::Included);
        let part = fitted(&file, 1_000).unwrap();
        assert_eq!(part.report[0].status, FileStatus::Excerpted);
        assert!(part.text.contains("line 1\n") && part.text.contains("line 1000\n"));
        assert!(part.report[0].reason.as_deref().unwrap().ends_with(" of 1000"));
        assert_eq!(fitted(&file, 10).unwrap_err().kind(), Kind::InvalidInput);
    }
}
