//! An answer's text on a terminal, as it arrives.

use std::io::Write;

use console::style;
use exai_core::chat::Delta;
use exai_engine::inference::events::CompletionEvent;

use crate::terminal::Plain;

/// What a person reads when an answer begins a second time.
const BROKE_OFF: &str = "… the answer broke off; asking again";
const WANTS_FILES: &str = "… the model asked for files; asking again with them";
const THOUGHTS: &str = "… so far the model was thinking; its answer:";
const ANOTHER: &str = "… the answer broke off; the whole answer:";

/// Prints the text of one answer.
pub(super) struct Live<W> {
    out: W,
    plain: Plain,
    /// What was sent since the answer began, as the model wrote it.
    text: String,
    /// Whether that is a whole answer.
    is_whole: bool,
    ends_line: bool,
}

impl<W: Write> Live<W> {
    /// Nothing is printed yet.
    pub(super) fn new(out: W) -> Self {
        Self { out, plain: Plain::default(), text: String::new(), is_whole: false, ends_line: true }
    }

    /// Prints what an event adds.
    pub(super) fn show(&mut self, event: &CompletionEvent) {
        match event {
            CompletionEvent::Attempt { .. } => self.begin_anew(BROKE_OFF),
            CompletionEvent::Delta(Delta::Text(text)) => self.add(text),
            CompletionEvent::Delta(Delta::WasReasoning(bytes)) => self.take_back(*bytes),
            CompletionEvent::Done(delivery) => {
                let answer = &delivery.completion.reply.text;
                // Of two attempts side by side the silent one may have won; and a cached answer has no attempt.
                if self.text != *answer {
                    self.begin_anew(ANOTHER);
                    self.add(answer);
                }
                self.is_whole = true;
            }
            CompletionEvent::Queued
            | CompletionEvent::Retrying
            | CompletionEvent::Usage(_)
            | CompletionEvent::Delta(_) => {}
        }
    }

    /// Ends the line. Whether the last whole answer was printed, and nothing was begun after it.
    pub(super) fn finish(&mut self) -> bool {
        if !self.ends_line {
            self.print("\n");
        }
        self.is_whole
    }

    /// Adds to the answer, or begins another after a whole one.
    fn add(&mut self, text: &str) {
        if self.is_whole {
            self.begin_anew(WANTS_FILES);
        }
        self.text.push_str(text);
        let seen = self.plain.of(text);
        self.print(&seen);
    }

    /// The last bytes of the text were thoughts. What stood before them is printed again, because a terminal cannot take back a part.
    fn take_back(&mut self, bytes: usize) {
        let kept = self.text.len().saturating_sub(bytes);
        if let Some(kept) = self.text.get(..kept).map(str::to_owned) {
            self.begin_anew(THOUGHTS);
            self.add(&kept);
        }
    }

    /// Leaves what was printed behind, and says why.
    fn begin_anew(&mut self, why: &str) {
        let why = if self.is_whole { WANTS_FILES } else { why };
        if !self.text.is_empty() {
            self.finish();
            self.print(&format!("{}\n", style(why).dim()));
        }
        (self.plain, self.is_whole) = (Plain::default(), false);
        self.text.clear();
    }

    /// A terminal that has gone away shows nothing more; the end of the command says so.
    fn print(&mut self, text: &str) {
        if text.is_empty() {
            return;
        }
        self.ends_line = text.ends_with('\n');
        drop(self.out.write_all(text.as_bytes()).and_then(|()| self.out.flush()));
    }
}

#[cfg(test)]
mod tests {
    use std::{sync::Arc, time::Duration};

    use exai_core::{
        RunId,
        chat::{Finish, Reply, Usage},
        completion::Completion,
    };
    use exai_engine::inference::delivery::{Delivery, Source};

    use super::*;

    fn said(text: &str) -> CompletionEvent {
        CompletionEvent::Delta(Delta::Text(text.to_owned()))
    }

    fn attempt(number: u32) -> CompletionEvent {
        CompletionEvent::Attempt { number, provider: "custom".into(), model: "mock-model".into() }
    }

    fn done(text: &str) -> CompletionEvent {
        let reply = Reply {
            text: text.to_owned(),
            tool_calls: Vec::new(),
            opaque: Vec::new(),
            usage: Usage::default(),
            finish: Finish::Stop,
            model: String::new(),
            prompt_cut: None,
        };
        let completion = Completion {
            reply,
            run: RunId::new(),
            provider: "custom".into(),
            model: "mock-model".into(),
            attempts: 1,
            duration: Duration::ZERO,
            cost_usd: None,
        };
        CompletionEvent::Done(Delivery { completion: Arc::new(completion), source: Source::Fresh })
    }

    /// What a terminal shows of the events, and whether that is the whole answer.
    fn shown(events: &[CompletionEvent]) -> (String, bool) {
        let mut printed = Vec::new();
        let mut live = Live::new(&mut printed);
        for event in events {
            live.show(event);
        }
        let is_whole = live.finish();
        let text = String::from_utf8(printed).unwrap();
        (console::strip_ansi_codes(&text).into_owned(), is_whole)
    }

    #[test]
    fn pieces_are_joined_and_the_line_ends() {
        let (text, is_whole) = shown(&[attempt(1), said("Twelve"), said(" more."), done("Twelve more.")]);
        assert_eq!((text.as_str(), is_whole), ("Twelve more.\n", true));
        let (text, is_whole) = shown(&[attempt(1), attempt(2), said("Once.\n"), done("Once.\n")]);
        assert_eq!((text.as_str(), is_whole), ("Once.\n", true));
    }

    #[test]
    fn a_retry_begins_anew_and_says_so() {
        let (text, is_whole) = shown(&[attempt(1), said("Twel"), attempt(2), said("Ten."), done("Ten.")]);
        assert_eq!((text.as_str(), is_whole), (format!("Twel\n{BROKE_OFF}\nTen.\n").as_str(), true));
        let (text, is_whole) = shown(&[attempt(1), said("Twel")]);
        assert_eq!((text.as_str(), is_whole), ("Twel\n", false), "an answer that broke off is none");
    }

    #[test]
    fn thoughts_that_looked_like_text_are_left() {
        let was = |bytes| CompletionEvent::Delta(Delta::WasReasoning(bytes));
        let (text, is_whole) = shown(&[attempt(1), said("Hm. So"), was(6), said("Ten."), done("Ten.")]);
        assert_eq!((text.as_str(), is_whole), (format!("Hm. So\n{THOUGHTS}\nTen.\n").as_str(), true));
        let (text, _) = shown(&[attempt(1), said("A. Hm"), was(2), said("B."), done("A. B.")]);
        assert_eq!(text, format!("A. Hm\n{THOUGHTS}\nA. B.\n"));
    }

    #[test]
    fn files_that_were_added_begin_anew() {
        let asked = [attempt(1), said("a.rs?"), done("a.rs?")];
        // The second answer is asked for, or comes from the cache.
        for again in [vec![attempt(1), said("Fine."), done("Fine.")], vec![said("Fine."), done("Fine.")]] {
            let (text, is_whole) = shown(&[asked.to_vec(), again].concat());
            assert_eq!((text.as_str(), is_whole), (format!("a.rs?\n{WANTS_FILES}\nFine.\n").as_str(), true));
        }
    }

    #[test]
    fn an_answer_that_never_streamed_is_printed() {
        assert_eq!(shown(&[attempt(1), done("Ten.")]), ("Ten.\n".to_owned(), true));
        let (text, _) = shown(&[attempt(1), said("Twel"), done("Ten.")]);
        assert_eq!(text, format!("Twel\n{ANOTHER}\nTen.\n"));
    }

    #[test]
    fn a_split_sequence_is_taken_out() {
        let (text, is_whole) = shown(&[said("a\u{1b}[3"), said("1mb"), done("a\u{1b}[31mb")]);
        assert_eq!((text.as_str(), is_whole), ("ab\n", true));
    }
}
