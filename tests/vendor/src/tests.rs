//! Drives a vendor over bare TCP, so that every byte of its answers is seen.

mod client;

mod answers;
mod faults;
mod records;
mod timing;
