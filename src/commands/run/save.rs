//! Files that an answer contains, saved under one folder and never outside it.

use exai_core::wording::counted;
use std::{
    collections::BTreeMap,
    ffi::OsStr,
    fs::File,
    io::{self, Write as _},
    path::{Component, Path},
};

use pulldown_cmark::{CodeBlockKind, Event, Parser, Tag, TagEnd};
use rustix::{
    fd::OwnedFd,
    fs::{AtFlags, Mode, OFlags},
    io::Errno,
};
use serde_json::Value;

/// What stands before the path on the first line of a block.
const MARK: &str = "path=";
/// Folders are opened one after the other and no link is followed, so that none leads out.
const FOLDER: OFlags = OFlags::RDONLY.union(OFlags::DIRECTORY).union(OFlags::NOFOLLOW).union(OFlags::CLOEXEC);
/// What a file has at the end of its name until it is complete.
const UNFINISHED: &str = ".exai-new";

/// The files of an answer, by their path as the model wrote it.
#[derive(Debug, Default, PartialEq, Eq)]
struct Marked {
    files: BTreeMap<String, String>,
    /// Blocks that are not saved, with the reason.
    refused: Vec<String>,
}

/// Saves the files that an answer contains; says what was done, and whether everything was.
///
/// Nothing at all is saved when one of the files is there already, unless `force` is set.
pub(super) fn save(folder: &Path, force: bool, answer: &Value) -> (String, bool) {
    let text = answer.get("content").and_then(Value::as_str).unwrap_or_default();
    let Marked { files, refused } = marked(text);
    let mut report: String = refused.iter().map(|why| format!("not saved: {why}\n")).collect();
    if files.is_empty() {
        report.push_str("nothing was saved: the answer contains no file with a path\n");
        return (report, false);
    }
    let folder_open = std::fs::create_dir_all(folder).and_then(|()| {
        Ok(rustix::fs::open(folder, OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())?)
    });
    let root = match folder_open {
        Ok(root) => root,
        Err(error) => {
            report.push_str(&format!("nothing was saved: {}: {error}\n", folder.display()));
            return (report, false);
        }
    };
    let there: Vec<&String> = files.keys().filter(|path| !force && exists(&root, path)).collect();
    if !there.is_empty() {
        for path in there {
            report.push_str(&format!("already there: {}\n", folder.join(path).display()));
        }
        report.push_str("nothing was saved; give another folder, or --force to replace these files\n");
        return (report, false);
    }
    let mut complete = refused.is_empty();
    for (path, text) in &files {
        let place = folder.join(path);
        match write(&root, path, text, force) {
            Ok(()) => {
                let lines = counted(text.lines().count(), "line");
                report.push_str(&format!("saved {} ({lines})\n", place.display()));
            }
            Err(error) => {
                complete = false;
                report.push_str(&format!("not saved: {}: {error}\n", place.display()));
            }
        }
    }
    (report, complete)
}

/// Finds the blocks that name a path.
fn marked(answer: &str) -> Marked {
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
                    marked.refused.push(format!("{path}: {why}"));
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
    if path.contains(['\0', '\\']) || path.ends_with('/') {
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

/// The folder of a file, opened part by part, and the file's name.
fn parent<'p>(root: &OwnedFd, path: &'p str, make: bool) -> io::Result<(OwnedFd, &'p OsStr)> {
    let names: Vec<&OsStr> = Path::new(path)
        .components()
        .filter_map(|part| if let Component::Normal(name) = part { Some(name) } else { None })
        .collect();
    let Some((name, folders)) = names.split_last() else { return Err(io::ErrorKind::InvalidInput.into()) };
    let mut at = root.try_clone()?;
    for folder in folders {
        if make {
            match rustix::fs::mkdirat(&at, *folder, Mode::from_raw_mode(0o777)) {
                Ok(()) | Err(Errno::EXIST) => {}
                Err(error) => return Err(error.into()),
            }
        }
        at = rustix::fs::openat(&at, *folder, FOLDER, Mode::empty())?;
    }
    Ok((at, name))
}

fn exists(root: &OwnedFd, path: &str) -> bool {
    match parent(root, path, false) {
        Ok((folder, name)) => rustix::fs::statat(&folder, name, AtFlags::SYMLINK_NOFOLLOW).is_ok(),
        Err(_) => false,
    }
}

/// Writes a file beside its place and moves it there when it is complete.
fn write(root: &OwnedFd, path: &str, text: &str, force: bool) -> io::Result<()> {
    let (folder, name) = parent(root, path, true)?;
    let mut unfinished = name.to_owned();
    unfinished.push(UNFINISHED);
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::TRUNC | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let file = rustix::fs::openat(&folder, &unfinished, flags, Mode::from_raw_mode(0o666))?;
    let mut file = File::from(file);
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    let moved = if force {
        rustix::fs::renameat(&folder, &unfinished, &folder, name)
    } else {
        // A link cannot take the place of a file that has appeared meanwhile.
        rustix::fs::linkat(&folder, &unfinished, &folder, name, AtFlags::empty())
    };
    if moved.is_err() || !force {
        rustix::fs::unlinkat(&folder, &unfinished, AtFlags::empty())?;
    }
    Ok(moved?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_with_a_path_are_files_and_others_are_not() {
        let answer = "Here:\n\n```python path=src/a.py\nx = 1\n```\n\n````md path=\"my notes.md\"\n```\ninner\n```\n````\n\n```sh\nls\n```\n";
        let marked = marked(answer);
        let files: Vec<_> = marked.files.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
        assert_eq!(files, [("my notes.md", "```\ninner\n```\n"), ("src/a.py", "x = 1\n")]);
        assert!(marked.refused.is_empty());
    }

    #[test]
    fn a_block_that_was_cut_off_is_not_a_file() {
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
}
