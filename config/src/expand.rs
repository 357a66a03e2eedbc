//! Paths as people write them: `~`, `$NAME`, `${NAME}` and `%NAME%` stand for what they stand for in a shell, and quotes around the whole are
//! left off. What cannot be expanded is refused: a folder called `~` is never what was meant.

use std::{
    cell::RefCell,
    path::{Component, Path, PathBuf},
};

/// Expands paths with the variables of one environment.
pub(crate) struct Expander<'a> {
    variable: &'a dyn Fn(&str) -> Option<String>,
    home: Option<PathBuf>,
}

impl<'a> Expander<'a> {
    /// With these variables and this home folder; one that is itself written with `~` is none.
    #[must_use]
    pub(crate) fn new(variable: &'a dyn Fn(&str) -> Option<String>, home: Option<PathBuf>) -> Self {
        Self { variable, home: home.filter(|home| home.is_absolute()) }
    }

    /// The path that a text means.
    ///
    /// # Errors
    /// What in it cannot be expanded.
    pub(crate) fn path(&self, written: &str) -> Result<PathBuf, String> {
        let written = unquoted(written)?;
        check_written(written)?;
        checked(self.tilde(&self.variables(written)?)?)
    }

    /// The paths of a list that is separated as `PATH` is, each of them or what in it cannot be expanded.
    #[must_use]
    pub(crate) fn list(&self, written: &str) -> Vec<Result<PathBuf, String>> {
        let whole = unquoted(written).unwrap_or(written);
        entries(whole)
            .into_iter()
            .flat_map(|entry| match self.entry(entry) {
                // A variable can hold several paths.
                Ok(paths) => std::env::split_paths(&paths)
                    .filter(|path| !path.as_os_str().is_empty())
                    .map(|path| self.tilde(&path.to_string_lossy()).and_then(checked))
                    .collect(),
                Err(problem) => vec![Err(problem)],
            })
            .collect()
    }

    fn entry(&self, written: &str) -> Result<String, String> {
        let written = unquoted(written)?;
        check_written(written)?;
        self.variables(written)
    }

    fn variables(&self, written: &str) -> Result<String, String> {
        if written.contains("$(") || written.contains('`') {
            return Err("commands are not run here; write the path itself".to_owned());
        }
        let missing = RefCell::new(None);
        let look_up = |name: &str| -> Result<Option<String>, std::convert::Infallible> {
            let value = (self.variable)(name).filter(|value| !value.is_empty());
            if value.is_none() {
                missing.borrow_mut().get_or_insert_with(|| name.to_owned());
            }
            Ok(value)
        };
        let expanded = match shellexpand::env_with_context(written, look_up) {
            Ok(text) => text.into_owned(),
            Err(never) => match never.cause {},
        };
        // An unknown variable stays as it was written, unless `:-` says what it is then.
        if let Some(name) = missing.into_inner()
            && [format!("${name}"), format!("${{{name}}}")].iter().any(|written| expanded.contains(written))
        {
            return Err(not_set(&name));
        }
        if expanded.contains("${") {
            return Err("`${` is not closed, or what it names is no variable".to_owned());
        }
        self.percent(&expanded)
    }

    /// `%NAME%`, as Windows writes it. A single percent sign is one.
    fn percent(&self, text: &str) -> Result<String, String> {
        let (mut whole, mut rest) = (String::new(), text);
        while let Some((before, after)) = rest.split_once('%') {
            whole.push_str(before);
            rest = after;
            match after.split_once('%') {
                Some((name, behind)) if is_name(name) => {
                    whole.push_str(&(self.variable)(name).ok_or_else(|| not_set(name))?);
                    rest = behind;
                }
                _ => whole.push('%'),
            }
        }
        whole.push_str(rest);
        Ok(whole)
    }

    fn tilde(&self, text: &str) -> Result<String, String> {
        let home = || self.home.as_ref().map(|home| home.to_string_lossy().into_owned());
        let expanded = shellexpand::tilde_with_context(text, home);
        if expanded.starts_with('~') {
            return Err(match home() {
                Some(_) => "only `~` and `~/` stand for a home folder; write the whole path".to_owned(),
                None => "there is no home folder that `~` stands for; write the whole path".to_owned(),
            });
        }
        Ok(expanded.into_owned())
    }
}

/// The text without the quotes around it, which a shell would have taken off.
fn unquoted(written: &str) -> Result<&str, String> {
    let text = written.trim();
    let quote = ['"', '\''].into_iter().find(|quote| text.starts_with(*quote) || text.ends_with(*quote));
    let Some(quote) = quote else { return Ok(written) };
    let inside = text.strip_prefix(quote).and_then(|text| text.strip_suffix(quote));
    inside.filter(|inside| !inside.contains(quote)).map(str::trim).ok_or_else(|| {
        format!("a quote ({quote}) begins or ends it and has no partner; write the path without quotes")
    })
}

/// What no path begins with or has in it.
fn check_written(written: &str) -> Result<(), String> {
    if written.contains("://") || written.get(..5).is_some_and(|start| start.eq_ignore_ascii_case("file:")) {
        return Err("it is an address; write the path itself, without file://".to_owned());
    }
    let mut signs = written.chars().peekable();
    while let Some(sign) = signs.next() {
        if sign != '$' {
            continue;
        }
        match signs.peek() {
            Some('$') => drop(signs.next()),
            Some(next) if "{(_".contains(*next) || next.is_ascii_alphabetic() => {}
            _ => {
                return Err(
                    "`$` stands before the name of a variable; write $$ for the sign itself".to_owned()
                );
            }
        }
    }
    Ok(())
}

/// The path, unless a part of it is a name that only stands for something at another place, or is not closed.
fn checked(expanded: String) -> Result<PathBuf, String> {
    for part in Path::new(&expanded).components() {
        let Component::Normal(part) = part else { continue };
        let part = part.to_string_lossy();
        if part == "~" {
            return Err(
                "`~` only stands for the home folder at the beginning; write the whole path".to_owned()
            );
        }
        if part.strip_prefix('%').is_some_and(is_name) {
            return Err(format!("`{part}` is not closed; write {part}%"));
        }
    }
    Ok(PathBuf::from(expanded))
}

/// The entries of a list. What stands in `${...}` belongs to one of them.
fn entries(list: &str) -> Vec<&str> {
    const SEPARATOR: char = if cfg!(windows) { ';' } else { ':' };
    let mut is_inside = false;
    let ends = |sign: char| {
        is_inside = match sign {
            '{' => true,
            '}' => false,
            _ => is_inside,
        };
        sign == SEPARATOR && !is_inside
    };
    list.split(ends).collect()
}

fn not_set(name: &str) -> String {
    format!("the variable {name} is not set")
}

fn is_name(text: &str) -> bool {
    let is_first = |c: char| c.is_ascii_alphabetic() || c == '_';
    text.starts_with(is_first) && text.chars().all(|c| is_first(c) || c.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(written: &str) -> Result<String, String> {
        let variable = |name: &str| match name {
            "HOME" => Some("/home/me".to_owned()),
            "DATA" => Some("data 1".to_owned()),
            "LIST" => Some("/a:/b".to_owned()),
            "EMPTY" => Some(String::new()),
            _ => None,
        };
        let expander = Expander::new(&variable, Some("/home/me".into()));
        let shown = |path: PathBuf| path.display().to_string();
        match written.strip_prefix("list ") {
            Some(list) => {
                let paths: Result<Vec<PathBuf>, String> = expander.list(list).into_iter().collect();
                paths.map(|paths| paths.into_iter().map(shown).collect::<Vec<_>>().join(" "))
            }
            None => expander.path(written).map(shown),
        }
    }

    #[test]
    fn shell_forms_are_expanded() {
        for (written, meant) in [
            ("~", "/home/me"),
            ("~/x", "/home/me/x"),
            ("$HOME/x", "/home/me/x"),
            ("${HOME}/x", "/home/me/x"),
            ("%HOME%/x", "/home/me/x"),
            ("/srv/${DATA}/x", "/srv/data 1/x"),
            ("${NONE:-/tmp}/x", "/tmp/x"),
            ("/plain/100%/a~b", "/plain/100%/a~b"),
            ("a$$b", "a$b"),
            ("list ~/a:${HOME}/b:/c", "/home/me/a /home/me/b /c"),
            ("list $LIST:~", "/a /b /home/me"),
            ("\"~/x\"", "/home/me/x"),
            ("' ~/a b '", "/home/me/a b"),
            ("/it's/x", "/it's/x"),
            ("list \"~/a:/b\"", "/home/me/a /b"),
            ("list \"~/a\":'/b'", "/home/me/a /b"),
            ("list ${NONE:-/x}:/y", "/x /y"),
        ] {
            assert_eq!(path(written).as_deref(), Ok(meant), "{written}");
        }
    }

    #[test]
    fn a_relative_home_is_none() {
        let nothing = |_: &str| Some("~".to_owned());
        for home in ["~", "home/me", ""] {
            let expander = Expander::new(&nothing, Some(home.into()));
            for written in ["~/x", "$HOME/x"] {
                assert!(expander.path(written).unwrap_err().contains("no home folder"), "{home} {written}");
            }
        }
    }

    #[test]
    fn what_cannot_be_expanded_is_refused() {
        for (written, why) in [
            ("$NONE/x", "NONE is not set"),
            ("${NONE}/x", "NONE is not set"),
            ("/a/$EMPTY", "EMPTY is not set"),
            ("%NONE%\\x", "NONE is not set"),
            ("~other/x", "only `~` and `~/`"),
            ("list /a:~other", "only `~` and `~/`"),
            ("${HOME/x", "not closed"),
            ("\"~/x", "has no partner"),
            ("list /a:~/x'", "has no partner"),
            ("./~/x", "only stands for the home folder at the beginning"),
            ("/srv/~", "only stands for the home folder at the beginning"),
            ("$", "before the name of a variable"),
            ("/a/$/b", "before the name of a variable"),
            ("/a/$1", "before the name of a variable"),
            ("%HOME/x", "`%HOME` is not closed"),
            ("file:///srv/x", "it is an address"),
            ("FILE:/srv/x", "it is an address"),
            ("https://host/x", "it is an address"),
            ("$(pwd)/x", "commands are not run"),
            ("`pwd`/x", "commands are not run"),
        ] {
            let told = path(written).expect_err(written);
            assert!(told.contains(why), "{written}: {told}");
        }
    }
}
