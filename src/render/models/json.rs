//! Models and prices as JSON. Amounts are exact decimals in strings; what is
//! unknown is null.

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::{Charge, Listed};
use crate::catalog::{Batch, InForce, Modality, Model, Phase, PriceRow, Prices, Schedule};
use crate::render::json::tenths;

/// A model of a list.
pub fn listed(listed: &Listed, at: Timestamp) -> Value {
    let model = &listed.model;
    let now = model.prices_at(at);
    let charge = Charge::of(model, now.as_ref());
    let (input, output, approximate) = match charge {
        Charge::PerMillion { input, output, approximate } => (input, output, approximate),
        _ => (None, None, false),
    };
    let mut object = facts(model);
    object.insert(
        "price".to_owned(),
        json!({
            "status": charge.as_str(),
            "input": input.map(|price| price.to_string()),
            "output": output.map(|price| price.to_string()),
            "approximate": approximate,
        }),
    );
    object.insert("first_word_ms".to_owned(), json!(listed.first_word_ms.map(tenths)));
    object.insert("live".to_owned(), json!(listed.live));
    Value::Object(object)
}

/// Everything about one model, prices of all times included.
pub fn shown(model: &Model, at: Timestamp) -> Value {
    let now = model.prices_at(at);
    let mut object = facts(model);
    let charge = Charge::of(model, now.as_ref());
    let efforts =
        model.efforts.as_ref().map(|levels| levels.iter().map(ToString::to_string).collect::<Vec<_>>());
    for (name, value) in [
        ("efforts", json!(efforts)),
        ("thinking_budget", json!(model.thinking_budget)),
        ("thinking_toggle", json!(model.thinking_toggle)),
        ("taken_from", json!(model.taken_from.as_ref().map(ToString::to_string))),
        ("price_status", json!(charge.as_str())),
        ("price_approximate", json!(matches!(charge, Charge::PerMillion { approximate: true, .. }))),
        ("at", json!(at.to_string())),
        ("in_force", now.as_ref().map_or(Value::Null, in_force)),
        ("price_rows", Value::Array(model.prices.iter().map(row).collect())),
    ] {
        object.insert(name.to_owned(), value);
    }
    Value::Object(object)
}

fn facts(model: &Model) -> Map<String, Value> {
    let names = |list: &[Modality]| list.iter().map(|one| one.as_str()).collect::<Vec<_>>();
    let abilities = model.abilities.map(|can| {
        json!({
            "reasoning": can.reasoning,
            "tools": can.tools,
            "structured_output": can.structured_output,
            "attachments": can.attachments,
            "temperature": !can.no_temperature,
            "open_weights": can.open_weights,
        })
    });
    let pairs = [
        ("model", json!(model.model.to_string())),
        ("provider", json!(model.model.provider.as_str())),
        ("id", json!(model.model.model)),
        ("name", json!(model.name)),
        ("family", json!(model.family)),
        ("canonical", json!(model.canonical)),
        ("context", json!(model.context)),
        ("max_input", json!(model.max_input)),
        ("max_output", json!(model.max_output)),
        ("input", json!(names(&model.input))),
        ("output", json!(names(&model.output))),
        ("abilities", json!(abilities)),
        ("released", json!(model.released)),
        ("knowledge", json!(model.knowledge)),
        ("shutdown", json!(model.shutdown.map(|day| day.to_string()))),
        ("state", json!(model.state.as_str())),
        ("billing", json!(model.billing.as_str())),
        ("route_dependent", json!(model.route_dependent)),
    ];
    pairs.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

/// The prices that hold at a moment.
pub fn in_force(now: &InForce<'_>) -> Value {
    let mut object = row(now.row);
    object["until"] = json!(now.until.map(|day| day.to_string()));
    object["lapsed"] = json!(now.lapsed);
    object["phase"] = json!(now.phase.as_ref().map(phase));
    object["next"] = now.next.map_or(Value::Null, row);
    object
}

fn phase(phase: &Phase) -> Value {
    json!({
        "peak": phase.peak,
        "factor": phase.factor.to_string(),
        "certain": phase.certain,
        "until": phase.until.map(|at| at.to_string()),
    })
}

fn row(row: &PriceRow) -> Value {
    let tiers = row.tiers.iter().map(|tier| json!({"above": tier.above.0, "prices": prices(&tier.prices)}));
    json!({
        "since": row.since.map(|day| day.to_string()),
        "promised_through": row.promised_through.map(|day| day.to_string()),
        "prices": prices(&row.prices),
        "per_request": row.per_request.map(|cost| cost.to_usd()),
        "tiers": tiers.collect::<Vec<_>>(),
        "batch": row.batch.map(|batch| match batch {
            Batch::Factor(factor) => json!({"factor": factor.to_string()}),
            Batch::Prices(only) => json!({"prices": prices(&only)}),
        }),
        "schedule": row.schedule.as_ref().map(schedule),
    })
}

fn prices(prices: &Prices) -> Value {
    let known = prices.known().map(|(part, price)| (part.as_str().to_owned(), json!(price.to_string())));
    Value::Object(known.collect())
}

fn schedule(schedule: &Schedule) -> Value {
    let time = |time: &jiff::civil::Time| time.strftime("%H:%M").to_string();
    json!({
        "off_peak": schedule.off_peak.to_string(),
        "peak_utc": schedule.windows.iter().map(|(from, to)| [time(from), time(to)]).collect::<Vec<_>>(),
        "weekdays": schedule.weekdays,
        "not_on": schedule.not_on.iter().map(ToString::to_string).collect::<Vec<_>>(),
        "known_through": schedule.known_through.map(|day| day.to_string()),
        "note": schedule.note,
    })
}
