//! Ctrl-C, and readers that leave.

use crate::exchange::Cancel;
use crate::streams;

/// Cancels on the first Ctrl-C (or `SIGTERM`, and on Windows Ctrl-Break or the
/// console's closing): what came is shown and stored.
/// A second one ends the process at once. Call it inside a runtime.
pub fn cancel_on_interrupt(cancel: &Cancel) {
    let cancel = cancel.clone();
    tokio::spawn(async move {
        if interrupted().await.is_err() {
            return;
        }
        cancel.cancel();
        if interrupted().await.is_ok() {
            #[expect(clippy::exit, reason = "the user asks a second time; nothing may hold that up")]
            std::process::exit(130);
        }
    });
}

#[cfg(unix)]
async fn interrupted() -> std::io::Result<()> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut terminate = signal(SignalKind::terminate())?;
    tokio::select! {
        pressed = tokio::signal::ctrl_c() => pressed,
        _ = terminate.recv() => Ok(()),
    }
}

/// The system ends the process some seconds after it has closed its console.
#[cfg(windows)]
async fn interrupted() -> std::io::Result<()> {
    use tokio::signal::windows::{ctrl_break, ctrl_close};
    let (mut stop, mut close) = (ctrl_break()?, ctrl_close()?);
    tokio::select! {
        pressed = tokio::signal::ctrl_c() => pressed,
        _ = stop.recv() => Ok(()),
        _ = close.recv() => Ok(()),
    }
}

/// Cancels once nobody reads stdout any more.
pub fn cancel_when_unread(cancel: &Cancel) {
    let cancel = cancel.clone();
    streams::when_reader_leaves(move || cancel.cancel());
}
