//! MCP over standard input and output, with the one client that started this process.
//!
//! Standard output belongs to this transport alone: nothing else in the process may print there.

use exai_core::run::Door;
use rmcp::{ServerHandler, transport::stdio_pipes};

use crate::{
    TransportError,
    jsonrpc::{self, ConnectionSettings, Ended, Lifecycle},
};

/// Serves the client until one of the ends that [`Cause`](jsonrpc::Cause) names. The end of the process that started this one is such
/// an end, too: another process may hold its ends of the pipes open.
///
/// # Errors
/// As [`jsonrpc::serve`].
pub async fn serve<H>(
    handler: H,
    settings: ConnectionSettings,
    lifecycle: Lifecycle,
) -> Result<Ended, TransportError>
where
    H: ServerHandler,
{
    let settings = ConnectionSettings { watch_parent: true, ..settings };
    let lifecycle = Lifecycle { door: Some(Door("stdio")), ..lifecycle };
    jsonrpc::serve(handler, stdio_pipes(), settings, lifecycle).await
}
