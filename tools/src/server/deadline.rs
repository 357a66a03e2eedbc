//! The deadline that ends every call, whatever its tool does.

use std::time::Duration;

use exai_engine::Call;
use tokio::time::sleep_until;

/// How long after its deadline a call is given up. Runs, agents and git end by the deadline themselves and say better what was late;
/// they need a moment for that.
const GRACE: Duration = Duration::from_secs(5);

/// The result of `work`, or `None` when it has not ended some time after the call's deadline. The call is cancelled then, so that
/// everything that watches for a cancellation ends. A thread that waits for the operating system cannot be ended and stays.
pub(crate) async fn in_time<T>(call: &Call, work: impl Future<Output = T>) -> Option<T> {
    tokio::select! {
        biased;
        done = work => Some(done),
        () = sleep_until(call.deadline + GRACE) => {
            call.cancel.cancel();
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, mpsc};

    use exai_core::{Principal, RequestId};
    use exai_engine::{FixedRoots, inference::scope::CallScope, roots::Roots};
    use rmcp::model::CallToolResponse;
    use serde_json::Value;
    use tokio_util::sync::CancellationToken;

    use super::*;
    use crate::reply;

    fn call() -> Call {
        let limit = Duration::from_secs(900);
        let scope =
            CallScope::new(Principal::local(), RequestId::from("r-1"), limit, CancellationToken::new());
        Call { scope, roots: Arc::new(FixedRoots(Arc::new(Roots::default()))) }
    }

    /// A tool once waited for a pipe to be opened, and its client waited with it for ever.
    #[tokio::test(start_paused = true)]
    async fn a_blocked_tool_is_answered_for() {
        let call = call();
        let (release, blocked) = mpsc::channel::<()>();
        let work = tokio::task::spawn_blocking(move || blocked.recv());
        let mut ended = Box::pin(in_time(&call, work));
        assert!(futures::poll!(&mut ended).is_pending());
        tokio::time::advance(call.limit + GRACE / 2).await;
        assert!(futures::poll!(&mut ended).is_pending(), "better words may still come");
        assert!(!call.cancel.is_cancelled());
        tokio::time::advance(GRACE).await;
        assert!(ended.await.is_none());
        assert!(call.cancel.is_cancelled());
        drop(release);

        let CallToolResponse::Complete(answer) = reply::late("chat", &call) else { panic!("no answer") };
        assert_eq!(answer.is_error, Some(true));
        let text = answer.content.first().and_then(|block| block.as_text()).expect("text");
        let told: Value = serde_json::from_str(&text.text).expect("JSON");
        assert_eq!((&told["code"], &told["retryable"]), (&"timeout".into(), &true.into()));
        let message = "no answer within 900s: the call was reading files, and that did not end";
        assert_eq!(told["message"].as_str(), Some(message));
        assert!(told["hint"].as_str().is_some_and(|hint| hint.contains("fewer files")), "{told:#}");
    }

    #[tokio::test(start_paused = true)]
    async fn what_ends_in_time_counts() {
        let call = call();
        let at_the_last_moment = tokio::time::sleep(call.limit + GRACE);
        assert_eq!(in_time(&call, at_the_last_moment).await, Some(()));
        assert!(!call.cancel.is_cancelled());
    }
}
