//! Processes under a watchdog, on pipes or on a terminal.

use std::ffi::OsStr;
use std::fs::File;
use std::io::{Read, Write};
use std::os::unix::process::ExitStatusExt as _;
use std::path::PathBuf;
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use pty_process::blocking::Pty;
use rustix::process::{Pid, Signal, kill_process};

use super::capture::{Capture, CaptureState};
use super::{CommandOutput, DEADLINE, signals};

/// What a process gets as stdin.
enum Input {
    /// `/dev/null`, as under cron.
    Null,
    /// A pipe with these bytes, which then ends.
    Bytes(Vec<u8>),
    /// A pipe that stays open; see [`Running::send`].
    OpenPipe,
    /// A regular file.
    File(PathBuf),
    /// Nothing: the descriptor is closed.
    Closed,
}

/// A process about to run. Stdin is `/dev/null`, or the terminal if there is
/// one; stdout and stderr are read.
#[must_use = "run or spawn it"]
pub(crate) struct Run {
    command: Command,
    root: PathBuf,
    input: Option<Input>,
    terminal: Option<(u16, u16)>,
    pipe_stdout: bool,
    stdout_limit: Option<usize>,
    stdout_full: bool,
}

impl Run {
    pub(super) fn new(command: Command, root: PathBuf) -> Self {
        Self {
            command,
            root,
            input: None,
            terminal: None,
            pipe_stdout: false,
            stdout_limit: None,
            stdout_full: false,
        }
    }

    /// Adds an argument.
    pub(crate) fn arg(mut self, arg: impl AsRef<OsStr>) -> Self {
        self.command.arg(arg);
        self
    }

    /// Sets a variable.
    pub(crate) fn env(mut self, name: &str, value: impl AsRef<OsStr>) -> Self {
        self.command.env(name, value);
        self
    }

    /// Pipes bytes into stdin.
    pub(crate) fn stdin(self, bytes: impl Into<Vec<u8>>) -> Self {
        self.input(Input::Bytes(bytes.into()))
    }

    /// Keeps a pipe open on stdin.
    pub(crate) fn stdin_open(self) -> Self {
        self.input(Input::OpenPipe)
    }

    /// Opens a file as stdin.
    pub(crate) fn stdin_file(self, path: impl Into<PathBuf>) -> Self {
        self.input(Input::File(path.into()))
    }

    /// Closes stdin.
    pub(crate) fn stdin_closed(self) -> Self {
        self.input(Input::Closed)
    }

    fn input(mut self, input: Input) -> Self {
        self.input = Some(input);
        self
    }

    /// Runs on a terminal of this size, in a session of its own.
    pub(crate) fn terminal(mut self, columns: u16, rows: u16) -> Self {
        self.terminal = Some((columns, rows));
        self.command.env_remove("COLUMNS").env("TERM", "xterm-256color");
        self
    }

    /// Pipes stdout, though stdin and stderr are a terminal.
    pub(crate) fn pipe_stdout(mut self) -> Self {
        self.pipe_stdout = true;
        self
    }

    /// Closes the reading end of stdout after so many bytes, as `head -c` does.
    pub(crate) fn stdout_limit(mut self, bytes: usize) -> Self {
        self.stdout_limit = Some(bytes);
        self
    }

    /// Stdout is a file on a full disk.
    #[cfg(target_os = "linux")]
    pub(crate) fn stdout_full(mut self) -> Self {
        self.stdout_full = true;
        self
    }

    /// Runs to the end.
    #[track_caller]
    pub(crate) fn run(self) -> CommandOutput {
        self.spawn().finish()
    }

    /// Begins with a signal ignored, as under `nohup` (`HUP`) and in the
    /// background of a script (`INT`).
    #[cfg(target_os = "linux")]
    pub(crate) fn ignoring(mut self, signal: &str) -> Self {
        self.command = in_shell(&self.command, &format!(r#"trap '' {signal}; exec "$0" "$@""#));
        self
    }

    /// Starts it.
    #[track_caller]
    pub(crate) fn spawn(mut self) -> Running {
        signals::unignore();
        if matches!(self.input, Some(Input::Closed)) {
            // Which only a shell can do safely.
            self.command = in_shell(&self.command, r#"exec "$0" "$@" <&-"#);
        }
        match self.terminal {
            None => self.spawn_on_pipes(),
            Some((columns, rows)) => self.spawn_on_terminal(pty_process::Size::new(rows, columns)),
        }
    }

    fn spawn_on_pipes(mut self) -> Running {
        let input = self.input.unwrap_or(Input::Null);
        self.command.stdin(input.stdio()).stdout(Stdio::piped()).stderr(Stdio::piped());
        if self.stdout_full {
            self.command.stdout(std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap());
        }
        let mut child = self.command.spawn().unwrap();
        let stdout = match child.stdout.take() {
            Some(pipe) => Capture::of(pipe, self.stdout_limit),
            None => Capture::of(std::io::empty(), None),
        };
        let stderr = Capture::of(child.stderr.take().unwrap(), None);
        let stdin = input.feed(child.stdin.take());
        Running::new(child, self.root, stdin.map(Keyboard::Pipe), stdout, stderr)
    }

    fn spawn_on_terminal(self, size: pty_process::Size) -> Running {
        let (pty, pts) = pty_process::blocking::open().unwrap();
        pty.resize(size).unwrap();
        let mut command = pty_process::blocking::Command::from(self.command);
        if let Some(input) = &self.input {
            command = command.stdin(input.stdio());
        }
        if self.pipe_stdout {
            command = command.stdout(Stdio::piped());
        }
        let mut child = command.spawn(pts).unwrap();
        let pty = Arc::new(pty);
        let shown = Capture::of(Screen(Arc::clone(&pty)), None);
        let piped = child.stdin.take();
        let keyboard = match self.input {
            Some(input) => input.feed(piped).map(Keyboard::Pipe),
            None => Some(Keyboard::Terminal(pty)),
        };
        let (stdout, stderr) = match child.stdout.take() {
            Some(stdout) => (Capture::of(stdout, self.stdout_limit), shown),
            None => (shown, Capture::of(std::io::empty(), None)),
        };
        Running::new(child, self.root, keyboard, stdout, stderr)
    }
}

/// The same command as `"$0" "$@"` of a shell's script.
fn in_shell(command: &Command, script: &str) -> Command {
    let mut shell = Command::new("/bin/sh");
    shell.args(["-c", script]).arg(command.get_program()).args(command.get_args());
    shell.env_clear().envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
    if let Some(folder) = command.get_current_dir() {
        shell.current_dir(folder);
    }
    shell
}

impl Input {
    fn stdio(&self) -> Stdio {
        match self {
            Self::Null | Self::Closed => Stdio::null(),
            Self::Bytes(_) | Self::OpenPipe => Stdio::piped(),
            Self::File(path) => File::open(path).unwrap().into(),
        }
    }

    /// Writes what is known beforehand; the pipe comes back if it stays open.
    fn feed(self, pipe: Option<ChildStdin>) -> Option<ChildStdin> {
        let mut pipe = pipe?;
        match self {
            Self::Bytes(bytes) => {
                // On a thread, since a process may write before it reads. It may
                // also never read, which is the test's affair.
                thread::spawn(move || pipe.write_all(&bytes));
                None
            }
            _ => Some(pipe),
        }
    }
}

/// Where a test types.
enum Keyboard {
    Pipe(ChildStdin),
    Terminal(Arc<Pty>),
}

/// The reading end of a terminal. When the last process has left it, reading
/// fails with EIO on Linux, which is its end.
struct Screen(Arc<Pty>);

impl Read for Screen {
    fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
        match (&*self.0).read(into) {
            Err(error) if error.raw_os_error() == Some(rustix::io::Errno::IO.raw_os_error()) => Ok(0),
            other => other,
        }
    }
}

/// A running process. It is killed where a test ends before it.
#[must_use = "finish it"]
pub(crate) struct Running {
    child: Child,
    root: PathBuf,
    keyboard: Option<Keyboard>,
    stdout: Capture,
    stderr: Capture,
    until: Instant,
}

impl Running {
    fn new(
        child: Child,
        root: PathBuf,
        keyboard: Option<Keyboard>,
        stdout: Capture,
        stderr: Capture,
    ) -> Self {
        Self { child, root, keyboard, stdout, stderr, until: Instant::now() + DEADLINE }
    }

    /// Writes to an open stdin, or types on the terminal.
    pub(crate) fn send(&mut self, text: &str) {
        match self.keyboard.as_mut().expect("stdin is open") {
            Keyboard::Pipe(pipe) => pipe.write_all(text.as_bytes()).unwrap(),
            Keyboard::Terminal(pty) => (&**pty).write_all(text.as_bytes()).unwrap(),
        }
    }

    /// Ends an open stdin.
    pub(crate) fn close_stdin(&mut self) {
        self.keyboard = None;
    }

    /// Waits until this was written to stdout.
    #[track_caller]
    pub(crate) fn wait_for_stdout(&mut self, text: &str) {
        let found = self.stdout.wait(self.until, |state| contains(&state.bytes, text));
        assert!(found, "`{text}` never came\n{}", self.output(None));
    }

    /// Waits until this was written to stderr.
    #[track_caller]
    pub(crate) fn wait_for_stderr(&mut self, text: &str) {
        let found = self.stderr.wait(self.until, |state| contains(&state.bytes, text));
        assert!(found, "`{text}` never came\n{}", self.output(None));
    }

    /// Waits until what was written to stderr has what is looked for, and takes it.
    #[track_caller]
    pub(crate) fn find_in_stderr<T>(&mut self, find: impl Fn(&str) -> Option<T>) -> T {
        let find = |state: &CaptureState| find(&String::from_utf8_lossy(&state.bytes));
        let found = self.stderr.find(self.until, find);
        found.unwrap_or_else(|| panic!("it never came\n{}", self.output(None)))
    }

    /// Makes its terminal larger or smaller.
    pub(crate) fn resize(&self, columns: u16, rows: u16) {
        let Some(Keyboard::Terminal(pty)) = &self.keyboard else { panic!("there is no terminal") };
        pty.resize(pty_process::Size::new(rows, columns)).unwrap();
    }

    /// Interrupts it, as Ctrl-C does.
    pub(crate) fn interrupt(&self) {
        self.signal(Signal::INT);
    }

    /// Asks it to end, as `kill` and `timeout` do.
    pub(crate) fn terminate(&self) {
        self.signal(Signal::TERM);
    }

    /// Tells it that its terminal is gone, as the kernel does, and the shell too.
    pub(crate) fn hang_up(&self) {
        self.signal(Signal::HUP);
        self.signal(Signal::HUP);
    }

    /// Kills it at once.
    pub(crate) fn kill(&self) {
        self.signal(Signal::KILL);
    }

    fn signal(&self, signal: Signal) {
        let id = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw).unwrap();
        kill_process(id, signal).unwrap();
    }

    /// Waits for the end and for all output.
    #[track_caller]
    pub(crate) fn finish(mut self) -> CommandOutput {
        if matches!(self.keyboard, Some(Keyboard::Pipe(_))) {
            self.keyboard = None;
        }
        let status = loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                break status;
            }
            assert!(Instant::now() < self.until, "it did not end in time\n{}", self.output(None));
            thread::sleep(Duration::from_millis(2));
        };
        let ended = |capture: &Capture| capture.wait(self.until, |state| state.ended);
        assert!(
            ended(&self.stdout) && ended(&self.stderr),
            "something else still holds its output\n{}",
            self.output(Some(status))
        );
        self.output(Some(status))
    }

    fn output(&self, status: Option<ExitStatus>) -> CommandOutput {
        CommandOutput::new(
            &self.root,
            self.stdout.so_far(),
            &self.stderr.so_far(),
            status.and_then(|status| status.code()),
            status.and_then(|status| status.signal()),
        )
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // Both fail where it has ended already, which is as good.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn contains(bytes: &[u8], text: &str) -> bool {
    bytes.windows(text.len()).any(|window| window == text.as_bytes())
}
