//! The same on the command line, for hooks and pipelines.

use super::{changed, verdict};
use crate::support::Upstream;

/// A check needs no words and shows what was looked at.
#[tokio::test]
async fn a_check_needs_no_words() {
    let setup = changed().await;
    setup.vendor.then(verdict());
    let (code, told, aside) = setup.run(&["run", "precommit"]).await;
    assert_eq!(code, 0, "{told}");
    assert!(told.starts_with("Not yet.\n\nHIGH     pages.py:2  The last page is lost\n"), "{told}");
    assert!(
        aside.contains("1 file changed (+1 -1): staged, unstaged and new files against the last commit"),
        "{told}"
    );
    assert!(Upstream::last(&setup.vendor).question().contains("Check the change before it is committed."));
}

/// A pipeline fails on a finding and passes where nothing has changed.
#[tokio::test]
async fn a_pipeline_fails_on_a_finding() {
    let setup = changed().await;
    setup.vendor.then(verdict());
    let (code, ..) = setup.run(&["run", "precommit", "--fail-on", "high"]).await;
    assert_eq!(code, 1);
    let (code, told, _) = setup.run(&["run", "precommit", "--staged", "--fail-on", "high"]).await;
    assert_eq!(code, 0, "{told}");
    assert!(told.contains("nothing has changed"), "{told}");
    assert_eq!(setup.vendor.stats().calls, 1);
}

/// The change is chosen with the same words for every tool that reads it.
#[tokio::test]
async fn the_change_is_chosen_alike() {
    let setup = changed().await;
    setup.git(&["checkout", "-q", "-b", "topic"]);
    setup.commit("second");
    for tool in ["precommit", "codereview", "secaudit"] {
        setup.vendor.then(verdict());
        let (code, told, aside) = setup.run(&["run", tool, "--base", "main"]).await;
        assert_eq!(code, 0, "{tool}: {told}{aside}");
        assert!(aside.contains("1 file changed (+1 -1)"), "{tool}: {aside}");
    }
    for arguments in [["run", "debug", "--staged"], ["run", "chat", "--base=main"]] {
        let (code, _, aside) = setup.run(&arguments).await;
        assert_eq!(code, 2, "{aside}");
        assert!(aside.contains("reads no changes"), "{aside}");
    }
}
