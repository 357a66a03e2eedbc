//! A choice that only the user can make, asked in the way that the client supports.
//!
//! A client of revision 2026-07-28 gets the question as the call's result, and sends the call again with the answer (SEP-2322). An
//! older client that has declared elicitation is asked while the call waits, for a limited time. All others get the tool's own status.

use std::{collections::BTreeMap, time::Duration};

use rmcp::{
    RoleServer,
    model::{
        CallToolResponse, ElicitRequest, ElicitRequestParams, ElicitResult, ElicitationAction,
        ElicitationSchema, InputRequest, InputRequiredResult, InputResponses, ProtocolVersion,
    },
    service::{ElicitationMode, RequestContext},
};
use serde_json::{Value, json};

/// One question with a closed set of answers.
pub(crate) struct Choice {
    /// The field that is asked for; also the key of the question.
    pub key: &'static str,
    /// The question.
    pub question: &'static str,
    /// The answers.
    pub options: &'static [&'static str],
}

/// The outcome of asking.
pub(crate) enum Asked {
    /// The user chose.
    Chosen(String),
    /// The client puts the question to the user; this is the call's result.
    InputRequired(Box<CallToolResponse>),
    /// The client cannot ask, or the user did not choose.
    Nothing,
}

impl Choice {
    /// Asks, or reads the answer that came with the call.
    pub(crate) async fn ask(
        &self,
        given: Option<InputResponses>,
        context: &RequestContext<RoleServer>,
        limit: Duration,
    ) -> Asked {
        if let Some(answer) = given.and_then(|mut given| given.remove(self.key)) {
            return serde_json::from_value(answer).ok().map_or(Asked::Nothing, |result| self.read(result));
        }
        let Some(params) = self.params() else { return Asked::Nothing };
        let declared = context.client_capabilities().is_some_and(|client| client.elicitation.is_some());
        if !declared {
            return Asked::Nothing;
        }
        if context.protocol_version().is_some_and(|version| version >= ProtocolVersion::V_2026_07_28) {
            let request = InputRequest::Elicitation(ElicitRequest::new(params));
            let questions = BTreeMap::from([(self.key.to_owned(), request)]);
            return Asked::InputRequired(Box::new(
                InputRequiredResult::from_input_requests(questions).into(),
            ));
        }
        if !context.peer.supported_elicitation_modes().contains(&ElicitationMode::Form) {
            return Asked::Nothing;
        }
        match context.peer.create_elicitation_with_timeout(params, Some(limit)).await {
            Ok(result) => self.read(result),
            Err(error) => {
                tracing::info!("the user was not asked for {}: {error}", self.key);
                Asked::Nothing
            }
        }
    }

    fn params(&self) -> Option<ElicitRequestParams> {
        let schema = json!({
            "type": "object",
            "properties": { self.key: { "type": "string", "enum": self.options } },
            "required": [self.key],
        });
        let Value::Object(schema) = schema else { return None };
        let requested_schema = ElicitationSchema::from_json_schema(schema).ok()?;
        Some(ElicitRequestParams::FormElicitationParams {
            meta: None,
            message: self.question.to_owned(),
            requested_schema,
        })
    }

    fn read(&self, result: ElicitResult) -> Asked {
        let chosen =
            result.content.as_ref().and_then(|content| content.get(self.key)).and_then(Value::as_str);
        match (result.action, chosen) {
            (ElicitationAction::Accept, Some(word)) if self.options.contains(&word) => {
                Asked::Chosen(word.to_owned())
            }
            _ => Asked::Nothing,
        }
    }
}
