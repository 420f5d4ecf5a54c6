//! The most that a call can cost, known before it is sent.
//!
//! Every bound errs to the safe side, and where there is none the cost is
//! unknown, which no cap lets through by itself. Two of them are allowances and
//! no proofs, since no provider promises them: the unseen tokens of a prompt and
//! the spread of prices. A bill above them counts in full once it is known.
//!
//! - The prompt has no more tokens than its request has bytes, plus what a
//!   provider adds unseen ([`prompt`]). Attachments have as many tokens as fit
//!   the model's context, since each provider counts them by rules of its own.
//! - The answer is no longer than the limit that is really sent, else than the
//!   model's longest answer, else than its context. Reasoning is inside.
//! - Prices are the dearest that may hold: of the hours of a schedule, of
//!   today and tomorrow, of the bands below the prompt's bound, of a prompt
//!   that is written to a cache, of an answer that is all reasoning, or all
//!   images where those have a price.
//! - A gateway's price that depends on the route is taken two and a half
//!   times: that far the catalog's sources disagree on routes at most. So is a
//!   price that stands in for another or whose promise has run out: snapshots
//!   of one model have differed by two.
//! - Where a model may search by itself, or a field or a header asks for
//!   something that may be charged apart, there is no bound ([`fees`]).

use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value};

use crate::catalog::{Abilities, Billing, Model, Pricing};
use crate::chat::{MediaKind, Request};
use crate::dispatch;
use crate::error::Result;
use crate::lane::{Lane, Way};
use crate::model::ModelRef;
use crate::money::{Cost, CostSource, Factor, Tokens, Usage, UsageSource};
use crate::wire::{ReasoningStyle, Target};

mod fees;
mod fields;
mod prompt;

use fields::{LIMITS, answers, costly, field, limit_of};
pub use fields::{answers_in, limit_in};

/// The most that a call can cost.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Worst {
    /// Nothing is charged for this model.
    Nothing,
    /// No more than this.
    AtMost(Cost),
    /// Nobody knows, for this reason.
    Unknown(Unknown),
}

/// Why the most that a call can cost is unknown.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unknown {
    /// The catalog has no price.
    #[error("no price of {0} is known")]
    Price(ModelRef),
    /// A trial or a subscription.
    #[error("{0} is not paid for by the token")]
    NotMetered(ModelRef),
    /// Neither a limit nor the model's longest answer is known.
    #[error("how long an answer of {0} can be is not known")]
    Answer(ModelRef),
    /// There are attachments, and the model's context is not known.
    #[error("how many tokens the attachments are for {0} is not known")]
    Attachments(ModelRef),
    /// A field of `-o` may cost something of its own.
    #[error("the field `{0}` of `-o` may cost more, and how much is not known")]
    Field(String),
    /// A header of the configuration may cost something of its own.
    #[error("the header `{0}` of the configuration may cost more, and how much is not known")]
    Header(String),
    /// The model searches, and each search is charged for.
    #[error("{0} may search by itself, and what that costs is not known")]
    Search(ModelRef),
}

/// What bounds the cost of one call.
pub(super) struct Bounds<'a> {
    model: &'a ModelRef,
    /// `None`: on this machine, or no row.
    row: Option<&'a Model>,
    is_local: bool,
    /// Tokens of the prompt.
    input: Option<u64>,
    has_audio: bool,
    /// Tokens of one answer.
    output: Option<u64>,
    /// Whether `--max-tokens` decides how long the answer may be.
    can_shrink: bool,
    /// Tokens of thinking that the limit does not bound; `None` is unknown.
    beside: Option<u64>,
    /// Answers asked for at once.
    answers: u64,
    /// What may be charged apart: a field, a header.
    besides: Option<Unknown>,
}

impl<'a> Bounds<'a> {
    /// Looks at the request as it will be sent.
    ///
    /// # Errors
    /// Where the protocol has no place for something in it.
    pub(super) fn of(lane: &'a Lane, request: &Request) -> Result<Self> {
        let target = match &lane.way {
            Way::Http { target, .. } => Some(target.as_ref()),
            Way::Local => None,
        };
        Self::at(target, &lane.model, lane.row.as_ref(), request)
    }

    /// As [`Bounds::of`], where no lane was made yet; without a target the
    /// model is the embedded one.
    ///
    /// # Errors
    /// As [`Bounds::of`].
    pub(super) fn at(
        target: Option<&Target>,
        model: &'a ModelRef,
        row: Option<&'a Model>,
        request: &Request,
    ) -> Result<Self> {
        let Some(target) = target else { return Ok(Self::local(model)) };
        let (wire, _) = dispatch::encode(target, request)?;
        let extra = &request.params.extra;
        let limit = limit_of(&wire.body);
        let context = row.and_then(|row| row.max_input.or(row.context));
        let has_media = request.media().next().is_some();
        let input = if has_media {
            context
        } else {
            let most = prompt::most(model.provider.as_str(), request, &wire.body);
            Some(most.min(context.unwrap_or(u64::MAX)))
        };
        Ok(Self {
            model,
            row,
            is_local: row.is_some_and(|row| row.billing == Billing::Local),
            input,
            has_audio: request.media().any(|media| media.kind == MediaKind::Audio),
            output: limit.or_else(|| row.and_then(|row| row.max_output.or(row.context))),
            can_shrink: !LIMITS.iter().any(|name| field(extra, name).is_some()),
            beside: beside(target, row, &wire.body),
            answers: answers(&wire.body),
            besides: besides(target, row, extra),
        })
    }

    fn local(model: &'a ModelRef) -> Self {
        Self {
            model,
            row: None,
            is_local: true,
            input: None,
            has_audio: false,
            output: None,
            can_shrink: false,
            beside: None,
            answers: 1,
            besides: None,
        }
    }

    /// The longest answer, where that is known and `--max-tokens` decides it.
    pub(super) fn shrinkable(&self) -> Option<u64> {
        self.output.filter(|_| self.can_shrink)
    }

    /// The most that the call can cost, sent so many times and with answers of
    /// no more than `limit` tokens.
    pub(super) fn worst(&self, limit: Option<u64>, sends: u32, now: Timestamp) -> Worst {
        if self.is_local {
            return Worst::Nothing;
        }
        let Some(row) = self.row else { return Worst::Unknown(Unknown::Price(self.model.clone())) };
        let days = [now, now.saturating_add(SignedDuration::from_hours(24)).unwrap_or(now)];
        let sources = days
            .map(|day| row.bill(&Usage::default(), UsageSource::Reported, day, Pricing::default()).source);
        if sources.iter().all(|source| matches!(source, CostSource::Free | CostSource::Local)) {
            return Worst::Nothing;
        }
        match self.dearest(row, limit, days) {
            Ok(cost) => {
                // More than a bill can say is more than any cap.
                let factor = i128::from(sends.max(1));
                Worst::AtMost(Cost::from_atto(cost.atto().saturating_mul(factor)))
            }
            Err(unknown) => Worst::Unknown(unknown),
        }
    }

    fn dearest(&self, row: &Model, limit: Option<u64>, days: [Timestamp; 2]) -> Result<Cost, Unknown> {
        let model = || self.model.clone();
        if matches!(row.billing, Billing::Trial | Billing::Subscription) {
            return Err(Unknown::NotMetered(model()));
        }
        if let Some(besides) = &self.besides {
            return Err(besides.clone());
        }
        if !row.is_priced_by_user && fees::has_unknown_searches(row, days[0]) {
            return Err(Unknown::Search(model()));
        }
        let input = self.input.ok_or_else(|| Unknown::Attachments(model()))?;
        let shrunk = limit.filter(|_| self.can_shrink);
        let one =
            [self.output, shrunk].into_iter().flatten().min().ok_or_else(|| Unknown::Answer(model()))?;
        let beside = self.beside.ok_or_else(|| Unknown::Answer(model()))?;
        let output = one.saturating_add(beside).saturating_mul(self.answers);
        let mut dearest = None;
        for day in days {
            for usage in usages(row, input, output, self.has_audio, day) {
                for thinking in [false, true] {
                    let how = Pricing { thinking, batch: false, ceiling: true };
                    let listed = row.list_cost(&usage, day, how).ok_or_else(|| Unknown::Price(model()))?;
                    dearest = dearest.max(Some(listed.cost));
                }
            }
        }
        let cost = dearest.ok_or_else(|| Unknown::Price(model()))?;
        let lapsed = days.iter().any(|day| row.prices_at(*day).is_some_and(|now| now.lapsed));
        let is_vague = row.route_dependent || row.taken_from.is_some() || lapsed;
        Ok(if is_vague { cost.scale(spread()) } else { cost })
    }
}

/// How far the prices of a model's routes, or of its snapshots, lie apart.
fn spread() -> Factor {
    Factor::parse("2.5").unwrap_or(Factor::ONE)
}

/// Usages of which the dearest is dearer than any that can come: prices are
/// linear between them.
fn usages(row: &Model, input: u64, output: u64, has_audio: bool, day: Timestamp) -> Vec<Usage> {
    let tiers =
        row.prices_at(day).map(|now| now.row.tiers.iter().map(|tier| tier.above.0).collect::<Vec<_>>());
    let prompts = tiers.unwrap_or_default().into_iter().filter(|above| *above < input).chain([input]);
    let mut usages = Vec::new();
    for prompt in prompts.map(Tokens) {
        let none = Usage::default();
        let mut sides = vec![
            Usage { input_uncached: prompt, ..none },
            Usage { cache_read: prompt, ..none },
            Usage { cache_write_5m: prompt, ..none },
        ];
        if has_audio {
            sides.push(Usage { input_uncached: prompt, input_audio: prompt, ..none });
        }
        for side in sides {
            let output = Tokens(output);
            usages.push(Usage { output, ..side });
            usages.push(Usage { output, reasoning: output, ..side });
        }
    }
    usages
}

/// What the request asks for that may be charged apart. Where the user said
/// what a model costs, that goes for whatever headers the user's server wants.
fn besides(target: &Target, row: Option<&Model>, extra: &Map<String, Value>) -> Option<Unknown> {
    let field = extra.iter().find_map(|(name, value)| costly(name, value)).map(Unknown::Field);
    let of_user = row.is_some_and(|row| row.is_priced_by_user);
    field.or_else(|| fees::costly_header(&target.headers).filter(|_| !of_user).map(Unknown::Header))
}

/// Thinking that the limit on the answer does not bound. Alibaba and
/// `SiliconFlow` bound it by a budget of its own.
fn beside(target: &Target, row: Option<&Model>, body: &Value) -> Option<u64> {
    let reasons = row.and_then(|row| row.abilities).is_none_or(|Abilities { reasoning, .. }| reasoning);
    let switched_off = body["enable_thinking"] == Value::Bool(false);
    if target.quirks.reasoning != ReasoningStyle::EnableThinking || !reasons || switched_off {
        return Some(0);
    }
    let known = || {
        let budget = row?.thinking_budget.and_then(|(_, most)| most).map(u64::from);
        budget.or(row?.max_output).or(row?.context)
    };
    body["thinking_budget"].as_u64().or_else(known)
}

#[cfg(test)]
mod tests;
