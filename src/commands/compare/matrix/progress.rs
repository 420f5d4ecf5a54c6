//! The progress of many calls: a bar on the terminal.

use std::time::Instant;

use crate::explain::words;
use crate::matrix::Matrix;
use crate::render::bar::{bar, time_left};
use crate::render::compare::matrix::cost_so_far;
use crate::render::figures;
use crate::render::output::Output;
use crate::streams::{room_below, show_below};

/// The bar, or nothing where nobody would see it.
#[derive(Default)]
pub(super) struct Progress(Option<Shown>);

struct Shown {
    began: Instant,
    /// Calls that an earlier process made.
    before: u64,
    all: u64,
    /// As wide as output may be.
    width: usize,
}

impl Progress {
    /// A bar on stderr, where that is a terminal and the user wants to see it.
    pub(super) fn new(before: usize, all: usize, output: &Output) -> Self {
        if !output.stderr_tty || output.quiet || output.accessible || before == all {
            return Self(None);
        }
        let (before, all) = (before as u64, all as u64);
        Self(Some(Shown { began: Instant::now(), before, all, width: output.width }))
    }

    /// Draws how far the calls are.
    pub(super) fn repaint(&self, landed: usize, matrix: &Matrix) {
        let Some(shown) = &self.0 else { return };
        let landed = landed as u64;
        let mut told = format!("{}/{}", figures::count(landed), figures::count(shown.all));
        if matrix.failures.count > 0 {
            told += &format!(" · {} failed", figures::count(matrix.failures.count));
        }
        told += &format!(" · {}", cost_so_far(matrix));
        let made = landed.saturating_sub(shown.before);
        if let Some(left) = time_left(shown.began.elapsed(), made, shown.all.saturating_sub(landed)) {
            told += &format!(" · {} left", words(left));
        }
        show_below(vec![bar(landed, shown.all, &told, room_below(shown.width).columns)]);
    }

    /// Takes the bar away.
    pub(super) fn clear(&mut self) {
        if self.0.take().is_some() {
            show_below(Vec::new());
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.clear();
    }
}
