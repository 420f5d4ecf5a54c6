//! Which of several models is asked first, and why: a pure function of the
//! policy, the request, the candidates, their prices, the user's own
//! measurements, the time and a seed. The same question has the same answer.
//!
//! - [`cheapest`](Policy::Cheapest): by what this very request is expected to cost.
//! - [`fastest`](Policy::Fastest): by the cautious time to a whole answer; see [`speed`].
//! - [`best`](Policy::Best): by the user's own order, else by what the catalog knows.
//! - [`balanced`](Policy::Balanced): by a weighted mean of the three.
//!
//! What can't serve the request is filtered out first, with the reason.

use std::time::Duration;

use jiff::Timestamp;

use crate::budget::Worst;
use crate::catalog::Model;
use crate::chat::MediaKind;
use crate::cooldown::Cooling;
use crate::model::{ModelRef, ProviderId};
use crate::money::{Cost, Price};

mod expected;
mod filter;
mod order;
mod reason;
pub mod speed;

pub use expected::Expected;
pub use speed::{Figures, Host, Sample};

/// So many candidates are kept of those that the user did not name.
pub const MOST_FOUND: usize = 20;

/// By what candidates are ranked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Policy {
    /// The lowest expected cost of this request first
    Cheapest,
    /// The shortest time to an answer first, by your own measurements
    Fastest,
    /// Your own order, else the newest model of the dearest family
    Best,
    /// A weighted mean of the three
    Balanced,
}

impl Policy {
    /// Every policy, in the order of the help.
    pub const ALL: [Self; 4] = [Self::Cheapest, Self::Fastest, Self::Best, Self::Balanced];

    /// The word on the command line, in the configuration and in JSON.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Cheapest => "cheapest",
            Self::Fastest => "fastest",
            Self::Best => "best",
            Self::Balanced => "balanced",
        }
    }

    /// Whether it goes by measurements, and so has to make some.
    const fn learns(self) -> bool {
        matches!(self, Self::Fastest | Self::Balanced)
    }
}

/// How much each side weighs in [`Policy::Balanced`]; any numbers from zero up.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Weights {
    /// What the request is expected to cost.
    pub cost: f64,
    /// How long the answer is expected to take.
    pub speed: f64,
    /// The place in the order of [`Policy::Best`].
    pub best: f64,
}

impl Default for Weights {
    fn default() -> Self {
        Self { cost: 1.0, speed: 1.0, best: 1.0 }
    }
}

/// What the user can set of a choice.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    /// The share of calls that go to the model measured longest ago, 0 to 1.
    pub explore: f64,
    /// After this time a measurement counts for half.
    pub half_life: Duration,
    /// For [`Policy::Balanced`].
    pub weights: Weights,
    /// The most that a million tokens, in or out, may cost.
    pub max_price: Option<Price>,
    /// If not empty: only these providers.
    pub only: Vec<ProviderId>,
    /// Not these providers.
    pub except: Vec<ProviderId>,
}

impl Default for Settings {
    /// One call in twenty explores, and three days halve a measurement.
    fn default() -> Self {
        Self {
            explore: 0.05,
            half_life: Duration::from_hours(72),
            weights: Weights::default(),
            max_price: None,
            only: Vec::new(),
            except: Vec::new(),
        }
    }
}

/// What the request needs of a model.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Need {
    /// Tokens of the prompt, approximately.
    pub input: u64,
    /// Attachments.
    pub media: Vec<MediaKind>,
    /// The answer must be of a given shape.
    pub schema: bool,
    /// It hands tools to the model.
    pub tools: bool,
}

/// A model that may be asked.
#[derive(Clone, Debug)]
pub struct Candidate {
    /// How its lane is called: the model, and its options where it has any.
    pub name: String,
    /// The model.
    pub model: ModelRef,
    /// Facts and prices, where the catalog has them.
    pub row: Option<Model>,
    /// The most tokens that its answer may have, where the user said so.
    pub max_tokens: Option<u64>,
    /// It is told to think.
    pub thinking: bool,
    /// Tokens of the prompt by the user's own calls of it; `None`: as the need says.
    pub input: Option<u64>,
    /// Tokens of a typical answer by the user's own calls of it.
    pub typical_output: Option<u64>,
    /// The most that this request can cost, as every cap counts it; looked at
    /// only under [`Question::max_cost`].
    pub worst: Option<Worst>,
    /// Why it can't be asked at all: its provider has no key.
    pub obstacle: Option<String>,
    /// The user's own latest calls to it, newest first.
    pub samples: Vec<Sample>,
    /// How its latest answers did under the user's own checks.
    pub checks: Checks,
}

impl Candidate {
    /// A model of whom no call is known, and that can be asked.
    pub const fn new(name: String, model: ModelRef, row: Option<Model>) -> Self {
        Self {
            name,
            model,
            row,
            max_tokens: None,
            thinking: false,
            input: None,
            typical_output: None,
            worst: None,
            obstacle: None,
            samples: Vec::new(),
            checks: Checks { passed: 0, of: 0 },
        }
    }
}

/// Checks of the user's (`compare --check`) that a model's latest answers were held against.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Checks {
    /// Those that passed.
    pub passed: u32,
    /// All of them.
    pub of: u32,
}

impl Checks {
    /// So many checks say something of a model.
    pub const LEAST: u32 = 5;

    /// Whether these passed clearly less often than others: by a fifth of all
    /// and more, with [`Checks::LEAST`] on both sides.
    pub fn are_clearly_worse_than(self, other: Self) -> bool {
        let share = |checks: Self| u64::from(checks.passed) * 5;
        let (own, its) = (u64::from(self.of), u64::from(other.of));
        self.of >= Self::LEAST
            && other.of >= Self::LEAST
            // passed/of + 1/5 <= passed/of of the other, without fractions.
            && (share(self) + own) * its <= share(other) * own
    }
}

/// Where the order of the candidates comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// The user named them in this order. Each may be tried once.
    Named,
    /// They are what the user has keys for; the first [`MOST_FOUND`] are kept.
    Found,
}

/// Everything that a choice depends on.
#[derive(Clone, Debug)]
pub struct Question<'a> {
    /// By what to rank.
    pub policy: Policy,
    /// What the user has set.
    pub settings: &'a Settings,
    /// What the request needs.
    pub need: &'a Need,
    /// Whom to rank.
    pub candidates: &'a [Candidate],
    /// Where their order comes from.
    pub order: Order,
    /// The user's median answer to such prompts on any model, in tokens.
    pub usual_output: Option<u64>,
    /// What the call may cost in the worst case ([`Candidate::worst`]).
    pub max_cost: Option<Cost>,
    /// Who is to be left alone.
    pub cooling: &'a [Cooling],
    /// When.
    pub now: Timestamp,
    /// Decides with `turn` whether this call explores.
    pub seed: u64,
    /// How many calls were made before this one. With a fixed seed, calls
    /// that explore are spread evenly over the turns.
    pub turn: u64,
}

/// A candidate in its place.
#[derive(Clone, Debug, PartialEq)]
pub struct Ranked {
    /// Its place in [`Question::candidates`].
    pub candidate: usize,
    /// What the user's calls say of it.
    pub figures: Figures,
    /// What the request is expected to cost.
    pub expected: Expected,
    /// Its index under [`Policy::Balanced`]: 0 is best, 1 is worst.
    pub index: Option<f64>,
    /// Why it stands there, in words and figures.
    pub reason: String,
}

/// What bars a candidate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bar {
    /// The user's own settings.
    Setting,
    /// It can't be asked at all: no key, no address.
    Unreachable,
    /// It can't do what the request needs.
    Ability,
    /// It may cost more than the cap.
    Cap,
    /// It is left alone for a while.
    Cooling,
}

/// A candidate that can't serve the request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rejected {
    /// Its place in [`Question::candidates`].
    pub candidate: usize,
    /// What bars it.
    pub bar: Bar,
    /// Why.
    pub reason: String,
}

/// The answer to a [`Question`].
#[derive(Clone, Debug, PartialEq)]
pub struct Ranking {
    /// The first one is to be asked, the next one if it fails, and so on.
    pub ranked: Vec<Ranked>,
    /// Who is left out, in the order of the candidates.
    pub rejected: Vec<Rejected>,
    /// The single model that the same policy would choose for good, by all its
    /// measurements alike: what the choice is to be held against.
    pub baseline: Option<Ranked>,
}

/// Ranks candidates. Those that tie keep the order in which they were given.
pub fn rank(question: &Question<'_>) -> Ranking {
    let (fit, rejected) = filter::part(question);
    let tokens = expected::usual_output(question);
    let view = |candidate: usize, memory: speed::Memory| {
        let of = &question.candidates[candidate];
        Ranked {
            candidate,
            figures: speed::figures(&of.samples, question.now, memory, question.need.input, tokens),
            expected: expected::of(question, of),
            index: None,
            reason: String::new(),
        }
    };
    let fading = speed::Memory::Fading(question.settings.half_life);
    let mut ranked: Vec<Ranked> = fit.iter().map(|candidate| view(*candidate, fading)).collect();
    order::sort(question, &mut ranked);
    if question.order == Order::Found {
        ranked.truncate(MOST_FOUND);
    }
    let lead = order::learn(question, &mut ranked);
    reason::give(question, &mut ranked, lead);
    let mut steady: Vec<Ranked> =
        fit.iter().map(|candidate| view(*candidate, speed::Memory::Whole)).collect();
    order::sort(question, &mut steady);
    Ranking { ranked, rejected, baseline: steady.into_iter().next() }
}

#[cfg(test)]
mod tests;
