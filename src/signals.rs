//! Ctrl-C, and readers that leave.

use crate::exchange::Cancel;
use crate::streams;

/// Cancels on the first Ctrl-C, `SIGTERM` or `SIGHUP` (the terminal is gone);
/// on Windows on Ctrl-Break and the console's closing too: what came is shown
/// and stored. A second Ctrl-C or `SIGTERM` ends the process at once. Call it
/// inside a runtime.
///
/// Signals that were ignored when this process began stay so: whoever began it
/// wants it to go on, as `nohup` does, and shells for what a script puts into
/// the background.
pub fn cancel_on_interrupt(cancel: &Cancel) {
    let Ok(mut signals) = Signals::listen() else { return };
    let cancel = cancel.clone();
    tokio::spawn(async move {
        signals.first().await;
        cancel.cancel();
        signals.again().await;
        #[expect(clippy::exit, reason = "the user asks a second time; nothing may hold that up")]
        std::process::exit(130);
    });
}

/// Works until a signal that would cancel; nothing is what was interrupted. For
/// what comes before the calls, which nothing else would stop then.
#[cfg(feature = "local")]
pub async fn unless_interrupted<T>(work: impl Future<Output = T>) -> Option<T> {
    let Ok(mut signals) = Signals::listen() else { return Some(work.await) };
    tokio::select! {
        done = work => Some(done),
        () = signals.first() => None,
    }
}

/// The signals that are listened to; `None` for those that stay ignored.
#[cfg(unix)]
struct Signals {
    interrupt: Option<tokio::signal::unix::Signal>,
    terminate: Option<tokio::signal::unix::Signal>,
    hang_up: Option<tokio::signal::unix::Signal>,
}

#[cfg(unix)]
impl Signals {
    fn listen() -> std::io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        let ignored = ignored();
        let listen = |kind: SignalKind| match ignored >> (kind.as_raw_value() - 1) & 1 {
            0 => signal(kind).map(Some),
            _ => Ok(None),
        };
        Ok(Self {
            interrupt: listen(SignalKind::interrupt())?,
            terminate: listen(SignalKind::terminate())?,
            // Where nobody can tell whether it is ignored, `nohup` matters more.
            hang_up: if cfg!(target_os = "linux") { listen(SignalKind::hangup())? } else { None },
        })
    }

    async fn first(&mut self) {
        tokio::select! {
            () = heard(&mut self.interrupt) => {}
            () = heard(&mut self.terminate) => {}
            () = heard(&mut self.hang_up) => {}
        }
    }

    /// Not the hang-up: both the kernel and the shell send one when a terminal goes.
    async fn again(&mut self) {
        tokio::select! {
            () = heard(&mut self.interrupt) => {}
            () = heard(&mut self.terminate) => {}
        }
    }
}

#[cfg(unix)]
async fn heard(signal: &mut Option<tokio::signal::unix::Signal>) {
    if let Some(signal) = signal
        && signal.recv().await.is_some()
    {
        return;
    }
    std::future::pending().await
}

/// The signals that this process ignores, a bit each, the lowest for number 1:
/// `SigIgn` of proc_pid_status(5). To be asked before any is listened to. Other
/// systems than Linux have no way to ask that is safe Rust; there it is none.
#[cfg(unix)]
fn ignored() -> u64 {
    let status = if cfg!(target_os = "linux") {
        std::fs::read_to_string("/proc/self/status").unwrap_or_default()
    } else {
        String::new()
    };
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or(0)
}

/// What Windows has in the place of signals.
#[cfg(windows)]
struct Signals {
    interrupt: tokio::signal::windows::CtrlC,
    stop: tokio::signal::windows::CtrlBreak,
    /// The system ends the process some seconds after it has closed its console.
    close: tokio::signal::windows::CtrlClose,
}

#[cfg(windows)]
impl Signals {
    fn listen() -> std::io::Result<Self> {
        use tokio::signal::windows::{ctrl_break, ctrl_c, ctrl_close};
        Ok(Self { interrupt: ctrl_c()?, stop: ctrl_break()?, close: ctrl_close()? })
    }

    async fn first(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.stop.recv() => {}
            _ = self.close.recv() => {}
        }
    }

    async fn again(&mut self) {
        self.first().await;
    }
}

/// Cancels once nobody reads stdout any more.
pub fn cancel_when_unread(cancel: &Cancel) {
    let cancel = cancel.clone();
    streams::when_reader_leaves(move || cancel.cancel());
}
