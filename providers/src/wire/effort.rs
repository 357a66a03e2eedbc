//! From our levels of thinking to the efforts that a model offers.

use exai_core::chat::Thinking;

/// The level itself, else the next higher one that is offered, else the highest.
pub(super) fn nearest<'a>(level: Thinking, offered: &[&'a str]) -> Option<&'a str> {
    let wanted = rank(level.as_str());
    let known = || offered.iter().copied().filter_map(|word| rank(word).map(|rank| (rank, word)));
    known()
        .filter(|(rank, _)| Some(*rank) >= wanted)
        .min_by_key(|(rank, _)| *rank)
        .or_else(|| known().max_by_key(|(rank, _)| *rank))
        .map(|(_, word)| word)
}

fn rank(word: &str) -> Option<usize> {
    ["none", "minimal", "low", "medium", "high", "xhigh", "max"].iter().position(|known| *known == word)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn missing_levels_become_the_next_higher() {
        use Thinking::{High, Low, Max, Medium, Minimal};
        let three = ["low", "high", "max"];
        let openai = ["low", "medium", "high", "xhigh"];
        let all = ["none", "minimal", "low", "medium", "high", "xhigh", "max"];
        for (level, offered, word) in [
            (Minimal, &three[..], "low"),
            (Low, &three, "low"),
            (Medium, &three, "high"),
            (High, &three, "high"),
            (Max, &three, "max"),
            (Max, &openai, "xhigh"),
            (Minimal, &openai, "low"),
            (Minimal, &all, "minimal"),
            (Max, &["low", "high"], "high"),
        ] {
            assert_eq!(nearest(level, offered), Some(word), "{level:?} of {offered:?}");
        }
        assert_eq!(nearest(High, &["turbo"]), None);
        assert_eq!(nearest(High, &[]), None);
    }
}
