//! The blocks of a Markdown text, each with its source.

use pulldown_cmark::{Event, Options, Parser, Tag, TagEnd};

/// A block.
#[derive(Debug, PartialEq)]
pub(super) struct Block<'t> {
    pub(super) kind: Kind,
    /// Its source.
    pub(super) text: &'t str,
    /// How deep in lists it stands; 0 outside of any.
    pub(super) depth: usize,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Kind {
    Heading,
    Paragraph,
    /// The first paragraph of a list item.
    Item,
    /// Its rows, the first of them the names of the columns.
    Table(Vec<Vec<String>>),
    /// Code, quotes, HTML.
    Other,
}

/// The blocks of a text in their order.
pub(super) fn blocks(text: &str) -> Vec<Block<'_>> {
    let mut blocks = Vec::new();
    let mut depth = 0_usize;
    let mut rows: Vec<Vec<String>> = Vec::new();
    let mut in_table = false;
    // The source of an item without a paragraph of its own, until something else in it begins.
    let mut item: Option<(usize, usize)> = None;
    let mut is_first = false;
    for (event, range) in Parser::new_ext(text, Options::ENABLE_TABLES).into_offset_iter() {
        let source = text.get(range.clone()).unwrap_or_default();
        match event {
            Event::Start(Tag::List(_)) => {
                flush(&mut item, text, depth, &mut blocks);
                depth += 1;
            }
            Event::End(TagEnd::List(_)) => depth = depth.saturating_sub(1),
            Event::Start(Tag::Item) => {
                item = None;
                is_first = true;
            }
            Event::End(TagEnd::Item) => {
                flush(&mut item, text, depth, &mut blocks);
                is_first = false;
            }
            Event::Start(Tag::Heading { .. }) => {
                blocks.push(Block { kind: Kind::Heading, text: source, depth });
            }
            Event::Start(Tag::Paragraph) => {
                let kind = if is_first && depth > 0 { Kind::Item } else { Kind::Paragraph };
                is_first = false;
                blocks.push(Block { kind, text: source, depth });
            }
            Event::Start(Tag::CodeBlock(_) | Tag::HtmlBlock) => {
                flush(&mut item, text, depth, &mut blocks);
                blocks.push(Block { kind: Kind::Other, text: source, depth });
            }
            Event::Start(Tag::Table(_)) => in_table = true,
            Event::End(TagEnd::Table) => {
                in_table = false;
                blocks.push(Block { kind: Kind::Table(std::mem::take(&mut rows)), text: source, depth });
            }
            Event::Start(Tag::TableHead | Tag::TableRow) => rows.push(Vec::new()),
            Event::Start(Tag::TableCell) => {
                if let Some(row) = rows.last_mut() {
                    row.push(source.trim().trim_matches('|').trim().to_owned());
                }
            }
            // Words of an item that has no paragraph of its own.
            Event::Text(_)
            | Event::Code(_)
            | Event::SoftBreak
            | Event::Start(_)
            | Event::End(_)
            | Event::InlineHtml(_)
                if is_first && !in_table =>
            {
                let (from, to) = item.unwrap_or((range.start, range.end));
                item = Some((from.min(range.start), to.max(range.end)));
            }
            _ => {}
        }
    }
    blocks
}

fn flush<'t>(item: &mut Option<(usize, usize)>, text: &'t str, depth: usize, blocks: &mut Vec<Block<'t>>) {
    if let Some((from, to)) = item.take() {
        blocks.push(Block { kind: Kind::Item, text: text.get(from..to).unwrap_or_default(), depth });
    }
}
