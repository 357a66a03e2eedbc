//! The program through its doors: the real binary on real pipes, real files and a real database; only the vendor is a mock.
#![expect(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a failed expectation is a failed test"
)]

mod answers;
mod architecture;
mod arguments;
mod bad_input;
mod before_the_key;
mod bridge;
mod budgets;
mod chaos;
mod choosing;
mod circles;
mod cli;
mod clients;
mod clink;
mod config;
mod consensus;
mod contract;
mod counts;
mod crowds;
mod doors;
mod duplex;
mod embedding;
mod examples;
mod fairness;
mod gates;
mod health;
mod http;
mod hurried;
mod inherited;
mod keys;
mod live_models;
mod log;
mod memory;
mod mending;
mod odd_vendors;
mod older_answers;
mod op;
mod pace;
mod parts;
mod precommit;
mod prefixes;
mod progress;
mod resilience;
mod review;
mod routing;
mod runs;
mod serving;
mod smoke;
mod spoken;
mod stdio;
mod strain;
mod suite;
mod support;
mod surface;
mod threads;
mod tidy;
mod tools_of_models;
mod trust;
