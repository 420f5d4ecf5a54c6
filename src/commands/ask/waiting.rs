//! The line that says who is waited for, and since when.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use unicode_width::UnicodeWidthStr as _;

use crate::outcome::ms;
use crate::render::columns::fitted;
use crate::render::figures;
use crate::streams::{room_below, show_below};

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
    /// Begins to wait, on a terminal, with lines of at most this width.
    pub(super) fn begin(whom: &str, width: usize) -> Self {
        let whom = Arc::new(Mutex::new(Some(whom.to_owned())));
        let (shared, began) = (Arc::clone(&whom), Instant::now());
        let tick = move || {
            for frame in FRAMES.iter().cycle() {
                // Held while drawing: nothing is drawn after the end.
                let whom = shared.lock().unwrap_or_else(PoisonError::into_inner);
                let Some(name) = &*whom else { return };
                let since = figures::duration(ms(began.elapsed()));
                show_below(vec![line(*frame, name, &since, room_below(width).columns)]);
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

/// One line that is no wider. Of a long name the end is left out, not the time.
fn line(frame: char, name: &str, since: &str, width: usize) -> String {
    let (before, behind) = (format!("{frame} waiting for "), format!(", {since}"));
    let room = width.saturating_sub(before.width() + behind.width());
    fitted(&format!("{before}{}{behind}", fitted(name, room)), width)
}
