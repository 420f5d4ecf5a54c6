//! Rows of prices: what holds from a day on, with bands by prompt size.

use jiff::Timestamp;
use jiff::civil::Date;

use super::schedule::{Phase, Schedule, day_before, utc};
use crate::money::{Cost, Factor, Price, Tokens};

/// What a price is for. All but [`Part::OutputImage`] are applied to usages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// Prompt tokens.
    Input,
    /// All generated tokens.
    Output,
    /// Prompt tokens read from a cache.
    CacheRead,
    /// Prompt tokens written to a cache for five minutes, or the default time.
    CacheWrite,
    /// Prompt tokens written to a cache for an hour.
    CacheWrite1h,
    /// Reasoning tokens, where they are priced apart from other output.
    Reasoning,
    /// All generated tokens when thinking is on, where that changes the price.
    Thinking,
    /// Audio in the prompt.
    InputAudio,
    /// Audio in the answer.
    OutputAudio,
    /// Images in the answer. Shown only: no usage counts them apart.
    OutputImage,
}

impl Part {
    /// Every part, in the order in which prices are shown.
    pub const ALL: [Self; 10] = [
        Self::Input,
        Self::Output,
        Self::CacheRead,
        Self::CacheWrite,
        Self::CacheWrite1h,
        Self::Reasoning,
        Self::Thinking,
        Self::InputAudio,
        Self::OutputAudio,
        Self::OutputImage,
    ];

    /// The part's name in the configuration and in JSON.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Input => "input",
            Self::Output => "output",
            Self::CacheRead => "cache_read",
            Self::CacheWrite => "cache_write",
            Self::CacheWrite1h => "cache_write_1h",
            Self::Reasoning => "reasoning",
            Self::Thinking => "thinking",
            Self::InputAudio => "input_audio",
            Self::OutputAudio => "output_audio",
            Self::OutputImage => "output_image",
        }
    }
}

/// Known prices in USD per million tokens. An absent price is unknown, which
/// is not zero.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Prices([Option<Price>; Part::ALL.len()]);

impl Prices {
    /// The price of a part, where it is known.
    pub const fn get(&self, part: Part) -> Option<Price> {
        self.0[part as usize]
    }

    /// Sets or forgets the price of a part.
    pub const fn set(&mut self, part: Part, price: Option<Price>) {
        self.0[part as usize] = price;
    }

    /// The known prices, in the order in which they are shown.
    pub fn known(&self) -> impl Iterator<Item = (Part, Price)> + '_ {
        Part::ALL.into_iter().filter_map(|part| Some((part, self.get(part)?)))
    }

    /// Whether prices are known and all of them are zero.
    pub fn are_zero(&self) -> bool {
        self.known().next().is_some() && self.known().all(|(_, price)| price == Price::ZERO)
    }
}

/// Prices of requests whose prompt is longer than a bound.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tier {
    /// The whole request has these prices where its prompt has more tokens
    /// than this, cached ones included.
    pub above: Tokens,
    /// What changes; the rest stays as in the band below.
    pub prices: Prices,
}

/// What is charged in a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Batch {
    /// A share of the usual price.
    Factor(Factor),
    /// Prices of their own; the rest stays as it is.
    Prices(Prices),
}

/// The prices that hold from a day on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PriceRow {
    /// The first day, in UTC; `None` where the prices held already when the
    /// catalog was made.
    pub since: Option<Date>,
    /// The last day for which the prices are promised, where they are a promotion.
    pub promised_through: Option<Date>,
    /// Prices of the lowest band.
    pub prices: Prices,
    /// USD for each request, on top of its tokens.
    pub per_request: Option<Cost>,
    /// Higher bands, in rising order.
    pub tiers: Vec<Tier>,
    /// What a batch costs, where that is known.
    pub batch: Option<Batch>,
    /// Hours of the week with another price.
    pub schedule: Option<Schedule>,
}

impl PriceRow {
    /// Whether nothing is charged: what is not known of is no zero.
    pub fn is_free(&self) -> bool {
        [Part::Input, Part::Output].iter().all(|part| self.prices.get(*part).is_some())
            && self.prices.are_zero()
            && self.per_request.is_none_or(|cost| cost == Cost::ZERO)
            && self.tiers.iter().all(|tier| tier.prices.are_zero())
    }
}

/// The prices that hold at one moment, for showing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InForce<'a> {
    /// The row.
    pub row: &'a PriceRow,
    /// The last day on which it holds or is promised.
    pub until: Option<Date>,
    /// The row that follows.
    pub next: Option<&'a PriceRow>,
    /// The promise of the price has run out, and nothing newer is known.
    pub lapsed: bool,
    /// What the row's schedule says of the moment.
    pub phase: Option<Phase>,
}

/// The row in force at a moment: the last one that took effect by that day.
pub(super) fn in_force(rows: &[PriceRow], at: Timestamp) -> Option<InForce<'_>> {
    let today = utc(at).date();
    let row = rows.iter().filter(|row| row.since <= Some(today)).max_by_key(|row| row.since)?;
    let next = rows.iter().filter(|row| row.since > Some(today)).min_by_key(|row| row.since);
    let last = next.and_then(|next| next.since).and_then(day_before);
    Some(InForce {
        row,
        until: [last, row.promised_through].into_iter().flatten().min(),
        next,
        lapsed: row.promised_through.is_some_and(|through| through < today),
        phase: row.schedule.as_ref().map(|schedule| schedule.at(at)),
    })
}
