//! The output of a process while it runs.

use std::io::Read;
use std::sync::{Arc, Condvar, Mutex};
use std::thread;
use std::time::Instant;

/// The output of a process as it comes.
#[derive(Clone, Default)]
pub(super) struct Capture(Arc<Captured>);

#[derive(Default)]
struct Captured {
    state: Mutex<CaptureState>,
    changed: Condvar,
}

#[derive(Default)]
pub(super) struct CaptureState {
    pub(super) bytes: Vec<u8>,
    /// Whether no more will come.
    pub(super) ended: bool,
}

impl Capture {
    /// Reads on a thread, at most `limit` bytes.
    pub(super) fn of(from: impl Read + Send + 'static, limit: Option<usize>) -> Self {
        let capture = Self::default();
        let writer = capture.clone();
        thread::spawn(move || {
            let mut from = from.take(limit.map_or(u64::MAX, |limit| limit as u64));
            let mut bytes = [0; 16 * 1024];
            loop {
                let read = from.read(&mut bytes).unwrap_or(0);
                if read == 0 {
                    break;
                }
                writer.change(|state| state.bytes.extend_from_slice(&bytes[..read]));
            }
            // Closes the pipe before anyone hears of its end.
            drop(from);
            writer.change(|state| state.ended = true);
        });
        capture
    }

    fn change(&self, change: impl FnOnce(&mut CaptureState)) {
        change(&mut self.0.state.lock().unwrap());
        self.0.changed.notify_all();
    }

    pub(super) fn so_far(&self) -> Vec<u8> {
        self.0.state.lock().unwrap().bytes.clone()
    }

    /// Waits until `ready` says so; false where that can't come any more.
    pub(super) fn wait(&self, until: Instant, ready: impl Fn(&CaptureState) -> bool) -> bool {
        self.find(until, |state| ready(state).then_some(())).is_some()
    }

    /// Waits until `find` finds something; nothing where that can't come any more.
    pub(super) fn find<T>(&self, until: Instant, find: impl Fn(&CaptureState) -> Option<T>) -> Option<T> {
        let mut state = self.0.state.lock().unwrap();
        loop {
            if let Some(found) = find(&state) {
                return Some(found);
            }
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() || state.ended {
                return None;
            }
            state = self.0.changed.wait_timeout(state, left).unwrap().0;
        }
    }
}
