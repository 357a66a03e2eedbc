//! Change sets of real repositories, friendly and hostile.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a failed expectation is a failed test"
)]

mod configuration;
mod enclosure;
mod hostile;
mod kinds;
mod moved;
mod packing;
mod places;
mod support;
mod texts;
