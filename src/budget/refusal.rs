//! Why a call is not sent, in words.

use super::Planned;
use super::window::Limit;
use super::worst::Unknown;
use crate::error::{Error, ErrorKind};
use crate::ledger::{LedgerError, Scope, Spending};
use crate::money::Cost;
use crate::render::filter::clean_line;

/// A cap that would be passed.
pub(super) struct Over {
    /// What the calls may cost together.
    pub(super) asked: Cost,
    /// What counts already.
    pub(super) spending: Spending,
    /// The cap.
    pub(super) limit: Limit,
}

/// Why calls are refused.
pub(super) enum Refusal {
    /// A cap would be passed.
    Over {
        over: Box<Over>,
        /// `openai/gpt-6.1-sol`, or how many calls it is.
        who: String,
    },
    /// Nobody knows what a call may cost.
    Unpriced { lane: String, why: Unknown },
}

impl Refusal {
    pub(super) fn over(over: Over, planned: &[Planned<'_>]) -> Self {
        let scope = match &over.limit {
            Limit::MaxCost(_) => &Scope::All,
            Limit::Budget(cap) => &cap.cap.scope,
        };
        let mut covered = planned.iter().filter(|call| scope.covers(&call.lane.model));
        let who = match (covered.next(), covered.count()) {
            (Some(one), 0) => clean_line(&one.lane.name).into_owned(),
            (_, others) => format!("the {} calls", others + 1),
        };
        Self::Over { over: Box::new(over), who }
    }

    /// The error that ends the command; `fit` where a lower limit was tried.
    pub(super) fn into_error(self, fit: bool) -> Error {
        match self {
            Self::Over { over, who } => passed(*over, &who, fit),
            Self::Unpriced { lane, why } => {
                let what =
                    format!("{}: a cap is set, and what the call may cost is unknown", clean_line(&lane));
                let error = Error::new(ErrorKind::Budget, what).because(&why);
                let error = match why {
                    Unknown::Answer(_) => error.hint("set `--max-tokens`, or let `--fit` choose it"),
                    Unknown::Header(_) | Unknown::Search(_) => error.hint(
                        "prices of your own, below `[providers.ID.models.MODEL]` in the configuration, are taken as all \
                         that is charged",
                    ),
                    _ => error,
                };
                error.hint("`--allow-unpriced` sends what has no known cost all the same")
            }
        }
    }
}

fn passed(over: Over, who: &str, fit: bool) -> Error {
    let Over { asked, spending, limit } = over;
    let (amount, name) = match &limit {
        Limit::MaxCost(cost) => (*cost, format!("`--max-cost` {}", cost.to_display())),
        Limit::Budget(cap) => (cap.cap.limit, format!("the cap of {cap}")),
    };
    let left = spending.left(amount);
    let what = format!(
        "over budget: {} may cost up to {}, and {} of {name} is left",
        who,
        asked.to_display(),
        left.to_display()
    );
    let mut error = Error::new(ErrorKind::Budget, clean_line(&what).into_owned());
    let counted = [
        (spending.spent, "spent"),
        (spending.open, "set aside for calls under way"),
        (spending.possible, "possibly billed besides"),
    ];
    let parts: Vec<String> = counted
        .into_iter()
        .filter(|(cost, _)| *cost > Cost::ZERO)
        .map(|(cost, what)| format!("{} {what}", cost.to_display()))
        .collect();
    if !parts.is_empty() {
        error.causes.push(parts.join(", "));
    }
    error = if fit {
        error.hint("not even an answer of 16 tokens fits what is left")
    } else {
        error.hint("`--max-tokens N` allows less, `--fit` as much as fits what is left")
    };
    match limit {
        Limit::MaxCost(_) => error,
        Limit::Budget(cap) => error.hint(format!(
            "the cap begins anew at {}; `pollm cost budget` shows every cap",
            cap.resets.strftime("%Y-%m-%d %H:%M")
        )),
    }
}

/// A cap that can't be checked is not kept: nothing is sent.
pub(super) fn not_kept(error: LedgerError) -> Error {
    let what = "a cap is set, and what was spent can't be looked up: nothing was sent";
    Error { kind: ErrorKind::Budget, ..Error::new(ErrorKind::Budget, what).because(&error) }
        .hint("the ledger keeps what was spent; `[budget]` in the configuration sets the caps")
}
