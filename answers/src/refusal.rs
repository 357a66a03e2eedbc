//! Whether a whole answer is nothing but a refusal.
//!
//! A refusal is short, cites nothing and says in its first words that the model will not help. A review may begin in the same way or quote
//! such a sentence, so that any sign of a result decides against.

use serde_json::Value;

use crate::{citations::first_place, shape::ExpertAnswer};

/// The longest refusal, in characters.
pub const LONGEST: usize = 400;
/// How far into the text the refusing words may begin, in characters.
const BEGINNING: usize = 160;

/// Beginnings that need one of [`ENGLISH_VERBS`] behind them.
const ENGLISH: [&str; 13] = [
    "i can't",
    "i cannot",
    "i can not",
    "i'm unable to",
    "i am unable to",
    "i'm not able to",
    "i am not able to",
    "i won't",
    "i will not",
    "we can't",
    "we cannot",
    "unable to",
    "i'm afraid i can't",
];
const ENGLISH_VERBS: [&str; 18] = [
    "assist",
    "help with",
    "help you",
    "comply",
    "fulfill",
    "fulfil",
    "provide",
    "continue with",
    "do that",
    "complete this",
    "engage",
    "be able to",
    "participate",
    "support this",
    "discuss this",
    "answer this",
    "process this",
    "respond to",
];
/// How far behind the beginning the verb may stand, in characters.
const NEAR: usize = 40;
/// Declining, which needs one of the reasons beside it: a reviewer may decline a change.
const DECLINES: [&str; 4] = ["have to decline", "must decline", "need to decline", "i decline"];
const REASONS: [&str; 6] = ["policy", "policies", "guideline", "this request", "your request", "content"];
/// Whole phrases of other languages.
const PHRASES: &[&str] = &[
    // Chinese
    "无法满足您的请求",
    "无法满足你的请求",
    "无法协助",
    "无法提供",
    "无法回答",
    "无法帮助",
    "无法完成此请求",
    "无法处理",
    "不能帮助",
    "不能协助",
    "不能提供",
    "不能回答",
    "無法協助",
    "無法提供",
    "無法回答",
    "無法滿足",
    "不便回答",
    "拒绝回答",
    // Japanese
    "お応えできません",
    "お手伝いできません",
    "対応できません",
    "対応いたしかねます",
    "提供できません",
    "お答えできません",
    "応じることはできません",
    "協力できません",
    "お受けできません",
    // Korean
    "도와드릴 수 없",
    "도와 드릴 수 없",
    "제공해 드릴 수 없",
    "제공할 수 없",
    "응할 수 없",
    "도움을 드릴 수 없",
    "답변할 수 없",
    "답변드릴 수 없",
    "처리할 수 없",
    "도울 수 없",
    // German
    "nicht weiterhelfen",
    "kann ich nicht helfen",
    "nicht dabei helfen",
    "dabei nicht helfen",
    "nicht behilflich",
    "anfrage muss ich leider ablehnen",
    "anfrage ablehnen",
    "nicht nachkommen",
    "kann ich nicht bereitstellen",
    "kann ich nicht unterstützen",
    "nicht beantworten",
    // French
    "ne peux pas vous aider",
    "ne peux pas t'aider",
    "ne peux pas aider",
    "pas en mesure de fournir",
    "pas en mesure de vous aider",
    "pas en mesure de répondre",
    "ne peux pas répondre à",
    "ne peux pas fournir",
    "dois décliner",
    "ne peux pas donner suite",
    // Spanish, Portuguese, Italian
    "no puedo ayudar",
    "no puedo asistir",
    "no puedo proporcionar",
    "no puedo cumplir",
    "no puedo responder a",
    "debo rechazar",
    "não posso ajudar",
    "não posso auxiliar",
    "não consigo ajudar",
    "não posso fornecer",
    "não posso atender",
    "não posso responder",
    "non posso aiutar",
    "non posso assister",
    "non posso fornire",
    "non sono in grado di aiutar",
    "non posso rispondere a",
    // Russian
    "не могу помочь",
    "не могу выполнить",
    "не могу предоставить",
    "не могу ответить",
    "вынужден отказать",
    "не могу обсуждать",
];

/// Whether a text is nothing but a refusal.
#[must_use]
pub fn is_refusal(text: &str) -> bool {
    let text = text.trim();
    if text.is_empty() || text.chars().count() > LONGEST || shows_work(text) {
        return false;
    }
    let lower = text.to_lowercase().replace('’', "'");
    let refuses_at = |phrase: &str| lower.find(phrase).filter(|at| is_own_beginning(&lower, *at));
    let in_english =
        ENGLISH.iter().filter_map(|start| refuses_at(start).map(|at| at + start.len())).any(|end| {
            let behind: String = lower.get(end..).unwrap_or_default().chars().take(NEAR).collect();
            // "I can't help but notice …" is none.
            ENGLISH_VERBS.iter().any(|verb| behind.contains(verb)) && !behind.contains("help but")
        });
    let declines = || {
        DECLINES.iter().any(|phrase| refuses_at(phrase).is_some())
            && REASONS.iter().any(|word| lower.contains(word))
    };
    in_english || PHRASES.iter().any(|phrase| refuses_at(phrase).is_some()) || declines()
}

/// Whether an answer that was read is a refusal in the form that was asked for: no finding, and its longest text refuses.
#[must_use]
pub fn is_refused(answer: &ExpertAnswer) -> bool {
    let says_so = answer
        .status
        .as_deref()
        .is_some_and(|status| matches!(status.to_lowercase().as_str(), "refused" | "refusal"));
    answer.findings.is_empty() && (says_so || is_refusal(longest(&answer.value).unwrap_or_default()))
}

fn longest(value: &Value) -> Option<&str> {
    match value {
        Value::String(text) => Some(text),
        Value::Array(elements) => elements.iter().filter_map(longest).max_by_key(|text| text.len()),
        Value::Object(members) => members.values().filter_map(longest).max_by_key(|text| text.len()),
        Value::Null | Value::Bool(_) | Value::Number(_) => None,
    }
}

/// Whether a text has something that only a result has: code, a number, a place, an object.
fn shows_work(text: &str) -> bool {
    text.contains(['`', '{', '}', '[', '=', '|'])
        || text.contains(|c: char| c.is_numeric())
        || first_place(text).is_some()
}

/// Whether the words at `at` are the model's own and near the beginning: nothing is quoted before them.
fn is_own_beginning(text: &str, at: usize) -> bool {
    let before = text.get(..at).unwrap_or_default();
    before.chars().count() <= BEGINNING && !before.contains(['"', '“', '«', '「', '„'])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(list: &str) -> Vec<String> {
        list.lines().filter(|line| !line.is_empty()).map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    #[test]
    fn refusals_of_many_languages_are_seen() {
        let texts = texts(include_str!("../tests/corpus/refusals.txt"));
        assert!(texts.len() >= 20);
        for text in texts {
            assert!(is_refusal(&text), "{text}");
        }
    }

    #[test]
    fn reviews_that_begin_alike_are_none() {
        let texts = texts(include_str!("../tests/corpus/not_refusals.txt"));
        assert!(texts.len() >= 30);
        for text in texts {
            assert!(!is_refusal(&text), "{text}");
        }
        assert!(
            !is_refusal(&"I'm sorry, but I can't assist with that. ".repeat(12)),
            "longer than any refusal"
        );
    }
}
