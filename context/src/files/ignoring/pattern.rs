//! One line of an ignore file, as git reads it.

use super::glob::{Comparing, Glob};

/// The longest line that is a pattern. Linux paths have at most 4,096 bytes, and the paths that patterns name are a fraction of it.
const LONGEST: usize = 1_024;

/// What a file of patterns says of an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Said {
    /// Leave it out.
    Ignore,
    /// Keep it, whatever earlier patterns say.
    Keep,
}

/// A pattern.
#[derive(Debug)]
pub(super) struct Pattern {
    said: Said,
    only_folders: bool,
    /// Without a slash in it a pattern is about the last name of a path, wherever that lies.
    only_name: bool,
    /// What comes before the first wildcard.
    literal: Box<[u8]>,
    rest: Rest,
}

#[derive(Debug)]
enum Rest {
    Nothing,
    /// `*.log`: the rest has no other wildcard.
    Ends(Box<[u8]>),
    Glob(Glob),
}

impl Pattern {
    /// The pattern of a line; none in a comment or an empty line. Says why a line can never match anything.
    pub(super) fn parse(line: &[u8]) -> Result<Option<Self>, &'static str> {
        let line = without_trailing_spaces(line.strip_suffix(b"\r").unwrap_or(line));
        if line.first().is_none_or(|byte| *byte == b'#') {
            return Ok(None);
        }
        if line.len() > LONGEST {
            return Err("it is longer than 1,024 bytes");
        }
        let (said, line) = line.strip_prefix(b"!").map_or((Said::Ignore, line), |rest| (Said::Keep, rest));
        let (only_folders, line) = line.strip_suffix(b"/").map_or((false, line), |rest| (true, rest));
        let only_name = !line.contains(&b'/');
        let line = line.strip_prefix(b"/").unwrap_or(line);
        if line.is_empty() {
            return Ok(None);
        }
        let plain = plain_bytes(line);
        let (literal, wild) = line.split_at_checked(plain).unwrap_or((line, &[]));
        let rest = match wild {
            [] => Rest::Nothing,
            [b'*', ends @ ..] if only_name && plain_bytes(ends) == ends.len() => Rest::Ends(ends.into()),
            // As in git the wildcards begin a text of their own: `a**/b` is `a` followed by `**/b`.
            wild => Rest::Glob(Glob::new(wild)?),
        };
        Ok(Some(Self { said, only_folders, only_name, literal: literal.into(), rest }))
    }

    /// What the pattern says of a path below the folder of its file, if anything.
    pub(super) fn say(&self, path: &[u8], is_folder: bool, work: &mut Comparing) -> Option<Said> {
        work.count(1);
        if self.only_folders && !is_folder {
            return None;
        }
        let text = if self.only_name { path.rsplit(|byte| *byte == b'/').next()? } else { path };
        let text = text.strip_prefix(&*self.literal)?;
        let matches = match &self.rest {
            Rest::Nothing => text.is_empty(),
            Rest::Ends(ends) => text.ends_with(ends),
            Rest::Glob(glob) => glob.matches(text, work),
        };
        matches.then_some(self.said)
    }
}

/// How many bytes come before the first wildcard or backslash.
fn plain_bytes(text: &[u8]) -> usize {
    text.iter().position(|byte| b"*?[\\".contains(byte)).unwrap_or(text.len())
}

/// Spaces at the end do not count, unless a backslash comes before them.
fn without_trailing_spaces(line: &[u8]) -> &[u8] {
    let mut end = 0;
    let mut at = 0;
    while let Some(byte) = line.get(at) {
        at += if *byte == b'\\' { 2 } else { 1 };
        if *byte != b' ' {
            end = at.min(line.len());
        }
    }
    line.get(..end).unwrap_or(line)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn says(pattern: &str, path: &str) -> bool {
        let pattern = Pattern::parse(pattern.as_bytes()).unwrap().unwrap();
        pattern.say(path.as_bytes(), false, &mut Comparing::new(1 << 20)).is_some()
    }

    #[test]
    fn patterns_match_as_in_git() {
        for (pattern, path) in [
            ("a", "x/a"),
            ("/a", "a"),
            ("*.log", "x/y.log"),
            ("a/*.o", "a/b.o"),
            ("**/b", "b"),
            ("a/**/b", "a/b"),
            ("a/**/b", "a/x/y/b"),
            ("a/**", "a/x/y"),
            ("a**/b", "axe/y/b"),
            ("[[:digit:]a-c]x", "bx"),
            ("[]x]", "]"),
            ("[!a]", "b"),
            ("a\\*b", "a*b"),
            ("{a,b}", "{a,b}"),
            ("x\\ ", "x "),
            ("x  ", "x"),
            ("\\#a", "#a"),
            ("\\!a", "!a"),
        ] {
            assert!(says(pattern, path), "{pattern} {path}");
        }
        for (pattern, path) in [
            ("/a", "x/a"),
            ("a/", "a"),
            ("a/*.o", "a/b/c.o"),
            ("a/**", "a"),
            ("x/[!a]y", "x/z/y"),
            ("x[!a]y/z", "x/y/z"),
            ("{a,b}", "a"),
            ("*a", "ab"),
        ] {
            assert!(!says(pattern, path), "{pattern} {path}");
        }
    }

    #[test]
    fn what_can_never_match_is_told() {
        for line in ["[a", "a\\", "[[:unknown:]]", "[[:alpha:"] {
            assert!(Pattern::parse(line.as_bytes()).is_err(), "{line}");
        }
        assert!(Pattern::parse(&[b'a'; LONGEST + 1]).is_err());
        for line in ["", "  ", "# a", "/", "!", "\r"] {
            assert!(Pattern::parse(line.as_bytes()).unwrap().is_none(), "{line:?}");
        }
    }

    #[test]
    fn the_worst_pattern_costs_little() {
        let pattern = Pattern::parse("*a".repeat(500).as_bytes()).unwrap().unwrap();
        let mut work = Comparing::new(1 << 30);
        assert!(pattern.say("ab".repeat(1_000).as_bytes(), false, &mut work).is_none());
        assert!(pattern.say("aa".repeat(1_000).as_bytes(), false, &mut work).is_some());
        assert!(!work.is_spent());
        let mut little = Comparing::new(100);
        assert!(pattern.say("aa".repeat(1_000).as_bytes(), false, &mut little).is_none());
        assert!(little.is_spent());
    }
}
