//! What callers write for a file, and the canonical path beneath a root that it means.

use std::path::{Component, Path, PathBuf};

use super::deny;
use super::rejection::Rejection;
use super::roots::{self, Roots};

/// Longer texts are not paths on any system we know (Linux: 4,096 bytes).
const LONGEST: usize = 4_096;

/// Consecutive lines of a file, both ends included, from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct LineRange {
    /// First line.
    pub first: u32,
    /// Last line, never before `first`. May lie beyond the end of the file.
    pub last: u32,
}

impl LineRange {
    /// Ends in either order; line 0 means line 1.
    fn new(one: u32, other: u32) -> Self {
        Self { first: one.min(other).max(1), last: one.max(other).max(1) }
    }
}

/// A path of a caller, found beneath a root.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Located {
    /// The root that contains it.
    pub root: PathBuf,
    /// The canonical path: no symbolic link, no `..`.
    pub absolute: PathBuf,
    /// Whether it is a folder.
    pub is_folder: bool,
    /// The lines that the caller asked for; `None` means all.
    pub range: Option<LineRange>,
}

/// The text of a caller, taken apart.
#[derive(Debug, PartialEq, Eq)]
struct Written {
    whole: String,
    /// The same with a line range split off, when the end looks like one. Two readings of `a:10:7`: line 7 of `a:10`, and line 10
    /// of `a`.
    split: Vec<(String, LineRange)>,
}

impl Roots {
    /// Finds what a caller means: absolute, or relative to the first root in which it exists. Accepts `~/…` for the home folder,
    /// `file://` addresses, `path:10`, `path:10-40`, `path:10:7`, `path#L10-L40`, and quotes or back-ticks around it. A file
    /// whose real name ends like a range is found by its name.
    ///
    /// # Errors
    /// Says why it may not or cannot be read. What lies outside the roots gives the same answer whether or not it exists.
    pub fn locate(&self, written: &str) -> Result<Located, Rejection> {
        let Written { whole, split } = parse(written)?;
        let mut found = self.find(&whole);
        for (path, range) in split {
            if found != Err(Rejection::NotThere) {
                break;
            }
            found = match self.find(&path) {
                Ok(folder) if folder.is_folder => {
                    Err(Rejection::Malformed("a line range needs a file, this is a folder".to_owned()))
                }
                file => file.map(|file| Located { range: Some(range), ..file }),
            };
        }
        found
    }

    fn find(&self, name: &str) -> Result<Located, Rejection> {
        if self.paths().is_empty() {
            return Err(Rejection::NoRoots);
        }
        if let Some(below) = name.strip_prefix('~').filter(|below| below.is_empty() || below.starts_with('/'))
        {
            let unknown = || Rejection::Malformed("~ is not known here; give the absolute path".to_owned());
            return self.admit(&self.home().ok_or_else(unknown)?.join(below.trim_start_matches('/')));
        }
        let path = Path::new(name);
        if path.is_absolute() {
            return self.admit(path);
        }
        let mut verdict = Rejection::NotThere;
        for root in self.paths() {
            match self.admit(&root.join(path)) {
                Err(Rejection::NotThere) => {}
                // Another root may still have it; the first refusal is the more telling one otherwise.
                Err(rejection) if verdict == Rejection::NotThere => verdict = rejection,
                Err(_) => {}
                found => return found,
            }
        }
        Err(verdict)
    }

    /// Admits an absolute path that lies beneath a root after every link in it was followed.
    pub(crate) fn admit(&self, path: &Path) -> Result<Located, Rejection> {
        if roots::is_kernel(path) {
            return Err(Rejection::Denied("a file of the kernel or of a device"));
        }
        if self.climbs_elsewhere(path) {
            return Err(self.outside(path));
        }
        let absolute = match std::fs::canonicalize(path) {
            Ok(absolute) => absolute,
            Err(error) => return Err(self.unreachable(path, &error)),
        };
        let Some(root) = self.containing(&absolute) else { return Err(self.outside(path)) };
        let metadata = std::fs::symlink_metadata(&absolute).map_err(|error| Rejection::from_io(&error))?;
        let is_folder = metadata.is_dir();
        if let Some(reason) = deny::by_name(&absolute, is_folder) {
            return Err(Rejection::Denied(reason));
        }
        Ok(Located { root: root.to_path_buf(), absolute, is_folder, range: None })
    }

    /// Whether a `..` stands behind something that is neither beneath a root nor above one or above the home folder. Such a path leads
    /// to a file only when that is there, so finding the file would tell.
    fn climbs_elsewhere(&self, path: &Path) -> bool {
        let climbs =
            path.ancestors().filter(|part| part.components().next_back() == Some(Component::ParentDir));
        climbs.filter_map(Path::parent).filter_map(|folder| std::fs::canonicalize(folder).ok()).any(
            |folder| {
                let known = self.paths().iter().map(PathBuf::as_path).chain(self.home());
                self.containing(&folder).is_none()
                    && !known.into_iter().any(|known| known.starts_with(&folder))
            },
        )
    }

    /// A path that leads nowhere: the deepest part that exists decides whether the caller may know that.
    fn unreachable(&self, path: &Path, error: &std::io::Error) -> Rejection {
        // Without what follows its name, a link is asked about and not what it leads to: `link/` and `link/.` are followed.
        let mut missing = path.components().as_path();
        while let Some(parent) = missing.parent() {
            if let Ok(existing) = std::fs::canonicalize(parent) {
                if self.containing(&existing).is_none() {
                    return self.outside(path);
                }
                let is_link = std::fs::symlink_metadata(missing).is_ok_and(|metadata| metadata.is_symlink());
                return if is_link { self.outside(path) } else { Rejection::from_io(error) };
            }
            missing = parent;
        }
        self.outside(path)
    }

    /// Named inside a root but leading out of it is a link's (or `..`'s) doing, and is said without telling what is there.
    fn outside(&self, path: &Path) -> Rejection {
        let climbs = path.components().any(|part| part == Component::ParentDir);
        if !climbs && self.containing(path).is_some() {
            return Rejection::Link;
        }
        Rejection::outside(self.paths().iter().map(PathBuf::as_path))
    }
}

fn parse(written: &str) -> Result<Written, Rejection> {
    let malformed = |text: &str| Err(Rejection::Malformed(text.to_owned()));
    let mut name = written.trim();
    for quote in ['`', '"', '\'', '<'] {
        let end = if quote == '<' { '>' } else { quote };
        if let Some(inner) = name.strip_prefix(quote).and_then(|rest| rest.strip_suffix(end)) {
            name = inner.trim();
        }
    }
    if name.is_empty() {
        return malformed("an empty path");
    }
    if name.len() > LONGEST {
        return malformed("longer than a path can be (4,096 bytes)");
    }
    let decoded;
    if let Some(address) =
        name.get(..7).filter(|scheme| scheme.eq_ignore_ascii_case("file://")).and_then(|_| name.get(7..))
    {
        let local = address.strip_prefix("localhost").unwrap_or(address);
        if !local.starts_with('/') {
            return malformed("a file:// address of another machine; give the absolute path");
        }
        let (path, fragment) = local.split_once('#').map_or((local, ""), |(path, fragment)| (path, fragment));
        let path = percent_decode(path)
            .ok_or_else(|| Rejection::Malformed("a file:// address with a wrong % code".to_owned()))?;
        decoded = if fragment.is_empty() { path } else { format!("{path}#{fragment}") };
        name = &decoded;
    }
    if name.contains('\0') {
        return malformed("a path cannot contain a NUL character");
    }
    if is_windows(name) {
        return malformed(
            "a Windows-style path; give the path as this machine writes it, with / (for instance src/main.rs)",
        );
    }
    Ok(Written { whole: name.to_owned(), split: split_range(name) })
}

/// `C:\x`, `C:/x`, `/C:/x` (from a `file://` address) and `\\server\share`, on systems where these are not paths.
fn is_windows(name: &str) -> bool {
    if cfg!(windows) {
        return false;
    }
    let drive = name.strip_prefix('/').unwrap_or(name).as_bytes();
    name.starts_with("\\\\")
        || matches!(drive, [letter, b':', b'\\' | b'/', ..] if letter.is_ascii_alphabetic())
}

/// The folder or file that a `file://` address of a client means; `None` for any other address or a path of another system.
#[must_use]
pub fn file_url_path(address: &str) -> Option<PathBuf> {
    address
        .starts_with("file://")
        .then(|| parse(address).ok())
        .flatten()
        .map(|written| PathBuf::from(written.whole))
}

/// Splits `#L10-L40`, `:10-40`, `:10` or `:10:7` (line and column, as compilers print) off the end.
fn split_range(name: &str) -> Vec<(String, LineRange)> {
    let mut readings = Vec::new();
    if let Some((path, range)) = name.rsplit_once("#L") {
        let (first, last) = range.split_once('-').unwrap_or((range, range));
        readings.push((path, number(first), number(last.strip_prefix('L').unwrap_or(last))));
    } else if let Some((path, range)) = name.rsplit_once(':') {
        let (first, last) = range.split_once('-').unwrap_or((range, range));
        readings.push((path, number(first), number(last)));
        if number(range).is_some()
            && let Some((path, line)) = path.rsplit_once(':')
        {
            readings.push((path, number(line), number(line)));
        }
    }
    let named = readings.into_iter().filter(|(path, ..)| !path.is_empty());
    named.filter_map(|(path, first, last)| Some((path.to_owned(), LineRange::new(first?, last?)))).collect()
}

/// Decimal digits; more than fit are a line beyond the end of any file.
fn number(text: &str) -> Option<u32> {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    digits.then(|| text.parse().unwrap_or(u32::MAX))
}

fn percent_decode(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        rest = after;
        if byte != b'%' {
            bytes.push(byte);
            continue;
        }
        let code = std::str::from_utf8(rest.get(..2)?).ok()?;
        bytes.push(u8::from_str_radix(code, 16).ok()?);
        rest = rest.get(2..)?;
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn split(text: &str) -> Option<(String, u32, u32)> {
        let last = parse(text).unwrap().split.pop();
        last.map(|(path, range)| (path, range.first, range.last))
    }

    #[test]
    fn ranges_are_split_off() {
        let range = |first, last| Some(("src/a.rs".to_owned(), first, last));
        assert_eq!(split("src/a.rs:10"), range(10, 10));
        assert_eq!(split("src/a.rs:10-40"), range(10, 40));
        assert_eq!(split("src/a.rs:40-10"), range(10, 40));
        assert_eq!(split("src/a.rs:12:7"), range(12, 12));
        assert_eq!(split("`src/a.rs#L10-L40`"), range(10, 40));
        assert_eq!(split("src/a.rs#L10-40"), range(10, 40));
        assert_eq!(split("\"src/a.rs#L10\""), range(10, 10));
        assert_eq!(split("src/a.rs:0-3"), range(1, 3));
        assert_eq!(split("src/a.rs:1-99999999999"), range(1, u32::MAX));
        for plain in ["src/a.rs", "src/a.rs:x", "a:b/c", ":10", "a.rs:", "a.rs#Lx"] {
            assert_eq!(split(plain), None, "{plain}");
        }
    }

    #[test]
    fn file_addresses_are_decoded() {
        assert_eq!(parse("file:///srv/a%20b.rs#L3").unwrap().split[0].0, "/srv/a b.rs");
        assert_eq!(parse("file://localhost/srv/a.rs").unwrap().whole, "/srv/a.rs");
        assert!(matches!(parse("file://host/srv/a.rs"), Err(Rejection::Malformed(_))));
        assert!(matches!(parse("file:///a%2"), Err(Rejection::Malformed(_))));
        assert!(matches!(parse("file:///a%00b"), Err(Rejection::Malformed(_))));
    }

    /// What cannot be a path is named as such.
    #[test]
    fn what_is_no_path_is_named_so() {
        for text in
            ["", "  ", "``", "C:\\x\\a.rs", "c:/x/a.rs", "\\\\server\\a.rs", "file:///C:/a.rs", "a\0b"]
        {
            assert!(matches!(parse(text), Err(Rejection::Malformed(_))), "{text:?}");
        }
        assert!(parse(&"a/".repeat(3_000)).is_err());
    }
}
