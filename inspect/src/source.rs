//! A file as it is inspected: its chunks, and what kind of file it is.

use exai_context::evidence::EvidenceFile;

use super::chunk::Chunk;
use super::functions;
use super::language::{self, Language};

/// How a file is looked at.
#[derive(Debug)]
pub(super) struct Source<'a> {
    pub(super) file: &'a EvidenceFile,
    pub(super) language: Language,
    /// Holds tests.
    pub(super) test: bool,
    /// Tests, examples, benchmarks and build scripts.
    pub(super) beside_production: bool,
    /// Not written by hand: only secrets are looked for.
    pub(super) generated: bool,
    pub(super) chunks: Vec<Chunk>,
}

impl<'a> Source<'a> {
    pub(super) fn of(file: &'a EvidenceFile) -> Self {
        let language = Language::of(&file.path);
        let chunks = chunks(file, language);
        let head = chunks.first().filter(|chunk| !chunk.partial).map_or("", |chunk| chunk.text.as_str());
        Self {
            file,
            language,
            test: language::is_test_path(&file.path),
            beside_production: language::is_beside_production(&file.path),
            generated: language::is_generated(&file.path, head),
            chunks,
        }
    }

    /// Whether code rules apply.
    pub(super) fn is_reviewed(&self) -> bool {
        self.language.is_code() && !self.generated
    }
}

/// The chunks of a file: its segments, joined where they touch.
fn chunks(file: &EvidenceFile, language: Language) -> Vec<Chunk> {
    let mut runs: Vec<(u32, u32, String)> = Vec::new();
    for segment in &file.segments {
        let count = u32::try_from(segment.text.lines().count()).unwrap_or(u32::MAX);
        let next = segment.first_line.saturating_add(count);
        match runs.last_mut() {
            Some((_, end, text)) if *end == segment.first_line => {
                if !text.ends_with('\n') {
                    text.push('\n');
                }
                text.push_str(&segment.text);
                *end = next;
            }
            _ => runs.push((segment.first_line, next, segment.text.clone())),
        }
    }
    let chunk = |(first, end, text): (u32, u32, String)| {
        let mut chunk = Chunk::new(language, first, text);
        if language.is_code() && chunk.clear {
            functions::read(&mut chunk, end > file.lines);
        }
        chunk
    };
    runs.into_iter().filter(|(.., text)| !text.is_empty()).map(chunk).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use exai_context::evidence::Segment;

    fn file(lines: u32, segments: &[(u32, &str)]) -> EvidenceFile {
        let segments = segments
            .iter()
            .map(|(first_line, text)| Segment { first_line: *first_line, text: (*text).into() });
        EvidenceFile {
            path: "src/a.rs".into(),
            absolute: "/a.rs".into(),
            hash: String::new(),
            bytes: 0,
            lines,
            segments: segments.collect(),
            removed: Vec::new(),
        }
    }

    #[test]
    fn touching_segments_are_one_chunk() {
        let found = chunks(&file(9, &[(1, "a\nb"), (3, "c\n"), (6, "d\r\ne")]), Language::Rust);
        let shape: Vec<_> = found.iter().map(|chunk| (chunk.first_line, chunk.text.as_str())).collect();
        assert_eq!(shape, [(1, "a\nb\nc\n"), (6, "d\r\ne")]);
        assert_eq!(found[1].row_range(0), 0..1);
        assert_eq!(found[1].line(3), 7);
        assert_eq!((found[0].line_count(), found[1].line_count()), (3, 2));
    }

    #[test]
    fn indented_code_may_be_a_test() {
        let text = "    fn f() {\n        g();\n    }\n}\n\nfn h() {\n    i();\n}\n";
        let found = chunks(&file(99, &[(50, text)]), Language::Rust);
        assert!(found[0].may_be_test(text.find("g()").unwrap()));
        assert!(!found[0].may_be_test(text.find("i()").unwrap()));
    }
}
