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
use crate::prompt::parse_wait;

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
        let delay = parse_wait(text).ok().filter(|delay| *delay <= Duration::from_hours(24));
        delay
            .map(Self::Fixed)
            .ok_or_else(|| "expected a time such as `2s`, `500ms` or `0.5`, or `p90`".to_owned())
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delays_as_typed() {
        let fixed = |ms| Ok(Delay::Fixed(Duration::from_millis(ms)));
        for (text, ms) in [("2s", 2_000), ("0.5", 500), ("500ms", 500), ("0", 0), ("86400", 86_400_000)] {
            assert_eq!(text.parse(), fixed(ms), "{text}");
        }
        assert_eq!(("p90".parse(), "P90".parse()), (Ok(Delay::P90), Ok(Delay::P90)));
        for wrong in ["", "s", "ms", "p95", "-1", "nan", "inf", "1e300", "86401", "2 days"] {
            assert!(wrong.parse::<Delay>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_p90_is_the_nearest_rank_of_ten_or_more() {
        let times = |n: u64| (1..=n).map(Duration::from_secs).collect::<Vec<_>>();
        let p90 = |n| p90(&times(n)).map(|time| time.as_secs());
        assert_eq!([0, 9, 10, 11, 20, 100].map(p90), [None, None, Some(9), Some(10), Some(18), Some(90)]);
    }

    /// What the view is told of a race, a word each.
    fn told(play: impl FnOnce(&mut Race<'_>)) -> (Vec<String>, [bool; 2]) {
        let mut told = Vec::new();
        let mut tell = |what: Told<'_>| {
            told.push(match what {
                Told::Update(lane, Update::Event(Event::Text(text))) => format!("{lane} {text}"),
                Told::Update(lane, Update::Event(_)) => format!("{lane} event"),
                Told::Update(lane, Update::Flush) => format!("{lane} flush"),
                Told::Update(lane, _) => format!("{lane} attempt"),
                Told::Late => "late".to_owned(),
                Told::Unready(_) => "unready".to_owned(),
                Told::Failed(lane, _) => format!("{lane} failed"),
                Told::Won(lane) => format!("{lane} won"),
            });
        };
        let cancels = [Cancel::default(), Cancel::default()];
        let mut race = Race {
            tell: &mut tell,
            cancels: cancels.clone(),
            winner: None,
            kept: [Vec::new(), Vec::new()],
            both: false,
        };
        play(&mut race);
        (told, cancels.map(|cancel| cancel.is_cancelled()))
    }

    fn say(race: &mut Race<'_>, lane: usize, text: &str) {
        race.update(lane, &Update::Event(&Event::Text(text.to_owned())));
    }

    #[test]
    fn the_first_visible_word_wins_and_the_other_is_silent() {
        let (told, cancelled) = told(|race| {
            race.update(0, &Update::Attempt { number: 1 });
            assert!(race.begin_second());
            race.update(1, &Update::Attempt { number: 1 });
            race.update(0, &Update::Event(&Event::Reasoning("hm".into())));
            say(race, 0, "\n");
            race.update(1, &Update::Event(&Event::ServedModel("m".into())));
            race.update(1, &Update::Flush);
            say(race, 1, "Hi");
            say(race, 0, "LOSER");
            race.update(0, &Update::Flush);
            say(race, 1, "!");
        });
        assert_eq!(told, ["0 attempt", "late", "1 attempt", "1 won", "1 event", "1 flush", "1 Hi", "1 !"]);
        assert_eq!(cancelled, [true, false]);
    }

    #[test]
    fn any_token_in_time_is_enough_for_the_first() {
        let (told, _) = told(|race| {
            race.update(0, &Update::Event(&Event::Text(String::new())));
            race.update(0, &Update::Event(&Event::Reasoning("hm".into())));
            assert!(!race.begin_second());
            say(race, 0, "Hi");
        });
        assert_eq!(told, ["0 ", "0 event", "0 Hi"]);
    }

    #[test]
    fn where_one_fails_the_other_goes_on() {
        let of = |status| {
            let model = crate::model::ModelRef::new("a", "one");
            Outcome { status, ..Outcome::new(model, "a/one".into(), jiff::Timestamp::UNIX_EPOCH) }
        };
        let (told, cancelled) = told(|race| {
            race.begin_second();
            race.update(1, &Update::Event(&Event::Reasoning("hm".into())));
            race.over(0, &of(Status::Error));
            say(race, 1, "Hi");
            race.over(1, &of(Status::Ok));
        });
        assert_eq!(told, ["late", "0 failed", "1 event", "1 Hi"]);
        assert_eq!(cancelled, [false, false]);
    }
}
