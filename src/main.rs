//! The `exai-mcp` program: a server on a pipe, a command line on a terminal.

use std::process::ExitCode;

use clap::Parser as _;
use exai_mcp::cli::Cli;

/// See `docs/decisions/0016-memory-is-given-back.md`.
#[cfg(target_os = "linux")]
#[global_allocator]
static MEMORY: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() -> ExitCode {
    // Explicit and first: a dependency that brings a second crypto backend must not turn into a panic at the first handshake.
    // The only failure is that a provider is installed already, which is as good.
    drop(rustls::crypto::aws_lc_rs::default_provider().install_default());
    Cli::parse().run()
}
