//! Pictures come as `data:` URLs; some formats want their parts.

/// Media type and base64 of a `data:` URL.
pub(super) fn split(url: &str) -> Option<(&str, &str)> {
    let (head, data) = url.strip_prefix("data:")?.split_once(',')?;
    Some((head.strip_suffix(";base64")?, data))
}

#[cfg(test)]
mod tests {
    use super::split;

    #[test]
    fn only_base64_is_split() {
        assert_eq!(split("data:image/png;base64,AAEC"), Some(("image/png", "AAEC")));
        assert_eq!(split("data:text/plain,hello"), None);
        assert_eq!(split("https://example.com/a.png"), None);
    }
}
