//! A scripted HTTP/1.1 server on a port of its own: a thread a connection, and
//! full control over when which bytes leave. Crates that mock servers send
//! whole bodies; what is tested here happens between their bytes.

use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use serde_json::Value;

use super::DEADLINE;
use super::connection::serve;
use super::script::Script;

/// A request as it came.
#[derive(Clone, Debug)]
pub(crate) struct Received {
    /// Which connection it came on, counted from 0.
    pub(crate) connection: usize,
    /// `POST`.
    pub(crate) method: String,
    /// Path and query.
    pub(crate) target: String,
    /// Names in lower case, in order.
    pub(crate) headers: Vec<(String, String)>,
    /// The body, without any chunking.
    pub(crate) body: Vec<u8>,
    /// When all of it was there.
    pub(crate) at: Instant,
}

impl Received {
    /// The value of a header, by its lower-case name.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// The body as JSON.
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).expect("the request's body is JSON")
    }
}

/// How far the answer to a request is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Progress {
    Answering,
    Hanging,
    Done,
    /// The client left in the middle, this long after its request came.
    Left(Duration),
}

#[derive(Default)]
pub(super) struct Log {
    pub(super) exchanges: Vec<(Received, Progress)>,
    connections: usize,
    pub(super) malformed: usize,
    pub(super) panics: Vec<String>,
}

type Handler = dyn Fn(&Received, usize) -> Script + Send + Sync;

pub(super) struct Shared {
    pub(super) handler: Box<Handler>,
    log: Mutex<Log>,
    changed: Condvar,
    stopped: AtomicBool,
}

/// A running server. When it is dropped, every connection ends, and a panic of
/// the handler (a failed assertion on a request) becomes one of the test.
pub(crate) struct Server {
    address: SocketAddr,
    shared: Arc<Shared>,
    accepting: Option<JoinHandle<()>>,
}

impl Server {
    /// Starts a server that answers each request as `handler` says, which is
    /// also given the number of requests before it.
    pub(crate) fn start(handler: impl Fn(&Received, usize) -> Script + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let shared = Arc::new(Shared {
            handler: Box::new(handler),
            log: Mutex::default(),
            changed: Condvar::new(),
            stopped: AtomicBool::new(false),
        });
        let accepting = thread::spawn({
            let shared = Arc::clone(&shared);
            move || accept(&listener, &shared)
        });
        Self { address, shared, accepting: Some(accepting) }
    }

    /// Starts a server that gives every request the same answer.
    pub(crate) fn always(script: Script) -> Self {
        Self::start(move |_, _| script.clone())
    }

    /// `127.0.0.1` and the port.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// `http://127.0.0.1:PORT`.
    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// All requests so far, in the order of their arrival.
    pub(crate) fn requests(&self) -> Vec<Received> {
        self.shared.log().exchanges.iter().map(|(request, _)| request.clone()).collect()
    }

    /// How many connections were made so far.
    pub(crate) fn connections(&self) -> usize {
        self.shared.log().connections
    }

    /// How many connections sent something that is no HTTP request.
    pub(crate) fn malformed(&self) -> usize {
        self.shared.log().malformed
    }

    /// Waits until `count` requests were received.
    pub(crate) fn wait_for_requests(&self, count: usize) {
        self.wait("requests", |log| (log.exchanges.len() >= count).then_some(()));
    }

    /// Waits until the answer to request `n` (from 0) has sent what comes
    /// before its hang.
    pub(crate) fn wait_until_hanging(&self, n: usize) {
        self.wait("an answer to hang", |log| {
            log.exchanges.get(n).is_some_and(|(_, progress)| *progress == Progress::Hanging).then_some(())
        });
    }

    /// Waits until the client of request `n` (from 0) leaves before its answer
    /// is complete; the time since the request came.
    pub(crate) fn wait_for_departure(&self, n: usize) -> Duration {
        self.wait("the client to leave", |log| match log.exchanges.get(n) {
            Some((_, Progress::Left(after))) => Some(*after),
            Some((_, Progress::Done)) => panic!("the answer was complete before the client left"),
            _ => None,
        })
    }

    fn wait<T>(&self, what: &str, ready: impl Fn(&Log) -> Option<T>) -> T {
        let until = Instant::now() + DEADLINE;
        let mut log = self.shared.log();
        loop {
            if let Some(found) = ready(&log) {
                return found;
            }
            let left = until.saturating_duration_since(Instant::now());
            assert!(!left.is_zero(), "waited in vain for {what}");
            log = self.shared.changed.wait_timeout(log, left).unwrap().0;
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.shared.stopped.store(true, Ordering::SeqCst);
        // Wakes the listener, which then sees that it is over.
        drop(TcpStream::connect(self.address));
        let joined = self.accepting.take().map(JoinHandle::join);
        if thread::panicking() {
            return;
        }
        assert!(!matches!(joined, Some(Err(_))), "the server itself panicked");
        let panics = std::mem::take(&mut self.shared.log().panics);
        assert!(panics.is_empty(), "the handler panicked: {}", panics.join("; "));
    }
}

/// A port that refuses connections for as long as this lives: it is taken, but
/// nobody listens.
pub(crate) struct ClosedPort(socket2::Socket);

impl ClosedPort {
    pub(crate) fn new() -> Self {
        let socket = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).unwrap();
        socket.bind(&SocketAddr::from(([127, 0, 0, 1], 0)).into()).unwrap();
        Self(socket)
    }

    /// `http://127.0.0.1:PORT`.
    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.0.local_addr().unwrap().as_socket().unwrap())
    }
}

/// A port that never answers for as long as this lives: its queue is full, and
/// the system lets no more in.
pub(crate) struct SilentPort {
    listening: socket2::Socket,
    _queue: Vec<socket2::Socket>,
}

impl SilentPort {
    pub(crate) fn new() -> Self {
        let socket = || socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).unwrap();
        let listening = socket();
        listening.bind(&SocketAddr::from(([127, 0, 0, 1], 0)).into()).unwrap();
        listening.listen(0).unwrap();
        let address = listening.local_addr().unwrap();
        let queue = (0..3).map(|_| socket()).collect::<Vec<_>>();
        for one in &queue {
            one.set_nonblocking(true).unwrap();
            // Begun is enough: some of them never get further.
            let _ = one.connect(&address);
        }
        Self { listening, _queue: queue }
    }

    /// `http://127.0.0.1:PORT`.
    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.listening.local_addr().unwrap().as_socket().unwrap())
    }
}

impl Shared {
    /// The log, even if a test panicked while it held it.
    fn log(&self) -> MutexGuard<'_, Log> {
        self.log.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    pub(super) fn change(&self, change: impl FnOnce(&mut Log)) {
        change(&mut self.log());
        self.changed.notify_all();
    }

    pub(super) fn stopped(&self) -> bool {
        self.stopped.load(Ordering::SeqCst)
    }
}

fn accept(listener: &TcpListener, shared: &Arc<Shared>) {
    let mut connections = Vec::new();
    for stream in listener.incoming() {
        if shared.stopped() {
            break;
        }
        let Ok(stream) = stream else { continue };
        let mut number = 0;
        shared.change(|log| {
            number = log.connections;
            log.connections += 1;
        });
        let shared = Arc::clone(shared);
        connections.push(thread::spawn(move || serve(stream, number, &shared)));
    }
    for connection in connections {
        connection.join().expect("a connection's thread ends in order");
    }
}
