//! The live board: a line a lane on the terminal while the models answer.

use std::time::{Duration, Instant};

use jiff::Timestamp;
use unicode_width::UnicodeWidthStr as _;

use super::plan::Plan;
use super::race::Slot;
use crate::catalog::{Model, Pricing};
use crate::chat::Event;
use crate::estimate;
use crate::exchange::Update;
use crate::explain::{phrase, said, words};
use crate::money::{Tokens, Usage};
use crate::outcome::{Outcome, ms};
use crate::render::columns::{Column, GAP, Place, fitted, rows, taken};
use crate::render::output::{LEAST_WIDTH, Output, Paint};
use crate::render::{figures, money};
use crate::streams::{Room, room_below, show_below};

/// A piece of so many bytes is long enough for an estimate of its own.
const ENOUGH: usize = 400;

/// The board, or nothing where nobody would see it.
pub(super) struct Board(Option<Shown>);

struct Shown {
    lines: Vec<Line>,
    output: Output,
    began: Instant,
}

/// One lane as it stands.
struct Line {
    name: String,
    row: Option<Model>,
    /// Tokens of the prompt, estimated.
    input: u64,
    state: State,
    /// Calls that it is to make.
    runs: usize,
    /// Those that ended.
    ended: usize,
    /// Those of them that failed.
    failed: usize,
    began: Instant,
    first_token: Option<Duration>,
    /// Tokens of the answer and of the reasoning, estimated, but for those of
    /// the newest piece.
    tokens: u64,
    /// The newest piece, to be counted when it is long enough.
    piece: String,
    reasons: bool,
    /// The first word of the answer came.
    answers: bool,
}

enum State {
    Queued,
    Running,
    Retrying { until: Instant, why: String },
    Ended { text: String, paint: Paint },
}

impl Board {
    /// A board on stderr, where that is a terminal and the user wants to see it.
    pub(super) fn new(plan: &Plan, output: &Output) -> Self {
        // Events on the same terminal show the same, and would be drawn over.
        let shows_events = plan.streams_events() && output.stdout_tty;
        if !output.stderr_tty || output.quiet || output.accessible || shows_events {
            return Self(None);
        }
        let now = Instant::now();
        let runs = |at: usize| plan.slots.iter().filter(|slot| slot.lane == at).count();
        let lines = plan.names.iter().zip(&plan.lanes).enumerate().map(|(at, (name, lane))| Line {
            name: name.clone(),
            row: lane.row.clone(),
            input: estimate::input(&plan.asking.request(lane)),
            state: State::Queued,
            runs: runs(at),
            ended: 0,
            failed: 0,
            began: now,
            first_token: None,
            tokens: 0,
            piece: String::new(),
            reasons: false,
            answers: false,
        });
        Self(Some(Shown { lines: lines.collect(), output: output.clone(), began: now }))
    }

    /// Something came.
    pub(super) fn update(&mut self, slot: Slot, update: &Update<'_>) {
        let Some(line) = self.line(slot) else { return };
        match update {
            Update::Attempt { .. } => line.begin(),
            Update::Retry { wait, error } => {
                line.state = State::Retrying { until: Instant::now() + *wait, why: phrase(error) };
            }
            Update::Event(Event::Text(text) | Event::Refusal(text)) => {
                line.heard(text);
                line.answers |= !text.trim().is_empty();
            }
            Update::Event(Event::Reasoning(text)) => {
                line.heard(text);
                line.reasons = true;
            }
            Update::Event(_) | Update::Flush => {}
        }
    }

    /// A call is over.
    pub(super) fn end(&mut self, slot: Slot, outcome: &Outcome) {
        let Some(line) = self.line(slot) else { return };
        line.ended += 1;
        line.failed += usize::from(outcome.error.is_some());
        let (text, paint) = ending(outcome);
        line.state = State::Ended { text, paint };
    }

    /// Draws what has changed.
    pub(super) fn repaint(&mut self) {
        let Some(shown) = &mut self.0 else { return };
        // Asked anew each time: the user may make the window larger or smaller.
        let room = room_below(shown.output.width);
        // More lines than the terminal has could never be taken away again.
        let fits = shown.lines.len() <= room.lines && room.columns + 1 >= LEAST_WIDTH;
        show_below(if fits { shown.lines(room) } else { vec![shown.in_one(room)] });
    }

    /// Takes the board away.
    pub(super) fn clear(&mut self) {
        if self.0.take().is_some() {
            show_below(Vec::new());
        }
    }

    fn line(&mut self, slot: Slot) -> Option<&mut Line> {
        self.0.as_mut()?.lines.get_mut(slot.lane)
    }
}

impl Drop for Board {
    fn drop(&mut self) {
        self.clear();
    }
}

impl Line {
    /// A request is about to be sent. What is measured begins with it, here as
    /// in the table that follows.
    fn begin(&mut self) {
        self.state = State::Running;
        self.began = Instant::now();
        self.first_token = None;
        (self.reasons, self.answers) = (false, false);
        self.tokens = 0;
        self.piece.clear();
    }

    fn heard(&mut self, text: &str) {
        if !text.is_empty() {
            self.piece.push_str(text);
            if self.piece.len() > ENOUGH {
                self.tokens += estimate::tokens(&self.piece);
                self.piece.clear();
            }
            self.first_token.get_or_insert_with(|| self.began.elapsed());
        }
    }

    /// What happens on this lane, in words.
    fn doing(&self, now: Instant) -> (String, Option<Paint>) {
        let since = |then: Instant| figures::duration(ms(now.saturating_duration_since(then)));
        match &self.state {
            State::Queued => ("waits for its turn".to_owned(), Some(Paint::Dim)),
            State::Ended { text, paint } => (text.clone(), Some(*paint)),
            State::Retrying { until, why } => {
                let wait = words(until.saturating_duration_since(now));
                (format!("{why}; retrying in {wait}"), Some(Paint::Yellow))
            }
            State::Running => {
                let Some(first) = self.first_token else {
                    return (format!("waiting, {}", since(self.began)), Some(Paint::Dim));
                };
                let tokens = self.tokens + estimate::tokens(&self.piece);
                let generating =
                    now.saturating_duration_since(self.began).saturating_sub(first).as_secs_f64();
                let what = if self.reasons && !self.answers { "reasoning" } else { "first token" };
                let mut words = format!("{what} after {}", figures::duration(ms(first)));
                words += &format!(", ~{} tokens", figures::count(tokens));
                // The first moments say nothing of the speed.
                if generating > 0.2 {
                    #[expect(clippy::cast_precision_loss, reason = "token counts are far below 2^52")]
                    let speed = tokens as f64 / generating;
                    words += &format!(" at ~{}", figures::speed(speed));
                }
                (words + &self.cost_so_far(tokens), None)
            }
        }
    }

    /// The number of the call that [`Self::doing`] speaks of.
    fn number(&self) -> usize {
        let is_over = matches!(self.state, State::Ended { .. });
        if is_over { self.ended } else { self.ended + 1 }
    }

    fn cost_so_far(&self, tokens: u64) -> String {
        let usage = Usage { input_uncached: Tokens(self.input), output: Tokens(tokens), ..Usage::default() };
        let how = Pricing { thinking: self.reasons, batch: false, ceiling: false };
        let cost = self.row.as_ref().and_then(|row| row.list_cost(&usage, Timestamp::now(), how));
        cost.map(|listed| format!(", ~{} so far", listed.cost.to_display())).unwrap_or_default()
    }
}

impl Shown {
    /// A line a lane, names in a column. Long names keep their ends, which tell
    /// models apart, and have a number where even those are cut.
    fn lines(&self, room: Room) -> Vec<String> {
        let now = Instant::now();
        let names = self.names(room.columns);
        let wide = names.first().map_or(0, |name| name.width());
        let lines = self.lines.iter().zip(names).map(|(line, name)| {
            let (mut words, paint) = line.doing(now);
            if line.runs > 1 {
                words = format!("{}/{}  {words}", line.number(), line.runs);
            }
            let words = fitted(&words, room.columns.saturating_sub(wide + GAP));
            let words = paint.map_or(words.clone(), |paint| self.output.paint_stderr(&words, paint));
            format!("{name}  {words}")
        });
        lines.collect()
    }

    /// The lanes' names, all of one width.
    fn names(&self, room: usize) -> Vec<String> {
        const LEAST_WORDS: usize = 24;
        let names: Vec<String> = self.lines.iter().map(|line| line.name.clone()).collect();
        let whole = Column::new(names, Place::End);
        let most = room.saturating_sub(LEAST_WORDS + 2).max(8);
        let mut columns = vec![whole];
        if columns[0].width > most {
            let numbers = (1..=self.lines.len()).map(|number| number.to_string()).collect();
            let numbers = Column::new(numbers, Place::Right);
            columns[0].width = most.saturating_sub(numbers.width + GAP).max(4);
            columns.insert(0, numbers);
        }
        let wide = taken(&columns) - GAP;
        let padded = |line: String| format!("{line}{}", " ".repeat(wide.saturating_sub(line.width())));
        rows(&columns, self.lines.len()).into_iter().map(padded).collect()
    }

    /// All lanes in one line.
    fn in_one(&self, room: Room) -> String {
        let sum = |of: fn(&Line) -> usize| self.lines.iter().map(of).sum::<usize>();
        let (ended, failed, all) = (sum(|line| line.ended), sum(|line| line.failed), sum(|line| line.runs));
        let running = self.lines.iter().filter(|line| matches!(line.state, State::Running));
        let retrying = self.lines.iter().filter(|line| matches!(line.state, State::Retrying { .. })).count();
        let mut words = format!("{ended} of {all} calls done");
        if failed > 0 {
            words += &format!(" ({failed} failed)");
        }
        words += &format!(", {} running", running.count());
        if retrying > 0 {
            words += &format!(", {retrying} waiting to retry");
        }
        words += &format!(", {}", figures::duration(ms(self.began.elapsed())));
        fitted(&words, room.columns)
    }
}

/// How a call ended, in words.
fn ending(outcome: &Outcome) -> (String, Paint) {
    let Some(error) = &outcome.error else {
        let took = outcome.timing().e2e_ms.map(figures::duration).unwrap_or_default();
        return (format!("done in {took}, {}", money::bill(&outcome.bill)), Paint::Green);
    };
    // What failed took as long as all its attempts.
    let tried = figures::duration(ms(outcome.wall));
    let said = said(error).map(|said| format!(": {said}")).unwrap_or_default();
    (format!("failed after {tried}: {}{said}", phrase(error)), Paint::Red)
}
