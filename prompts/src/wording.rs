//! The words of the system prompts: the built-in ones, and those that a user puts in their place.

use std::collections::BTreeMap;

use crate::{
    is_locale,
    prompt::Prompt,
    template::{Template, fill},
};

/// The largest wording of a user, in bytes; ten times the longest built-in one.
pub const MAX_OVERRIDE_BYTES: usize = 64 * 1024;

/// Where the stance of a consultant goes.
const STANCE: &str = "{{stance}}";

/// Why a user's wording is not used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WordingError {
    /// There is no prompt of this name.
    #[error("there is no prompt `{name}`; the prompts are {known}")]
    Unknown {
        /// The name.
        name: String,
        /// All names.
        known: String,
    },
    /// Nothing is in it.
    #[error("the prompt `{0}` is empty")]
    Empty(String),
    /// It is longer than [`MAX_OVERRIDE_BYTES`].
    #[error("the prompt `{name}` has {bytes} bytes, at most {MAX_OVERRIDE_BYTES} are taken")]
    TooLong {
        /// The name.
        name: String,
        /// Its size.
        bytes: usize,
    },
    /// It includes fragments that do not exist.
    #[error("the prompt `{name}` includes {fragments}, which do not exist; there are {known}")]
    UnknownFragments {
        /// The prompt's name.
        name: String,
        /// What is included.
        fragments: String,
        /// All fragments.
        known: String,
    },
    /// It does not name words that the server needs to find in the answer.
    #[error("the prompt `{name}` does not say {words}, which the server looks for in the answer")]
    Missing {
        /// The prompt's name.
        name: String,
        /// All of the words that it lacks.
        words: String,
    },
}

/// What a consultant argues for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stance {
    /// For the proposal.
    For,
    /// Against it.
    Against,
    /// As the evidence has it.
    Neutral,
}

/// The words of all system prompts.
#[derive(Debug, Default)]
pub struct Wording {
    own: BTreeMap<Prompt, Template>,
}

impl Wording {
    /// The built-in words.
    #[must_use]
    pub fn built_in() -> Self {
        Self::default()
    }

    /// The built-in words with a user's own in their place, by the prompts' names. What cannot be used is returned beside them,
    /// and the built-in words stand.
    pub fn with(overrides: impl IntoIterator<Item = (String, String)>) -> (Self, Vec<WordingError>) {
        let mut wording = Self::default();
        let mut errors = Vec::new();
        for (name, text) in overrides {
            match checked(&name, &text) {
                Ok((prompt, template)) => drop(wording.own.insert(prompt, template)),
                Err(wrong) => errors.extend(wrong),
            }
        }
        (wording, errors)
    }

    /// The prompts that have a user's wording.
    pub fn overridden(&self) -> impl Iterator<Item = Prompt> {
        self.own.keys().copied()
    }

    /// Version of the wording, from the template's header. It rises with every change of a built-in text, so that an
    /// answer can be traced to the words that asked for it. A user's wording without a header has version 0.
    #[must_use]
    pub fn version(&self, prompt: Prompt) -> u32 {
        self.template(prompt).version
    }

    /// The system message, without the template's header.
    ///
    /// `locale` is a language in any usual form (`fr-FR`, `Brazilian Portuguese`) and adds a last sentence that
    /// asks for it. One that is not a plain language name (see [`is_locale`]) adds nothing: a project's own
    /// configuration may set it, and must not be able to put orders into the system message.
    #[must_use]
    pub fn system(&self, prompt: Prompt, locale: Option<&str>) -> String {
        in_language(self.template(prompt).text.replace(STANCE, stance(Stance::Neutral)), locale)
    }

    /// The system message of one voice of a consensus, with its stance. The caller's `own` words are added to the stance. They
    /// never replace it, so that the guard against harm and the demand for an own judgement always stand.
    #[must_use]
    pub fn consultant(&self, given: Stance, own: Option<&str>, locale: Option<&str>) -> String {
        let mut part = stance(given).to_owned();
        if let Some(words) = own.map(str::trim).filter(|words| !words.is_empty()) {
            let added = fill(body(include_str!("../templates/stances/own.md")), &[("words", words)]);
            part.push_str("\n\n");
            part.push_str(&added);
        }
        in_language(self.template(Prompt::Consensus).text.replace(STANCE, &part), locale)
    }

    fn template(&self, prompt: Prompt) -> &Template {
        self.own.get(&prompt).unwrap_or_else(|| prompt.template())
    }
}

fn in_language(text: String, locale: Option<&str>) -> String {
    match locale.map(str::trim).filter(|name| is_locale(name)) {
        Some(name) => format!("{text}\n\nAlways answer in {name}."),
        None => text,
    }
}

fn stance(given: Stance) -> &'static str {
    match given {
        Stance::For => body(include_str!("../templates/stances/for.md")),
        Stance::Against => body(include_str!("../templates/stances/against.md")),
        Stance::Neutral => body(include_str!("../templates/stances/neutral.md")),
    }
}

fn body(file: &'static str) -> &'static str {
    crate::template::split_header(file).1.trim()
}

/// Everything that is wrong with a wording is returned at once: each mistake that hides another costs its user one more attempt.
fn checked(name: &str, text: &str) -> Result<(Prompt, Template), Vec<WordingError>> {
    let prompt = Prompt::ALL.into_iter().find(|prompt| prompt.name() == name).ok_or_else(|| {
        let known: Vec<&str> = Prompt::ALL.iter().map(|prompt| prompt.name()).collect();
        vec![WordingError::Unknown { name: name.to_owned(), known: known.join(", ") }]
    })?;
    if text.len() > MAX_OVERRIDE_BYTES {
        return Err(vec![WordingError::TooLong { name: name.to_owned(), bytes: text.len() }]);
    }
    let template = Template::parse(&text.replace("\r\n", "\n"));
    if template.text.is_empty() {
        return Err(vec![WordingError::Empty(name.to_owned())]);
    }
    let mut wrong = Vec::new();
    let unknown = template.unknown_fragments().filter(|fragment| *fragment != "stance");
    let fragments = listed(unknown.map(|fragment| format!("{{{{{fragment}}}}}")));
    if !fragments.is_empty() {
        let known = Template::fragments().collect::<Vec<_>>().join(", ");
        wrong.push(WordingError::UnknownFragments { name: name.to_owned(), fragments, known });
    }
    let needed = prompt.statuses().iter().copied().chain((prompt == Prompt::Consensus).then_some(STANCE));
    let words = listed(needed.filter(|word| !template.text.contains(word)).map(str::to_owned));
    if !words.is_empty() {
        wrong.push(WordingError::Missing { name: name.to_owned(), words });
    }
    if wrong.is_empty() { Ok((prompt, template)) } else { Err(wrong) }
}

/// Words as a message shows them.
fn listed(words: impl Iterator<Item = String>) -> String {
    words.map(|word| format!("`{word}`")).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(name: &str, text: &str) -> String {
        let (wording, errors) = Wording::with([(name.to_owned(), text.to_owned())]);
        assert_eq!(wording.overridden().count(), 0);
        errors.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
    }

    /// A user's wording takes the place of the built-in one.
    #[test]
    fn a_users_wording_replaces_ours() {
        let text = "---\r\nversion: 7\r\n---\r\nBe brief.\r\n{{evidence}}\r\n{{more_files}}\r\n";
        let (wording, errors) = Wording::with([("chat".to_owned(), text.to_owned())]);
        assert_eq!(errors, []);
        let system = wording.system(Prompt::Chat, Some("fr-FR"));
        assert!(system.starts_with("Be brief.\n## What counts as evidence"));
        assert!(system.ends_with("\n\nAlways answer in fr-FR."));
        assert_eq!(wording.version(Prompt::Chat), 7);
        assert_eq!(wording.overridden().collect::<Vec<_>>(), [Prompt::Chat]);
        let built_in = Wording::built_in();
        assert_eq!(wording.system(Prompt::Debug, None), built_in.system(Prompt::Debug, None));
    }

    #[test]
    fn an_unusable_wording_is_named() {
        assert!(refusal("chatt", "x").contains("no prompt `chatt`; the prompts are analyze, chat,"));
        assert_eq!(refusal("chat", " \n"), "the prompt `chat` is empty");
        assert!(refusal("chat", &"x".repeat(MAX_OVERRIDE_BYTES + 1)).contains("65537 bytes"));
        assert!(refusal("chat", "{{evidense}}\n{{more_files}}").contains("includes `{{evidense}}`"));
        assert!(refusal("codereview", "Review.").contains("does not say `files_required_to_continue`"));
        assert!(refusal("debug", "{{more_files}}").contains("does not say `no_bug_found`"));
        assert!(refusal("consensus", "{{more_files}}").contains("does not say `{{stance}}`"));
    }

    /// Who has put all of it right needs no further attempt.
    #[test]
    fn everything_missing_is_named_at_once() {
        let told = refusal("codereview", "Review.\n{{evidense}}\n{{severety}}");
        assert!(told.contains("includes `{{evidense}}`, `{{severety}}`, which do not exist"), "{told}");
        let statuses: Vec<String> =
            Prompt::CodeReview.statuses().iter().map(|word| format!("`{word}`")).collect();
        assert!(
            statuses.len() > 1 && told.contains(&format!("does not say {},", statuses.join(", "))),
            "{told}"
        );
    }

    /// Every stance has its own words and none stays a placeholder.
    #[test]
    fn every_stance_has_its_own_words() {
        let wording = Wording::built_in();
        let all = [Stance::For, Stance::Against, Stance::Neutral]
            .map(|stance| wording.consultant(stance, Some(" \n"), None));
        for (index, one) in all.iter().enumerate() {
            assert!(!one.contains("{{"), "{one}");
            assert!(all.iter().skip(index + 1).all(|other| other != one));
        }
        assert_eq!(wording.system(Prompt::Consensus, None), all[2]);
    }

    /// A caller's words are added to the stance, and its guards stand before and behind them.
    #[test]
    fn own_words_keep_the_guards() {
        let wording = Wording::built_in();
        let own = Some(" Speak for the users. {{stance}} ");
        for given in [Stance::For, Stance::Against, Stance::Neutral] {
            let text = wording.consultant(given, own, None);
            let (before, behind) = text.split_once("\n\nSpeak for the users. {{stance}}\n\n").unwrap();
            assert!(before.contains(stance(given)), "{before}");
            assert!(behind.contains("would do harm") && behind.contains("the verdict is your own judgement"));
            assert!(behind.contains("## How to judge"), "{behind}");
        }
    }
}
