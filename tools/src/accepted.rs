//! What each tool accepts: its fields, listed or not, and the other names under which they come.

use std::sync::Arc;

use rmcp::model::JsonObject;
use serde_json::Value;

use crate::{
    args::ToolArgs,
    near,
    tool::{
        activity::ActivityArgs, analyze::AnalyzeArgs, apilookup::ApilookupArgs, challenge::ChallengeArgs,
        chat::ChatArgs, chat_with_tools::ChatWithToolsArgs, clink::ClinkArgs, codereview::CodereviewArgs,
        consensus::ConsensusArgs, debug::DebugArgs, docgen::DocgenArgs, file_download::FileDownloadArgs,
        file_manage::FileManageArgs, file_query::FileQueryArgs, listmodels::ListmodelsArgs,
        payload_preview::PayloadPreviewArgs, planner::PlannerArgs, precommit::PrecommitArgs,
        refactor::RefactorArgs, route::RouteArgs, secaudit::SecauditArgs, status::StatusArgs,
        testgen::TestgenArgs, thinkdeep::ThinkdeepArgs, threads::ThreadsArgs, tracer::TracerArgs,
        usage::UsageArgs, version::VersionArgs, web_search::WebSearchArgs,
    },
};

/// What a tool accepts.
pub(crate) struct Accepted {
    /// Its name.
    pub name: &'static str,
    /// The schema of all of it.
    pub schema: Arc<JsonObject>,
    /// Fields that are not listed.
    pub hidden: &'static [&'static [&'static str]],
    /// Other names for fields, each with the field's own.
    pub aliases: &'static [(&'static str, &'static str)],
    /// Names that are understood and mean nothing here, with the reason.
    pub without_effect: &'static [(&'static str, &'static str)],
    /// A call and its answer, as Markdown.
    pub example: &'static str,
    /// Decodes arguments: what is wrong with them, and what is unusual.
    #[cfg(any(test, fuzzing))]
    pub decode: fn(JsonObject) -> (Vec<String>, Vec<String>),
}

fn accepted<T: ToolArgs>(name: &'static str, example: &'static str) -> Accepted {
    Accepted {
        name,
        example,
        schema: T::schema(),
        hidden: T::HIDDEN,
        aliases: T::ALIASES,
        without_effect: T::WITHOUT_EFFECT,
        #[cfg(any(test, fuzzing))]
        decode: |arguments| {
            let args = crate::args::decode::<T>(arguments);
            (args.value.err().unwrap_or_default(), args.notes)
        },
    }
}

/// Every tool, in the order of the documentation.
pub(crate) fn all() -> Vec<Accepted> {
    vec![
        accepted::<ChatArgs>("chat", include_str!("../examples/chat.md")),
        accepted::<ConsensusArgs>("consensus", include_str!("../examples/consensus.md")),
        accepted::<CodereviewArgs>("codereview", include_str!("../examples/codereview.md")),
        accepted::<PrecommitArgs>("precommit", include_str!("../examples/precommit.md")),
        accepted::<SecauditArgs>("secaudit", include_str!("../examples/secaudit.md")),
        accepted::<DebugArgs>("debug", include_str!("../examples/debug.md")),
        accepted::<AnalyzeArgs>("analyze", include_str!("../examples/analyze.md")),
        accepted::<RefactorArgs>("refactor", include_str!("../examples/refactor.md")),
        accepted::<TestgenArgs>("testgen", include_str!("../examples/testgen.md")),
        accepted::<ThinkdeepArgs>("thinkdeep", include_str!("../examples/thinkdeep.md")),
        accepted::<PlannerArgs>("planner", include_str!("../examples/planner.md")),
        accepted::<TracerArgs>("tracer", include_str!("../examples/tracer.md")),
        accepted::<DocgenArgs>("docgen", include_str!("../examples/docgen.md")),
        accepted::<ChallengeArgs>("challenge", include_str!("../examples/challenge.md")),
        accepted::<ApilookupArgs>("apilookup", include_str!("../examples/apilookup.md")),
        accepted::<ClinkArgs>("clink", include_str!("../examples/clink.md")),
        accepted::<ChatWithToolsArgs>("chat_with_tools", include_str!("../examples/chat_with_tools.md")),
        accepted::<WebSearchArgs>("web_search", include_str!("../examples/web_search.md")),
        accepted::<FileQueryArgs>("file_query", include_str!("../examples/file_query.md")),
        accepted::<FileManageArgs>("file_manage", include_str!("../examples/file_manage.md")),
        accepted::<FileDownloadArgs>("file_download", include_str!("../examples/file_download.md")),
        accepted::<RouteArgs>("route", include_str!("../examples/route.md")),
        accepted::<PayloadPreviewArgs>("payload_preview", include_str!("../examples/payload_preview.md")),
        accepted::<ListmodelsArgs>("listmodels", include_str!("../examples/listmodels.md")),
        accepted::<StatusArgs>("status", include_str!("../examples/status.md")),
        accepted::<ThreadsArgs>("threads", include_str!("../examples/threads.md")),
        accepted::<ActivityArgs>("activity", include_str!("../examples/activity.md")),
        accepted::<UsageArgs>("usage", include_str!("../examples/usage.md")),
        accepted::<VersionArgs>("version", include_str!("../examples/version.md")),
    ]
}

/// The field that a name means to a tool: its own name, or another one for it. A name that is understood and has no effect stands for
/// itself.
#[must_use]
pub fn field_of(tool: &str, name: &str) -> Option<String> {
    let accepted = all().into_iter().find(|accepted| accepted.name == tool)?;
    let own = accepted.aliases.iter().find(|(other, _)| *other == name).map_or(name, |(_, own)| own);
    accepted.names().any(|known| known == own).then(|| own.to_owned())
}

/// What to write in the place of a name that a tool has no field of: names much like it, else all fields that are listed.
#[must_use]
pub fn instead_of(tool: &str, name: &str) -> String {
    let Some(accepted) = all().into_iter().find(|accepted| accepted.name == tool) else {
        return String::new();
    };
    let near = near::did_you_mean(name, accepted.names());
    if !near.is_empty() {
        return near;
    }
    let is_listed = |field: &&str| !accepted.hidden.iter().any(|names| names.contains(field));
    let fields: Vec<&str> = accepted.fields().filter(is_listed).collect();
    if fields.is_empty() { String::new() } else { format!("; its fields are {}", fields.join(", ")) }
}

impl Accepted {
    /// The names of the fields.
    fn fields(&self) -> impl Iterator<Item = &str> {
        let properties = self.schema.get("properties").and_then(Value::as_object);
        properties.into_iter().flat_map(|fields| fields.keys()).map(String::as_str)
    }

    /// Every name that is understood.
    fn names(&self) -> impl Iterator<Item = &str> {
        let others = self.aliases.iter().chain(self.without_effect).map(|(other, _)| *other);
        self.fields().chain(others)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_known_by_every_name() {
        for (tool, name, field) in [
            ("codereview", "severity_filter", Some("severity_filter")),
            ("codereview", "needs_findings", Some("needs_findings")),
            ("planner", "task", Some("step")),
            ("planner", "model", Some("model")),
            ("codereview", "severty_filter", None),
            ("nosuchtool", "step", None),
        ] {
            assert_eq!(field_of(tool, name).as_deref(), field, "{tool} {name}");
        }
        assert!(instead_of("codereview", "severty_filter").starts_with("; did you mean severity_filter"));
        assert_eq!(instead_of("usage", "zzzz"), "; its fields are by, since, until");
    }
}
