//! How long a provider asks to be left alone, in every form that was seen.

use std::time::Duration;

use jiff::Timestamp;
use serde_json::Value;

use super::Headers;

/// How long the headers ask to wait, counted from `now`. Only to be asked of
/// failed answers: some providers send `retry-after` with every 200.
pub fn retry_after(headers: &Headers, now: Timestamp) -> Option<Duration> {
    let milliseconds = ["retry-after-ms", "x-ms-retry-after-ms"].into_iter().find_map(|name| {
        let ms: f64 = headers.get(name)?.trim().parse().ok()?;
        Duration::try_from_secs_f64(ms / 1_000.0).ok()
    });
    milliseconds.or_else(|| delay(headers.get("retry-after")?, now))
}

/// Seconds (`1.5`), an HTTP date, an RFC 3339 time, or a duration (`6m0s`, `250ms`).
fn delay(text: &str, now: Timestamp) -> Option<Duration> {
    let text = text.trim();
    if let Ok(seconds) = text.parse::<f64>() {
        return Duration::try_from_secs_f64(seconds).ok();
    }
    let at =
        jiff::fmt::rfc2822::DateTimeParser::new().parse_timestamp(text).ok().or_else(|| text.parse().ok());
    match at {
        Some(at) => Some(at.duration_since(now).try_into().unwrap_or(Duration::ZERO)),
        None => go_duration(text),
    }
}

/// Go's duration text, as rate-limit headers and Google's `retryDelay` use it:
/// `37s`, `2m59.56s`, `1h`, `4ms`.
fn go_duration(text: &str) -> Option<Duration> {
    let mut rest = text;
    let mut seconds = 0.0;
    if rest.is_empty() {
        return None;
    }
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let number: f64 = rest[..digits].parse().ok()?;
        rest = &rest[digits..];
        let unit = rest.find(|c: char| c.is_ascii_digit()).unwrap_or(rest.len());
        seconds += number
            * match &rest[..unit] {
                "h" => 3_600.0,
                "m" => 60.0,
                "s" => 1.0,
                "ms" => 0.001,
                "us" | "µs" => 0.000_001,
                _ => return None,
            };
        rest = &rest[unit..];
    }
    Duration::try_from_secs_f64(seconds).ok()
}

/// Delays that travel in the body: Google's `RetryInfo`, `OpenRouter`'s
/// `availability` and metadata.
pub(super) fn body_delay(json: &Value) -> Option<Duration> {
    let google = json["details"]
        .as_array()
        .into_iter()
        .flatten()
        .find_map(|item| go_duration(item["retryDelay"].as_str()?));
    let seconds = |value: &Value| {
        Duration::try_from_secs_f64(value.as_f64().or_else(|| value.as_str()?.parse().ok())?).ok()
    };
    google
        .or_else(|| seconds(&json["availability"]["retry_after"]))
        .or_else(|| seconds(&json["metadata"]["retry_after"]))
        .or_else(|| seconds(&json["retry_after"]))
}

/// Groq says its delay only in words: `Please try again in 2m59.56s.` Google
/// repeats its own in them: `Please retry in 20.04466179s.`
pub(super) fn delay_in_words(message: &str) -> Option<Duration> {
    let (_, rest) = message.split_once("try again in ").or_else(|| message.split_once("retry in "))?;
    let end = rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '.').unwrap_or(rest.len());
    go_duration(rest[..end].trim_end_matches('.'))
}
