//! Events within this process.

use std::sync::Arc;

use exai_core::event::{Event, EventBus};
use tokio::sync::broadcast;

/// How many events wait for the slowest listener. An event takes some 200 bytes.
const CAPACITY: usize = 1_024;

/// A bus that ends with the process.
#[derive(Debug)]
pub struct LocalEvents {
    all: broadcast::Sender<Arc<Event>>,
    alerts: broadcast::Sender<Arc<Event>>,
}

impl Default for LocalEvents {
    fn default() -> Self {
        Self { all: broadcast::Sender::new(CAPACITY), alerts: broadcast::Sender::new(CAPACITY) }
    }
}

impl EventBus for LocalEvents {
    fn publish(&self, event: Event) {
        // Nobody listens most of the time.
        let listeners = [(&self.all, true), (&self.alerts, event.is_alert())];
        let wanted = listeners.map(|(bus, fits)| Some(bus).filter(|bus| fits && bus.receiver_count() > 0));
        if wanted.iter().any(Option::is_some) {
            let event = Arc::new(event);
            wanted.into_iter().flatten().for_each(|bus| drop(bus.send(Arc::clone(&event))));
        }
    }

    fn subscribe(&self) -> broadcast::Receiver<Arc<Event>> {
        self.all.subscribe()
    }

    fn subscribe_alerts(&self) -> broadcast::Receiver<Arc<Event>> {
        self.alerts.subscribe()
    }
}

#[cfg(test)]
mod tests {
    use exai_core::event::Event;
    use tokio::sync::broadcast::error::RecvError;

    use super::*;

    fn event(number: u64) -> Event {
        Event::BreakerOpened { provider: "p".into(), model: "m".into(), for_ms: number }
    }

    #[tokio::test]
    async fn every_listener_gets_every_event() {
        let bus = LocalEvents::default();
        bus.publish(event(0));
        let (mut one, mut two) = (bus.subscribe(), bus.subscribe());
        bus.publish(event(1));
        assert_eq!((&*one.recv().await.unwrap(), &*two.recv().await.unwrap()), (&event(1), &event(1)));
    }

    /// A listener that stands still must neither hold the server up nor take its memory.
    #[tokio::test]
    async fn slow_listeners_miss_the_oldest() {
        let bus = LocalEvents::default();
        let mut slow = bus.subscribe();
        let more = 10;
        (0..CAPACITY as u64 + more).for_each(|number| bus.publish(event(number)));
        assert_eq!(slow.recv().await.unwrap_err(), RecvError::Lagged(more));
        assert_eq!(*slow.recv().await.unwrap(), event(more));
    }

    /// The log listens all the time. A call must not wake it.
    #[tokio::test]
    async fn alerts_are_told_apart() {
        let bus = LocalEvents::default();
        let mut alerts = bus.subscribe_alerts();
        let run = exai_core::RunId::new();
        bus.publish(Event::AttemptBegan { run, number: 1, provider: "p".into(), model: "m".into() });
        bus.publish(event(1));
        assert_eq!(*alerts.recv().await.unwrap(), event(1));
        assert!(alerts.is_empty());
    }
}
