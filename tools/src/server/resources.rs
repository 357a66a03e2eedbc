//! MCP resources: threads, kept answers, the catalogue of models. Everything belongs to the caller.

use std::time::Duration;

use exai_core::{AnswerId, Identity, ThreadId};
use exai_engine::{
    EngineError,
    answers::AnswerQuery,
    threads::{ThreadList, ThreadQuery, ThreadViewQuery},
};
use rmcp::{
    ErrorData,
    model::{ReadResourceResult, Resource, ResourceContents, ResourceTemplate},
};
use serde_json::{Value, json};

use super::state::ExaiServer;

/// One thread.
pub(crate) const THREAD_TEMPLATE: &str = "exai://thread/{id}";
/// One kept answer.
const ANSWER_TEMPLATE: &str = "exai://answer/{id}";
const THREADS: &str = "exai://threads";
const MODELS: &str = "exai://models";
/// The most threads that are listed one by one; the template reaches the others.
const MAX_LISTED: u32 = 50;
/// How long a kept answer may still be on its way to the database: its client may ask for it at once.
pub(super) const ANSWER_WAIT: Duration = Duration::from_secs(1);
const JSON: &str = "application/json";
const MARKDOWN: &str = "text/markdown";

/// The address of a kept answer.
pub(crate) fn answer_uri(id: AnswerId) -> String {
    format!("exai://answer/{id}")
}

/// The addresses that clients make from an id.
pub(crate) fn templates() -> Vec<ResourceTemplate> {
    let template = |uri: &str, name: &str, about: &str, mime: &str| {
        ResourceTemplate::new(uri, name).with_description(about).with_mime_type(mime)
    };
    vec![
        template(THREAD_TEMPLATE, "thread", "A conversation as Markdown, by its continuation_id", MARKDOWN),
        template(
            ANSWER_TEMPLATE,
            "answer",
            "A whole answer that was too long for the client, or came late",
            JSON,
        ),
    ]
}

impl ExaiServer {
    /// The fixed addresses and the caller's latest threads.
    pub(crate) async fn resources(&self, who: &Identity) -> Vec<Resource> {
        let fixed = |uri: &str, name: &str, about: &str| {
            Resource::new(uri, name).with_description(about).with_mime_type(JSON)
        };
        let mut resources = vec![
            fixed(THREADS, "threads", "The latest conversations"),
            fixed(MODELS, "models", "The models that can be asked, with window, price and capabilities"),
        ];
        let threads = self.latest_threads(who).await.map(|found| found.threads).unwrap_or_default();
        resources.extend(threads.iter().map(|thread| {
            let title = if thread.title.is_empty() { thread.tool.as_str() } else { thread.title.as_str() };
            Resource::new(format!("exai://thread/{}", thread.id), format!("thread {}", thread.id))
                .with_title(title)
                .with_mime_type(MARKDOWN)
        }));
        resources
    }

    /// The content of an address.
    pub(crate) async fn resource(&self, uri: &str, who: &Identity) -> Result<ReadResourceResult, ErrorData> {
        let (text, mime) = match uri {
            THREADS => (self.threads_json(who).await?.to_string(), JSON),
            MODELS => (self.models_json().to_string(), JSON),
            _ => match uri.strip_prefix("exai://thread/") {
                Some(id) => (self.thread_markdown(id, uri, who).await?, MARKDOWN),
                None => (self.kept_answer(uri, who).await?, JSON),
            },
        };
        let contents = ResourceContents::TextResourceContents {
            uri: uri.to_owned(),
            mime_type: Some(mime.to_owned()),
            text,
            meta: None,
        };
        Ok(ReadResourceResult::new(vec![contents]))
    }

    async fn latest_threads(&self, who: &Identity) -> Result<ThreadList, EngineError> {
        self.engine().list_threads(who, &ThreadQuery { words: None, limit: MAX_LISTED }).await
    }

    async fn threads_json(&self, who: &Identity) -> Result<Value, ErrorData> {
        let found = self.latest_threads(who).await.map_err(|error| unreadable(&error))?;
        let rows = found.threads.iter().map(|thread| {
            json!({ "continuation_id": thread.id.to_string(), "uri": format!("exai://thread/{}", thread.id),
                "title": thread.title, "tool": thread.tool, "turns": thread.turns, "updated_at": thread.updated_at.to_rfc3339() })
        });
        Ok(json!({ "threads": rows.collect::<Vec<_>>() }))
    }

    fn models_json(&self) -> Value {
        let providers = self.engine().models().providers();
        let models: Vec<Value> = providers
            .iter()
            .flat_map(|provider| provider.models().iter().cloned().collect::<Vec<_>>())
            .map(|model| json!(model))
            .collect();
        let vendors = self.parts.vendors.iter().map(|vendor| {
            json!({ "id": vendor.id, "name": vendor.title, "configured": vendor.configured, "how": vendor.how })
        });
        json!({ "providers": vendors.collect::<Vec<_>>(), "models": models })
    }

    async fn thread_markdown(&self, id: &str, uri: &str, who: &Identity) -> Result<String, ErrorData> {
        let id: ThreadId = id.parse().map_err(|_| not_found(uri))?;
        let view = self.engine().view_thread(who, ThreadViewQuery { id, answers: 0 }).await;
        let view = view.map_err(|error| unreadable(&error))?;
        Ok(view.ok_or_else(|| not_found(uri))?.markdown())
    }

    async fn kept_answer(&self, uri: &str, who: &Identity) -> Result<String, ErrorData> {
        let id = uri.strip_prefix("exai://answer/").and_then(|id| id.parse::<AnswerId>().ok());
        let id = id.ok_or_else(|| not_found(uri))?;
        let kept = self.engine().find_answer(who, AnswerQuery { id, wait: ANSWER_WAIT }).await;
        match kept.map_err(|error| unreadable(&error))? {
            Some(kept) if !kept.text.is_empty() => Ok(kept.text),
            Some(kept) => Ok(json!({ "status": kept.state.as_str(), "tool": kept.tool }).to_string()),
            None => Err(not_found(uri)),
        }
    }
}

/// The same words whether the resource never existed or belongs to someone else.
fn not_found(uri: &str) -> ErrorData {
    let shown: String = uri.chars().take(200).collect();
    ErrorData::resource_not_found(
        format!("there is no resource `{shown}`; see resources/list and resources/templates/list"),
        Some(json!({ "uri": shown })),
    )
}

fn unreadable(error: &EngineError) -> ErrorData {
    ErrorData::internal_error(format!("the database cannot be read: {error}"), None)
}
