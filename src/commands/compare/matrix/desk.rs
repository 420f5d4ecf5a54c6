//! Where calls come in, from the models or from the ledger: each is printed,
//! added up and let go.

use std::collections::HashMap;

use super::grid::{Grid, Slot};
use super::page::Page;
use crate::agree;
use crate::comparison::{Run, span, together};
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
    /// When each call ran.
    spans: Vec<(i128, i128)>,
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
        Self { matrix, page, landed: 0, grid, ids, under_way, by_field, spans: Vec::new() }
    }

    /// Takes one call that ended.
    ///
    /// # Errors
    /// Where it can't be printed.
    pub(super) fn land(&mut self, slot: Slot, run: &Run) -> Result<()> {
        let Some(id) = self.ids.get(slot.item) else { return Ok(()) };
        self.landed += 1;
        self.spans.push(span(&run.outcome));
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
        self.spans.push(span(&run.outcome));
        if let Some(id) = self.ids.get(slot.item) {
            self.matrix.add(slot.lane, id, run, true);
        }
    }

    /// The matrix as it is at the end, and where it is to be printed.
    pub(super) fn close(mut self) -> (Matrix, Page, Vec<String>) {
        self.matrix.wall = together(self.spans);
        self.matrix.left = self.grid.len().saturating_sub(self.landed);
        (self.matrix, self.page, self.ids)
    }
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
