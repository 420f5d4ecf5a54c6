//! What one answer costs, and how that is known.

use super::Cost;

/// Where a cost comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CostSource {
    /// The provider stated the amount.
    Billed,
    /// Reported tokens times known prices.
    Computed,
    /// Estimated tokens times known prices.
    Estimated,
    /// A model on this machine.
    Local,
    /// The provider charges nothing for this model.
    Free,
    /// No price is known; never to be added up as zero.
    Unknown,
}

impl CostSource {
    /// The word used in JSON and in the ledger.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Billed => "billed",
            Self::Computed => "computed",
            Self::Estimated => "estimated",
            Self::Local => "local",
            Self::Free => "free",
            Self::Unknown => "unknown",
        }
    }

    /// Reads the word back.
    pub fn parse(word: &str) -> Option<Self> {
        [Self::Billed, Self::Computed, Self::Estimated, Self::Local, Self::Free, Self::Unknown]
            .into_iter()
            .find(|source| source.as_str() == word)
    }
}

/// What one answer costs, and how that is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bill {
    /// `None` exactly when the source is [`CostSource::Unknown`].
    pub cost: Option<Cost>,
    /// How the amount is known.
    pub source: CostSource,
    /// The price depends on the route, stood in for another or may have lapsed.
    pub approximate: bool,
}

impl Bill {
    /// No price is known.
    pub const UNKNOWN: Self = Self { cost: None, source: CostSource::Unknown, approximate: false };

    /// The provider stated the amount.
    pub const fn billed(cost: Cost) -> Self {
        Self { cost: Some(cost), source: CostSource::Billed, approximate: false }
    }

    /// A model on this machine: no money.
    pub const LOCAL: Self = Self { cost: Some(Cost::ZERO), source: CostSource::Local, approximate: false };

    /// Both together, of which one may be a guess and so is the sum. Where one
    /// of them is unknown, so is the sum.
    #[must_use]
    pub fn and(&self, other: &Self) -> Self {
        match (self.cost, other.cost) {
            (Some(one), Some(two)) => Self {
                cost: Some(one + two),
                source: CostSource::Estimated,
                approximate: self.approximate || other.approximate,
            },
            _ => Self::UNKNOWN,
        }
    }
}
