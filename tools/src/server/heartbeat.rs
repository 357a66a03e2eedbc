//! Progress notifications: at every change of the phase or the model, and at fixed intervals in between.
//!
//! Clients reset their idle timers on progress and show its message, so the useful words come first.

use std::{sync::Arc, time::Duration};

use exai_core::{
    RequestId,
    run::{Phase, RunEvent},
};
use rmcp::{
    Peer, RoleServer,
    model::{MetaObject, ProgressNotificationParam, ProgressToken},
};
use tokio::{
    sync::watch,
    time::{Instant, sleep_until},
};

/// Sends progress until it is dropped.
pub(crate) struct Heartbeat {
    pub peer: Peer<RoleServer>,
    pub token: ProgressToken,
    pub tool: Arc<str>,
    pub every: Duration,
    /// The call's name: a client that has lost the answer can look for it.
    pub request_id: RequestId,
}

/// The `_meta` key with the request's name.
const REQUEST_KEY: &str = "exai/request_id";

impl Heartbeat {
    /// Never returns.
    async fn beat(self, mut events: watch::Receiver<RunEvent>) {
        let begun = Instant::now();
        let mut reported: Option<(Phase, Option<String>)> = None;
        let mut last = 0.0_f64;
        loop {
            let event = events.borrow_and_update().clone();
            if reported.as_ref().is_none_or(|(phase, model)| *phase != event.phase || *model != event.model)
                || last == 0.0
                || begun.elapsed().as_secs_f64() >= last + self.every.as_secs_f64()
            {
                reported = Some((event.phase, event.model.clone()));
                // Progress has to grow with every notification.
                last = begun.elapsed().as_secs_f64().max(last + 0.001);
                let mut note = ProgressNotificationParam::new(self.token.clone(), last)
                    .with_message(message(&self.tool, &event, begun.elapsed()));
                let mut meta = MetaObject::default();
                meta.0.insert(REQUEST_KEY.to_owned(), self.request_id.to_string().into());
                note.meta = Some(meta.into());
                if self.peer.notify_progress(note).await.is_err() {
                    // The client is gone; the call itself notices that elsewhere.
                    std::future::pending::<()>().await;
                }
            }
            let next = begun + Duration::from_secs_f64(last) + self.every;
            tokio::select! {
                () = sleep_until(next) => {}
                changed = events.changed() => {
                    if changed.is_err() {
                        std::future::pending::<()>().await;
                    }
                }
            }
        }
    }
}

/// Sends progress when the client wants it. Never returns either way.
pub(super) async fn beat_or_wait(beat: Option<Heartbeat>, events: watch::Receiver<RunEvent>) {
    match beat {
        Some(beat) => beat.beat(events).await,
        None => std::future::pending().await,
    }
}

fn message(tool: &str, event: &RunEvent, elapsed: Duration) -> String {
    let mut text = format!("{tool}: {}", event.phase.as_str());
    if let Some(model) = &event.model {
        text.push_str(" · ");
        text.push_str(model);
    }
    text.push_str(&format!(" · {} s", elapsed.as_secs()));
    if event.tokens > 0 {
        text.push_str(&format!(" · about {} tokens", event.tokens));
    }
    if event.attempts > 1 {
        text.push_str(&format!(" · attempt {}", event.attempts));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_message_has_what_clients_show() {
        let event = RunEvent {
            phase: Phase::Answering,
            model: Some("kimi/k3".to_owned()),
            tokens: 1200,
            attempts: 2,
        };
        assert_eq!(
            message("chat", &event, Duration::from_secs(35)),
            "chat: answering · kimi/k3 · 35 s · about 1200 tokens · attempt 2"
        );
    }
}
