//! What a refresh changed, in words and as data.

use std::fmt;

use crate::model::ModelRef;
use crate::money::Price;

/// What a refresh changed. Order and spelling of the file are no change, nor is
/// a price whose announced day has come.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RefreshReport {
    /// Models with another price, by name.
    pub price_changes: Vec<ModelChange>,
    /// Models that the catalog did not have.
    pub new: Vec<ModelRef>,
    /// Models that it has no longer.
    pub gone: Vec<ModelRef>,
    /// Models of which something else changed, by name.
    pub other_changes: Vec<ModelChange>,
}

/// What changed of one model.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ModelChange {
    /// The model.
    pub model: ModelRef,
    /// Each change, in the order in which the catalog shows things.
    pub changes: Vec<Change>,
}

/// One value before and after.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// What it is the value of: `input`, `output above 200000`, `context`.
    pub what: String,
    /// The value before; `None` where there was none.
    pub before: Option<Fact>,
    /// The value now; `None` where there is none any more.
    pub after: Option<Fact>,
}

/// A value of a catalog.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fact {
    /// USD per million tokens.
    Price(Price),
    /// Anything else, in words.
    Text(String),
}

impl RefreshReport {
    /// Whether nothing changed.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// One line: `3 price changes, 12 new, 4 gone`.
    pub fn summary(&self) -> String {
        let plural = |count: usize| if count == 1 { "" } else { "s" };
        let (prices, other) = (self.price_changes.len(), self.other_changes.len());
        let parts = [
            (prices, format!("{prices} price change{}", plural(prices))),
            (self.new.len(), format!("{} new", self.new.len())),
            (self.gone.len(), format!("{} gone", self.gone.len())),
            (other, format!("{other} other change{}", plural(other))),
        ];
        let parts: Vec<String> =
            parts.into_iter().filter(|(count, _)| *count > 0).map(|(_, text)| text).collect();
        if parts.is_empty() { "no changes".to_owned() } else { parts.join(", ") }
    }

    /// A line for each model: prices, then what is new, gone or otherwise changed.
    pub fn lines(&self) -> Vec<String> {
        let prices = self.price_changes.iter().map(ToString::to_string);
        let new = self.new.iter().map(|model| format!("{model}  new"));
        let gone = self.gone.iter().map(|model| format!("{model}  gone"));
        let other = self.other_changes.iter().map(ToString::to_string);
        prices.chain(new).chain(gone).chain(other).collect()
    }
}

/// `openai/x  input $2 → $1.5  output $10 → $8`
impl fmt::Display for ModelChange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.model)?;
        self.changes.iter().try_for_each(|change| write!(f, "  {change}"))
    }
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = |fact: &Option<Fact>| fact.as_ref().map_or_else(|| "none".to_owned(), Fact::to_string);
        write!(f, "{} {} → {}", self.what, text(&self.before), text(&self.after))
    }
}

impl fmt::Display for Fact {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Price(price) => write!(f, "${price}"),
            Self::Text(text) => f.write_str(text),
        }
    }
}
