//! A request to an expert, and what a later one has to know of it to repeat it.

use std::{borrow::Cow, collections::BTreeSet};

use exai_core::chat::{Part, Request, Role};

use crate::turn::Rendered;

/// A request to an expert, and what a later one has to know of it.
pub(super) struct Written {
    pub rendered: Rendered,
    /// The files that it was to hold, as they were named.
    pub wanted: BTreeSet<String>,
    /// The changes in it.
    pub changes: ShownChanges,
}

/// Changes as a request has them.
#[derive(Clone, Default)]
pub(super) struct ShownChanges {
    /// The text.
    pub text: String,
    /// The room that they had, in tokens, and whether they had it alone.
    pub room: (u32, bool),
}

/// A hash of everything that a model reads of a request, as 64 hex digits.
pub(super) fn digest(request: &Request) -> String {
    let mut hasher = blake3::Hasher::new();
    let mut add = |bytes: &[u8]| {
        hasher.update(&bytes.len().to_le_bytes());
        hasher.update(bytes);
    };
    add(request.system.as_bytes());
    for message in &request.messages {
        add(match message.role {
            Role::User => b"user",
            Role::Assistant => b"assistant",
        });
        for part in &message.parts {
            let bytes: Cow<'_, [u8]> = match part {
                Part::Text { text } => Cow::Borrowed(text.as_bytes()),
                // A part that is no text is known by its JSON, which none of these can fail to have.
                other => Cow::Owned(serde_json::to_vec(other).unwrap_or_default()),
            };
            add(&bytes);
        }
    }
    hasher.finalize().to_hex().to_string()
}
