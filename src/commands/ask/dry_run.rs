//! `--dry-run`: the request that would be sent, and what it would cost.

use serde_json::{Value, json};

use crate::asking::Asking;
use crate::chat::Request;
use crate::choice::Decision;
use crate::context::Context;
use crate::dispatch;
use crate::error::Result;
use crate::estimate::{self, Estimate};
use crate::lane::{Lane, Way};
use crate::past::Past;
use crate::provider;
use crate::render::output::Paint;
use crate::render::route;
use crate::streams::{Stdout, stderr};
use crate::wire::{Auth, Target};

/// Strings longer than this are shortened where a person reads.
const LONGEST_SHOWN: usize = 2_000;

/// Prints the request of each lane, and how they were put into order; nothing is sent.
pub(crate) fn print(
    lanes: &[Lane],
    asking: &Asking,
    decision: Option<&Decision>,
    as_json: bool,
    context: &Context,
) -> Result<()> {
    let (mut stdout, past) = (Stdout::open(), Past::open(context));
    let decided = decision.map(route::json);
    for lane in lanes {
        let request = asking.request(lane);
        let estimate = estimate::of(&request, lane.row.as_ref(), past.of(&lane.model, &request).as_ref());
        let shown = match &lane.way {
            Way::Http { target, .. } => {
                over_http(as_json, context, target, &request, (&estimate, decided.as_ref()))?
            }
            Way::Local => in_process(as_json, lane, &request, &estimate),
        };
        if stdout.write(shown.as_bytes()).is_err() {
            return Ok(());
        }
        if !context.output.quiet {
            let note = format!("{}: {}; nothing was sent\n", lane.name, estimate.in_words());
            stderr(&context.output.paint_stderr(&note, Paint::Dim));
        }
    }
    Ok(())
}

fn over_http(
    as_json: bool,
    context: &Context,
    target: &Target,
    request: &Request,
    (estimate, decided): (&Estimate, Option<&Value>),
) -> Result<String> {
    let (wire, url) = dispatch::encode(target, request)?;
    let mut headers = vec![("content-type".to_owned(), "application/json".to_owned())];
    headers.extend(wire.headers);
    headers.extend(key_header(context, target));
    for dropped in &wire.dropped {
        let note = format!("`{}` is left out: {}\n", dropped.param, dropped.reason);
        stderr(&context.output.paint_stderr(&note, Paint::Dim));
    }
    if as_json {
        let headers: serde_json::Map<String, Value> =
            headers.into_iter().map(|(name, value)| (name, Value::String(value))).collect();
        let whole = json!({"model": target.model.to_string(), "method": "POST", "url": url,
            "headers": headers, "body": wire.body, "estimate": estimate.to_json(),
            "route": decided});
        return Ok(format!("{whole}\n"));
    }
    let mut body = wire.body;
    if context.output.stdout_tty {
        shorten(&mut body);
    }
    let headers: String = headers.iter().map(|(name, value)| format!("{name}: {value}\n")).collect();
    Ok(format!("POST {url}\n{headers}\n{body:#}\n"))
}

/// The key's header, with the name of the place where the key is in its place.
fn key_header(context: &Context, target: &Target) -> Option<(String, String)> {
    let provider = context.catalog.provider(target.model.provider.as_str())?;
    let query = provider::key_query(context, &provider);
    if query.unused {
        return None;
    }
    let placeholder = match query.variables.first() {
        Some(name) => format!("${name}"),
        None if query.command.is_some() => "$(key_command)".to_owned(),
        None => return None,
    };
    Some(match &target.auth {
        Auth::Bearer => ("authorization".to_owned(), format!("Bearer {placeholder}")),
        Auth::Header(name) => (name.clone(), placeholder),
    })
}

fn in_process(as_json: bool, lane: &Lane, request: &Request, estimate: &Estimate) -> String {
    let turns: Vec<Value> = request
        .messages
        .iter()
        .map(|message| json!({"role": format!("{:?}", message.role).to_lowercase(), "text": message.to_text()}))
        .collect();
    let whole = json!({"model": lane.name, "runs": "in this process", "system": request.system,
        "messages": turns, "estimate": estimate.to_json()});
    if as_json { format!("{whole}\n") } else { format!("{whole:#}\n") }
}

/// Attachments are base64 of megabytes: a person wants to see that they are
/// there, not all of them.
fn shorten(value: &mut Value) {
    match value {
        Value::String(text) if text.len() > LONGEST_SHOWN => {
            let head: String = text.chars().take(60).collect();
            *text = format!("{head}… ({} bytes)", text.len());
        }
        Value::Array(items) => items.iter_mut().for_each(shorten),
        Value::Object(fields) => fields.values_mut().for_each(shorten),
        _ => {}
    }
}
