//! The catalog's short keys, read into its types. Prices are taken from their
//! literal text, so that no float ever touches them.

use jiff::civil::{Date, Time};
use serde::Deserialize;
use serde_json::value::RawValue;

use super::entry::{Abilities, Billing, Modality, Model, Provider, ProviderKind, State};
use super::price::{Batch, Part, PriceRow, Prices, Tier};
use super::schedule::Schedule;
use super::zero;
use crate::model::{ModelRef, ProviderId};
use crate::money::{Cost, Factor, Price, Tokens};

/// Why a row can't be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub(super) struct RowError(String);

macro_rules! row_error_from {
    ($($error:ty),+) => {
        $(impl From<$error> for RowError {
            fn from(error: $error) -> Self {
                Self(error.to_string())
            }
        })+
    };
}
row_error_from!(serde_json::Error, jiff::Error, crate::money::InvalidAmount, std::num::ParseIntError);

/// A provider: `n` name, `k` kind, `w` wire, `api` address, `dd` end of service.
#[derive(Deserialize)]
struct ProviderRow {
    n: String,
    k: String,
    w: String,
    #[serde(default)]
    env: Vec<String>,
    api: Option<String>,
    doc: Option<String>,
    dd: Option<String>,
}

/// A model. Keys that this version does not know are skipped.
#[derive(Deserialize)]
struct ModelRow<'a> {
    n: String,
    f: Option<String>,
    c: Option<u64>,
    ci: Option<u64>,
    o: Option<u64>,
    #[serde(rename = "in", default)]
    input: String,
    #[serde(default)]
    out: String,
    x: Option<String>,
    re: Option<String>,
    rb: Option<(Option<i64>, Option<i64>)>,
    #[serde(default)]
    rt: u8,
    rd: Option<String>,
    kc: Option<String>,
    dd: Option<String>,
    st: Option<String>,
    cn: Option<String>,
    bill: Option<String>,
    #[serde(rename = "~", default)]
    route: u8,
    #[serde(rename = "$", borrow, default)]
    prices: Vec<Row<'a>>,
    /// What each source says of the row, where that is something else; see
    /// [`super::refresh`].
    #[serde(borrow)]
    was: Option<&'a RawValue>,
}

/// A row of prices, a tier's or a batch's. A key that this version does not
/// know may change what is charged, so it makes the row unreadable.
#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields)]
struct Row<'a> {
    d: Option<String>,
    u: Option<String>,
    s: Option<String>,
    #[serde(borrow)]
    i: Option<&'a RawValue>,
    o: Option<&'a RawValue>,
    r: Option<&'a RawValue>,
    w: Option<&'a RawValue>,
    h: Option<&'a RawValue>,
    g: Option<&'a RawValue>,
    th: Option<&'a RawValue>,
    ai: Option<&'a RawValue>,
    ao: Option<&'a RawValue>,
    io: Option<&'a RawValue>,
    rq: Option<&'a RawValue>,
    b: Option<&'a RawValue>,
    #[serde(default)]
    t: Vec<(u64, Row<'a>)>,
}

/// Reads a provider's row.
pub(super) fn provider(id: &str, json: &str) -> Result<Provider, RowError> {
    let row: ProviderRow = serde_json::from_str(json)?;
    Ok(Provider {
        id: ProviderId::new(id),
        name: row.n,
        kind: match row.k.as_str() {
            "api" => ProviderKind::Api,
            "gw" => ProviderKind::Gateway,
            "trial" => ProviderKind::Trial,
            "sub" => ProviderKind::Subscription,
            "local" => ProviderKind::Local,
            "gone" => ProviderKind::Gone,
            other => return Err(unknown_word("k", other)),
        },
        wire: row.w,
        env: row.env,
        base_url: row.api.map(|url| url.trim_end_matches('/').to_owned()),
        doc: row.doc,
        gone_since: row.dd.map(|day| day.parse()).transpose()?,
    })
}

/// Reads a model's row. `schedule` finds a schedule by its id.
pub(super) fn model(
    model: ModelRef,
    json: &str,
    schedule: &dyn Fn(&str) -> Result<Schedule, RowError>,
) -> Result<Model, RowError> {
    let row: ModelRow<'_> = serde_json::from_str(json)?;
    let tokens = |bound: i64| u32::try_from(bound).ok();
    let prices: Vec<PriceRow> =
        row.prices.into_iter().map(|row| price_row(row, schedule)).collect::<Result<_, _>>()?;
    let hides_its_price = prices.iter().all(PriceRow::is_free)
        && zero::is_doubtful(&model, &row.n, row.route != 0, row.was.map(RawValue::get));
    Ok(Model {
        model,
        name: row.n,
        family: row.f,
        context: row.c,
        max_input: row.ci,
        max_output: row.o,
        input: row.input.chars().filter_map(modality).collect(),
        output: row.out.chars().filter_map(modality).collect(),
        abilities: row.x.as_deref().map(abilities),
        efforts: row.re.map(|levels| levels.split(',').filter_map(|level| level.parse().ok()).collect()),
        // A bound may be -1 for "up to the model".
        thinking_budget: row
            .rb
            .map(|(least, most)| (least.and_then(tokens), most.and_then(tokens)))
            .filter(|bounds| *bounds != (None, None)),
        thinking_toggle: row.rt != 0,
        released: row.rd,
        knowledge: row.kc,
        shutdown: row.dd.map(|day| day.parse()).transpose()?,
        state: match row.st.as_deref() {
            None => State::Current,
            Some("alpha" | "beta") => State::Beta,
            Some("deprecated") => State::Deprecated,
            Some("retired") => State::Retired,
            Some(other) => return Err(unknown_word("st", other)),
        },
        canonical: row.cn,
        billing: match row.bill.as_deref() {
            None => Billing::Metered,
            Some("free") if hides_its_price => Billing::Metered,
            Some("free") => Billing::Free,
            Some("trial") => Billing::Trial,
            Some("sub") => Billing::Subscription,
            Some(other) => return Err(unknown_word("bill", other)),
        },
        route_dependent: row.route != 0,
        prices: if hides_its_price { Vec::new() } else { prices },
        taken_from: None,
        is_priced_by_user: false,
    })
}

fn unknown_word(key: &str, word: &str) -> RowError {
    RowError(format!("`{key}` is `{word}`, which is unknown"))
}

const fn modality(letter: char) -> Option<Modality> {
    Some(match letter {
        't' => Modality::Text,
        'i' => Modality::Image,
        'a' => Modality::Audio,
        'v' => Modality::Video,
        'f' => Modality::Pdf,
        _ => return None,
    })
}

fn abilities(letters: &str) -> Abilities {
    Abilities {
        reasoning: letters.contains('r'),
        tools: letters.contains('t'),
        structured_output: letters.contains('s'),
        attachments: letters.contains('a'),
        no_temperature: letters.contains('n'),
        open_weights: letters.contains('w'),
    }
}

fn price_row(
    mut row: Row<'_>,
    schedule: &dyn Fn(&str) -> Result<Schedule, RowError>,
) -> Result<PriceRow, RowError> {
    let tiers = std::mem::take(&mut row.t);
    let mut tiers = tiers
        .into_iter()
        .map(|(above, row)| Ok(Tier { above: Tokens(above), prices: bare_prices(&row)? }))
        .collect::<Result<Vec<_>, RowError>>()?;
    tiers.sort_by_key(|tier| tier.above);
    Ok(PriceRow {
        since: row.d.as_deref().map(str::parse).transpose()?,
        promised_through: row.u.as_deref().map(str::parse).transpose()?,
        prices: prices(&row)?,
        // The source counts by the thousand.
        per_request: match row.rq {
            Some(text) => Some(Cost::from_atto(Cost::parse_usd(text.get())?.atto() / 1_000)),
            None => None,
        },
        tiers,
        batch: row.b.map(|value| batch(value.get())).transpose()?,
        schedule: row.s.as_deref().map(schedule).transpose()?,
    })
}

fn batch(json: &str) -> Result<Batch, RowError> {
    if json.starts_with('{') {
        return Ok(Batch::Prices(bare_prices(&serde_json::from_str(json)?)?));
    }
    Ok(Batch::Factor(Factor::parse(json)?))
}

/// Prices in a place where nothing but prices makes sense.
fn bare_prices(row: &Row<'_>) -> Result<Prices, RowError> {
    let Row { d: None, u: None, s: None, rq: None, b: None, t, .. } = row else {
        return Err(RowError("a tier or a batch holds more than prices".to_owned()));
    };
    if !t.is_empty() {
        return Err(RowError("a tier or a batch holds tiers".to_owned()));
    }
    prices(row)
}

fn prices(row: &Row<'_>) -> Result<Prices, RowError> {
    let parts = [
        (Part::Input, row.i),
        (Part::Output, row.o),
        (Part::CacheRead, row.r),
        (Part::CacheWrite, row.w),
        (Part::CacheWrite1h, row.h),
        (Part::Reasoning, row.g),
        (Part::Thinking, row.th),
        (Part::InputAudio, row.ai),
        (Part::OutputAudio, row.ao),
        (Part::OutputImage, row.io),
    ];
    let mut prices = Prices::default();
    for (part, text) in parts {
        prices.set(part, text.map(|text| Price::per_million(text.get())).transpose()?);
    }
    zero::drop_one_sided(&mut prices);
    Ok(prices)
}

/// A schedule as it stands in the head.
#[derive(Deserialize)]
struct ScheduleRow {
    mul: String,
    when: String,
    peak_utc: Vec<(String, String)>,
    days: Vec<i8>,
    #[serde(default)]
    not_on: Vec<String>,
    not_on_through: Option<String>,
    note: Option<String>,
}

/// Finds a schedule in the head's `sched` object.
pub(super) fn schedule(id: &str, json: &str) -> Result<Schedule, RowError> {
    let mut all: std::collections::HashMap<String, ScheduleRow> = serde_json::from_str(json)?;
    let row = all.remove(id).ok_or_else(|| RowError(format!("there is no schedule `{id}`")))?;
    if row.when != "off-peak" {
        return Err(unknown_word("when", &row.when));
    }
    let windows = row.peak_utc.iter().map(|(from, to)| Ok((minute(from)?, minute(to)?)));
    Ok(Schedule {
        off_peak: Factor::parse(&row.mul)?,
        windows: windows.collect::<Result<_, RowError>>()?,
        weekdays: row.days,
        not_on: row.not_on.iter().map(|day| day.parse::<Date>()).collect::<Result<_, _>>()?,
        known_through: row.not_on_through.map(|day| day.parse()).transpose()?,
        note: row.note,
    })
}

/// Reads `HH:MM`.
fn minute(text: &str) -> Result<Time, RowError> {
    let (hour, minute) = text.split_once(':').ok_or_else(|| unknown_word("peak_utc", text))?;
    Ok(Time::new(hour.parse()?, minute.parse()?, 0, 0)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(json: &str) -> Result<Model, RowError> {
        model(ModelRef::new("p", "m"), json, &|id| Err(RowError(format!("there is no schedule `{id}`"))))
    }

    #[test]
    fn what_cannot_be_priced_exactly_is_refused() {
        for row in [
            r#"{"i":1,"o":2,"zz":3}"#,
            r#"{"i":1.0000000001,"o":2}"#,
            r#"{"i":-1,"o":2}"#,
            r#"{"i":"1","o":2}"#,
            r#"{"i":1,"o":2,"s":"nowhere"}"#,
            r#"{"i":1,"o":2,"d":"tomorrow"}"#,
            r#"{"i":1,"o":2,"t":[[1000,{"i":2,"b":0.5}]]}"#,
            r#"{"i":1,"o":2,"t":[[1000,{"i":2,"t":[[2000,{"i":3}]]}]]}"#,
            r#"{"i":1,"o":2,"b":{"i":0.5,"rq":1}}"#,
        ] {
            assert!(read(&format!(r#"{{"n":"M","$":[{row}]}}"#)).is_err(), "{row}");
        }
        assert!(read(r#"{"n":"M","st":"sleeping"}"#).is_err());
        assert!(read(r#"{"n":"M","bill":"barter"}"#).is_err());
    }

    #[test]
    fn tiers_are_brought_into_rising_order() {
        let model = read(r#"{"n":"M","$":[{"i":1,"o":2,"t":[[2000,{"i":3}],[1000,{"i":2}]]}]}"#).unwrap();
        let bounds: Vec<_> = model.prices[0].tiers.iter().map(|tier| tier.above.0).collect();
        assert_eq!(bounds, [1000, 2000]);
    }

    #[test]
    fn absent_is_unknown_and_zero_is_zero() {
        let model = read(r#"{"n":"M","$":[{"i":0}]}"#).unwrap();
        let prices = model.prices[0].prices;
        assert_eq!(prices.get(Part::Input), Some(Price::ZERO));
        assert_eq!(prices.get(Part::Output), None);
        assert!(!model.prices[0].is_free(), "what the answer costs is not known");
        assert_eq!((model.abilities, model.facts().reasoning), (None, None));
    }

    #[test]
    fn thinking_budgets_may_be_open() {
        let budget = |json: &str| read(json).unwrap().facts().thinking_budget;
        assert_eq!(budget(r#"{"n":"M","rb":[1024,null]}"#), Some((1024, u32::MAX)));
        assert_eq!(budget(r#"{"n":"M","rb":[-1,32768]}"#), Some((0, 32768)));
        assert_eq!(budget(r#"{"n":"M","rb":[null,null]}"#), None);
    }
}
