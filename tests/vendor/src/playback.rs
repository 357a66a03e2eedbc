//! Plays the body of a reply: the bytes, the waits between them, and how it ends.

use std::{collections::VecDeque, future::pending, io, time::Duration};

use bytes::Bytes;
use futures::{Stream, stream};

use crate::{Gate, ledger::InFlight, line::Line};

/// One thing that happens while a body is sent.
#[derive(Debug)]
pub(crate) enum Step {
    /// These bytes, as one HTTP chunk.
    Send(Bytes),
    /// Nothing for this long.
    Pause(Duration),
    /// Nothing until the test opens the gate.
    Hold(Gate),
    /// Nothing until the client goes away.
    Stall,
    /// The connection breaks off.
    Cut,
}

/// The body. A client that leaves drops it, and with it `visit`, which then counts a disconnect.
pub(crate) fn play(
    steps: Vec<Step>,
    visit: InFlight,
    line: Line,
) -> impl Stream<Item = io::Result<Bytes>> + Send {
    stream::unfold((VecDeque::from(steps), visit, line), |(mut steps, mut visit, line)| async move {
        while let Some(step) = steps.pop_front() {
            match step {
                Step::Send(bytes) => {
                    // A body with a length is not asked again after its last byte: this is the end.
                    if steps.is_empty() {
                        visit.finish();
                    }
                    return Some((Ok(bytes), (steps, visit, line)));
                }
                Step::Pause(delay) => tokio::time::sleep(delay).await,
                Step::Hold(gate) => gate.pass().await,
                Step::Stall => pending().await,
                Step::Cut => {
                    // When a body fails, hyper forgets the bytes that it has not written yet.
                    line.flushed().await;
                    visit.finish();
                    return Some((
                        Err(io::ErrorKind::ConnectionAborted.into()),
                        (VecDeque::new(), visit, line),
                    ));
                }
            }
        }
        visit.finish();
        None
    })
}

/// Sends the same bytes in chunks of at most `size`.
pub(crate) fn split(steps: Vec<Step>, size: usize) -> Vec<Step> {
    let mut out = Vec::with_capacity(steps.len());
    for step in steps {
        match step {
            Step::Send(mut bytes) => {
                while bytes.len() > size {
                    out.push(Step::Send(bytes.split_to(size)));
                }
                out.push(Step::Send(bytes));
            }
            other => out.push(other),
        }
    }
    out
}

/// Keeps the first `limit` bytes and breaks off there; a shorter body breaks off at its end.
pub(crate) fn cut(steps: Vec<Step>, limit: usize) -> Vec<Step> {
    let mut left = limit;
    let mut out = Vec::with_capacity(steps.len() + 1);
    for step in steps {
        match step {
            Step::Send(bytes) if bytes.len() > left => {
                out.push(Step::Send(bytes.slice(..left)));
                break;
            }
            Step::Send(bytes) => {
                left -= bytes.len();
                out.push(Step::Send(bytes));
            }
            other => out.push(other),
        }
    }
    out.push(Step::Cut);
    out
}
