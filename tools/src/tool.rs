//! One file a tool: its arguments and one thin `#[tool]` function over the engine. Here is what the workflow tools share.

pub(crate) mod activity;
pub(crate) mod analyze;
pub(crate) mod apilookup;
pub(crate) mod challenge;
pub(crate) mod chat;
pub(crate) mod chat_with_tools;
pub(crate) mod clink;
pub(crate) mod codereview;
pub(crate) mod consensus;
pub(crate) mod debug;
pub(crate) mod docgen;
pub(crate) mod file_download;
pub(crate) mod file_manage;
pub(crate) mod file_query;
pub(crate) mod listmodels;
pub(crate) mod payload_preview;
pub(crate) mod planner;
pub(crate) mod precommit;
pub(crate) mod refactor;
pub(crate) mod route;
pub(crate) mod secaudit;
pub(crate) mod status;
pub(crate) mod testgen;
pub(crate) mod thinkdeep;
pub(crate) mod threads;
pub(crate) mod tracer;
pub(crate) mod usage;
pub(crate) mod version;
pub(crate) mod web_search;

use exai_engine::{
    Call,
    workflow::{Spec, StepInput},
};
use rmcp::model::CallToolResponse;

use crate::{
    args::{Args, ToolArgs},
    reply,
    server::ExaiServer,
};

impl ExaiServer {
    /// One step: arguments in, one answer out.
    pub(crate) async fn take_step<T: ToolArgs>(
        &self,
        spec: &'static Spec,
        args: Args<T>,
        call: Call,
        into_input: impl FnOnce(T) -> StepInput,
    ) -> CallToolResponse {
        let notes = args.notes;
        let input = match args.value {
            Ok(value) => into_input(value),
            Err(problems) => return reply::bad_arguments(spec.name, &problems, &notes, &call),
        };
        match self.engine().step(spec, input, &call).await {
            Ok(outcome) => reply::step(&outcome, &notes, &call),
            Err(error) => reply::error(spec.name, &error, &notes, &call),
        }
    }
}
