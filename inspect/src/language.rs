//! Which language a file is written in, by its name, and which files are tests.

/// What the rules and the lexer distinguish.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub(super) enum Language {
    Rust,
    Python,
    JavaScript,
    TypeScript,
    Go,
    Java,
    C,
    Cpp,
    Shell,
    Config,
    #[default]
    Other,
}

impl Language {
    /// By extension, or by the whole name for files such as `Dockerfile` and `.env.local`.
    pub(super) fn of(path: &str) -> Self {
        let name = file_name(path);
        if name == ".env" || name.starts_with(".env.") {
            return Self::Config;
        }
        match name.rsplit_once('.').map_or("", |(_, extension)| extension) {
            "rs" => Self::Rust,
            "py" | "pyi" => Self::Python,
            "js" | "jsx" | "mjs" | "cjs" => Self::JavaScript,
            "ts" | "tsx" | "mts" | "cts" => Self::TypeScript,
            "go" => Self::Go,
            "java" => Self::Java,
            "c" | "h" => Self::C,
            "cc" | "cpp" | "cxx" | "hpp" | "hh" | "hxx" => Self::Cpp,
            "sh" | "bash" | "zsh" => Self::Shell,
            "yaml" | "yml" | "toml" | "ini" | "cfg" | "conf" | "env" | "properties" | "json" => Self::Config,
            _ => Self::Other,
        }
    }

    /// The key in the facts.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Rust => "rust",
            Self::Python => "python",
            Self::JavaScript => "javascript",
            Self::TypeScript => "typescript",
            Self::Go => "go",
            Self::Java => "java",
            Self::C => "c",
            Self::Cpp => "c++",
            Self::Shell => "shell",
            Self::Config => "config",
            Self::Other => "other",
        }
    }

    /// Whether functions are looked for and code rules apply.
    pub(super) fn is_code(self) -> bool {
        !matches!(self, Self::Shell | Self::Config | Self::Other)
    }

    /// Whether the language is JavaScript with or without types.
    pub(super) fn is_script(self) -> bool {
        matches!(self, Self::JavaScript | Self::TypeScript)
    }

    /// Whether the preprocessor and the declarators of C apply.
    pub(super) fn is_c(self) -> bool {
        matches!(self, Self::C | Self::Cpp)
    }
}

fn file_name(path: &str) -> &str {
    path.rsplit(['/', '\\']).next().unwrap_or(path)
}

fn in_folder(path: &str, folders: &[&str]) -> bool {
    let mut parts: Vec<&str> = path.split(['/', '\\']).collect();
    parts.pop();
    parts.iter().any(|part| folders.contains(part))
}

/// Whether the file holds tests, by the naming customs of the seven languages.
pub(super) fn is_test_path(path: &str) -> bool {
    let name = file_name(path);
    let stem = name.split('.').next().unwrap_or(name);
    in_folder(
        path,
        &[
            "test",
            "tests",
            "__tests__",
            "spec",
            "specs",
            "e2e",
            "testdata",
            "fixtures",
            "__mocks__",
            "test_helpers",
            "test_utils",
            "testutil",
        ],
    ) || stem.starts_with("test_")
        || stem.ends_with("_test")
        || stem.ends_with("_tests")
        || matches!(name, "tests.rs" | "test.rs" | "conftest.py" | "tests.py")
        || name.contains(".test.")
        || name.contains(".spec.")
        || [".java", ".cpp", ".cc"].iter().any(|extension| {
            name.strip_suffix(extension).is_some_and(|stem| stem.ends_with("Test") || stem.ends_with("Tests"))
        })
}

/// Whether shortcuts such as `unwrap` are accepted custom there: tests, examples, benchmarks and build scripts.
pub(super) fn is_beside_production(path: &str) -> bool {
    is_test_path(path)
        || in_folder(path, &["examples", "example", "benches", "bench", "benchmarks"])
        || file_name(path) == "build.rs"
}

/// Whether the file is not reviewed line by line: written by a program, minified or copied from elsewhere.
pub(super) fn is_generated(path: &str, text: &str) -> bool {
    let head = text.lines().take(12);
    let said = head.filter(|line| line.len() < 400).any(|line| {
        line.contains("@generated") || (line.contains("enerated") && line.contains("DO NOT EDIT"))
    });
    let lines = text.lines().count().max(1);
    said || file_name(path).contains(".min.")
        || in_folder(path, &["node_modules", "vendor", "third_party", "dist"])
        || (text.len() > 4_000 && text.len() / lines > 300)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn languages_are_told_by_name() {
        assert_eq!(Language::of("src/a.rs"), Language::Rust);
        assert_eq!(Language::of("web\\x.test.tsx"), Language::TypeScript);
        assert_eq!(Language::of("deploy/.env.local"), Language::Config);
        assert_eq!(Language::of("Makefile"), Language::Other);
    }

    #[test]
    fn tests_are_known_by_folder_and_name() {
        for path in
            ["tests/it.rs", "a/test_x.py", "a/x_test.go", "x.spec.ts", "src/test/java/A.java", "ATest.java"]
        {
            assert!(is_test_path(path), "{path}");
        }
        for path in ["src/latest.rs", "src/contest.py", "tests.d/x.go", "attestation.ts", "Tests"] {
            assert!(!is_test_path(path), "{path}");
        }
        assert!(is_beside_production("build.rs") && !is_test_path("build.rs"));
    }

    #[test]
    fn generated_files_are_told() {
        assert!(is_generated("a.go", "// Code generated by x. DO NOT EDIT.\n"));
        assert!(is_generated("a.min.js", "x"));
        assert!(is_generated("a.js", &"x".repeat(5_000)));
        assert!(!is_generated("src/a.rs", "fn main() {}\n"));
    }
}
