//! What is read of each file, and how it is accounted for.

use std::io::{Seek as _, SeekFrom, Write as _};
use std::time::{Duration, Instant};

use exai_context::evidence::FileStatus;
use exai_context::files::{Budget, Limits, pack};

use crate::support::{PLENTY, Project, budget, calls, check, earlier, only, reason, statuses, text};

fn lines(count: u32) -> String {
    (1..=count).map(|line| format!("line number {line}\n")).collect()
}

/// Odd contents are read as the lines that an editor shows.
#[test]
fn odd_contents_are_read_as_lines() {
    let project = Project::new();
    for (name, content, expected, count) in [
        ("empty", &b""[..], "", 0),
        ("unfinished", b"a\nb", "a\nb", 2),
        ("crlf", b"a\r\nb\r\n", "a\nb\n", 2),
        ("bom", b"\xef\xbb\xbfa\n", "a\n", 1),
        ("utf16", b"\xff\xfea\0\r\0\n\0b\0", "a\nb", 2),
        ("blank", b"\n\n\n", "\n\n\n", 3),
    ] {
        project.write(name, content);
        let packed = project.pack(&[name]);
        check(&packed, PLENTY);
        let file = &packed.files[0];
        assert_eq!((text(file).as_str(), file.lines), (expected, count), "{name}");
        assert_eq!(
            (file.hash.clone(), file.bytes),
            (blake3::hash(content).to_hex().to_string(), content.len() as u64)
        );
        assert!(file.is_whole() && only(&packed).reason.is_none(), "{name}");
    }
}

/// Invalid bytes are replaced with a note and binaries skipped.
#[test]
fn invalid_bytes_are_replaced_with_a_note() {
    let project = Project::new();
    project.write("latin1.txt", b"caf\xe9 ol\xe9, a longer line of plain text\n");
    project.write("image", [0x89, b'P', b'N', b'G', 0, 1, 2, 3]);
    let packed = project.pack(&["latin1.txt", "image"]);
    check(&packed, PLENTY);
    assert!(text(&packed.files[0]).starts_with("caf\u{fffd} ol"));
    assert!(packed.report[0].reason.as_deref().unwrap().contains("UTF-8"));
    assert_eq!(
        (packed.report[1].status, packed.report[1].reason.as_deref()),
        (FileStatus::Skipped, Some("binary"))
    );
}

/// Beside a file that is given, a folder that was named and of which nothing is seen is not forgotten.
#[test]
fn folders_without_a_file_are_unseen() {
    let project =
        Project::with(&[("a.py", "x = 1\n"), ("good/b.py", "y = 2\n"), (".gitignore", "ignored.py\n")]);
    std::fs::create_dir(project.path("empty")).unwrap();
    project.write("images/logo", [0x89, b'P', b'N', b'G', 0, 1, 2, 3]);
    project.write("mixed/logo", [0x89, b'P', b'N', b'G', 0, 1, 2, 3]);
    project.write("mixed/c.py", "z = 3\n");
    project.write("hiding/ignored.py", "secret = 1\n");
    project.write("hiding/.hidden.py", "secret = 1\n");
    let folders = ["good", "empty", "images", "mixed", "hiding"];
    let packed = project.pack(&[&["a.py"][..], &folders].concat());
    check(&packed, PLENTY);
    let unseen: Vec<&str> = packed
        .report
        .iter()
        .filter(|report| report.unseen && report.named)
        .map(|report| report.path.as_str())
        .collect();
    assert_eq!(unseen, ["empty", "hiding", "images"]);
    assert!(
        project.pack(&["."]).report.iter().all(|report| !report.unseen),
        "its binaries are nobody's to review"
    );
}

#[test]
fn a_range_gives_that_range_only() {
    let project = Project::with(&[("a.txt", &lines(100))]);
    for (path, first, last) in [
        ("a.txt:10-12", 10, 12),
        ("a.txt:12-10", 10, 12),
        ("a.txt#L99-L400", 99, 100),
        ("a.txt:7", 7, 7),
        ("a.txt:0-2", 1, 2),
    ] {
        let packed = project.pack(&[path]);
        check(&packed, PLENTY);
        let file = &packed.files[0];
        let expected: String = (first..=last).map(|line| format!("line number {line}\n")).collect();
        assert_eq!((file.segments[0].first_line, text(file)), (first, expected), "{path}");
        assert_eq!((file.lines, only(&packed).status), (100, FileStatus::Included));
    }
    let packed = project.pack(&["a.txt:101-200"]);
    assert_eq!(reason(&packed), "the lines asked for do not exist, the file has 100");
}

#[test]
fn what_is_named_twice_is_given_once() {
    let project = Project::with(&[("src/a.txt", &lines(100)), ("src/b.txt", "b\n")]);
    std::os::unix::fs::symlink("a.txt", project.path("src/link.txt")).unwrap();
    let absolute = project.path("src/a.txt");
    let packed = project.pack(&[
        "src/a.txt:1-10",
        "src/link.txt:5-20",
        absolute.with_extension("txt:50").to_str().unwrap(),
        "src/./a.txt:21",
    ]);
    check(&packed, PLENTY);
    let segments: Vec<_> =
        packed.files[0].segments.iter().map(|one| (one.first_line, one.text.lines().count())).collect();
    assert_eq!((packed.files.len(), segments), (1, vec![(1, 21), (50, 1)]));
    assert!(project.pack(&["src/a.txt:1-10", "src/a.txt"]).files[0].is_whole());
    // A range of one file weighs more than the folder it lies in, in either order.
    for order in [["src", "src/a.txt:3-4"], ["src/a.txt:3-4", "src"]] {
        let packed = project.pack(&order);
        check(&packed, PLENTY);
        let a = packed.files.iter().find(|file| file.path == "src/a.txt").unwrap();
        assert_eq!((packed.files.len(), text(a).lines().count()), (2, 2));
    }
    let twice = project.pack(&["none.txt", "none.txt", "src", "src"]);
    check(&twice, PLENTY);
}

/// Files of earlier turns come last and say what happened to them.
#[test]
fn files_of_earlier_turns_come_last() {
    let project = Project::with(&[("same.txt", "same\n"), ("changed.txt", "new\n"), ("now.txt", "now\n")]);
    let hash = |text: &str| blake3::hash(text.as_bytes()).to_hex().to_string();
    let wanted = [
        earlier("same.txt", Some(&hash("same\n"))),
        earlier("changed.txt", Some(&hash("old\n"))),
        earlier("gone.txt", None),
        earlier("now.txt", Some(&hash("before\n"))),
        calls(&["now.txt"]).remove(0),
    ];
    let packed = pack(&project.roots(), &wanted, PLENTY, &Limits::default());
    check(&packed, PLENTY);
    assert_eq!(
        statuses(&packed),
        ["now.txt Included", "same.txt Included", "changed.txt Included", "gone.txt Skipped"]
    );
    let reasons: Vec<_> = packed.report.iter().map(|line| line.reason.as_deref()).collect();
    let changed = Some("changed since it was last given");
    assert_eq!(reasons, [changed, None, changed, Some("no longer there")]);
    assert_eq!(text(&packed.files[2]), "new\n");
}

#[test]
fn a_large_file_gives_head_and_tail() {
    let project = Project::with(&[("big.txt", &lines(5_000)), ("small.txt", "small\n")]);
    let budget = Budget { total_tokens: 50_000, per_file_tokens: 3_000 };
    let packed = project.pack_into(&["big.txt", "small.txt"], budget);
    check(&packed, budget);
    assert_eq!(statuses(&packed), ["big.txt Excerpted", "small.txt Included"]);
    let big = &packed.files[0];
    assert_eq!((big.segments.len(), big.lines, big.line(1)), (2, 5_000, Some("line number 1")));
    assert_eq!(big.line(5_000), Some("line number 5000"));
    assert!(packed.report[0].tokens > 2_850);
    let head = big.segments[0].text.lines().count();
    assert!(packed.report[0].reason.as_deref().unwrap().contains(&format!("lines 1-{head}, ")));
}

#[test]
fn new_files_go_before_earlier_ones() {
    let project = Project::with(&[("old.txt", &lines(300)), ("new.txt", &lines(5_000))]);
    let wanted = [earlier("old.txt", None), calls(&["new.txt"]).remove(0)];
    let packed = pack(&project.roots(), &wanted, budget(8_000), &Limits::default());
    check(&packed, budget(8_000));
    assert_eq!(statuses(&packed), ["new.txt Excerpted", "old.txt Skipped"]);
    assert!(packed.report[1].reason.as_deref().unwrap().contains("no room left"));
}

#[test]
fn a_gigabyte_is_not_read_whole() {
    let project = Project::new();
    let path = project.write("huge.log", lines(60_000));
    std::fs::OpenOptions::new().write(true).open(&path).unwrap().set_len(1 << 30).unwrap();
    let started = Instant::now();
    let packed = project.pack_into(&["huge.log"], budget(20_000));
    check(&packed, budget(20_000));
    let file = &packed.files[0];
    assert_eq!(
        (only(&packed).status, file.bytes, file.line(1)),
        (FileStatus::Excerpted, 1 << 30, Some("line number 1"))
    );
    assert!(reason(&packed).contains("of about"));
    assert!(!file.is_whole() && packed.tokens > 19_000);
    let ranged = project.pack_into(&["huge.log:59990-60000"], budget(20_000));
    assert_eq!(
        (ranged.files[0].line(60_000), only(&ranged).status),
        (Some("line number 60000"), FileStatus::Included)
    );
    assert_eq!(ranged.files[0].hash, file.hash);
    assert!(started.elapsed() < Duration::from_secs(10));
    // A change at the end is noticed by size.
    std::fs::OpenOptions::new().append(true).open(&path).unwrap().write_all(b"x\n").unwrap();
    assert_ne!(project.pack_into(&["huge.log"], budget(20_000)).files[0].hash, file.hash);
}

/// A file too large to hold is scanned for its tail.
#[test]
fn a_huge_file_gives_its_tail() {
    let project = Project::new();
    let content = lines(400_000);
    project.write("large.log", &content);
    let limits = Limits { whole_bytes: 1 << 20, ..Limits::default() };
    let packed = pack(&project.roots(), &calls(&["large.log"]), budget(30_000), &limits);
    check(&packed, budget(30_000));
    let file = &packed.files[0];
    assert_eq!(
        (file.lines, file.line(1), file.line(400_000)),
        (400_000, Some("line number 1"), Some("line number 400000"))
    );
    assert_eq!(file.hash, blake3::hash(content.as_bytes()).to_hex().to_string());
    let tail = file.segments.last().unwrap();
    assert_eq!(tail.text.lines().next().unwrap(), format!("line number {}", tail.first_line));
    let packed = pack(&project.roots(), &calls(&["large.log:399999-400000"]), budget(30_000), &limits);
    assert_eq!(text(&packed.files[0]), "line number 399999\nline number 400000\n");
    assert_eq!(packed.files[0].segments[0].first_line, 399_999);
}

#[test]
fn a_sparse_hole_is_binary() {
    let project = Project::new();
    let path = project.write("hole", "");
    let mut file = std::fs::OpenOptions::new().write(true).open(&path).unwrap();
    file.seek(SeekFrom::Start(1 << 32)).unwrap();
    file.write_all(b"end").unwrap();
    assert_eq!(reason(&project.pack(&["hole"])), "binary");
}

#[test]
fn an_endless_line_is_skipped() {
    let project = Project::with(&[("one-line.json", &"[1,2],".repeat(100_000))]);
    let packed = project.pack_into(&["one-line.json"], budget(10_000));
    check(&packed, budget(10_000));
    assert!(reason(&packed).contains("too long"));
}
