//! JSON with the punctuation of Chinese and Japanese keyboards: `｛“findings”：［…］｝`.

/// The text with its structure in ASCII; what stands in quotes is left as it is. `None` when there is none of that punctuation.
pub(crate) fn half_width(text: &str) -> Option<String> {
    if !text.contains(['｛', '［', '：', '，', '＂']) {
        return None;
    }
    let mut plain = String::with_capacity(text.len());
    let mut closes: Option<&[char]> = None;
    let mut is_escaped = false;
    for c in text.chars() {
        if let Some(ends) = closes {
            let is_end = !is_escaped && ends.contains(&c);
            is_escaped = c == '\\' && !is_escaped;
            if is_end {
                closes = None;
                plain.push('"');
            } else if c == '"' {
                plain.push_str("\\\"");
            } else {
                plain.push(c);
            }
            continue;
        }
        closes = match c {
            '"' => Some(&['"']),
            '＂' => Some(&['＂']),
            '“' | '”' | '„' => Some(&['”', '“']),
            '「' => Some(&['」']),
            _ => None,
        };
        plain.push(match c {
            '｛' => '{',
            '｝' => '}',
            '［' | '【' => '[',
            '］' | '】' => ']',
            '：' => ':',
            '，' | '、' => ',',
            '＂' | '“' | '”' | '„' | '「' => '"',
            '\u{3000}' => ' ',
            '０'..='９' => char::from_u32(u32::from(c) - 0xFEE0).unwrap_or(c),
            other => other,
        });
    }
    Some(plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_structure_changes() {
        let text = "｛“findings”：［｛“title”：“缓存，永不清空：见说明”，“line”：３２｝］｝";
        let plain = half_width(text).unwrap();
        assert_eq!(plain, r#"{"findings":[{"title":"缓存，永不清空：见说明","line":32}]}"#);
        assert_eq!(half_width(r#"{"a": "b"}"#), None);
    }
}
