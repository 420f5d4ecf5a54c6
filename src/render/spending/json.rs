//! The same as data. Unknown is null, never zero.

use serde_json::{Value, json};

use crate::money::Cost;
use crate::render::json::SCHEMA;
use crate::spending::{Loose, Part, Spending, Sums};

/// The whole report as one object.
pub fn json(spending: &Spending) -> Value {
    let moment = |at: &Option<jiff::Zoned>| at.as_ref().map(|at| at.timestamp().to_string());
    json!({
        "schema": SCHEMA,
        "command": "cost report",
        "since": moment(&spending.since),
        "until": moment(&spending.until),
        "by": spending.by.as_str(),
        "groups": groups(spending),
        "total": object(&spending.all),
    })
}

/// A line a group.
pub fn lines(spending: &Spending) -> String {
    crate::render::json::lines(&groups(spending))
}

fn groups(spending: &Spending) -> Vec<Value> {
    let group = |(name, sums): &(String, Sums)| {
        let mut group = object(sums);
        group[spending.by.as_str()] = json!(name);
        group["share"] = json!(spending.share(sums, 1_000).map(thousandths));
        group
    };
    spending.groups.iter().map(group).collect()
}

#[expect(clippy::cast_precision_loss, reason = "a share has three digits")]
fn thousandths(share: u64) -> f64 {
    share as f64 / 1_000.0
}

fn object(sums: &Sums) -> Value {
    json!({
        "calls": sums.calls,
        "usage": {
            "input": sums.input,
            "cache_read": sums.cached,
            "output": sums.output,
            "reasoning": sums.reasoning,
            "estimated": sums.tokens_estimated,
            "uncounted_calls": sums.uncounted,
        },
        "cost": total(sums),
    })
}

/// The money of sums: `usd` is a lower bound where calls are unpriced.
fn total(sums: &Sums) -> Value {
    let part = |part: &Part| json!({"calls": part.calls, "usd": part.cost.to_usd()});
    json!({
        "usd": sums.known().map(Cost::to_usd),
        "approximate": sums.is_approximate(),
        "unpriced_calls": sums.total.unpriced,
        "possibly_billed_calls": sums.possibly_billed(),
        "lost": loose(&sums.lost),
        "under_way": loose(&sums.under_way),
        "billed": part(&sums.billed),
        "computed": part(&sums.computed),
        "estimated": part(&sums.estimated),
        "free_calls": sums.free,
        "unserved_calls": sums.unserved,
    })
}

/// Calls without an end, which `calls` and `usd` leave out.
fn loose(loose: &Loose) -> Value {
    let most = (loose.unpriced < loose.calls || loose.calls == 0).then(|| loose.most.to_usd());
    json!({"calls": loose.calls, "usd_most": most, "unpriced_calls": loose.unpriced})
}
