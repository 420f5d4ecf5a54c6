//! What a usage costs: the formula, in exact integers.

use jiff::Timestamp;

use super::entry::{Billing, Model};
use super::price::{Batch, InForce, Part, PriceRow, Prices, in_force};
use crate::money::{Bill, Cost, CostSource, Factor, Price, Tokens, Usage, UsageSource};

/// What besides its tokens decides the price of a request.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Pricing {
    /// The model was told to think.
    pub thinking: bool,
    /// The request is part of a batch. Where no batch price is known, the
    /// usual one stands in.
    pub batch: bool,
    /// Ask for the most that it can cost: the dearest hour of a schedule, an
    /// answer that is all images. For caps and for estimates, since the end of a
    /// call decides the hour, and the model what it draws.
    pub ceiling: bool,
}

/// A cost at list prices.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ListCost {
    /// The amount.
    pub cost: Cost,
    /// Some price stood in for another, depends on the route or may have lapsed.
    pub approximate: bool,
}

impl Model {
    /// What one request costs at list prices; `None` where a price that it
    /// needs is unknown. `at` is when the answer was complete.
    ///
    /// A price is needed only where it has tokens to price: without output, an
    /// unknown output price changes nothing. A model without any row of prices
    /// in force has no known cost, not even for no tokens.
    pub fn list_cost(&self, usage: &Usage, at: Timestamp, how: Pricing) -> Option<ListCost> {
        let mut listed = in_force(&self.prices, at)?.cost(usage, how)?;
        listed.approximate |= self.route_dependent || self.taken_from.is_some();
        Some(listed)
    }

    /// What one request costs its sender. `at` is when the answer was complete.
    ///
    /// Trials and subscriptions are not metered, so their bill is unknown, and
    /// never zero; [`Model::list_cost`] says what the same usage costs at list
    /// prices, where there are any.
    pub fn bill(&self, usage: &Usage, source: UsageSource, at: Timestamp, how: Pricing) -> Bill {
        let free = Bill { cost: Some(Cost::ZERO), source: CostSource::Free, approximate: false };
        match self.billing {
            Billing::Local => return Bill::LOCAL,
            Billing::Trial | Billing::Subscription => return Bill::UNKNOWN,
            Billing::Free if self.prices.is_empty() => return free,
            Billing::Free | Billing::Metered => {}
        }
        if self.prices_at(at).is_some_and(|now| now.row.is_free()) {
            return free;
        }
        let Some(ListCost { cost, approximate }) = self.list_cost(usage, at, how) else {
            return Bill::UNKNOWN;
        };
        let source = match source {
            UsageSource::Reported => CostSource::Computed,
            UsageSource::Estimated => CostSource::Estimated,
        };
        Bill { cost: Some(cost), source, approximate }
    }

    /// The prices that hold at a moment, since when and until when.
    pub fn prices_at(&self, at: Timestamp) -> Option<InForce<'_>> {
        in_force(&self.prices, at)
    }
}

impl InForce<'_> {
    fn cost(&self, usage: &Usage, how: Pricing) -> Option<ListCost> {
        let mut sum = Sum::new(self.row, usage, how);
        sum.approximate |= self.lapsed;
        sum.input(usage);
        sum.output(usage, how);
        let mut cost = sum.cost?;
        match self.row.batch {
            Some(Batch::Factor(factor)) if how.batch => cost = cost.scale(factor),
            None if how.batch => sum.approximate = true,
            _ => {}
        }
        if let Some(phase) = self.phase {
            let schedule = self.row.schedule.as_ref();
            let dearest = schedule.map_or(Factor::ONE, |schedule| schedule.off_peak.max(Factor::ONE));
            cost = cost.scale(if how.ceiling { dearest } else { phase.factor });
            sum.approximate |= !phase.certain;
        }
        Some(ListCost {
            cost: cost + self.row.per_request.unwrap_or(Cost::ZERO),
            approximate: sum.approximate,
        })
    }
}

/// The prices of one request and what they add up to.
struct Sum {
    /// Each part's price, and whether it was carried over from prices that
    /// were replaced around it.
    prices: [Option<(Price, bool)>; Part::ALL.len()],
    cost: Option<Cost>,
    approximate: bool,
}

impl Sum {
    /// The prices of the band that the whole prompt falls into.
    fn new(row: &PriceRow, usage: &Usage, how: Pricing) -> Self {
        let prices = Part::ALL.map(|part| row.prices.get(part).map(|price| (price, false)));
        let mut sum = Self { prices, cost: Some(Cost::ZERO), approximate: false };
        for tier in row.tiers.iter().filter(|tier| usage.input() > tier.above) {
            sum.replace(&tier.prices);
        }
        if let (true, Some(Batch::Prices(prices))) = (how.batch, &row.batch) {
            sum.replace(prices);
        }
        sum
    }

    fn replace(&mut self, prices: &Prices) {
        let input_changes = prices.get(Part::Input).is_some();
        for (part, known) in Part::ALL.into_iter().zip(&mut self.prices) {
            match (prices.get(part), known) {
                (Some(price), known) => *known = Some((price, false)),
                // Prices move together: one that is not listed anew is a guess.
                (None, Some((_, carried))) => *carried |= input_changes,
                (None, None) => {}
            }
        }
    }

    fn knows(&self, part: Part) -> bool {
        self.prices[part as usize].is_some()
    }

    /// Adds tokens at the first of the parts whose price is known.
    fn add(&mut self, tokens: Tokens, parts: &[Part]) {
        if tokens == Tokens::default() {
            return;
        }
        let known = parts.iter().enumerate().find_map(|(n, part)| Some((n, self.prices[*part as usize]?)));
        let Some((n, (price, carried))) = known else {
            self.cost = None;
            return;
        };
        self.approximate |= n > 0 || carried;
        self.cost = self.cost.map(|cost| cost + price * tokens);
    }

    fn input(&mut self, usage: &Usage) {
        // Parts are cut to their whole, since providers have reported larger ones.
        let audio = usage.input_audio.min(usage.input_uncached);
        self.add(usage.input_uncached - audio, &[Part::Input]);
        self.add(usage.cache_read, &[Part::CacheRead, Part::Input]);
        self.add(usage.cache_write_5m, &[Part::CacheWrite, Part::Input]);
        self.add(usage.cache_write_1h, &[Part::CacheWrite1h, Part::CacheWrite, Part::Input]);
        self.add(audio, &[Part::InputAudio, Part::Input]);
    }

    fn output(&mut self, usage: &Usage, how: Pricing) {
        let text = if how.thinking && self.knows(Part::Thinking) { Part::Thinking } else { Part::Output };
        let price = |part: Part| self.prices[part as usize].map(|(price, _)| price);
        let is_drawn = how.ceiling && price(Part::OutputImage) > price(text);
        let text = if is_drawn { Part::OutputImage } else { text };
        let mut rest = usage.output;
        if self.knows(Part::Reasoning) {
            let reasoning = usage.reasoning.min(rest);
            self.add(reasoning, &[Part::Reasoning]);
            rest = rest - reasoning;
        }
        let audio = usage.output_audio.min(rest);
        self.add(audio, &[Part::OutputAudio, Part::Output]);
        self.add(rest - audio, &[text]);
        // Images are priced apart but not counted apart.
        self.approximate |= self.knows(Part::OutputImage) && usage.output > Tokens::default();
    }
}

#[cfg(test)]
mod cases;
#[cfg(test)]
mod tests;
