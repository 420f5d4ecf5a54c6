//! `--dry-run`: the request that would be sent, and what it would cost.

use std::sync::Arc;

use serde_json::{Value, json};
use ulid::Ulid;

use crate::asking::Asking;
use crate::budget::{Granted, Guard, Planned};
use crate::chat::Request;
use crate::choice::Decision;
use crate::cli::CapOptions;
use crate::context::Context;
use crate::dispatch;
use crate::error::{Error, Result};
use crate::estimate::{self, Estimate};
use crate::lane::{Lane, Way};
#[cfg(feature = "local")]
use crate::local::dropped;
use crate::past::Past;
use crate::provider;
use crate::render::output::Paint;
use crate::render::{json, route};
use crate::secrets::{KeyFile, KeySource};
use crate::streams::{Stdout, Written, stderr};
use crate::wire::{Auth, Dropped, Target};

/// Strings longer than this are shortened where a person reads.
const LONGEST_SHOWN: usize = 2_000;

/// What holds the calls back, and how their lanes were found.
pub(crate) struct Calls<'a> {
    /// What the caps say.
    pub(crate) caps: Caps,
    /// How the lanes were put into order.
    pub(crate) decision: Option<&'a Decision>,
}

/// What the caps say to calls.
pub(crate) enum Caps {
    /// They are to be looked at for each lane alone, since one is asked after
    /// the other; a call may be paid for so many times.
    Each(CapOptions, u32),
    /// This, to all of them alike, since they are sent together or not at all;
    /// `None` where no cap holds.
    All(Option<Result<Granted>>),
}

/// Prints the request of each lane, whether caps let it through, and how the
/// lanes were put into order; nothing is sent.
pub(crate) fn print(
    lanes: &[Lane],
    asking: &Asking,
    calls: Calls<'_>,
    as_json: bool,
    context: &Context,
) -> Result<()> {
    let (mut stdout, past) = (Stdout::open(), Past::open(context));
    let decided = calls.decision.map(route::json);
    let requests: Vec<Arc<Request>> = lanes.iter().map(|lane| asking.request(lane)).collect();
    let together = matches!(calls.caps, Caps::All(_));
    let verdicts = verdicts(lanes, &requests, calls.caps, context);
    for ((lane, mut request), verdict) in lanes.iter().zip(requests).zip(verdicts) {
        if let Some(Ok(granted)) = &verdict
            && let Some(lowered) = granted.lowered(&request)
        {
            request = Arc::new(lowered);
        }
        let estimate = estimate::of(&request, lane.row.as_ref(), past.of(&lane.model, &request).as_ref());
        let cost = Cost { estimate: &estimate, verdict: verdict.as_ref(), decided: decided.as_ref() };
        let shown = match &lane.way {
            Way::Http { target, .. } => over_http(as_json, context, target, &request, &cost)?,
            Way::Local => in_process(as_json, context, lane, &request, &cost),
        };
        match stdout.write(shown.as_bytes()) {
            Ok(Written::Ok) => {}
            // Whoever left has seen enough.
            Ok(Written::Closed) => return Ok(()),
            Err(error) => return Err(Error::failed("the request could not be written").because(&error)),
        }
        if !context.output.quiet {
            let note = format!("{}: {}; nothing was sent\n", lane.name, estimate.in_words());
            stderr(&context.output.paint_stderr(&note, Paint::Dim));
            if let Some(verdict) = &verdict {
                let note = format!("{}: {}\n", lane.name, in_words(verdict, together, &lane.name));
                stderr(&context.output.paint_stderr(&note, Paint::Dim));
            }
        }
    }
    Ok(())
}

/// What the caps say to each lane's call, where any holds for it.
fn verdicts(
    lanes: &[Lane],
    requests: &[Arc<Request>],
    caps: Caps,
    context: &Context,
) -> Vec<Option<Result<Granted>>> {
    match caps {
        Caps::All(verdict) => lanes.iter().map(|_| verdict.clone()).collect(),
        Caps::Each(options, sends) => {
            let mut guard = Guard::new(context, "ask", options);
            let look = |(lane, request)| {
                let call = Planned { id: Ulid::generate(), lane, request, sends };
                guard.holds_for(lane).then(|| guard.look(&[call]))
            };
            lanes.iter().zip(requests.iter().map(AsRef::as_ref)).map(look).collect()
        }
    }
}

/// What a call may cost, what the caps say to it, where any holds, and why
/// this model.
struct Cost<'a> {
    estimate: &'a Estimate,
    verdict: Option<&'a Result<Granted>>,
    decided: Option<&'a Value>,
}

impl Cost<'_> {
    /// What the estimate says, `route`, and `cap`: null where none holds.
    fn add_to(&self, object: &mut Value) {
        object["estimate"] = self.estimate.to_json();
        object["route"] = self.decided.cloned().unwrap_or_default();
        object["cap"] = match self.verdict {
            None => Value::Null,
            Some(Ok(granted)) => {
                json!({"allowed": true, "worst_usd": granted.worst.map(|cost| cost.to_usd()),
                "max_tokens": granted.max_tokens, "reason": null})
            }
            Some(Err(error)) => {
                json!({"allowed": false, "worst_usd": null, "max_tokens": null, "reason": error.message})
            }
        };
    }
}

/// What the caps say to a call of a lane, which is named in front of it.
fn in_words(verdict: &Result<Granted>, together: bool, lane: &str) -> String {
    match verdict {
        Ok(granted) => {
            let most = granted.worst.map_or_else(
                || "its cost is unknown, which `--allow-unpriced` accepts".to_owned(),
                |worst| {
                    let who = if together { "all calls together" } else { "it" };
                    format!("{who} may cost up to {}, which the caps allow", worst.to_display())
                },
            );
            match granted.max_tokens {
                Some(tokens) => format!("{most} with {tokens} tokens out"),
                None => most,
            }
        }
        Err(error) => {
            let why = error.message.strip_prefix(lane).and_then(|rest| rest.strip_prefix(": "));
            format!("it would not be sent: {}", why.unwrap_or(&error.message))
        }
    }
}

fn over_http(
    as_json: bool,
    context: &Context,
    target: &Target,
    request: &Request,
    cost: &Cost<'_>,
) -> Result<String> {
    let (wire, url) = dispatch::encode(target, request)?;
    let mut headers = vec![("content-type".to_owned(), "application/json".to_owned())];
    headers.extend(wire.headers);
    headers.extend(key_header(context, target));
    say_dropped(&wire.dropped, context);
    if as_json {
        let headers: serde_json::Map<String, Value> =
            headers.into_iter().map(|(name, value)| (name, Value::String(value))).collect();
        let mut whole = json!({"model": target.model.to_string(), "method": "POST", "url": url,
            "headers": headers, "body": wire.body});
        cost.add_to(&mut whole);
        return Ok(format!("{whole}\n"));
    }
    let mut body = wire.body;
    if context.output.stdout_tty {
        shorten(&mut body);
    }
    let headers: String = headers.iter().map(|(name, value)| format!("{name}: {value}\n")).collect();
    Ok(format!("POST {url}\n{headers}\n{body:#}\n"))
}

/// What the request can't take, a line each.
fn say_dropped(dropped: &[Dropped], context: &Context) {
    for dropped in dropped.iter().filter(|_| !context.output.quiet) {
        let note = format!("`{}` is left out: {}\n", dropped.param, dropped.reason);
        stderr(&context.output.paint_stderr(&note, Paint::Dim));
    }
}

/// The key's header, with the name of the place where the key is in its place,
/// or would have to be; nothing where none is sent.
fn key_header(context: &Context, target: &Target) -> Option<(String, String)> {
    let provider = context.catalog.provider(target.model.provider.as_str())?;
    let query = provider::key_query(context, &provider);
    let stored = KeyFile::open(&context.paths.key_file).unwrap_or_default();
    let placeholder = match (query.locate(&context.env, &stored), query.variables.first()) {
        (None, _) if !query.required => return None,
        (Some(KeySource::Command(_)), _) => "$(key_command)".to_owned(),
        (Some(KeySource::Env(name)), _) => format!("${name}"),
        (_, Some(name)) => format!("${name}"),
        (_, None) => "[key]".to_owned(),
    };
    Some(match &target.auth {
        Auth::Bearer => ("authorization".to_owned(), format!("Bearer {placeholder}")),
        Auth::Header(name) => (name.clone(), placeholder),
    })
}

fn in_process(as_json: bool, context: &Context, lane: &Lane, request: &Request, cost: &Cost<'_>) -> String {
    say_dropped(&dropped(request), context);
    let mut whole = json!({"model": lane.name, "runs": "in this process"});
    if let (Value::Object(whole), Value::Object(asked)) = (&mut whole, json::asked(request)) {
        whole.extend(asked);
    }
    if !as_json {
        return format!("{whole:#}\n");
    }
    cost.add_to(&mut whole);
    format!("{whole}\n")
}

/// Without the embedded model there is nothing that it could not take.
#[cfg(not(feature = "local"))]
fn dropped(_request: &Request) -> Vec<Dropped> {
    Vec::new()
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
