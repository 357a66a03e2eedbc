//! Answers with thoughts in them, as models write them.

use proptest::prelude::*;

use super::*;

fn split(pieces: &[&str]) -> (String, String) {
    split_until(pieces, false).0
}

/// Text and thought, and whether the end is doubtful.
fn split_until(pieces: &[&str], is_cut: bool) -> ((String, String), bool) {
    let mut tags = ThinkTags::new();
    let mut out = Vec::new();
    for piece in pieces {
        tags.push(piece, &mut out);
    }
    let is_doubtful = tags.finish(is_cut, &mut out);
    let (mut text, mut thought) = (String::new(), String::new());
    for piece in out {
        match piece {
            Piece::Text(more) => text.push_str(&more),
            Piece::Thought(more) => thought.push_str(&more),
            Piece::WasThought(bytes) => thought.push_str(&text.split_off(text.len() - bytes)),
        }
    }
    ((text, thought), is_doubtful)
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
        ("a</think>b</think>c", "c", "ab"),
        ("<think>a</think>b</think>c", "c", "ab"),
        ("one <think>a</think>two</think>c", "one c", "atwo"),
        ("a</think>b[/THINK]c</think>d", "d", "abc"),
    ]);
}

/// A thought that breaks off leaves open whatever it had begun; an answer closes it.
#[test]
fn what_a_thought_leaves_open_quotes_nothing() {
    check(&[
        (
            "I will write:\n```python\nprint(1) x\n</think>\n\nyes",
            "yes",
            "I will write:\n```python\nprint(1) x\n",
        ),
        ("So:\n~~~\nx\n</think>\nyes\n```\nc\n```", "yes\n```\nc\n```", "So:\n~~~\nx\n"),
        ("```\na\n</think>yes:\n```rust\nfn f() {}\n```\n", "yes:\n```rust\nfn f() {}\n```\n", "```\na\n"),
        (
            "```\na\n</think>yes:\n```\nb\n```\nor\n```\nc\n```",
            "yes:\n```\nb\n```\nor\n```\nc\n```",
            "```\na\n",
        ),
        ("````md\na\n</think>yes:\n```\nb\n```", "yes:\n```\nb\n```", "````md\na\n"),
        ("{\"status\": \"x y\n</think>\n\nyes", "yes", "{\"status\": \"x y\n"),
        ("[\"x y</think>yes, \"and\" no", "yes, \"and\" no", "[\"x y"),
        ("{\"a\": \"x\n</think>\n{\"a\": \"y\"}", "{\"a\": \"y\"}", "{\"a\": \"x\n"),
        ("use `x y </think> yes with `code`", "yes with `code`", "use `x y "),
        ("it`s\nlate\n</think>\nsay `so`", "say `so`", "it`s\nlate\n"),
        ("he says \"no x</think>\"Yes\" is right", "\"Yes\" is right", "he says \"no x"),
        ("I answer \"no\"</think>\"Yes\"", "\"Yes\"", "I answer \"no\""),
        ("<code>x</think>yes <code>y</code>", "yes <code>y</code>", "<code>x"),
        ("'tis x</think>The users' data, it's", "The users' data, it's", "'tis x"),
        ("I say 'no</think>'Yes' is right", "'Yes' is right", "I say 'no"),
        ("- one\n\n    more</think>yes", "yes", "- one\n\n    more"),
        ("    x y</think>yes", "yes", "    x y"),
        ("@@ -1 +1 @@\n-a\n+b\nso x\n</think>yes", "yes", "@@ -1 +1 @@\n-a\n+b\nso x\n"),
        ("```html\n<think>x</think>y", "```html\ny", "x"),
    ]);
}

#[test]
fn tags_are_known_in_every_spelling() {
    for (open, close) in [
        ("<THINK>", "</THINK>"),
        ("<Think>", "</think>"),
        ("<think >", "</think >"),
        ("[think]", "[/think]"),
        ("<reasoning>", "</Reasoning>"),
        ("<|START_THINKING|>", "<|END_THINKING|>"),
        ("<thoughts>", "</thoughts>"),
        ("<Seed:Think>", "</seed:think>"),
    ] {
        let (whole, lone) = (format!("{open}a{close}b"), format!("a{close}b"));
        check(&[(&whole, "b", "a"), (&lone, "b", "a")]);
    }
    check(&[
        ("<|START_THINKING|>a<|END_THINKING|><|START_RESPONSE|>b<|END_RESPONSE|>", "b", "a"),
        (
            "[think](x.md) and <think-aloud> and <thinker>",
            "[think](x.md) and <think-aloud> and <thinker>",
            "",
        ),
        ("see [thinking][1]", "see [thinking][1]", ""),
    ]);
}

/// A thought that another pair closes is over, unless its own tag comes.
#[test]
fn mixed_pairs_lose_no_answer() {
    check(&[
        ("<think>a</thinking>b", "b", "a</thinking>"),
        ("<thinking>a</think>\n\nb `c`", "b `c`", "a</think>"),
        ("<think>a</thinking>b</reasoning>c", "c", "a</thinking>b</reasoning>"),
        ("<think>a</thinking>b<think>c</thinking>d", "d", "a</thinking>bc</thinking>"),
        ("<think>a `</thinking>` b", "", "a `</thinking>` b"),
        ("one\n<think>a</thinking>two", "one\ntwo", "a</thinking>"),
    ]);
    // Of a thought that was cut nobody knows whether it was over.
    let cut = split_until(&["<think>a</thinking>b"], true);
    assert_eq!(cut, ((String::new(), "a</thinking>b".to_owned()), false));
}

#[test]
fn a_thought_without_end_is_not_shown() {
    for (whole, text, thought, is_doubtful) in [
        ("yes <think>x y", "yes ", "x y", true),
        ("yes\n<think>x y", "yes\n", "x y", false),
        ("<think>x y", "", "x y", false),
        ("It begins with <think>.", "It begins with <think>.", "", false),
        ("The <think> tag opens.", "The <think> tag opens.", "", false),
        ("yes <think>a</think> and <think>b", "yes  and ", "ab", true),
    ] {
        let expected = (text.to_owned(), thought.to_owned());
        assert_eq!(split_until(&[whole], false), (expected.clone(), is_doubtful), "{whole}");
        assert_eq!(split_until(&[whole], true), (expected, false), "{whole}, cut");
    }
}

#[test]
fn answers_about_tags_are_whole() {
    for whole in [
        "Use:\n\n    s.split(</think>)[1]\n    x\n\nso",
        "Use:\n\n\ts.split(</think>)[1]",
        "The code `a\nb </think> c` ends.",
        "`<think>` and `a\n</think>`, so",
        "it`s so: `</think>` ends",
        "He wrote \"</think>\" at the end",
        "He wrote “</think>” and '</think>' and «</think>»",
        "He wrote \"a </think> b\", so",
        "Here it is: {\"a\": \"</think>\"}",
        "Here it is: {\"a\": \"x </think> y\", \"b\": 1}",
        r#"Call it("{\"a\": \"</think>\"}")"#,
        "--- a\n+++ b\n@@ -1 +1 @@\n-x </think> y\n+x</thinking>",
        "The tag <code></think></code> ends it",
        "Use re.sub(r'<think>.*?</think>', '', s) here.",
        "It splits at '<think>' and 'a</think>', so",
        "Between <code>a </think> b</code> and",
        "The </think> tag ends it, the <think> tag begins",
        "All </thinking> tags are closed",
        "```python\ns.split(</think>)\n```\nor\n```python\nt\n```",
        "```\n</think>\n```\nor\n```\nx\n```",
        "```\n<think>\nx\n</think>\n```\nand\n```\n</think>\n```",
        "````\n```\n</think>\n````",
        "{\"a\": \"x\n</think>\ny\", \"b\": 1}",
    ] {
        check(&[(whole, whole, "")]);
    }
}

#[test]
fn a_long_text_is_read_in_time() {
    for unit in [
        "```\n</think>\n```\n",
        "`</think>` ",
        "{\"a\": \"</think>",
        "\"</think>",
        "```\n",
        "<think>a</thinking>",
        "<think>\n",
        "```x\n<think>\n```\n```\n",
        "`<think> ",
    ] {
        let whole = unit.repeat(200_000 / unit.len());
        let pieces: Vec<String> = whole.chars().map(String::from).collect();
        let fenced = format!("```\n{whole}");
        let started = std::time::Instant::now();
        split(&pieces.iter().map(String::as_str).collect::<Vec<_>>());
        split(&[&whole]);
        split(&[&fenced]);
        let taken = started.elapsed();
        assert!(taken < std::time::Duration::from_secs(30), "{unit}: {taken:?}");
    }
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
        (
            "<|channel|>analysis\n<|message|>hm<|end|>\n<|start|>assistant\n<|channel|>final\n<|message|>yes",
            "yes",
            "hm",
        ),
        ("analysis<|message|>hm<|end|><|start|>assistant<|channel|>final<|message|>yes", "yes", "analysishm"),
        ("assistant<|channel|>analysis<|message|>hm<|end|>final<|message|>yes", "yes", "assistanthmfinal"),
        ("hm<|end|><|start|>assistant<|channel|>final<|message|>yes", "yes", "hm<|end|>"),
        ("final<|message|>yes<|return|>", "yes", "final"),
    ]);
}

/// What answers are made of.
const WORDS: [&str; 38] = [
    "<THINK >",
    "<|END_THINKING|>",
    "\"",
    "\n\n    ",
    "<code>",
    "</code>",
    "\n```\n",
    "\n@@ -1 +1 @@\n+",
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
