//! Standard input: what it is, and how to wait for it.

use std::io::{self, IsTerminal as _, Read};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::Duration;

/// How long a pipe may stay silent before the user is told.
const PATIENCE: Duration = Duration::from_secs(2);

/// Read at once from stdin, in bytes.
const CHUNK: usize = 64 * 1024;

/// What stdin is, as far as a prompt is concerned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stdin {
    /// Someone would have to type.
    Terminal,
    /// A device such as `/dev/null`, a socket, a folder, or nothing at all.
    Ignored,
    /// A pipe or a regular file.
    Readable,
}

/// Where the bytes of stdin come from.
pub trait StdinSource {
    /// What stdin is.
    fn kind(&self) -> Stdin;

    /// Reads to the end, or until more than `limit` bytes came, whatever stdin
    /// is. `silent` is called once when it stays open and nothing comes.
    ///
    /// # Errors
    /// Where reading fails.
    fn read(&mut self, limit: usize, silent: &mut dyn FnMut()) -> io::Result<Vec<u8>>;
}

/// The stdin of this process.
#[derive(Clone, Copy, Debug)]
pub struct ProcessStdin;

impl StdinSource for ProcessStdin {
    fn kind(&self) -> Stdin {
        if io::stdin().is_terminal() { Stdin::Terminal } else { kind_of_stdin() }
    }

    fn read(&mut self, limit: usize, silent: &mut dyn FnMut()) -> io::Result<Vec<u8>> {
        read_patiently(io::stdin(), limit, PATIENCE, silent)
    }
}

#[cfg(unix)]
fn kind_of_stdin() -> Stdin {
    use rustix::fs::FileType;

    match rustix::fs::fstat(rustix::stdio::stdin()).map(|stat| FileType::from_raw_mode(stat.st_mode)) {
        Ok(FileType::Fifo | FileType::RegularFile) => Stdin::Readable,
        _ => Stdin::Ignored,
    }
}

#[cfg(windows)]
fn kind_of_stdin() -> Stdin {
    use winapi_util::{HandleRef, file};

    match file::typ(HandleRef::stdin()) {
        Ok(kind) if kind.is_pipe() || kind.is_disk() => Stdin::Readable,
        _ => Stdin::Ignored,
    }
}

/// Reads on a thread of its own, so that silence can be noticed. The thread is
/// never joined: where the process ends before the pipe, it ends with it.
fn read_patiently(
    mut from: impl Read + Send + 'static,
    limit: usize,
    patience: Duration,
    silent: &mut dyn FnMut(),
) -> io::Result<Vec<u8>> {
    let (send, chunks) = mpsc::sync_channel::<io::Result<Vec<u8>>>(4);
    thread::Builder::new().name("stdin".to_owned()).spawn(move || {
        loop {
            let mut chunk = vec![0; CHUNK];
            let read = match from.read(&mut chunk) {
                Ok(0) => return,
                Ok(len) => {
                    chunk.truncate(len);
                    Ok(chunk)
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => Err(error),
            };
            let last = read.is_err();
            if send.send(read).is_err() || last {
                return;
            }
        }
    })?;
    let mut bytes = match chunks.recv_timeout(patience) {
        Ok(chunk) => chunk?,
        Err(RecvTimeoutError::Timeout) => {
            silent();
            Vec::new()
        }
        Err(RecvTimeoutError::Disconnected) => return Ok(Vec::new()),
    };
    while bytes.len() <= limit {
        match chunks.recv() {
            Ok(chunk) => bytes.extend(chunk?),
            Err(_) => break,
        }
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Long enough that no test waits for it.
    const NEVER: Duration = Duration::from_secs(600);

    struct Parts(Vec<io::Result<&'static str>>);

    impl Read for Parts {
        fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
            if self.0.is_empty() {
                return Ok(0);
            }
            let part = self.0.remove(0)?;
            into[..part.len()].copy_from_slice(part.as_bytes());
            Ok(part.len())
        }
    }

    fn silence_is_wrong() -> impl FnMut() {
        || panic!("nothing was silent")
    }

    #[test]
    fn all_of_it_is_read_in_order() {
        let parts = Parts(vec![
            Ok("one "),
            Err(io::Error::from(io::ErrorKind::Interrupted)),
            Ok("two "),
            Ok("three"),
        ]);
        let bytes = read_patiently(parts, 100, NEVER, &mut silence_is_wrong()).unwrap();
        assert_eq!(String::from_utf8(bytes).unwrap(), "one two three");
    }

    #[test]
    fn nothing_is_an_empty_text_without_notice() {
        let bytes = read_patiently(io::empty(), 100, NEVER, &mut silence_is_wrong()).unwrap();
        assert_eq!(bytes, b"");
    }

    #[test]
    fn an_endless_stream_ends_at_the_limit() {
        let bytes = read_patiently(io::repeat(b'x'), 1000, NEVER, &mut silence_is_wrong()).unwrap();
        assert!(bytes.len() > 1000 && bytes.len() <= 1000 + CHUNK);
    }

    #[test]
    fn a_failure_is_reported() {
        let parts = Parts(vec![Ok("some"), Err(io::Error::other("gone"))]);
        let error = read_patiently(parts, 100, NEVER, &mut silence_is_wrong()).unwrap_err();
        assert_eq!(error.to_string(), "gone");
    }

    #[test]
    fn silence_is_noticed_once_and_then_waited_out() {
        struct Gate(mpsc::Receiver<&'static str>);
        impl Read for Gate {
            fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
                let part = self.0.recv().unwrap_or_default();
                into[..part.len()].copy_from_slice(part.as_bytes());
                Ok(part.len())
            }
        }
        // Nothing comes before the notice, so the outcome depends on no clock.
        let (open, gate) = mpsc::channel();
        let mut open = Some(open);
        let mut silent = || {
            let open = open.take().expect("the notice is given once");
            open.send("late ").unwrap();
            open.send("text").unwrap();
        };
        let bytes = read_patiently(Gate(gate), 100, Duration::from_millis(1), &mut silent).unwrap();
        assert_eq!(bytes, b"late text");
    }
}
