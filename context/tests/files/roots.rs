//! Which folders are open.

use std::path::Path;

use exai_context::files::{RootCandidate, RootOrigin, Roots};

use crate::support::{Project, calls, only, roots};

fn resolve(path: &Path, origin: RootOrigin, home: Option<&Path>) -> Roots {
    Roots::resolve([RootCandidate { path: path.to_path_buf(), origin }], home)
}

#[test]
fn system_folders_and_homes_are_never_roots() {
    let project = Project::new();
    let home = project.base.join("project");
    for path in [
        "/", "/etc", "/usr", "/proc", "/dev", "/sys", "/var", "/root", "/home", "/bin", "/usr/bin",
        "/etc/ssl",
    ] {
        let roots = resolve(Path::new(path), RootOrigin::WorkingDirectory, Some(&home));
        assert!(roots.paths().is_empty(), "{path}");
        assert_eq!(roots.ignored().len(), 1);
    }
    for top in ["/", "/etc", "/usr", "/proc", "/proc/self", "/dev/shm", "/sys", "/var"] {
        assert!(resolve(Path::new(top), RootOrigin::Configured, None).paths().is_empty(), "{top}");
    }
    // The home itself, and what contains it.
    assert!(resolve(&home, RootOrigin::Configured, Some(&home)).paths().is_empty());
    assert!(resolve(&project.base, RootOrigin::ClientRoots, Some(&home)).paths().is_empty());
    assert!(
        resolve(&project.base.join("outside"), RootOrigin::ClientRoots, Some(&home)).ignored().is_empty()
    );
}

/// Below a system folder only an operator opens a root.
#[test]
fn only_an_operator_opens_system_folders() {
    let below = Path::new("/usr/lib");
    assert!(resolve(below, RootOrigin::ClientProject, None).paths().is_empty());
    assert_eq!(resolve(below, RootOrigin::Configured, None).paths().len(), 1);
    // The home of a service may lie there, and projects inside the home are ordinary.
    assert_eq!(resolve(below, RootOrigin::WorkingDirectory, Some(Path::new("/usr"))).paths().len(), 1);
}

/// Missing folders, files and key folders are ignored with a reason.
#[test]
fn unusable_roots_are_ignored_with_a_reason() {
    let project = Project::with(&[("a.txt", "a"), (".ssh/config", "x")]);
    for (path, reason) in [
        ("none", "does not exist, or cannot be reached"),
        ("a.txt", "not a folder"),
        (".ssh", "a folder that holds secrets"),
    ] {
        let roots = resolve(&project.path(path), RootOrigin::Configured, None);
        assert_eq!(roots.ignored()[0].reason, reason);
    }
    assert_eq!(
        resolve(Path::new("relative"), RootOrigin::Configured, None).ignored()[0].reason,
        "not an absolute path"
    );
}

/// Nested roots collapse and siblings with a common prefix do not.
#[test]
fn nested_roots_collapse() {
    let project = Project::with(&[("a/x.txt", "x"), ("a/sub/y.txt", "y"), ("ab/z.txt", "z")]);
    let (a, sub, ab) = (project.path("a"), project.path("a/sub"), project.path("ab"));
    assert_eq!(roots(&[&sub, &a]).paths(), std::slice::from_ref(&a));
    assert_eq!(roots(&[&a, &sub, &ab]).paths(), [a.clone(), ab.clone()]);
    let packed = exai_context::files::pack(
        &roots(&[&a]),
        &calls(&[ab.join("z.txt").to_str().unwrap()]),
        crate::support::PLENTY,
        &exai_context::files::Limits::default(),
    );
    assert!(packed.files.is_empty() && only(&packed).reason.is_some());
}

/// Relative paths are looked up in every root and shown absolute.
#[test]
fn relative_paths_are_tried_in_every_root() {
    let project = Project::with(&[("a/x.txt", "x"), ("b/y.txt", "y")]);
    let roots = roots(&[&project.path("a"), &project.path("b")]);
    let found = roots.locate("y.txt").unwrap();
    assert_eq!(found.absolute, project.path("b/y.txt"));
    let packed = exai_context::files::pack(
        &roots,
        &calls(&["y.txt"]),
        crate::support::PLENTY,
        &exai_context::files::Limits::default(),
    );
    assert_eq!(packed.files[0].path, project.path("b/y.txt").to_str().unwrap());
}

#[test]
fn a_tilde_means_the_home_folder() {
    let project = Project::with(&[("x.txt", "x")]);
    let candidate = RootCandidate { path: project.path(""), origin: RootOrigin::Configured };
    let roots = Roots::resolve([candidate.clone()], Some(&project.base));
    assert_eq!(roots.locate("~/project/x.txt").unwrap().absolute, project.path("x.txt"));
    assert!(roots.locate("~/outside/secret.txt").is_err());
    let homeless = Roots::resolve([candidate], None);
    assert!(homeless.locate("~/x.txt").unwrap_err().to_string().contains("absolute"));
}

#[test]
fn without_a_root_the_answer_says_so() {
    assert!(Roots::default().locate("a.txt").unwrap_err().to_string().contains("configure a root"));
}
