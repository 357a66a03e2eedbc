//! The engine's limits. Every duration and bound is a setting here or of the room that it belongs to; none is hidden in code.

use std::{sync::Arc, time::Duration};

use exai_answers::severity::SeverityWords;
use exai_context::git::GitSettings;
use exai_prompts::Wording;

use exai_agents::ClinkSettings;
use exai_inference::InferenceSettings;

/// How the engine behaves. `Default` is what the documentation promises.
#[derive(Debug, Clone)]
pub struct Settings {
    /// How completions behave.
    pub inference: InferenceSettings,
    /// Other agents on this machine.
    pub clink: ClinkSettings,
    /// The words of the system prompts.
    pub wording: Arc<Wording>,
    /// The longest that one model of a consensus may take.
    pub consensus_limit: Duration,
    /// How long a reply waits for its turns to be durable.
    pub commit_wait: Duration,
    /// The most tokens of one file; `None` lets a file take what the budget allows.
    pub file_tokens: Option<u32>,
    /// The most tokens of history, as a share of the input budget.
    pub history_share: f32,
    /// The most turns of a thread, to tell the client how many remain.
    pub max_turns: u32,
    /// The words of the team for severities, beside those that are built in.
    pub severity_words: Arc<SeverityWords>,
    /// How git is run.
    pub git: GitSettings,
    /// What users read when something is missing.
    pub hints: Hints,
}

/// What users have to configure when something is missing, in whole sentences. The program that builds the engine knows the
/// providers and their settings; the engine does not.
#[derive(Debug, Clone)]
pub struct Hints {
    /// How to get a first model.
    pub configure: String,
    /// Which providers read files.
    pub files: String,
    /// Which providers search the web outside of an answer.
    pub search: String,
}

impl Default for Hints {
    fn default() -> Self {
        let offered = "None of the configured providers offers it.";
        Self {
            configure: "Configure a provider first.".to_owned(),
            files: offered.to_owned(),
            search: offered.to_owned(),
        }
    }
}

impl Default for Settings {
    fn default() -> Self {
        let selector_prompt = exai_prompts::texts::route().into();
        Self {
            inference: InferenceSettings { selector_prompt, ..InferenceSettings::default() },
            clink: ClinkSettings::default(),
            wording: Arc::new(Wording::built_in()),
            consensus_limit: Duration::from_secs(300),
            commit_wait: Duration::from_millis(250),
            file_tokens: None,
            history_share: 0.4,
            max_turns: 200,
            severity_words: Arc::default(),
            git: GitSettings::default(),
            hints: Hints::default(),
        }
    }
}
