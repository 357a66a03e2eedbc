//! Any text as a caller's path, in two worlds that differ only in what lies outside the roots. Nothing outside is ever found or opened,
//! and the answer is the same in both: it must not tell what is there. `$R` stands for the root, `$O` for the folder outside.

#![no_main]

use std::{
    fs,
    io::Read as _,
    os::unix::fs::symlink,
    path::{Path, PathBuf},
    sync::LazyLock,
};

use exai_context::files::{RootCandidate, RootOrigin, Roots, open_beneath};
use libfuzzer_sys::fuzz_target;

const CANARY: &str = "the canary";

struct World {
    base: String,
    roots: Roots,
}

static WORLDS: LazyLock<[World; 2]> = LazyLock::new(|| {
    let folder = std::env::temp_dir().join(format!("locate_path-{}", std::process::id()));
    [World::new(&folder.join("full"), true), World::new(&folder.join("bare"), false)]
});

impl World {
    fn new(base: &Path, has_outside: bool) -> Self {
        let write = |path: PathBuf, text: &str| {
            fs::create_dir_all(path.parent().expect("not the top")).expect("a folder");
            fs::write(path, text).expect("a file");
        };
        fs::create_dir_all(base).expect("a folder");
        let base = base.canonicalize().expect("a folder that is there");
        for inside in ["root/src/a.rs", "root/a:1", "root/b c", "root/é", "second/d.rs", "second/src/e.rs"] {
            write(base.join(inside), "inside");
        }
        write(base.join("root/.ssh/id_rsa"), CANARY);
        write(base.join("home/f"), CANARY);
        if has_outside {
            for outside in ["outside/a", "outside/sub/b", "rootless/c", "root:1"] {
                write(base.join(outside), CANARY);
            }
        }
        for (link, target) in [
            ("l", "src"),
            ("f", "../outside/a"),
            ("o", "../outside"),
            ("o2", "o/sub"),
            ("up", ".."),
            ("gone", "src/nowhere"),
            ("loop", "loop"),
        ] {
            symlink(target, base.join("root").join(link)).expect("a link");
        }
        symlink(base.join("outside/sub"), base.join("root/src/abs")).expect("a link");
        let candidate = |name| RootCandidate { path: base.join(name), origin: RootOrigin::Configured };
        let roots = Roots::resolve([candidate("root"), candidate("second")], Some(&base.join("home")));
        assert_eq!(roots.paths().len(), 2);
        Self { base: base.to_str().expect("text").to_owned(), roots }
    }

    /// The answer in words, without the place of this world.
    fn answer(&self, written: &str) -> String {
        let root = format!("{}/root", self.base);
        let written = written.replace("$R", &root).replace("$O", &format!("{}/outside", self.base));
        let located = self.roots.locate(&written);
        if let Ok(located) = &located {
            assert!(self.roots.paths().contains(&located.root), "{written:?}: {located:?}");
            assert!(located.absolute.starts_with(&located.root), "{written:?}: {located:?}");
            assert_eq!(fs::canonicalize(&located.absolute).ok().as_ref(), Some(&located.absolute));
            assert!(located.range.is_none_or(|range| 1 <= range.first && range.first <= range.last));
            let opened = open_beneath(&located.root, &located.absolute);
            assert_eq!(opened.is_ok(), !located.is_folder, "{written:?}: {located:?}");
            if let Ok(mut file) = opened {
                let mut text = String::new();
                file.read_to_string(&mut text).expect("a text");
                assert_eq!(text, "inside", "{written:?}");
            }
        }
        // The second step alone must hold too, whatever came of the first.
        if let Ok(mut file) = open_beneath(Path::new(&root), &Path::new(&root).join(&written)) {
            let mut text = String::new();
            file.read_to_string(&mut text).expect("a text");
            assert!(text == "inside" || written.contains(".ssh"), "{written:?}");
        }
        format!("{located:?}").replace(&self.base, "BASE")
    }
}

fuzz_target!(|bytes: &[u8]| {
    let Ok(written) = std::str::from_utf8(bytes) else { return };
    // What is longer than a path can be depends on the place.
    if written.len() > 1_000 || written.contains("full") || written.contains("bare") {
        return;
    }
    let [full, bare] = &*WORLDS;
    assert_eq!(full.answer(written), bare.answer(written), "{written:?} tells what lies outside");
});
