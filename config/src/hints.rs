//! Hints about what to configure when something is missing, made from the table of vendors.

use exai_engine::settings::Hints;
use exai_providers::VendorKind;

use super::{
    endpoints::Endpoints,
    keys,
    vendors::{KNOWN, Known},
};

/// How many vendors the hint names when none is configured.
const NAMED_FIRST: usize = 4;

/// Environment names of the keys of the vendors that are asked first.
#[must_use]
pub fn first_keys() -> Vec<&'static str> {
    let ranked = KNOWN.iter().filter(|known| known.kind.rank().is_some());
    ranked.map(|known| known.key.first_name()).take(NAMED_FIRST).collect()
}

/// What the engine says when something is missing.
#[must_use]
pub fn hints() -> Hints {
    let (first, custom) = (listed(&first_keys(), "or"), keys::CUSTOM_URL.first_name());
    Hints {
        configure: format!(
            "Set {first}, or {custom} for any OpenAI-compatible endpoint, in the server's environment or in the file that \
             `exai-mcp config path` prints."
        ),
        files: offered(&having(VendorKind::keeps_files)),
        search: offered(&having(VendorKind::searches_by_itself)),
    }
}

/// The same, with the endpoints that are configured and cannot be used: they are why something is missing.
#[must_use]
pub fn hints_for(endpoints: &Endpoints) -> Hints {
    let hints = hints();
    if endpoints.left_out.is_empty() {
        return hints;
    }
    Hints { configure: format!("{}. {}", endpoints.left_out.join(". "), hints.configure), ..hints }
}

/// The vendors that have an ability, in alphabetical order.
fn having(ability: fn(VendorKind) -> bool) -> Vec<&'static Known> {
    let mut found: Vec<_> = KNOWN.iter().filter(|known| ability(known.kind)).collect();
    found.sort_by_key(|known| known.title);
    found
}

fn offered(by: &[&Known]) -> String {
    let name = |known: &Known| known.title.split(" (").next().unwrap_or(known.title).to_owned();
    match by {
        [] => "No vendor offers it.".to_owned(),
        [one] => format!("{} offers it: set {}.", name(one), one.key.first_name()),
        several => {
            let named = |known: &&Known| format!("{} ({})", name(known), known.key.first_name());
            let named: Vec<String> = several.iter().map(named).collect();
            format!("{} offer it.", listed(&named.iter().map(String::as_str).collect::<Vec<_>>(), "and"))
        }
    }
}

/// `a, b or c`.
#[must_use]
pub fn listed(names: &[&str], last: &str) -> String {
    match names {
        [] => String::new(),
        [one] => (*one).to_owned(),
        [before @ .., end] => format!("{} {last} {end}", before.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hints_name_keys_of_the_table() {
        let hints = hints();
        assert_eq!(
            hints.configure,
            "Set OPENAI_API_KEY, GLM_API_KEY, KIMI_API_KEY or MINIMAX_API_KEY, or CUSTOM_API_URL for any OpenAI-compatible \
             endpoint, in the server's environment or in the file that `exai-mcp config path` prints."
        );
        assert_eq!(hints.files, "Kimi (KIMI_API_KEY) and OpenAI (OPENAI_API_KEY) offer it.");
        assert_eq!(hints.search, "GLM offers it: set GLM_API_KEY.");
        assert_eq!(offered(&[]), "No vendor offers it.");
    }
}
