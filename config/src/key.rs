//! What a setting of one value is: its place, its names, its default.

/// A setting that is one value.
#[derive(Debug)]
pub struct Key {
    /// Its place in `config.toml`.
    pub path: &'static str,
    /// Its environment names, ours first; the others are the usual names elsewhere.
    pub env: &'static [&'static str],
    /// Its default; empty means none.
    pub default: &'static str,
    /// What it means.
    pub about: &'static str,
    /// Whether its value must never be shown.
    pub secret: bool,
}

impl Key {
    /// Its first environment name, or its place in the file where it has none.
    #[must_use]
    pub fn first_name(&self) -> &'static str {
        self.env.first().copied().unwrap_or(self.path)
    }
}

pub(super) const fn key(
    path: &'static str,
    env: &'static [&'static str],
    default: &'static str,
    about: &'static str,
) -> Key {
    Key { path, env, default, about, secret: false }
}

pub(super) const fn secret(path: &'static str, env: &'static [&'static str], about: &'static str) -> Key {
    Key { path, env, default: "", about, secret: true }
}
