//! An answer as far as it was read.

use crate::shape::ExpertAnswer;

/// How far an answer was understood.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Understood {
    /// Everything that it says is in the parts that were read.
    Whole,
    /// Some of it: the caller needs the text as well.
    Partly,
    /// Nothing: the caller needs the text.
    Nothing,
}

impl Understood {
    /// The wire word.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Whole => "whole",
            Self::Partly => "partly",
            Self::Nothing => "nothing",
        }
    }
}

/// An answer as it was read.
#[derive(Debug, Clone, PartialEq)]
pub struct Reading {
    /// Its parts; `None` when no part was understood.
    pub answer: Option<ExpertAnswer>,
    /// How far it was understood.
    pub understood: Understood,
    /// What the model wrote around the answer's object; empty when there is nothing.
    pub remarks: String,
}

impl Reading {
    pub(crate) const NOTHING: Self =
        Self { answer: None, understood: Understood::Nothing, remarks: String::new() };
}
