//! One connection of the scripted server: requests in, scripts played back.

use std::any::Any;
use std::io::{self, Read as _, Write as _};
use std::net::TcpStream;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::thread;
use std::time::{Duration, Instant};

use super::DEADLINE;
use super::script::{Framing, Script, Step, is_departure};
use super::server::{Progress, Received, Shared};

/// How often a waiting connection looks whether its client or the test is gone.
const LOOK: Duration = Duration::from_millis(4);

/// Why a connection's thread stops waiting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Over {
    Time,
    ClientLeft,
    TestEnded,
}

/// Whether the connection serves another request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Then {
    Next,
    Close,
}

/// Serves one connection to its end.
pub(super) fn serve(stream: TcpStream, number: usize, shared: &Shared) {
    stream.set_nodelay(true).unwrap();
    stream.set_write_timeout(Some(DEADLINE)).unwrap();
    let mut connection = Connection { stream, buffer: Vec::new(), shared };
    loop {
        match connection.request(number) {
            Ok(Some(request)) => {
                if connection.answer(request) == Then::Close {
                    return;
                }
            }
            Ok(None) => return,
            Err(error) => {
                if error.kind() == io::ErrorKind::InvalidData {
                    shared.change(|log| log.malformed += 1);
                    let _ = connection.stream.write_all(b"HTTP/1.1 400 Malformed\r\n\r\n");
                }
                return;
            }
        }
    }
}

struct Connection<'a> {
    stream: TcpStream,
    /// Bytes read that belong to the next request.
    buffer: Vec<u8>,
    shared: &'a Shared,
}

impl Connection<'_> {
    fn answer(&mut self, request: Received) -> Then {
        let came = request.at;
        let mut n = 0;
        self.shared.change(|log| {
            n = log.exchanges.len();
            log.exchanges.push((request.clone(), Progress::Answering));
        });
        let script = match catch_unwind(AssertUnwindSafe(|| (self.shared.handler)(&request, n))) {
            Ok(script) => script,
            Err(panic) => {
                self.shared.change(|log| log.panics.push(words_of(panic.as_ref())));
                Script::new(500).until_close()
            }
        };
        let (progress, then) = match self.play(&script, came, n) {
            Ok(then) => (Progress::Done, then),
            Err(Over::ClientLeft) => (Progress::Left(came.elapsed()), Then::Close),
            Err(_) => (Progress::Done, Then::Close),
        };
        self.shared.change(|log| log.exchanges[n].1 = progress);
        then
    }

    fn play(&mut self, script: &Script, came: Instant, n: usize) -> Result<Then, Over> {
        let mut head = Some(script.head_bytes());
        for step in &script.steps {
            match step {
                Step::Head => self.write(&head.take().unwrap_or_default())?,
                Step::Body(bytes) => {
                    let mut piece = head.take().unwrap_or_default();
                    piece.extend(script.framed(bytes));
                    self.write(&piece)?;
                }
                Step::Forever(bytes) => {
                    self.write(&head.take().unwrap_or_default())?;
                    let piece = script.framed(bytes);
                    while !self.shared.stopped() {
                        self.write(&piece)?;
                    }
                    return Err(Over::TestEnded);
                }
                Step::Dribble(pause, bytes) => {
                    self.write(&head.take().unwrap_or_default())?;
                    let piece = script.framed(bytes);
                    loop {
                        self.wait(Some(Instant::now() + *pause))?;
                        self.write(&piece)?;
                    }
                }
                Step::Sleep(time) => self.wait(Some(Instant::now() + *time))?,
                Step::At(time) => self.wait(Some(came + *time))?,
                Step::Hang => {
                    self.shared.change(|log| log.exchanges[n].1 = Progress::Hanging);
                    self.wait(None)?;
                }
                Step::Close => return Ok(Then::Close),
                Step::Reset => {
                    socket2::SockRef::from(&self.stream).set_linger(Some(Duration::ZERO)).unwrap();
                    return Ok(Then::Close);
                }
            }
        }
        let mut end = head.take().unwrap_or_default();
        if script.framing == Framing::Chunked {
            end.extend_from_slice(b"0\r\n\r\n");
        }
        self.write(&end)?;
        Ok(match script.framing {
            Framing::Length | Framing::Chunked => Then::Next,
            Framing::UntilClose | Framing::Raw => Then::Close,
        })
    }

    fn write(&mut self, bytes: &[u8]) -> Result<(), Over> {
        match self.stream.write_all(bytes) {
            Err(error) if is_departure(&error) => Err(Over::ClientLeft),
            // The client reads no more, and the test is over.
            Err(_) if self.shared.stopped() => Err(Over::TestEnded),
            other => {
                other.expect("the answer can be written");
                Ok(())
            }
        }
    }

    /// Waits until a point in time, or for ever; an error is what ended it early.
    fn wait(&self, until: Option<Instant>) -> Result<(), Over> {
        loop {
            let left = until.map_or(LOOK, |until| until.saturating_duration_since(Instant::now()));
            if left.is_zero() {
                return Ok(());
            }
            thread::sleep(left.min(LOOK));
            match self.over() {
                Over::Time => {}
                over => return Err(over),
            }
        }
    }

    /// Looks, without waiting, whether anything but time ends the wait.
    fn over(&self) -> Over {
        if self.shared.stopped() {
            return Over::TestEnded;
        }
        self.stream.set_nonblocking(true).unwrap();
        let seen = self.stream.peek(&mut [0]);
        self.stream.set_nonblocking(false).unwrap();
        match seen {
            Ok(0) => Over::ClientLeft,
            Err(error) if is_departure(&error) => Over::ClientLeft,
            _ => Over::Time,
        }
    }

    /// Reads the next request; none where the client closes the connection or
    /// the test ends.
    fn request(&mut self, connection: usize) -> io::Result<Option<Received>> {
        let head = loop {
            if let Some(end) = find(&self.buffer, b"\r\n\r\n") {
                break self.buffer.drain(..end + 4).collect::<Vec<_>>();
            }
            // A TLS handshake never gets as far as an empty line.
            if self.buffer.first().is_some_and(|byte| !byte.is_ascii_uppercase()) {
                return Err(malformed("no method"));
            }
            if !self.more()? {
                return Ok(None);
            }
        };
        let head = String::from_utf8(head).map_err(|_| malformed("the head is not UTF-8"))?;
        let mut lines = head.lines();
        let mut start = lines.next().unwrap_or_default().split(' ').map(str::to_owned);
        let (Some(method), Some(target)) = (start.next(), start.next()) else {
            return Err(malformed("no request line"));
        };
        let headers: Vec<_> = lines
            .filter_map(|line| line.split_once(':'))
            .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()))
            .collect();
        let value = |name: &str| headers.iter().find(|(known, _)| known == name).map(|(_, value)| value);
        let body = if value("transfer-encoding").is_some() {
            self.chunks()?
        } else {
            let length = value("content-length").map_or(Ok(0), |length| length.parse());
            self.take(length.map_err(|_| malformed("no length"))?)?
        };
        Ok(Some(Received { connection, method, target, headers, body, at: Instant::now() }))
    }

    fn chunks(&mut self) -> io::Result<Vec<u8>> {
        let mut body = Vec::new();
        loop {
            let end = loop {
                match find(&self.buffer, b"\r\n") {
                    Some(end) => break end,
                    None if self.more()? => {}
                    None => return Err(io::ErrorKind::UnexpectedEof.into()),
                }
            };
            let line = self.take(end + 2)?;
            let length =
                std::str::from_utf8(&line).ok().and_then(|line| usize::from_str_radix(line.trim(), 16).ok());
            let length = length.ok_or_else(|| malformed("no chunk length"))?;
            body.extend(self.take(length)?);
            self.take(2)?;
            if length == 0 {
                return Ok(body);
            }
        }
    }

    fn take(&mut self, length: usize) -> io::Result<Vec<u8>> {
        while self.buffer.len() < length {
            if !self.more()? {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
        Ok(self.buffer.drain(..length).collect())
    }

    /// Reads more bytes; false where none will come.
    fn more(&mut self) -> io::Result<bool> {
        let mut bytes = [0; 64 * 1024];
        self.stream.set_read_timeout(Some(LOOK))?;
        loop {
            match self.stream.read(&mut bytes) {
                Ok(read) => {
                    self.buffer.extend_from_slice(&bytes[..read]);
                    return Ok(read > 0);
                }
                Err(error) if is_departure(&error) => return Ok(false),
                Err(error) if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut) => {
                    if self.shared.stopped() {
                        return Ok(false);
                    }
                }
                Err(error) => return Err(error),
            }
        }
    }
}

fn malformed(why: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, why)
}

fn find(bytes: &[u8], wanted: &[u8]) -> Option<usize> {
    bytes.windows(wanted.len()).position(|window| window == wanted)
}

fn words_of(panic: &(dyn Any + Send)) -> String {
    panic
        .downcast_ref::<String>()
        .cloned()
        .or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()))
        .unwrap_or_else(|| "for no reason given".to_owned())
}
