//! The client's end: lines of standard input, and standard output.

use std::io;

use serde_json::json;
use tokio::{
    io::{AsyncRead, AsyncWrite, AsyncWriteExt as _},
    sync::mpsc,
};
use tokio_util::sync::CancellationToken;

use crate::jsonrpc::framer::{Frame, Framer};

/// Reads lines into the queue until the input ends. A line above the limit is answered here, because nothing of it reaches the daemon.
pub(super) async fn read(
    input: impl AsyncRead + Unpin,
    max_line: usize,
    lines: mpsc::Sender<String>,
    answers: mpsc::Sender<String>,
) -> io::Result<()> {
    let mut framer = Framer::new(input, max_line);
    loop {
        while let Some(frame) = framer.next() {
            match frame {
                Frame::Line(range) => {
                    let line = String::from_utf8_lossy(framer.bytes(range)).trim().to_owned();
                    if !line.is_empty() && lines.send(line).await.is_err() {
                        return Ok(());
                    }
                }
                Frame::Oversized { bytes, id } => {
                    let id = id.as_ref().map_or("null", |id| id.get());
                    let text = format!("the message has {bytes} bytes; {max_line} are taken");
                    let error = json!({"code": -32_600, "message": text});
                    let answer = format!(r#"{{"jsonrpc":"2.0","id":{id},"error":{error}}}"#);
                    drop(answers.send(answer).await);
                }
            }
        }
        if framer.ended() {
            return Ok(());
        }
        framer.fill().await?;
    }
}

/// Writes answers as lines until the client reads no more or none come.
pub(super) async fn write(
    mut output: impl AsyncWrite + Unpin,
    mut answers: mpsc::Receiver<String>,
    closed: CancellationToken,
) {
    // However this ends, nothing can be said any more.
    let _closed = closed.drop_guard();
    while let Some(mut answer) = answers.recv().await {
        answer.push('\n');
        if output.write_all(answer.as_bytes()).await.is_err() || output.flush().await.is_err() {
            return;
        }
    }
}
