//! The request of the consultation before, once more: byte for byte, or not at all.
//!
//! Providers read a prompt that begins like an earlier one from their cache, for a fraction of its price and time. Requests are not
//! stored. One is written again from the steps of its turn and the files as they are now, and stands only when it comes to the same bytes.

use exai_core::thread::{Step, Thread, TurnBody};

use super::{
    StepInput, StoredStep,
    present_work::{present_work, work_with},
    spec::ExpertRule,
    written::Written,
};
use crate::{call::Call, engine::Engine};
use exai_inference::routing::Choice;

/// Each request is written again from the one before it, with the files and changes of both. After so many the next one begins anew.
const MOST_REPEATED: usize = 8;

/// The request before this one.
pub(super) struct Earlier<'t> {
    pub written: Written,
    /// The whole thread.
    pub thread: &'t Thread,
    /// The number of its last step's turn; what comes later is not in it.
    pub since: u32,
    /// The steps in its question.
    pub work: Vec<Step>,
}

impl Engine {
    /// The request of the tool's last consultation in this thread, when nothing of it has changed.
    pub(super) async fn earlier<'t>(
        &self,
        stored: &StoredStep<'t>,
        rule: &ExpertRule,
        choice: &Choice,
        call: &Call,
    ) -> Option<Earlier<'t>> {
        let (thread, spec) = (stored.thread?, stored.spec);
        if consultations(thread, spec.name).is_multiple_of(MOST_REPEATED) {
            return None;
        }
        let (index, digest) = last_consultation(thread, spec.name)?;
        let turn = thread.turns.get(index)?;
        let TurnBody::Step(step) = &turn.body else { return None };
        let before = Thread { turns: thread.turns.get(..index)?.to_vec(), ..cut(thread) };
        let earlier = present_work(&before, spec.name);
        let work = work_with(&earlier, step);
        let changes = self.changes(spec, step, &earlier, call).await.ok()?;
        let input = StepInput { images: step.images.clone(), ..stored.input.clone() };
        let again = StoredStep {
            spec,
            input: &input,
            thread: (!before.turns.is_empty()).then_some(&before),
            work: &work,
            step,
            changes: changes.as_ref(),
            appended: stored.appended,
        };
        let written = self.written(&again, rule, choice, call).await.ok()?;
        let is_same = written.rendered.digest.as_deref() == Some(digest);
        let work = work.into_iter().cloned().collect();
        is_same.then_some(Earlier { written, thread, since: turn.seq, work })
    }
}

/// How many consultations of the tool left a request in the thread.
fn consultations(thread: &Thread, tool: &str) -> usize {
    thread.turns.iter().filter(|turn| turn.tool == tool && digest(&turn.body).is_some()).count()
}

fn digest(body: &TurnBody) -> Option<&str> {
    match body {
        TurnBody::Answer(answer) => answer.request.as_deref(),
        TurnBody::Message(message) => message.request.as_deref(),
        TurnBody::Step(_) | TurnBody::Opinion(_) => None,
    }
}

/// A thread without its turns.
fn cut(thread: &Thread) -> Thread {
    Thread {
        id: thread.id,
        tool: thread.tool.clone(),
        created_at: thread.created_at,
        updated_at: thread.updated_at,
        expires_at: thread.expires_at,
        turns: Vec::new(),
    }
}

/// The last step of the tool's last consultation, by its place in the thread, and the digest of the request.
fn last_consultation<'t>(thread: &'t Thread, tool: &str) -> Option<(usize, &'t str)> {
    let of_tool = || thread.turns.iter().enumerate().rev().filter(|(_, turn)| turn.tool == tool);
    let (end, digest) = of_tool().find_map(|(index, turn)| Some((index, digest(&turn.body)?)))?;
    let is_step = |(index, turn): &(usize, &exai_core::thread::Turn)| {
        *index < end && matches!(turn.body, TurnBody::Step(_))
    };
    of_tool().find(is_step).map(|(index, _)| (index, digest))
}

/// The steps that are not among `known`; at least the last.
pub(super) fn not_in<'s>(steps: &[&'s Step], known: &[Step]) -> Vec<&'s Step> {
    let new: Vec<&Step> = steps.iter().copied().filter(|step| !known.contains(step)).collect();
    if new.is_empty() { steps.last().copied().into_iter().collect() } else { new }
}
