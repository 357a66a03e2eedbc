//! The program on a terminal of its own.

use std::process::Stdio;

use tokio::{
    io::AsyncReadExt as _,
    process::{Child, ChildStdout},
};

use super::{Setup, within};

/// A running command whose standard error is a terminal, and its standard output too unless the command sends it elsewhere.
pub(crate) struct Terminal {
    child: Child,
    screen: ChildStdout,
    /// Everything that was written to it.
    pub(crate) shown: String,
}

impl Terminal {
    /// Starts a line of shell; `$0` is the program. `script` makes the terminal.
    pub(crate) fn start(setup: &Setup, line: &str) -> Self {
        let mut command = setup.shell(&format!("exec script -qec \"{line}\" /dev/null"));
        command.env("TERM", "xterm").stdin(Stdio::null()).stdout(Stdio::piped());
        let mut child = command.spawn().expect("`script` can be started");
        let screen = child.stdout.take().expect("a pipe");
        Self { child, screen, shown: String::new() }
    }

    /// Waits until something was written.
    pub(crate) async fn until(&mut self, wanted: &str) {
        let read = async {
            while !self.shown.contains(wanted) {
                let mut bytes = [0; 1024];
                let count = self.screen.read(&mut bytes).await.expect("the terminal");
                assert!(count > 0, "the terminal was closed: {}", self.shown);
                self.shown.push_str(&String::from_utf8_lossy(&bytes[..count]));
            }
        };
        within(wanted, read).await;
    }

    /// Waits for the end of the command: whether it succeeded, and everything that was written, without colours.
    pub(crate) async fn ended(mut self) -> (bool, String) {
        let mut rest = Vec::new();
        within("the rest", self.screen.read_to_end(&mut rest)).await.expect("the terminal");
        let status = within("the end", self.child.wait()).await.expect("it can be waited for");
        self.shown.push_str(&String::from_utf8_lossy(&rest));
        (status.success(), console::strip_ansi_codes(&self.shown).replace('\r', ""))
    }
}
