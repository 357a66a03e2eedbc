//! Answers with thoughts in them, as models write them.

use proptest::prelude::*;

use super::*;

fn split(pieces: &[&str]) -> (String, String) {
    let mut tags = ThinkTags::new();
    let mut out = Vec::new();
    for piece in pieces {
        tags.push(piece, &mut out);
    }
    tags.finish(&mut out);
    let (mut text, mut thought) = (String::new(), String::new());
    for piece in out {
        match piece {
            Piece::Text(more) => text.push_str(&more),
            Piece::Thought(more) => thought.push_str(&more),
            Piece::WasThought(bytes) => thought.push_str(&text.split_off(text.len() - bytes)),
        }
    }
    (text, thought)
}

fn check(rows: &[(&str, &str, &str)]) {
    for (whole, text, thought) in rows {
        let expected = ((*text).to_owned(), (*thought).to_owned());
        assert_eq!(split(&[whole]), expected, "{whole}");
        let single: Vec<String> = whole.chars().map(String::from).collect();
        let single: Vec<&str> = single.iter().map(String::as_str).collect();
        assert_eq!(split(&single), expected, "{whole}, letter by letter");
    }
}

#[test]
fn leading_thoughts_are_split_off() {
    check(&[
        ("<think>a < b</ think></think>\n\nanswer", "answer", "a < b</ think>"),
        ("\n <think>only", "", "only"),
        ("<think>x</thi", "", "x</thi"),
        ("</think>\nanswer", "answer", ""),
        ("  indented", "  indented", ""),
        ("<thin", "<thin", ""),
        ("<table>", "<table>", ""),
        ("<thinking>a</thinking>b", "b", "a"),
        ("<thought>\na\n</thought>\nb", "b", "\na\n"),
        ("[THINK]a[/THINK]b [T] [x]", "b [T] [x]", "a"),
        ("◁think▷a◁/think▷b", "b", "a"),
        ("<seed:think>a</seed:think>b", "b", "a"),
        ("<thinking>a</think>b</thinking>c", "c", "a</think>b"),
    ]);
}

#[test]
fn a_closing_tag_alone_ends_a_thought() {
    check(&[
        ("Let me see.\n</think>\n\nanswer", "answer", "Let me see.\n"),
        ("a `b` {\"c\": 1}\n```\nd\n```\n</think>e", "e", "a `b` {\"c\": 1}\n```\nd\n```\n"),
        ("it`s so</think>yes", "yes", "it`s so"),
        ("it`s so</think>yes\n`a` b", "yes\n`a` b", "it`s so"),
        ("a `b </think> c` d\n</think>e", "e", "a `b </think> c` d\n"),
        ("it`s so\n</think>yes", "yes", "it`s so\n"),
        ("a[/THINK]b", "b", "a"),
        ("a</think>b</think>c", "bc", "a"),
        ("<think>a</think>b</think>c", "bc", "a"),
    ]);
}

#[test]
fn repeated_and_nested_thoughts_go() {
    check(&[
        ("<think>a</think>b<think>c</think>d", "bd", "ac"),
        ("one\n<think>\nx\n</think>\ntwo", "one\n\ntwo", "\nx\n"),
        ("<think>a<think>b</think>c</think>answer", "answer", "abc"),
        ("<think>I close <think> soon</think>answer", "answer", "I close  soon"),
        ("one\n<think>never closed", "one\n", "never closed"),
        ("The <think> tag opens a thought.", "The <think> tag opens a thought.", ""),
        ("<think></think>é<think>", "é<think>", ""),
        ("<think>`</think>` closes</think>yes", "yes", "`</think>` closes"),
    ]);
}

#[test]
fn quoted_marks_stay() {
    for whole in [
        "The `<think>` tag, closed by `</think>`, is gone.",
        "``a ` <think>`` and `</think>`",
        "```html\n<think>x</think>\n```\nso",
        "~~~\n</think>\n~~~",
        "> ```\n> </think>\n> ```",
        "- ```\n  </think>\n  ```",
        "```</think>``` on one line",
        r#"{"a": "<think>b</think>", "c": ["\"</think>", "[THINK]"]}"#,
        "Here:\n[{\"a\": \"<|channel|>analysis<|message|>b\"}]",
        "[\"</think>\"]",
        "The <|start|> token begins a message.",
        "A list: <|end|> and <|return|>.",
    ] {
        check(&[(whole, whole, "")]);
    }
    check(&[
        ("{\"a\": 1}\n<think>b</think>", "{\"a\": 1}\n", "b"),
        ("[see] it\" </think>x", "x", "[see] it\" "),
        ("<think>a</think>{\"b\": \"</think>\"}", "{\"b\": \"</think>\"}", "a"),
        ("```\na\n```\n<think>b</think>c", "```\na\n```\nc", "b"),
    ]);
}

#[test]
fn channels_are_told_apart() {
    check(&[
        (
            "<|channel|>analysis<|message|>hm<|end|><|start|>assistant<|channel|>final<|message|>yes<|return|>",
            "yes",
            "hm",
        ),
        ("<|start|>assistant<|channel|>final<|message|>yes", "yes", ""),
        ("<|channel|>commentary to=functions.f <|constrain|>json<|message|>{}<|call|>", "", "{}"),
        (
            "<|channel|>analysis<|message|>a</think>`b<|end|>\n<|channel|>final<|message|>c",
            "c",
            "a</think>`b",
        ),
        ("<|start|>assistant<|message|>yes<|end|>", "yes", ""),
        ("<|channel|>final", "", ""),
        ("<|channel|>analysis<|message|>cut", "", "cut"),
        ("<|channel|> is a mark\nand more", "<|channel|> is a mark\nand more", ""),
    ]);
}

/// What answers are made of.
const WORDS: [&str; 30] = [
    "<think>",
    "</think>",
    "<thinking>",
    "</thinking>",
    "<thought>",
    "</thought>",
    "[THINK]",
    "[/THINK]",
    "◁think▷",
    "◁/think▷",
    "<|channel|>",
    "analysis",
    "final",
    "<|message|>",
    "<|end|>",
    "<|start|>",
    "assistant",
    "`",
    "```",
    "\n",
    " ",
    "{\"a\": \"",
    "\"}",
    "[",
    "é",
    "<",
    "word",
    "</thi",
    "~~~",
    "\\\"",
];

proptest! {
    #[test]
    fn any_cut_gives_the_same(
        words in prop::collection::vec(prop::sample::select(WORDS.to_vec()), 0..24),
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..12),
    ) {
        let whole = words.concat();
        let mut places: Vec<usize> = cuts.iter().map(|cut| cut.index(whole.len() + 1)).collect();
        places.extend([0, whole.len()]);
        places.retain(|place| whole.is_char_boundary(*place));
        places.sort_unstable();
        let pieces: Vec<&str> = places.windows(2).map(|pair| &whole[pair[0]..pair[1]]).collect();
        prop_assert_eq!(split(&pieces), split(&[&whole]));
    }

    #[test]
    fn a_text_without_marks_stays(text in "[^<\\[◁]{0,200}") {
        prop_assert_eq!(split(&[&text]), (text.clone(), String::new()));
    }
}
