//! The answer of `consensus`: each model's vote, or why it has none, then what each model said.

use exai_engine::{
    Call,
    consensus::{Ballot, ConsensusOutcome, NoVote, Spoken, Voice},
};
use rmcp::model::CallToolResponse;
use serde_json::{Map, Value, json};

use super::{Answer, continuation_offer, metadata};

/// Instructions to the agent when all models have answered.
const AFTER: &str = "Weigh reasons, not heads. Tell the user what the models agree on and for which reasons, where they part, and every \
    dissent with its author; then your recommendation, the risks and what to do next. A model under no_vote agreed to nothing.";
/// Instructions to the agent between two models.
const BETWEEN: &str = "Read this answer on its own merits, then call consensus with the next step_number and this continuation_id to ask \
    the next model; with next_step_required: false all others are asked at once.";

/// How far a consensus is.
pub(crate) fn consensus(outcome: &ConsensusOutcome, mut notes: Vec<String>, call: &Call) -> CallToolResponse {
    notes.extend(outcome.notes.iter().cloned());
    let mut answer = Answer::default();
    answer.put("status", status(outcome)).put("summary", summary(outcome));
    answer.put("votes", votes(outcome));
    let silent: Vec<Value> = outcome.voices.iter().filter_map(no_vote).collect();
    if !silent.is_empty() {
        answer.put("no_vote", json!(silent));
    }
    if let Some(synthesis) = &outcome.synthesis {
        answer.put("synthesis", synthesis_of(synthesis, outcome.synthesised_by_voter));
    }
    if !outcome.letters.is_empty() {
        // Critiques speak of each other by letter.
        let letters = outcome.letters.iter().map(|(letter, name)| (letter.to_string(), json!(name)));
        answer.put("letters", Value::Object(letters.collect()));
    }
    if !outcome.at_once {
        one_model(&mut answer, outcome);
    }
    if outcome.complete {
        answer.put("responses", json!(outcome.voices.iter().map(response).collect::<Vec<_>>()));
        answer.put("consensus_complete", true).put(
            "complete_consensus",
            json!({
                "initial_prompt": outcome.question,
                "models_consulted": outcome.voices.iter().map(label).collect::<Vec<_>>(),
                "total_responses": outcome.voices.iter().filter(|voice| has_voted(voice)).count(),
            }),
        );
    }
    answer.put("next_steps", next_steps(outcome));
    answer
        .put("step_number", outcome.step_number)
        .put("total_steps", outcome.total_steps)
        .put("next_step_required", !outcome.complete)
        .put("continuation_id", outcome.thread.to_string())
        .put_some("continuation_offer", continuation_offer(outcome.thread, outcome.remaining_turns));
    answer.put("metadata", metadata_of(outcome, &notes, call));
    answer.success()
}

fn next_steps(outcome: &ConsensusOutcome) -> String {
    if !outcome.complete {
        return BETWEEN.to_owned();
    }
    let failed = |voice: &&Voice| {
        matches!(voice.last().map(|spoken| &spoken.ballot), Some(Ballot::NoVote(NoVote::Failed(_))))
    };
    let failed: Vec<&str> = outcome.voices.iter().filter(failed).map(|voice| voice.name.as_str()).collect();
    if failed.is_empty() {
        return AFTER.to_owned();
    }
    let failed = failed.join(", ");
    format!("{AFTER} To ask {failed} again and nobody else, repeat the question with this continuation_id.")
}

fn status(outcome: &ConsensusOutcome) -> &'static str {
    if outcome.complete {
        "consensus_workflow_complete"
    } else if outcome.step_number <= 1 {
        "analysis_and_first_model_consulted"
    } else {
        "model_consulted"
    }
}

fn label(voice: &Voice) -> String {
    format!("{}:{}", voice.name, voice.stance.as_str())
}

fn has_voted(voice: &Voice) -> bool {
    voice.last().is_some_and(|spoken| spoken.ballot.vote().is_some())
}

/// How many models voted, and how. Only what models said is in it.
fn summary(outcome: &ConsensusOutcome) -> String {
    let voted: Vec<String> = outcome
        .voices
        .iter()
        .filter_map(|voice| {
            let verdict = voice.last()?.ballot.vote()?;
            Some(format!("{}: {verdict}", voice.name))
        })
        .collect();
    let (count, all) = (voted.len(), outcome.voices.len());
    let models = if all == 1 { "model" } else { "models" };
    let mut text = format!("{count} of {all} {models} voted.");
    if !voted.is_empty() {
        text.push(' ');
        text.push_str(&voted.join(" | "));
    }
    text
}

/// A row for each model.
fn votes(outcome: &ConsensusOutcome) -> Value {
    let row = |voice: &Voice| {
        let mut row = Map::new();
        row.insert("model".to_owned(), json!(voice.name));
        row.insert("stance".to_owned(), json!(voice.stance.as_str()));
        match voice.last().map(|spoken| &spoken.ballot) {
            None => drop(row.insert("status".to_owned(), json!("not_asked_yet"))),
            Some(Ballot::NoVote(why)) => drop(row.insert("status".to_owned(), json!(why.as_str()))),
            Some(Ballot::Vote { verdict, confidence, stated }) => {
                row.insert("status".to_owned(), json!("voted"));
                row.insert("verdict".to_owned(), json!(verdict));
                if !stated {
                    // The model named no verdict, so this is its first line.
                    row.insert("verdict_is_first_line".to_owned(), json!(true));
                }
                row.insert("confidence".to_owned(), json!(confidence));
                let before = voice.opinion.as_ref().and_then(|spoken| spoken.ballot.vote());
                if voice.critique.is_some() && before.is_some_and(|before| before != verdict) {
                    row.insert("verdict_before_critique".to_owned(), json!(before));
                }
            }
        }
        Value::Object(row)
    };
    json!(outcome.voices.iter().map(row).collect::<Vec<_>>())
}

fn no_vote(voice: &Voice) -> Option<Value> {
    match &voice.last()?.ballot {
        Ballot::NoVote(why) => {
            Some(json!({ "model": voice.name, "stance": voice.stance.as_str(), "reason": why.reason() }))
        }
        Ballot::Vote { .. } => None,
    }
}

/// The keys that pal-mcp-server has when each step asks one model.
fn one_model(answer: &mut Answer, outcome: &ConsensusOutcome) {
    let Some(index) = outcome.asked_now.last().copied() else { return };
    let Some(voice) = outcome.voices.get(index) else { return };
    answer.put("model_consulted", voice.name.as_str()).put("model_stance", voice.stance.as_str());
    if !outcome.complete {
        answer.put("model_response", response(voice));
    }
    answer.put("current_model_index", index + 1);
    if outcome.step_number <= 1 {
        answer.put(
            "agent_analysis",
            json!({ "initial_analysis": outcome.question, "findings": outcome.findings }),
        );
    }
}

fn response(voice: &Voice) -> Value {
    let mut response = Map::new();
    response.insert("model".to_owned(), json!(voice.name));
    response.insert("stance".to_owned(), json!(voice.stance.as_str()));
    let Some(opinion) = &voice.opinion else {
        response.insert("status".to_owned(), json!("not_asked_yet"));
        return Value::Object(response);
    };
    match &opinion.opinion.error {
        Some(error) => {
            response.insert("status".to_owned(), json!("error"));
            response.insert("error".to_owned(), json!(error));
        }
        None => {
            let counted = match &opinion.ballot {
                Ballot::Vote { .. } => "success",
                Ballot::NoVote(why) => why.as_str(),
            };
            response.insert("status".to_owned(), json!(counted));
            response.insert("verdict".to_owned(), json!(opinion.opinion.text.trim()));
        }
    }
    if let Some(critique) = &voice.critique {
        response.insert("critique".to_owned(), json!(critique.opinion.text.trim()));
        if let Some(error) = &critique.opinion.error {
            response.insert("critique_error".to_owned(), json!(error));
        }
    }
    let cited: Vec<_> =
        std::iter::once(opinion).chain(&voice.critique).flat_map(|spoken| &spoken.mentions).collect();
    if !cited.is_empty() {
        response.insert("citations".to_owned(), json!(cited));
    }
    response.insert("metadata".to_owned(), figures(opinion));
    Value::Object(response)
}

fn synthesis_of(spoken: &Spoken, by_voter: bool) -> Value {
    let opinion = &spoken.opinion;
    let by = format!("{}/{}", opinion.model.provider, opinion.model.model);
    if let Some(error) = &opinion.error {
        return json!({ "by": by, "error": error });
    }
    let mut object = Map::from_iter([("by".to_owned(), json!(by))]);
    if by_voter {
        object.insert("by_a_voter".to_owned(), json!(true));
    }
    match spoken.object() {
        Some(read) => object.extend(read.into_iter().filter(|(key, _)| key != "status")),
        None => drop(object.insert("text".to_owned(), json!(opinion.text.trim()))),
    }
    Value::Object(object)
}

fn figures(spoken: &Spoken) -> Value {
    let opinion = &spoken.opinion;
    json!({
        "provider": opinion.model.provider.as_str(),
        "tokens": { "input": opinion.usage.input_tokens, "output": opinion.usage.output_tokens },
        "cost_usd": opinion.cost_usd,
        "latency_ms": opinion.duration_ms,
        "attempts": opinion.attempts,
        "from_cache": opinion.from_cache,
        "run_id": opinion.run.map(|run| run.to_string()),
    })
}

fn metadata_of(outcome: &ConsensusOutcome, notes: &[String], call: &Call) -> Map<String, Value> {
    let mut metadata = metadata::base("consensus", notes, call);
    let mut put = |key: &str, value: Value| drop(metadata.insert(key.to_owned(), value));
    put("workflow_type", json!("multi_model_consensus"));
    let spoken: Vec<&Spoken> = outcome
        .voices
        .iter()
        .flat_map(|voice| [voice.opinion.as_ref(), voice.critique.as_ref()])
        .flatten()
        .chain(outcome.synthesis.as_ref())
        .collect();
    let voted: Vec<&str> =
        outcome.voices.iter().filter(|voice| has_voted(voice)).map(|voice| voice.name.as_str()).collect();
    put("answered_by", json!(voted));
    put("consultations", json!(spoken.iter().filter(|one| one.opinion.run.is_some()).count()));
    let usage = |of: fn(&exai_core::chat::Usage) -> u64| -> u64 {
        spoken.iter().map(|one| of(&one.opinion.usage)).fold(0, u64::saturating_add)
    };
    put(
        "tokens",
        json!({ "input": usage(|usage| usage.input_tokens), "output": usage(|usage| usage.output_tokens) }),
    );
    // One unknown price makes the sum unknown.
    let paid = spoken.iter().filter(|one| one.opinion.run.is_some());
    put("cost_usd", json!(paid.map(|one| one.opinion.cost_usd).sum::<Option<f64>>()));
    put("latency_ms", json!(spoken.iter().map(|one| one.opinion.duration_ms).max()));
    metadata::add_files(&mut metadata, &outcome.files, call);
    metadata::add_persisted(&mut metadata, outcome.persisted);
    metadata
}
