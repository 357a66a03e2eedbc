//! What makes two requests equal.
//!
//! The fingerprint covers everything that decides an answer, so that nothing foreign or stale can be returned: principal, provider,
//! the address and keys behind its name, model, parameters, prompt version and every byte of the rendered messages.

use exai_core::{
    EndpointIdentity, Identity, ProviderId, RequestHash,
    chat::{Part, Request, Role},
    function_calling::{ToolCall, ToolResult},
};

/// The fingerprint of a request by a principal to a provider, at the endpoint that stands behind its name now.
#[must_use]
pub fn fingerprint(
    who: &Identity,
    provider: &ProviderId,
    identity: EndpointIdentity,
    prompt_version: u32,
    request: &Request,
) -> RequestHash {
    let mut hasher = blake3::Hasher::new();
    // Every variable-length field is preceded by its length, so that no two different requests feed the same bytes.
    let mut field = |bytes: &[u8]| {
        hasher.update(&(bytes.len() as u64).to_le_bytes());
        hasher.update(bytes);
    };
    for text in [&*who.tenant, &*who.owner, provider.as_str(), request.model.as_str(), &*request.system] {
        field(text.as_bytes());
    }
    field(&identity.0);
    field(&prompt_version.to_le_bytes());
    field(&request.temperature.map_or([0xff; 4], f32::to_le_bytes));
    field(request.thinking.map_or("", exai_core::chat::Thinking::as_str).as_bytes());
    field(&request.max_output_tokens.unwrap_or(u32::MAX).to_le_bytes());
    field(&[u8::from(request.json), u8::from(request.web_search)]);
    for spec in &*request.tools.specs {
        [&spec.name, &spec.description].into_iter().for_each(|text| field(text.as_bytes()));
        field(spec.parameters.to_string().as_bytes());
    }
    field(format!("{:?}", request.tools.choice).as_bytes());
    for message in &request.messages {
        field(match message.role {
            Role::User => b"user",
            Role::Assistant => b"assistant",
        });
        for part in &message.parts {
            match part {
                Part::Text { text } => field(text.as_bytes()),
                Part::Image { data_url } => field(data_url.as_bytes()),
                Part::Opaque { provider, json } => {
                    field(provider.as_str().as_bytes());
                    field(json.to_string().as_bytes());
                }
                Part::ToolCall(ToolCall { id, name, arguments }) => {
                    [id, name, arguments].into_iter().for_each(|text| field(text.as_bytes()));
                }
                Part::ToolResult(ToolResult { id, name, content }) => {
                    [id, name, content].into_iter().for_each(|text| field(text.as_bytes()));
                }
                Part::File { provider, id } => {
                    field(provider.as_str().as_bytes());
                    field(id.as_bytes());
                }
            }
        }
    }
    RequestHash(*hasher.finalize().as_bytes())
}

#[cfg(test)]
mod tests {
    use exai_core::chat::Message;

    use super::*;

    const HERE: EndpointIdentity = EndpointIdentity([1; 32]);

    fn request(system: &str, messages: Vec<Message>) -> Request {
        Request {
            model: "m".into(),
            system: system.into(),
            messages,
            temperature: None,
            thinking: None,
            max_output_tokens: None,
            json: false,
            web_search: false,
            tools: exai_core::function_calling::Tooling::default(),
        }
    }

    #[test]
    fn the_fingerprint_separates_what_must_be_separate() {
        let who = Identity::local();
        let print = |who: &Identity, request: &Request| fingerprint(who, &"p".into(), HERE, 1, request);
        let base = request("s", vec![Message::user("ab"), Message::user("c")]);
        let moved = request("s", vec![Message::user("a"), Message::user("bc")]);
        let merged = request("sab", vec![Message::user("c")]);
        let warm = Request { temperature: Some(0.5), ..base.clone() };
        let all = [
            print(&who, &base),
            print(&who, &moved),
            print(&who, &merged),
            print(&who, &warm),
            print(&Identity::new("local", "other"), &base),
            fingerprint(&who, &"q".into(), HERE, 1, &base),
            fingerprint(&who, &"p".into(), HERE, 2, &base),
            fingerprint(&who, &"p".into(), EndpointIdentity([2; 32]), 1, &base),
        ];
        for (index, one) in all.iter().enumerate() {
            assert!(all.iter().skip(index + 1).all(|other| other != one), "{index}");
        }
        assert_eq!(print(&who, &base), print(&who, &base.clone()));
    }
}
