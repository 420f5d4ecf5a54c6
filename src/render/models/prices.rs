//! Prices as facts: a name, and what holds.

use jiff::Timestamp;
use jiff::civil::{Time, Weekday};
use jiff::tz::TimeZone;

use crate::catalog::{Batch, InForce, Model, Part, Phase, PriceRow, Prices, Schedule};
use crate::render::figures::count;
use crate::render::money::price;

/// A name and what is known under it.
pub(super) type Fact = (String, String);

const fn name(part: Part) -> &'static str {
    match part {
        Part::Input => "input",
        Part::Output => "output",
        Part::CacheRead => "cache read",
        Part::CacheWrite => "cache write",
        Part::CacheWrite1h => "cache write, 1 hour",
        Part::Reasoning => "reasoning",
        Part::Thinking => "output when thinking",
        Part::InputAudio => "audio input",
        Part::OutputAudio => "audio output",
        Part::OutputImage => "image output",
    }
}

/// A row of prices in USD per million tokens; input and output are there even
/// where they are unknown.
pub fn row_facts(row: &PriceRow) -> Vec<Fact> {
    let mut facts = Vec::new();
    for part in Part::ALL {
        let shown = match (row.prices.get(part), part) {
            (Some(known), _) => price(known),
            (None, Part::Input | Part::Output) => "unknown".to_owned(),
            (None, _) => continue,
        };
        facts.push((name(part).to_owned(), shown));
    }
    for tier in &row.tiers {
        facts.push((format!("above {} tokens", count(tier.above.0)), together(&tier.prices)));
    }
    facts.extend(row.per_request.map(|cost| ("a request".to_owned(), cost.to_display())));
    let batch = row.batch.map(|batch| match batch {
        Batch::Factor(factor) => format!("× {factor}"),
        Batch::Prices(prices) => together(&prices),
    });
    facts.extend(batch.map(|batch| ("batch".to_owned(), batch)));
    facts.extend(row.schedule.as_ref().map(|schedule| ("schedule".to_owned(), hours(schedule))));
    facts
}

fn together(prices: &Prices) -> String {
    let parts = prices.known().map(|(part, known)| format!("{} {}", name(part), price(known)));
    parts.collect::<Vec<_>>().join(", ")
}

/// Since when prices of a model hold, until when, and what the hour says.
/// `known` is the catalog's date.
pub fn in_use(model: &Model, now: &InForce<'_>, known: &str) -> Vec<Fact> {
    if model.is_priced_by_user {
        return vec![("set in".to_owned(), "the configuration".to_owned())];
    }
    let mut facts = Vec::new();
    let since = match now.row.since {
        Some(day) => day.to_string(),
        None => format!("before {known}, the catalog's date"),
    };
    facts.push(("since".to_owned(), since));
    let until = match (now.until, now.row.promised_through) {
        (Some(day), Some(promised)) if now.lapsed => {
            format!("{}: the promotion has ended, and nothing newer is known", day.min(promised))
        }
        (Some(day), Some(promised)) if day == promised => format!("{day}, the end of a promotion"),
        (Some(day), _) => day.to_string(),
        (None, _) => "further notice".to_owned(),
    };
    facts.push(("until".to_owned(), until));
    facts.extend(now.phase.map(|phase| ("now".to_owned(), moment(&phase))));
    facts
}

fn moment(phase: &Phase) -> String {
    let mut text = match phase.peak {
        true => "peak: the full price".to_owned(),
        false => format!("off-peak: × {}", phase.factor),
    };
    if let Some(until) = phase.until {
        text.push_str(&format!(", until {}", minute(until)));
    }
    if !phase.certain {
        text.push_str("; holidays of that day are not known");
    }
    text
}

/// A moment to the minute, in UTC.
pub(super) fn minute(at: Timestamp) -> String {
    at.to_zoned(TimeZone::UTC).strftime("%Y-%m-%d %H:%M UTC").to_string()
}

fn hours(schedule: &Schedule) -> String {
    let time = |time: &Time| time.strftime("%H:%M").to_string();
    let windows: Vec<String> =
        schedule.windows.iter().map(|(from, to)| format!("{}–{}", time(from), time(to))).collect();
    let day = |offset: i8| match Weekday::from_monday_one_offset(offset) {
        Ok(Weekday::Monday) => "Mon",
        Ok(Weekday::Tuesday) => "Tue",
        Ok(Weekday::Wednesday) => "Wed",
        Ok(Weekday::Thursday) => "Thu",
        Ok(Weekday::Friday) => "Fri",
        Ok(Weekday::Saturday) => "Sat",
        Ok(Weekday::Sunday) | Err(_) => "Sun",
    };
    let days: Vec<&str> = schedule.weekdays.iter().copied().map(day).collect();
    let mut text = format!("full price {} UTC on {}", windows.join(" and "), days.join(" "));
    if !schedule.not_on.is_empty() {
        text.push_str(" but for holidays");
    }
    text.push_str(&format!("; × {} otherwise", schedule.off_peak));
    text
}
