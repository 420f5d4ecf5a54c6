//! The JSON of a comparison: its lanes, each as `ask` prints it and more.

use serde_json::{Value, json};

use super::{Extra, SCHEMA, ask, hundredths, tenths};
use crate::comparison::{Agreement, Checked, Comparison, LaneResult, Run};
use crate::outcome::{Timing, ms};
use crate::render::compare::cells::Basis;
use crate::render::compare::hint;
use crate::statistics::{Description, describe};

/// The object of a comparison, its lanes in the order asked.
pub fn comparison(comparison: &Comparison) -> Value {
    let lanes: Vec<Value> = comparison.lanes.iter().filter_map(lane).collect();
    json!({
        "schema": SCHEMA,
        "id": comparison.id.to_string(),
        "command": "compare",
        "started_at": comparison.started_at.to_string(),
        "prompt": comparison.prompt,
        "wall_ms": tenths(ms(comparison.wall)),
        "lanes": lanes,
        "agreement": comparison.agreement.as_ref().map(|found| agreement(found, &comparison.lanes)),
        "total": total(comparison),
    })
}

/// A lane; `None` where it has no run at all.
fn lane(lane: &LaneResult) -> Option<Value> {
    let mut object = run(&lane.name, &lane.route, lane.shown()?);
    if lane.runs.len() > 1 {
        let samples = lane.runs.iter().map(|sample| {
            let mut object = run(&lane.name, &lane.route, sample);
            object["warmup"] = json!(sample.is_warmup);
            object
        });
        object["samples"] = samples.collect();
        object["statistics"] = statistics(&Basis::of(lane).timed());
    }
    Some(object)
}

/// The object of one call of a lane with a name, and how a route chose the lane.
pub fn run(name: &str, route: &Value, run: &Run) -> Value {
    let hint = run.outcome.error.as_ref().and_then(|error| hint(&run.outcome, error));
    let mut object = ask(&run.outcome, &Extra { command: "compare", hint, ..Extra::default() });
    object["lane"] = json!(name);
    object["route"] = route.clone();
    object["checks"] = run.checks.iter().map(check).collect();
    object
}

fn check(check: &Checked) -> Value {
    json!({"check": check.check, "passed": check.failure.is_none(), "failure": check.failure})
}

/// What the runs say together, each figure in the unit of its name.
fn statistics(timings: &[Timing]) -> Value {
    let of = |pick: fn(&Timing) -> Option<f64>, round: fn(f64) -> f64| {
        let figures: Vec<f64> = timings.iter().filter_map(pick).collect();
        describe(&figures).map(|found| described(&found, round))
    };
    json!({
        "n": timings.len(),
        "ttft_ms": of(|timing| timing.ttft_ms, tenths),
        "ttfv_ms": of(|timing| timing.ttfv_ms, tenths),
        "e2e_ms": of(|timing| timing.e2e_ms, tenths),
        "tpot_ms": of(|timing| timing.tpot_ms, hundredths),
        "decode_tps": of(|timing| timing.decode_tps, hundredths),
    })
}

pub(super) fn described(found: &Description, round: fn(f64) -> f64) -> Value {
    json!({
        "n": found.n,
        "median": round(found.median),
        "min": round(found.min),
        "max": round(found.max),
        "mad": round(found.mad),
        "p90": found.p90.map(round),
        "p95": found.p95.map(round),
        "p99": found.p99.map(round),
    })
}

fn agreement(agreement: &Agreement, lanes: &[LaneResult]) -> Value {
    let name = |at: &usize| lanes.get(*at).map(|lane| lane.name.as_str());
    let groups = agreement.groups.iter().map(|group| {
        let lanes: Vec<&str> = group.lanes.iter().filter_map(name).collect();
        json!({"lanes": lanes, "answer": group.answer})
    });
    json!({
        "groups": groups.collect::<Vec<_>>(),
        "fields": agreement.fields,
        "unanimous": agreement.is_unanimous(),
    })
}

fn total(comparison: &Comparison) -> Value {
    let total = comparison.total();
    let mut bills = comparison.lanes.iter().flat_map(|lane| &lane.runs).map(|run| &run.outcome.bill);
    // A sum of nothing but unknowns is unknown too.
    let some_known = bills.any(|bill| bill.cost.is_some());
    json!({
        "usd": some_known.then(|| total.known.to_usd()),
        "unpriced": total.unpriced,
        "possibly_billed": total.possibly_billed,
        "approximate": total.approximate,
    })
}
