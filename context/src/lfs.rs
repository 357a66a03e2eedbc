//! Pointers of Git LFS: the small text that a repository keeps in the place of a large file.

/// The most bytes of a pointer, by the specification of Git LFS.
pub(crate) const MAX_POINTER: u64 = 1024;

/// The first line of every pointer, and that of those from before the first release.
const VERSIONS: &[&str] =
    &["version https://git-lfs.github.com/spec/v1", "version https://hawser.github.com/spec/v1"];

/// How many bytes the file has that a pointer stands for; `None` when the text is no pointer.
pub(crate) fn size_behind(text: &str) -> Option<u64> {
    let mut lines = text.lines();
    if text.len() as u64 > MAX_POINTER || !VERSIONS.contains(&lines.next()?) {
        return None;
    }
    let value = |key: &str| lines.clone().find_map(|line| line.strip_prefix(key));
    value("oid ")?;
    value("size ")?.parse().ok()
}

/// Whether a line is the first one of a pointer.
pub(crate) fn begins_pointer(line: &str) -> bool {
    VERSIONS.contains(&line)
}

/// Whether a line may stand in a pointer.
pub(crate) fn is_pointer_line(line: &str) -> bool {
    ["version ", "oid ", "size ", "ext-"].iter().any(|key| line.starts_with(key))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pointers_are_recognised() {
        let pointer = format!(
            "version https://git-lfs.github.com/spec/v1\noid sha256:{}\nsize 12345\n",
            "0a".repeat(32)
        );
        assert_eq!(size_behind(&pointer), Some(12_345));
        assert_eq!(size_behind(&pointer.replace("size 12345\n", "")), None);
        assert_eq!(size_behind(&format!("# about\n{pointer}")), None);
        assert_eq!(size_behind(&format!("{pointer}{}", "x".repeat(1_024))), None);
        assert_eq!(size_behind(""), None);
    }
}
