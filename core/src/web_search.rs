//! The port to a vendor's search of the web.

use async_trait::async_trait;

use crate::upstream::{CallCtx, ProviderError};

/// How old results may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Recency {
    /// A day.
    Day,
    /// A week.
    Week,
    /// A month.
    Month,
    /// A year.
    Year,
}

/// What is looked for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SearchQuery {
    /// The words.
    pub words: String,
    /// Results at most.
    pub count: u32,
    /// The vendor's engine; its usual one when `None`.
    pub engine: Option<String>,
    /// Results of this domain only.
    pub domain: Option<String>,
    /// How old results may be; any age when `None`.
    pub recency: Option<Recency>,
}

/// A page that was found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SearchHit {
    /// Its title.
    pub title: String,
    /// Its address.
    pub link: String,
    /// What it says, in part.
    pub content: String,
    /// The site's name; empty when the vendor does not say.
    pub site: String,
    /// When it was published, as the vendor writes it; empty when it does not say.
    pub published: String,
}

/// Search of the web at a vendor's.
#[async_trait]
pub trait WebSearch: Send + Sync {
    /// Looks for pages, best first. Each search is paid for.
    ///
    /// # Errors
    /// The vendor refuses it or cannot be reached.
    async fn search(&self, query: &SearchQuery, call: &CallCtx) -> Result<Vec<SearchHit>, ProviderError>;
}
