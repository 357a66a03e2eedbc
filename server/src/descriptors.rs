//! Open files: each connection is one, and without any left no client comes in and no file is read.

use crate::settings::ServerSettings;

/// Files that are not connections: the database, requests to vendors, files that are read, git.
const RESERVE: usize = 200;

/// Asks the system for as many as the server's connections may need, and takes fewer connections where it does not give them.
#[must_use]
pub fn fit(settings: ServerSettings) -> ServerSettings {
    let wanted = settings.max_connections.saturating_add(settings.max_websockets).saturating_add(RESERVE);
    match open_files(wanted) {
        Some(files) if files < wanted => {
            let fewer = fewer(settings.clone(), files);
            let text = "the limit of open files allows fewer connections: raise it (ulimit -n, LimitNOFILE)";
            let (connections, websockets) = (fewer.max_connections, fewer.max_websockets);
            // Most systems give nearly all that is wanted, and that is nothing to be warned of.
            if connections < settings.max_connections / 2 {
                tracing::warn!(files, connections, websockets, "{text}");
            } else {
                tracing::debug!(files, connections, websockets, "{text}");
            }
            fewer
        }
        _ => settings,
    }
}

/// So many that files stay for everything else: half of them where there are very few.
fn fewer(settings: ServerSettings, files: usize) -> ServerSettings {
    let each = ((files - RESERVE.min(files / 2)) / 2).max(1);
    ServerSettings {
        max_connections: settings.max_connections.min(each),
        max_websockets: settings.max_websockets.min(each),
        client_websockets: settings.client_websockets.min(each.div_ceil(2)),
        client_streams: settings.client_streams.min(each.div_ceil(2)),
        ..settings
    }
}

/// How many this process may have open; `None` where there is no limit. The system gives more than it begins with (1,024 as a rule) when
/// asked. No more is asked for than is wanted: programs that it starts inherit the limit.
#[cfg(unix)]
fn open_files(wanted: usize) -> Option<usize> {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

    let limit = getrlimit(Resource::Nofile);
    let wanted = u64::try_from(wanted).unwrap_or(u64::MAX);
    if limit.current.is_some_and(|current| current < wanted) {
        let more = limit.maximum.map_or(wanted, |maximum| maximum.min(wanted));
        if let Err(error) = setrlimit(Resource::Nofile, Rlimit { current: Some(more), ..limit }) {
            tracing::debug!("the limit of open files cannot be raised: {error}");
        }
    }
    getrlimit(Resource::Nofile).current.map(|files| usize::try_from(files).unwrap_or(usize::MAX))
}

#[cfg(not(unix))]
fn open_files(_wanted: usize) -> Option<usize> {
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connections_leave_files_for_others() {
        for files in [2, 64, 256, 1024, 20_199] {
            let fewer = fewer(ServerSettings::default(), files);
            let taken = fewer.max_connections + fewer.max_websockets;
            assert!(
                taken > 0 && taken <= files.saturating_sub(RESERVE).max(files.div_ceil(2)).max(2),
                "{files}"
            );
        }
        let few = ServerSettings { max_websockets: 3, ..ServerSettings::default() };
        assert_eq!(fewer(few, 1024).max_websockets, 3);
    }
}
