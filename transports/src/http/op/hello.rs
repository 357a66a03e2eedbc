//! The first frame of a client. The client is not known yet, so the frame is read into a type of its own and nothing else of it is kept.

use std::fmt;

use serde::{Deserialize, de::DeserializeOwned, de::IgnoredAny};
use serde_json::{Value, json, value::RawValue};

/// The longest name or version of a program that is passed on.
const MAX_CLIENT: usize = 100;

/// What it says. A value of another kind counts as none.
#[derive(Default, PartialEq, Eq)]
pub(super) struct Hello {
    pub(super) token: Option<String>,
    pub(super) session_id: Option<String>,
    pub(super) resume_token: Option<String>,
    pub(super) last_seq: Option<u64>,
    client_name: Option<String>,
    client_version: Option<String>,
}

impl fmt::Debug for Hello {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Without what lets a client in: the key, and the session with its token.
        out.debug_struct("Hello")
            .field("last_seq", &self.last_seq)
            .field("client_name", &self.client_name)
            .field("client_version", &self.client_version)
            .finish_non_exhaustive()
    }
}

/// Its members as they were written.
#[derive(Deserialize)]
struct Written<'a> {
    #[serde(borrow, default)]
    op: Option<&'a RawValue>,
    #[serde(borrow, default)]
    token: Option<&'a RawValue>,
    #[serde(borrow, default)]
    session_id: Option<&'a RawValue>,
    #[serde(borrow, default)]
    resume_token: Option<&'a RawValue>,
    #[serde(borrow, default)]
    last_seq: Option<&'a RawValue>,
    #[serde(borrow, default, rename = "clientInfo")]
    client: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct Client<'a> {
    #[serde(borrow, default)]
    name: Option<&'a RawValue>,
    #[serde(borrow, default)]
    version: Option<&'a RawValue>,
}

impl Hello {
    /// Reads a frame: `None` when it is not JSON, an error when it is no hello.
    pub(super) fn read(frame: &[u8]) -> Option<Result<Self, ()>> {
        serde_json::from_slice::<IgnoredAny>(frame).ok()?;
        // A list would be taken for the members in their order.
        let is_object = frame.trim_ascii_start().first() == Some(&b'{');
        let written = serde_json::from_slice::<Written<'_>>(frame).ok().filter(|_| is_object);
        let hello = written.filter(|written| as_a::<String>(written.op).as_deref() == Some("hello"));
        Some(hello.as_ref().map(Self::of).ok_or(()))
    }

    fn of(written: &Written<'_>) -> Self {
        let is_object = |raw: &&RawValue| raw.get().starts_with('{');
        let client = written.client.filter(is_object);
        let client = client.and_then(|raw| serde_json::from_str::<Client<'_>>(raw.get()).ok());
        Self {
            token: as_a(written.token),
            session_id: as_a(written.session_id),
            resume_token: as_a(written.resume_token),
            last_seq: as_a(written.last_seq),
            client_name: client.as_ref().and_then(|client| as_a(client.name)),
            client_version: client.as_ref().and_then(|client| as_a(client.version)),
        }
    }

    /// Who the client says it is, for MCP.
    pub(super) fn client(&self) -> Value {
        let short = |text: &Option<String>| text.clone().filter(|text| text.len() <= MAX_CLIENT);
        let (name, version) = (short(&self.client_name), short(&self.client_version));
        json!({"name": name.as_deref().unwrap_or("op"), "version": version.as_deref().unwrap_or("1")})
    }
}

fn as_a<T: DeserializeOwned>(written: Option<&RawValue>) -> Option<T> {
    serde_json::from_str(written?.get()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn odd_members_count_as_none() {
        let frame = br#"{"op":"hel\u006co","token":7,"session_id":"abc","last_seq":"9","clientInfo":[1],"more":{"a":[[]]}}"#;
        let hello = Hello::read(frame).unwrap().unwrap();
        assert_eq!(hello, Hello { session_id: Some("abc".to_owned()), ..Hello::default() });
        assert_eq!(hello.client(), json!({"name": "op", "version": "1"}));
    }

    #[test]
    fn debug_shows_no_key_or_token() {
        let frame = br#"{"op":"hello","token":"secret-1","session_id":"secret-2","resume_token":"secret-3","last_seq":9}"#;
        let shown = format!("{:?}", Hello::read(frame));
        assert!(shown.contains("last_seq: Some(9)") && !shown.contains("secret"), "{shown}");
    }

    #[test]
    fn only_hello_is_a_hello() {
        for frame in
            [r#"{"op":"ping"}"#, r#"{"op":["hello"]}"#, r#"["hello"]"#, "7", r#"{"op":"hello","op":"x"}"#]
        {
            assert_eq!(Hello::read(frame.as_bytes()), Some(Err(())), "{frame}");
        }
        assert_eq!(Hello::read(b"GET /"), None);
        let deep = format!(r#"{{"op":"hello","x":{}{}}}"#, "[".repeat(10_000), "]".repeat(10_000));
        assert_eq!(Hello::read(deep.as_bytes()), Some(Ok(Hello::default())));
    }
}
