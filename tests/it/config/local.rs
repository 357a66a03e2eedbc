//! Model servers of the user's own: an address is enough.

use exai_mock_vendor::Answer;
use serde_json::json;

use crate::support::Setup;

const NAMES: [&str; 5] =
    ["OLLAMA_HOST", "CUSTOM_API_URL", "LMSTUDIO_BASE_URL", "VLLM_BASE_URL", "LLAMACPP_BASE_URL"];

/// Without the name of a model the first one answers that the endpoint lists itself.
#[tokio::test]
async fn an_address_alone_is_enough() {
    for name in NAMES {
        let setup = Setup::without_provider().await;
        let origin = setup.vendor.origin();
        // Ollama's variable usually has no scheme.
        let address =
            if name == "OLLAMA_HOST" { origin.trim_start_matches("http://") } else { origin.as_str() };
        let setup = setup.with(name, address);
        setup.vendor.models(&["nomic-embed-text", "qwen3:8b", "llama3.2"]);
        assert_eq!(setup.run(&["config", "check"]).await.0, 0, "{name}");
        let program = setup.start().await;
        let answer = program.call("chat", json!({"prompt": "hi"})).await.ok();
        assert_eq!(setup.vendor.calls()[0].json["model"], "qwen3:8b", "{name}: {answer:#}");
        setup.vendor.answer_with(|_| Some(Answer::text("Verdict: yes.")));
        let answer = program.call("consensus", json!({"step": "Should we?"})).await.ok();
        assert_eq!(answer["votes"][0]["status"], "voted", "{name}: {answer:#}");
        program.stop().await;
    }
}

/// An endpoint that lists nothing is told, and one that another machine has without permission is named with the setting.
#[tokio::test]
async fn what_keeps_it_from_answering_is_told() {
    let setup = Setup::without_provider().await;
    let origin = setup.vendor.origin();
    let setup = setup.with("CUSTOM_API_URL", &origin);
    setup.vendor.models(&[]);
    let program = setup.start().await;
    let failure = program.call("chat", json!({"prompt": "hi"})).await.failure();
    assert!(failure.to_string().contains("list none themselves"), "{failure:#}");
    program.stop().await;
    let denied = setup.with("EXAI_MODELS_DENY", "*");
    denied.vendor.models(&["llama3.2"]);
    let (code, _, told) = denied.run(&["run", "chat", "-p", "hi"]).await;
    assert!(code == 2 && told.contains("models.deny let none of the known models through"), "{told}");

    let setup = Setup::without_provider().await.with("OLLAMA_HOST", "192.168.1.20");
    let program = setup.start().await;
    let failure = program.call("chat", json!({"prompt": "hi"})).await.failure();
    assert_eq!(failure["code"], "no_model_configured");
    let told = failure["message"].as_str().unwrap();
    assert!(
        told.contains("endpoint `ollama` is not used: the base URL of `ollama` is not encrypted"),
        "{told}"
    );
    assert!(told.contains("EXAI_ALLOW_HTTP"), "{told}");
    program.stop().await;
}

/// The list is the first thing that is asked of such an endpoint, so its failure is the one that is told.
#[tokio::test]
async fn failures_of_the_list_are_told() {
    for (answer, exit, words) in [
        (None, 3, "nothing listens at 127.0.0.1:"),
        (Some(Answer::error(401, "auth", "bad", "no such key")), 3, "no such key"),
        (Some(Answer::overloaded()), 3, "overloaded"),
        (Some(Answer::error(404, "x", "y", "no such page")), 2, "its list could not be read"),
    ] {
        let setup = Setup::without_provider().await;
        let address = match answer {
            Some(answer) => {
                setup.vendor.models_answer(answer);
                setup.vendor.origin()
            }
            None => {
                let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
                format!("http://{free}")
            }
        };
        let setup = setup.with("CUSTOM_API_URL", &address);
        for tool in ["chat", "thinkdeep"] {
            let (code, out, told) = setup.run(&["run", tool, "-p", "hi"]).await;
            assert!(code == exit && told.contains(words), "{tool} {words}: {code} {out} {told}");
        }
    }
}

/// What a server listens on is asked on this machine, and a wrong port is told in place of another one.
#[tokio::test]
async fn forms_of_ollama_host_are_understood() {
    let setup = Setup::without_provider().await;
    setup.vendor.models(&["qwen3:8b"]);
    let port = setup.vendor.origin().rsplit_once(':').unwrap().1.trim_end_matches('/').to_owned();
    for host in ["0", "*", "localhost.", "[::ffff:0.0.0.0]", "HTTP://127.0.0.1"] {
        let mut command = setup.command();
        command.args(["run", "chat", "-p", host]).env("OLLAMA_HOST", format!("{host}:{port}"));
        let output = command.stdin(std::process::Stdio::null()).output().await.unwrap();
        let told = String::from_utf8(output.stdout).unwrap();
        assert!(
            told.starts_with(&format!("ok: {host}")),
            "{host}: {told}{:?}",
            String::from_utf8(output.stderr)
        );
    }
    for (host, told) in [
        ("box:99999", "endpoint `ollama` is not used: `99999` is no port; write a number from 1 to 65535"),
        ("ollama.com", "endpoint ollama: https://ollama.com/"),
    ] {
        let setup = Setup::without_provider().await.with("OLLAMA_HOST", host);
        let (_, checked, _) = setup.run(&["config", "check"]).await;
        let (_, shown, _) = setup.run(&["config", "show"]).await;
        assert!(format!("{checked}{shown}").contains(told), "{host}: {checked}{shown}");
    }
}
