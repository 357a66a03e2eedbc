//! Whether a text beside the findings certainly reports nothing.
//!
//! A sentence that reports something looks like any other, so that only sentences of known words are taken for harmless: introductions,
//! titles of parts, praise, and that nothing was found.

mod words;

use self::words::{DEFECTS, NEGATORS, OTHERS, PHRASES, SEVERE, WHOLE, WORK};

/// Words that stand beside a negation that is a whole answer: "None found".
const ALONE: [&str; 6] = ["found", "gefunden", "trouvé", "trouvée", "encontrado", "-"];

/// Whether each clause of a text is known to report nothing. `has_findings` allows it to speak of them: "I found two issues".
#[must_use]
pub fn is_inert(text: &str, has_findings: bool) -> bool {
    clauses(text).all(|clause| {
        matches!(meaning(&clause), Meaning::Nothing | Meaning::Clean)
            || has_findings && meaning(&clause) == Meaning::Findings
    })
}

/// Whether a text that is a whole answer says that nothing was found, and certainly nothing else.
#[must_use]
pub fn says_clean(text: &str) -> bool {
    is_inert(text, false) && clauses(text).any(|clause| meaning(&clause) == Meaning::Clean)
}

/// What a clause says of findings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Meaning {
    /// That there are none.
    Clean,
    /// That there are some, and no more.
    Findings,
    /// Neither.
    Nothing,
    /// It may say anything.
    Unknown,
}

fn meaning(clause: &str) -> Meaning {
    let lower = clause.to_lowercase().replace('’', "'");
    let Some((plain, mut is_negated, mut names_defects)) = without_phrases(&lower) else {
        return Meaning::Unknown;
    };
    let (mut is_severe, mut is_work, mut is_whole, mut is_not, mut is_praise) =
        (false, false, false, false, false);
    for word in
        plain.split(|c: char| c.is_whitespace() || "()[]{}*_`\"'“”«»#>-–—•~=".contains(c) && c != '\'')
    {
        let word = word.trim_matches(|c: char| !c.is_alphanumeric());
        if word.is_empty() || is_name(word) {
            continue;
        }
        let is_in = |list: &[&str]| list.contains(&word);
        is_negated |= is_in(NEGATORS);
        is_not |= word == "not" || word.ends_with("n't");
        names_defects |= is_in(DEFECTS);
        is_severe |= is_in(SEVERE);
        is_work |= is_in(WORK);
        is_whole |= is_in(WHOLE);
        is_praise |= word == "lgtm";
        if ![NEGATORS, DEFECTS, SEVERE, WORK, WHOLE, OTHERS].iter().any(|list| is_in(list)) {
            return Meaning::Unknown;
        }
    }
    // "I did not check for bugs", "not all problems": what was not done found nothing.
    let is_undone = is_negated && is_whole || is_not && is_work;
    let is_alone = plain.split_whitespace().all(|word| ALONE.contains(&word) || NEGATORS.contains(&word));
    match (is_negated, names_defects || is_severe) {
        _ if is_undone => Meaning::Unknown,
        (true, true) => Meaning::Clean,
        (true, false) if is_alone => Meaning::Clean,
        (true, false) => Meaning::Unknown,
        (false, _) if is_severe => Meaning::Unknown,
        (false, true) => Meaning::Findings,
        (false, false) if is_praise => Meaning::Clean,
        (false, false) => Meaning::Nothing,
    }
}

/// The text without the known phrases of scripts without blanks, and whether one of them negates and one names defects. `None` where some of
/// such a script is left.
fn without_phrases(text: &str) -> Option<(String, bool, bool)> {
    let (mut rest, mut is_negated, mut names_defects) = (text.to_owned(), false, false);
    if !rest.chars().any(is_syllable) {
        return Some((rest, false, false));
    }
    for (phrase, negates, names) in PHRASES {
        if rest.contains(phrase) {
            is_negated |= negates;
            names_defects |= names;
            rest = rest.replace(phrase, " ");
        }
    }
    (!rest.chars().any(is_syllable)).then_some((rest, is_negated, names_defects))
}

/// Parts of sentences. A point inside a word is no end.
pub(crate) fn clauses(text: &str) -> impl Iterator<Item = String> {
    let ends = |c: char| {
        matches!(c, '\n' | '!' | '?' | ';' | ':' | ',' | '|' | '。' | '！' | '？' | '；' | '：' | '，' | '、')
    };
    let sentences = text.split(ends).flat_map(|part| part.split(". ")).flat_map(|part| part.split(" and "));
    sentences
        .map(|clause| clause.trim().trim_end_matches('.').to_owned())
        .filter(|clause| clause.chars().any(char::is_alphanumeric) || has_sign(clause))
}

/// Signs of Chinese, Japanese and Korean.
pub(crate) fn is_syllable(c: char) -> bool {
    matches!(c, '\u{3040}'..='\u{30ff}' | '\u{3400}'..='\u{9fff}' | '\u{ac00}'..='\u{d7af}' | '\u{f900}'..='\u{faff}')
}

/// Whether there is a picture, which may be a mark for anything.
fn has_sign(text: &str) -> bool {
    text.chars().any(|c| {
        matches!(c, '\u{2600}'..='\u{27bf}' | '\u{1f300}'..='\u{1faff}')
            && !matches!(c, '✅' | '✔' | '🚀' | '👍' | '🎉' | '✓')
    })
}

/// The name of a file or of something in code, or a number.
fn is_name(word: &str) -> bool {
    word.chars().all(|c| c.is_ascii_digit() || c == '.')
        || word.contains('.')
            && !word.contains(char::is_whitespace)
            && word.rsplit('.').next().is_some_and(|extension| {
                (1..=5).contains(&extension.len()) && extension.chars().all(|c| c.is_ascii_alphanumeric())
            })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn good_news_is_understood() {
        for text in [
            "No issues found.",
            "I've reviewed `shop/cart.rs`. No issues found!",
            "LGTM",
            "I did not find any problems in the code.",
            "I checked all files and found no bugs.",
            "No critical or high severity issues were found.",
            "Keine Probleme gefunden.",
            "Aucun problème trouvé.",
            "No se encontraron problemas.",
            "Nenhum problema encontrado.",
            "Проблем не обнаружено.",
            "没有发现问题。",
            "未发现任何问题",
            "問題は見つかりませんでした。",
            "문제가 발견되지 않았습니다.",
            "None.",
        ] {
            assert!(says_clean(text), "{text}");
        }
    }

    #[test]
    fn whatever_may_report_is_not_harmless() {
        for text in [
            "No issues found, except that the cart can be emptied by anyone.",
            "No issues found. The price comes from the client.",
            "No problems in cart.rs. In order.rs the price comes from the client.",
            "I did not check for bugs.",
            "I could not review the code.",
            "Not all issues were found.",
            "I found issues.",
            "Critical issues were found.",
            "The code is not ready to merge.",
            "Not ready.",
            "没有发现问题，但价格来自客户端。",
            "価格はクライアントから来ます。",
            "Sonst keine Probleme, aber der Preis kommt vom Kunden.",
            "🔥",
            "Sorry, no.",
            "",
        ] {
            assert!(!says_clean(text), "{text}");
        }
    }

    #[test]
    fn introductions_and_titles_are_harmless() {
        for text in [
            "Here is my review of the code:",
            "## Code review",
            "I found 2 issues.",
            "Overall the code is clean and easy to follow.",
            "Let me know if you have questions. Happy coding! 🚀",
            "以下是审查结果：",
            "Voici le résultat :",
            "",
        ] {
            assert!(is_inert(text, true), "{text}");
        }
        for text in [
            "One more thing: anyone can log in.",
            "Here is my review: prices are taken from the client.",
            "See also the login.",
            "🔥 login",
        ] {
            assert!(!is_inert(text, true), "{text}");
        }
    }
}
