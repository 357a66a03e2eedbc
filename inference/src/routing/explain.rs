//! Why a model would be chosen: everyone who may answer, in order, with what speaks for and against each.

use exai_core::{
    chat::{Message, Request},
    model::{Mark, ModelSpec},
};

use super::{Choice, Needs, Router, Strategy, is_auto};
use crate::cost;

/// A call that might be made.
#[derive(Debug, Clone)]
pub struct RouteQuery<'a> {
    /// The tool.
    pub tool: &'a str,
    /// The model, when one is named.
    pub model: Option<&'a str>,
    /// The words, for an estimate of the price.
    pub prompt: &'a str,
    /// What the call needs.
    pub needs: Needs,
}

/// Who would answer.
#[derive(Debug)]
pub struct Route {
    /// What decides, in words.
    pub rule: String,
    /// Everyone who may answer, in order; empty when the inspection would.
    pub candidates: Vec<Candidate>,
}

/// One who may answer.
#[derive(Debug)]
pub struct Candidate {
    /// `provider/model`.
    pub model: String,
    /// What speaks for and against it.
    pub reasons: Vec<String>,
    /// What the call is likely to cost, in US dollars.
    pub estimate_usd: Option<f64>,
    /// Tokens of prompt and answer together.
    pub window: u32,
}

impl Router {
    /// Why `choice` and those behind it would be asked, in this order.
    pub(crate) fn explain(&self, mut choice: Choice, query: &RouteQuery<'_>) -> Route {
        let rule = self.rule(query, &choice);
        let others = std::mem::take(&mut choice.others);
        let all = std::iter::once(&choice).chain(&others);
        Route { rule, candidates: all.map(|one| self.candidate(one, query)).collect() }
    }

    fn rule(&self, query: &RouteQuery<'_>, choice: &Choice) -> String {
        let preferences = self.preferences();
        let named = query.model.filter(|name| !is_auto(name));
        if let Some(name) = named {
            return format!("the call names `{name}`; nobody else is asked");
        }
        let next = match (choice.others.is_empty(), preferences.routes) {
            (false, _) => "the next one is asked if one is unavailable",
            (true, true) => "nobody else is asked",
            (true, false) => "routing.enabled is false, nobody else is asked",
        };
        let by = choice.routed_by.as_deref();
        if let Some(by) = by.filter(|by| !by.starts_with("rules,")) {
            return format!("{by}; {next}");
        }
        if let Some(name) = preferences.model_for(query.tool) {
            return format!("the configuration names `{name}` for {}; nobody else is asked", query.tool);
        }
        let purpose = match query.needs.purpose {
            Mark::Fast => "conversation",
            Mark::Deep => "expert analysis",
        };
        let word = Strategy::WORDS.iter().find(|(_, known)| *known == preferences.strategy);
        let strategy = word.map_or("listed", |(word, _)| *word);
        format!(
            "auto: each configured vendor's model for {purpose}, in the order `{strategy}`; {next}{}",
            by.map(|by| format!(" ({by})")).unwrap_or_default()
        )
    }

    fn candidate(&self, one: &Choice, query: &RouteQuery<'_>) -> Candidate {
        let (health, needs) = (&self.health, &query.needs);
        let mut reasons = Vec::new();
        match health.objection(one.provider.id(), &one.model.id) {
            Some(kind) => reasons.push(format!("unavailable now: {}", kind.code())),
            None => reasons.push("available".to_owned()),
        }
        let (latency, error_rate) = health.averages(one.provider.id(), &one.model.id);
        if let Some(latency) = latency {
            reasons
                .push(format!("answered in {latency:.0} ms on average, {:.0} % failed", error_rate * 100.0));
        }
        if needs.vision && one.model.may_see() {
            reasons.push("sees pictures".to_owned());
        }
        let searches = one.provider.searches_web(&one.model);
        if needs.web_search && searches {
            reasons.push("can search the web".to_owned());
        }
        reasons.extend(needs.lacks(&one.model, searches).into_iter().map(str::to_owned));
        if let Some(reason) = one.fallback_reason {
            reasons.push(format!("in the place of another: {reason}"));
        }
        Candidate {
            model: one.model.qualified(),
            reasons,
            estimate_usd: price(&one.model, query.prompt),
            window: one.model.context_window,
        }
    }
}

fn price(model: &ModelSpec, prompt: &str) -> Option<f64> {
    let request = Request::asking(model.id.clone(), Message::user(prompt));
    cost::estimate(model, &request)
}
