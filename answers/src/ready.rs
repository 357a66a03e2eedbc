//! Whether a change is ready to be committed: never beside a finding that stands against it, whatever the expert says.

use std::collections::BTreeMap;

use exai_core::Severity;
use serde_json::{Map, Value};

/// The expert's word, without case and separators.
const READY: &str = "readytocommit";
/// Where the answer says why the server did not take the expert's word.
const NOTE: &str = "ready_to_commit_note";

/// Sets `ready_to_commit` to false where it is true beside findings that stand against a commit, and says why beside it. The findings
/// are all that the expert named, also those that the caller does not want to see. Returns what it says.
pub fn hold_back(answer: &mut Value, findings: impl IntoIterator<Item = Severity>) -> Option<String> {
    let mut against: BTreeMap<Severity, usize> = BTreeMap::new();
    for severity in findings.into_iter().filter(|severity| blocks(*severity)) {
        *against.entry(severity).or_default() += 1;
    }
    if against.is_empty() {
        return None;
    }
    let object = holder(answer)?;
    let key = object.keys().find(|key| is_ready(key))?.clone();
    let said = object.get(&key).filter(|said| !is_no(said))?.to_string();
    let counts: Vec<String> = against
        .iter()
        .map(|(severity, count)| format!("{count} of severity {}", severity.as_str()))
        .collect();
    let note = format!(
        "the expert said {said}, but it also has findings that stand against a commit ({}), so the server says false",
        counts.join(", ")
    );
    object.insert(key, Value::Bool(false));
    object.insert(NOTE.to_owned(), Value::String(note.clone()));
    Some(note)
}

/// Whether a finding stands against a commit. A severity that is not known might be the worst.
fn blocks(severity: Severity) -> bool {
    !matches!(severity, Severity::Medium | Severity::Low | Severity::Info)
}

/// The object with the expert's word: the answer, or the one object in it.
fn holder(answer: &mut Value) -> Option<&mut Map<String, Value>> {
    let object = answer.as_object_mut()?;
    if object.keys().any(|key| is_ready(key)) {
        return Some(object);
    }
    object.values_mut().filter_map(Value::as_object_mut).find(|inner| inner.keys().any(|key| is_ready(key)))
}

fn is_ready(key: &str) -> bool {
    key.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_lowercase()).eq(READY.chars())
}

/// Whether a word says that the change is not ready; every other one might be taken for yes.
fn is_no(said: &Value) -> bool {
    match said {
        Value::Bool(ready) => !ready,
        Value::String(word) => matches!(word.trim().to_ascii_lowercase().as_str(), "false" | "no"),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn grave_findings_hold_a_commit_back() {
        for severity in Severity::ALL {
            let mut answer = json!({"status": "validation_complete", "ready_to_commit": true});
            let note = hold_back(&mut answer, [Severity::Info, severity]);
            let harmless = matches!(severity, Severity::Medium | Severity::Low | Severity::Info);
            assert_eq!(answer["ready_to_commit"], harmless, "{severity:?}");
            assert_eq!(note.is_none(), harmless);
            assert_eq!(answer[NOTE].as_str().map(str::to_owned), note);
        }
    }

    #[test]
    fn the_note_counts_what_stands_against() {
        let mut answer = json!({"result": {"readyToCommit": "Yes"}});
        let note = hold_back(&mut answer, [Severity::High, Severity::Critical, Severity::High]).unwrap();
        assert!(note.contains("said \"Yes\"") && note.contains("1 of severity critical, 2 of severity high"));
        assert_eq!(answer["result"]["readyToCommit"], false);
        assert_eq!(answer["result"][NOTE], note);
    }

    #[test]
    fn a_no_stays_as_it_is() {
        for said in [json!(false), json!("no"), json!(" False ")] {
            let before = json!({"ready_to_commit": said});
            let mut answer = before.clone();
            assert_eq!(hold_back(&mut answer, [Severity::High]), None);
            assert_eq!(answer, before);
        }
        let mut silent = json!({"summary": "no such word"});
        assert_eq!(hold_back(&mut silent, [Severity::High]), None);
        assert_eq!(silent.get("ready_to_commit"), None);
    }
}
