//! Models, their facts and their prices, as text and as JSON.
//!
//! What is unknown is called so and is never shown as zero.

mod csv;
mod json;
mod list;
mod prices;
mod show;

pub use csv::csv;
pub use json::{in_force, listed, shown};
pub use list::{accessible, list, markdown};
pub use prices::{in_use, row_facts};
pub use show::{Around, show};

use crate::catalog::{Billing, InForce, Model, Part};
use crate::money::Price;

/// A model of a list.
#[derive(Clone, Debug)]
pub struct Listed {
    /// What is known of it.
    pub model: Model,
    /// The user's own median time to the first word, in milliseconds.
    pub first_word_ms: Option<f64>,
    /// The provider said, now or when it was last asked, that it has this model.
    pub live: bool,
}

/// What a model charges, in one word or in figures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Charge {
    /// It runs on this machine.
    Local,
    /// Nothing is charged.
    Free,
    /// By trial credits or a flat fee.
    NotMetered,
    /// No price is known.
    Unknown,
    /// USD per million tokens now, of a short prompt.
    PerMillion {
        /// Of the prompt.
        input: Option<Price>,
        /// Of the answer.
        output: Option<Price>,
        /// The route, a lapsed promise or unknown holidays may change it.
        approximate: bool,
    },
}

impl Charge {
    /// What a model charges now, given the prices in force.
    pub fn of(model: &Model, now: Option<&InForce<'_>>) -> Self {
        match (model.billing, now) {
            (Billing::Local, _) => Self::Local,
            (Billing::Trial | Billing::Subscription, _) => Self::NotMetered,
            (Billing::Free, None) => Self::Free,
            (_, None) => Self::Unknown,
            (_, Some(now)) if now.row.is_free() => Self::Free,
            (_, Some(now)) => {
                let part = |part| {
                    let price = now.row.prices.get(part)?;
                    Some(now.phase.map_or(price, |phase| price * phase.factor))
                };
                Self::PerMillion {
                    input: part(Part::Input),
                    output: part(Part::Output),
                    approximate: model.route_dependent
                        || model.taken_from.is_some()
                        || now.lapsed
                        || now.phase.is_some_and(|phase| !phase.certain),
                }
            }
        }
    }

    /// The word for it; `priced` where there are figures.
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Local => "local",
            Self::Free => "free",
            Self::NotMetered => "not metered",
            Self::Unknown => "unknown",
            Self::PerMillion { .. } => "priced",
        }
    }
}

/// What a model can do, in words that fit a column.
fn abilities(model: &Model) -> Vec<&'static str> {
    use crate::catalog::Modality;
    let can = model.abilities.unwrap_or_default();
    let words = [
        ("reasoning", can.reasoning),
        ("tools", can.tools),
        ("vision", model.input.contains(&Modality::Image)),
        ("pdf", model.input.contains(&Modality::Pdf)),
        ("audio", model.input.contains(&Modality::Audio)),
        ("video", model.input.contains(&Modality::Video)),
        ("schema", can.structured_output),
        ("open", can.open_weights),
    ];
    words.into_iter().filter(|(_, can)| *can).map(|(word, _)| word).collect()
}
