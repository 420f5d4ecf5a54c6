//! The places of a matrix: every prompt, every run of it, every lane.

use crate::ledger::Place;

/// How many of each there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Grid {
    pub(super) prompts: usize,
    pub(super) lanes: usize,
    pub(super) runs: u32,
    pub(super) warmup: u32,
}

/// The place of one call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Slot {
    /// The prompt, counted from 0.
    pub(super) item: usize,
    /// As in [`Place::run`].
    pub(super) run: i64,
    /// The lane, counted from 0.
    pub(super) lane: usize,
}

impl Slot {
    pub(super) fn is_warmup(self) -> bool {
        self.run < 1
    }
}

impl Grid {
    /// Calls of one prompt.
    pub(super) fn of_one_prompt(self) -> usize {
        self.lanes * (self.runs as usize + self.warmup as usize)
    }

    /// All calls.
    pub(super) fn len(self) -> usize {
        self.prompts * self.of_one_prompt()
    }

    /// Every place in the order in which the calls begin: prompt by prompt, so
    /// that the prompts under way are few, and each round with another lane first.
    pub(super) fn slots(self) -> impl Iterator<Item = Slot> {
        let rounds = self.of_one_prompt() / self.lanes.max(1);
        (0..self.len()).map(move |at| {
            let (item, rest) = (at / self.of_one_prompt(), at % self.of_one_prompt());
            let (round, lane) = (rest / self.lanes, rest % self.lanes);
            let run = i64::try_from(round).unwrap_or_default() + 1 - i64::from(self.warmup);
            Slot { item, run, lane: (lane + item * rounds + round) % self.lanes }
        })
    }

    /// The place as a number below [`Grid::len`]; `None` for one that is not here.
    pub(super) fn index(self, slot: Slot) -> Option<usize> {
        let round = usize::try_from(slot.run - 1 + i64::from(self.warmup)).ok()?;
        let is_here = slot.item < self.prompts && slot.lane < self.lanes && slot.run <= i64::from(self.runs);
        is_here.then_some(slot.item * self.of_one_prompt() + round * self.lanes + slot.lane)
    }

    /// Where a call of the ledger belongs.
    pub(super) fn slot(self, place: Place) -> Option<(Slot, usize)> {
        let slot = Slot { item: place.item?, run: place.run, lane: place.lane };
        Some((slot, self.index(slot)?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_place_comes_once_and_prompt_by_prompt() {
        let grid = Grid { prompts: 5, lanes: 3, runs: 2, warmup: 1 };
        let slots: Vec<Slot> = grid.slots().collect();
        let mut places: Vec<usize> = slots.iter().map(|slot| grid.index(*slot).unwrap()).collect();
        assert!(slots.is_sorted_by_key(|slot| (slot.item, slot.run)));
        assert_eq!(slots[0], Slot { item: 0, run: 0, lane: 0 });
        // The lanes take turns in being the first.
        let first: Vec<usize> = slots.chunks(3).take(4).map(|round| round[0].lane).collect();
        assert_eq!(first, [0, 1, 2, 0]);
        places.sort_unstable();
        assert_eq!(places, (0..grid.len()).collect::<Vec<_>>());
    }

    #[test]
    fn what_is_not_of_the_grid_has_no_place() {
        let grid = Grid { prompts: 2, lanes: 2, runs: 1, warmup: 0 };
        for (item, run, lane) in [(2, 1, 0), (0, 2, 0), (0, 0, 0), (0, 1, 2), (0, -9, 0)] {
            assert_eq!(grid.index(Slot { item, run, lane }), None);
        }
    }
}
