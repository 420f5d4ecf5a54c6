//! Everything about one call.

use std::fmt::Write as _;
use std::time::Duration;

use jiff::tz::TimeZone;

use super::{Clean, about, costs_nothing};
use crate::chat::{Media, MediaSource, Message, Part, Role};
use crate::ledger::StoredCall;
use crate::outcome::{Attempt, CountedUsage, Outcome};
use crate::render::figures;
use crate::render::spending::in_words;

/// Everything that is known of one call: facts, then what was asked, then what
/// was answered.
pub fn show(call: &StoredCall, zone: &TimeZone, clean: Clean<'_>) -> String {
    let facts = facts(call, zone);
    let widest = facts.iter().map(|(name, _)| name.len()).max().unwrap_or(0);
    let line = |(name, value): &Fact| format!("{name:widest$}  {}\n", clean(value).replace('\n', " "));
    facts.iter().map(line).collect::<String>() + &sections(call, clean)
}

/// The same for screen readers: a line a fact.
pub fn read_out(call: &StoredCall, zone: &TimeZone, clean: Clean<'_>) -> String {
    let line = |(name, value): Fact| format!("{name}: {}\n", in_words(&clean(&value).replace('\n', " ")));
    facts(call, zone).into_iter().map(line).collect::<String>() + &sections(call, clean)
}

/// What was asked and what was answered.
fn sections(call: &StoredCall, clean: Clean<'_>) -> String {
    let mut text = String::new();
    let mut section = |title: &str, body: &str| {
        let _ = write!(text, "\n{title}:\n{}\n", clean(body).trim_end_matches('\n'));
    };
    if let Some(system) = &call.request.system {
        section("system", system);
    }
    for message in &call.request.messages {
        section(title(message.role), &spoken(message));
    }
    if let Some(reasoning) = &call.outcome.reasoning {
        section("reasoning", reasoning);
    }
    if !call.outcome.text.is_empty() {
        section("answer", &call.outcome.text);
    }
    text
}

const fn title(role: Role) -> &'static str {
    match role {
        Role::User => "prompt",
        Role::Assistant => "earlier answer",
    }
}

/// A turn with a line for each attachment.
fn spoken(message: &Message) -> String {
    let part = |part: &Part| match part {
        Part::Text(text) => text.clone(),
        Part::Media(media) => format!("[{}]", attachment(media)),
    };
    message.parts.iter().map(part).collect::<Vec<_>>().join("\n\n")
}

fn attachment(media: &Media) -> String {
    let size = match &media.source {
        MediaSource::Bytes(bytes) => format!("{} bytes", bytes.len()),
        MediaSource::Url(url) => url.clone(),
    };
    format!("{} {}, {}, {size}", media.kind, media.name, media.mime)
}

type Fact = (&'static str, String);

fn facts(call: &StoredCall, zone: &TimeZone) -> Vec<Fact> {
    let outcome = &call.outcome;
    let begun = outcome.started_at.to_zoned(zone.clone()).strftime("%Y-%m-%d %H:%M:%S %:z");
    let mut facts = vec![
        ("id", outcome.id.to_string()),
        ("conversation", call.conversation.to_string()),
        ("begun", begun.to_string()),
        ("command", call.command.clone()),
        ("model", outcome.model.to_string()),
    ];
    let name = outcome.model.to_string();
    facts.extend((outcome.lane != name).then(|| ("lane", outcome.lane.clone())));
    facts.extend(served(outcome).map(|served| ("served by", served)));
    facts.push(("status", status(outcome)));
    facts.extend(
        outcome.error.as_ref().map(|error| ("error", format!("{}: {}", error.kind.as_str(), error.message))),
    );
    facts.extend(outcome.usage.map(|counted| ("tokens", tokens(&counted))));
    facts.push(("cost", cost(outcome)));
    facts.extend(timing(outcome).map(|timing| ("time", timing)));
    facts.extend((outcome.attempts.len() > 1).then(|| ("attempts", attempts(&outcome.attempts))));
    facts.extend(options(call).map(|options| ("options", options)));
    let dropped = outcome.dropped.iter().map(|one| ("dropped", format!("{}: {}", one.param, one.reason)));
    facts.extend(dropped);
    facts.extend(outcome.request_id.clone().map(|id| ("request id", id)));
    facts
}

fn served(outcome: &Outcome) -> Option<String> {
    let parts = [outcome.served_model.as_deref(), outcome.served_by.as_deref()];
    let parts: Vec<&str> = parts.into_iter().flatten().collect();
    (!parts.is_empty()).then(|| parts.join(" at "))
}

fn status(outcome: &Outcome) -> String {
    let mut text = outcome.status.as_str().to_owned();
    if let Some(finish) = outcome.finish {
        let _ = write!(text, " ({})", finish.as_str());
    }
    if outcome.cached {
        text.push_str(", from the provider's cache");
    }
    if outcome.malformed_events > 0 {
        let _ = write!(text, ", unreadable events skipped: {}", outcome.malformed_events);
    }
    text
}

/// `312 in (40 from cache), 128 out (30 reasoning)`.
fn tokens(counted: &CountedUsage) -> String {
    let usage = &counted.usage;
    let detail = |parts: &[(u64, &str)]| {
        let parts: Vec<String> = parts
            .iter()
            .filter(|(count, _)| *count > 0)
            .map(|(count, name)| format!("{count} {name}"))
            .collect();
        if parts.is_empty() { String::new() } else { format!(" ({})", parts.join(", ")) }
    };
    let written = usage.cache_write_5m + usage.cache_write_1h;
    let input = detail(&[
        (usage.cache_read.0, "from cache"),
        (written.0, "written to cache"),
        (usage.input_audio.0, "audio"),
    ]);
    let output = detail(&[(usage.reasoning.0, "reasoning"), (usage.output_audio.0, "audio")]);
    let about = about(counted);
    format!("{about}{} in{input}, {about}{} out{output}", usage.input(), usage.output)
}

fn cost(outcome: &Outcome) -> String {
    let bill = &outcome.bill;
    if costs_nothing(outcome.status, outcome.usage.as_ref(), bill, outcome.possibly_billed) {
        return "none: nothing was served".to_owned();
    }
    let mut text = match bill.cost {
        Some(cost) => format!("{} ({})", cost.to_display(), bill.source.as_str()),
        None => "unknown".to_owned(),
    };
    if bill.approximate {
        text.push_str(", approximate");
    }
    if outcome.possibly_billed {
        text.push_str(", possibly billed");
    }
    text
}

/// `0.41 s to first word, 1.32 s in all, 96 tok/s`; `None` where nothing was sent.
fn timing(outcome: &Outcome) -> Option<String> {
    let timing = outcome.timing();
    let about = outcome.usage.as_ref().map_or("", about);
    let mut parts = Vec::new();
    parts.extend(timing.ttfv_ms.map(|ms| format!("{} to first word", figures::duration(ms))));
    parts.push(format!("{} in all", figures::duration(timing.wall_ms?)));
    parts.extend(timing.decode_tps.map(|speed| format!("{about}{}", figures::speed(speed))));
    Some(parts.join(", "))
}

/// `429 rate_limit after 0.20 s, waited 3.00 s; 200 after 1.32 s`.
fn attempts(attempts: &[Attempt]) -> String {
    let in_seconds = |duration: Duration| figures::duration(crate::outcome::ms(duration));
    let one = |attempt: &Attempt| {
        let mut text = attempt.status.map(|status| format!("{status} ")).unwrap_or_default();
        if let Some(error) = &attempt.error {
            let _ = write!(text, "{} ", error.kind.as_str());
        }
        let _ = write!(text, "after {}", in_seconds(attempt.took));
        if let Some(waited) = attempt.waited {
            let _ = write!(text, ", waited {}", in_seconds(waited));
        }
        text
    };
    attempts.iter().map(one).collect::<Vec<_>>().join("; ")
}

/// What the user had set; `None` where that is nothing.
fn options(call: &StoredCall) -> Option<String> {
    let params = &call.request.params;
    let mut parts = Vec::new();
    parts.extend(params.temperature.map(|value| format!("temperature={value}")));
    parts.extend(params.top_p.map(|value| format!("top_p={value}")));
    parts.extend(params.max_tokens.map(|value| format!("max_tokens={value}")));
    parts.extend(params.seed.map(|value| format!("seed={value}")));
    parts.extend(params.effort.map(|value| format!("effort={value}")));
    parts.extend(params.stop.iter().map(|text| format!("stop={text:?}")));
    parts.extend(params.extra.iter().map(|(name, value)| format!("{name}={value}")));
    parts.extend(call.request.schema.as_ref().map(|schema| format!("schema={schema}")));
    (!parts.is_empty()).then(|| parts.join(" "))
}
