//! What a call needs of the model that answers it, by rules over what is known before anybody is asked.

use exai_context::files::estimate_tokens_of_bytes;
use exai_core::{
    chat::Thinking,
    model::{Capability, Mark, ModelSpec},
};

use super::capable::may_call;
use crate::{call::Call, window, workflow::spec};

/// A question of so many characters is no small talk.
const LONG_QUESTION: usize = 6_000;

/// What is known of a call.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Facts<'a> {
    /// The tool.
    pub tool: &'a str,
    /// Characters of the question, or of the steps.
    pub question: usize,
    /// Bytes of the files that are named.
    pub file_bytes: u64,
    /// Whether pictures are shown.
    pub with_images: bool,
    /// Whether the web may be searched.
    pub web_search: bool,
    /// How hard the model shall think, when that is said.
    pub thinking: Option<Thinking>,
    /// Whether functions are lent to the model.
    pub with_functions: bool,
}

/// What the model should be able to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Needs {
    /// A fast model or a deep one.
    pub purpose: Mark,
    /// It must see pictures.
    pub vision: bool,
    /// It should search the web.
    pub web_search: bool,
    /// It must call functions.
    pub functions: bool,
    /// How hard it shall think, when that is said.
    pub thinking: Option<Thinking>,
    /// Tokens that should fit beside its answer.
    pub input_tokens: u32,
}

impl Facts<'_> {
    /// The rules, in this order: a tool that ends with an expert wants depth; in a conversation the wished effort decides; else a
    /// long question does.
    #[must_use]
    pub fn needs(&self) -> Needs {
        let is_expert = self.tool == "consensus" || spec::ALL.iter().any(|spec| spec.name == self.tool);
        let deep = is_expert
            || match self.thinking {
                Some(level) => level >= Thinking::High,
                None => self.question >= LONG_QUESTION,
            };
        let bytes = self.file_bytes.saturating_add(u64::try_from(self.question).unwrap_or(u64::MAX));
        Needs {
            purpose: if deep { Mark::Deep } else { Mark::Fast },
            vision: self.with_images,
            web_search: self.web_search,
            functions: self.with_functions,
            thinking: self.thinking,
            input_tokens: estimate_tokens_of_bytes(bytes),
        }
    }
}

impl Needs {
    /// A purpose and nothing besides.
    pub(crate) fn of(purpose: Mark) -> Self {
        Self { purpose, vision: false, web_search: false, functions: false, thinking: None, input_tokens: 0 }
    }

    /// Whether everything that is named fits a model beside its answer.
    pub(crate) fn fits(&self, model: &ModelSpec) -> bool {
        window::input_budget(model) >= self.input_tokens
    }

    /// What a model lacks of it, for people.
    pub(crate) fn lacks(&self, model: &ModelSpec, searches_web: bool) -> Vec<&'static str> {
        let mut lacks = Vec::new();
        if self.vision && !model.can(Capability::Vision) && model.window_known {
            lacks.push("does not see pictures");
        }
        if self.web_search && !searches_web {
            lacks.push("cannot search the web; would answer without");
        }
        if self.functions && !may_call(model) {
            lacks.push("cannot call functions");
        }
        if !self.fits(model) {
            lacks.push("its window is too small for all of it");
        }
        lacks
    }
}

/// Bytes of the files that are named; of folders nothing is known without walking them.
pub(crate) async fn bytes_of(files: &[String], call: &Call) -> u64 {
    if files.is_empty() {
        return 0;
    }
    let (roots, files) = (call.roots.roots().await, files.to_vec());
    let sum = tokio::task::spawn_blocking(move || {
        let size = |file: &String| {
            let located =
                roots.locate(file).ok().filter(|located| !located.is_folder && located.range.is_none())?;
            std::fs::metadata(located.absolute).ok().map(|about| about.len())
        };
        files.iter().filter_map(size).sum()
    });
    sum.await.unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One line a request: what it is | tool | characters | kB of files | pictures | web | thinking | purpose | thousand tokens.
    const LABELLED: &str = include_str!("labelled.txt");

    #[test]
    fn requests_get_what_a_person_would_give_them() {
        let (mut all, mut wrong) = (0, Vec::new());
        for line in LABELLED.lines().filter(|line| !line.trim().is_empty() && !line.starts_with('#')) {
            let fields: Vec<&str> = line.split('|').map(str::trim).collect();
            let [what, tool, question, kilobytes, images, web, thinking, purpose, window] = fields.as_slice()
            else {
                panic!("nine fields: {line}");
            };
            let facts = Facts {
                tool,
                question: question.parse().unwrap(),
                file_bytes: kilobytes.parse::<u64>().unwrap() * 1_000,
                with_functions: *tool == crate::tool_chat::TOOL,
                with_images: *images == "yes",
                web_search: *web == "yes",
                thinking: match *thinking {
                    "-" => None,
                    "minimal" => Some(Thinking::Minimal),
                    "low" => Some(Thinking::Low),
                    "medium" => Some(Thinking::Medium),
                    "high" => Some(Thinking::High),
                    _ => Some(Thinking::Max),
                },
            };
            let needs = facts.needs();
            let wanted = if *purpose == "deep" { Mark::Deep } else { Mark::Fast };
            // A window is right when it holds all of it and is not several times too large.
            let (most, least) = (window.parse::<u32>().unwrap() * 1_000, needs.input_tokens);
            let is_right = needs.purpose == wanted
                && needs.vision == facts.with_images
                && needs.web_search == facts.web_search
                && needs.functions == facts.with_functions
                && least <= most
                && (most < 8_000 || least >= most / 4);
            all += 1;
            if !is_right {
                wrong.push(format!("{what}: {needs:?}"));
            }
        }
        assert!(all >= 60, "{all} requests");
        assert!(wrong.len() * 20 <= all, "{} of {all} are wrong: {wrong:#?}", wrong.len());
    }
}
