//! Events within this process.

use std::sync::Arc;

use exai_core::event::{Event, EventBus};
use tokio::sync::broadcast;

/// How many events wait for the slowest listener. An event takes some 200 bytes.
const CAPACITY: usize = 1_024;

/// A bus that ends with the process.
#[derive(Debug)]
pub struct LocalEvents(broadcast::Sender<Arc<Event>>);

impl Default for LocalEvents {
    fn default() -> Self {
        Self(broadcast::Sender::new(CAPACITY))
    }
}

impl EventBus for LocalEvents {
    fn publish(&self, event: Event) {
        // Nobody listens most of the time.
        if self.0.receiver_count() > 0 {
            drop(self.0.send(Arc::new(event)));
        }
    }

    fn subscribe(&self) -> broadcast::Receiver<Arc<Event>> {
        self.0.subscribe()
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
}
