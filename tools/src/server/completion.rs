//! Suggestions while a user types the argument of a prompt or of a resource's address.

use exai_core::{Identity, model::Status};
use exai_engine::threads::ThreadQuery;
use exai_prompts::mcp::Completes;
use rmcp::model::{CompleteRequestParams, CompleteResult, CompletionInfo, Reference};

use super::{resources, state::ExaiServer};

/// The latest threads among which a suggestion is looked for.
const MAX_THREADS: u32 = 200;

impl ExaiServer {
    /// Suggestions for what the user has typed. Never fails: an unknown argument has none.
    pub(crate) async fn completion(&self, request: &CompleteRequestParams, who: &Identity) -> CompleteResult {
        let argument = request.argument.name.as_str();
        let wanted = match &request.r#ref {
            Reference::Prompt(prompt) => self.completes(&prompt.name, argument),
            Reference::Resource(template)
                if template.uri == resources::THREAD_TEMPLATE && argument == "id" =>
            {
                Completes::Thread
            }
            Reference::Resource(_) => Completes::Nothing,
            _ => Completes::Nothing,
        };
        let typed = request.argument.value.trim().to_lowercase();
        let all = match wanted {
            Completes::Nothing => Vec::new(),
            Completes::Model => self.model_names(&typed),
            Completes::Thread => self.thread_ids(&typed, who).await,
        };
        let total = all.len();
        let values: Vec<String> = all.into_iter().take(CompletionInfo::MAX_VALUES).collect();
        let has_more = total > values.len();
        let info = CompletionInfo::with_pagination(values, u32::try_from(total).ok(), has_more);
        CompleteResult::new(info.unwrap_or_default())
    }

    /// Models that begin with the text, then those that contain it.
    fn model_names(&self, typed: &str) -> Vec<String> {
        let mut names: Vec<(bool, String)> = Vec::new();
        for provider in self.engine().models().providers() {
            for model in provider.models().iter().filter(|model| model.status != Status::Retired) {
                let (short, long) = (model.id.as_str().to_lowercase(), model.qualified());
                let begins = short.starts_with(typed) || long.to_lowercase().starts_with(typed);
                if begins || long.to_lowercase().contains(typed) {
                    names.push((!begins, long));
                }
            }
        }
        names.sort();
        names.dedup();
        names.into_iter().map(|(_, name)| name).collect()
    }

    /// The latest threads whose id begins with the text, or whose title contains it.
    async fn thread_ids(&self, typed: &str, who: &Identity) -> Vec<String> {
        let query = ThreadQuery { words: None, limit: MAX_THREADS };
        let threads = self.engine().list_threads(who, &query).await.map(|found| found.threads);
        let threads = threads.unwrap_or_default();
        let matches = threads.iter().filter(|thread| {
            thread.id.to_string().starts_with(typed) || thread.title.to_lowercase().contains(typed)
        });
        matches.map(|thread| thread.id.to_string()).collect()
    }
}
