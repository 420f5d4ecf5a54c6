//! The order in which lanes are shown.

use std::borrow::Cow;

use super::sheet::{Figure, sheet};
use crate::comparison::{Agreement, Comparison, Group};

/// What decides the order: the values of `--sort`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Sort {
    /// As asked.
    #[default]
    Given,
    /// The first to show a word first.
    Latency,
    /// The cheapest first.
    Cost,
    /// The most tokens a second first.
    Speed,
}

/// The places of the lanes in [`Comparison::lanes`], in the order they are to
/// be shown. Lanes without a value stand last, equal ones as asked.
pub fn order(comparison: &Comparison, sort: Sort) -> Vec<usize> {
    let mut places: Vec<usize> = (0..comparison.lanes.len()).collect();
    // Answers that did not stream have no first word; they have an end.
    let (figures, sign): (&[Figure], f64) = match sort {
        Sort::Given => return places,
        Sort::Latency => (&[Figure::FirstWord, Figure::Total], 1.0),
        Sort::Cost => (&[Figure::Cost], 1.0),
        Sort::Speed => (&[Figure::Speed], -1.0),
    };
    let sheet = sheet(comparison);
    let key = |place: usize| {
        let values = figures.iter().map(|figure| sheet.row(*figure)?.cells[place].value);
        let values = values.enumerate().find_map(|(at, value)| Some((at, value? * sign)));
        values.unwrap_or((usize::MAX, 0.0))
    };
    places.sort_by(|a, b| {
        let (a, b) = (key(*a), key(*b));
        a.0.cmp(&b.0).then(a.1.total_cmp(&b.1))
    });
    places
}

/// The comparison with its lanes in that order.
pub fn arranged(comparison: &Comparison, sort: Sort) -> Cow<'_, Comparison> {
    let places = order(comparison, sort);
    if places.is_sorted() {
        return Cow::Borrowed(comparison);
    }
    let moved = |old: &usize| places.iter().position(|place| place == old);
    let group = |group: &Group| {
        let mut lanes: Vec<usize> = group.lanes.iter().filter_map(moved).collect();
        lanes.sort_unstable();
        Group { lanes, answer: group.answer.clone() }
    };
    let agreement = comparison.agreement.as_ref().map(|agreement| Agreement {
        groups: agreement.groups.iter().map(group).collect(),
        fields: agreement.fields.clone(),
    });
    let lanes = places.iter().map(|place| comparison.lanes[*place].clone()).collect();
    Cow::Owned(Comparison { lanes, agreement, ..comparison.clone() })
}
