//! The difference between two states of a catalog.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::Date;
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use super::book::Book;
use super::record::{Fields, ROW, Record};
use super::report::{Change, Fact, ModelChange, RefreshReport};
use crate::model::ModelRef;
use crate::money::Price;

/// Compares two states of a catalog, as of one day.
pub(super) fn compare(old: &Book, new: &Book, today: Date) -> RefreshReport {
    let (before, after) = (&old.models(), &new.models());
    let hours = changed_hours(&old.schedules, &new.schedules);
    let missing = |from: &BTreeMap<ModelRef, &Record>, of: &BTreeMap<ModelRef, &Record>| {
        of.keys().filter(|model| !from.contains_key(*model)).cloned().collect()
    };
    let mut report = RefreshReport {
        new: missing(before, after),
        gone: missing(after, before),
        ..RefreshReport::default()
    };
    for (model, old) in before {
        let Some(new) = after.get(model) else { continue };
        let schedule = |record: &Record| {
            let row = record.in_force(today).and_then(|at| record.rows[at].get("s").cloned());
            row.unwrap_or_default()
        };
        let hours = hours.get(&schedule(old)).filter(|_| schedule(old) == schedule(new)).cloned();
        let note = |list: &mut Vec<ModelChange>, changes: Vec<Change>| {
            if !changes.is_empty() {
                list.push(ModelChange { model: model.clone(), changes });
            }
        };
        let mut prices = differences(&price_list(old, today), &price_list(new, today));
        prices.extend(hours);
        note(&mut report.price_changes, prices);
        note(&mut report.other_changes, differences(&fact_list(old), &fact_list(new)));
    }
    report
}

/// Schedules that say something else, by their id as it stands in a row.
fn changed_hours(before: &Map<String, Value>, after: &Map<String, Value>) -> BTreeMap<String, Change> {
    let words = |rule: &Value| {
        let text = |value: &Value| value.as_str().unwrap_or("?").to_owned();
        let windows = rule["peak_utc"].as_array().into_iter().flatten();
        let windows = windows.map(|window| format!("{}–{}", text(&window[0]), text(&window[1])));
        let windows = windows.collect::<Vec<_>>().join(" and ");
        let holidays = text(&rule["not_on_through"]);
        Some(Fact::Text(format!(
            "×{} outside {windows} UTC, holidays through {holidays}",
            text(&rule["mul"])
        )))
    };
    let changed = before.iter().filter_map(|(id, old)| {
        let new = after.get(id).filter(|new| *new != old)?;
        let change = Change { what: "hours".to_owned(), before: words(old), after: words(new) };
        Some((Value::from(id.as_str()).to_string(), change))
    });
    changed.collect()
}

/// Values in the order in which they are shown, by name.
type List = Vec<(String, Fact)>;

fn differences(before: &List, after: &List) -> Vec<Change> {
    let value = |list: &List, what: &str| list.iter().find(|(name, _)| name == what).map(|(_, v)| v.clone());
    let mut seen = BTreeSet::new();
    let names = before.iter().chain(after).map(|(name, _)| name).filter(|name| seen.insert(*name));
    let changes = names.map(|what| Change {
        what: what.clone(),
        before: value(before, what),
        after: value(after, what),
    });
    changes.filter(|change| change.before != change.after).collect()
}

/// Everything that a model's prices say from today on.
fn price_list(record: &Record, today: Date) -> List {
    let mut list = List::new();
    let in_force = record.in_force(today);
    if let Some(at) = in_force {
        list_row(&record.rows[at], "", &mut list);
    }
    let since = |row: &Fields| row.get("d").map(|day| day.trim_matches('"').to_owned());
    let mut later: Vec<(String, &Fields)> =
        record.rows.iter().filter_map(|row| Some((since(row)?, row))).collect();
    later.retain(|(day, _)| day.parse::<Date>().is_ok_and(|day| day > today));
    later.sort_by(|a, b| a.0.cmp(&b.0));
    for (day, row) in later {
        list_row(row, &format!("from {day}: "), &mut list);
    }
    if let Some(billing) = record.facts.get("bill") {
        list.push(("billing".to_owned(), plain(billing)));
    }
    list
}

fn list_row(row: &Fields, prefix: &str, list: &mut List) {
    for key in ROW {
        let Some(text) = row.get(key) else { continue };
        match key {
            "d" => {}
            "t" => {
                let tiers: Vec<(u64, &RawValue)> = serde_json::from_str(text).unwrap_or_default();
                for (above, tier) in tiers {
                    list_prices(tier.get(), prefix, &format!(" above {above}"), list);
                }
            }
            "b" if text.starts_with('{') => list_prices(text, &format!("{prefix}batch "), "", list),
            "b" => list.push((format!("{prefix}batch"), Fact::Text(format!("×{text}")))),
            "s" => list.push((format!("{prefix}schedule"), plain(text))),
            "u" => list.push((format!("{prefix}promised through"), plain(text))),
            // By the request, which the type for prices is not for.
            "rq" => list.push((format!("{prefix}1000 requests"), Fact::Text(format!("${text}")))),
            _ => list.push((format!("{prefix}{}", price_name(key)), money(text))),
        }
    }
}

/// Lists an object of bare prices.
fn list_prices(json: &str, prefix: &str, suffix: &str, list: &mut List) {
    let prices: BTreeMap<String, &RawValue> = serde_json::from_str(json).unwrap_or_default();
    for key in ROW {
        if let Some(text) = prices.get(key) {
            list.push((format!("{prefix}{}{suffix}", price_name(key)), money(text.get())));
        }
    }
}

fn money(text: &str) -> Fact {
    Price::per_million(text).map_or_else(|_| Fact::Text(text.to_owned()), Fact::Price)
}

fn price_name(key: &str) -> &str {
    match key {
        "i" => "input",
        "o" => "output",
        "r" => "cache read",
        "w" => "cache write",
        "h" => "1-hour cache write",
        "g" => "reasoning",
        "th" => "thinking",
        "ai" => "audio input",
        "ao" => "audio output",
        "io" => "image output",
        other => other,
    }
}

/// Everything else that a model's line says.
fn fact_list(record: &Record) -> List {
    let facts = record.facts.iter().filter(|(key, _)| *key != "bill");
    facts.map(|(key, text)| (fact_name(key).to_owned(), fact(key, text))).collect()
}

fn fact_name(key: &str) -> &str {
    match key {
        "n" => "name",
        "f" => "family",
        "c" => "context",
        "ci" => "most input",
        "o" => "most output",
        "in" => "takes",
        "out" => "gives",
        "x" => "abilities",
        "re" => "efforts",
        "rb" => "thinking budget",
        "rt" => "thinking toggle",
        "rd" => "released",
        "kc" => "knowledge",
        "cn" => "same as",
        "dd" => "shutdown",
        "st" => "state",
        "~" => "price by route",
        other => other,
    }
}

/// A fact for people, its letters in words.
fn fact(key: &str, json: &str) -> Fact {
    const ABILITIES: [(char, &str); 6] = [
        ('r', "reasoning"),
        ('t', "tools"),
        ('s', "structured output"),
        ('a', "attachments"),
        ('n', "no temperature"),
        ('w', "open weights"),
    ];
    const CONTENTS: [(char, &str); 5] =
        [('t', "text"), ('i', "image"), ('a', "audio"), ('v', "video"), ('f', "pdf")];
    let words: &[(char, &str)] = match key {
        "x" => &ABILITIES,
        "in" | "out" => &CONTENTS,
        "rt" | "~" => return Fact::Text("yes".to_owned()),
        "rb" => return bounds(json),
        _ => return plain(json),
    };
    let has = |(letter, word): &(char, &'static str)| json.contains(*letter).then_some(*word);
    Fact::Text(words.iter().filter_map(has).collect::<Vec<_>>().join(", "))
}

/// Two numbers of which either may be missing: `1024 to 32000`.
fn bounds(json: &str) -> Fact {
    match serde_json::from_str::<(Option<i64>, Option<i64>)>(json) {
        Ok((Some(least), Some(most))) => Fact::Text(format!("{least} to {most}")),
        Ok((Some(least), None)) => Fact::Text(format!("at least {least}")),
        Ok((None, Some(most))) => Fact::Text(format!("at most {most}")),
        Ok((None, None)) => Fact::Text("any".to_owned()),
        Err(_) => plain(json),
    }
}

/// A JSON text for people.
fn plain(json: &str) -> Fact {
    let value = serde_json::from_str(json).unwrap_or(Value::Null);
    Fact::Text(value.as_str().map_or_else(|| json.to_owned(), str::to_owned))
}
