//! MCP resources: threads, kept answers, the catalogue of models. Everything belongs to the caller.

use exai_core::{AnswerId, Identity, ThreadId, store::StoreError};
use exai_engine::transcript;
use rmcp::{
    ErrorData,
    model::{ReadResourceResult, Resource, ResourceContents, ResourceTemplate},
};
use serde_json::{Value, json};

use super::ExaiServer;

/// One thread.
pub(crate) const THREAD_TEMPLATE: &str = "exai://thread/{id}";
/// One kept answer.
const ANSWER_TEMPLATE: &str = "exai://answer/{id}";
const THREADS: &str = "exai://threads";
const MODELS: &str = "exai://models";
/// The most threads that are listed one by one; the template reaches the others.
const MAX_LISTED: u32 = 50;
const JSON: &str = "application/json";
const MARKDOWN: &str = "text/markdown";

/// The address of a kept answer.
pub(crate) fn answer_uri(id: AnswerId) -> String {
    format!("exai://answer/{id}")
}

/// The addresses that are made up from an id.
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
        let threads = self.engine().store().threads(who, MAX_LISTED).await.unwrap_or_default();
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

    async fn threads_json(&self, who: &Identity) -> Result<Value, ErrorData> {
        let threads =
            self.engine().store().threads(who, MAX_LISTED).await.map_err(|error| unreadable(&error))?;
        let rows = threads.iter().map(|thread| {
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
        let store = self.engine().store();
        let thread = store.thread(who, id).await.map_err(|error| unreadable(&error))?;
        let thread = thread.ok_or_else(|| not_found(uri))?;
        let runs = store.runs(who, id).await.map_err(|error| unreadable(&error))?;
        Ok(transcript::markdown(&thread, &runs))
    }

    async fn kept_answer(&self, uri: &str, who: &Identity) -> Result<String, ErrorData> {
        let id = uri.strip_prefix("exai://answer/").and_then(|id| id.parse::<AnswerId>().ok());
        let id = id.ok_or_else(|| not_found(uri))?;
        // Its client may come before the writer has taken it.
        let kept =
            self.engine().settled_store().await.answer(who, id).await.map_err(|error| unreadable(&error))?;
        match kept {
            Some(kept) if !kept.text.is_empty() => Ok(kept.text),
            Some(kept) => Ok(json!({ "status": kept.state.as_str(), "tool": kept.tool }).to_string()),
            None => Err(not_found(uri)),
        }
    }
}

/// The same words whether it never existed or belongs to someone else.
fn not_found(uri: &str) -> ErrorData {
    let shown: String = uri.chars().take(200).collect();
    ErrorData::resource_not_found(
        format!("there is no resource `{shown}`; see resources/list and resources/templates/list"),
        Some(json!({ "uri": shown })),
    )
}

fn unreadable(error: &StoreError) -> ErrorData {
    ErrorData::internal_error(format!("the database cannot be read: {error}"), None)
}
