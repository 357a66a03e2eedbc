//! The tables of the user's file: shown as they stand, and told of in words.

use super::{complaint, config_file, shown};
use crate::support::Setup;

#[tokio::test]
async fn tables_are_shown_with_their_origin() {
    let setup = Setup::without_provider().await;
    let tables = "[[rules]]\nname = \"big\"\ntools = [\"codereview\"]\nmodels = [\"a/b\", \"c/d\"]\n\
                  [tools.debug]\nmodel = \"c/d\"\n[clink.mine]\ncommand = \"/bin/true\"\n\
                  [severity.words]\nblocker = \"critical\"\n[[clients]]\nname = \"ada\"\ntoken_env = \"ADA_KEY\"\n\
                  [[endpoints]]\nname = \"box\"\nbase_url = \"https://user:hidden@host/v1\"\napi_key = \"sk-hidden-0123456789\"\n";
    config_file(&setup, "config.toml", tables);
    for (name, value) in [
        ("rules[1].models", "[\"a/b\", \"c/d\"]"),
        ("tools.debug.model", "\"c/d\""),
        ("clink.mine.command", "\"/bin/true\""),
        ("severity.words.blocker", "\"critical\""),
        ("clients[1].token_env", "\"ADA_KEY\""),
    ] {
        assert_eq!(shown(&setup, name).await, format!("{value}  [[home]/config/config.toml]"), "{name}");
    }
    let (_, told, _) = setup.run(&["config", "show"]).await;
    assert!(told.contains("endpoints[1].name = \"box\"") && !told.contains("hidden"), "{told}");
}

/// What is expected is said in words, not in the types of a program.
#[tokio::test]
async fn expected_values_are_said_in_words() {
    let setup = Setup::without_provider().await.with("EXAI_TOOL_PROFILE", "tiny");
    let tables = "[[endpoints]]\nname = \"box\"\nbase_url = \"http://127.0.0.1:1\"\nmax_concurrency = \"many\"\n\
                  [tools.nosuch]\nmodel = \"a\"\n[tools.debgu]\nmodel = \"a\"\n";
    config_file(&setup, "config.toml", tables);
    let told = complaint(&setup).await;
    for words in [
        "expected a whole number",
        "expected standard, lite, full or lean, got `tiny`",
        "error: tools.nosuch: there is no such tool\n",
        "error: tools.debgu: there is no such tool; did you mean debug?",
    ] {
        assert!(told.contains(words), "{words}\n{told}");
    }
    assert!(!told.contains("usize"), "{told}");
}
