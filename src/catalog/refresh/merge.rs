//! How what a source says becomes a record.
//!
//! The catalog is put together from several sources and corrected by hand, so
//! most of what a source says again and again must not undo what another one
//! knew better. What counts is movement: a record keeps what each source said
//! last (`was`), and only what it says differently now is taken. So a hand-made
//! price, schedule, promise or dated row stays for as long as the source stays
//! where it was when the correction was made, and goes once the source moves.
//!
//! - A complete source (models.dev) whose `was` has no entry agreed with the
//!   record on the catalog's day. What it stops listing is gone; what it never
//!   listed stays. A value that it drops is dropped.
//! - Another source without an entry has never spoken. The first time it only
//!   fills in what is missing, and only beside the very prices that it has.
//! - A gateway's own list is right about its prices, whatever was said before.
//!
//! Input and output price move together with everything that hangs on them: a
//! new price drops hour prices, schedules, promises and dated rows. A source
//! that says now what a dated row says from its day on is early, not new.

use jiff::civil::Date;

use super::record::{Departures, Fields, Record, day_text};
use super::source::{Origin, Statement};

/// Keys that models.dev would state if there were anything to state, so that
/// silence is a statement too.
const SILENCE_COUNTS: [&str; 13] =
    ["ci", "st", "bill", "~", "$i", "$o", "$r", "$w", "$g", "$th", "$ai", "$ao", "$t"];

/// What a new price of a gateway's own list replaces.
const OWNED: [&str; 3] = ["bill", "$i", "$o"];

/// The days between which a record is carried over.
#[derive(Clone, Copy, Debug)]
pub(super) struct Span {
    /// The day of the catalog so far.
    pub(super) from: Date,
    /// Today.
    pub(super) to: Date,
}

/// One source's turn at one record.
#[derive(Clone, Copy, Debug)]
pub(super) struct Turn<'a> {
    /// Who speaks.
    pub(super) origin: Origin,
    /// The record before anyone spoke.
    pub(super) before: &'a Record,
    /// The days that the record is carried over.
    pub(super) span: Span,
}

impl Turn<'_> {
    /// Lays what the source says of a model over its record. `false`: the model
    /// is gone.
    pub(super) fn merge(self, record: &mut Record, said: Option<&Statement>) -> bool {
        let listed = !matches!(self.before.was.get(self.origin.key()), Some(None));
        let Some(said) = said else {
            return self.origin != Origin::ModelsDev || !listed;
        };
        let today = self.span.to;
        let news = self.news(&record.on(today), &said.fields);
        for (key, text) in news.iter().filter(|(key, _)| !key.starts_with('$')) {
            put(&mut record.facts, key, text.as_ref());
        }
        let priced_anew = news.contains_key("$i") || news.contains_key("$o");
        if priced_anew && !is_foreseen(record, &said.fields, today) {
            price_anew(record, &said.fields, today);
        } else if same_price(&record.on(today), &said.fields) {
            if let Some(at) = record.in_force(today) {
                let prices = news.iter().filter_map(|(key, text)| Some((key.strip_prefix('$')?, text)));
                prices.for_each(|(key, text)| put(&mut record.rows[at], key, text.as_ref()));
            }
            said.later.iter().for_each(|row| schedule(record, row, today));
        }
        true
    }

    /// What the source says differently from last time, and from the record.
    fn news(self, now: &Fields, theirs: &Fields) -> Departures {
        let differing = keys(self.origin, theirs).into_iter().filter(|key| theirs.get(*key) != now.get(*key));
        let moved = differing.filter(|key| self.has_moved(key, now, theirs));
        moved.map(|key| (key.to_owned(), theirs.get(key).cloned())).collect()
    }

    fn has_moved(self, key: &str, now: &Fields, theirs: &Fields) -> bool {
        let missing = !now.contains_key(key) && same_price(now, theirs);
        match (self.origin, self.before.was.get(self.origin.key())) {
            (Origin::OpenRouter, _) => key.starts_with('$') || OWNED.contains(&key) || key == "~",
            // Nobody else that is read knows these.
            (Origin::GenaiPrices, _) if ["$h", "$b", "$rq"].contains(&key) && missing => true,
            // It has never spoken of this model.
            (Origin::GenaiPrices, None | Some(None)) => missing && key != "$t" || !now.contains_key("$i"),
            // The complete list has just set another price.
            (Origin::GenaiPrices, _) if !same_price(now, &self.before.on(self.span.to)) => false,
            _ => last_said(self.before, self.origin, key, self.span) != theirs.get(key).cloned(),
        }
    }
}

/// What a source that has spoken of the model said of a key last time.
fn last_said(before: &Record, origin: Origin, key: &str, span: Span) -> Option<String> {
    match before.was.get(origin.key()) {
        Some(None) => None,
        Some(Some(said)) if said.contains_key(key) => said[key].clone(),
        _ => before.on(span.from).remove(key),
    }
}

/// The keys on which a statement speaks.
fn keys(origin: Origin, theirs: &Fields) -> Vec<&str> {
    let silent: &[&str] = match origin {
        Origin::ModelsDev => &SILENCE_COUNTS,
        Origin::OpenRouter => &OWNED,
        Origin::GenaiPrices => &[],
    };
    let stated = theirs.keys().map(String::as_str);
    stated.chain(silent.iter().copied().filter(|key| !theirs.contains_key(*key))).collect()
}

fn put(fields: &mut Fields, key: &str, text: Option<&String>) {
    match text {
        Some(text) => _ = fields.insert(key.to_owned(), text.clone()),
        None => _ = fields.remove(key),
    }
}

fn same_price(ours: &Fields, theirs: &Fields) -> bool {
    ["$i", "$o"].iter().all(|key| ours.get(*key) == theirs.get(*key))
}

/// Whether the record has a row with this price for a later day.
fn is_foreseen(record: &Record, theirs: &Fields, today: Date) -> bool {
    let later = record.rows.iter().filter(|row| row.get("d").is_some_and(|day| *day > day_text(today)));
    later.into_iter().any(|row| row.get("i") == theirs.get("$i") && row.get("o") == theirs.get("$o"))
}

/// A new price list. Of the old one only shares and fees by the request stay.
fn price_anew(record: &mut Record, theirs: &Fields, today: Date) {
    let mut row: Fields = theirs
        .iter()
        .filter_map(|(key, text)| Some((key.strip_prefix('$')?.to_owned(), text.clone())))
        .collect();
    if row.is_empty() {
        record.rows.clear();
        return;
    }
    if let Some(at) = record.in_force(today) {
        let old = &record.rows[at];
        let factor = old.get("b").filter(|batch| !batch.starts_with('{'));
        for (key, text) in [("b", factor), ("rq", old.get("rq"))] {
            if let Some(text) = text {
                row.entry(key.to_owned()).or_insert_with(|| text.clone());
            }
        }
    }
    record.rows = vec![row];
}

/// Adds a row that takes effect later, or corrects the one of that day.
fn schedule(record: &mut Record, row: &Fields, today: Date) {
    let mut row = row.clone();
    let batch = record.in_force(today).and_then(|at| record.rows[at].get("b"));
    if let Some(factor) = batch.filter(|batch| !batch.starts_with('{')) {
        row.entry("b".to_owned()).or_insert_with(|| factor.clone());
    }
    match record.rows.iter_mut().find(|known| known.get("d") == row.get("d")) {
        Some(known) => known.extend(row),
        None => record.rows.push(row),
    }
}

/// Notes what a source said last: where it departs from the record as it is
/// now. `said` is `None` where the source was not read.
pub(super) fn remember(
    record: &mut Record,
    before: &Record,
    origin: Origin,
    said: Option<Option<&Statement>>,
    span: Span,
) {
    let key = origin.key().to_owned();
    let departures = match (origin, said) {
        // Whatever it says holds, so there is nothing to tell apart.
        (Origin::OpenRouter, _) => return,
        (Origin::ModelsDev, Some(None)) => None,
        (Origin::GenaiPrices, Some(None)) => {
            record.was.remove(&key);
            return;
        }
        (_, Some(Some(said))) => {
            Some(departures(record, keys(origin, &said.fields), span, |key| said.fields.get(key).cloned()))
        }
        (_, None) => match before.was.get(origin.key()) {
            Some(None) => return,
            None if origin == Origin::GenaiPrices => return,
            _ => {
                let (then, now) = (before.on(span.from), record.on(span.to));
                let old = before.was.get(origin.key()).and_then(Option::as_ref);
                let keys = then.keys().chain(now.keys()).chain(old.into_iter().flat_map(Departures::keys));
                let keys = keys.map(String::as_str).filter(|key| speaks_of(origin, key));
                Some(departures(record, keys, span, |key| last_said(before, origin, key, span)))
            }
        },
    };
    match departures {
        Some(same) if same.is_empty() && origin == Origin::ModelsDev => _ = record.was.remove(&key),
        departures => _ = record.was.insert(key, departures),
    }
}

/// Notes that a gateway's own list says zero, or says so no longer: others that
/// know no price are no reason to doubt it then.
pub(super) fn remember_own_zeros(record: &mut Record, said: Option<&Statement>) {
    let key = Origin::OpenRouter.key();
    if said.is_some_and(|said| said.fields.get("$i").is_some_and(|price| price == "0")) {
        record.was.insert(key.to_owned(), Some(Departures::new()));
    } else {
        record.was.remove(key);
    }
}

/// Whether a source ever says anything about a key.
fn speaks_of(origin: Origin, key: &str) -> bool {
    match origin {
        Origin::ModelsDev => !["dd", "$h", "$b", "$rq", "$io"].contains(&key),
        _ => key.starts_with('$') && !["$th", "$io"].contains(&key),
    }
}

fn departures<'a>(
    record: &Record,
    keys: impl IntoIterator<Item = &'a str>,
    span: Span,
    theirs: impl Fn(&str) -> Option<String>,
) -> Departures {
    let now = record.on(span.to);
    let each = keys.into_iter().map(|key| (key, theirs(key)));
    let departed = each.filter(|(key, text)| text.as_ref() != now.get(*key));
    departed.map(|(key, text)| (key.to_owned(), text)).collect()
}
