//! Files at vendors whose interface is shaped like OpenAI's (platform.openai.com/docs/api-reference/files).
//!
//! A file belongs to the account of the key that put it there, so of several keys only the first is used.

use async_trait::async_trait;
use bytes::Bytes;
use exai_core::{
    Kind,
    files::{Files, Reading, Upload, VendorFile},
    provider::{CallCtx, ProviderError},
};
use reqwest::{
    Method,
    multipart::{Form, Part},
};
use serde_json::Value;
use url::Url;

use crate::{
    base_url,
    classify::{Failure, classify, hidden_error, without_bom},
    endpoint::Endpoint,
};

/// The longest list of files, in bytes.
const MAX_LIST: usize = 16 * 1024 * 1024;
/// The longest content, in bytes.
const MAX_CONTENT: usize = 512 * 1024 * 1024;

impl Endpoint {
    async fn ask_files(
        &self,
        method: Method,
        url: &Url,
        form: Option<Form>,
        call: &CallCtx,
        cap: usize,
    ) -> Result<Vec<u8>, ProviderError> {
        self.check_key()?;
        let origin = self.keys.first();
        let mut request = self.http.client(origin, url)?.request(method, url.clone());
        if let Some(form) = form {
            request = request.multipart(form);
        }
        self.http.whole(origin, url, request, call, cap).await
    }

    /// Reads a reply that can be a failure with a status of success.
    fn files_json(&self, body: &[u8]) -> Result<Value, ProviderError> {
        let origin = self.keys.first();
        let reply: Value = serde_json::from_slice(without_bom(body)).map_err(|_| self.unclear())?;
        match hidden_error(None, &reply) {
            Some(error) => Err(classify(origin, &Failure::inside(error, None))),
            None => Ok(reply),
        }
    }

    fn unclear(&self) -> ProviderError {
        let text = "the answer about files cannot be understood; check the base URL";
        self.keys.first().error(Kind::Protocol, text)
    }

    fn file_url(&self, id: &str, below: &str) -> Result<Url, ProviderError> {
        let mut url = base_url::operation(&self.base, "files");
        // As one segment, so that an id with a slash in it leads nowhere else.
        let mut segments = url.path_segments_mut().map_err(|()| self.unclear())?;
        segments.push(id);
        if !below.is_empty() {
            segments.push(below);
        }
        drop(segments);
        Ok(url)
    }
}

#[async_trait]
impl Files for Endpoint {
    fn reading(&self) -> Reading {
        self.keys.first().vendor.files.as_ref().map_or(Reading::ById, |facts| facts.reading)
    }

    fn max_bytes(&self) -> u64 {
        self.keys.first().vendor.files.as_ref().map_or(0, |facts| facts.max_bytes)
    }

    async fn upload(&self, file: Upload, call: &CallCtx) -> Result<VendorFile, ProviderError> {
        let purpose = self.keys.first().vendor.files.as_ref().map_or("user_data", |facts| facts.purpose);
        let length = u64::try_from(file.bytes.len()).unwrap_or(u64::MAX);
        let part = Part::stream_with_length(file.bytes, length).file_name(file.name);
        let form = Form::new().text("purpose", purpose).part("file", part);
        let url = base_url::operation(&self.base, "files");
        let body = self.ask_files(Method::POST, &url, Some(form), call, MAX_LIST).await?;
        let reply = self.files_json(&body)?;
        if reply.get("status").and_then(Value::as_str) == Some("error") {
            let why = reply.get("status_details").and_then(Value::as_str).unwrap_or("it does not say why");
            let text = format!("the vendor cannot read the file: {why}");
            return Err(self.keys.first().error(Kind::UpstreamRejected, &text));
        }
        read(&reply).ok_or_else(|| self.unclear())
    }

    async fn list(&self, call: &CallCtx) -> Result<Vec<VendorFile>, ProviderError> {
        let url = base_url::operation(&self.base, "files");
        let body = self.ask_files(Method::GET, &url, None, call, MAX_LIST).await?;
        let reply = self.files_json(&body)?;
        let rows = reply.get("data").and_then(Value::as_array).ok_or_else(|| self.unclear())?;
        Ok(rows.iter().filter_map(read).collect())
    }

    async fn content(&self, id: &str, call: &CallCtx) -> Result<Bytes, ProviderError> {
        let url = self.file_url(id, "content")?;
        let body = self.ask_files(Method::GET, &url, None, call, MAX_CONTENT).await?;
        // Kimi wraps the text of a file into an object.
        let wrapped = if self.reading() == Reading::Extracted { extracted(&body) } else { None };
        Ok(wrapped.map_or_else(|| Bytes::from(body), Bytes::from))
    }

    async fn delete(&self, id: &str, call: &CallCtx) -> Result<(), ProviderError> {
        let url = self.file_url(id, "")?;
        let body = self.ask_files(Method::DELETE, &url, None, call, MAX_LIST).await?;
        if body.is_empty() { Ok(()) } else { self.files_json(&body).map(drop) }
    }
}

fn read(row: &Value) -> Option<VendorFile> {
    Some(VendorFile {
        id: row.get("id")?.as_str().filter(|id| !id.is_empty())?.to_owned(),
        name: row.get("filename").and_then(Value::as_str).unwrap_or_default().to_owned(),
        bytes: row.get("bytes").and_then(Value::as_u64),
    })
}

/// The text in `{content, …}`; `None` for what is the text itself.
fn extracted(body: &[u8]) -> Option<String> {
    let object: Value = serde_json::from_slice(without_bom(body)).ok()?;
    object.get("file_type").and(object.get("content")).and_then(Value::as_str).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn only_the_vendors_wrapping_is_removed() {
        let wrapped = json!({"content": "text", "file_type": "application/pdf", "filename": "a.pdf", "title": "", "type": "file"});
        assert_eq!(extracted(wrapped.to_string().as_bytes()).as_deref(), Some("text"));
        assert_eq!(extracted(br#"{"content": "of a JSON file"}"#), None);
        assert_eq!(extracted(b"plain"), None);
    }
}
