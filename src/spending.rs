//! What calls cost together: by model, by provider, by day or by command.

use std::collections::HashMap;

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Timestamp, Zoned};

use crate::comparison::Total;
use crate::ledger::{Held, HeldState, Spent};
use crate::money::{Cost, CostSource, UsageSource};

pub mod reprice;

/// What calls are put together by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum By {
    /// The model that was asked
    #[default]
    Model,
    /// Who was asked
    Provider,
    /// The day in your time zone
    Day,
    /// The command that asked
    Command,
}

impl By {
    /// The word in tables and JSON.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Model => "model",
            Self::Provider => "provider",
            Self::Day => "day",
            Self::Command => "command",
        }
    }
}

/// Calls and money of one source.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Part {
    /// How many calls.
    pub calls: u64,
    /// What they cost.
    pub cost: Cost,
}

/// Sums over calls.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sums {
    /// How many calls.
    pub calls: u64,
    /// Calls whose tokens are unknown: the counts are lower bounds where there are any.
    pub uncounted: u64,
    /// Prompt tokens, cached ones included.
    pub input: u64,
    /// Prompt tokens read from a cache.
    pub cached: u64,
    /// Generated tokens, reasoning included.
    pub output: u64,
    /// Reasoning tokens.
    pub reasoning: u64,
    /// Some of the counts are estimates.
    pub tokens_estimated: bool,
    /// The money.
    pub total: Total,
    /// What providers stated.
    pub billed: Part,
    /// Reported tokens times known prices.
    pub computed: Part,
    /// Estimated tokens times known prices.
    pub estimated: Part,
    /// Calls that cost nothing: on this machine, or free of charge.
    pub free: u64,
    /// Failed calls that cost nothing, since nothing was served.
    pub unserved: u64,
    /// Calls of processes that were killed, in no other sum.
    pub lost: Loose,
    /// Calls under way, in no other sum.
    pub under_way: Loose,
}

impl Sums {
    /// Adds one call.
    pub fn add(&mut self, call: &Spent<'_>) {
        self.calls += 1;
        match call.usage {
            Some(counted) => {
                let usage = counted.usage;
                for (sum, tokens) in [
                    (&mut self.input, usage.input()),
                    (&mut self.cached, usage.cache_read),
                    (&mut self.output, usage.output),
                    (&mut self.reasoning, usage.reasoning),
                ] {
                    *sum = sum.saturating_add(tokens.0);
                }
                self.tokens_estimated |= counted.source == UsageSource::Estimated;
            }
            // A call is known to cost nothing only where nothing was served.
            None if call.bill.cost == Some(Cost::ZERO) && !call.possibly_billed => {
                self.unserved += 1;
                return;
            }
            None => self.uncounted += 1,
        }
        self.total.add(&call.bill, call.possibly_billed);
        let part = match call.bill.source {
            CostSource::Billed => &mut self.billed,
            CostSource::Computed => &mut self.computed,
            CostSource::Estimated => &mut self.estimated,
            CostSource::Local | CostSource::Free => {
                self.free += 1;
                return;
            }
            CostSource::Unknown => return,
        };
        part.calls += 1;
        part.cost = part.cost + call.bill.cost.unwrap_or(Cost::ZERO);
    }

    /// Whether the amount is known only roughly.
    pub fn is_approximate(&self) -> bool {
        self.total.approximate || self.estimated.calls > 0
    }

    /// Adds a call without an end. One that has ended is in the history.
    pub fn add_held(&mut self, call: &Held) {
        match call.state {
            HeldState::Lost => self.lost.add(call),
            HeldState::Open => self.under_way.add(call),
            HeldState::Doubtful => {}
        }
    }

    /// Calls whose cost is in no sum.
    pub fn missing(&self) -> u64 {
        self.total.unpriced + self.lost.calls + self.under_way.calls
    }

    /// The known amount; `None` where no call has one.
    pub fn known(&self) -> Option<Cost> {
        (self.total.unpriced + self.unserved < self.calls || self.missing() == 0).then_some(self.total.known)
    }

    /// Calls that may have been billed although nobody knows their end.
    pub fn possibly_billed(&self) -> u64 {
        self.total.possibly_billed + self.lost.calls
    }
}

/// What calls without an end may have cost.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Loose {
    /// How many calls.
    pub calls: u64,
    /// The most that those with a known price can cost.
    pub most: Cost,
    /// Those without a known price.
    pub unpriced: u64,
}

impl Loose {
    fn add(&mut self, call: &Held) {
        self.calls += 1;
        match call.worst {
            Some(most) => self.most = self.most + most,
            None => self.unpriced += 1,
        }
    }
}

/// The calls of a span of time, put together.
#[derive(Clone, Debug, PartialEq)]
pub struct Spending {
    /// By what.
    pub by: By,
    /// From this moment on; `None`: from the first call on.
    pub since: Option<Zoned>,
    /// Up to this moment; `None`: up to now.
    pub until: Option<Zoned>,
    /// Sums by name: days in order, all others dearest first.
    pub groups: Vec<(String, Sums)>,
    /// Sums over all calls.
    pub all: Sums,
}

impl Spending {
    /// A group's share of the known money, rounded to one of so many parts;
    /// `None` where nothing is known of what it cost.
    pub fn share(&self, sums: &Sums, parts: i128) -> Option<u64> {
        let all = self.all.total.known.atto();
        if all <= 0 || (sums.missing() > 0 && sums.total.known == Cost::ZERO) {
            return None;
        }
        let share = sums.total.known.atto().saturating_mul(parts).saturating_add(all / 2) / all;
        u64::try_from(share).ok()
    }
}

/// Puts calls together as they come.
pub struct Gatherer {
    by: By,
    days: Days,
    places: HashMap<String, usize>,
    groups: Vec<(String, Sums)>,
    all: Sums,
    name: String,
}

impl Gatherer {
    /// An empty one; days are those of `zone`.
    pub fn new(by: By, zone: TimeZone) -> Self {
        Self {
            by,
            days: Days { zone, today: None },
            places: HashMap::new(),
            groups: Vec::new(),
            all: Sums::default(),
            name: String::new(),
        }
    }

    /// Adds one call.
    pub fn add(&mut self, call: &Spent<'_>) {
        self.all.add(call);
        self.group(call.provider, call.model, call.command, call.started_ns).add(call);
    }

    /// Adds a call without an end.
    pub fn add_held(&mut self, call: &Held) {
        if call.state == HeldState::Doubtful {
            return;
        }
        self.all.add_held(call);
        let at = i64::try_from(call.at.as_nanosecond()).unwrap_or_default();
        self.group(call.model.provider.as_str(), &call.model.model, &call.command, at).add_held(call);
    }

    fn group(&mut self, provider: &str, model: &str, command: &str, started_ns: i64) -> &mut Sums {
        self.name.clear();
        match self.by {
            By::Model => {
                self.name.push_str(provider);
                self.name.push('/');
                self.name.push_str(model);
            }
            By::Provider => self.name.push_str(provider),
            By::Command => self.name.push_str(command),
            By::Day => self.name.push_str(self.days.of(started_ns)),
        }
        let place = match self.places.get(self.name.as_str()) {
            Some(place) => *place,
            None => {
                self.places.insert(self.name.clone(), self.groups.len());
                self.groups.push((self.name.clone(), Sums::default()));
                self.groups.len() - 1
            }
        };
        &mut self.groups[place].1
    }

    /// The sums.
    pub fn finish(self, since: Option<Zoned>, until: Option<Zoned>) -> Spending {
        let Self { by, mut groups, all, .. } = self;
        groups.sort_by(|(a, _), (b, _)| a.cmp(b));
        if by != By::Day {
            groups.sort_by_key(|(_, sums)| {
                (std::cmp::Reverse(sums.total.known), std::cmp::Reverse(sums.calls))
            });
        }
        Spending { by, since, until, groups, all }
    }
}

/// Finds the day of a moment where the user lives. A day may have 23 or 25
/// hours; calls in a row are mostly of the same one.
struct Days {
    zone: TimeZone,
    /// The last day found: its first moment, the first after it, and its name.
    today: Option<(i64, i64, String)>,
}

impl Days {
    fn of(&mut self, ns: i64) -> &str {
        if !self.today.as_ref().is_some_and(|(from, until, _)| (*from..*until).contains(&ns)) {
            self.today = Some(self.find(ns).unwrap_or_else(|| (ns, ns, "?".to_owned())));
        }
        self.today.as_ref().map_or("?", |(_, _, name)| name)
    }

    fn find(&self, ns: i64) -> Option<(i64, i64, String)> {
        let at = Timestamp::from_nanosecond(i128::from(ns)).ok()?;
        let day: Date = at.to_zoned(self.zone.clone()).date();
        let edge = |day: Date| {
            let first = day.to_zoned(self.zone.clone()).ok()?;
            i64::try_from(first.timestamp().as_nanosecond()).ok()
        };
        Some((edge(day)?, edge(day.tomorrow().ok()?)?, day.to_string()))
    }
}

#[cfg(test)]
mod tests;
