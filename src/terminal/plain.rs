//! Text without what a terminal would obey: control characters, escape sequences (ECMA-48), and signs that turn the direction of text
//! (UAX 9), by which a line can be made to look like another one.

use serde_json::Value;

const ESCAPE: char = '\u{1b}';
const BELL: char = '\u{7}';

/// Takes control characters and escape sequences out of a text that comes in pieces. Line ends and tabs stay.
#[derive(Debug, Default)]
pub(crate) struct Plain {
    state: State,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum State {
    #[default]
    Text,
    /// After `ESC`.
    Escape,
    /// After `ESC [`, until a letter or the like.
    Control,
    /// A text for the terminal itself, such as its title, until `BEL` or `ESC \`. Also ends with the line, so that one that is never
    /// closed hides no more than its own line.
    Command,
    /// After `ESC` in such a text.
    CommandEscape,
}

impl Plain {
    /// What a person sees of the next piece.
    pub(crate) fn of(&mut self, piece: &str) -> String {
        piece.chars().filter(|sign| self.shows(*sign)).collect()
    }

    /// Whether a character is one that a person sees.
    fn shows(&mut self, sign: char) -> bool {
        let (state, shows) = match (self.state, sign) {
            (State::CommandEscape, '\\') => (State::Text, false),
            (State::Command, ESCAPE) => (State::CommandEscape, false),
            (_, ESCAPE) => (State::Escape, false),
            (_, '\n') => (State::Text, true),
            (State::Command, BELL | '\u{18}' | '\u{1a}' | '\u{9c}') => (State::Text, false),
            (State::Command, _) => (State::Command, false),
            (_, '\u{9b}') => (State::Control, false),
            (_, '\u{90}' | '\u{98}' | '\u{9d}' | '\u{9e}' | '\u{9f}') => (State::Command, false),
            (State::Escape | State::CommandEscape, '[') => (State::Control, false),
            (State::Escape | State::CommandEscape, ']' | 'P' | 'X' | '^' | '_') => (State::Command, false),
            (State::Escape | State::CommandEscape, ' '..='/') => (State::Escape, false),
            (State::Escape | State::CommandEscape, '0'..='~') => (State::Text, false),
            (State::Control, ' '..='?') => (State::Control, false),
            (State::Control, '@'..='~') => (State::Text, false),
            (_, sign) => (State::Text, sign == '\t' || !is_order(sign)),
        };
        self.state = state;
        shows
    }
}

/// Whether a sign changes the direction of the text around it.
pub(super) fn turns_text(sign: char) -> bool {
    matches!(sign, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// Whether a sign takes no room and may hide what a text says, or is a line's end to some programs: Unicode's tags, its invisible
/// operators, spaces without width, and the line separators. Joiners and the first variation selectors stay, because letters and
/// emoji need them.
pub(super) fn is_invisible(sign: char) -> bool {
    matches!(
        sign,
        '\u{ad}' | '\u{180e}' | '\u{200b}' | '\u{2028}' | '\u{2029}' | '\u{2060}'..='\u{2064}' | '\u{206a}'..='\u{206f}' | '\u{feff}'
            | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e0fff}'
    )
}

/// The sequences by which this program sets colours and weight; text of others never has them when it comes here.
const OWN: [&str; 9] = ["0", "1", "2", "31", "32", "33", "34", "35", "36"];

/// A whole screen of this program: clean, but for its own colours.
pub(super) fn screen(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    let mut plain = Plain::default();
    let mut rest = text;
    while let Some(at) = rest.find("\u{1b}[") {
        let (before, sequence) = rest.split_at(at);
        shown.push_str(&plain.of(before));
        let own =
            sequence.get(2..).and_then(|codes| codes.split_once('m')).filter(|(code, _)| OWN.contains(code));
        rest = match own.filter(|_| plain.state == State::Text) {
            Some((code, after)) => {
                shown.push_str(&format!("\u{1b}[{code}m"));
                after
            }
            None => {
                shown.push_str(&plain.of("\u{1b}["));
                sequence.get(2..).unwrap_or_default()
            }
        };
    }
    shown.push_str(&plain.of(rest));
    shown
}

/// A text that is there as a whole.
fn text(whole: &str) -> String {
    Plain::default().of(whole)
}

/// What is printed of a text that has words of a model or a provider: a terminal gets it clean, a file or a pipe as it is.
pub(crate) fn printed(whole: String, is_terminal: bool) -> String {
    if is_terminal { text(&whole) } else { whole }
}

fn is_order(sign: char) -> bool {
    sign.is_control() || turns_text(sign) || is_invisible(sign)
}

/// A name on one line, such as a file's: what cannot be seen in it is written out, so that two names never look the same and none
/// looks like a line of this program.
pub(crate) fn name(text: &str) -> String {
    let needs_escape = |sign: char| is_order(sign) || matches!(sign, '\u{200c}' | '\u{200d}');
    text.chars().fold(String::with_capacity(text.len()), |mut shown, sign| {
        if needs_escape(sign) {
            shown.extend(sign.escape_default());
        } else {
            shown.push(sign);
        }
        shown
    })
}

/// How the log's own writer ends and begins a colour on a terminal.
const OF_THE_LOG: [&str; 9] = [
    "\u{1b}[0m",
    "\u{1b}[1m",
    "\u{1b}[2m",
    "\u{1b}[3m",
    "\u{1b}[31m",
    "\u{1b}[32m",
    "\u{1b}[33m",
    "\u{1b}[34m",
    "\u{1b}[35m",
];

/// A line of the log, without its end: what others wrote cannot begin a further line there, nor go back over what is printed. On a
/// terminal the line has colours.
pub(super) fn log_line(line: &str, has_colours: bool) -> String {
    let mut shown = String::with_capacity(line.len());
    for (at, sign) in line.char_indices() {
        let rest = line.get(at..).unwrap_or_default();
        let is_colour = has_colours && OF_THE_LOG.iter().any(|colour| rest.starts_with(colour));
        if is_order(sign) && sign != '\t' && !is_colour {
            shown.extend(sign.escape_default());
        } else {
            shown.push(sign);
        }
    }
    shown
}

/// The fields that hold a file's name.
const NAMES: [&str; 3] = ["path", "file", "old_path"];

/// Every text of an answer, and the names of its fields: a model writes those too where its answer is passed on as it is.
pub(crate) fn answer(value: &mut Value) {
    match value {
        Value::String(words) if words.contains(is_order) => *words = text(words),
        Value::Array(values) => values.iter_mut().for_each(answer),
        Value::Object(fields) => {
            if fields.keys().any(|key| key.contains(is_order)) {
                for (key, value) in std::mem::take(fields) {
                    // Two names may look the same without what is taken out; neither field may hide the other.
                    let plain = Some(text(&key)).filter(|plain| !fields.contains_key(plain));
                    fields.insert(plain.unwrap_or_else(|| key.escape_debug().to_string()), value);
                }
            }
            for (field, value) in fields.iter_mut() {
                match value {
                    Value::String(words) if NAMES.contains(&field.as_str()) => *words = name(words),
                    value => answer(value),
                }
            }
        }
        Value::String(_) | Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CASES: [(&str, &str); 13] = [
        ("in\u{200b}vis\u{e0041}ible\u{2028}\u{feff}", "invisible"),
        ("👩\u{200d}💻 and ❤\u{fe0f}", "👩\u{200d}💻 and ❤\u{fe0f}"),
        ("safe\u{202e}cod.exe\u{2066} \u{200f}x", "safecod.exe x"),
        ("plain\n\ttext, größer", "plain\n\ttext, größer"),
        ("a \u{1b}[31;1mred\u{1b}[0m word", "a red word"),
        ("\u{1b}[2J\u{1b}[Hcleared", "cleared"),
        ("\u{1b}]0;a title\u{7}words", "words"),
        ("\u{1b}]8;;http://x.example\u{1b}\\link\u{1b}]8;;\u{1b}\\!", "link!"),
        ("\u{9b}31mred and \u{9d}title\u{9c}more", "red and more"),
        ("one\rtwo\u{8}\u{0}\u{7f}", "onetwo"),
        ("\u{1b}(Bset \u{1b}cand reset", "set and reset"),
        ("\u{1b}]never closed\nthe next line", "\nthe next line"),
        ("\u{1b}[1\u{1b}[2mtwice \u{1b}", "twice "),
    ];

    #[test]
    fn a_log_line_keeps_its_own_colours() {
        let line = "\u{1b}[2m12:00\u{1b}[0m \u{1b}[31mERROR\u{1b}[0m a\tb\n\r\u{1b}[8m\u{1b}]0;x\u{7}\u{202e}\u{2028}";
        let escaped = "a\tb\\n\\r\\u{1b}[8m\\u{1b}]0;x\\u{7}\\u{202e}\\u{2028}";
        assert_eq!(
            log_line(line, true),
            format!("\u{1b}[2m12:00\u{1b}[0m \u{1b}[31mERROR\u{1b}[0m {escaped}")
        );
        assert!(!log_line(line, false).contains('\u{1b}'));
    }

    #[test]
    fn a_terminal_is_given_no_orders() {
        for (said, seen) in CASES {
            assert_eq!(text(said), seen, "{said:?}");
        }
    }

    /// A model's words come in pieces of any length, so a sequence can begin in one and end in the next.
    #[test]
    fn a_cut_changes_nothing() {
        for (said, seen) in CASES {
            for (cut, _) in said.char_indices() {
                let (first, second) = said.split_at(cut);
                let mut plain = Plain::default();
                assert_eq!(plain.of(first) + &plain.of(second), seen, "{first:?} {second:?}");
            }
        }
    }

    #[test]
    fn only_our_own_colours_are_shown() {
        let ours = "\u{1b}[31m\u{1b}[1mHIGH\u{1b}[0m";
        assert_eq!(screen(ours), ours);
        assert_eq!(
            screen("\u{1b}[8mhidden\u{1b}[2Jgone \u{1b}]0;t\u{7}x\u{1b}[31;5mblink"),
            "hiddengone xblink"
        );
        assert_eq!(screen("\u{1b}]0;\u{1b}[31mtitle\u{7}x"), "titlex");
    }

    #[test]
    fn only_a_terminal_gets_clean_text() {
        let said = "a \u{1b}[31mred title".to_owned();
        assert_eq!(printed(said.clone(), true), "a red title");
        assert_eq!(printed(said.clone(), false), said);
    }

    #[test]
    fn names_hide_nothing() {
        for (written, shown) in [
            ("src/größer 名.py", "src/größer 名.py"),
            ("a\nnot read: b", "a\\nnot read: b"),
            (
                "a\u{1b}[31m\u{2028}\u{200d}b\u{e0041}\u{202e}",
                "a\\u{1b}[31m\\u{2028}\\u{200d}b\\u{e0041}\\u{202e}",
            ),
        ] {
            assert_eq!(name(written), shown);
            assert_eq!(name(shown), shown, "once is enough");
        }
    }

    #[test]
    fn every_text_of_an_answer_is_plain() {
        let mut said = serde_json::json!({
            "content": "\u{1b}[1mbold", "list": [{"a": "b\u{7}", "\u{1b}[31mred": 2, "\u{1b}[1mred": 3}], "n": 1,
            "path": "a\u{1b}[1mb",
        });
        answer(&mut said);
        assert_eq!(
            said,
            serde_json::json!({
                "content": "bold", "list": [{"a": "b", "red": 2, "\\u{1b}[1mred": 3}], "n": 1, "path": "a\\u{1b}[1mb"
            })
        );
    }
}
