//! The subcommands, one file each, and how they print.

pub(crate) mod activity;
pub(crate) mod cache;
mod client;
pub(crate) mod config;
pub(crate) mod connect;
pub(crate) mod doctor;
pub(crate) mod health;
pub(crate) mod models;
mod plain;
pub(crate) mod prompts;
pub(crate) mod run;
pub(crate) mod serve;
pub(crate) mod status;
mod table;
pub(crate) mod threads;
pub(crate) mod tools;
pub(crate) mod usage;
pub(crate) mod version;

use std::io::{self, IsTerminal as _, Write as _};

/// Prints to standard output. A reader that has gone away (`| head`) is no failure.
pub(crate) fn print(text: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    let newline: &[u8] = if text.ends_with('\n') { b"" } else { b"\n" };
    match out.write_all(text.as_bytes()).and_then(|()| out.write_all(newline)).and_then(|()| out.flush()) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        result => result,
    }
}

/// Prints a value as indented JSON.
pub(crate) fn print_json(value: &serde_json::Value) -> anyhow::Result<()> {
    let json = serde_json::to_string_pretty(value)?;
    Ok(print(&if io::stdout().is_terminal() { escaped(&json) } else { json })?)
}

/// JSON that a terminal does not obey, with the same meaning. JSON itself escapes the control characters below U+0020 only; the ones
/// from U+007F to U+009F stay as they are, and can only be within texts.
fn escaped(json: &str) -> String {
    json.chars().fold(String::with_capacity(json.len()), |mut text, sign| {
        match sign {
            '\u{7f}'..='\u{9f}' => text.push_str(&format!("\\u{:04x}", u32::from(sign))),
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
        let value = json!({"a\u{7f}": "\u{9b}31m \u{80}\u{9f} gr\u{f6}\u{df}er \u{1b}"});
        let text = escaped(&serde_json::to_string_pretty(&value).unwrap());
        assert!(text.contains("\\u009b31m \\u0080\\u009f größer"), "{text}");
        assert!(!text.contains(|sign: char| sign.is_control() && sign != '\n'), "{text:?}");
        assert_eq!(serde_json::from_str::<Value>(&text).unwrap(), value);
    }
}
