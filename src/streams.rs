//! The only file that opens stdout and stderr.
//!
//! stdout carries the answer or the data, stderr everything else. A reader that
//! closes the pipe is no error: the writer says so once, and the command ends
//! quietly.

use std::fs::File;
use std::io::{self, Write};
use std::sync::{Mutex, PoisonError};

use indicatif::ProgressBar;

/// Standard output without a buffer between: one `write` is one system call.
pub struct Stdout {
    file: Option<File>,
}

/// What became of a write to stdout.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Written {
    /// It is out.
    Ok,
    /// The reader is gone, now or since an earlier write.
    Closed,
}

impl Stdout {
    /// Opens standard output; a process started without one has a closed reader.
    pub fn open() -> Self {
        Self { file: duplicate().ok() }
    }

    /// Writes all of it at once.
    ///
    /// # Errors
    /// Where the text can't be written for another reason than a closed pipe: a full disk, say.
    pub fn write(&mut self, bytes: &[u8]) -> io::Result<Written> {
        let Some(file) = &mut self.file else { return Ok(Written::Closed) };
        match file.write_all(bytes) {
            Ok(()) => Ok(Written::Ok),
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => {
                self.file = None;
                Ok(Written::Closed)
            }
            Err(error) => Err(error),
        }
    }
}

/// Standard output for commands that print tables and lists, gathered into
/// large writes. Flush it at the end; what is written to a closed one is dropped.
pub fn buffered_stdout() -> Box<dyn Write> {
    match duplicate() {
        Ok(file) => Box::new(io::BufWriter::new(file)),
        Err(_) => Box::new(io::sink()),
    }
}

/// Standard error as a writer.
pub struct Stderr;

impl Write for Stderr {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        io::stderr().lock().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(unix)]
fn duplicate() -> io::Result<File> {
    use std::os::fd::AsFd as _;
    Ok(File::from(io::stdout().as_fd().try_clone_to_owned()?))
}

#[cfg(windows)]
fn duplicate() -> io::Result<File> {
    use std::os::windows::io::AsHandle as _;
    Ok(File::from(io::stdout().as_handle().try_clone_to_owned()?))
}

/// What is redrawn on the terminal's last lines at the moment.
static BELOW: Mutex<Option<ProgressBar>> = Mutex::new(None);

/// From now on what is said on stderr stands above a bar that is being redrawn,
/// and `None`: no longer. Without it the bar would be left behind.
pub fn say_above(bar: Option<ProgressBar>) {
    *BELOW.lock().unwrap_or_else(PoisonError::into_inner) = bar;
}

/// Writes to stderr. Where even that fails there is nobody left to tell.
pub fn stderr(text: &str) {
    let write = || io::stderr().lock().write_all(text.as_bytes());
    let bar = BELOW.lock().unwrap_or_else(PoisonError::into_inner).clone();
    let _ = match bar {
        Some(bar) => bar.suspend(write),
        None => write(),
    };
}

/// Calls `gone` once the reader of stdout has closed the pipe, so that a call
/// whose answer nobody reads ends at once and not at its next word. Does
/// nothing where stdout is no pipe.
#[cfg(unix)]
pub fn when_reader_leaves(gone: impl FnOnce() + Send + 'static) {
    use rustix::event::{PollFd, PollFlags, poll};
    let Ok(file) = duplicate() else { return };
    let is_pipe = rustix::fs::fstat(&file)
        .is_ok_and(|stat| rustix::fs::FileType::from_raw_mode(stat.st_mode) == rustix::fs::FileType::Fifo);
    if !is_pipe {
        return;
    }
    let watch = move || {
        loop {
            // No events asked for: only errors and hang-ups are reported.
            let mut fds = [PollFd::new(&file, PollFlags::empty())];
            match poll(&mut fds, None) {
                Ok(_) if fds[0].revents().intersects(PollFlags::ERR | PollFlags::HUP) => return gone(),
                Ok(_) | Err(rustix::io::Errno::INTR) => {}
                Err(_) => return,
            }
        }
    };
    // Without a thread the next write finds out.
    let _ = std::thread::Builder::new().name("pipe watch".into()).stack_size(64 * 1024).spawn(watch);
}

/// Whether the reader of stdout has closed the pipe.
#[cfg(unix)]
pub fn reader_is_gone() -> bool {
    use rustix::event::{PollFd, PollFlags, Timespec, poll};
    let Ok(file) = duplicate() else { return true };
    let mut fds = [PollFd::new(&file, PollFlags::empty())];
    let at_once = Timespec { tv_sec: 0, tv_nsec: 0 };
    poll(&mut fds, Some(&at_once)).is_ok() && fds[0].revents().intersects(PollFlags::ERR)
}

/// On Windows only a write can tell.
#[cfg(windows)]
pub fn reader_is_gone() -> bool {
    false
}

/// On Windows the next write finds out.
#[cfg(windows)]
pub fn when_reader_leaves(_gone: impl FnOnce() + Send + 'static) {}
