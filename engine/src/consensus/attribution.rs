//! Whether a synthesis names only models that answered.

use std::collections::BTreeSet;

use exai_answers::json_repair;
use serde_json::Value;

use super::{ENOUGH, Spoken, Voice, session::Session};

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
    let is_asked = |name: &String| voices.iter().any(|voice| voice.name == *name);
    let strangers: Vec<&str> =
        counted.union(&mentioned).filter(|name| !is_asked(name)).map(String::as_str).collect();
    if !strangers.is_empty() {
        notes.push(format!("the synthesis names voices that were not asked: {}", strangers.join(", ")));
    }
    // A model that was asked twice, with two stances, has voted when one of them has.
    let voted = |name: &String| voices.iter().any(|voice| voice.name == *name && has_voted(voice));
    let silent: Vec<&str> =
        counted.iter().filter(|name| is_asked(name) && !voted(name)).map(String::as_str).collect();
    if !silent.is_empty() {
        notes.push(format!("the synthesis counts voices that gave no vote: {}", silent.join(", ")));
    }
    notes
}

fn has_voted(voice: &Voice) -> bool {
    voice.last().is_some_and(|spoken| spoken.ballot.vote().is_some())
}

/// A name without the stance that follows it in the question.
fn plain(name: &str) -> String {
    name.split(" (").next().unwrap_or(name).trim().to_owned()
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
