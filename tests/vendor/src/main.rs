//! Runs the mock vendor as a process of its own, for benchmarks and for clients in other languages.
//!
//! `mock-vendor [--port N]` prints its base URL as the only line on stdout and runs until stdin closes (or a signal
//! ends it). Clients choose its behaviour by model name; `GET /stats` and `POST /reset` are for the driver.
#![expect(clippy::disallowed_methods, reason = "a tool for tests, which prints nothing of others")]

use std::{
    io::{self, Write},
    process::ExitCode,
};

use exai_mock_vendor::Vendor;

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Nothing is left to do when stderr is gone as well.
            writeln!(io::stderr(), "mock-vendor: {error}").ok();
            ExitCode::FAILURE
        }
    }
}

fn run() -> io::Result<()> {
    let port = port(std::env::args().skip(1))?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let vendor = runtime.block_on(Vendor::bind(port))?;
    vendor.record_bodies(false);
    let mut stdout = io::stdout();
    writeln!(stdout, "{}", vendor.url())?;
    stdout.flush()?;
    io::copy(&mut io::stdin().lock(), &mut io::sink())?;
    Ok(())
}

fn port(args: impl IntoIterator<Item = String>) -> io::Result<u16> {
    let args: Vec<String> = args.into_iter().collect();
    let usage = || io::Error::new(io::ErrorKind::InvalidInput, "usage: mock-vendor [--port N]");
    match args.as_slice() {
        [] => Ok(0),
        [name, number] if name == "--port" => number.parse().map_err(|_| usage()),
        _ => Err(usage()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_port_is_optional() {
        let parse = |args: &[&str]| port(args.iter().map(|arg| (*arg).to_owned()));
        assert_eq!(parse(&[]).unwrap(), 0);
        assert_eq!(parse(&["--port", "8123"]).unwrap(), 8123);
        assert!(parse(&["--port", "x"]).is_err());
        assert!(parse(&["--prot", "1"]).is_err());
    }
}
