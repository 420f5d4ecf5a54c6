//! Hedging: where the first candidate has no token in time, the next one is
//! asked as well, and the first to show something has won.
//!
//! Nothing of the loser is ever shown. Both are one task: what they say is kept
//! back until one of them wins, and then that one's words go through as they
//! come. The loser is cancelled at once, which closes its connection.

use std::cell::RefCell;
use std::future::Future;
use std::pin::pin;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use crate::chat::{Event, Request};
use crate::error::{Error, Result};
use crate::exchange::{Call, Cancel, Update, exchange};
use crate::outcome::{Outcome, Status};

/// How long the first candidate has before the next one is asked as well.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Delay {
    /// As long as the user says.
    Fixed(Duration),
    /// As long as nine of ten answers of the model took to their first word.
    P90,
}

/// The delay where too few calls are known for a percentile. Models without
/// reasoning have their first word after one or two seconds.
pub(super) const WITHOUT_HISTORY: Duration = Duration::from_secs(10);

/// A p90 needs so many calls.
pub(super) const LEAST_FOR_P90: usize = 10;

/// So many of a model's latest calls are looked at: it should follow the
/// model's ups and downs.
pub(super) const LATEST: u32 = 200;

/// The 90th percentile of times in rising order, by nearest rank.
pub(super) fn p90(times: &[Duration]) -> Option<Duration> {
    let rank = (times.len() * 9).div_ceil(10);
    times.get(rank.checked_sub(1)?).copied().filter(|_| times.len() >= LEAST_FOR_P90)
}

impl FromStr for Delay {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text.eq_ignore_ascii_case("p90") {
            return Ok(Self::P90);
        }
        let (number, unit) = match (text.strip_suffix("ms"), text.strip_suffix('s')) {
            (Some(number), _) => (number, 0.001),
            (None, number) => (number.unwrap_or(text), 1.0),
        };
        let seconds = number.trim().parse::<f64>().ok().map(|number| number * unit);
        let delay = seconds.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
        delay
            .filter(|delay| *delay <= Duration::from_hours(24))
            .map(Self::Fixed)
            .ok_or_else(|| "a time such as `2s`, `500ms` or `0.5`, or `p90`".to_owned())
    }
}

/// What the view is told.
pub(super) enum Told<'a> {
    /// Of a candidate: 0 is the first, 1 the one that was asked as well.
    Update(usize, &'a Update<'a>),
    /// The first one is late, and the next one is asked as well.
    Late,
    /// The next one can't be asked.
    Unready(&'a Error),
    /// One of the two failed, and the other one goes on alone.
    Failed(usize, &'a Outcome),
    /// One of the two has something to show, and the other one is stopped.
    Won(usize),
}

/// What came of one candidate.
pub(super) struct Ran {
    pub(super) request: Arc<Request>,
    pub(super) outcome: Outcome,
}

/// What came of both.
pub(super) struct Raced {
    pub(super) first: Ran,
    /// `None` where it was not needed, or could not be asked.
    pub(super) second: Option<Ran>,
    /// Whose words were shown, or would have been.
    pub(super) winner: usize,
}

/// What a candidate said before anyone had won.
enum Kept {
    Event(Event),
    Flush,
}

/// Who has won, and what waits for that.
struct Race<'s> {
    tell: &'s mut dyn FnMut(Told<'_>),
    cancels: [Cancel; 2],
    winner: Option<usize>,
    kept: [Vec<Kept>; 2],
    /// The second one was asked.
    both: bool,
}

impl Race<'_> {
    fn update(&mut self, lane: usize, update: &Update<'_>) {
        let kept = match (update, self.winner) {
            (_, Some(winner)) if winner != lane => return,
            (_, Some(_)) | (Update::Attempt { .. } | Update::Retry { .. }, None) => {
                return (self.tell)(Told::Update(lane, update));
            }
            (Update::Event(event), None) => Kept::Event((*event).clone()),
            (Update::Flush, None) => Kept::Flush,
        };
        // A token in time makes a second candidate needless; once there are
        // two, the first with something to show has won.
        let wins = match &kept {
            Kept::Event(event) if self.both => is_visible(event),
            Kept::Event(event) => is_token(event),
            Kept::Flush => false,
        };
        self.kept[lane].push(kept);
        if wins {
            self.won(lane);
        }
    }

    /// The second one is asked too, unless the first one has spoken meanwhile.
    fn begin_second(&mut self) -> bool {
        if self.winner.is_none() {
            self.both = true;
            (self.tell)(Told::Late);
        }
        self.both
    }

    /// Lets the winner speak, and stops the other one.
    fn won(&mut self, lane: usize) {
        if self.winner.is_some() {
            return;
        }
        if self.both {
            (self.tell)(Told::Won(lane));
        }
        self.speaks(lane);
        self.cancels[1 - lane].cancel();
    }

    fn speaks(&mut self, lane: usize) {
        self.winner = Some(lane);
        for kept in std::mem::take(&mut self.kept[lane]) {
            let update = match &kept {
                Kept::Event(event) => Update::Event(event),
                Kept::Flush => Update::Flush,
            };
            (self.tell)(Told::Update(lane, &update));
        }
    }

    /// A candidate is over: a whole answer has won also without a visible word,
    /// and where one failed the other one goes on alone.
    fn over(&mut self, lane: usize, outcome: &Outcome) {
        match outcome.status {
            Status::Ok => self.won(lane),
            Status::Cancelled => {}
            _ if self.both && self.winner.is_none() => {
                (self.tell)(Told::Failed(lane, outcome));
                self.speaks(1 - lane);
            }
            _ => {}
        }
    }
}

fn is_token(event: &Event) -> bool {
    match event {
        Event::Text(text) | Event::Refusal(text) | Event::Reasoning(text) | Event::ToolArguments(text) => {
            !text.is_empty()
        }
        _ => false,
    }
}

fn is_visible(event: &Event) -> bool {
    match event {
        Event::Text(text) | Event::Refusal(text) => text.contains(|c: char| !c.is_whitespace()),
        Event::ToolArguments(text) => !text.is_empty(),
        _ => false,
    }
}

/// Asks the first candidate and, where no token came within `delay`, the one
/// that `ready` makes ready. A first one that fails before that is over at once.
pub(super) async fn race(
    first: Call,
    ready: impl Future<Output = Result<Call>>,
    delay: Duration,
    cancel: &Cancel,
    tell: &mut dyn FnMut(Told<'_>),
) -> Raced {
    let cancels = [Cancel::default(), Cancel::default()];
    let race = RefCell::new(Race {
        tell,
        cancels: cancels.clone(),
        winner: None,
        kept: [Vec::new(), Vec::new()],
        both: false,
    });
    let ran = async |lane: usize, call: Call| {
        let outcome =
            exchange(&call, &cancels[lane], &mut |update| race.borrow_mut().update(lane, &update)).await;
        race.borrow_mut().over(lane, &outcome);
        // With the call goes its connection.
        Ran { request: Arc::clone(&call.request), outcome }
    };
    let mut first = pin!(ran(0, first));
    let mut second = pin!(async {
        tokio::time::sleep(delay).await;
        if race.borrow().winner.is_some() {
            return None;
        }
        match ready.await {
            Ok(call) => {
                let begins = race.borrow_mut().begin_second();
                if begins { Some(ran(1, call).await) } else { None }
            }
            Err(error) => {
                (race.borrow_mut().tell)(Told::Unready(&error));
                None
            }
        }
    });
    let (mut of_first, mut of_second, mut is_second_over) = (None, None, false);
    let mut is_cancelled = false;
    let first = loop {
        tokio::select! {
            biased;
            () = cancel.cancelled(), if !is_cancelled => {
                is_cancelled = true;
                cancels.iter().for_each(Cancel::cancel);
            }
            ran = &mut first, if of_first.is_none() => of_first = Some(ran),
            ran = &mut second, if !is_second_over => (of_second, is_second_over) = (ran, true),
        }
        // The second may still be waiting for a delay that is of no use now.
        match of_first.take() {
            Some(first) if is_second_over || !race.borrow().both => break first,
            pending => of_first = pending,
        }
    };
    let winner = race.borrow().winner.filter(|winner| *winner == 0 || of_second.is_some()).unwrap_or(0);
    Raced { first, second: of_second, winner }
}
