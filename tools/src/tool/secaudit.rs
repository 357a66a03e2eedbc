//! `secaudit`: an audit of security by an expert.

use std::sync::{Arc, LazyLock};

use exai_engine::{Call, workflow::spec::SECAUDIT};
use rmcp::{
    handler::server::common::Extension,
    model::{CallToolResponse, JsonObject},
    tool, tool_router,
};
use schemars::JsonSchema;
use serde::Deserialize;

use crate::{
    args::schema::portable,
    args::workflow::{ALIASES, ExpertStep, RARE, list, own_fields},
    args::{Args, ToolArgs},
    server::ExaiServer,
};

/// Arguments of `secaudit`.
#[derive(Debug, Deserialize, JsonSchema)]
pub(crate) struct SecauditArgs {
    #[serde(flatten)]
    common: ExpertStep,
    /// The application and who attacks it.
    security_scope: Option<String>,
    /// What is at stake.
    #[schemars(extend("enum" = ["low", "medium", "high", "critical"]))]
    threat_level: Option<String>,
    /// Such as SOC2, PCI DSS, HIPAA, GDPR.
    #[serde(default)]
    compliance_requirements: Vec<String>,
    /// Focus of the audit.
    #[schemars(extend("enum" = ["owasp", "compliance", "infrastructure", "dependencies", "comprehensive"]))]
    audit_focus: Option<String>,
    /// Least severity to report.
    #[schemars(extend("enum" = ["critical", "high", "medium", "low", "all"]))]
    severity_filter: Option<String>,
    /// staged, unstaged, working, or a unified diff, instead of relevant_files.
    diff: Option<String>,
    /// Review what changed since this branch or commit.
    compare_to: Option<String>,
}

impl ToolArgs for SecauditArgs {
    const ALIASES: &'static [(&'static str, &'static str)] = ALIASES;
    const HIDDEN: &'static [&'static [&'static str]] = &[RARE, &["hypothesis", "compare_to", "diff"]];

    fn schema() -> Arc<JsonObject> {
        static SCHEMA: LazyLock<Arc<JsonObject>> = LazyLock::new(portable::<SecauditArgs>);
        Arc::clone(&SCHEMA)
    }
}

#[tool_router(router = secaudit_router, vis = "pub(crate)")]
impl ExaiServer {
    #[tool(
        description = "Security audit by an expert (OWASP Top 10, compliance, secrets, dependencies). confidence certain needs no expert.",
        input_schema = SecauditArgs::published(),
        annotations(title = "Security audit", read_only_hint = true, open_world_hint = true)
    )]
    async fn secaudit(&self, args: Args<SecauditArgs>, Extension(call): Extension<Call>) -> CallToolResponse {
        self.take_step(&SECAUDIT, args, call, |args: SecauditArgs| {
            let own = own_fields([
                ("security_scope", args.security_scope.map(Into::into)),
                ("threat_level", args.threat_level.map(Into::into)),
                ("compliance_requirements", list(args.compliance_requirements)),
                ("audit_focus", args.audit_focus.map(Into::into)),
                ("severity_filter", args.severity_filter.map(Into::into)),
                ("diff", args.diff.map(Into::into)),
                ("compare_to", args.compare_to.map(Into::into)),
            ]);
            args.common.into_input(own)
        })
        .await
    }
}
