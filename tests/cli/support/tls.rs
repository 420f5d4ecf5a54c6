//! A server that speaks TLS, with a certificate that nobody trusts who is not
//! told to.

use std::io::{self, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{self, Receiver, Sender};
use std::thread::{self, JoinHandle};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};

use super::DEADLINE;

/// For 127.0.0.1 until 2126, signed with its own key. Both are made with
/// `openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 36500
/// -addext subjectAltName=IP:127.0.0.1 -addext basicConstraints=critical,CA:FALSE`, and
/// are of no use elsewhere.
const CERTIFICATE: &[u8] = include_bytes!("../../fixtures/tls/certificate.der");
const KEY: &[u8] = include_bytes!("../../fixtures/tls/key.der");

/// A record of TLS that nobody can decrypt.
const JUNK: &[u8] = b"\x17\x03\x03\x00\x18nobody can decrypt this.";

/// What follows the answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Then {
    /// The end of the connection, without the farewell that TLS asks for.
    Close,
    /// Bytes that are not TLS's, as soon as [`TlsServer::send_junk`] says so.
    Junk,
}

/// A running server. It gives every request the same bytes as its answer, head
/// included.
pub(crate) struct TlsServer {
    address: SocketAddr,
    requests: Arc<AtomicUsize>,
    junk: Sender<()>,
    stopped: Arc<AtomicBool>,
    accepting: Option<JoinHandle<()>>,
}

impl TlsServer {
    /// Starts it.
    pub(crate) fn start(answer: impl Into<Vec<u8>>, then: Then) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let (requests, stopped) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicBool::new(false)));
        let (junk, junk_wanted) = mpsc::channel();
        let accepting = thread::spawn({
            let (requests, stopped, answer) = (Arc::clone(&requests), Arc::clone(&stopped), answer.into());
            let config = config();
            move || {
                for stream in listener.incoming() {
                    if stopped.load(Ordering::Relaxed) {
                        return;
                    }
                    // A client that does not trust the server leaves in the middle.
                    let _ = serve(stream.unwrap(), &config, &answer, &requests).and_then(|sock| match then {
                        Then::Close => Ok(()),
                        Then::Junk => send_junk(sock, &junk_wanted),
                    });
                }
            }
        });
        Self { address, requests, junk, stopped, accepting: Some(accepting) }
    }

    /// `https://127.0.0.1:PORT`.
    pub(crate) fn url(&self) -> String {
        format!("https://{}", self.address)
    }

    /// How many requests came.
    pub(crate) fn requests(&self) -> usize {
        self.requests.load(Ordering::Relaxed)
    }

    /// Lets one connection go on with its junk, now or when it is there. What
    /// comes in one read with junk is lost to whoever reads through rustls, so a
    /// test whose text counts waits for that first.
    pub(crate) fn send_junk(&self) {
        self.junk.send(()).unwrap();
    }

    /// The certificate as `SSL_CERT_FILE` wants it.
    pub(crate) fn certificate() -> String {
        let text = STANDARD.encode(CERTIFICATE);
        let lines: Vec<_> =
            text.as_bytes().chunks(64).map(|line| std::str::from_utf8(line).unwrap()).collect();
        format!("-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n", lines.join("\n"))
    }
}

impl Drop for TlsServer {
    fn drop(&mut self) {
        self.stopped.store(true, Ordering::Relaxed);
        // Wakes the thread that accepts.
        let _ = TcpStream::connect(self.address);
        if let Some(accepting) = self.accepting.take() {
            let _ = accepting.join();
        }
    }
}

fn config() -> Arc<ServerConfig> {
    let crypto = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(crypto).with_safe_default_protocol_versions().unwrap();
    let chain = vec![CertificateDer::from(CERTIFICATE)];
    let key = PrivateKeyDer::try_from(KEY).unwrap();
    Arc::new(config.with_no_client_auth().with_single_cert(chain, key).unwrap())
}

/// Answers a request, and gives back what lies below TLS.
fn serve(
    stream: TcpStream,
    config: &Arc<ServerConfig>,
    answer: &[u8],
    requests: &AtomicUsize,
) -> io::Result<TcpStream> {
    stream.set_read_timeout(Some(DEADLINE))?;
    let connection = ServerConnection::new(Arc::clone(config)).unwrap();
    let mut tls = StreamOwned::new(connection, stream);
    let mut request = Vec::new();
    while !is_whole(&request) {
        let mut bytes = [0; 4096];
        let read = tls.read(&mut bytes)?;
        if read == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        request.extend_from_slice(&bytes[..read]);
    }
    requests.fetch_add(1, Ordering::Relaxed);
    tls.write_all(answer)?;
    tls.flush()?;
    Ok(tls.sock)
}

fn send_junk(mut sock: TcpStream, wanted: &Receiver<()>) -> io::Result<()> {
    wanted.recv_timeout(DEADLINE).expect("nobody asked for the junk");
    sock.write_all(JUNK)?;
    // Until the client has read it and left.
    while sock.read(&mut [0; 4096])? > 0 {}
    Ok(())
}

fn is_whole(request: &[u8]) -> bool {
    let text = String::from_utf8_lossy(request);
    let Some((head, body)) = text.split_once("\r\n\r\n") else { return false };
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
    length.is_none_or(|length| body.len() >= length.parse().unwrap())
}
