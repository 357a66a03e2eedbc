//! The same on the command line, for hooks and pipelines.

use super::{changed, verdict};
use crate::support::Upstream;

#[tokio::test]
async fn a_check_needs_no_words_and_shows_what_was_looked_at() {
    let setup = changed().await;
    setup.vendor.then(verdict());
    let (code, told, _) = setup.run(&["run", "precommit"]).await;
    assert_eq!(code, 0, "{told}");
    assert!(told.starts_with("Not yet.\n\nHIGH     pages.py:2  The last page is lost\n"), "{told}");
    assert!(
        told.contains("1 file changed (+1 -1): staged, unstaged and new files against the last commit"),
        "{told}"
    );
    assert!(Upstream::last(&setup.vendor).question().contains("Check the change before it is committed."));
}

#[tokio::test]
async fn a_pipeline_fails_on_a_finding_and_passes_where_nothing_has_changed() {
    let setup = changed().await;
    setup.vendor.then(verdict());
    let (code, ..) = setup.run(&["run", "precommit", "--fail-on", "high"]).await;
    assert_eq!(code, 1);
    let (code, told, _) = setup.run(&["run", "precommit", "--staged", "--fail-on", "high"]).await;
    assert_eq!(code, 0, "{told}");
    assert!(told.contains("nothing has changed"), "{told}");
    assert_eq!(setup.vendor.stats().calls, 1);
}

#[tokio::test]
async fn the_change_is_chosen_with_the_same_words_for_every_tool_that_reads_it() {
    let setup = changed().await;
    setup.git(&["checkout", "-q", "-b", "topic"]);
    setup.commit("second");
    for tool in ["precommit", "codereview", "secaudit"] {
        setup.vendor.then(verdict());
        let (code, told, aside) = setup.run(&["run", tool, "--base", "main"]).await;
        assert_eq!(code, 0, "{tool}: {told}{aside}");
        assert!(told.contains("1 file changed (+1 -1)"), "{tool}: {told}");
    }
    for arguments in [["run", "debug", "--staged"], ["run", "chat", "--base=main"]] {
        let (code, _, aside) = setup.run(&arguments).await;
        assert_eq!(code, 2, "{aside}");
        assert!(aside.contains("reads no changes"), "{aside}");
    }
}
