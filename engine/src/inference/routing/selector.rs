//! A small model that picks among those that may answer, where the user has named one for that. What it says is kept for a class of
//! calls; when it says nothing useful in time, the rules decide, and the answer says so.

use std::{sync::Arc, time::Duration};

use exai_core::{
    ThreadId,
    chat::{Message, Request, Thinking},
    model::Mark,
    thread::Thread,
};
use moka::sync::Cache;
use serde::Deserialize;
use tokio::{sync::OnceCell, time::Instant};

use super::{Choice, Needs, is_auto};
use crate::{call::Call, engine::Engine, inference::expert::Question};

/// How long it may take.
const LIMIT: Duration = Duration::from_secs(5);
/// How long its word holds for a class of calls.
const LIFETIME: Duration = Duration::from_secs(600);
/// How long it is not asked again about a class after it gave nothing useful.
const PAUSE: Duration = Duration::from_secs(60);
/// The most classes that are kept.
const MAX_CLASSES: u64 = 1_000;
/// What its answer may take.
const MAX_ANSWER_TOKENS: u32 = 300;
/// The name under which its consultations are recorded.
const TOOL: &str = "route";
/// The most characters of its reason that are passed on.
const MAX_WHY: usize = 200;

/// Calls that are alike in everything that it is told, but for the figures that change all the time.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Class {
    selector: String,
    tool: String,
    purpose: bool,
    does: [bool; 3],
    thinking: Option<Thinking>,
    /// The number of binary digits of the thousands of tokens.
    size: u32,
    candidates: Vec<String>,
}

/// What it said: a candidate and why, or what was wrong.
#[derive(Debug)]
struct Verdict {
    said: Result<(String, String), String>,
    at: Instant,
}

/// What was said about classes of calls. One question at a time for each.
#[derive(Debug, Clone)]
pub(crate) struct Verdicts(Cache<Class, Arc<OnceCell<Verdict>>>);

impl Default for Verdicts {
    fn default() -> Self {
        Self(Cache::builder().max_capacity(MAX_CLASSES).time_to_live(LIFETIME).build())
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Said {
    model: String,
    why: String,
}

impl Engine {
    /// Keeps a conversation with its model; else lets the selector pick, where the user wants that.
    pub(crate) async fn settled(
        &self,
        chosen: Choice,
        (tool, needs): (&str, &Needs),
        thread: Option<&Thread>,
        call: &Call,
    ) -> Choice {
        match self.stay(chosen, thread) {
            (stayed, true) => stayed,
            (chosen, false) => self.managed(chosen, tool, needs, call).await,
        }
    }

    async fn managed(&self, mut chosen: Choice, tool: &str, needs: &Needs, call: &Call) -> Choice {
        let preferences = self.preferences();
        let Some(name) = preferences.selector.as_deref().filter(|_| preferences.routes) else {
            return chosen;
        };
        if !is_auto(&chosen.requested) || chosen.routed_by.is_some() || chosen.others.is_empty() {
            return chosen;
        }
        let all: Vec<&Choice> = std::iter::once(&chosen).chain(&chosen.others).collect();
        let eligible: Vec<&Choice> = all.iter().copied().filter(|one| self.is_eligible(one, needs)).collect();
        if eligible.len() < 2 {
            return chosen;
        }
        let class = Class {
            selector: name.to_owned(),
            tool: tool.to_owned(),
            purpose: needs.purpose == Mark::Deep,
            does: [needs.vision, needs.web_search, needs.functions],
            thinking: needs.thinking,
            size: u32::BITS - (needs.input_tokens / 1_000).leading_zeros(),
            candidates: eligible.iter().map(|one| one.model.qualified()).collect(),
        };
        let is_over = |cell: &Arc<OnceCell<Verdict>>| {
            cell.get().is_some_and(|verdict| verdict.said.is_err() && verdict.at.elapsed() >= PAUSE)
        };
        if self.verdicts.0.get(&class).as_ref().is_some_and(is_over) {
            self.verdicts.0.invalidate(&class);
        }
        let cell = self.verdicts.0.get_with(class, Arc::default);
        let verdict = cell
            .get_or_init(async || Verdict {
                said: self.ask_selector(name, &eligible, tool, needs, call).await,
                at: Instant::now(),
            })
            .await;
        match &verdict.said {
            Ok((model, why)) => {
                let by = format!("selector {name}: {why}");
                let mut all = vec![Choice { others: Vec::new(), ..chosen.clone() }];
                all.append(&mut chosen.others);
                let place = all.iter().position(|one| one.model.qualified() == *model).unwrap_or_default();
                let picked = all.remove(place);
                Choice { routed_by: Some(by.into()), fallback_reason: None, others: all, ..picked }
            }
            Err(problem) => {
                let by = format!("rules, because the selector {name} {problem}");
                Choice { routed_by: Some(by.into()), ..chosen }
            }
        }
    }

    /// Whether one can be had now and lacks nothing.
    fn is_eligible(&self, one: &Choice, needs: &Needs) -> bool {
        let health = self.expert.attempts.health();
        let searches = one.provider.searches_web(&one.model);
        health.objection(one.provider.id(), &one.model.id).is_none()
            && needs.lacks(&one.model, searches).is_empty()
    }

    async fn ask_selector(
        &self,
        name: &str,
        eligible: &[&Choice],
        tool: &str,
        needs: &Needs,
        call: &Call,
    ) -> Result<(String, String), String> {
        let selector = self.models.named(name).map_err(|error| format!("cannot be asked: {error}"))?;
        let request = Request {
            system: exai_prompts::texts::route().into(),
            thinking: Some(Thinking::Minimal),
            max_output_tokens: Some(MAX_ANSWER_TOKENS),
            json: true,
            ..Request::asking(selector.model.id.clone(), Message::user(self.described(eligible, tool, needs)))
        };
        let question = Question {
            tool: TOOL,
            prompt_version: 1,
            thread: ThreadId::new(),
            choice: selector,
            request,
            fresh: true,
            allow_stale: false,
            // It is asked once.
            is_last: false,
            prologue: Vec::new(),
        };
        let answered = match self.expert.consult(question, &call.apart(LIMIT)).await {
            Ok(answered) => answered,
            Err(error) => return Err(format!("did not answer: {}", error.kind().code())),
        };
        if !answered.unwritten.is_empty() {
            drop(self.threads.store.write(&call.principal, answered.unwritten));
        }
        let said: Said = serde_json::from_str(answered.delivery.consulted.reply.text.trim())
            .map_err(|_| "did not answer in the form it must".to_owned())?;
        if !eligible.iter().any(|one| one.model.qualified() == said.model) {
            return Err("named a model that is not on its list".to_owned());
        }
        Ok((said.model, said.why.chars().take(MAX_WHY).collect()))
    }

    /// The call and the candidates in words.
    fn described(&self, eligible: &[&Choice], tool: &str, needs: &Needs) -> String {
        let yes = |given: bool| if given { "yes" } else { "no" };
        let purpose = match needs.purpose {
            Mark::Fast => "conversation",
            Mark::Deep => "expert analysis",
        };
        let effort = needs.thinking.map_or("not said", Thinking::as_str);
        let mut text = format!(
            "Tool: {tool}\nPurpose: {purpose}\nEffort: {effort}\nPictures: {}\nWeb search: {}\nFunctions: {}\nTokens: about {}\n\nModels:\n",
            yes(needs.vision),
            yes(needs.web_search),
            yes(needs.functions),
            needs.input_tokens
        );
        let health = self.expert.attempts.health();
        for one in eligible {
            let model = &one.model;
            text.push_str(&format!("- {}: ", model.qualified()));
            if model.intelligence > 0 {
                text.push_str(&format!("capability {} of 20; ", model.intelligence));
            }
            if let (Some(input), Some(output)) = (model.price.input, model.price.output) {
                text.push_str(&format!("${input} in and ${output} out per million tokens; "));
            }
            let (latency, error_rate) = health.averages(one.provider.id(), &model.id);
            if let Some(latency) = latency {
                let failed = error_rate * 100.0;
                text.push_str(&format!("answers in {latency:.0} ms, {failed:.0} % failed; "));
            }
            text.push_str(&format!("window {}\n", model.context_window));
        }
        text
    }
}
