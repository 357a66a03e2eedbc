//! What a web page or an XML document says in the place of an error.

use super::{ErrorBody, joined, one_line};

/// Elements of XML that hold what is said, and those that hold its code.
const MESSAGES: [&str; 4] = ["message", "errormessage", "faultstring", "detail"];
const CODES: [&str; 2] = ["code", "faultcode"];

/// Reads a text that begins with an angle bracket.
pub(super) fn read(text: &str) -> ErrorBody {
    let lower = text.to_ascii_lowercase();
    let first = |names: &[&str]| names.iter().find_map(|name| element(text, &lower, name));
    if !lower.contains("<html") && !lower.starts_with("<!doctype") {
        let (message, code) = (first(&MESSAGES), first(&CODES));
        if message.is_some() || code.is_some() {
            return ErrorBody { code, message, ..ErrorBody::default() };
        }
    }
    let message = joined(first(&["title", "h1", "h2"]), first(&["p", "pre"]));
    ErrorBody { is_page: true, message, ..ErrorBody::default() }
}

/// The words in the first element of this name that has any.
fn element(text: &str, lower: &str, name: &str) -> Option<String> {
    let begins = format!("<{name}");
    lower.match_indices(&begins).find_map(|(at, _)| {
        let after = lower.get(at + begins.len()..)?;
        if !after.starts_with(|c: char| c == '>' || c.is_whitespace()) {
            return None;
        }
        let start = at + begins.len() + after.find('>')? + 1;
        let end = start + lower.get(start..)?.find(&format!("</{name}"))?;
        words(text.get(start..end)?)
    })
}

/// A text without its tags, and with the usual signs in the place of their names.
fn words(markup: &str) -> Option<String> {
    let mut text = String::with_capacity(markup.len());
    let mut rest = markup;
    while let Some((before, behind)) = rest.split_once('<') {
        text.push_str(before);
        text.push(' ');
        rest = behind.split_once('>').map_or("", |(_, behind)| behind);
    }
    text.push_str(rest);
    let signs =
        [("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&#39;", "'"), ("&nbsp;", " "), ("&amp;", "&")];
    let text = signs.iter().fold(text, |text, (name, sign)| text.replace(name, sign));
    one_line(&text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_and_documents_are_quoted() {
        for (text, said, is_page) in [
            (
                "<html><title>502</title><p class=x>The <b>origin</b> is &quot;gone&quot;</p>",
                "502: The origin is \"gone\"",
                true,
            ),
            ("<!DOCTYPE html><html><p></p><p>Only this</p>", "Only this", true),
            ("<html><picture>no</picture><h1>Log in</h1>", "Log in", true),
            (
                "<?xml version=\"1.0\"?><Error><Code>SlowDown</Code><Message>Reduce\n your rate</Message></Error>",
                "Reduce your rate",
                false,
            ),
            ("<soap:Fault><faultstring>no</faultstring></soap:Fault>", "no", false),
        ] {
            let body = read(text);
            assert_eq!((body.message.as_deref(), body.is_page), (Some(said), is_page), "{text}");
        }
        assert_eq!(read("<Error><Code>SlowDown</Code></Error>").code.as_deref(), Some("SlowDown"));
        assert_eq!(read("<br>").message, None);
    }
}
