//! A model's line as a refresh works on it: keys and JSON texts, every text in
//! one spelling, so that texts are equal exactly where values are.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use jiff::civil::Date;
use serde_json::Value;
use serde_json::value::RawValue;

use crate::catalog::row::RowError;
use crate::money::{Cost, Factor, Price};

/// JSON texts by key. Where facts and prices stand together, the keys of prices
/// begin with a `$`.
pub(super) type Fields = BTreeMap<String, String>;

/// Where a source departed from the record when it was last read: its value of
/// a key, `None` where it gave none.
pub(super) type Departures = BTreeMap<String, Option<String>>;

/// The order of keys in a line.
const FACTS: [&str; 18] =
    ["n", "f", "c", "ci", "o", "in", "out", "x", "re", "rb", "rt", "rd", "kc", "cn", "dd", "st", "bill", "~"];

/// The order of keys in a row of prices.
pub(super) const ROW: [&str; 16] =
    ["d", "i", "o", "r", "w", "h", "g", "th", "ai", "ao", "io", "rq", "t", "b", "s", "u"];

/// One model.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Record {
    /// All keys but those below.
    pub(super) facts: Fields,
    /// Rows of prices, as in the file.
    pub(super) rows: Vec<Fields>,
    /// What each source said last, by the source's key: where that departs from
    /// the record; `None` where the source does not list the model.
    pub(super) was: BTreeMap<String, Option<Departures>>,
}

impl Record {
    /// Reads the line of a model.
    pub(super) fn read(json: &str) -> Result<Self, RowError> {
        let mut record = Self::default();
        for (key, text) in serde_json::from_str::<BTreeMap<String, &RawValue>>(json)? {
            match key.as_str() {
                "$" => {
                    let rows: Vec<BTreeMap<String, &RawValue>> = serde_json::from_str(text.get())?;
                    record.rows = rows.into_iter().map(read_row).collect::<Result<_, _>>()?;
                }
                "was" => record.was = read_was(text.get())?,
                _ => _ = record.facts.insert(key, one_spelling(text.get())?),
            }
        }
        Ok(record)
    }

    /// The line as it stands in the file.
    pub(super) fn line(&self) -> String {
        let mut out = Object::new();
        for key in in_order(&self.facts, &FACTS) {
            out.put(key, &self.facts[key]);
        }
        if !self.rows.is_empty() {
            let rows: Vec<String> = self.rows.iter().map(row_text).collect();
            out.put("$", &format!("[{}]", rows.join(",")));
        }
        if !self.was.is_empty() {
            let mut was = Object::new();
            for (source, said) in &self.was {
                let said = said.as_ref().map(|said| {
                    let mut object = Object::new();
                    said.iter().for_each(|(key, text)| object.put(key, text.as_deref().unwrap_or("null")));
                    object.end()
                });
                was.put(source, said.as_deref().unwrap_or("null"));
            }
            out.put("was", &was.end());
        }
        out.end()
    }

    /// Where in [`Record::rows`] the row stands that is in force on a day.
    pub(super) fn in_force(&self, day: Date) -> Option<usize> {
        let day = day_text(day);
        let by_then = self.rows.iter().enumerate().filter(|(_, row)| since(row).is_none_or(|d| *d <= day));
        by_then.max_by_key(|(_, row)| since(row)).map(|(at, _)| at)
    }

    /// Facts, and the prices in force on a day behind a `$`.
    pub(super) fn on(&self, day: Date) -> Fields {
        let mut all = self.facts.clone();
        if let Some(at) = self.in_force(day) {
            let prices = self.rows[at].iter().filter(|(key, _)| !["d", "s", "u"].contains(&key.as_str()));
            all.extend(prices.map(|(key, text)| (format!("${key}"), text.clone())));
        }
        all
    }
}

/// A day as it stands in a row.
pub(super) fn day_text(day: Date) -> String {
    format!("\"{day}\"")
}

fn since(row: &Fields) -> Option<&String> {
    row.get("d")
}

/// The keys of a map: known ones in their order, then the others.
fn in_order<'a>(fields: &'a Fields, order: &'a [&'a str]) -> impl Iterator<Item = &'a str> {
    let known = order.iter().copied().filter(|key| fields.contains_key(*key));
    known.chain(fields.keys().map(String::as_str).filter(|key| !order.contains(key)))
}

/// A row of prices as JSON.
pub(super) fn row_text(row: &Fields) -> String {
    let mut out = Object::new();
    in_order(row, &ROW).for_each(|key| out.put(key, &row[key]));
    out.end()
}

/// Reads a row of prices, a tier's or a batch's.
fn read_row(row: BTreeMap<String, &RawValue>) -> Result<Fields, RowError> {
    row.into_iter().map(|(key, text)| Ok((key.clone(), price_spelling(&key, text.get())?))).collect()
}

fn read_was(json: &str) -> Result<BTreeMap<String, Option<Departures>>, RowError> {
    let spell = |key: String, text: &RawValue| {
        let text = match (key.strip_prefix('$'), text.get()) {
            (_, "null") => None,
            (Some(price), text) => Some(price_spelling(price, text)?),
            (None, text) => Some(one_spelling(text)?),
        };
        Ok::<_, RowError>((key, text))
    };
    let was: BTreeMap<String, Option<BTreeMap<String, &RawValue>>> = serde_json::from_str(json)?;
    was.into_iter()
        .map(|(source, said)| {
            let said = said.map(|said| said.into_iter().map(|(key, text)| spell(key, text)).collect());
            Ok((source, said.transpose()?))
        })
        .collect()
}

/// The one spelling of a JSON text without prices.
fn one_spelling(json: &str) -> Result<String, RowError> {
    Ok(serde_json::from_str::<Value>(json)?.to_string())
}

/// The one spelling of what stands behind a key of a row of prices.
fn price_spelling(key: &str, json: &str) -> Result<String, RowError> {
    Ok(match key {
        "d" | "s" | "u" => one_spelling(json)?,
        "t" => {
            let mut tiers: Vec<(u64, BTreeMap<String, &RawValue>)> = serde_json::from_str(json)?;
            tiers.sort_by_key(|(above, _)| *above);
            let tiers = tiers.into_iter().map(|(above, row)| Ok((above, read_row(row)?)));
            tiers_text(&tiers.collect::<Result<Vec<_>, RowError>>()?)
        }
        "b" if json.starts_with('{') => row_text(&read_row(serde_json::from_str(json)?)?),
        "b" => Factor::parse(json)?.to_string(),
        "rq" => Cost::parse_usd(json)?.to_usd(),
        _ => Price::per_million(json)?.to_string(),
    })
}

/// Tiers as JSON: the bound, and what changes above it.
pub(super) fn tiers_text(tiers: &[(u64, Fields)]) -> String {
    let tiers: Vec<String> =
        tiers.iter().map(|(above, row)| format!("[{above},{}]", row_text(row))).collect();
    format!("[{}]", tiers.join(","))
}

/// A JSON object whose values are texts already.
struct Object(String);

impl Object {
    fn new() -> Self {
        Self("{".to_owned())
    }

    fn put(&mut self, key: &str, json: &str) {
        let comma = if self.0.len() > 1 { "," } else { "" };
        let _ = write!(self.0, "{comma}{}:{json}", Value::from(key));
    }

    fn end(mut self) -> String {
        self.0.push('}');
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_that_was_read_is_written_in_one_spelling() {
        let odd = r#"{ "$":[{"o":2.50,"i":1e0,"t":[[2000,{"i":3.0}],[1000,{"i":2}]],"b":0.50}, {"d":"2026-12-01","i":2,"o":4,"s":"x"}],
            "was":{"md":{"$i":0.10,"c":null,"n":"\u0041"},"gp":null}, "zz":[1, 2], "c":1000,"n":"A" }"#;
        let line = Record::read(odd).unwrap().line();
        assert_eq!(
            line,
            concat!(
                r#"{"n":"A","c":1000,"zz":[1,2],"$":[{"i":1,"o":2.5,"t":[[1000,{"i":2}],[2000,{"i":3}]],"b":0.5},"#,
                r#"{"d":"2026-12-01","i":2,"o":4,"s":"x"}],"was":{"gp":null,"md":{"$i":0.1,"c":null,"n":"A"}}}"#,
            )
        );
        assert_eq!(Record::read(&line).unwrap().line(), line);
    }

    #[test]
    fn the_row_in_force_depends_on_the_day() {
        let record =
            Record::read(r#"{"n":"A","$":[{"i":1,"o":2},{"d":"2026-12-01","i":2,"o":4,"u":"2026-12-31"}]}"#)
                .unwrap();
        let on = |day: &str| record.on(day.parse().unwrap());
        assert_eq!(on("2026-11-30")["$i"], "1");
        assert_eq!(on("2026-12-01")["$i"], "2");
        assert_eq!(on("2026-12-01").len(), 3);
    }

    #[test]
    fn rows_that_cannot_be_kept_exactly_are_refused() {
        for row in [r#"{"i":-1}"#, r#"{"i":"1"}"#, r#"{"i":1.0000000001}"#, r#"{"t":[[1,{"i":null}]]}"#, "1"]
        {
            assert!(Record::read(&format!(r#"{{"n":"A","$":[{row}]}}"#)).is_err(), "{row}");
        }
    }
}
