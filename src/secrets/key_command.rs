//! `key_command`: a program of the user's that prints a key, such as a password
//! manager's. It runs without a shell, with nothing on stdin; its stderr goes
//! to the user, who may have to be asked for a fingerprint.

use std::io::Read;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use secrecy::zeroize::Zeroizing;

use super::Key;
use crate::error::{Error, Result};

/// How long a command may take, the user's part included.
const TIME_LIMIT: Duration = Duration::from_secs(30);

/// How long a command is waited for.
#[derive(Clone, Copy)]
pub(super) struct Patience {
    /// Without a word.
    pub(super) silent: Duration,
    /// At all.
    pub(super) whole: Duration,
}

/// As long as a pipe may be silent before there is a notice, and as long as the
/// user may take for a password.
pub(super) const PATIENCE: Patience = Patience { silent: Duration::from_secs(2), whole: TIME_LIMIT };

/// Only the first line counts; more than this is no key.
const MOST_OUTPUT: u64 = 64 * 1024;

/// Runs a command and takes the first line that it prints. Where that takes a
/// while, `notice` is told who is waited for.
///
/// # Errors
/// Where it can't be run, fails, takes too long, or prints nothing usable. The
/// error names the program, never what it printed.
pub(super) fn run(
    provider: &str,
    command: &[String],
    patience: Patience,
    notice: &mut dyn FnMut(&str),
) -> Result<Key> {
    let program = command.first().map(String::as_str).unwrap_or_default();
    let failed = || Error::config(format!("the key command `{program}` of provider {provider} failed"));
    let because = |why: String| {
        let mut error = failed();
        error.causes.push(why);
        error
    };
    let mut child = Command::new(program)
        .args(command.get(1..).unwrap_or_default())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::inherit())
        .spawn()
        .map_err(|error| not_started(failed(), &error))?;
    let mut late = || notice(&format!("waiting for the key command `{program}` of provider {provider}"));
    let limit = patience.whole;
    let (output, status) = match finish(&mut child, patience, &mut late) {
        Ok(Some(finished)) => finished,
        Ok(None) => return Err(because(format!("it took longer than {} s", limit.as_secs_f64()))),
        Err(error) => return Err(failed().because(&error)),
    };
    if !status.success() {
        return Err(because(format!("{status}")));
    }
    let line = output.split(|byte| *byte == b'\n').next().unwrap_or_default();
    let text = std::str::from_utf8(line).map_err(|_| because("its first line is no text".to_owned()))?;
    Key::new(text).map_err(|why| because(format!("its first line is no key: {why}")))
}

/// Windows finds `op` only if it is an `op.exe`; a script's name needs its end.
fn not_started(failed: Error, error: &std::io::Error) -> Error {
    let failed = failed.because(error);
    match error.kind() {
        std::io::ErrorKind::NotFound if cfg!(windows) => {
            failed.hint("a script is named with its extension, as in `op.cmd`")
        }
        _ => failed,
    }
}

type Finished = (Zeroizing<Vec<u8>>, ExitStatus);

/// Waits for the end of the output and of the program; `None` where that takes
/// longer than the limit, and the program is then killed.
fn finish(
    child: &mut Child,
    patience: Patience,
    late: &mut dyn FnMut(),
) -> std::io::Result<Option<Finished>> {
    let deadline = Instant::now() + patience.whole;
    let (sender, receiver) = mpsc::channel();
    if let Some(stdout) = child.stdout.take() {
        // Not joined: where a process that outlives the child keeps the pipe
        // open, the read never ends.
        thread::spawn(move || sender.send(read(stdout)));
    }
    let mut output = None;
    let mut received = receiver.recv_timeout(patience.silent.min(patience.whole));
    if matches!(received, Err(mpsc::RecvTimeoutError::Timeout)) && patience.silent < patience.whole {
        late();
        received = receiver.recv_timeout(deadline.saturating_duration_since(Instant::now()));
    }
    if let Ok(bytes) = received {
        output = Some(bytes?);
    }
    while output.is_some() && Instant::now() < deadline {
        if let Some(status) = child.try_wait()? {
            return Ok(output.map(|output| (output, status)));
        }
        thread::sleep(Duration::from_millis(2));
    }
    child.kill()?;
    child.wait()?;
    Ok(None)
}

/// Reads everything, so that the program isn't stopped by a closed pipe, and
/// keeps the beginning.
fn read(mut stdout: impl Read) -> std::io::Result<Zeroizing<Vec<u8>>> {
    let mut kept = Zeroizing::new(Vec::with_capacity(4 * 1024));
    stdout.by_ref().take(MOST_OUTPUT).read_to_end(&mut kept)?;
    std::io::copy(&mut stdout, &mut std::io::sink())?;
    Ok(kept)
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use super::*;

    fn within(command: &[String], whole: Duration) -> Result<Key> {
        let patience = Patience { silent: TIME_LIMIT, whole };
        run("work", command, patience, &mut |notice| panic!("{notice}"))
    }

    fn sh(script: &str) -> Result<Key> {
        within(&["sh", "-c", script].map(str::to_owned), TIME_LIMIT)
    }

    fn error(script: &str) -> String {
        sh(script).unwrap_err().to_string()
    }

    #[test]
    fn the_first_line_is_the_key() {
        assert_eq!(sh("echo sk-one").unwrap().text(), "sk-one");
        assert_eq!(sh("printf '  sk-two\\r\\nuser: ada\\n'").unwrap().text(), "sk-two");
        assert_eq!(sh("printf sk-three; exec >&-; true").unwrap().text(), "sk-three");
    }

    #[test]
    fn who_is_waited_for_is_said() {
        let folder = tempfile::tempdir().unwrap();
        let told = folder.path().join("told");
        // It prints nothing before the notice was given.
        let script = r#"until [ -e "$0" ]; do sleep 0.01; done; echo sk-late"#.to_owned();
        let command = ["sh".to_owned(), "-c".to_owned(), script, told.display().to_string()];
        let patience = Patience { silent: Duration::from_millis(1), whole: TIME_LIMIT };
        let mut notices = Vec::new();
        let key = run("work", &command, patience, &mut |notice| {
            notices.push(notice.to_owned());
            std::fs::write(&told, "").unwrap();
        });
        assert_eq!(key.unwrap().text(), "sk-late");
        assert_eq!(notices, ["waiting for the key command `sh` of provider work"]);
    }

    #[test]
    fn stdin_is_empty() {
        assert_eq!(sh("cat; echo sk-four").unwrap().text(), "sk-four");
    }

    #[test]
    fn long_output_is_read_to_its_end() {
        let script = "echo sk-five; i=0; while [ $i -lt 3000 ]; do echo 0123456789012345678901234567890123456789; i=$((i+1)); done";
        assert_eq!(sh(script).unwrap().text(), "sk-five");
    }

    #[test]
    fn arguments_pass_through_no_shell() {
        let command = ["printf", "%s", "$HOME;`x`"].map(str::to_owned);
        assert_eq!(within(&command, TIME_LIMIT).unwrap().text(), "$HOME;`x`");
    }

    #[test]
    fn failures_name_the_program_and_show_no_output() {
        insta::assert_snapshot!(error("echo sk-canary; exit 3"), @"
        error: the key command `sh` of provider work failed
          because: exit status: 3
        ");
        insta::assert_snapshot!(error("true"), @"
        error: the key command `sh` of provider work failed
          because: its first line is no key: it is empty
        ");
        insta::assert_snapshot!(error("echo; echo sk-canary"), @"
        error: the key command `sh` of provider work failed
          because: its first line is no key: it is empty
        ");
        insta::assert_snapshot!(error("echo 'Sign in: canary'"), @"
        error: the key command `sh` of provider work failed
          because: its first line is no key: it holds a blank or a character beyond ASCII
        ");
        insta::assert_snapshot!(error("printf '\\377canary'"), @"
        error: the key command `sh` of provider work failed
          because: its first line is no text
        ");
        let missing = within(&["pollm-no-such-program".to_owned(), "canary".to_owned()], TIME_LIMIT);
        insta::assert_snapshot!(missing.unwrap_err(), @"
        error: the key command `pollm-no-such-program` of provider work failed
          because: No such file or directory (os error 2)
        ");
    }

    #[test]
    fn a_command_that_hangs_is_killed() {
        let hang = ["sleep", "600"].map(str::to_owned);
        insta::assert_snapshot!(within(&hang, Duration::from_millis(100)).unwrap_err(), @"
        error: the key command `sleep` of provider work failed
          because: it took longer than 0.1 s
        ");
        let silent = ["sh", "-c", "echo sk-canary; exec >&-; exec sleep 600"].map(str::to_owned);
        let error = within(&silent, Duration::from_millis(100)).unwrap_err();
        assert_eq!(error.causes, ["it took longer than 0.1 s"]);
    }
}
