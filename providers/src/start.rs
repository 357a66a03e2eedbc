//! When an answer has begun: what fails before then is the call's own failure and may be tried elsewhere.

use exai_core::{
    chat::Delta,
    provider::{ProviderError, ReplyStream},
};
use futures::{StreamExt, stream};

/// Waits until the answer says something. A model's name and token counts come with the first byte even when the vendor is about to
/// report that it is overloaded, so they are held back until then. `None` when the stream ends before.
pub(crate) async fn begun(mut reply: ReplyStream) -> Option<Result<ReplyStream, ProviderError>> {
    let mut head = Vec::new();
    loop {
        match reply.next().await? {
            Err(error) => return Some(Err(error)),
            Ok(delta) => {
                let says_nothing = matches!(delta, Delta::Model(_) | Delta::Usage(_));
                head.push(Ok(delta));
                if !says_nothing {
                    return Some(Ok(stream::iter(head).chain(reply).boxed()));
                }
            }
        }
    }
}
