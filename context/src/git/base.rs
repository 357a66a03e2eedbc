//! What a change is compared with: the head, a revision, the fork point of a branch, or nothing at all.

use super::{failure::GitFailure, program::words, repository::Repository};

/// The most names that a wrong one is answered with.
const MAX_NAMES: usize = 10;

/// The side that a change set starts from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Base {
    /// A commit or a tree.
    pub(super) object: String,
    /// The head commit, when there is one.
    pub(super) head: Option<String>,
    /// In words.
    pub(super) words: String,
}

impl Base {
    /// Finds the base of a comparison.
    pub(super) async fn find(repository: &Repository, compare_to: Option<&str>) -> Result<Self, GitFailure> {
        let head = repository.line(&["rev-parse", "--verify", "--quiet", "HEAD^{commit}"]).await?;
        if let Some(named) = compare_to.map(str::trim).filter(|named| !named.is_empty()) {
            return Self::named(repository, named, head).await;
        }
        Ok(match head {
            Some(head) => Self {
                words: format!("the last commit ({})", short(&head)),
                object: head.clone(),
                head: Some(head),
            },
            None if is_born(repository).await? => {
                return Err(GitFailure::Failed {
                    command: "rev-parse".to_owned(),
                    message: "HEAD names a commit that is not there; the repository is damaged or incomplete"
                        .to_owned(),
                });
            }
            None => Self {
                words: "nothing: there is no commit yet".to_owned(),
                object: empty_tree(repository).await?,
                head: None,
            },
        })
    }

    async fn named(repository: &Repository, named: &str, head: Option<String>) -> Result<Self, GitFailure> {
        let shown: String = named.chars().take(80).collect();
        if named.starts_with('-')
            || named.contains("..")
            || named.contains(|sign: char| sign.is_control() || sign.is_whitespace())
        {
            return Err(GitFailure::BadRevision(format!(
                "`{shown}` is not one revision; name a branch, a tag or a commit, such as main or HEAD~3"
            )));
        }
        if !names_reference_or_object(repository, named).await? {
            return Err(unknown(repository, &shown).await?);
        }
        let commit =
            repository.line(&["rev-parse", "--verify", "--quiet", &format!("{named}^{{commit}}")]).await?;
        let Some(commit) = commit else { return Err(unknown(repository, &shown).await?) };
        let full =
            repository.line(&["rev-parse", "--symbolic-full-name", "--verify", "--quiet", named]).await?;
        let is_branch =
            full.is_some_and(|full| full.starts_with("refs/heads/") || full.starts_with("refs/remotes/"));
        let Some(head) = head.filter(|_| is_branch) else {
            let head = repository.line(&["rev-parse", "--verify", "--quiet", "HEAD^{commit}"]).await?;
            return Ok(Self { words: format!("{shown} ({})", short(&commit)), object: commit, head });
        };
        let fork = repository.line(&["merge-base", &commit, &head]).await?;
        Ok(match fork {
            Some(fork) => Self {
                words: format!("the commit where this branch left {shown} ({})", short(&fork)),
                object: fork,
                head: Some(head),
            },
            None => Self {
                words: format!(
                    "{shown} ({}), which has no commit in common with this branch",
                    short(&commit)
                ),
                object: commit,
                head: Some(head),
            },
        })
    }
}

/// Whether the head names something, there or not.
async fn is_born(repository: &Repository) -> Result<bool, GitFailure> {
    Ok(repository.line(&["rev-parse", "--verify", "--quiet", "HEAD"]).await?.is_some())
}

/// Whether a revision is an object or a reference in its usual place. Git also takes any file of its folder for a reference.
async fn names_reference_or_object(repository: &Repository, named: &str) -> Result<bool, GitFailure> {
    let full = repository.line(&["rev-parse", "--symbolic-full-name", "--verify", "--quiet", named]).await?;
    Ok(full.is_none_or(|full| full.starts_with("refs/") || !full.contains('/')))
}

/// The empty tree in the repository's own hash.
pub(super) async fn empty_tree(repository: &Repository) -> Result<String, GitFailure> {
    let said = repository.tell(&words(["hash-object", "-t", "tree", "--stdin"]), &[]).await?;
    Ok(String::from_utf8_lossy(&said).trim().to_owned())
}

async fn unknown(repository: &Repository, shown: &str) -> Result<GitFailure, GitFailure> {
    let count = format!("--count={MAX_NAMES}");
    let listed = repository
        .tell(
            &words([
                "for-each-ref",
                "--format=%(refname:short)",
                "--sort=-committerdate",
                &count,
                "refs/heads",
                "refs/remotes",
            ]),
            &[],
        )
        .await?;
    let listed = String::from_utf8_lossy(&listed);
    let names: Vec<&str> = listed.lines().filter(|name| !name.is_empty()).collect();
    let known = if names.is_empty() {
        "there is no branch yet".to_owned()
    } else {
        format!("latest branches: {}", names.join(", "))
    };
    Ok(GitFailure::BadRevision(format!("there is no commit `{shown}` in this repository; {known}")))
}

/// A commit as people write it.
pub(super) fn short(object: &str) -> &str {
    object.get(..10).unwrap_or(object)
}
