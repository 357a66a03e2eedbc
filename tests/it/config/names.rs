//! Names that mean nothing: of settings, and of models whose provider is not configured.

use super::{complaint, config_file};
use crate::support::Setup;

/// Names that nothing reads get near ones, from the environment and from `.env`.
#[tokio::test]
async fn unknown_names_get_near_ones() {
    let in_environment = Setup::new().await.with("EXAI_DEFAULT_MODLE", "x");
    let in_file = Setup::new().await;
    config_file(&in_file, ".env", "EXAI_DEFAULT_MODLE=x\n");
    for setup in [in_environment, in_file] {
        let told = complaint(&setup).await;
        let line = "warning: EXAI_DEFAULT_MODLE is not a setting; did you mean EXAI_DEFAULT_MODEL?";
        assert_eq!(told.lines().filter(|told| *told == line).count(), 1, "{told}");
    }
    // Names that the file gives a meaning are known.
    let setup = Setup::new().await.with("EXAI_MY_KEY", "0123456789abcdef0123");
    config_file(&setup, "config.toml", "[[clients]]\nname = \"me\"\ntoken_env = \"EXAI_MY_KEY\"\n");
    let (code, told, _) = setup.run(&["config", "check"]).await;
    assert_eq!(code, 0, "{told}");
}

/// Models of a provider that has no key are told, wherever they are named.
#[tokio::test]
async fn models_without_a_provider_are_told() {
    let in_environment = Setup::without_provider()
        .await
        .with("EXAI_DEFAULT_MODEL", "glm/glm-5.3")
        .with("EXAI_ROUTING_SELECTOR", "kimi-k3");
    let told = complaint(&in_environment).await;
    for line in [
        "warning: default_model: `glm/glm-5.3` cannot be asked: GLM is not configured: set GLM_API_KEY",
        "warning: routing.selector: `kimi-k3` cannot be asked: Kimi is not configured: set KIMI_API_KEY",
    ] {
        assert!(told.lines().any(|told| told == line), "{line}\n{told}");
    }
    let in_file = Setup::without_provider().await.with("OPENAI_API_KEY", "sk-something-1234567890");
    let text = "default_model = \"auto\"\n[tools.chat]\nmodel = \"nobodys-model\"\n[tools.debug]\nmodel = \"offline\"\n\
        [[rules]]\nname = \"large\"\nmodels = [\"openai/gpt-6-luna\", \"anthropic/claude-haiku-5-5\"]\n";
    config_file(&in_file, "config.toml", text);
    let told = complaint(&in_file).await;
    assert!(
        told.contains("tools.chat.model: `nobodys-model` is a model of no configured provider"),
        "{told}"
    );
    assert!(told.contains("rules, `large`: `anthropic/claude-haiku-5-5` cannot be asked"), "{told}");
    assert_eq!(told.lines().count(), 2, "{told}");
    // An endpoint of the user's own takes any name but one that is meant for another.
    let own = Setup::new().await.with("EXAI_DEFAULT_MODEL", "some-model");
    assert_eq!(own.run(&["config", "check"]).await.0, 0);
    let told = complaint(&own.with("EXAI_DEFAULT_MODEL", "glm/glm-5.3")).await;
    assert!(told.contains("`glm/glm-5.3` cannot be asked: GLM is not configured"), "{told}");
}

/// Wrong addresses are told, also of vendors that have no key.
#[tokio::test]
async fn wrong_addresses_are_told() {
    for (name, value, words) in [
        ("OPENAI_BASE_URL", "api.openai.com", "openai.base_url (from environment OPENAI_BASE_URL): "),
        ("OLLAMA_HOST", "box:port", "endpoint `ollama` is not used: "),
        ("OLLAMA_HOST", "ftp://box", "must begin with https:// or http://"),
        ("CUSTOM_API_URL", "http://192.168.1.20:8000", "set allow_http = true (EXAI_ALLOW_HTTP)"),
        ("LMSTUDIO_BASE_URL", "192.168.1.20:1234", "endpoint `lmstudio` is not used: "),
    ] {
        let told = complaint(&Setup::without_provider().await.with(name, value)).await;
        assert!(told.contains(words), "{name}={value}: {told}");
    }
}
