//! The words around the material in a question to a model: headings, what is asked at the end, and how fences are announced.

use crate::template::{fill, split_header};

fn body(file: &'static str) -> &'static str {
    split_header(file).1.trim()
}

/// The end of an investigation: the tool's name, its settings and the agent's steps, each of which ends its own lines.
#[must_use]
pub fn workflow(tool: &str, settings: &str, steps: &str) -> String {
    let slots = [("tool", tool), ("settings", settings), ("steps", steps)];
    fill(body(include_str!("../templates/questions/workflow.md")), &slots)
}

/// The second look of one voice of a consensus: the question, its `own` answer, and those of the `others` between fences.
#[must_use]
pub fn critique(question: &str, own: &str, others: &str) -> String {
    let slots = [("question", question), ("own", own), ("others", others)];
    fill(body(include_str!("../templates/questions/critique.md")), &slots)
}

/// The synthesis of a consensus: the question, the `answers` between fences, and a line for each voice that cast no vote.
#[must_use]
pub fn synthesis(question: &str, answers: &str, without_vote: &str) -> String {
    let without = match without_vote {
        "" => String::new(),
        lines => format!("\n# Without a vote\n{lines}"),
    };
    let slots = [("question", question), ("answers", answers), ("without", without.as_str())];
    fill(body(include_str!("../templates/questions/synthesis.md")), &slots)
}

/// Says whom the letters of the second round stand for, such as `A is alpha, B is beta`; with a line break at its end.
#[must_use]
pub fn letters_stand_for(letters: &str) -> String {
    fill(body(include_str!("../templates/questions/letters.md")), &[("letters", letters)]) + "\n"
}

/// What follows the files that a model has asked for.
#[must_use]
pub fn follow_up() -> &'static str {
    body(include_str!("../templates/questions/follow_up.md"))
}

/// Says that there is no diff because there is no repository; with a line break at its end.
#[must_use]
pub fn no_repository() -> String {
    body(include_str!("../templates/questions/no_repository.md")).to_owned() + "\n"
}

/// Says that what was shown before has not changed; with a line break at its end.
#[must_use]
pub fn unchanged() -> String {
    body(include_str!("../templates/questions/unchanged.md")).to_owned() + "\n"
}

/// Announces files between fences with this tag, with the blank line that sets them apart.
#[must_use]
pub fn files_follow(tag: &str) -> String {
    fill(body(include_str!("../templates/questions/files.md")), &[("tag", tag)]) + "\n\n"
}

/// Announces answers of other models between fences with this tag, with the blank line that sets them apart.
#[must_use]
pub fn answers_follow(tag: &str) -> String {
    fill(body(include_str!("../templates/questions/answers.md")), &[("tag", tag)]) + "\n\n"
}

/// What precedes the lines about files that a model was not given whole.
pub const LEFT_OUT: &str = "Not given, or given in part:\n";

/// The line for the files that are not named one by one.
#[must_use]
pub fn and_more(count: usize) -> String {
    format!("- and {count} more\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn material_is_never_taken_for_slots() {
        let text = critique("Is {own} or {others} right?", "{question}", "<{others}>\n");
        assert_eq!(
            text,
            "# Question\nIs {own} or {others} right?\n\n# Your own answer\n{question}\n\n# The others\n<{others}>\n\n# Your turn\n\
             Look at the others' answers and at your own as your instructions demand."
        );
    }

    #[test]
    fn an_empty_part_leaves_no_heading() {
        assert!(!synthesis("q", "a\n", "").contains("Without a vote"));
        assert!(synthesis("q", "a\n", "- b\n").contains("a\n\n# Without a vote\n- b\n\n# Your turn\n"));
        let text = workflow("debug", "", "\nstep\n");
        assert!(
            text.starts_with("# Request for debug\n\n# The agent's investigation\n\nstep\n\n# Your turn\n")
        );
    }

    #[test]
    fn no_slot_stays_open() {
        let texts = [
            workflow("", "", ""),
            critique("", "", ""),
            synthesis("", "", ""),
            letters_stand_for(""),
            files_follow(""),
            answers_follow(""),
        ];
        assert!(texts.iter().all(|text| !text.contains('{')), "{texts:#?}");
    }
}
