//! `pollm models check --clear-cooldowns`: nobody is left alone any more.

use std::io::Write;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::print;
use crate::context::Context;
use crate::cooldown::Cooling;
use crate::error::Result;
use crate::ledger::Ledger;
use crate::model::ProviderId;
use crate::render::json::{SCHEMA, laid_out};

/// Ends the pauses of the named providers, or of all.
pub(super) fn clear(
    names: &[String],
    as_json: bool,
    context: &Context,
    stdout: &mut dyn Write,
) -> Result<()> {
    let named = names.iter().map(|name| super::provider(name, context).map(|row| row.id));
    let providers = named.collect::<Result<Vec<_>>>()?;
    let cleared = forget(&providers, Timestamp::now(), context)?;
    if as_json {
        return print(stdout, &laid_out(&json!({"schema": SCHEMA, "cooldowns_cleared": cleared})));
    }
    print(
        stdout,
        &match cleared {
            0 => "nothing was left alone\n".to_owned(),
            1 => "1 pause ended\n".to_owned(),
            _ => format!("{cleared} pauses ended\n"),
        },
    )
}

/// Forgets the failures of these providers, of all where none is named; how
/// many pauses that ends.
pub(super) fn forget(providers: &[ProviderId], now: Timestamp, context: &Context) -> Result<usize> {
    Ok(Ledger::open_existing(&context.paths.ledger)?.clear_cooldowns(providers, now)?)
}

/// One pause as JSON.
pub(super) fn object(cooling: &Cooling) -> Value {
    json!({
        "model": cooling.model,
        "until": cooling.until.to_string(),
        "failures": cooling.failures,
        "kind": cooling.reason.as_str(),
    })
}
