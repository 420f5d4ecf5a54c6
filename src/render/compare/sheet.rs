//! The figures of a comparison as plain data: a row a figure, a cell a lane.
//! Every view and every format shows these.

use super::cells::Basis;
use crate::comparison::{Comparison, LaneResult};
use crate::outcome::Status;

/// The figures of a comparison. Every text in it is of one line and has passed
/// the terminal filter.
#[derive(Clone, Debug, PartialEq)]
pub struct Sheet {
    /// The lanes, in the comparison's order.
    pub lanes: Vec<LaneHead>,
    /// The figures that say something here, in the order they are shown.
    pub rows: Vec<FigureRow>,
    /// Some lane was measured more than once: times are medians.
    pub several: bool,
    /// Calls that had to connect first are in no time, since others did not.
    pub some_cold: bool,
}

/// What stands above a lane's figures.
#[derive(Clone, Debug, PartialEq)]
pub struct LaneHead {
    /// The lane's name, no two alike.
    pub name: String,
    /// Who answered, where it is another one than was asked: `gpt-6.1-mini, via Azure`.
    pub answered_by: Option<String>,
    /// How the call went whose answer is shown.
    pub status: Status,
    /// The call whose answer is shown came from the provider's cache.
    pub cached: bool,
    /// Calls that count.
    pub runs: usize,
    /// Those of them with a complete answer.
    pub good: usize,
    /// It may be the best at something: its answers are complete, not blank,
    /// and neither refused nor withheld.
    pub is_whole: bool,
}

/// What a row tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Figure {
    /// Until the first token of any channel. Only where reasoning made it
    /// differ from [`Figure::FirstWord`].
    FirstToken,
    /// Until the first visible text.
    FirstWord,
    /// Until the end of the successful attempt.
    Total,
    /// Output tokens a second after the first.
    Speed,
    /// Prompt tokens, cached ones included.
    Input,
    /// Generated tokens, reasoning included.
    Output,
    /// What a call costs.
    Cost,
    /// Why the answer ended, or how the calls went.
    Finish,
    /// Checks that passed. Only where there were any.
    Checks,
    /// Requests sent again. Only where there were any.
    Retries,
}

impl Figure {
    /// Every figure, in the order shown.
    pub const ALL: [Self; 10] = [
        Self::FirstToken,
        Self::FirstWord,
        Self::Total,
        Self::Speed,
        Self::Input,
        Self::Output,
        Self::Cost,
        Self::Finish,
        Self::Checks,
        Self::Retries,
    ];

    /// Its name for people.
    pub const fn name(self) -> &'static str {
        match self {
            Self::FirstToken => "first token",
            Self::FirstWord => "first word",
            Self::Total => "total",
            Self::Speed => "speed",
            Self::Input => "tokens in",
            Self::Output => "tokens out",
            Self::Cost => "cost",
            Self::Finish => "finish",
            Self::Checks => "checks",
            Self::Retries => "retries",
        }
    }

    /// Which values are better; `None` where neither is.
    const fn better(self) -> Option<Better> {
        match self {
            Self::FirstToken | Self::FirstWord | Self::Total | Self::Cost => Some(Better::Less),
            Self::Speed | Self::Checks => Some(Better::More),
            Self::Input | Self::Output | Self::Finish | Self::Retries => None,
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Better {
    Less,
    More,
}

/// One figure of every lane.
#[derive(Clone, Debug, PartialEq)]
pub struct FigureRow {
    /// What it tells.
    pub figure: Figure,
    /// The figure's name for people.
    pub name: &'static str,
    /// A cell a lane.
    pub cells: Vec<Cell>,
}

/// One figure of one lane.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Cell {
    /// In a few characters: `0.41 s`, `~96 tok/s`, `$0.001904`; `–` where it is
    /// unknown or does not apply, `?` for an unknown cost.
    pub text: String,
    /// The same without signs that screen readers pass over: `96 tok/s (estimated)`.
    pub words: String,
    /// The figure: milliseconds, tokens, tokens a second, USD, or a count.
    /// `None` where it is unknown, or is no measurement (cached answers).
    pub value: Option<f64>,
    /// The best of its row, as far as the text shows it.
    pub best: bool,
    /// What belongs to it: `± 0.02 s, n=5`, `40 cached`, `possibly billed`.
    pub note: Option<String>,
}

impl Cell {
    /// Whether there is nothing to be said.
    pub fn is_empty(&self) -> bool {
        self.text == NOTHING && self.note.is_none()
    }
}

/// What stands for a figure that is unknown or does not apply.
pub const NOTHING: &str = "–";

/// The figures of a comparison. Times and speeds are those of complete answers
/// that no cache gave, with several runs their medians.
pub fn sheet(comparison: &Comparison) -> Sheet {
    let bases: Vec<Basis<'_>> = comparison.lanes.iter().map(Basis::of).collect();
    let lanes: Vec<LaneHead> = comparison.lanes.iter().zip(&bases).map(|(lane, of)| head(lane, of)).collect();
    let rows = Figure::ALL.into_iter().filter(|figure| bases.iter().any(|of| of.tells(*figure)));
    let rows = rows.map(|figure| {
        let mut cells: Vec<Cell> = bases.iter().map(|of| of.cell(figure)).collect();
        mark_best(&mut cells, &lanes, figure);
        FigureRow { figure, name: figure.name(), cells }
    });
    Sheet {
        rows: rows.collect(),
        several: lanes.iter().any(|lane| lane.runs > 1),
        some_cold: bases.iter().any(Basis::leaves_out_cold),
        lanes,
    }
}

impl Sheet {
    /// The rows that say something of a lane, with its cells. What two rows have
    /// in common is said once: reasoning that took no time is not worth a line.
    pub(super) fn facts(&self, lane: usize) -> impl Iterator<Item = (&'static str, &Cell)> {
        let first_word = self.row(Figure::FirstWord).map(|row| &row.cells[lane].text);
        let facts = self.rows.iter().map(move |row| (row.figure, row.name, &row.cells[lane]));
        let is_new = move |(figure, _, cell): &(Figure, &str, &Cell)| {
            *figure != Figure::FirstToken || cell.best || Some(&cell.text) != first_word
        };
        facts.filter(is_new).filter(|(_, _, cell)| !cell.is_empty()).map(|(_, name, cell)| (name, cell))
    }

    /// A figure's row, where it is shown.
    pub fn row(&self, figure: Figure) -> Option<&FigureRow> {
        self.rows.iter().find(|row| row.figure == figure)
    }
}

fn head(lane: &LaneResult, basis: &Basis<'_>) -> LaneHead {
    LaneHead {
        name: super::cells::line(&lane.name),
        answered_by: basis.answered_by(),
        status: basis.shown.map_or(Status::Skipped, |run| run.outcome.status),
        cached: basis.shown.is_some_and(|run| run.outcome.cached),
        runs: basis.measured.len(),
        good: basis.good.len(),
        is_whole: basis.is_whole(),
    }
}

/// Marks the best of a row, where at least two lanes have a figure and not all
/// of them are as good. Lanes that show the same are the best together.
fn mark_best(cells: &mut [Cell], lanes: &[LaneHead], figure: Figure) {
    let Some(better) = figure.better() else { return };
    let runs: Vec<usize> = (0..cells.len()).filter(|at| lanes[*at].is_whole).collect();
    let runs: Vec<(usize, f64)> = runs.into_iter().filter_map(|at| Some((at, cells[at].value?))).collect();
    let sign = if better == Better::Less { 1.0 } else { -1.0 };
    let Some((best, _)) = runs.iter().min_by(|a, b| (a.1 * sign).total_cmp(&(b.1 * sign))) else { return };
    let best = cells[*best].clone();
    let bare = |text: &str| text.trim_start_matches(['~', '≈']).to_owned();
    let equal = |cell: &Cell| cell.value == best.value || bare(&cell.text) == bare(&best.text);
    let winners: Vec<usize> = runs.iter().map(|(at, _)| *at).filter(|at| equal(&cells[*at])).collect();
    if winners.len() < runs.len() {
        for at in winners {
            cells[at].best = true;
        }
    }
}
