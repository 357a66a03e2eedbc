//! The least a client can do: keep-alive connections and the same request, without a server between.

use std::{
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::TcpStream,
    sync::atomic::{AtomicUsize, Ordering},
    thread,
    time::Instant,
};

use serde_json::json;

/// Calls a second of `callers` threads that make `calls` in all.
#[expect(clippy::cast_precision_loss, reason = "a few thousand calls")]
pub(crate) fn calls_a_second(origin: &str, model: &str, callers: usize, calls: usize) -> f64 {
    let address = origin.trim_start_matches("http://");
    let made = AtomicUsize::new(0);
    let begun = Instant::now();
    thread::scope(|scope| {
        for _ in 0..callers {
            scope.spawn(|| {
                let mut stream = TcpStream::connect(address).expect("the vendor listens");
                stream.set_nodelay(true).expect("a socket");
                let mut reader = BufReader::new(stream.try_clone().expect("a socket"));
                while made.fetch_add(1, Ordering::Relaxed) < calls {
                    let body = json!({"model": model, "messages": [{"role": "user", "content": "hello"}]}).to_string();
                    write!(
                        stream,
                        "POST /v1/chat/completions HTTP/1.1\r\nhost: {address}\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
                        body.len()
                    )
                    .expect("the vendor reads");
                    skip_answer(&mut reader);
                }
            });
        }
    });
    calls as f64 / begun.elapsed().as_secs_f64()
}

fn skip_answer(reader: &mut BufReader<TcpStream>) {
    let mut length = 0;
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).expect("an answer");
        if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().expect("a length");
        }
        if line.trim().is_empty() {
            break;
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).expect("a whole answer");
}
