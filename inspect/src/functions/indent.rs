//! Functions by indentation: Python.

use super::*;

static DEF: LazyLock<Option<Regex>> =
    LazyLock::new(|| regex(r"^[ \t]*(?:async[ \t]+)?def[ \t]+([A-Za-z_\x80-\xff][\w\x80-\xff]*)"));

/// The functions of the chunk, and the ranges of those that are tests.
pub(super) fn read(chunk: &Chunk, to_the_end: bool) -> (Vec<Function>, Vec<Range<usize>>) {
    let mut functions: Vec<Function> = Vec::new();
    let mut open: Vec<(usize, usize)> = Vec::new();
    let mut last = (0, 0);
    let close = |functions: &mut Vec<Function>, index: usize, (row, end): (usize, usize)| {
        if let Some(function) = functions.get_mut(index) {
            function.end = end;
            function.end_line = Some(chunk.first_line.saturating_add(u32::try_from(row).unwrap_or(u32::MAX)));
        }
    };
    for (row, range) in chunk.rows() {
        let code = chunk.source.get(range.clone()).unwrap_or_default();
        let Some(indent) = code.iter().position(|byte| !byte.is_ascii_whitespace()) else { continue };
        let in_string = range.start > 0 && chunk.class(range.start - 1) == Class::Text;
        if !in_string && chunk.structure.enclosing(range.start + indent).is_none() {
            while let Some((_, index)) = open.pop_if(|(depth, _)| *depth >= indent) {
                close(&mut functions, index, last);
            }
            if let Some(name) = definition(chunk, range.clone()) {
                open.push((indent, functions.len()));
                functions.push(function(chunk, name));
            }
        }
        last = (row, range.end);
    }
    if to_the_end {
        for (_, index) in open {
            close(&mut functions, index, last);
        }
    }
    let tests =
        functions.iter().filter(|function| function.test).map(|function| function.start..function.end);
    let tests = tests.collect();
    (functions, tests)
}

fn definition(chunk: &Chunk, row: Range<usize>) -> Option<Range<usize>> {
    let found = DEF.as_ref()?.captures(chunk.code.get(row.clone())?)?.get(1)?;
    Some(row.start + found.start()..row.start + found.end())
}

fn function(chunk: &Chunk, name: Range<usize>) -> Function {
    let start = name.start;
    let name = chunk.text.get(name).unwrap_or_default().to_owned();
    let test = name.starts_with("test");
    Function { name, start, end: chunk.text.len(), line: chunk.line(start), end_line: None, test }
}
