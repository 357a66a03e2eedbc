//! Notices when the process that started this one ends.
//!
//! `PR_SET_PDEATHSIG` is not used: it fires when the parent's *thread* that forked us ends, and clients that start
//! servers from a worker thread end such threads long before they end themselves.

use std::future::Future;

/// Resolves when the process that started this one ends.
///
/// Event driven on Linux 5.3 and later (`pidfd_open(2)`: the descriptor becomes readable when the process ends). Never
/// resolves on other platforms, when there is no visible parent (first process of a PID namespace), or when the kernel
/// refuses the descriptor; the end of standard input has to do there.
///
/// The parent is looked up when this is called, not when the future is first polled. Must be called inside a Tokio
/// runtime with IO enabled.
pub fn parent_death() -> impl Future<Output = ()> + Send + 'static {
    #[cfg(target_os = "linux")]
    {
        let watched = linux::Watched::parent();
        async move { watched.ended().await }
    }
    #[cfg(not(target_os = "linux"))]
    {
        std::future::pending()
    }
}

#[cfg(target_os = "linux")]
mod linux {
    use std::os::fd::OwnedFd;

    use rustix::process::{Pid, PidfdFlags, getppid, pidfd_open};
    use tokio::io::{Interest, unix::AsyncFd};

    /// A process whose end is awaited.
    pub(super) enum Watched {
        Running(AsyncFd<OwnedFd>),
        Ended,
        /// No process to watch, or no way to watch it.
        Unknown,
    }

    #[expect(
        deprecated,
        reason = "the successor is `unsafe`; an `OwnedFd` cannot close its descriptor too early"
    )]
    fn register(fd: OwnedFd) -> std::io::Result<AsyncFd<OwnedFd>> {
        AsyncFd::with_interest(fd, Interest::READABLE)
    }

    impl Watched {
        pub(super) fn parent() -> Self {
            let Some(parent) = getppid() else {
                return Self::Unknown;
            };
            let watched = Self::process(parent);
            // The parent may have ended between the two calls, and its number may even belong to someone else by now:
            // the kernel gives an orphan another parent, so an unchanged number proves that the right one was opened.
            if getppid() == Some(parent) { watched } else { Self::Ended }
        }

        pub(super) fn process(pid: Pid) -> Self {
            match pidfd_open(pid, PidfdFlags::empty()).map_err(std::io::Error::from).and_then(register) {
                Ok(fd) => Self::Running(fd),
                Err(error) => {
                    tracing::debug!(%error, "cannot watch the parent process");
                    Self::Unknown
                }
            }
        }

        pub(super) async fn ended(self) {
            match self {
                Self::Running(fd) => {
                    if let Err(error) = fd.readable().await {
                        tracing::debug!(%error, "cannot watch the parent process any longer");
                        std::future::pending::<()>().await;
                    }
                }
                Self::Ended => {}
                Self::Unknown => std::future::pending().await,
            }
        }
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use std::process::{Command, Stdio};

    use futures::FutureExt as _;
    use rustix::process::Pid;

    use super::{linux::Watched, parent_death};

    #[tokio::test]
    async fn a_watched_process_ends() {
        let mut child = Command::new("cat").stdin(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap();
        let mut ended = Box::pin(Watched::process(Pid::from_child(&child)).ended());
        assert!(ended.as_mut().now_or_never().is_none(), "the process still runs");
        drop(child.stdin.take());
        ended.await;
        assert!(child.wait().unwrap().success());
    }

    #[tokio::test]
    async fn a_living_parent_is_not_reported() {
        assert!(parent_death().now_or_never().is_none());
    }
}
