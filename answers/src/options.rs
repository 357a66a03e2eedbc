//! Whether a question lets its reader choose among options. Its answers are no votes for or against: that needs a proposal.

mod labels;
mod languages;

use std::sync::LazyLock;

use regex::Regex;

use self::labels::{Joined, Labels};

/// A question that begins with "which", also with a preposition before it. A relative clause follows its noun or a comma.
static WHICH: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(
        r"(?x)(?: ^ | [.!?:;—–(]\s* | \b(?:so|but|then|decide|say|us|me|is|of)\s*[:,]?\s+ )
        (?: (?:of|in|on|for|with|to|from|by|at|under) \s+ )? which \b",
    )
    .ok()
});
/// "Which" that points at options by itself.
static WHICH_OF: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"^which\s+(?:of|ones?|options?|alternatives?|variants?)\b").ok());
/// A question behind the things to choose from: "Redis or Postgres, which should we use?".
static TAGGED: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(
        r"(?x), \s* which (?:\s+one)? \s+
        (?: (?:should|shall|do|would) \s+ (?:we|i|you|they|it) | is \s+ (?:better|best|preferable)
        | of \s+ (?:the\s+following|these|those|them) \s+ (?:is|are|should|do|would) ) \b",
    )
    .ok()
});
/// The demand to choose.
static CHOOSE: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(
        r"(?x)^ (?:please\s+)? (?:choose|pick|select|decide|vote|rank|compare) \b [^.!?]*
        \b (?:between|among|one\s+of|from|for\s+one|of\s+the\s+following|options|alternatives) \b",
    )
    .ok()
});
/// A question that asks what to do instead of whether to do it.
static OPEN: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(
        r"(?x)^ (?:what|how|where|when|who) \b .*
        \b (?:should|shall|ought|must|do\s+we|would\s+you|is\s+(?:the\s+)?(?:best|better)) \b",
    )
    .ok()
});
static BETTER: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"\b(?:best|better|preferable|preferred)\b").ok());
/// A proposal: a question for yes or no, or a statement of what is planned.
static PROPOSAL: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(
        r"(?x)^ (?: (?:so|then|and|question|proposal|resolved|motion) \s*[:,]?\s+ )?
        (?: should|shall|do|does|did|is|are|was|were|will|would|can|could|may|might|must|has|have|ought ) \b
        | ^ (?: proposal | resolved | motion ) \b
        | \b (?:we|i) \s+ (?:propose|plan|suggest|want|intend) \b | \b let(?:['’]s|\s+us) \b",
    )
    .ok()
});
/// Options by name: "option A", "alternative 2".
static NAMED: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"\b(?:option|alternative|variant)\s+([a-z]|\d{1,2})\b").ok());
/// Two of them to choose from.
static NAMED_PAIR: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(
        r"(?x)\b (?:option|alternative|variant)s? \s+ (?:[a-z]|\d{1,2}) \b [^.!?]*
        \b or \s+ (?:(?:option|alternative|variant)\s+)? (?:[a-z]|\d{1,2}) \b",
    )
    .ok()
});

/// Whether the question offers options instead of making a proposal. A proposal may contain a list: of steps, of conditions, of
/// what speaks for it.
#[must_use]
pub fn offers_options(question: &str) -> bool {
    let text = without_code(question);
    let labels = Labels::of(&text);
    if languages::chooses(&text, labels.is_some() || bullets(&text) > 1) {
        return true;
    }
    let prose = prose_of(&text).to_lowercase();
    let sentences: Vec<Sentence<'_>> = prose.lines().flat_map(sentences_of).collect();
    let asks = |pattern: &LazyLock<Option<Regex>>| {
        sentences.iter().any(|one| one.end != Some('.') && found(pattern, one.text))
    };
    let proposals: Vec<&Sentence<'_>> = sentences.iter().filter(|one| found(&PROPOSAL, one.text)).collect();
    let has_list = labels.is_some() || bullets(&text) > 1;
    let demanded = sentences.iter().any(|one| found(&CHOOSE, one.text));
    if demanded || asks(&NAMED_PAIR) || asks(&TAGGED) || prose.lines().any(|line| chooses(line, has_list)) {
        return true;
    }
    let Some(labels) = labels else { return false };
    let singled_out = proposals.iter().any(|one| named(one.text).len() == 1);
    let is_asked = text.contains('?');
    let is_open = asks(&OPEN) || (proposals.is_empty() && found(&BETTER, &prose));
    let alternatives = labels.joined == Joined::Or && !labels.are_conditions;
    let by_name = labels.are_named && !singled_out;
    let by_letter = labels.are_capitals
        && is_asked
        && (proposals.is_empty() || (labels.follow_a_choice && labels.joined != Joined::And));
    is_open || alternatives || by_name || by_letter
}

/// Whether a line asks "which" of several things.
fn chooses(line: &str, has_list: bool) -> bool {
    let Some(place) = WHICH.as_ref().and_then(|which| which.find(line)) else { return false };
    let from = line.get(place.end().saturating_sub("which".len())..).unwrap_or_default();
    let end = from.find(['?', '.', '!']).unwrap_or(from.len());
    let (asked, rest) = from.split_at_checked(end).unwrap_or((from, ""));
    // A statement such as "which of them failed is not known."
    if rest.starts_with('.') && line.contains('?') {
        return false;
    }
    let before = line.get(..place.start()).unwrap_or_default();
    let listed = |text: &str| text.contains(" or ") || text.contains(" vs");
    found(&WHICH_OF, asked)
        || has_list
        || listed(asked)
        || (before.ends_with(':') || listed(before)) && listed(line)
}

fn found(pattern: &LazyLock<Option<Regex>>, text: &str) -> bool {
    pattern.as_ref().is_some_and(|pattern| pattern.is_match(text))
}

/// The different options that a sentence names.
fn named(sentence: &str) -> std::collections::BTreeSet<&str> {
    let Some(pattern) = NAMED.as_ref() else { return std::collections::BTreeSet::new() };
    pattern.captures_iter(sentence).filter_map(|one| Some(one.get(1)?.as_str())).collect()
}

/// A sentence and the mark that ends it.
struct Sentence<'t> {
    text: &'t str,
    end: Option<char>,
}

fn sentences_of(line: &str) -> Vec<Sentence<'_>> {
    let pieces = line.split_inclusive(['.', '!', '?', ';', ':', '—']);
    pieces
        .map(|piece| {
            let end = piece.chars().last().filter(|last| ".!?;:—".contains(*last));
            let text = piece.trim_end_matches(['.', '!', '?', ';', ':', '—']);
            Sentence { text: text.trim().trim_start_matches(['*', '#', '>', '"', '“', ' ', '(']), end }
        })
        .filter(|sentence| !sentence.text.is_empty())
        .collect()
}

fn without_code(text: &str) -> String {
    let mut inside = false;
    let mut kept = String::with_capacity(text.len());
    for line in text.lines() {
        if line.trim_start().starts_with("```") {
            inside = !inside;
        } else if !inside {
            kept.push_str(line);
            kept.push('\n');
        }
    }
    kept
}

/// The text without the entries of its lists: what an entry says is not what is asked.
fn prose_of(text: &str) -> String {
    let is_entry = |line: &&str| is_bullet(line) || labels::begins(line);
    text.lines().filter(|line| !is_entry(line)).collect::<Vec<_>>().join("\n")
}

fn bullets(text: &str) -> usize {
    text.lines().filter(|line| is_bullet(line)).count()
}

fn is_bullet(line: &str) -> bool {
    let line = line.trim_start();
    ["- ", "* ", "• ", "+ "].iter().any(|mark| line.starts_with(mark))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn choices_are_told_from_proposals() {
        for choice in [
            "Which of Redis, Postgres and SQLite should hold the sessions?",
            "Which of these should we use?",
            "Which one: Kafka, NATS or RabbitMQ?",
            "Which is better for us, Redis or Postgres?",
            "Redis or Postgres: which should we use?",
            "Redis, Postgres or SQLite, which one should we take?",
            "We need a session store. Which database should we use?\n- Redis\n- Postgres",
            "Which database should we use? 1. Redis 2. Postgres 3. SQLite",
            "How should sessions be stored?\nA) Redis\nB) Postgres\nC) signed cookies",
            "How should sessions be stored?\n\n1. In Redis\n2. In Postgres",
            "What should we do about the queue? (a) keep it, (b) replace it by a table",
            "Should we use (A) Redis, (B) Postgres or (C) SQLite?",
            "Should sessions go to\n  A) Redis,\n  B) Postgres, or\n  C) signed cookies?",
            "Should we use:\nA) Redis\nB) Postgres\nC) SQLite?",
            "Session store?\nA. Redis\nB. Postgres",
            "Best session store?\n1) Redis\n2) Postgres",
            "Decide between the following options:\n1. Redis\n2. Postgres",
            "Pick one of Redis, Postgres and SQLite.",
            "The ways out.\n\n**Option A:** keep the queue\n**Option B:** replace it\n\nWhat do you think?",
            "Option 1: keep the queue. Option 2: replace it. Opinions?",
            "Should we go with option A or option B?",
            "In which of the three services does the retry belong?",
            "For storing events, which of the following is best?\n* Kafka\n* Postgres",
            "Where should validation live?\n- A: controller\n- B: service\n- C: database",
            "Is it better to (A) cache in memory or (B) in Redis?",
        ] {
            assert!(offers_options(choice), "{choice}");
        }
        for proposal in [
            "Should the queue be replaced by a table?",
            "Should we adopt this plan?\n1. Freeze writes\n2. Copy the rows\n3. Switch over",
            "Should we do the following: (a) freeze writes, (b) copy, and (c) switch over?",
            "Should we do the following?\nA) freeze writes\nB) copy\nC) switch over",
            "We propose to:\n1. freeze writes\n2. pick one of the replicas\n3. switch over\nShould we do it?",
            "Should we use the cache which is faster or the one that is not shared?",
            "Should we shed load if (1) the disk is full, or (2) the queue is longer than 1000?",
            "Should we go with option B?\n\nOption A: keep the queue\nOption B: replace it by a table",
            "Should we take option B rather than option A?",
            "We looked at which of Redis and Postgres is faster. Should we move to Redis?",
            "Which of the two services fails is not known. Should we roll back both?",
            "Should users be able to choose between a light and a dark theme?",
            "Should the client pick one of the servers at random?",
            "Proposal: raise the limit to 100. Reasons: 1. it is too low, 2. memory is there.",
            "Should we drop this?\n```\nwhich of A) and B)?\nA) x\nB) y\n```",
            "I suggest option 2 of the design document. Should we take it?",
            "Should we merge the change? It brings: 1) a new name, 2) less code, 3) tests.",
            "Should the choice of which database to use be left to each team?",
            "Is this migration safe?\n\nA. Add the column\nB. Fill it\nC. Drop the old one",
            "Is this design sound?\n- one writer\n- many readers\n- no locks",
            "Do we keep the rule, i.e. no unwrap, e.g. in tests?",
            "Should we migrate or not?",
            "Should we support Python 3. and drop 2. now?",
            "The document, in which A or B may occur, is parsed twice. Should it be?",
        ] {
            assert!(!offers_options(proposal), "{proposal}");
        }
    }
}
