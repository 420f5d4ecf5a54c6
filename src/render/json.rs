//! The JSON of one call and of a comparison, format `pollm/1`. Fields are only
//! ever added, at the end. `schema/pollm-1.json` tells every one of them.

mod comparison;
mod matrix;

use std::io;

use serde::Serialize as _;
use serde_json::ser::{Formatter, Serializer};
use serde_json::{Value, json};
use ulid::Ulid;

use super::filter::is_forbidden;
use crate::chat::{MediaSource, Message, Params, Part, Request, Role};
use crate::money::Bill;
use crate::outcome::{Attempt, CountedUsage, Outcome, ms};
use crate::wire::ApiError;
pub use comparison::{comparison, run};
pub use matrix::{matrix_head, matrix_result, matrix_summary, matrix_totals};

/// The format of what pollm prints as JSON.
pub const SCHEMA: &str = "pollm/1";

/// What the object says besides the outcome.
#[derive(Clone, Debug, Default)]
pub struct Extra<'a> {
    /// The command: `ask`, `compare`.
    pub command: &'a str,
    /// The conversation that the call belongs to.
    pub conversation: Option<Ulid>,
    /// What may help against the error; shown only with one.
    pub hint: Option<String>,
    /// Who was asked for the same answer and failed, or was too late, in the
    /// order of their ends; `None` where that is not known.
    pub failed: Option<&'a [Outcome]>,
    /// How the model was chosen, where a route or a policy did; see [`super::route::json`].
    pub route: Option<Value>,
}

/// The object of one call. Texts are as the model and the server wrote them;
/// what is unknown is null, and never zero.
pub fn ask(outcome: &Outcome, extra: &Extra<'_>) -> Value {
    let dropped: Vec<&str> = outcome.dropped.iter().map(|dropped| dropped.param.as_str()).collect();
    json!({
        "schema": SCHEMA,
        "id": outcome.id.to_string(),
        "command": extra.command,
        "started_at": outcome.started_at.to_string(),
        "model": outcome.model.to_string(),
        "served_model": outcome.served_model,
        "status": outcome.status.as_str(),
        "text": outcome.text,
        "reasoning": outcome.reasoning,
        "finish": outcome.finish.map(|finish| finish.as_str()),
        "dropped": dropped,
        "usage": outcome.usage.as_ref().map(usage),
        "cost": cost(&outcome.bill),
        "timing": timing(outcome),
        "route": extra.route,
        "request_id": outcome.request_id,
        "error": outcome.error.as_ref().map(|e| error(e, extra.hint.as_deref())),
        "lane": outcome.lane,
        "conversation": extra.conversation.map(|id| id.to_string()),
        "served_by": outcome.served_by,
        "native_finish": outcome.native_finish,
        "possibly_billed": outcome.possibly_billed,
        "cached": outcome.cached,
        "malformed_events": outcome.malformed_events,
        "requests": outcome.attempts.iter().map(request).collect::<Vec<_>>(),
        "failed": extra.failed.map(|failed| failed.iter().map(candidate).collect::<Vec<_>>()),
    })
}

/// A candidate whose answer another one's took the place of.
fn candidate(outcome: &Outcome) -> Value {
    let error = outcome.error.as_ref();
    json!({
        "id": outcome.id.to_string(),
        "model": outcome.model.to_string(),
        "lane": outcome.lane,
        "status": outcome.status.as_str(),
        "error_kind": error.map(|error| error.kind.as_str()),
        "http_status": error.and_then(|error| error.status),
        "usd": outcome.bill.cost.map(|cost| cost.to_usd()),
        "possibly_billed": outcome.possibly_billed,
        "attempts": outcome.attempts.len(),
        "wall_ms": outcome.timing().wall_ms.map(tenths),
    })
}

fn usage(counted: &CountedUsage) -> Value {
    let usage = &counted.usage;
    json!({
        "input": usage.input().0,
        "cache_read": usage.cache_read.0,
        "cache_write": (usage.cache_write_5m + usage.cache_write_1h).0,
        "output": usage.output.0,
        "reasoning": usage.reasoning.0,
        "source": counted.source.as_str(),
        "cache_write_1h": usage.cache_write_1h.0,
    })
}

fn cost(bill: &Bill) -> Value {
    json!({
        "usd": bill.cost.map(|cost| cost.to_usd()),
        "source": bill.source.as_str(),
        "approximate": bill.approximate,
    })
}

fn timing(outcome: &Outcome) -> Value {
    let timing = outcome.timing();
    json!({
        "connect_ms": timing.connect_ms.map(tenths),
        "ttft_ms": timing.ttft_ms.map(tenths),
        "ttfv_ms": timing.ttfv_ms.map(tenths),
        "e2e_ms": timing.e2e_ms.map(tenths),
        "wall_ms": timing.wall_ms.map(tenths),
        "tpot_ms": timing.tpot_ms.map(hundredths),
        "decode_tps": timing.decode_tps.map(hundredths),
        "attempts": outcome.attempts.len(),
    })
}

fn error(error: &ApiError, hint: Option<&str>) -> Value {
    json!({
        "kind": error.kind.as_str(),
        "status": error.status,
        "message": error.message,
        "retryable": error.is_retryable(),
        "hint": hint,
    })
}

fn request(attempt: &Attempt) -> Value {
    json!({
        "status": attempt.status,
        "error_kind": attempt.error.as_ref().map(|error| error.kind.as_str()),
        "took_ms": tenths(ms(attempt.took)),
        "waited_ms": attempt.waited.map(|waited| tenths(ms(waited))),
    })
}

/// What was asked, for exports: turns, attachments and parameters.
pub fn asked(request: &Request) -> Value {
    let messages: Vec<Value> = request.messages.iter().map(message).collect();
    json!({
        "system": request.system,
        "messages": messages,
        "params": params(&request.params),
        "schema": request.schema,
    })
}

/// Parameters as exports and the ledger have them.
pub fn params(params: &Params) -> Value {
    json!({
        "temperature": params.temperature,
        "top_p": params.top_p,
        "max_tokens": params.max_tokens,
        "seed": params.seed,
        "stop": params.stop,
        "effort": params.effort.map(|effort| effort.to_string()),
        "extra": params.extra,
    })
}

fn message(message: &Message) -> Value {
    let role = match message.role {
        Role::User => "user",
        Role::Assistant => "assistant",
    };
    let attachments: Vec<Value> = message
        .parts
        .iter()
        .filter_map(|part| match part {
            Part::Text(_) => None,
            Part::Media(media) => Some(match &media.source {
                MediaSource::Bytes(bytes) => {
                    json!({"name": media.name, "mime": media.mime, "bytes": bytes.len()})
                }
                MediaSource::Url(url) => json!({"name": media.name, "mime": media.mime, "url": url}),
            }),
        })
        .collect();
    json!({"role": role, "text": message.to_text(), "attachments": attachments})
}

/// A value laid out over several lines, with a newline at its end, made
/// harmless as [`line()`] does.
pub fn laid_out(value: &Value) -> String {
    let text = format!("{value:#}\n");
    let harmless = |c: char| c != '\n' && is_forbidden(c);
    if !text.contains(harmless) {
        return text;
    }
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if harmless(c) {
            // Forbidden characters stand only inside of strings.
            for unit in c.encode_utf16(&mut [0; 2]) {
                out.push_str(&format!("\\u{unit:04x}"));
            }
        } else {
            out.push(c);
        }
    }
    out
}

/// A figure to a tenth, which is as exact as any of these is.
pub(crate) fn tenths(figure: f64) -> f64 {
    (figure * 10.0).round() / 10.0
}

fn hundredths(figure: f64) -> f64 {
    (figure * 100.0).round() / 100.0
}

/// A value as one line of JSON, without a newline. JSON itself lets characters
/// through that drive a terminal (U+009B is one) or turn text round; here they
/// are written as `\u009b`, which reads back as the same text.
pub fn line(value: &Value) -> String {
    let mut bytes = Vec::new();
    let written = value.serialize(&mut Serializer::with_formatter(&mut bytes, Harmless));
    match (written, String::from_utf8(bytes)) {
        (Ok(()), Ok(text)) => text,
        // Writing a `Value` into memory does not fail.
        _ => value.to_string(),
    }
}

/// Values as lines of JSON.
pub fn lines(values: &[Value]) -> String {
    values.iter().map(|value| line(value) + "\n").collect()
}

/// Writes compact JSON without characters that a terminal may obey.
struct Harmless;

impl Formatter for Harmless {
    fn write_string_fragment<W: ?Sized + io::Write>(&mut self, out: &mut W, text: &str) -> io::Result<()> {
        let mut rest = text;
        while let Some((at, c)) = rest.char_indices().find(|(_, c)| is_forbidden(*c)) {
            out.write_all(&rest.as_bytes()[..at])?;
            for unit in c.encode_utf16(&mut [0; 2]) {
                write!(out, "\\u{unit:04x}")?;
            }
            rest = &rest[at + c.len_utf8()..];
        }
        out.write_all(rest.as_bytes())
    }
}

#[cfg(test)]
mod schema;
#[cfg(test)]
mod tests;
