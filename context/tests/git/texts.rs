//! What stands in changed files: line ends, long lines, encodings, pointers.

use exai_context::{
    evidence::{FileReport, FileStatus},
    git::{PackedChanges, supplied},
};

use crate::support::{Place, all, roots, staged};

const TEN: &str = "one\ntwo\nthree\nfour\nfive\nsix\nseven\neight\nnine\nten\n";

fn report<'p>(packed: &'p PackedChanges, path: &str) -> &'p FileReport {
    packed.report.iter().find(|file| file.path == path).expect("a line of the report")
}

fn reason<'p>(packed: &'p PackedChanges, path: &str) -> &'p str {
    report(packed, path).reason.as_deref().unwrap_or_default()
}

/// Lines that are equal but for their ends come and go in a diff: the report says what it is, and the text shows each end.
#[tokio::test]
async fn changes_of_line_ends_are_named() {
    let crlf = TEN.replace('\n', "\r\n");
    let place = Place::with(&[
        ("all.txt", TEN),
        ("back.txt", &crlf),
        ("some.txt", TEN),
        ("last.txt", TEN),
        ("less.txt", "one\ntwo"),
        ("both.txt", TEN),
        ("plain.txt", &crlf),
    ]);
    place.write("all.txt", &crlf);
    place.write("back.txt", TEN);
    place.write("some.txt", format!("{TEN}eleven\r\n"));
    place.write("last.txt", TEN.trim_end());
    place.write("less.txt", "one\ntwo\n");
    place.write("both.txt", TEN.replace("two", "TWO").trim_end());
    place.write("plain.txt", crlf.replace("two", "TWO"));
    // As it is: what trims it takes a carriage return from its last line.
    let diff = String::from_utf8(place.try_git("work", &["diff"]).stdout).unwrap();
    for packed in [place.packed(all()).await, supplied(&diff, &roots(&place), 100_000, None)] {
        assert_eq!(reason(&packed, "all.txt"), "only line ends change, from LF to CRLF");
        assert_eq!(reason(&packed, "back.txt"), "only line ends change, from CRLF to LF");
        assert_eq!(reason(&packed, "some.txt"), "added lines end in CRLF, those before in LF");
        assert_eq!(reason(&packed, "last.txt"), "only the newline at the end of the file is removed");
        assert_eq!(reason(&packed, "less.txt"), "only the newline at the end of the file is added");
        assert_eq!(reason(&packed, "both.txt"), "the newline at the end of the file is removed");
        assert_eq!(report(&packed, "plain.txt").reason, None);
        assert!(packed.report.iter().all(|file| file.status == FileStatus::Included), "{:?}", packed.report);
        for shown in [
            "   1│+ one<U+000D>\n",
            "  11│+ eleven<U+000D>\n",
            "  10│+ ten\n[no newline at the end of the file]\n",
            "    │- two\n[no newline at the end of the file]\n   2│+ two\n",
            "   2│+ TWO\n",
            "only line ends change, from LF to CRLF",
        ] {
            assert!(packed.text.contains(shown), "{shown}: {}", packed.text);
        }
    }
}

/// A line of more than 20,000 bytes is cut, between characters, and the file counts as given in part.
#[tokio::test]
async fn long_lines_are_named() {
    let place = Place::with(&[("page.js", "short\n")]);
    let long = format!("{}{}", "x".repeat(19_999), "é".repeat(100));
    place.write("page.js", format!("{long}\nshort\nlast\n"));
    place.git("work", &["add", "-A"]);
    let packed = place.packed(all()).await;
    let report = report(&packed, "page.js");
    assert_eq!((report.status, report.unseen), (FileStatus::Excerpted, true));
    assert_eq!(reason(&packed, "page.js"), "1 line longer than 20000 bytes cut");
    assert!(
        packed.text.contains("xx\n[200 more bytes of this line omitted]\n   2│  short\n"),
        "{}",
        packed.text.len()
    );
    assert!(packed.text.contains("- page.js: 1 line longer than 20000 bytes cut"));
}

/// Signs that end a line for others stand in no line as they are.
#[tokio::test]
async fn breaks_within_lines_are_shown() {
    let place = Place::with(&[("a.py", "one = 1\n")]);
    place.write("a.py", "one = 1\nleft = \"a\u{2028}b\"\rright = 2\u{c}\n");
    place.write("new.py", "x\u{85}y\r\r\nlast\n");
    let packed = place.packed(all()).await;
    for shown in [
        "   2│+ left = \"a<U+2028>b\"<U+000D>right = 2<U+000C>\n",
        "   1│+ x<U+0085>y<U+000D>\n   2│+ last\n",
    ] {
        assert!(packed.text.contains(shown), "{shown}: {}", packed.text);
    }
    let file = packed.files.iter().find(|file| file.path == "a.py").unwrap();
    assert_eq!(file.line(2), Some("left = \"a\u{2028}b\"\rright = 2\u{c}"), "evidence is the text as it is");
}

/// The words of a change are too few to tell their encoding: the whole file does.
#[tokio::test]
async fn legacy_text_is_decoded() {
    let gbk = |text: &str| encoding_rs::GBK.encode(text).0.into_owned();
    let text = "// 这个函数读取配置文件，并返回所有有效的选项。\nint read_options(void);\n// 结束\n";
    let place = Place::new();
    place.write("options.c", gbk(text));
    place.commit("first");
    place.write("options.c", gbk(&text.replace("结束", "完")));
    place.write("new.c", gbk(text));
    let packed = place.packed(all()).await;
    assert!(packed.text.contains("    │- // 结束\n   3│+ // 完\n"), "{}", packed.text);
    assert!(packed.text.contains("   1│+ // 这个函数读取配置文件"), "{}", packed.text);
    for path in ["options.c", "new.c"] {
        assert_eq!(reason(&packed, path), "read as GBK, which is what its bytes look like");
    }
}

#[tokio::test]
async fn text_is_not_called_binary() {
    let wide = |text: &str| text.encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<u8>>();
    let place = Place::new();
    place.write("wide.txt", wide("let x = 1;\r\n"));
    place.write("marked.txt", "let x = 1;\n");
    place.write("real.bin", "a\0b");
    place.write(".gitattributes", "marked.txt binary\n");
    place.commit("first");
    place.write("wide.txt", wide("let x = 2;\r\n"));
    place.write("marked.txt", "let x = 2;\n");
    place.write("real.bin", "b\0b");
    place.write("new.txt", wide("let y = 1;\r\n"));
    let packed = place.packed(all()).await;
    assert!(
        reason(&packed, "wide.txt").starts_with("text in UTF-16LE, which git compares as binary"),
        "{:?}",
        packed.report
    );
    assert!(reason(&packed, "marked.txt").starts_with("text in UTF-8, marked as binary in .gitattributes"));
    assert_eq!(reason(&packed, "real.bin"), "binary, or marked so in .gitattributes");
    assert!(packed.report.iter().filter(|file| file.path != "new.txt").all(|file| file.unseen));
    assert!(packed.text.contains("   1│+ let y = 1;\n"), "{}", packed.text);
}

/// A file of large file storage is its pointer in the repository, and something else on disk.
#[tokio::test]
async fn pointers_are_shown_as_pointers() {
    let pointer = |digit: &str, size: u32| {
        format!("version https://git-lfs.github.com/spec/v1\noid sha256:{}\nsize {size}\n", digit.repeat(64))
    };
    let place = Place::with(&[
        ("staged.bin", &pointer("1", 10)),
        ("disk.bin", &pointer("1", 10)),
        ("real.bin", &pointer("1", 10)),
        ("secret.txt", "a\n"),
        (".gitattributes", "*.bin filter=lfs diff=lfs merge=lfs -text\nsecret.txt filter=git-crypt\n"),
    ]);
    place.write("staged.bin", pointer("2", 20));
    place.git("work", &["add", "staged.bin"]);
    let packed = place.packed(staged()).await;
    assert_eq!(reason(&packed, "staged.bin"), "a pointer of Git LFS: what it stands for is not here");
    assert!(
        packed.text.contains("    │- size 10\n") && packed.text.contains("   3│+ size 20\n"),
        "{}",
        packed.text
    );
    place.write("disk.bin", pointer("3", 30));
    place.write("real.bin", "x".repeat(5_000));
    place.write("secret.txt", "b\n");
    let packed = place.packed(all()).await;
    assert!(packed.text.contains("+ size 30\n"), "{}", packed.text);
    assert!(
        reason(&packed, "real.bin").contains("kept by Git LFS")
            && reason(&packed, "real.bin").contains("5000 bytes")
    );
    assert!(reason(&packed, "secret.txt").contains("goes through a filter"), "{:?}", packed.report);
    assert!(report(&packed, "real.bin").unseen && !packed.text.contains("xxxx"));
}
