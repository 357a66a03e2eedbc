//! The further parts of an answer that was longer than its client shows, and answers that came too late for it. Any tool gives them: the
//! models of clients cannot read resources, but they can call the tool again.

mod wanted;

use std::time::Duration;

use exai_clients::fit::{self, PartCall, Pointer};
use exai_core::{
    Identity,
    answer::{AnswerState, KeptAnswer},
};
use exai_engine::{Call, EngineError, answers::AnswerQuery};
use rmcp::model::{CallToolResponse, CallToolResult, ContentBlock, JsonObject};
use serde_json::{Map, Value};
use tokio::time::{Instant, sleep_until, timeout_at};
use tokio_util::sync::CancellationToken;

use self::wanted::{CONTINUATION, Of, Wanted};
use super::{
    cancel_registry::{BegunRequest, CancelRegistry, RequestKey},
    resources::{ANSWER_WAIT, answer_uri},
    state::ExaiServer,
};
use crate::reply::{self};

/// How many of a thread's kept answers are looked through for its latest whole one.
const LATEST: u32 = 8;
/// How soon an answer is looked for again whose work this process does not know.
const LOOK_AGAIN: Duration = Duration::from_secs(1);

/// Who asks for a part, and as what.
pub(super) struct Asking<'a> {
    /// The tool's name as the client called it.
    pub tool: &'a str,
    /// How many characters its client shows.
    pub limit: Option<usize>,
    pub call: &'a Call,
}

impl ExaiServer {
    /// What a call asks for in place of the tool's work: a part, or an answer that its client was told to come back for. A call that
    /// names an answer whose client has it already continues the thread of that answer.
    pub(super) async fn asked_part(
        &self,
        arguments: Option<&mut JsonObject>,
        who: &Identity,
    ) -> Option<Result<Wanted, String>> {
        let arguments = arguments?;
        if let Some(wanted) = wanted::wanted(arguments) {
            return Some(wanted);
        }
        let id = wanted::named_answer(arguments)?;
        let whole = || Some(Ok(Wanted { of: Of::Answer(id), part: 1 }));
        if self.detached.is_announced(id) {
            return whole();
        }
        let kept = self.kept(Of::Answer(id), who).await.ok().flatten()?;
        if kept.state == AnswerState::Working {
            return whole();
        }
        let thread = kept.thread?;
        arguments.insert(CONTINUATION.to_owned(), thread.to_string().into());
        None
    }

    /// The part of an answer of this caller. An answer that is still worked on is waited for; who gives up the waiting by `key` cancels the
    /// work.
    pub(super) async fn part(
        &self,
        wanted: Result<Wanted, String>,
        key: RequestKey,
        asking: &Asking<'_>,
    ) -> CallToolResponse {
        let (tool, call) = (asking.tool, asking.call);
        let Wanted { of, part } = match wanted {
            Ok(wanted) => wanted,
            Err(problem) => return reply::bad_arguments(tool, &[problem], &[], call),
        };
        let who = &call.principal.identity;
        // Before anything is waited for: the client may give up at once.
        let waits = self.waits_for(of, who, key);
        let kept = match self.kept(of, who).await {
            Ok(Some(kept)) if kept.state == AnswerState::Working => self.awaited(kept, who).await,
            found => found,
        };
        waits.into_iter().for_each(Waits::over);
        let kept = match kept {
            Ok(Some(kept)) => kept,
            Ok(None) => {
                let message = "no answer that has parts is known by this continuation_id: it was short enough to be shown whole, has \
                               expired, or belongs to someone else";
                return reply::no_part(tool, message, call);
            }
            Err(failure) => return reply::error(tool, &failure, &[], call),
        };
        match kept.state {
            AnswerState::Done => {
                self.detached.given(kept.id);
                part_of(&kept, part, self.tools.demanded(tool), asking)
            }
            AnswerState::Working => self.announced(kept.id, tool, call),
            AnswerState::Cancelled => {
                reply::no_part(tool, "the call that this answer belongs to was cancelled", call)
            }
            AnswerState::Interrupted => {
                let message = "the server ended before the answer; ask your question again, with the same arguments as before";
                reply::no_part(tool, message, call)
            }
        }
    }

    /// Lets a cancellation of this request reach the work on an answer of this caller.
    fn waits_for(&self, of: Of, who: &Identity, key: RequestKey) -> Option<Waits> {
        let Of::Answer(id) = of else { return None };
        let work = self.detached.get(id).filter(|work| work.who == *who)?;
        let begun = Some(self.cancels.begin(key, work.cancel));
        Some(Waits { cancels: self.cancels.clone(), begun, ended: work.ended })
    }

    /// The answer when it is there in time, as it is otherwise.
    async fn awaited(&self, kept: KeptAnswer, who: &Identity) -> Result<Option<KeptAnswer>, EngineError> {
        let until = Instant::now() + self.parts.hurried_after;
        let mut latest = kept;
        while latest.state == AnswerState::Working && Instant::now() < until {
            match self.detached.get(latest.id) {
                Some(work) => {
                    // In time or not: what is kept says which.
                    drop(timeout_at(until, work.ended.cancelled()).await);
                }
                // Another process works on it, or the database does not have its answer yet.
                None => sleep_until(until.min(Instant::now() + LOOK_AGAIN)).await,
            }
            let Some(now) = self.kept(Of::Answer(latest.id), who).await? else { return Ok(None) };
            latest = now;
        }
        Ok(Some(latest))
    }

    async fn kept(&self, of: Of, who: &Identity) -> Result<Option<KeptAnswer>, EngineError> {
        match of {
            Of::Answer(id) => self.engine().find_answer(who, AnswerQuery { id, wait: ANSWER_WAIT }).await,
            Of::Thread(thread) => {
                let answers = self.engine().answers_of_thread(who, thread, LATEST, ANSWER_WAIT).await?;
                Ok(answers.into_iter().find(|kept| kept.state == AnswerState::Done))
            }
        }
    }
}

/// A request that waits for the work of another. Its cancellation arrives a moment after it was dropped, and must still find the work.
struct Waits {
    cancels: CancelRegistry,
    begun: Option<BegunRequest>,
    ended: CancellationToken,
}

impl Waits {
    /// The request goes on without the work.
    fn over(mut self) {
        if let Some(begun) = self.begun.take() {
            self.cancels.end(&begun);
        }
    }
}

impl Drop for Waits {
    fn drop(&mut self) {
        let Some(begun) = self.begun.take() else { return };
        let (cancels, ended) = (self.cancels.clone(), self.ended.clone());
        tokio::spawn(async move {
            ended.cancelled().await;
            cancels.end(&begun);
        });
    }
}

fn part_of(
    kept: &KeptAnswer,
    part: usize,
    demanded: &Map<String, Value>,
    asking: &Asking<'_>,
) -> CallToolResponse {
    let id = kept.id.to_string();
    let call = PartCall { tool: asking.tool, id: &id, demanded };
    let pointer = Pointer { call, resource: &answer_uri(kept.id) };
    let parts = asking.limit.and_then(|limit| fit::parts(&kept.text, limit, &pointer));
    let parts = parts.unwrap_or_else(|| vec![kept.text.clone()]);
    let Some(text) = part.checked_sub(1).and_then(|index| parts.get(index)) else {
        let has = match parts.len() {
            1 => "one part, which you have got".to_owned(),
            many => format!("{many} parts"),
        };
        return reply::no_part(
            asking.tool,
            &format!("there is no part {part}: this answer has {has}"),
            asking.call,
        );
    };
    let content = vec![ContentBlock::text(text.clone())];
    let mut result =
        if kept.is_error { CallToolResult::error(content) } else { CallToolResult::success(content) };
    result.meta = Some(reply::long_answer_meta());
    result.into()
}
