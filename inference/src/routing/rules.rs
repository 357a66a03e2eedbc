//! The user's own rules: which models answer which calls. They come before everything but a model that the call names.

use exai_core::chat::Thinking;

use super::{Allowed, Choice, Models, Needs, succeed};

/// A rule. Conditions that are not set do not matter; those that are must all hold.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Rule {
    /// What answers call it.
    pub name: String,
    /// The call is of one of these tools.
    pub tools: Vec<String>,
    /// Pictures are shown, or are not.
    pub images: Option<bool>,
    /// The web may be searched, or may not.
    pub web_search: Option<bool>,
    /// Functions are lent to the model, or are not.
    pub functions: Option<bool>,
    /// At least this effort is asked for.
    pub thinking: Option<Thinking>,
    /// Words and files come to at least so many tokens, roughly.
    pub min_tokens: Option<u32>,
    /// Words and files come to at most so many tokens, roughly.
    pub max_tokens: Option<u32>,
    /// Who answers: the first that can be had.
    pub models: Vec<String>,
}

impl Rule {
    /// Whether a call is one that the rule is about.
    #[must_use]
    pub fn matches(&self, tool: &str, needs: &Needs) -> bool {
        let is = |wanted: Option<bool>, given: bool| wanted.is_none_or(|wanted| wanted == given);
        (self.tools.is_empty() || self.tools.iter().any(|own| own == tool))
            && is(self.images, needs.vision)
            && is(self.web_search, needs.web_search)
            && is(self.functions, needs.functions)
            && self.thinking.is_none_or(|least| needs.thinking.is_some_and(|level| level >= least))
            && self.min_tokens.is_none_or(|least| needs.input_tokens >= least)
            && self.max_tokens.is_none_or(|most| needs.input_tokens <= most)
    }
}

impl Models {
    /// The models of the first rule that is about the call, as far as they are configured and allowed. A rule of which nothing is
    /// left is passed over.
    pub(crate) fn by_rule(
        &self,
        rules: &[Rule],
        tool: &str,
        needs: &Needs,
        allowed: &Allowed,
    ) -> Option<Choice> {
        rules.iter().filter(|rule| rule.matches(tool, needs)).find_map(|rule| {
            let found = rule.models.iter().filter_map(|name| {
                let found = self.named(name).ok().map(succeed);
                let usable = found.filter(|one| allowed.check(&one.model).is_ok());
                if usable.is_none() {
                    tracing::warn!(rule = rule.name, model = name, "a model of the rule cannot be asked");
                }
                usable
            });
            let by: std::sync::Arc<str> = format!("rule `{}`", rule.name).into();
            let mut all = found.map(|one| Choice { routed_by: Some(by.clone()), ..one });
            let first = all.next()?;
            Some(Choice { others: all.collect(), ..first })
        })
    }
}

#[cfg(test)]
mod tests {
    use exai_core::model::Mark;

    use super::*;

    #[test]
    fn every_condition_that_is_set_must_hold() {
        let needs = Needs {
            vision: true,
            thinking: Some(Thinking::Medium),
            input_tokens: 500,
            ..Needs::of(Mark::Deep)
        };
        let rule = |change: fn(&mut Rule)| {
            let mut rule = Rule::default();
            change(&mut rule);
            rule.matches("debug", &needs)
        };
        for holds in [
            (|_| {}) as fn(&mut Rule),
            |rule| rule.tools = vec!["chat".into(), "debug".into()],
            |rule| rule.images = Some(true),
            |rule| rule.web_search = Some(false),
            |rule| rule.functions = Some(false),
            |rule| rule.thinking = Some(Thinking::Low),
            |rule| (rule.min_tokens, rule.max_tokens) = (Some(500), Some(500)),
        ] {
            assert!(rule(holds));
        }
        for fails in [
            (|rule| rule.tools = vec!["chat".into()]) as fn(&mut Rule),
            |rule| rule.images = Some(false),
            |rule| rule.web_search = Some(true),
            |rule| rule.functions = Some(true),
            |rule| rule.thinking = Some(Thinking::High),
            |rule| rule.min_tokens = Some(501),
            |rule| rule.max_tokens = Some(499),
            |rule| (rule.tools, rule.images) = (vec!["debug".into()], Some(false)),
        ] {
            assert!(!rule(fails));
        }
    }
}
