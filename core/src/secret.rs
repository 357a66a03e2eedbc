//! Keys and tokens: they can be used, and cannot be printed.

pub use secrecy::{ExposeSecret, SecretString};

/// The only form in which a secret may be shown: its length class and last two characters, never more than a quarter of it.
#[must_use]
pub fn masked(secret: &SecretString) -> String {
    let text = secret.expose_secret();
    let count = text.chars().count();
    if count < 12 {
        return "****".to_owned();
    }
    let tail: String = text.chars().skip(count - 2).collect();
    format!("****{tail} ({count} characters)")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_never_shows_a_secret() {
        assert_eq!(masked(&SecretString::from("short")), "****");
        let long = SecretString::from("sk-0123456789abcdef");
        assert_eq!(masked(&long), "****ef (19 characters)");
        assert!(!format!("{long:?}").contains("0123"));
    }
}
