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
use crate::explain::phrase;
use crate::money::{Tokens, Usage};
use crate::outcome::{Outcome, Status, ms};
use crate::render::columns::{Column, GAP, Place, rows, taken};
use crate::render::filter::clean_line;
use crate::render::output::{Output, Paint};
use crate::render::{figures, money};
use crate::streams::show_below;

/// A piece of so many bytes is long enough for an estimate of its own.
const ENOUGH: usize = 400;

/// The board, or nothing where nobody would see it.
pub(super) struct Board(Option<Shown>);

struct Shown {
    lines: Vec<Line>,
    /// The terminal has a line for each lane.
    fits: bool,
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
    began: Instant,
    first_token: Option<Duration>,
    first_word: Option<Instant>,
    /// Tokens of the answer and of the reasoning, estimated, but for those of
    /// the newest piece.
    tokens: u64,
    /// The newest piece, to be counted when it is long enough.
    piece: String,
    reasons: bool,
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
        if !output.stderr_tty || output.quiet || output.accessible {
            return Self(None);
        }
        let height = terminal_size::terminal_size().map_or(24, |(_, terminal_size::Height(rows))| rows);
        // More lines than the terminal has could never be taken away again.
        let fits = plan.lanes.len() < usize::from(height);
        let now = Instant::now();
        let runs = |at: usize| plan.slots.iter().filter(|slot| slot.lane == at).count();
        let lines = plan.names.iter().zip(&plan.lanes).enumerate().map(|(at, (name, lane))| Line {
            name: name.clone(),
            row: lane.row.clone(),
            input: estimate::input(&plan.asking.request(lane)),
            state: State::Queued,
            runs: runs(at),
            ended: 0,
            began: now,
            first_token: None,
            first_word: None,
            tokens: 0,
            piece: String::new(),
            reasons: false,
        });
        Self(Some(Shown { lines: lines.collect(), fits, output: output.clone(), began: now }))
    }

    /// A call is about to be made.
    pub(super) fn begin(&mut self, slot: Slot) {
        if let Some(line) = self.line(slot) {
            line.state = State::Running;
            line.began = Instant::now();
            (line.first_token, line.first_word, line.reasons) = (None, None, false);
            line.tokens = 0;
            line.piece.clear();
        }
    }

    /// Something came.
    pub(super) fn update(&mut self, slot: Slot, update: &Update<'_>) {
        let Some(line) = self.line(slot) else { return };
        match update {
            Update::Attempt { .. } => line.state = State::Running,
            Update::Retry { wait, error } => {
                line.state = State::Retrying { until: Instant::now() + *wait, why: phrase(error) };
            }
            Update::Event(Event::Text(text) | Event::Refusal(text)) => {
                line.heard(text);
                if line.first_word.is_none() && !text.trim().is_empty() {
                    line.first_word = Some(Instant::now());
                }
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
        let (text, paint) = ending(outcome);
        line.state = State::Ended { text, paint };
    }

    /// Draws what has changed.
    pub(super) fn repaint(&mut self) {
        let Some(shown) = &mut self.0 else { return };
        show_below(if shown.fits { shown.lines() } else { vec![shown.in_one()] });
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
    fn words(&self, now: Instant) -> (String, Option<Paint>) {
        let since = |then: Instant| figures::duration(ms(now.saturating_duration_since(then)));
        match &self.state {
            State::Queued => ("waits for its turn".to_owned(), Some(Paint::Dim)),
            State::Ended { text, paint } => (text.clone(), Some(*paint)),
            State::Retrying { until, why } => {
                let wait = until.saturating_duration_since(now).as_secs_f64().ceil();
                (format!("{why}; retrying in {wait} s"), Some(Paint::Yellow))
            }
            State::Running => {
                let Some(first) = self.first_token else {
                    return (format!("waiting, {}", since(self.began)), Some(Paint::Dim));
                };
                let tokens = self.tokens + estimate::tokens(&self.piece);
                let generating =
                    now.saturating_duration_since(self.began).saturating_sub(first).as_secs_f64();
                let mut words = match self.first_word {
                    None if self.reasons => format!("reasoning since {}", figures::duration(ms(first))),
                    _ => format!("first token after {}", figures::duration(ms(first))),
                };
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
    fn lines(&self) -> Vec<String> {
        let now = Instant::now();
        let room = self.output.width.saturating_sub(1);
        let names = self.names(room);
        let wide = names.first().map_or(0, |name| name.width());
        let lines = self.lines.iter().zip(names).map(|(line, name)| {
            let (mut words, paint) = line.words(now);
            if line.runs > 1 {
                words = format!("{}/{}  {words}", (line.ended + 1).min(line.runs), line.runs);
            }
            let words = cut(&words, room.saturating_sub(wide + 2));
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
    fn in_one(&self) -> String {
        let (ended, all) =
            self.lines.iter().fold((0, 0), |(ended, all), line| (ended + line.ended, all + line.runs));
        let running = self.lines.iter().filter(|line| matches!(line.state, State::Running));
        let retrying = self.lines.iter().filter(|line| matches!(line.state, State::Retrying { .. })).count();
        let mut words = format!("{ended} of {all} calls done, {} running", running.count());
        if retrying > 0 {
            words += &format!(", {retrying} waiting to retry");
        }
        words += &format!(", {}", figures::duration(ms(self.began.elapsed())));
        cut(&words, self.output.width.saturating_sub(1))
    }
}

/// As much of a line as fits.
fn cut(text: &str, width: usize) -> String {
    let column = Column { width, ..Column::new(vec![text.to_owned()], Place::Left) };
    if text.width() <= width { text.to_owned() } else { rows(&[column], 1).concat() }
}

/// How a call ended, in words.
fn ending(outcome: &Outcome) -> (String, Paint) {
    let timing = outcome.timing();
    let took = timing.e2e_ms.map(figures::duration).unwrap_or_default();
    // What failed took as long as all its attempts.
    let tried = figures::duration(ms(outcome.wall));
    match (&outcome.error, outcome.status) {
        (Some(error), _) => {
            let said = clean_line(&error.message);
            let what = phrase(error);
            let said =
                if said.is_empty() || said.contains(&what) { String::new() } else { format!(": {said}") };
            (format!("failed after {tried}: {what}{said}"), Paint::Red)
        }
        (None, Status::Ok) => (format!("done in {took}, {}", money::bill(&outcome.bill)), Paint::Green),
        (None, status) => (format!("{} after {tried}", status.as_str()), Paint::Yellow),
    }
}
