//! `run chat` on a terminal: the answer is printed while it comes.

use exai_mock_vendor::{Answer, Gate};

use crate::support::{Setup, Terminal, within};

#[tokio::test]
async fn the_first_words_come_before_the_last() {
    let setup = Setup::new().await;
    let gate = Gate::new();
    setup.vendor.then(Answer::pieces(["Twelve ", "more.\n"]).hold_after(1, &gate));
    let mut terminal = Terminal::start(&setup, "'$0' run chat --prompt 'How many?'");
    within("the pause", gate.wait_for_arrivals(1)).await;
    // The vendor has not sent more than this.
    terminal.until("Twelve ").await;
    assert!(!terminal.shown.contains("more."), "{}", terminal.shown);
    gate.open();
    let (succeeded, shown) = terminal.ended().await;
    assert!(succeeded, "{shown}");
    assert_eq!(shown.matches("Twelve more.").count(), 1, "printed once: {shown}");
    assert!(shown.contains("Twelve more.\n\nanswered by custom/mock-model · "), "{shown}");
    assert!(shown.contains("\ncontinue with: exai-mcp run chat --continue "), "{shown}");
}

/// The words of the first attempt cannot be taken back from a terminal, so a person must see that they count no more.
#[tokio::test]
async fn an_answer_that_broke_off_begins_anew() {
    let setup = Setup::new().await.with("EXAI_RETRIES", "1");
    setup
        .vendor
        .script(vec![Answer::pieces(["Eleven", " or so"]).cut_after_pieces(1), Answer::text("Twelve more.")]);
    let terminal = Terminal::start(&setup, "'$0' run chat --prompt 'How many?'");
    let (succeeded, shown) = terminal.ended().await;
    assert!(succeeded, "{shown}");
    let anew = "Eleven\n… the answer broke off; asking again\nTwelve more.\n\nanswered by";
    assert!(shown.contains(anew), "{shown}");
}

#[tokio::test]
async fn a_terminal_gets_no_orders_of_models() {
    let setup = Setup::new().await;
    let orders = ["To be \u{1b}[8", "mseen\u{1b}]0;a ti", "tle\u{7} whole"];
    setup.vendor.default_answer(Answer::pieces(orders));
    let mut terminal = Terminal::start(&setup, "'$0' run chat --prompt 'What?'");
    terminal.until("To be seen whole").await;
    assert!(terminal.ended().await.0);
    // Elsewhere the answer is what the model said.
    let (code, printed, _) = setup.run(&["run", "chat", "--prompt", "What?", "--arg", "fresh=true"]).await;
    assert!(code == 0 && printed.starts_with(&orders.concat()), "{printed:?}");
}

#[tokio::test]
async fn json_on_a_terminal_is_whole() {
    let setup = Setup::new().await;
    setup.vendor.default_answer(Answer::text("Twelve more."));
    let terminal = Terminal::start(&setup, "'$0' run chat --json --prompt 'How many?' 2>/dev/null");
    let (succeeded, shown) = terminal.ended().await;
    assert!(succeeded, "{shown}");
    let answer: serde_json::Value = serde_json::from_str(&shown).unwrap_or_else(|_| panic!("{shown}"));
    assert_eq!(answer["content"], "Twelve more.");
}
