//! What a call needs of the model that answers it, by rules over what is known before anybody is asked.

use exai_context::files::estimate_tokens_of_bytes;
use exai_core::{
    chat::Thinking,
    model::{Capability, Mark, ModelSpec},
};

/// A question of so many characters is no small talk.
const LONG_QUESTION: usize = 6_000;

/// What is known of a call.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Facts {
    /// Whether the call ends with an expert's answer, not with a line of conversation.
    pub with_expert: bool,
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

impl Facts {
    /// The rules, in this order: a tool that ends with an expert wants depth; in a conversation the wished effort decides; else a
    /// long question does.
    #[must_use]
    pub fn needs(&self) -> Needs {
        let deep = self.with_expert
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
    /// A purpose and nothing else.
    #[must_use]
    pub fn of(purpose: Mark) -> Self {
        Self { purpose, vision: false, web_search: false, functions: false, thinking: None, input_tokens: 0 }
    }

    /// Whether everything that is named fits a model beside its answer.
    pub(crate) fn fits(&self, model: &ModelSpec) -> bool {
        model.input_budget() >= self.input_tokens
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
        if self.functions && !model.may_call_functions() {
            lacks.push("cannot call functions");
        }
        if !self.fits(model) {
            lacks.push("its window is too small for all of it");
        }
        lacks
    }
}
