//! Where calls come in, from the models or from the ledger: each is printed,
//! added up and let go.

use std::collections::HashMap;
use std::time::Duration;

use super::grid::{Grid, Slot};
use super::page::Page;
use crate::agree;
use crate::comparison::Run;
use crate::error::Result;
use crate::matrix::Matrix;
use crate::outcome::Status;

/// What is known of all calls so far.
pub(super) struct Desk {
    pub(super) matrix: Matrix,
    pub(super) page: Page,
    /// Calls that have ended, of all of the grid.
    pub(super) landed: usize,
    grid: Grid,
    ids: Vec<String>,
    /// Answers of prompts that are under way; `None` where nobody asks whether
    /// they agree.
    under_way: Option<HashMap<usize, UnderWay>>,
    by_field: bool,
    /// When each call ran, in nanoseconds since 1970.
    times: Vec<(i128, i128)>,
}

/// One prompt that has not got all its answers.
struct UnderWay {
    missing: usize,
    /// The first whole answer of each lane, with its run.
    answers: Vec<Option<(i64, String)>>,
}

impl Desk {
    pub(super) fn new(matrix: Matrix, page: Page, grid: Grid, ids: Vec<String>, by_field: bool) -> Self {
        let under_way = matrix.concord.is_some().then(HashMap::new);
        Self { matrix, page, landed: 0, grid, ids, under_way, by_field, times: Vec::new() }
    }

    /// Takes one call that ended.
    ///
    /// # Errors
    /// Where it can't be printed.
    pub(super) fn land(&mut self, slot: Slot, run: &Run) -> Result<()> {
        let Some(id) = self.ids.get(slot.item) else { return Ok(()) };
        self.landed += 1;
        self.times.push(time(run));
        self.matrix.add(slot.lane, id, run, false);
        self.page.result(&self.matrix, slot, id, run)?;
        if let Some(under_way) = &mut self.under_way {
            let grid = self.grid;
            let prompt = under_way.entry(slot.item).or_insert_with(|| UnderWay {
                missing: grid.of_one_prompt(),
                answers: vec![None; grid.lanes],
            });
            prompt.take(slot, run);
            if prompt.missing == 0
                && let Some(prompt) = under_way.remove(&slot.item)
            {
                let answers: Vec<Option<&str>> =
                    prompt.answers.iter().map(|answer| Some(answer.as_ref()?.1.as_str())).collect();
                self.matrix.add_agreement(id, &agree::agreement(&answers, self.by_field));
            }
        }
        Ok(())
    }

    /// Takes a call that another one took the place of: it was paid all the same.
    pub(super) fn land_replaced(&mut self, slot: Slot, run: &Run) {
        self.times.push(time(run));
        if let Some(id) = self.ids.get(slot.item) {
            self.matrix.add(slot.lane, id, run, true);
        }
    }

    /// The matrix as it is at the end, and where it is to be printed.
    pub(super) fn close(mut self) -> (Matrix, Page, Vec<String>) {
        self.matrix.wall = together(self.times);
        self.matrix.left = self.grid.len().saturating_sub(self.landed);
        (self.matrix, self.page, self.ids)
    }
}

/// When a call ran.
fn time(run: &Run) -> (i128, i128) {
    let start = run.outcome.started_at.as_nanosecond();
    (start, start + i128::try_from(run.outcome.wall.as_nanos()).unwrap_or_default())
}

/// How long at least one of the calls ran: what lies between two processes
/// does not count.
fn together(mut times: Vec<(i128, i128)>) -> Duration {
    times.sort_unstable();
    let (mut sum, mut until) = (0, i128::MIN);
    for (start, end) in times {
        sum += (end - start.max(until)).max(0);
        until = until.max(end);
    }
    Duration::from_nanos(u64::try_from(sum).unwrap_or(u64::MAX))
}

impl UnderWay {
    fn take(&mut self, slot: Slot, run: &Run) {
        self.missing = self.missing.saturating_sub(1);
        let is_whole = run.outcome.status == Status::Ok && !slot.is_warmup();
        let answer = &mut self.answers[slot.lane];
        if is_whole && answer.as_ref().is_none_or(|(first, _)| slot.run < *first) {
            *answer = Some((slot.run, run.outcome.text.clone()));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_between_calls_do_not_count() {
        let times = vec![(50, 60), (0, 10), (5, 20), (6, 8), (100, 100)];
        assert_eq!(together(times), Duration::from_nanos(30));
        assert_eq!(together(Vec::new()), Duration::ZERO);
    }
}
