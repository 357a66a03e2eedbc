//! Names of the environment and of `.env` that begin as this program's own and are none of them.

use std::collections::BTreeSet;

use exai_engine::clink::DEPTH_VARIABLE;
use strsim::levenshtein;

use super::{env, keys, layers::Layers, problems::Problems};

/// More wrong letters than this make another name.
const MOST_TYPOS: usize = 2;
/// How many near names are offered.
const NEAREST: usize = 2;

/// Reports names that nothing reads, with near ones.
pub(super) fn check(layers: &Layers, problems: &mut Problems) {
    let known = known();
    let named = layers.named_variables();
    for name in layers.own_variables() {
        let is_known = known.contains(name) || named.contains(name);
        let is_told = |text: &String| text.starts_with(&format!("{name} is not a setting"));
        if !is_known && !problems.warnings().iter().any(is_told) {
            problems.warn(format!("{name} is not a setting{}", near(name, &known)));
        }
    }
}

/// Every name of this program's own that is read.
fn known() -> BTreeSet<String> {
    let keys = keys::all().flat_map(|key| {
        let files = key.env.iter().filter(|_| key.secret).map(|name| format!("{name}_FILE"));
        key.env.iter().map(|name| (*name).to_owned()).chain(files)
    });
    let known = keys.chain([env::EXAI_CONFIG_DIR, DEPTH_VARIABLE].map(str::to_owned));
    known.filter(|name| name.starts_with(env::PREFIX)).collect()
}

fn near(name: &str, known: &BTreeSet<String>) -> String {
    let upper = name.to_ascii_uppercase();
    let mut near: Vec<(usize, &String)> = known
        .iter()
        .map(|known| (levenshtein(&upper, known), known))
        .filter(|(distance, _)| *distance <= MOST_TYPOS)
        .collect();
    near.sort();
    let names: Vec<&str> = near.into_iter().take(NEAREST).map(|(_, name)| name.as_str()).collect();
    if names.is_empty() { String::new() } else { format!("; did you mean {}?", names.join(" or ")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unknown_names_get_near_ones() {
        let names = [
            "EXAI_ROOT",
            "exai_log",
            "EXAI_SOMETHING_ELSE",
            "EXAI_ROOTS",
            "EXAI_TOKEN_FILE",
            "EXAI_CLINK_DEPTH",
        ];
        let environment = names.map(|name| (name.to_owned(), "x".to_owned())).into();
        let mut problems = Problems::default();
        check(&Layers::from_environment(environment), &mut problems);
        assert_eq!(
            problems.warnings(),
            [
                "EXAI_ROOT is not a setting; did you mean EXAI_ROOTS?",
                "EXAI_SOMETHING_ELSE is not a setting",
                "exai_log is not a setting; did you mean EXAI_LOG?",
            ]
        );
    }
}
