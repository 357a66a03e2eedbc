//! The ignore file that the user has for all repositories.

use std::path::PathBuf;

use tokio_util::sync::CancellationToken;

use super::{
    os_path::path_of,
    program::{Git, Invocation, Sees, words},
    settings::GitSettings,
};

/// Where it lies by the user's or the system's configuration (`core.excludesFile`), else where git looks for it without one. Whether it
/// is there is not known.
pub async fn user_excludes(settings: &GitSettings, cancel: &CancellationToken) -> Option<PathBuf> {
    configured(settings, cancel).await.or_else(|| usual(settings))
}

async fn configured(settings: &GitSettings, cancel: &CancellationToken) -> Option<PathBuf> {
    let git = Git::find(settings, cancel).await.ok()?;
    let folder = std::env::temp_dir();
    let asked = Invocation {
        folder: &folder,
        sees: Sees::Nothing,
        configuration: &[],
        arguments: &words(["config", "-z", "--type=path", "--get", "core.excludesFile"]),
        input: &[],
    };
    let said = match git.run(asked, cancel).await {
        Ok(said) => said,
        Err(error) => {
            tracing::warn!("the user's core.excludesFile is not known: {error}");
            return None;
        }
    };
    let path = said.stdout.strip_suffix(b"\0").filter(|path| !path.is_empty())?;
    Some(PathBuf::from(path_of(path)))
}

fn usual(settings: &GitSettings) -> Option<PathBuf> {
    let variable = |name: &str| {
        let found = settings.environment.iter().find(|(known, value)| known == name && !value.is_empty());
        found.map(|(_, value)| PathBuf::from(value))
    };
    let folder = variable("XDG_CONFIG_HOME").or_else(|| Some(variable("HOME")?.join(".config")))?;
    Some(folder.join("git/ignore"))
}
