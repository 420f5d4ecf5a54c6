//! What a server answers to one request, step by step.

use std::io::{self, Write as _};
use std::time::Duration;

use flate2::write::GzEncoder;
use serde_json::Value;

/// An answer as a list of steps. It has a `content-length` unless a method
/// says otherwise, and its headers leave with the first body step.
#[derive(Clone, Debug)]
pub(crate) struct Script {
    pub(super) head: String,
    pub(super) framing: Framing,
    pub(super) steps: Vec<Step>,
}

/// How the client can tell where the body ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Framing {
    /// By its length.
    Length,
    /// By a last chunk of no bytes.
    Chunked,
    /// By the end of the connection.
    UntilClose,
    /// Not at all: there is no head, and the steps are all that is sent.
    Raw,
}

#[derive(Clone, Debug)]
pub(super) enum Step {
    /// Sends the headers now.
    Head,
    /// Sends bytes of the body in one write.
    Body(Vec<u8>),
    /// Sends the same bytes of the body again and again until the client leaves.
    Forever(Vec<u8>),
    /// Sends the same bytes again and again, with this pause before each, until the client leaves.
    Dribble(Duration, Vec<u8>),
    /// Waits.
    Sleep(Duration),
    /// Waits until this long after the request came.
    At(Duration),
    /// Does nothing until the client leaves or the test ends.
    Hang,
    /// Closes the connection in order, wherever the answer is.
    Close,
    /// Breaks the connection off (RST).
    Reset,
}

impl Script {
    /// An answer without a body.
    pub(crate) fn new(status: u16) -> Self {
        let head = format!("HTTP/1.1 {status} Scripted\r\n");
        Self { head, framing: Framing::Length, steps: Vec::new() }
    }

    /// A JSON body.
    pub(crate) fn json(status: u16, body: &Value) -> Self {
        Self::new(status).header("content-type", "application/json").body(body.to_string())
    }

    /// A stream of server-sent events, each in a chunk and a write of its own.
    pub(crate) fn sse(frames: impl IntoIterator<Item = impl Into<Vec<u8>>>) -> Self {
        Self::new(200).header("content-type", "text/event-stream").chunked().bodies(frames)
    }

    /// The same, so long after its head.
    pub(crate) fn late_sse(ms: u64, frames: impl IntoIterator<Item = impl Into<Vec<u8>>>) -> Self {
        Self::sse([] as [&str; 0]).head().sleep(ms).bodies(frames)
    }

    /// Sends the client elsewhere.
    pub(crate) fn redirect(status: u16, to: &str) -> Self {
        Self::new(status).header("location", to)
    }

    /// These bytes instead of an HTTP answer, and the end of the connection.
    pub(crate) fn raw(bytes: impl Into<Vec<u8>>) -> Self {
        Self { head: String::new(), framing: Framing::Raw, steps: vec![Step::Body(bytes.into())] }
    }

    /// Adds a header.
    pub(crate) fn header(mut self, name: &str, value: &str) -> Self {
        self.head.push_str(&format!("{name}: {value}\r\n"));
        self
    }

    /// Sends the body in chunks (`transfer-encoding`).
    pub(crate) fn chunked(mut self) -> Self {
        self.framing = Framing::Chunked;
        self.header("transfer-encoding", "chunked")
    }

    /// Ends the body with the connection.
    pub(crate) fn until_close(mut self) -> Self {
        self.framing = Framing::UntilClose;
        self.header("connection", "close")
    }

    /// Compresses the body steps so far, each so that it can be read at once.
    pub(crate) fn gzip(mut self) -> Self {
        let mut encoder = GzEncoder::new(Vec::new(), flate2::Compression::fast());
        let last = self.steps.iter().rposition(|step| matches!(step, Step::Body(_)));
        for (at, step) in self.steps.iter_mut().enumerate() {
            if let Step::Body(bytes) = step {
                encoder.write_all(bytes).unwrap();
                encoder.flush().unwrap();
                if Some(at) == last {
                    encoder.try_finish().unwrap();
                }
                *bytes = std::mem::take(encoder.get_mut());
            }
        }
        self.header("content-encoding", "gzip")
    }

    /// Sends the headers before there is anything of a body.
    pub(crate) fn head(self) -> Self {
        self.step(Step::Head)
    }

    /// Sends bytes of the body, in one write and one chunk.
    pub(crate) fn body(self, bytes: impl Into<Vec<u8>>) -> Self {
        self.step(Step::Body(bytes.into()))
    }

    /// Sends several pieces of the body.
    pub(crate) fn bodies(self, pieces: impl IntoIterator<Item = impl Into<Vec<u8>>>) -> Self {
        pieces.into_iter().fold(self, Self::body)
    }

    /// Sends the same bytes of the body until the client leaves.
    pub(crate) fn forever(self, bytes: impl Into<Vec<u8>>) -> Self {
        self.step(Step::Forever(bytes.into()))
    }

    /// Sends the same bytes of the body every `ms` milliseconds until the client leaves.
    pub(crate) fn dribble(self, ms: u64, bytes: impl Into<Vec<u8>>) -> Self {
        self.step(Step::Dribble(Duration::from_millis(ms), bytes.into()))
    }

    /// Waits `ms` milliseconds.
    pub(crate) fn sleep(self, ms: u64) -> Self {
        self.step(Step::Sleep(Duration::from_millis(ms)))
    }

    /// Waits until `ms` milliseconds after the request came.
    pub(crate) fn at(self, ms: u64) -> Self {
        self.step(Step::At(Duration::from_millis(ms)))
    }

    /// Says nothing more until the client leaves or the test ends.
    pub(crate) fn hang(self) -> Self {
        self.step(Step::Hang)
    }

    /// Closes the connection, wherever the answer is.
    pub(crate) fn close(self) -> Self {
        self.step(Step::Close)
    }

    /// Breaks the connection off, so that the client's next read fails.
    pub(crate) fn reset(self) -> Self {
        self.step(Step::Reset)
    }

    fn step(mut self, step: Step) -> Self {
        self.steps.push(step);
        self
    }

    /// The bytes of the head, with the length where that is what frames the body.
    pub(super) fn head_bytes(&self) -> Vec<u8> {
        if self.framing == Framing::Raw {
            return Vec::new();
        }
        let mut head = self.head.clone();
        if self.framing == Framing::Length {
            let length: usize = self
                .steps
                .iter()
                .map(|step| if let Step::Body(bytes) = step { bytes.len() } else { 0 })
                .sum();
            head.push_str(&format!("content-length: {length}\r\n"));
        }
        head.push_str("\r\n");
        head.into_bytes()
    }

    /// What is written for one body step.
    pub(super) fn framed(&self, bytes: &[u8]) -> Vec<u8> {
        if self.framing != Framing::Chunked {
            return bytes.to_vec();
        }
        // A chunk of no bytes would be the end.
        if bytes.is_empty() {
            return Vec::new();
        }
        let mut chunk = format!("{:x}\r\n", bytes.len()).into_bytes();
        chunk.extend_from_slice(bytes);
        chunk.extend_from_slice(b"\r\n");
        chunk
    }
}

/// Whether an error says that the client is gone.
pub(super) fn is_departure(error: &io::Error) -> bool {
    use io::ErrorKind::{BrokenPipe, ConnectionAborted, ConnectionReset};
    matches!(error.kind(), BrokenPipe | ConnectionAborted | ConnectionReset)
}
