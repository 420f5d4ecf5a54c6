//! The JSON of many prompts. It is made in pieces, so that no more than one
//! answer is in memory: what is known beforehand, a result a call, and the
//! totals.

use serde_json::{Value, json};

use super::comparison::{described, run};
use super::{SCHEMA, hundredths, tenths};
use crate::comparison::{Run, Total};
use crate::matrix::{Matrix, Samples, Tally};
use crate::outcome::ms;
use crate::statistics::describe;

/// What is known before the first call.
pub fn matrix_head(matrix: &Matrix) -> Value {
    json!({
        "schema": SCHEMA,
        "id": matrix.id.to_string(),
        "command": "compare",
        "started_at": matrix.started_at.to_string(),
        "file": matrix.file,
        "prompts": matrix.prompts,
        "runs": matrix.runs,
    })
}

/// The object of one call.
pub fn matrix_result(name: &str, number: i64, prompt_id: &str, run: &Run) -> Value {
    let mut object = self::run(name, &Value::Null, run);
    object["prompt_id"] = json!(prompt_id);
    object["run"] = json!(number);
    object["warmup"] = json!(run.is_warmup);
    object
}

/// What is known after the last call.
pub fn matrix_totals(matrix: &Matrix) -> Value {
    let (measured, ok) = matrix.answered();
    json!({
        "wall_ms": tenths(ms(matrix.wall)),
        "lanes": matrix.lanes.iter().map(lane).collect::<Vec<_>>(),
        "failed": measured - ok,
        "not_made": matrix.left,
        "agreement": matrix.concord.as_ref().map(|concord| json!({
            "compared": concord.compared,
            "unanimous": concord.unanimous,
        })),
        "total": total(&matrix.total(), matrix.lanes.iter().any(|lane| lane.priced > 0)),
    })
}

/// All of it but the results.
pub fn matrix_summary(matrix: &Matrix) -> Value {
    let mut object = matrix_head(matrix);
    if let (Value::Object(object), Value::Object(totals)) = (&mut object, matrix_totals(matrix)) {
        object.extend(totals);
    }
    object
}

fn lane(lane: &Tally) -> Value {
    json!({
        "lane": lane.name,
        "model": lane.model,
        "calls": lane.calls,
        "answered": lane.ok,
        "failed": lane.measured - lane.ok,
        "tokens": {"input": lane.input, "output": lane.output, "estimated": lane.estimated},
        "total": total(&lane.total, lane.priced > 0),
        "usd_per_answer": lane.per_answer().map(|cost| cost.to_usd()),
        "statistics": statistics(lane.samples()),
        "checks": {"passed": lane.passed, "failed": lane.wrong},
        "agreed": lane.agreed,
        "outvoted": lane.odd,
        "route": lane.route,
    })
}

fn statistics(samples: &Samples) -> Value {
    let of = |figures: &[f64], round: fn(f64) -> f64| describe(figures).map(|of| described(&of, round));
    json!({
        "n": samples.n,
        "ttft_ms": of(&samples.ttft_ms, tenths),
        "ttfv_ms": of(&samples.ttfv_ms, tenths),
        "e2e_ms": of(&samples.e2e_ms, tenths),
        "decode_tps": of(&samples.decode_tps, hundredths),
    })
}

fn total(total: &Total, some_known: bool) -> Value {
    json!({
        "usd": some_known.then(|| total.known.to_usd()),
        "unpriced": total.unpriced,
        "possibly_billed": total.possibly_billed,
        "approximate": total.approximate,
    })
}
