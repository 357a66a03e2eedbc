//! `run chat --write`: files of an answer on disk, below one folder.

use exai_mock_vendor::Answer;

use crate::support::{Setup, Upstream};

const ANSWER: &str = "Two files.\n\n```python path=src/app.py\nprint('hi')\n```\n\nand\n\n~~~text path=\"read me.txt\"\nuse it\n~~~\n\n\
                      ```sh\nrm -rf /\n```\n";

/// Runs chat with an answer and `--write out`.
async fn save(setup: &Setup, answer: &str, more: &[&str]) -> (i32, String, String) {
    setup.vendor.then(Answer::text(answer));
    let mut arguments = vec!["run", "chat", "-p", "write it", "--write", "out", "-a", "fresh=true"];
    arguments.extend(more);
    setup.run(&arguments).await
}

fn read(setup: &Setup, path: &str) -> String {
    std::fs::read_to_string(setup.project.path().join("out").join(path))
        .unwrap_or_else(|error| panic!("{path}: {error}"))
}

#[tokio::test]
async fn marked_files_are_saved() {
    let setup = Setup::new().await;
    let (code, told, aside) = save(&setup, ANSWER, &[]).await;
    assert_eq!(code, 0, "{told}{aside}");
    assert!(told.starts_with("Two files.") && told.contains("rm -rf /"), "{told}");
    assert!(aside.ends_with("saved out/read me.txt (1 line)\nsaved out/src/app.py (1 line)\n"), "{aside}");
    assert_eq!(
        (read(&setup, "src/app.py"), read(&setup, "read me.txt")),
        ("print('hi')\n".to_owned(), "use it\n".to_owned())
    );
    let files = std::fs::read_dir(setup.project.path().join("out")).unwrap().count();
    assert_eq!(files, 2, "nothing unfinished is left");
    insta::assert_snapshot!("write_request", Upstream::last(&setup.vendor).question());
}

#[tokio::test]
async fn nothing_is_replaced_unless_it_is_forced() {
    let setup = Setup::new().await;
    setup.file("out/src/app.py", "mine\n");
    let (code, _, aside) = save(&setup, ANSWER, &[]).await;
    assert_eq!(code, 1, "{aside}");
    assert!(aside.contains("already there: out/src/app.py") && aside.contains("--force"), "{aside}");
    assert_eq!(read(&setup, "src/app.py"), "mine\n");
    assert!(!setup.project.path().join("out/read me.txt").exists(), "all or nothing");
    let (code, _, aside) = save(&setup, ANSWER, &["--force"]).await;
    assert_eq!((code, read(&setup, "src/app.py").as_str()), (0, "print('hi')\n"), "{aside}");
}

#[tokio::test]
async fn nothing_is_written_outside_the_folder() {
    let setup = Setup::new().await;
    let outside = tempfile::tempdir().unwrap();
    setup.file("out/here.txt", "here\n");
    std::os::unix::fs::symlink(outside.path(), setup.project.path().join("out/link")).unwrap();
    let paths =
        ["../up.txt", "/tmp/absolute-exai.txt", ".git/hooks/pre-commit", "link/through.txt", "good.txt"];
    let answer: String = paths.map(|path| format!("```text path={path}\nX\n```\n\n")).concat();
    let (code, _, aside) = save(&setup, &answer, &[]).await;
    assert_eq!(code, 1, "{aside}");
    assert!(aside.contains("saved out/good.txt"), "{aside}");
    assert_eq!(aside.matches("not saved: ").count(), 4, "{aside}");
    assert_eq!(std::fs::read_dir(outside.path()).unwrap().count(), 0);
    assert!(!setup.project.path().join("up.txt").exists());
    assert!(!setup.project.path().join("out/.git").exists());
}

#[tokio::test]
async fn an_answer_without_files_is_an_error() {
    let setup = Setup::new().await;
    let (code, told, aside) = save(&setup, "Only words.", &[]).await;
    assert_eq!(code, 1);
    assert!(told.starts_with("Only words."), "{told}");
    assert!(aside.contains("contains no file with a path"), "{aside}");
    assert!(!setup.project.path().join("out").exists(), "no folder for nothing");
    let (code, _, aside) = setup.run(&["run", "planner", "-p", "x", "--write", "out"]).await;
    assert_eq!(code, 2, "{aside}");
    assert!(aside.contains("--write goes with chat"), "{aside}");
}

#[tokio::test]
async fn a_long_answer_is_saved_whole() {
    let setup = Setup::new().await.with("EXAI_ANSWER_CHARS", "2000");
    let text = "line of code\n".repeat(2_000);
    let (code, _, aside) = save(&setup, &format!("```text path=long.txt\n{text}```\n"), &["--json"]).await;
    assert_eq!(code, 0, "{aside}");
    assert_eq!(read(&setup, "long.txt"), text);
}
