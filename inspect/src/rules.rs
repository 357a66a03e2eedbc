//! The rules, by language: each a row of data.

use super::language::Language;
use super::rule::Rule;

mod c;
mod every;
mod go;
mod java;
mod python;
mod rust;
mod script;

/// The tables that apply to a language.
pub(super) fn tables(language: Language) -> &'static [&'static [Rule]] {
    match language {
        Language::Rust => &[every::RULES, rust::RULES],
        Language::Python => &[every::RULES, python::RULES],
        Language::JavaScript => &[every::RULES, script::RULES],
        Language::TypeScript => &[every::RULES, script::RULES, script::TYPED],
        Language::Go => &[every::RULES, go::RULES],
        Language::Java => &[every::RULES, java::RULES],
        Language::C => &[every::RULES, c::RULES],
        Language::Cpp => &[every::RULES, c::RULES, c::PLUS],
        Language::Shell | Language::Config | Language::Other => &[],
    }
}
