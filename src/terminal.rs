//! The one way to a person's terminal: whatever a model, a provider, a file name or a thread has in it, the terminal gets text.
//!
//! A file or a pipe gets everything as it is; what reads it may need it.
#![expect(clippy::disallowed_methods, reason = "this is the room through which everything is printed")]

mod plain;

use std::io::{self, IsTerminal as _, Write};

pub(crate) use plain::{Plain, answer, name, printed};

/// Whether a person reads standard output.
pub(crate) fn is_out() -> bool {
    io::stdout().is_terminal()
}

/// Whether a person reads standard error.
pub(crate) fn is_err() -> bool {
    io::stderr().is_terminal()
}

/// Prints to standard output. A reader that has gone away (`| head`) is no failure.
pub(crate) fn print(text: &str) -> io::Result<()> {
    let shown = if is_out() { plain::screen(text) } else { text.to_owned() };
    write_all(&mut io::stdout().lock(), &shown)
}

/// Prints a value as indented JSON.
pub(crate) fn print_json(value: &serde_json::Value) -> anyhow::Result<()> {
    let json = serde_json::to_string_pretty(value)?;
    let shown = if is_out() { escaped(&json) } else { json };
    Ok(write_all(&mut io::stdout().lock(), &shown)?)
}

/// Writes to standard error what is not part of the answer. It may be closed; the exit code says the same.
pub(crate) fn tell(text: &str) {
    let shown = shown_on_err(text);
    let mut err = io::stderr();
    drop(err.write_all(shown.as_bytes()).and_then(|()| err.flush()));
}

/// A text as standard error gets it.
pub(crate) fn shown_on_err(text: &str) -> String {
    if is_err() { plain::screen(text) } else { text.to_owned() }
}

/// Standard output for text that is clean already and comes piece by piece.
pub(crate) fn out() -> impl Write + Send + 'static {
    io::stdout()
}

/// Standard error for lines of the log.
pub(crate) fn err() -> io::Stderr {
    io::stderr()
}

/// What text lines of the log go through on their way out.
pub(crate) fn log_lines(out: impl Write, has_colours: bool) -> impl Write {
    LogLines { out, has_colours }
}

/// Takes one line of the log a write, as the log's own writer gives them.
struct LogLines<W> {
    out: W,
    has_colours: bool,
}

impl<W: Write> Write for LogLines<W> {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        let text = String::from_utf8_lossy(line);
        let shown = plain::log_line(text.strip_suffix('\n').unwrap_or(&text), self.has_colours);
        self.out.write_all(format!("{shown}\n").as_bytes())?;
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

fn write_all(out: &mut impl Write, text: &str) -> io::Result<()> {
    let newline: &[u8] = if text.ends_with('\n') || text.is_empty() { b"" } else { b"\n" };
    match out.write_all(text.as_bytes()).and_then(|()| out.write_all(newline)).and_then(|()| out.flush()) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        result => result,
    }
}

/// JSON that a terminal does not obey, with the same meaning. JSON itself escapes the control characters below U+0020 only; those from
/// U+007F to U+009F, the ones that change the direction of text and invisible ones can only be within texts.
fn escaped(json: &str) -> String {
    json.chars().fold(String::with_capacity(json.len()), |mut text, sign| {
        match sign {
            '\u{7f}'..='\u{9f}' => text.push_str(&format!("\\u{:04x}", u32::from(sign))),
            sign if plain::turns_text(sign) || plain::is_invisible(sign) => {
                let mut units = [0; 2];
                for unit in sign.encode_utf16(&mut units) {
                    text.push_str(&format!("\\u{unit:04x}"));
                }
            }
            _ => text.push(sign),
        }
        text
    })
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::escaped;

    #[test]
    fn json_on_a_terminal_is_escaped() {
        let value = json!({"a\u{7f}": "\u{9b}31m \u{80}\u{9f} gr\u{f6}\u{df}er \u{1b} \u{202e}x \u{e0041}"});
        let text = escaped(&serde_json::to_string_pretty(&value).unwrap());
        assert!(text.contains("x \\udb40\\udc41"), "{text}");
        assert!(text.contains("\\u009b31m \\u0080\\u009f größer"), "{text}");
        assert!(
            !text.contains(|sign: char| sign.is_control() && sign != '\n' || sign == '\u{202e}'),
            "{text:?}"
        );
        assert_eq!(serde_json::from_str::<Value>(&text).unwrap(), value);
    }
}
