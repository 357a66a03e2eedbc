//! Files as OpenAI and Kimi keep them: put there, listed, read, removed.

use axum::http::{Method, header::CONTENT_TYPE, request::Parts};
use bytes::Bytes;
use serde_json::{Value, json};

use crate::{Answer, server::Shared};

/// A file that lies here.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct StoredFile {
    /// What it is called here.
    pub id: String,
    /// The name that it was given.
    pub name: String,
    /// What the upload said it is for.
    pub purpose: String,
    /// Its content.
    pub bytes: Bytes,
}

/// The answer to a request about files; `None` for any other.
pub(crate) async fn answer(shared: &Shared, parts: &Parts, body: &Bytes) -> Option<Answer> {
    let (_, below) = parts.uri.path().rsplit_once("/files")?;
    if let Some(answer) = shared.with_plan(|plan| plan.files.clone()) {
        return Some(answer);
    }
    let segments: Vec<&str> = below.split('/').filter(|segment| !segment.is_empty()).collect();
    Some(match (&parts.method, segments.as_slice()) {
        (&Method::POST, []) => match upload(parts, body).await {
            Some(file) => shared.with_files(|files| {
                let file = StoredFile { id: format!("file-{}", files.len() + 1), ..file };
                files.push(file.clone());
                Answer::json(200, &row(&file))
            }),
            None => Answer::error(400, "invalid_request_error", "invalid_file", "no file in the form"),
        },
        (&Method::GET, []) => {
            let rows: Vec<Value> = shared.with_files(|files| files.iter().map(row).collect());
            Answer::json(200, &json!({"object": "list", "data": rows}))
        }
        (&Method::GET, [id, "content"]) => find(shared, id).map_or_else(not_there, |file| content(&file)),
        (&Method::DELETE, [id]) => match find(shared, id) {
            Some(file) => {
                shared.with_files(|files| files.retain(|kept| kept.id != file.id));
                Answer::json(200, &json!({"id": id, "object": "file", "deleted": true}))
            }
            None => not_there(),
        },
        _ => not_there(),
    })
}

impl Shared {
    pub(crate) fn with_files<T>(&self, work: impl FnOnce(&mut Vec<StoredFile>) -> T) -> T {
        work(&mut self.files.lock().unwrap_or_else(std::sync::PoisonError::into_inner))
    }
}

fn find(shared: &Shared, id: &str) -> Option<StoredFile> {
    shared.with_files(|files| files.iter().find(|file| file.id == id).cloned())
}

fn not_there() -> Answer {
    Answer::error(404, "invalid_request_error", "file_not_found", "No such File object")
}

fn row(file: &StoredFile) -> Value {
    json!({"id": file.id, "object": "file", "bytes": file.bytes.len(), "filename": file.name, "purpose": file.purpose, "status": "ok"})
}

/// What is for extraction is given as Kimi gives it: its text, here everything behind its first NUL.
fn content(file: &StoredFile) -> Answer {
    if file.purpose != "file-extract" {
        return Answer::whole(200, "application/octet-stream", file.bytes.clone());
    }
    let text = file.bytes.split(|byte| *byte == 0).nth(1).unwrap_or_default();
    let text = String::from_utf8_lossy(text).into_owned();
    Answer::json(
        200,
        &json!({"content": text, "file_type": "application/pdf", "filename": file.name, "title": "", "type": "file"}),
    )
}

async fn upload(parts: &Parts, body: &Bytes) -> Option<StoredFile> {
    let boundary = multer::parse_boundary(parts.headers.get(CONTENT_TYPE)?.to_str().ok()?).ok()?;
    let body = body.clone();
    let whole = futures::stream::once(async move { Ok::<_, std::convert::Infallible>(body) });
    let mut form = multer::Multipart::new(whole, boundary);
    let (mut file, mut purpose) = (None, String::new());
    while let Some(field) = form.next_field().await.ok()? {
        match field.name() {
            Some("purpose") => purpose = field.text().await.ok()?,
            Some("file") => {
                let name = field.file_name().unwrap_or_default().to_owned();
                file = Some(StoredFile { name, bytes: field.bytes().await.ok()?, ..StoredFile::default() });
            }
            _ => {}
        }
    }
    file.map(|file| StoredFile { purpose, ..file })
}
