//! A small model that picks among those that may answer, where the user has named one for that. What it says is kept for a class of
//! calls; when it says nothing useful in time, the rules decide, and the answer says so.

use std::{sync::Arc, time::Duration};

use exai_core::{
    chat::{Message, Request, Thinking},
    model::Mark,
    thread::Thread,
};
use futures::future::BoxFuture;
use moka::sync::Cache;
use serde::Deserialize;
use tokio::{sync::OnceCell, time::Instant};

use super::{Choice, Needs, Router, is_auto};
use crate::error::InferenceError;

/// How long it may take.
pub(crate) const SELECTOR_LIMIT: Duration = Duration::from_secs(5);
/// How long its word holds for a class of calls.
const LIFETIME: Duration = Duration::from_secs(600);
/// How long it is not asked again about a class after it gave nothing useful.
const PAUSE: Duration = Duration::from_secs(60);
/// The most classes that are kept.
const MAX_CLASSES: u64 = 1_000;
/// What its answer may take.
const MAX_ANSWER_TOKENS: u32 = 300;
/// The name under which its runs are recorded.
pub(crate) const SELECTOR_TOOL: &str = "route";
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
pub(super) struct SelectorCache(Cache<Class, Arc<OnceCell<Verdict>>>);

impl Default for SelectorCache {
    fn default() -> Self {
        Self(Cache::builder().max_capacity(MAX_CLASSES).time_to_live(LIFETIME).build())
    }
}

/// What is put to the selector, and to whom.
pub(crate) struct SelectorQuestion {
    /// The selector's model.
    pub choice: Choice,
    /// The rendered request, without a system prompt.
    pub request: Request,
}

/// Puts a question to the selector and returns the words of its answer.
pub(crate) type AskSelector<'a> =
    &'a (dyn Fn(SelectorQuestion) -> BoxFuture<'a, Result<String, InferenceError>> + Send + Sync);

/// A call for which a model is picked.
#[derive(Clone, Copy)]
pub struct Picking<'a> {
    /// The tool.
    pub tool: &'a str,
    /// What it needs.
    pub needs: &'a Needs,
    /// The conversation so far.
    pub thread: Option<&'a Thread>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Said {
    model: String,
    why: String,
}

impl Router {
    /// Keeps a conversation with its model; else lets the selector pick, where the user wants that.
    pub(crate) async fn refine(&self, chosen: Choice, picking: Picking<'_>, ask: AskSelector<'_>) -> Choice {
        match self.stay(chosen, picking.thread) {
            (stayed, true) => stayed,
            (chosen, false) => self.select(chosen, picking, ask).await,
        }
    }

    async fn select(&self, mut chosen: Choice, picking: Picking<'_>, ask: AskSelector<'_>) -> Choice {
        let Picking { tool, needs, .. } = picking;
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
        if self.selector.0.get(&class).as_ref().is_some_and(is_over) {
            self.selector.0.invalidate(&class);
        }
        let cell = self.selector.0.get_with(class, Arc::default);
        let verdict = cell
            .get_or_init(async || Verdict {
                said: self.ask_selector(name, &eligible, picking, ask).await,
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
        let health = &self.health;
        let searches = one.provider.searches_web(&one.model);
        health.objection(one.provider.id(), &one.model.id).is_none()
            && needs.lacks(&one.model, searches).is_empty()
    }

    async fn ask_selector(
        &self,
        name: &str,
        eligible: &[&Choice],
        picking: Picking<'_>,
        ask: AskSelector<'_>,
    ) -> Result<(String, String), String> {
        let choice = self.models.named(name).map_err(|error| format!("cannot be asked: {error}"))?;
        let described = self.described(eligible, picking.tool, picking.needs);
        let request = Request {
            thinking: Some(Thinking::Minimal),
            max_output_tokens: Some(MAX_ANSWER_TOKENS),
            json: true,
            ..Request::asking(choice.model.id.clone(), Message::user(described))
        };
        let text = ask(SelectorQuestion { choice, request })
            .await
            .map_err(|error| format!("did not answer: {}", error.kind().code()))?;
        let said: Said =
            serde_json::from_str(text.trim()).map_err(|_| "did not answer in the form it must".to_owned())?;
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
        let health = &self.health;
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
