//! Questions that let their reader choose, in other languages than English: the word for "which" with things to choose from.

use std::sync::LazyLock;

use regex::Regex;

/// "Which", at the beginning of a question or of its second half.
static WHICH: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(
        r"(?xi) (?: ^ | [.:,;—–¿]\s* | \n )
        (?: (?:in|für|auf|mit|dans|pour|avec|en|para|con|em|com|на|в|для) \s+ )?
        (?: welche[rsnm]? | (?:le|la|les)?quel(?:le)?s? | cu[aá]l(?:es)? | qua(?:l|is)
          | как(?:ой|ая|ое|ие|ую|им|ом) | котор(?:ый|ая|ое|ые|ую) ) \b",
    )
    .ok()
});
/// "Or" between things.
static OR: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"(?i)\s(?:oder|ou|o|u|или|либо|or)\s").ok());
/// Words that point at alternatives by themselves.
const BY_ITSELF: [&str; 14] = [
    "哪个",
    "哪一个",
    "哪种",
    "哪一种",
    "哪個",
    "哪種",
    "还是",
    "還是",
    "どちら",
    "どれ",
    "それとも",
    "どっち",
    "어느",
    "아니면",
];

/// Whether a question names alternatives, in a list or with "or", and asks which.
pub(super) fn chooses(text: &str, has_list: bool) -> bool {
    if !text.contains(['?', '？']) && !text.contains('か') {
        return false;
    }
    if BY_ITSELF.iter().any(|word| text.contains(word)) {
        return true;
    }
    let found = |pattern: &LazyLock<Option<Regex>>| pattern.as_ref().is_some_and(|one| one.is_match(text));
    found(&WHICH) && (has_list || found(&OR))
}

#[cfg(test)]
mod tests {
    use super::super::offers_options;

    #[test]
    fn choices_are_known_in_other_languages() {
        for choice in [
            "我们应该用 Redis 还是 Postgres？",
            "会话存储用哪个比较好？\n1. Redis\n2. Postgres",
            "セッションは Redis と Postgres のどちらに置くべきですか",
            "세션 저장소로 Redis와 Postgres 중 어느 것이 좋습니까?",
            "Welche Datenbank sollen wir nehmen, Redis oder Postgres?",
            "Redis oder Postgres: welches ist besser?",
            "Quelle base choisir\u{a0}: Redis ou Postgres ?",
            "¿Cuál conviene: Redis o Postgres?",
            "Qual devemos usar, Redis ou Postgres?",
            "Какую базу взять: Redis или Postgres?",
            "Welche nehmen wir?\n- Redis\n- Postgres",
        ] {
            assert!(offers_options(choice), "{choice}");
        }
    }

    #[test]
    fn proposals_are_known_in_other_languages() {
        for proposal in [
            "我们应该把会话放进 Redis 吗？",
            "セッションを Redis に移すべきですか",
            "Sollen wir die Sitzungen in Redis ablegen, die heute im Speicher liegen?",
            "Sollen wir auf Redis wechseln?\n- schneller\n- teurer",
            "Faut-il migrer vers Redis, quel que soit le prix ?",
            "¿Debemos migrar a Redis este año o esperar?",
            "Стоит ли перейти на Redis?",
        ] {
            assert!(!offers_options(proposal), "{proposal}");
        }
    }
}
