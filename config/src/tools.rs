//! Which tools clients are shown.

use exai_tools::profile::{Profile, Shown, did_you_mean, is_tool};

use super::{choice, clip, key::Key, keys, layers::Layers, problems::Problems};

/// Reads the profile and the lists of names. A name that is no tool is reported and left out.
pub(super) fn read(layers: &Layers, problems: &mut Problems) -> Shown {
    Shown {
        profile: choice(layers, &keys::TOOL_PROFILE, Profile::WORDS, problems),
        enabled: names(layers, &keys::ENABLED_TOOLS, problems),
        disabled: names(layers, &keys::DISABLED_TOOLS, problems),
    }
}

fn names(layers: &Layers, key: &Key, problems: &mut Problems) -> Vec<String> {
    let found = layers.look_up(key);
    let mut names = Vec::new();
    for name in found.value.split([',', ' ', ';']).map(str::trim).filter(|name| !name.is_empty()) {
        let name = name.to_ascii_lowercase();
        if is_tool(&name) {
            names.push(name);
        } else {
            problems.error(format!(
                "{} (from {}): there is no tool `{}`{}",
                key.path,
                found.origin,
                clip(&name),
                did_you_mean(&name)
            ));
        }
    }
    names
}
