//! The name that was probably meant by one that does not exist.

use strsim::osa_distance;

/// One wrong letter in so many is a typing error, as are two that changed places; more make another word.
const LETTERS_A_TYPO: usize = 3;
/// The most names that are offered.
const MOST: usize = 3;
/// A longer name is compared by its beginning.
const LONGEST: usize = 64;

/// The known names that are much like `name`, the nearest first; none where nothing is.
#[must_use]
pub fn near<'n>(name: &str, known: impl IntoIterator<Item = &'n str>) -> Vec<&'n str> {
    let wanted: String = name.chars().take(LONGEST).collect::<String>().to_lowercase();
    let most = (wanted.chars().count() / LETTERS_A_TYPO).max(1);
    let mut near: Vec<(usize, &str)> = known
        .into_iter()
        .map(|known| (osa_distance(&wanted, &known.to_lowercase()), known))
        .filter(|(letters, _)| *letters <= most)
        .collect();
    near.sort_unstable();
    near.into_iter().take(MOST).map(|(_, known)| known).collect()
}

/// `; did you mean a or b?`, or nothing where no known name is near.
#[must_use]
pub fn did_you_mean<'n>(name: &str, known: impl IntoIterator<Item = &'n str>) -> String {
    let near = near(name, known);
    if near.is_empty() { String::new() } else { format!("; did you mean {}?", near.join(" or ")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_much_alike_are_offered() {
        let known = ["chat", "codereview", "refactor", "route"];
        for (name, told) in [
            ("codreview", "; did you mean codereview?"),
            ("CHATT", "; did you mean chat?"),
            ("caht", "; did you mean chat?"),
            ("nosuchtool", ""),
            ("nosuch", ""),
            ("all", ""),
            ("", ""),
        ] {
            assert_eq!(did_you_mean(name, known), told, "{name}");
        }
    }
}
