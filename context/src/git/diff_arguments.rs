//! How git is asked for differences, so that no configuration changes the answer.

use std::ffi::OsString;

use super::{program::words, repository::Repository};

/// `git diff` with everything fixed that configuration could change.
pub(super) fn diff_arguments(repository: &Repository) -> Vec<OsString> {
    words([
        "diff",
        "--no-ext-diff",
        "--no-textconv",
        "--no-color",
        "--no-relative",
        repository.submodule_argument(),
        "--submodule=short",
        "--find-copies",
        "-l2000",
        "--diff-algorithm=histogram",
        "--src-prefix=a/",
        "--dst-prefix=b/",
        "-O/dev/null",
    ])
}

/// What makes it print the changes themselves.
pub(super) fn patch_arguments(repository: &Repository) -> Vec<OsString> {
    let mut arguments = diff_arguments(repository);
    arguments.extend(words(["--patch", "-U3", "--inter-hunk-context=0"]));
    arguments
}
