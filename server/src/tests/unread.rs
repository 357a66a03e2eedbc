//! Clients that read nothing, and connections on which nothing happens.

use futures::stream;

use super::*;

/// Tells when an answer is given up.
struct GivenUp(Arc<Notify>);

impl Drop for GivenUp {
    fn drop(&mut self) {
        self.0.notify_one();
    }
}

async fn endless(settings: ServerSettings) -> (SocketAddr, Arc<Notify>, Lifecycle) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (address, lifecycle, given_up) =
        (listener.local_addr().unwrap(), Lifecycle::default(), Arc::default());
    let answer = {
        let given_up = Arc::clone(&given_up);
        async move || {
            let state = GivenUp(given_up);
            let pieces = stream::unfold(state, |state| async {
                tokio::task::yield_now().await;
                Some((Ok::<_, io::Error>(vec![b'x'; 16 * 1024]), state))
            });
            (Extension(StaysOpen), Body::from_stream(pieces))
        }
    };
    let server = Server::new(settings, Arc::new(Well), lifecycle.clone()).with_key(
        Router::new().route("/endless", get(answer)).route("/once", get(async || vec![b'x'; 100_000])),
    );
    tokio::spawn(server.serve(Listener::tcp(listener)));
    (address, given_up, lifecycle)
}

/// The frames of HTTP/2 that begin a connection (RFC 9113, 3.4), and a request for `/endless` (RFC 7541: `:method GET`, `:scheme http`, and
/// path and authority as literals).
fn http2(path: Option<&str>) -> Vec<u8> {
    let mut bytes = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec();
    bytes.extend([0, 0, 0, 4, 0, 0, 0, 0, 0]);
    if let Some(path) = path {
        let literal =
            |index: u8, text: &str| [&[index, u8::try_from(text.len()).unwrap()], text.as_bytes()].concat();
        let head = [vec![0x82, 0x86], literal(0x04, path), literal(0x01, "localhost")].concat();
        bytes.extend([0, 0, u8::try_from(head.len()).unwrap(), 1, 5, 0, 0, 0, 1]);
        bytes.extend(head);
    }
    bytes
}

#[tokio::test]
async fn an_unread_answer_is_given_up() {
    let settings = || ServerSettings { write_wait: Duration::from_millis(300), ..ServerSettings::default() };
    let get = b"GET /endless HTTP/1.1\r\nhost: localhost\r\n\r\n".to_vec();
    // Over HTTP/2 the client takes no more than its window, and its socket is not full.
    for request in [get, http2(Some("/endless"))] {
        let (address, given_up, lifecycle) = endless(settings()).await;
        let mut unread = TcpStream::connect(address).await.unwrap();
        unread.write_all(&request).await.unwrap();
        tokio::time::timeout(Duration::from_secs(20), given_up.notified()).await.expect("it is given up");
        lifecycle.shutdown.cancel();
    }
}

/// An answer of one piece is taken from its body at once, and still has to wait for a client over HTTP/2 that lets nothing through.
#[tokio::test]
async fn an_answer_of_one_piece_ends_too() {
    let settings = ServerSettings { write_wait: Duration::from_millis(300), ..ServerSettings::default() };
    let (address, _given_up, lifecycle) = endless(settings).await;
    let mut client = TcpStream::connect(address).await.unwrap();
    let mut request = http2(Some("/once"));
    // SETTINGS_INITIAL_WINDOW_SIZE (4) is 0, in place of the empty settings.
    let settings = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".len();
    request.splice(settings..settings + 9, [0, 0, 6, 4, 0, 0, 0, 0, 0, 0, 4, 0, 0, 0, 0]);
    client.write_all(&request).await.unwrap();
    let mut said = Vec::new();
    let ended = tokio::time::timeout(Duration::from_secs(20), client.read_to_end(&mut said)).await;
    assert!(ended.is_ok(), "the server closes it");
    assert!(said.len() < 1_000, "{} bytes without a window", said.len());
    lifecycle.shutdown.cancel();
}

#[tokio::test]
async fn a_reader_keeps_its_answer() {
    let settings = ServerSettings { write_wait: Duration::from_millis(300), ..ServerSettings::default() };
    let (address, _given_up, lifecycle) = endless(settings).await;
    let mut reader = TcpStream::connect(address).await.unwrap();
    reader.write_all(b"GET /endless HTTP/1.1\r\nhost: localhost\r\n\r\n").await.unwrap();
    let (begun, mut buffer) = (Instant::now(), vec![0; 64 * 1024]);
    while begun.elapsed() < Duration::from_secs(1) {
        assert!(reader.read(&mut buffer).await.unwrap() > 0);
    }
    lifecycle.shutdown.cancel();
}

#[tokio::test]
async fn an_idle_http2_connection_ends() {
    let settings = ServerSettings { header_wait: Duration::from_millis(300), ..ServerSettings::default() };
    let door = open(settings).await;
    let mut idle = TcpStream::connect(door.address).await.unwrap();
    idle.write_all(&http2(None)).await.unwrap();
    let mut said = Vec::new();
    let ended = tokio::time::timeout(Duration::from_secs(10), idle.read_to_end(&mut said)).await;
    assert!(ended.is_ok(), "the server closes it");
    let mut rest = said.as_slice();
    let mut kinds = Vec::new();
    while let [a, b, c, kind, ..] = *rest {
        kinds.push(kind);
        rest = &rest[9 + (usize::from(a) << 16 | usize::from(b) << 8 | usize::from(c))..];
    }
    assert!(kinds.contains(&7), "it says that it goes (GOAWAY): {kinds:?}");
    door.end().await;
}
