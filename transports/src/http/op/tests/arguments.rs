//! The arguments of a call, as they reach the tool.

use super::*;

/// As in MCP: the text that a model wrote, and half a character.
#[tokio::test(start_paused = true)]
async fn arguments_may_be_text() {
    let server = Server::open();
    let (mut spoken, _) = server.hello(json!({})).await;
    for (arguments, said) in [
        (r#""{\"a\":[1]}""#, Ok(r#"{"a":[1]}"#)),
        (r#"{"a":"x\ud800"}"#, Ok("{\"a\":\"x\u{fffd}\"}")),
        (r#""[1]""#, Err("arguments: expected an object, got a list")),
        (r#""go on""#, Err("arguments: expected an object, got a string that is not JSON")),
        ("[1]", Err("arguments is an object")),
    ] {
        let frame = format!(r#"{{"op":"call_tool","name":"echo","arguments":{arguments}}}"#);
        spoken.to.send(frame.into()).await.unwrap();
        let result = spoken.hear_result().await;
        match said {
            Ok(said) => assert_eq!(result["text"], said, "{result}"),
            Err(told) => {
                assert_eq!(result["error"]["code"], "VALIDATION_ERROR", "{result}");
                assert!(result["error"]["message"].as_str().unwrap().starts_with(told), "{result}");
            }
        }
    }
}
