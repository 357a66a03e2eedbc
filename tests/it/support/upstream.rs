//! What the vendor was sent, as texts.

use exai_mock_vendor::{Recorded, Vendor};
use serde_json::{Value, json};

/// One request to a model.
#[derive(Debug, Clone)]
pub(crate) struct Upstream {
    pub(crate) system: String,
    /// Role and text, oldest first, without the system message.
    pub(crate) messages: Vec<(String, String)>,
    /// Size of the whole body.
    pub(crate) bytes: usize,
    /// Everything but the messages.
    parameters: Value,
}

impl Upstream {
    pub(crate) fn of(recorded: &Recorded) -> Self {
        let texts: Vec<(String, String)> = recorded.json["messages"]
            .as_array()
            .unwrap_or_else(|| panic!("a request has messages: {}", recorded.json))
            .iter()
            .map(|message| {
                let text = |key: &str| {
                    message[key].as_str().unwrap_or_else(|| panic!("plain text: {message}")).to_owned()
                };
                (text("role"), text("content"))
            })
            .collect();
        let (system, messages) = match texts.split_first() {
            Some(((role, text), rest)) if role == "system" => (text.clone(), rest.to_vec()),
            _ => (String::new(), texts),
        };
        let mut parameters = recorded.json.clone();
        parameters.as_object_mut().expect("an object").remove("messages");
        Self { system, messages, bytes: recorded.body.len(), parameters }
    }

    /// Every call that has reached the vendor, in order of arrival.
    pub(crate) fn all(vendor: &Vendor) -> Vec<Self> {
        vendor.calls().iter().map(Self::of).collect()
    }

    /// The latest call.
    pub(crate) fn last(vendor: &Vendor) -> Self {
        Self::all(vendor).pop().expect("the vendor was called")
    }

    /// How often a text occurs in the messages.
    pub(crate) fn count(&self, text: &str) -> usize {
        self.messages.iter().map(|(_, message)| message.matches(text).count()).sum()
    }

    /// The roles in order, which must alternate.
    pub(crate) fn roles(&self) -> Vec<&str> {
        let roles: Vec<&str> = self.messages.iter().map(|(role, _)| role.as_str()).collect();
        assert!(roles.windows(2).all(|pair| pair[0] != pair[1]), "roles alternate: {roles:?}");
        roles
    }

    /// The text of the last message.
    pub(crate) fn question(&self) -> &str {
        &self.messages.last().expect("a message").1
    }

    /// The whole request for a reader.
    pub(crate) fn rendered(&self) -> String {
        let mut text = format!("{:#}\n", self.parameters);
        let system = ("system".to_owned(), self.system.clone());
        for (role, content) in std::iter::once(&system).chain(&self.messages) {
            text.push_str(&format!("\n======== {role} ========\n{content}\n"));
        }
        text
    }
}

/// An expert's answer in the shape that the prompts ask for.
pub(crate) fn expert_answer(status: &str, summary: &str, findings: Value) -> String {
    let mut answer = json!({"status": status, "summary": summary, "findings": null, "positives": [], "next_steps": ["Run the tests."]});
    answer["findings"] = findings;
    answer.to_string()
}
