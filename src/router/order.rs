//! The orders of the policies, and the calls that are made to learn.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use super::{Checks, Order, Policy, Question, Ranked};
use crate::money::Cost;

/// Below this amount a difference in cost counts for little: a hundredth of a cent.
const SMALL_CHANGE: f64 = 1e14;

/// Why the first candidate is first, where it is not for its rank.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Lead {
    /// It is for its rank.
    Rank,
    /// It was never measured.
    Untried,
    /// The leader became slower after it was measured last.
    LookRound,
    /// It was measured longest ago, and this call explores.
    Explore,
}

/// Brings candidates into the order of the policy.
pub(super) fn sort(question: &Question<'_>, ranked: &mut [Ranked]) {
    match question.policy {
        Policy::Cheapest => ranked.sort_by(by_cost),
        Policy::Fastest => {
            // What nobody has measured yet is cheap at least.
            if question.order == Order::Found {
                ranked.sort_by(by_cost);
            }
            ranked.sort_by(by_speed);
        }
        Policy::Best => best(question, ranked),
        Policy::Balanced => {
            weigh(question, ranked);
            let index = |of: &Ranked| of.index.unwrap_or(1.0);
            ranked.sort_by(|a, b| index(a).total_cmp(&index(b)));
        }
    }
}

/// What is unknown comes last.
fn by_cost(a: &Ranked, b: &Ranked) -> Ordering {
    let key = |of: &Ranked| (of.expected.cost.is_none(), of.expected.cost);
    key(a).cmp(&key(b))
}

fn by_speed(a: &Ranked, b: &Ranked) -> Ordering {
    a.figures.answer_ms.total_cmp(&b.figures.answer_ms)
}

/// The user's own order, but that a candidate goes behind all others where its
/// answers passed clearly fewer of the user's checks than another's; else the newest model of each family, the dearest
/// family first, and then the older ones likewise. A model without a family is
/// one of its own, and one without a date is taken for new: catalogs learn of
/// dates later.
fn best(question: &Question<'_>, ranked: &mut [Ranked]) {
    if question.order == Order::Named {
        let checks = |of: &Ranked| question.candidates[of.candidate].checks;
        let all: Vec<Checks> = ranked.iter().map(checks).collect();
        ranked.sort_by_key(|of| all.iter().any(|other| checks(of).are_clearly_worse_than(*other)));
        return;
    }
    let row = |of: &Ranked| question.candidates[of.candidate].row.as_ref();
    let family = |of: &Ranked| {
        let model = &question.candidates[of.candidate].model;
        row(of).and_then(|row| row.family.clone()).unwrap_or_else(|| model.model.clone())
    };
    let released =
        |of: &Ranked| row(of).and_then(|row| row.released.clone()).map_or((1, String::new()), |day| (0, day));
    ranked.sort_by(|a, b| released(b).cmp(&released(a)).then_with(|| by_cost(b, a)));
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    let mut key: BTreeMap<usize, (usize, Option<Cost>)> = BTreeMap::new();
    for of in ranked.iter() {
        let generation = seen.entry(family(of)).or_default();
        key.insert(of.candidate, (*generation, of.expected.cost));
        *generation += 1;
    }
    ranked.sort_by(|a, b| {
        let ((a_age, a_cost), (b_age, b_cost)) = (key[&a.candidate], key[&b.candidate]);
        a_age.cmp(&b_age).then_with(|| b_cost.cmp(&a_cost))
    });
}

/// Gives each candidate its index: the mean of three parts between 0 (as good
/// as the best of them) and 1, by their weights.
fn weigh(question: &Question<'_>, ranked: &mut [Ranked]) {
    let mut places = ranked.to_vec();
    best(question, &mut places);
    let place: BTreeMap<usize, usize> =
        places.iter().enumerate().map(|(place, of)| (of.candidate, place)).collect();
    let usd = |of: &Ranked| of.expected.cost.map(|cost| amount(cost) + SMALL_CHANGE);
    let cheapest = ranked.iter().filter_map(usd).fold(f64::INFINITY, f64::min);
    let fastest = ranked.iter().map(|of| of.figures.answer_ms).fold(f64::INFINITY, f64::min);
    let last = ranked.len().saturating_sub(1).max(1);
    let weights = question.settings.weights;
    let whole = weights.cost + weights.speed + weights.best;
    for of in ranked {
        let cost = usd(of).map_or(1.0, |usd| 1.0 - cheapest / usd);
        let speed = 1.0 - fastest / of.figures.answer_ms;
        #[expect(clippy::cast_precision_loss, reason = "there are a few candidates")]
        let best = place[&of.candidate] as f64 / last as f64;
        let sum = weights.cost * cost + weights.speed * speed + weights.best * best;
        of.index = Some(if whole > 0.0 { sum / whole } else { 0.0 });
    }
}

#[expect(clippy::cast_precision_loss, reason = "an index needs no exact money")]
const fn amount(cost: Cost) -> f64 {
    cost.atto() as f64
}

/// Puts another candidate first where something is to be learned of it. At
/// most one call in a row pays for it: from then on it is measured.
pub(super) fn learn(question: &Question<'_>, ranked: &mut [Ranked]) -> Lead {
    if !question.policy.learns() || ranked.len() < 2 || question.settings.explore <= 0.0 {
        return Lead::Rank;
    }
    let changed = ranked[0].figures.slower_since;
    let oldest = |of: &&(usize, &Ranked)| (of.1.figures.latest, of.1.candidate);
    let named = question.order == Order::Named;
    let first_known = ranked.iter().any(|of| of.figures.latest.is_some());
    let others = || ranked.iter().enumerate().skip(1);
    let untried = || {
        let mut untried = ranked.iter().enumerate().filter(|(_, of)| of.figures.latest.is_none());
        untried.next().filter(|_| named && first_known).map(|(at, _)| (at, Lead::Untried))
    };
    let look_round = || {
        let stale = others().filter(|(_, of)| changed.is_some() && of.figures.latest < changed);
        let stale = stale.collect::<Vec<_>>();
        stale.iter().min_by_key(oldest).filter(|_| named).map(|(at, _)| (*at, Lead::LookRound))
    };
    let explore = || {
        let draw = draw(question.seed, question.turn) < question.settings.explore;
        let others = others().collect::<Vec<_>>();
        others.iter().min_by_key(oldest).filter(|_| draw).map(|(at, _)| (*at, Lead::Explore))
    };
    match untried().or_else(look_round).or_else(explore) {
        Some((at, lead)) => {
            ranked[..=at].rotate_right(1);
            lead
        }
        None => Lead::Rank,
    }
}

/// A number from 0 to 1. Over the turns of one seed the golden ratio spreads
/// them evenly, so that one call in twenty is just that.
fn draw(seed: u64, turn: u64) -> f64 {
    const GOLDEN: u64 = 0x9e37_79b9_7f4a_7c15;
    let mixed = fastrand::Rng::with_seed(seed).u64(..).wrapping_add(turn.wrapping_mul(GOLDEN));
    #[expect(clippy::cast_precision_loss, reason = "a draw needs no 64 bits")]
    let draw = mixed as f64 / u64::MAX as f64;
    draw
}
