//! A call on the bus: when it begins, and when it was answered.

use std::{
    sync::{Arc, OnceLock},
    time::Instant,
};

use exai_core::{
    RequestId, ThreadId,
    event::{Event, EventBus},
};
use exai_engine::Call;
use rmcp::model::CallToolResponse;

/// Tells that a call began, and when this is dropped that it ended.
pub(crate) struct CallEvents {
    bus: Arc<dyn EventBus>,
    request: RequestId,
    thread: Arc<OnceLock<ThreadId>>,
    began: Instant,
    /// Until there is an answer the call counts as failed: its client may have gone.
    failed: bool,
}

impl CallEvents {
    pub(crate) fn begin(bus: &Arc<dyn EventBus>, tool: &str, call: &Call) -> Self {
        bus.publish(Event::CallBegan {
            request: call.request_id.clone(),
            who: call.principal.identity.clone(),
            tool: tool.to_owned(),
        });
        Self {
            bus: Arc::clone(bus),
            request: call.request_id.clone(),
            thread: Arc::clone(&call.thread),
            began: Instant::now(),
            failed: true,
        }
    }

    /// There is an answer.
    pub(crate) fn answered(&mut self, answer: &CallToolResponse) {
        self.failed = match answer {
            CallToolResponse::Complete(result) => result.is_error.unwrap_or(false),
            _ => false,
        };
    }
}

impl Drop for CallEvents {
    fn drop(&mut self) {
        self.bus.publish(Event::CallEnded {
            request: self.request.clone(),
            thread: self.thread.get().copied(),
            failed: self.failed,
            duration_ms: u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX),
        });
    }
}
