//! Which tools end with an expert's answer.

use crate::workflow::spec;

/// Whether a call of `tool` ends with an expert's answer, not with a line of conversation.
pub(crate) fn ends_with_expert(tool: &str) -> bool {
    tool == crate::consensus::TOOL || spec::ALL.iter().any(|spec| spec.name == tool)
}

#[cfg(test)]
mod tests {
    use exai_core::{chat::Thinking, model::Mark};

    use super::*;
    use crate::tool_chat::TOOL;
    use exai_inference::routing::Facts;

    /// One line a request: what it is | tool | characters | kB of files | images | web | thinking | purpose | thousand tokens.
    const LABELLED: &str = include_str!("labelled.txt");

    #[test]
    fn requests_have_plausible_needs() {
        let (mut all, mut wrong) = (0, Vec::new());
        for line in LABELLED.lines().filter(|line| !line.trim().is_empty() && !line.starts_with('#')) {
            let fields: Vec<&str> = line.split('|').map(str::trim).collect();
            let [what, tool, question, kilobytes, images, web, thinking, purpose, window] = fields.as_slice()
            else {
                panic!("nine fields: {line}");
            };
            let facts = Facts {
                with_expert: ends_with_expert(tool),
                question: question.parse().unwrap(),
                file_bytes: kilobytes.parse::<u64>().unwrap() * 1_000,
                with_functions: *tool == TOOL,
                with_images: *images == "yes",
                web_search: *web == "yes",
                thinking: match *thinking {
                    "-" => None,
                    "minimal" => Some(Thinking::Minimal),
                    "low" => Some(Thinking::Low),
                    "medium" => Some(Thinking::Medium),
                    "high" => Some(Thinking::High),
                    _ => Some(Thinking::Max),
                },
            };
            let needs = facts.needs();
            let wanted = if *purpose == "deep" { Mark::Deep } else { Mark::Fast };
            // A window is right when it holds all of it and is not several times too large.
            let (most, least) = (window.parse::<u32>().unwrap() * 1_000, needs.input_tokens);
            let is_right = needs.purpose == wanted
                && needs.vision == facts.with_images
                && needs.web_search == facts.web_search
                && needs.functions == facts.with_functions
                && least <= most
                && (most < 8_000 || least >= most / 4);
            all += 1;
            if !is_right {
                wrong.push(format!("{what}: {needs:?}"));
            }
        }
        assert!(all >= 60, "{all} requests");
        assert!(wrong.len() * 20 <= all, "{} of {all} are wrong: {wrong:#?}", wrong.len());
    }
}
