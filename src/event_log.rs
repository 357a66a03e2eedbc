//! What operators should know of, in the log: breakers and budgets.

use std::sync::Arc;

use exai_core::event::{Event, EventBus};
use tokio::sync::broadcast::{Receiver, error::RecvError};

/// Writes events into the log until the bus is gone.
pub(crate) fn follow(bus: &Arc<dyn EventBus>) {
    tokio::spawn(write(bus.subscribe_alerts()));
}

async fn write(mut events: Receiver<Arc<Event>>) {
    loop {
        match events.recv().await {
            Ok(event) => log(&event),
            Err(RecvError::Lagged(missed)) => tracing::warn!(missed, "the log has missed events"),
            Err(RecvError::Closed) => return,
        }
    }
}

fn log(event: &Event) {
    match event {
        Event::BreakerOpened { provider, model, for_ms } => tracing::warn!(
            %provider, %model, for_ms,
            "{provider}/{model} failed several times in a row and is not asked for {} s", for_ms.div_ceil(1_000)
        ),
        Event::BreakerClosed { provider, model } => {
            tracing::info!(%provider, %model, "{provider}/{model} answers again");
        }
        Event::BudgetExceeded { who, which, limit } => tracing::warn!(
            tenant = &*who.tenant,
            owner = &*who.owner,
            "a call was refused: it would exceed budget.{which}_usd, ${limit:.2}"
        ),
        // Not an alert.
        _ => {}
    }
}
