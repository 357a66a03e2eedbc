//! The name under which a vendor finds the cache of requests that begin alike.

use exai_core::chat::{Part, Request};

/// So much of the first message tells conversations apart.
const HEAD_BYTES: usize = 2_048;

/// The same for every turn of a conversation; says nothing about what is in it.
pub(crate) fn cache_key(request: &Request) -> String {
    let first = request.messages.first().into_iter().flat_map(|message| &message.parts);
    let text =
        first.into_iter().find_map(|part| if let Part::Text { text } = part { Some(&**text) } else { None });
    let head = text.unwrap_or_default().bytes().take(HEAD_BYTES);
    // FNV-1a, 64 bits (<http://www.isthe.com/chongo/tech/comp/fnv/>): it spreads, and need not resist anybody.
    let hash = request.system.bytes().chain(head).fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    });
    format!("exai-{hash:016x}")
}

#[cfg(test)]
mod tests {
    use exai_core::chat::Message;

    use super::*;

    #[test]
    fn a_growing_conversation_keeps_its_key() {
        let asked = |texts: &[&str]| Request {
            system: "Be brief.".into(),
            messages: texts.iter().map(|text| Message::user(*text)).collect(),
            ..Request::asking("m".into(), Message::user(""))
        };
        let key = cache_key(&asked(&["one"]));
        assert_eq!(key, cache_key(&asked(&["one", "two", "three"])));
        assert_ne!(key, cache_key(&asked(&["two"])));
        assert_eq!(key.len(), 21, "{key}");
    }
}
