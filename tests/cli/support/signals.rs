//! Signals that whoever started the tests ignores: under `nohup`, or in the
//! background of a script. What is ignored is inherited, so every process of a
//! test would ignore it too, and a test that interrupts one would hang.

use std::os::unix::process::ExitStatusExt as _;
use std::process::{Command, Stdio};
use std::sync::Once;

use rustix::process::Signal;
use tokio::signal::unix::{SignalKind, signal};

/// Makes the processes that are started from now on begin as on a terminal.
///
/// A handler of this process does that: what is caught here is back at its
/// default in a process that is executed (POSIX, `exec`). It is put only in the
/// place of a signal that was ignored, so that Ctrl-C still ends the tests.
pub(super) fn unignore() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let _inside = runtime.enter();
        for number in [Signal::HUP, Signal::INT, Signal::TERM].map(Signal::as_raw) {
            if is_ignored(number) {
                // The handler stays when what listens to it is gone.
                drop(signal(SignalKind::from_raw(number)).unwrap());
            }
        }
    });
}

/// Whether a process that is started from here survives a signal of this number.
fn is_ignored(number: i32) -> bool {
    let mut shell = Command::new("/bin/sh");
    shell.args(["-c", &format!("kill -{number} $$")]).stdin(Stdio::null()).stderr(Stdio::null());
    shell.status().unwrap().signal() != Some(number)
}
