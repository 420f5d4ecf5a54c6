//! The reasons, in words and figures.

use super::order::Lead;
use super::speed::DOUBT_MS;
use super::{Checks, Order, Policy, Question, Ranked};
use crate::catalog::Billing;
use crate::money::Cost;
use crate::render::figures::{duration, speed};

/// Gives every candidate the reason for its place.
pub(super) fn give(question: &Question<'_>, ranked: &mut [Ranked], lead: Lead) {
    let nothing_known = ranked.iter().all(|of| of.figures.latest.is_none());
    for (place, of) in ranked.iter_mut().enumerate() {
        let own = of_rank(question, of, place, nothing_known);
        let learned = match lead {
            Lead::Rank => "",
            _ if place > 0 => "",
            Lead::Untried => "tried once, since it was never measured; ",
            Lead::LookRound => "measured again, since the fastest became slower; ",
            Lead::Explore => "measured again, as one call in some is (`explore`); ",
        };
        of.reason = format!("{learned}{own}");
    }
}

fn of_rank(question: &Question<'_>, of: &Ranked, place: usize, nothing_known: bool) -> String {
    match question.policy {
        Policy::Cheapest => cost(question, of),
        Policy::Fastest if nothing_known => match question.order {
            Order::Named => "nothing is measured yet: in the order given".to_owned(),
            Order::Found => "nothing is measured yet: in the order of the expected cost".to_owned(),
        },
        Policy::Fastest => pace(of),
        Policy::Best => match (question.order, place) {
            (Order::Named, 0) => {
                format!("the first in your order that can serve this{}", checked(question, of))
            }
            (Order::Named, _) => format!("by your order{}", checked(question, of)),
            (Order::Found, _) => {
                let row = question.candidates[of.candidate].row.as_ref();
                let family = row.and_then(|row| row.family.as_deref()).unwrap_or("no family");
                let released = row.and_then(|row| row.released.as_deref()).unwrap_or("no date known");
                format!("newest of the dearest families: {family}, {released}, {}", cost(question, of))
            }
        },
        Policy::Balanced => {
            let index = of.index.unwrap_or(1.0);
            format!("{index:.2} between best (0) and worst (1): {}; {}", cost(question, of), pace(of))
        }
    }
}

/// What the user's checks said, where they were enough to count.
fn checked(question: &Question<'_>, of: &Ranked) -> String {
    let Checks { passed, of: all } = question.candidates[of.candidate].checks;
    if all < Checks::LEAST { String::new() } else { format!("; {passed} of {all} checks passed") }
}

fn cost(question: &Question<'_>, of: &Ranked) -> String {
    let row = question.candidates[of.candidate].row.as_ref();
    let tokens = format!("{} tokens in and ~{} out", of.expected.input, of.expected.output);
    match of.expected.cost {
        Some(Cost::ZERO) if row.is_some_and(|row| row.billing == Billing::Local) => {
            "it runs on this machine".to_owned()
        }
        Some(Cost::ZERO) => "it is free".to_owned(),
        Some(cost) => format!("~{} for {tokens}", cost.to_display()),
        None => "what it costs is unknown".to_owned(),
    }
}

fn pace(of: &Ranked) -> String {
    let figures = &of.figures;
    let failed = match figures.failed {
        0 => String::new(),
        1 => ", 1 failed".to_owned(),
        n => format!(", {n} failed"),
    };
    let Some(first) = figures.ttfv_p50_ms else {
        let known = if figures.failed > 0 { duration(figures.answer_ms) } else { duration(DOUBT_MS) };
        return format!("not measured (n 0{failed}): taken for {known}");
    };
    let tokens = figures.tps_p50.map(|tps| format!(" at {}", speed(tps))).unwrap_or_default();
    let whole = duration(figures.answer_ms);
    format!(
        "{} to first word{tokens}, cautiously {whole} to the end (n {}{failed})",
        duration(first),
        figures.n
    )
}
