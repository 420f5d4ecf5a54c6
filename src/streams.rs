//! The only file that opens stdout and stderr.
//!
//! stdout carries the answer or the data, stderr everything else. A reader that
//! closes the pipe is no error: the writer says so once, and the command ends
//! quietly.

use std::io::{self, IsTerminal as _, Write};
use std::sync::{Mutex, PoisonError};

/// Standard output without a buffer between: one `write` is one system call.
pub struct Stdout {
    file: Option<Direct>,
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
        Self { file: direct().ok() }
    }

    /// Writes all of it at once.
    ///
    /// # Errors
    /// Where the text can't be written for another reason than a closed pipe: a full disk, say.
    pub fn write(&mut self, bytes: &[u8]) -> io::Result<Written> {
        let Some(file) = &mut self.file else { return Ok(Written::Closed) };
        match file.write_all(bytes) {
            Ok(()) => Ok(Written::Ok),
            Err(error) if is_closed(&error) => {
                self.file = None;
                Ok(Written::Closed)
            }
            Err(error) => Err(error),
        }
    }
}

/// Whether a write failed only because the reader is gone.
pub fn is_closed(error: &io::Error) -> bool {
    // ERROR_PIPE_NOT_CONNECTED, for which the standard library has no kind: pipes of
    // some shells on Windows end so.
    error.kind() == io::ErrorKind::BrokenPipe || cfg!(windows) && error.raw_os_error() == Some(233)
}

/// Standard output for commands that print tables and lists, gathered into
/// large writes. Flush it at the end; what is written to a closed one is dropped.
pub fn buffered_stdout() -> Box<dyn Write> {
    match direct() {
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

/// Whether stdout is a terminal that knows control sequences (but for `TERM`).
pub fn stdout_is_terminal() -> bool {
    io::stdout().is_terminal() && knows_control_sequences(&io::stdout())
}

/// Whether stderr is a terminal that knows control sequences (but for `TERM`).
pub fn stderr_is_terminal() -> bool {
    io::stderr().is_terminal() && knows_control_sequences(&io::stderr())
}

#[cfg(unix)]
fn knows_control_sequences(_: &impl std::os::fd::AsFd) -> bool {
    true
}

/// A Windows console has to be asked for them, and one before Windows 10 refuses.
/// A terminal that is no console (mintty behind a named pipe) knows them.
#[cfg(windows)]
fn knows_control_sequences(stream: &impl winapi_util::AsHandleRef) -> bool {
    use winapi_util::console::{mode, set_mode};
    /// `ENABLE_VIRTUAL_TERMINAL_PROCESSING` of the console API (`SetConsoleMode`).
    const SEQUENCES: u32 = 0x0004;
    mode(stream.as_handle_ref()).map_or(true, |now| set_mode(stream.as_handle_ref(), now | SEQUENCES).is_ok())
}

#[cfg(unix)]
type Direct = std::fs::File;

#[cfg(unix)]
fn direct() -> io::Result<Direct> {
    use std::os::fd::AsFd as _;
    Ok(Direct::from(io::stdout().as_fd().try_clone_to_owned()?))
}

/// Standard output by way of the standard library: a Windows console takes
/// UTF-16, and bytes written to its handle would be read in the console's own
/// code page.
#[cfg(windows)]
struct Direct(io::Stdout);

#[cfg(windows)]
impl Write for Direct {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut stdout = self.0.lock();
        let count = stdout.write(bytes)?;
        stdout.flush()?;
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.lock().flush()
    }
}

#[cfg(windows)]
fn direct() -> io::Result<Direct> {
    Ok(Direct(io::stdout()))
}

/// The lines that stand below everything else on the terminal, and change.
static BELOW: Mutex<Vec<String>> = Mutex::new(Vec::new());

/// Takes away so many lines, of which the cursor is at the beginning of the
/// first, and what a narrower terminal made of them (ECMA-48: EL, CUF, ED, CUU).
///
/// The last step begins behind the first letter of a line: terminals that are
/// told to erase all of the screen put it into their history instead.
fn erased(lines: usize) -> String {
    let others = "\r\n\x1b[2K".repeat(lines.saturating_sub(1));
    let back = if lines > 1 { format!("\x1b[{}A", lines - 1) } else { String::new() };
    format!("\r\x1b[2K{others}\x1b[C\x1b[J\r{back}")
}

/// How many lines can stand below, and how wide they may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Room {
    /// Columns of a line.
    pub columns: usize,
    /// Lines.
    pub lines: usize,
}

/// The room on the terminal that stderr is, at this moment and within a width.
///
/// A column stays free, since some terminals begin a new line behind the last,
/// and a row, since drawing on the last would move all others up.
pub fn room_below(width: usize) -> Room {
    let size = terminal_size::terminal_size_of(io::stderr());
    let (columns, rows) =
        size.map_or((0, 0), |(columns, rows)| (usize::from(columns.0), usize::from(rows.0)));
    // Some terminals report zero, which means that they don't know.
    let columns = if columns == 0 { width } else { columns.min(width) };
    let rows = if rows == 0 { 24 } else { rows };
    Room { columns: columns.saturating_sub(1), lines: rows - 1 }
}

/// Shows these lines on stderr, a terminal, in place of those shown before, or
/// takes them away where there are none. They must have [`Room`].
///
/// The cursor rests at the beginning of the first line, so that the `^C` of an
/// interrupt moves nothing, and what is left behind is always nothing.
pub fn show_below(lines: Vec<String>) {
    let mut below = BELOW.lock().unwrap_or_else(PoisonError::into_inner);
    if lines != *below {
        let _ = io::stderr().lock().write_all(format!("{}{}", erased(below.len()), drawn(&lines)).as_bytes());
        *below = lines;
    }
}

/// The lines, and the way back to the beginning of the first.
fn drawn(lines: &[String]) -> String {
    match lines.len() {
        0 => String::new(),
        1 => format!("{}\r", lines[0]),
        count => format!("{}\r\x1b[{}A", lines.join("\r\n"), count - 1),
    }
}

/// Writes to stderr, above the lines that stand below. Where even that fails
/// there is nobody left to tell.
pub fn stderr(text: &str) {
    let below = BELOW.lock().unwrap_or_else(PoisonError::into_inner);
    let _ = if below.is_empty() {
        io::stderr().lock().write_all(text.as_bytes())
    } else {
        io::stderr().lock().write_all(format!("{}{text}{}", erased(below.len()), drawn(&below)).as_bytes())
    };
}

/// Says why the process ends at once, over what is drawn below. Waits for no
/// other part of the process: it may be the one that failed.
pub fn last_words(text: &str) {
    let over = match BELOW.try_lock() {
        Ok(below) if !below.is_empty() => erased(below.len()),
        _ => String::new(),
    };
    let _ = io::stderr().lock().write_all(format!("{over}{text}").as_bytes());
}

/// What to ask `poll` for about the writing end of a pipe. Linux reports that
/// the reader is gone whatever is asked; macOS and illumos only where something
/// is asked for, and this never happens to a pipe (as coreutils' `iopoll.c`
/// found out).
#[cfg(unix)]
const NEVER: rustix::event::PollFlags = rustix::event::PollFlags::RDBAND;

/// The reader of a pipe is gone: an error on Linux, a hang-up elsewhere.
#[cfg(unix)]
fn is_unread(events: rustix::event::PollFlags) -> bool {
    use rustix::event::PollFlags;
    events.intersects(PollFlags::ERR | PollFlags::HUP)
}

/// Calls `gone` once the reader of stdout has closed the pipe, so that a call
/// whose answer nobody reads ends at once and not at its next word. Does
/// nothing where stdout is no pipe.
#[cfg(unix)]
pub fn when_reader_leaves(gone: impl FnOnce() + Send + 'static) {
    use rustix::event::{PollFd, poll};
    let Ok(file) = direct() else { return };
    let is_pipe = rustix::fs::fstat(&file)
        .is_ok_and(|stat| rustix::fs::FileType::from_raw_mode(stat.st_mode) == rustix::fs::FileType::Fifo);
    if !is_pipe {
        return;
    }
    let watch = move || {
        loop {
            let mut fds = [PollFd::new(&file, NEVER)];
            match poll(&mut fds, None) {
                Ok(_) if is_unread(fds[0].revents()) => return gone(),
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
    use rustix::event::{PollFd, Timespec, poll};
    let Ok(file) = direct() else { return true };
    let mut fds = [PollFd::new(&file, NEVER)];
    let at_once = Timespec { tv_sec: 0, tv_nsec: 0 };
    poll(&mut fds, Some(&at_once)).is_ok() && is_unread(fds[0].revents())
}

/// On Windows only a write can tell.
#[cfg(windows)]
pub fn reader_is_gone() -> bool {
    false
}

/// On Windows the next write finds out.
#[cfg(windows)]
pub fn when_reader_leaves(_gone: impl FnOnce() + Send + 'static) {}
