//! The resources.

use rmcp::model::{ErrorData, ReadResourceResult, Resource, ResourceTemplate};
use serde_json::json;

use crate::content::{RED_PIXEL, from_json, result};

/// All of them.
pub(crate) fn list() -> Result<Vec<Resource>, ErrorData> {
    from_json(json!([
        {"uri": "test://static-text", "name": "static-text", "mimeType": "text/plain"},
        {"uri": "test://static-binary", "name": "static-binary", "mimeType": "image/png"},
        {"uri": "test://watched-resource", "name": "watched-resource", "mimeType": "text/plain"},
    ]))
}

/// The one whose address has a part of the client's.
pub(crate) fn templates() -> Result<Vec<ResourceTemplate>, ErrorData> {
    from_json(
        json!([{"uriTemplate": "test://template/{id}/data", "name": "template", "mimeType": "application/json"}]),
    )
}

/// The contents of one.
pub(crate) fn read(uri: &str) -> Result<ReadResourceResult, ErrorData> {
    let content = match uri {
        "test://static-text" => {
            json!({"uri": uri, "mimeType": "text/plain", "text": "This is the content of the static text resource."})
        }
        "test://static-binary" => json!({"uri": uri, "mimeType": "image/png", "blob": RED_PIXEL}),
        "test://watched-resource" => {
            json!({"uri": uri, "mimeType": "text/plain", "text": "Nothing has changed."})
        }
        other => {
            let id = other.strip_prefix("test://template/").and_then(|rest| rest.strip_suffix("/data"));
            let Some(id) = id else {
                return Err(ErrorData::resource_not_found("Resource not found", Some(json!({"uri": uri}))));
            };
            let text = json!({"id": id, "templateTest": true, "data": format!("Data for ID: {id}")});
            json!({"uri": uri, "mimeType": "application/json", "text": text.to_string()})
        }
    };
    result(json!({"contents": [content]}))
}
