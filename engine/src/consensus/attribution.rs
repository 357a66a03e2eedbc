//! Whether a synthesis names only models that answered.

use std::collections::BTreeSet;

use exai_answers::json_repair;
use serde_json::Value;

use super::{
    ENOUGH, Spoken, Voice,
    letters::{letter, letters},
    session::Session,
    synthesiser::voter_of,
};

/// The keys under which a synthesis counts voices.
const COUNTED: [&str; 3] = ["agreement", "disagreement", "dissent"];
/// The keys under which it only mentions them.
const MENTIONED: [&str; 2] = ["no_vote", "risks"];

/// What the caller should know about the rounds after the first.
pub(super) fn notes(session: &Session, voices: &[Voice], synthesis: Option<&Spoken>) -> Vec<String> {
    let votes = voices.iter().filter(|voice| has_voted(voice)).count();
    let mut notes = Vec::new();
    if votes < ENOUGH && (session.critique || session.synthesis.is_some()) && synthesis.is_none() {
        notes.push("no critique or synthesis was made: fewer than two models voted".to_owned());
    }
    let Some(value) = synthesis.and_then(|said| json_repair::parse(&said.opinion.text).value) else {
        return notes;
    };
    let under = |keys: &[&str]| -> BTreeSet<String> {
        keys.iter().filter_map(|key| value.get(*key)).flat_map(named).map(plain).collect()
    };
    let (counted, mentioned) = (under(&COUNTED), under(&MENTIONED));
    if let Some(voter) = synthesis.and_then(|made| voter_of(made, voices)) {
        notes.push(format!(
            "{voter} put the answers together and is one of the voters; name another model in `synthesis` for a view from outside"
        ));
    }
    let letters = letters(voices);
    let of = |name: &str| -> Vec<&Voice> {
        voices
            .iter()
            .enumerate()
            .filter(|(place, voice)| is_meant(name, *place, voice, &letters))
            .map(|(_, voice)| voice)
            .collect()
    };
    let strangers: Vec<&str> =
        counted.union(&mentioned).filter(|name| of(name).is_empty()).map(String::as_str).collect();
    if !strangers.is_empty() {
        notes.push(format!("the synthesis names voices that were not asked: {}", strangers.join(", ")));
    }
    // A model that was asked twice, with two stances, has voted when one of them has.
    let is_silent = |name: &&String| {
        let meant = of(name);
        !meant.is_empty() && !meant.into_iter().any(has_voted)
    };
    let silent: Vec<&str> = counted.iter().filter(is_silent).map(String::as_str).collect();
    if !silent.is_empty() {
        notes.push(format!("the synthesis counts voices that gave no vote: {}", silent.join(", ")));
    }
    notes
}

/// Whether a synthesis means this voice: by its full name, by the model's name without the provider, or by its letter.
fn is_meant(name: &str, place: usize, voice: &Voice, letters: &[(char, String)]) -> bool {
    let full = voice.name.to_ascii_lowercase();
    let name = name.to_ascii_lowercase();
    let without_provider = full.split_once('/').map_or("", |(_, model)| model);
    let last = full.rsplit('/').next().unwrap_or_default();
    let is_name = !name.is_empty() && [full.as_str(), without_provider, last].contains(&name.as_str());
    let word = name.strip_prefix("consultant ").unwrap_or(&name);
    let by_letter = letters.iter().any(|(known, _)| {
        *known == letter(place) && word.eq_ignore_ascii_case(known.encode_utf8(&mut [0; 4]))
    });
    is_name || by_letter
}

fn has_voted(voice: &Voice) -> bool {
    voice.last().is_some_and(|spoken| spoken.ballot.vote().is_some())
}

/// A name without Markdown and without the stance that follows it in the question.
fn plain(name: &str) -> String {
    let name = name.split(" (").next().unwrap_or(name).trim().trim_matches(['`', '*', '"']);
    let stances = [":for", ":against", ":neutral"];
    stances.iter().find_map(|stance| name.strip_suffix(stance)).unwrap_or(name).to_owned()
}

/// Every name under a `who`, however deep.
fn named(value: &Value) -> Vec<&str> {
    let mut names = Vec::new();
    let mut open = vec![value];
    while let Some(value) = open.pop() {
        match value {
            Value::Array(list) => open.extend(list),
            Value::Object(object) => {
                for (key, inner) in object {
                    match inner {
                        Value::String(name) if key == "who" => names.push(name.as_str()),
                        Value::Array(list) if key == "who" => {
                            names.extend(list.iter().filter_map(Value::as_str));
                        }
                        inner => open.push(inner),
                    }
                }
            }
            _ => {}
        }
    }
    names
}
