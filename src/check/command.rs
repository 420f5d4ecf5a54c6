//! `cmd:COMMAND`: a command of the user's that judges an answer.
//!
//! It runs in the shell, with the answer on stdin as `pollm ask` writes it to a
//! pipe: a newline is added where none ends it. It has the user's environment
//! but for the variables that hold API keys. Models write what it reads, and
//! where that is code, the command may run it (`cmd:python3 -`). This is no
//! sandbox; it keeps keys out of dumps, logs and messages.

use std::io::{BufRead as _, BufReader, Read, Write as _};
use std::process::{self, Child, ExitStatus, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::{Duration, Instant};

use super::Stopped;
use crate::error::{Error, Result};
use crate::render::filter::clean_line;

/// How long a command may take.
pub(super) const TIME_LIMIT: Duration = Duration::from_secs(60);

/// How long to wait for the rest of the output of a command that has ended.
/// Only what it left running in the background can make this wait.
const LAST_WORDS: Duration = Duration::from_secs(1);

/// Output is read to its end, so that the command isn't stopped by a closed
/// pipe; a message is looked for in so many bytes.
const MOST_OUTPUT: u64 = 16 * 1024;

/// The longest message taken from a command, in characters.
const LONGEST: usize = 200;

/// A command that can be run.
#[derive(Clone, Debug)]
pub(super) struct Command {
    script: String,
    hidden: Vec<String>,
    limit: Duration,
}

impl Command {
    /// Takes a command after a try whether the shell understands it and finds
    /// its first word. `hidden` are names of variables it does not inherit.
    pub(super) fn new(script: &str, hidden: &[String]) -> Result<Self> {
        let fault = fault(script);
        if let Some(fault) = fault {
            return Err(Error::usage(format!("invalid check `cmd:{script}`: {fault}")));
        }
        Ok(Self { script: script.to_owned(), hidden: hidden.to_vec(), limit: TIME_LIMIT })
    }

    /// Runs the command; why the answer fails.
    pub(super) fn failure(
        &self,
        answer: &str,
        stop: &AtomicBool,
    ) -> std::result::Result<Option<String>, Stopped> {
        self.run(answer, stop).unwrap_or_else(|error| Ok(Some(format!("the command can't be run: {error}"))))
    }

    fn run(
        &self,
        answer: &str,
        stop: &AtomicBool,
    ) -> std::io::Result<std::result::Result<Option<String>, Stopped>> {
        let mut command = shell(&self.script);
        for name in &self.hidden {
            command.env_remove(name);
        }
        let mut child =
            command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
        feed(&mut child, answer);
        let stderr = first_line(child.stderr.take());
        let stdout = first_line(child.stdout.take());
        let status = match wait(&mut child, self.limit, stop)? {
            Waited::Ended(status) => status,
            Waited::TooLong => {
                return Ok(Ok(Some(format!("it took longer than {} s", self.limit.as_secs_f64()))));
            }
            Waited::Stopped => return Ok(Err(Stopped)),
        };
        if status.success() {
            return Ok(Ok(None));
        }
        let mut said = [stderr, stdout].into_iter().filter_map(|line| line.recv_timeout(LAST_WORDS).ok());
        let said = said.find(|line| !line.is_empty());
        Ok(Ok(Some(said.map_or_else(|| status.to_string(), |line| format!("{line} ({status})")))))
    }
}

#[cfg(unix)]
fn shell(script: &str) -> process::Command {
    use std::os::unix::process::CommandExt as _;

    let mut command = process::Command::new("sh");
    // A group of its own: what the shell starts can be ended along with it.
    command.args(["-c", script]).process_group(0);
    command
}

#[cfg(windows)]
fn shell(script: &str) -> process::Command {
    use std::os::windows::process::CommandExt as _;

    // `/D`: nothing of the registry runs first; `/S`: the outer quotes go, the rest stays as it is.
    let mut command = process::Command::new("cmd");
    command.args(["/D", "/S", "/C"]).raw_arg(format!("\"{script}\""));
    command
}

/// Why a command can't be run, as far as that shows without running it: its
/// syntax, and its first word where that is a plain one.
#[cfg(unix)]
fn fault(script: &str) -> Option<String> {
    let quietly = |arguments: &[&str]| {
        process::Command::new("sh").args(arguments).stdin(Stdio::null()).stdout(Stdio::null()).output()
    };
    match quietly(&["-n", "-c", script]) {
        Err(error) => return Some(format!("the shell can't be run: {error}")),
        Ok(tried) if !tried.status.success() => {
            return Some(message(&tried.stderr).unwrap_or_else(|| tried.status.to_string()));
        }
        Ok(_) => {}
    }
    let word = script.split_whitespace().next().unwrap_or_default();
    let is_plain = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '+' | '.' | '/');
    if word.is_empty() {
        return Some("it is empty".to_owned());
    }
    if !word.chars().all(is_plain) {
        return None;
    }
    let found = quietly(&["-c", "command -v -- \"$1\"", "sh", word]);
    let is_missing = found.is_ok_and(|found| !found.status.success());
    is_missing.then(|| format!("there is no command `{word}`"))
}

#[cfg(windows)]
fn fault(script: &str) -> Option<String> {
    script.trim().is_empty().then(|| "it is empty".to_owned())
}

/// Writes the answer, on a thread, since the command need not read it.
fn feed(child: &mut Child, answer: &str) {
    let Some(mut stdin) = child.stdin.take() else {
        return;
    };
    let mut answer = answer.to_owned();
    if !answer.ends_with('\n') {
        answer.push('\n');
    }
    // A command that has seen enough closes the pipe, which is no fault.
    thread::spawn(move || stdin.write_all(answer.as_bytes()));
}

/// Reads on a thread; the first line that says something, empty where none does.
/// The thread is never joined: what the command left running in the background
/// may keep the pipe open.
fn first_line(pipe: Option<impl Read + Send + 'static>) -> Receiver<String> {
    let (sender, receiver) = mpsc::channel();
    if let Some(pipe) = pipe {
        thread::spawn(move || {
            let mut pipe = BufReader::new(pipe).take(MOST_OUTPUT);
            let mut line = Vec::new();
            while pipe.read_until(b'\n', &mut line).is_ok_and(|len| len > 0) && message(&line).is_none() {
                line.clear();
            }
            let _ = sender.send(message(&line).unwrap_or_default());
            let _ = std::io::copy(&mut pipe.into_inner(), &mut std::io::sink());
        });
    }
    receiver
}

/// The first line that is not blank, without anything that drives a terminal.
fn message(output: &[u8]) -> Option<String> {
    let text = String::from_utf8_lossy(output);
    let line = text.lines().map(clean_line).find(|line| !line.trim().is_empty())?;
    let mut short: String = line.chars().take(LONGEST).collect();
    if line.chars().nth(LONGEST).is_some() {
        short.push('…');
    }
    Some(short)
}

enum Waited {
    Ended(ExitStatus),
    TooLong,
    Stopped,
}

/// Waits for the end; past the limit, or once `stop` is set, the command is
/// killed with all that it started.
fn wait(child: &mut Child, limit: Duration, stop: &AtomicBool) -> std::io::Result<Waited> {
    let begin = Instant::now();
    let mut pause = Duration::from_millis(1);
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(Waited::Ended(status));
        }
        let is_stopped = stop.load(Ordering::Relaxed);
        if is_stopped || begin.elapsed() >= limit {
            kill(child)?;
            child.wait()?;
            return Ok(if is_stopped { Waited::Stopped } else { Waited::TooLong });
        }
        thread::sleep(pause);
        pause = (pause * 2).min(Duration::from_millis(20));
    }
}

#[cfg(unix)]
fn kill(child: &Child) -> std::io::Result<()> {
    use rustix::process::{Pid, Signal, kill_process_group};

    match i32::try_from(child.id()).ok().and_then(Pid::from_raw) {
        Some(group) => Ok(kill_process_group(group, Signal::KILL)?),
        None => Ok(()),
    }
}

/// `cmd` and all that descends from it, as far as their parents still live:
/// Windows has no process groups, and its jobs are out of reach of safe code.
#[cfg(windows)]
fn kill(child: &mut Child) -> std::io::Result<()> {
    let id = child.id().to_string();
    let taskkill = process::Command::new("taskkill")
        .args(["/T", "/F", "/PID", &id])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    if taskkill.is_ok_and(|status| status.success()) { Ok(()) } else { child.kill() }
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use super::*;

    fn said(script: &str, answer: &str) -> Option<String> {
        Command::new(script, &[]).unwrap().failure(answer, &AtomicBool::new(false)).unwrap()
    }

    fn refused(script: &str) -> String {
        Command::new(script, &[]).unwrap_err().message
    }

    #[test]
    fn exit_0_passes_and_else_the_first_line_says_why() {
        assert_eq!(said("grep -q apple", "an apple"), None);
        assert_eq!(said("grep -q apple", "a pear").unwrap(), "exit status: 1");
        assert_eq!(
            said("echo; echo two words >&2; echo out; exit 3", "").unwrap(),
            "two words (exit status: 3)"
        );
        assert_eq!(said("echo; echo ' out '; exit 1", "").unwrap(), "out (exit status: 1)");
        assert_eq!(said("kill -9 $$", "").unwrap(), "signal: 9 (SIGKILL)");
        let hostile = "printf 'a\\033[31mb\\033]0;t\\007c\\377\\n' >&2; exit 1";
        assert_eq!(said(hostile, "").unwrap(), "abc\u{fffd} (exit status: 1)");
        let long = said("printf '%0300d' 7; exit 1", "").unwrap();
        assert_eq!(long.chars().filter(|c| *c == '0').count(), LONGEST);
    }

    #[test]
    fn the_answer_comes_as_ask_prints_it() {
        for answer in ["one\ntwo", "one\ntwo\n"] {
            assert_eq!(said("[ \"$(wc -lc | tr -d ' \\n')\" = 28 ]", answer), None, "{answer:?}");
        }
        assert_eq!(said("[ \"$(cat)\" = 'größe 漢' ]", "größe 漢"), None);
    }

    #[test]
    fn a_command_may_close_its_stdin_and_print_more_than_a_pipe_holds() {
        let answer = "x".repeat(1 << 20);
        assert_eq!(said("exec <&-; true", &answer), None);
        assert_eq!(said("head -c 1 >/dev/null", &answer), None);
        let flood = "cat; cat >&2; yes why | head -c 300000 >&2; exit 4";
        assert_eq!(said(flood, &answer).unwrap(), "why (exit status: 4)");
    }

    #[test]
    fn what_stays_in_the_background_holds_nothing_up() {
        let begin = Instant::now();
        assert_eq!(said("sleep 90 & true", ""), None);
        assert_eq!(said("sleep 90 & echo no; exit 1", "").unwrap(), "no (exit status: 1)");
        assert!(begin.elapsed() < TIME_LIMIT);
    }

    #[test]
    fn too_long_and_interrupted_commands_end_with_all_that_they_started() {
        // The reader of the pipe sees its end only once every holder is gone.
        let folder = tempfile::tempdir().unwrap();
        let pid = folder.path().join("pid");
        let script = format!("sleep 600 & echo $! > '{}'; wait", pid.display());
        let mut command = Command::new(&script, &[]).unwrap();
        command.limit = Duration::from_millis(300);
        let said = command.failure("", &AtomicBool::new(false)).unwrap().unwrap();
        assert_eq!(said, "it took longer than 0.3 s");
        let sleeper = std::fs::read_to_string(&pid).unwrap();
        let sleeper = rustix::process::Pid::from_raw(sleeper.trim().parse().unwrap()).unwrap();
        let is_gone = || {
            let state = std::fs::read_to_string(format!("/proc/{}/stat", sleeper.as_raw_nonzero()));
            state.map_or_else(
                |_| rustix::process::test_kill_process(sleeper).is_err(),
                |stat| stat.contains(") Z"),
            )
        };
        let begin = Instant::now();
        while !is_gone() {
            assert!(begin.elapsed() < TIME_LIMIT, "it still runs");
            thread::sleep(Duration::from_millis(5));
        }

        command.limit = TIME_LIMIT;
        assert_eq!(command.failure("", &AtomicBool::new(true)), Err(Stopped));
    }

    #[test]
    fn keys_are_not_inherited() {
        // Cargo sets the one and the machine the other for every test.
        let script = "[ -z \"$CARGO_MANIFEST_DIR\" ] && [ -n \"$PATH\" ]";
        assert!(said(script, "").is_some());
        let command = Command::new(script, &["CARGO_MANIFEST_DIR".to_owned()]).unwrap();
        assert_eq!(command.failure("", &AtomicBool::new(false)), Ok(None));
    }

    #[test]
    fn what_cannot_run_is_refused_before() {
        assert_eq!(
            refused("pollm-no-such-program -x"),
            "invalid check `cmd:pollm-no-such-program -x`: there is no command `pollm-no-such-program`"
        );
        assert!(refused("./no-such-file").ends_with("there is no command `./no-such-file`"));
        assert!(refused("if true").starts_with("invalid check `cmd:if true`: "));
        assert_eq!(refused("  "), "invalid check `cmd:  `: it is empty");
        for fine in ["! grep -q x", "if true; then true; fi", "A=1 true", "(true)", "test -n x", "'true'"] {
            assert!(Command::new(fine, &[]).is_ok(), "{fine}");
        }
        // What only shows when it runs is a clear failure.
        assert!(said("A=1 pollm-no-such-program", "").unwrap().ends_with("not found (exit status: 127)"));
    }
}
