//! What a fold makes of an answer that is not as it should be.

use exai_core::{
    chat::{Delta, Finish, Usage},
    function_calling::ToolCall,
};
use exai_inference::{attempt::AttemptSettings, events::CompletionEvent, question::Question};
use tokio::sync::mpsc;

use crate::support::{World, scope};

fn counted(input: u64) -> Delta {
    Delta::Usage(Usage { input_tokens: input, output_tokens: 1, ..Usage::default() })
}

impl World {
    fn feed_all(&self, deltas: impl IntoIterator<Item = Delta>) {
        deltas.into_iter().for_each(|delta| self.feed.send(delta).unwrap());
    }
}

fn asked(world: &World) -> usize {
    world.provider.asked.load(std::sync::atomic::Ordering::SeqCst)
}

/// A vendor that has counted a part of the prompt has read a part of it.
#[tokio::test]
async fn a_cut_prompt_is_told_not_kept() {
    let world = World::new();
    let long = "The quick brown foxes jump over the lazy dogs again. ".repeat(2_000);
    let ask = |input: u64| {
        world.feed_all([Delta::Text("yes".into()), counted(input), Delta::Finished(Finish::Stop)]);
        Question { fresh: false, ..world.question(&long) }
    };
    for input in [4_096, 4_096, 25_000] {
        let answered = world.inference.complete(ask(input), &scope()).await.unwrap();
        let cut = answered.delivery.completion.reply.prompt_cut;
        assert_eq!(cut.map(|cut| cut.counted), (input == 4_096).then_some(4_096));
    }
    assert_eq!(asked(&world), 3, "what rests on a part is not given again");
    let again = Question { fresh: false, ..world.question(&long) };
    world.inference.complete(again, &scope()).await.unwrap();
    assert_eq!(asked(&world), 3, "the whole is");
    let stored: Vec<_> =
        world.stored().await.iter().filter_map(|run| run.outcome.clone()?.prompt_cut).collect();
    assert_eq!(stored.len(), 2, "{stored:?}");
}

/// A reader sees what a paused model says next as the same answer.
#[tokio::test]
async fn a_continuation_voids_nothing() {
    let world = World::new();
    let (events, mut seen) = mpsc::channel(64);
    let mut call = scope();
    call.events = Some(events);
    world.feed_all([
        Delta::Text("One, ".into()),
        Delta::Opaque(serde_json::json!({"turn": []})),
        counted(5),
        Delta::Finished(Finish::Paused),
        Delta::Text("two.".into()),
        counted(7),
        Delta::Finished(Finish::Stop),
    ]);
    let answered = world.inference.complete(world.question("Count."), &call).await.unwrap();
    let completion = &answered.delivery.completion;
    let reply = &completion.reply;
    assert_eq!((reply.text.as_str(), &reply.finish), ("One, two.", &Finish::Stop));
    assert_eq!((reply.usage.input_tokens, completion.attempts, reply.opaque.len()), (12, 2, 0));
    drop(call);
    let (mut text, mut attempts) = (String::new(), 0);
    while let Ok(event) = seen.try_recv() {
        match event {
            CompletionEvent::Delta(Delta::Text(more)) => text.push_str(&more),
            CompletionEvent::Attempt { .. } => attempts += 1,
            _ => {}
        }
    }
    assert_eq!((text.as_str(), attempts), ("One, two.", 1));
}

/// A continuation that fails is begun anew behind what was said.
#[tokio::test(start_paused = true)]
async fn a_failed_continuation_begins_anew() {
    let world = World::new();
    world.feed_all([
        Delta::Text("One, ".into()),
        Delta::Finished(Finish::Paused),
        Delta::Text("tw".into()),
        Delta::Finished(Finish::cut()),
        Delta::Text("two.".into()),
        Delta::Finished(Finish::Stop),
    ]);
    let answered = world.inference.complete(world.question("Count."), &scope()).await.unwrap();
    let completion = &answered.delivery.completion;
    assert_eq!((completion.reply.text.as_str(), completion.attempts), ("One, two.", 3));
}

/// With nobody else to ask, what a model said before it was paused is kept as a part.
#[tokio::test(start_paused = true)]
async fn a_part_is_better_than_nothing() {
    let world = World::new();
    world.feed_all([Delta::Text("One, ".into()), Delta::Finished(Finish::Paused)]);
    for _ in 0..=AttemptSettings::default().retries {
        world.feed_all([Delta::Text("tw".into()), Delta::Finished(Finish::cut())]);
    }
    let answered = world.inference.complete(world.question("Count."), &scope()).await.unwrap();
    let reply = &answered.delivery.completion.reply;
    assert_eq!((reply.text.as_str(), &reply.finish), ("One, ", &Finish::Paused));
}

/// What turns out to be a thought leaves the text, absurd counts leave the bill, and a strange call is no answer.
#[tokio::test(start_paused = true)]
async fn late_findings_change_the_answer() {
    let world = World::new();
    world.feed_all([
        Delta::ToolCall(ToolCall { id: "c".into(), name: "read".into(), arguments: "{}".into() }),
        Delta::Finished(Finish::ToolCalls),
        Delta::Text("a thought ".into()),
        Delta::WasReasoning("a thought ".len()),
        Delta::Text("yes".into()),
        counted(5),
        counted(10_u64.pow(18)),
        Delta::Finished(Finish::Stop),
    ]);
    let answered = world.inference.complete(world.question("Well?"), &scope()).await.unwrap();
    let completion = &answered.delivery.completion;
    assert_eq!((completion.reply.text.as_str(), completion.attempts), ("yes", 2));
    let usage = completion.reply.usage;
    assert!(usage.estimated && usage.input_tokens < 100 && usage.output_tokens >= 4, "{usage:?}");
}
