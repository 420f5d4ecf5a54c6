//! The line that says who is waited for, and since when.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::outcome::ms;
use crate::render::columns::{Column, Place, rows};
use crate::render::figures;
use crate::streams::show_below;

/// How often the line moves.
const TICK: Duration = Duration::from_millis(120);

/// What moves.
const FRAMES: [char; 10] = ['⠋', '⠙', '⠹', '⠸', '⠼', '⠴', '⠦', '⠧', '⠇', '⠏'];

/// The line, redrawn by a thread of its own until it is dropped.
pub(super) struct Waiting {
    /// Who is waited for; `None` once nobody is.
    whom: Arc<Mutex<Option<String>>>,
}

impl Waiting {
    /// Begins to wait on a terminal of a width.
    pub(super) fn begin(whom: &str, width: usize) -> Self {
        let whom = Arc::new(Mutex::new(Some(whom.to_owned())));
        let (shared, began) = (Arc::clone(&whom), Instant::now());
        let tick = move || {
            for frame in FRAMES.iter().cycle() {
                // Held while drawing: nothing is drawn after the end.
                let whom = shared.lock().unwrap_or_else(PoisonError::into_inner);
                let Some(name) = &*whom else { return };
                let since = figures::duration(ms(began.elapsed()));
                let line = format!("{frame} waiting for {name}, {since}");
                show_below(vec![fitted(line, width.saturating_sub(1))]);
                drop(whom);
                std::thread::sleep(TICK);
            }
        };
        // Without a thread there is no line, and nothing else is missing.
        let _ = std::thread::Builder::new().name("waiting".into()).stack_size(64 * 1024).spawn(tick);
        Self { whom }
    }

    /// Waits for somebody else too.
    pub(super) fn wait_for(&self, whom: String) {
        let mut now = self.whom.lock().unwrap_or_else(PoisonError::into_inner);
        *now = Some(whom);
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        let mut whom = self.whom.lock().unwrap_or_else(PoisonError::into_inner);
        *whom = None;
        show_below(Vec::new());
    }
}

fn fitted(line: String, width: usize) -> String {
    rows(&[Column { width, ..Column::new(vec![line], Place::Left) }], 1).concat()
}
