//! The files in a model's answer: code blocks whose first line names a path.

use std::{
    collections::BTreeMap,
    path::{Component, Path},
};

use pulldown_cmark::{CodeBlockKind, Event, Parser, Tag, TagEnd};

/// What stands before the path on the first line of a block.
const MARK: &str = "path=";

/// The files of an answer, by their path as the model wrote it.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Marked {
    pub(super) files: BTreeMap<String, String>,
    /// Blocks that are not saved, with the reason.
    pub(super) refused: Vec<String>,
}

/// Finds the blocks that name a path.
pub(super) fn marked(answer: &str) -> Marked {
    let mut marked = Marked::default();
    let mut open: Option<(String, String)> = None;
    for (event, range) in Parser::new(answer).into_offset_iter() {
        match event {
            Event::Start(Tag::CodeBlock(CodeBlockKind::Fenced(info))) => {
                open = path_of(&info).map(|path| (path, String::new()));
            }
            Event::Text(text) => {
                if let Some((_, whole)) = &mut open {
                    whole.push_str(&text);
                }
            }
            Event::End(TagEnd::CodeBlock) => {
                let Some((path, text)) = open.take() else { continue };
                if let Err(why) = check(&path) {
                    // The path may hold what a terminal would obey.
                    marked.refused.push(format!("{}: {why}", path.escape_debug()));
                } else if !is_closed(answer.get(range).unwrap_or_default()) {
                    marked.refused.push(format!("{path}: the answer ends in the middle of it"));
                } else if marked.files.insert(path.clone(), text).is_some() {
                    marked.refused.push(format!(
                        "{path}: its first version; the answer gives it twice, the last one counts"
                    ));
                }
            }
            _ => {}
        }
    }
    marked
}

/// The path on the first line of a block.
fn path_of(info: &str) -> Option<String> {
    let at = info.find(MARK).filter(|at| {
        *at == 0 || info.get(..*at).is_some_and(|before| before.ends_with(char::is_whitespace))
    })?;
    let rest = info.get(at + MARK.len()..)?;
    let path = match rest.strip_prefix('"') {
        Some(quoted) => quoted.split('"').next(),
        None => rest.split_whitespace().next(),
    };
    path.filter(|path| !path.is_empty()).map(str::to_owned)
}

/// Whether a block ends with its own fence; one that was cut off is closed by nothing.
fn is_closed(block: &str) -> bool {
    let fence = |line: &str| {
        let line = line.trim_start();
        let mark = line.chars().next().filter(|mark| matches!(mark, '`' | '~'))?;
        Some((mark, line.chars().take_while(|c| *c == mark).count()))
    };
    let mut lines = block.lines();
    let (first, last) = (lines.next().and_then(fence), lines.next_back());
    let (Some((mark, length)), Some(last)) = (first, last) else { return false };
    let bare = last.trim_start_matches([' ', '>']).trim_end();
    bare.len() >= length && bare.chars().all(|c| c == mark)
}

/// Only plain names below the folder, and nothing that git runs or reads as its own.
fn check(path: &str) -> Result<(), &'static str> {
    if path.contains(|sign: char| sign == '\\' || sign.is_control()) || path.ends_with('/') {
        return Err("that is no path of a file");
    }
    for part in Path::new(path).components() {
        match part {
            Component::Normal(name) if name.eq_ignore_ascii_case(".git") => {
                return Err("what git keeps for itself is not written");
            }
            Component::Normal(_) | Component::CurDir => {}
            _ => return Err("only a relative path below the folder is saved"),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Blocks with a path are files and others are not.
    #[test]
    fn blocks_with_a_path_are_files() {
        let answer = "Here:\n\n```python path=src/a.py\nx = 1\n```\n\n````md path=\"my notes.md\"\n```\ninner\n```\n````\n\n```sh\nls\n```\n";
        let marked = marked(answer);
        let files: Vec<_> = marked.files.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
        assert_eq!(files, [("my notes.md", "```\ninner\n```\n"), ("src/a.py", "x = 1\n")]);
        assert!(marked.refused.is_empty());
    }

    /// A block that was cut off is not a file.
    #[test]
    fn a_block_cut_off_is_no_file() {
        let cut = marked("```python path=a.py\nx = 1\n");
        assert!(cut.files.is_empty());
        assert_eq!(cut.refused, ["a.py: the answer ends in the middle of it"]);
        assert!(is_closed("```py path=a\n```") && !is_closed("````py path=a\n```\n"));
    }

    #[test]
    fn a_path_that_leads_out_is_refused() {
        for path in
            ["/etc/passwd", "../a", "a/../../b", ".git/hooks/pre-commit", "a/.GIT/config", "a\\b", "a/"]
        {
            assert!(check(path).is_err(), "{path}");
        }
        assert!(check("./src/.gitignore").is_ok());
    }

    /// A terminal that lists the folder, or shows why the file was not saved, must not obey the name.
    #[test]
    fn a_name_with_control_characters_is_refused() {
        let marked = marked("```sh path=a\u{1b}[2J.sh\nls\n```\n\n```sh path=b\u{9b}2J\nls\n```\n");
        assert!(marked.files.is_empty());
        assert_eq!(
            marked.refused,
            ["a\\u{1b}[2J.sh: that is no path of a file", "b\\u{9b}2J: that is no path of a file"]
        );
    }
}
