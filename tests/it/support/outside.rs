//! What reaches the program from outside its doors: other programs at its database, permissions, a terminal, a pipe.

use std::process::Stdio;

use tokio::{io::AsyncWriteExt as _, process::Command};

use super::{Setup, within};

impl Setup {
    /// Has the program started by another one: its name and arguments; the program's path follows them.
    pub(crate) fn launched_by(mut self, launcher: &[&str]) -> Self {
        self.launcher = launcher.iter().map(|&word| word.to_owned()).collect();
        self
    }

    /// Makes permission bits count, also when the tests are run by root.
    pub(crate) fn bound_by_permissions(self) -> Self {
        let probe = self.home.path().join("probe");
        std::fs::write(&probe, "").expect("the file can be written");
        let nobody = std::os::unix::fs::PermissionsExt::from_mode(0o000);
        std::fs::set_permissions(&probe, nobody).expect("the owner may set permissions");
        if std::fs::read(&probe).is_err() {
            return self;
        }
        self.launched_by(&["setpriv", "--bounding-set", "-dac_override,-dac_read_search"])
    }

    /// A shell's command line in this setup's environment and folder; `$0` is the program.
    pub(crate) fn shell(&self, line: &str) -> Command {
        let program = self.command();
        let program = program.as_std();
        let mut command = Command::new("sh");
        command.args(["-c", line]).arg(program.get_program()).env_clear().kill_on_drop(true);
        command.envs(program.get_envs().filter_map(|(name, value)| Some((name, value?))));
        command.current_dir(self.project.path());
        command
    }

    /// Runs statements on the database file as another program.
    pub(crate) fn sql(&self, statements: &str) {
        let script = "import sqlite3, sys\ndb = sqlite3.connect(sys.argv[1])\ndb.executescript(sys.argv[2])\ndb.commit()\ndb.close()";
        let status = std::process::Command::new("python3")
            .args(["-c", script])
            .arg(self.database())
            .arg(statements)
            .status();
        assert!(status.expect("python3 is there").success());
    }

    /// Runs a subcommand with something on its standard input: exit code, standard output, standard error.
    pub(crate) async fn run_with_input(&self, arguments: &[&str], input: &str) -> (i32, String, String) {
        let mut command = self.command();
        command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("the program can be started");
        let mut pipe = child.stdin.take().expect("a pipe");
        pipe.write_all(input.as_bytes()).await.expect("the program reads");
        drop(pipe);
        let output = within("the command's end", child.wait_with_output())
            .await
            .expect("the program can be waited for");
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("output is text");
        (output.status.code().unwrap_or(-1), text(output.stdout), text(output.stderr))
    }
}
