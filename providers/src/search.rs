//! Search of the web at Z.ai's, by its public API reference (docs.z.ai, "Web Search API").

use async_trait::async_trait;
use exai_core::{
    Kind,
    provider::{CallCtx, ProviderError},
    web_search::{Recency, SearchHit, SearchQuery, WebSearch},
};
use serde_json::{Map, Value, json};

use crate::{
    base_url,
    classify::{Failure, classify, hidden_error, without_bom},
    endpoint::Endpoint,
};

/// The longest list of results, in bytes.
const MAX_RESULTS: usize = 16 * 1024 * 1024;

#[async_trait]
impl WebSearch for Endpoint {
    async fn search(&self, query: &SearchQuery, call: &CallCtx) -> Result<Vec<SearchHit>, ProviderError> {
        self.check_key()?;
        let (place, origin) = self.keys.pick();
        let Some(facts) = origin.vendor.search.as_ref() else {
            return Err(origin.error(Kind::UpstreamRejected, "this vendor offers no search of the web"));
        };
        let url = base_url::operation(&self.base, facts.path);
        let body = written(query, facts.engine);
        let request = self.http.client(origin, &url)?.post(url.clone()).json(&body);
        let asked = self.http.whole(origin, &url, request, call, MAX_RESULTS).await;
        let reply = asked.map_err(|failure| self.keys.judge(place, failure))?;
        let unclear = || origin.error(Kind::Protocol, "the search's answer cannot be understood; try again");
        let reply: Value = serde_json::from_slice(without_bom(&reply)).map_err(|_| unclear())?;
        if let Some(error) = hidden_error(None, &reply) {
            return Err(self.keys.judge(place, classify(origin, &Failure::inside(error, None))));
        }
        let rows = reply.get("search_result").and_then(Value::as_array).ok_or_else(unclear)?;
        Ok(rows.iter().map(hit).collect())
    }
}

fn written(query: &SearchQuery, engine: &str) -> Value {
    let mut body = Map::new();
    body.insert("search_engine".to_owned(), json!(query.engine.as_deref().unwrap_or(engine)));
    body.insert("search_query".to_owned(), json!(query.words));
    body.insert("count".to_owned(), json!(query.count));
    if let Some(domain) = &query.domain {
        body.insert("search_domain_filter".to_owned(), json!(domain));
    }
    let recency = query.recency.map(|recency| match recency {
        Recency::Day => "oneDay",
        Recency::Week => "oneWeek",
        Recency::Month => "oneMonth",
        Recency::Year => "oneYear",
    });
    if let Some(word) = recency {
        body.insert("search_recency_filter".to_owned(), json!(word));
    }
    Value::Object(body)
}

fn hit(row: &Value) -> SearchHit {
    let text = |name: &str| row.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
    SearchHit {
        title: text("title"),
        link: text("link"),
        content: text("content"),
        site: text("media"),
        published: text("publish_date"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_was_asked_is_sent() {
        let query = SearchQuery { words: "rust".to_owned(), count: 3, ..SearchQuery::default() };
        let engine = json!({"search_engine": "search-prime", "search_query": "rust", "count": 3});
        assert_eq!(written(&query, "search-prime"), engine);
        let query = SearchQuery {
            engine: Some("search_pro".to_owned()),
            domain: Some("docs.rs".to_owned()),
            recency: Some(Recency::Month),
            ..query
        };
        assert_eq!(
            written(&query, "search-prime"),
            json!({"search_engine": "search_pro", "search_query": "rust", "count": 3, "search_domain_filter": "docs.rs",
                "search_recency_filter": "oneMonth"})
        );
    }
}
